from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.workbench import Workbench


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@x.example", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def edit(bench: Workbench, old: str, new: str) -> None:
    path = bench.project / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def two_branches(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    """One branch puts cherry into the group `first`, the other melon into `last`; main is checked out at the first."""
    bench.offer("cherry", "1.0").offer("melon", "1.0").offer("melon", "2.0", "cherry")
    groups = "\n[dependency-groups]\nfirst = []\n# ----\n# keeps the two\n# apart\n# ----\nlast = []\n"
    bench.write("apple", more=groups)
    assert bench.run("lock").code == 0
    git(bench.project, "init", "-q", "-b", "main")
    git(bench.project, "add", "pyproject.toml", "uv.lock")
    git(bench.project, "commit", "-qm", "base")
    git(bench.project, "checkout", "-qb", "theirs")
    edit(bench, "last = []", 'last = ["melon"]')
    assert bench.run("lock").code == 0
    git(bench.project, "commit", "-qam", "melon")
    git(bench.project, "checkout", "-q", "main")
    edit(bench, "first = []", 'first = ["cherry"]')
    assert bench.run("lock").code == 0
    git(bench.project, "commit", "-qam", "cherry")
    (bench.project / "theirs.lock").write_text(git(bench.project, "show", "theirs:uv.lock") + "\n", encoding="utf-8")
    (bench.project / "base.lock").write_text(git(bench.project, "show", "main~1:uv.lock") + "\n", encoding="utf-8")
    (bench.project / "ours.lock").write_bytes(bench.lock.read_bytes())
    monkeypatch.chdir(bench.project)
    monkeypatch.setenv(f"GITHEAD_{git(bench.project, 'rev-parse', 'theirs')}", "theirs")
    return bench


def test_the_merged_lock_is_that_of_the_merged_project(two_branches: Workbench) -> None:
    bench = two_branches
    run = bench.run("merge-driver", "base.lock", "ours.lock", "theirs.lock", "uv.lock")
    assert run.code == 0, run.said
    merged = (bench.project / "ours.lock").read_text(encoding="utf-8")
    edit(bench, "last = []", 'last = ["melon"]')
    assert bench.run("lock").code == 0
    assert merged == bench.lock.read_text(encoding="utf-8")
    assert 'name = "cherry"' in merged
    assert 'name = "melon"' in merged


def test_where_the_project_is_in_conflict_both_sides_stay_and_the_next_lock_takes_them(two_branches: Workbench) -> None:
    bench = two_branches
    edit(bench, "last = []", 'last = ["pear"]')
    git(bench.project, "commit", "-qam", "the same line")
    run = bench.run("merge-driver", "base.lock", "ours.lock", "theirs.lock", "uv.lock")
    assert run.code == 1
    assert "pyproject.toml" in run.said
    both = (bench.project / "ours.lock").read_text(encoding="utf-8")
    assert both.startswith("<<<<<<< ours\n")
    edit(bench, 'last = ["pear"]', 'last = ["melon"]')
    bench.lock.write_text(both, encoding="utf-8")
    assert bench.run("lock").code == 0
    assert bench.run("lock", "--check").code == 0


def test_while_git_merges_ahead_of_time_our_side_is_left_as_it_is(
    two_branches: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = two_branches
    before = (bench.project / "ours.lock").read_bytes()
    monkeypatch.setenv("LOCKFLOW_MERGING", "1")
    assert bench.run("merge-driver", "base.lock", "ours.lock", "theirs.lock", "uv.lock").code == 0
    assert (bench.project / "ours.lock").read_bytes() == before


def test_files_that_git_did_not_hand_over_are_not_made(two_branches: Workbench) -> None:
    run = two_branches.run("merge-driver", "a", "b", "c")
    assert run.code == 2
    assert "there is no file b" in run.said
    assert not Path("b").exists()


def test_outside_of_a_merge_it_says_how_to_set_it_up(two_branches: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = two_branches
    monkeypatch.delenv(f"GITHEAD_{git(bench.project, 'rev-parse', 'theirs')}")
    (bench.project / "theirs.lock").write_text("of no commit\n", encoding="utf-8")
    run = bench.run("merge-driver", "base.lock", "ours.lock", "theirs.lock")
    assert run.code == 2
    assert "merge.uvlock.driver" in run.said
