"""Two people change one pyproject on two branches, and git itself calls the merge driver."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lockflow.cli.main import main
from support.index_content import IndexContent, one_origin
from support.index_server import IndexServer
from support.reference import run_uv, uv_path
from support.workbench import Workbench

PROGRAM = Path(sys.executable).with_name("lockflow")
GROUPS = "\n[dependency-groups]\nfirst = []\n# ----\n# keeps the two\n# apart\n# ----\nlast = []\n"


@dataclass
class Clone:
    """A clone in which branch `ours` asks for cherry, branch `theirs` for melon and a higher apple."""

    bench: Workbench

    @property
    def folder(self) -> Path:
        return self.bench.project

    @property
    def lock(self) -> bytes:
        return self.bench.lock.read_bytes()

    def git(self, *words: str, code: int = 0) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@x.example", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *identity, *words], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def edit(self, old: str, new: str) -> None:
        path = self.folder / "pyproject.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def relock(self, *words: str) -> int:
        return main(["lock", "--quiet", "--directory", str(self.folder), *words])

    def branch(self, name: str, *edits: tuple[str, str]) -> None:
        self.git("checkout", "-q", "-b", name, "main")
        for old, new in edits:
            self.edit(old, new)
        assert self.relock() == 0
        self.git("commit", "-qam", name)


@pytest.fixture
def clone(bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clone]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("LOCKFLOW_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for name in ("cherry", "melon", "grape"):
        bench.offer(name, "1.0", *(["grape"] if name == "melon" else []))
    bench.offer("apple", "1.5", "core<2").offer("pear", "1.0")
    with IndexServer() as server:
        hosts = one_origin(server.origin)
        server.answer = lambda *words: IndexContent(
            {"index": [{"name": "simple"}], "release": bench.releases}, hosts
        ).answer(*words)
        path = bench.write("apple<1.4", "pear", more=GROUPS)
        path.write_text(hosts.localise(path.read_text(encoding="utf-8")), encoding="utf-8")
        found = Clone(bench)
        assert found.relock() == 0
        (found.folder / ".gitattributes").write_text("uv.lock merge=uvlock\n", encoding="utf-8")
        found.git("init", "-q", "-b", "main")
        found.git("config", "merge.uvlock.driver", f"{PROGRAM} merge-driver %O %A %B %P")
        found.git("add", ".gitattributes", "pyproject.toml", "uv.lock")
        found.git("commit", "-qm", "base")
        bench.offer("pear", "2.0")
        found.branch("theirs", ("last = []", 'last = ["melon"]'), ("apple<1.4", "apple>=1.5"))
        found.branch("ours", ("first = []", 'first = ["cherry"]'))
        yield found


def expected(clone: Clone, side: str) -> bytes:
    """What `lockflow lock` writes for the merged project beside the lock of one side; the working tree stays."""
    merged = clone.lock
    clone.bench.lock.write_text(clone.git("show", f"{side}:uv.lock"), encoding="utf-8")
    assert clone.relock() == 0
    found = clone.lock
    clone.bench.lock.write_bytes(merged)
    return found


def test_a_merge_gives_the_lock_of_the_merged_project(clone: Clone, tmp_path: Path) -> None:
    said = clone.git("merge", "--no-edit", "theirs")
    assert "Merged uv.lock: 7 packages" in said
    merged = clone.lock
    assert merged == expected(clone, "main") == expected(clone, "theirs")
    assert clone.relock("--check") == 0
    # pear 2.0 came since, and a merge is no upgrade.
    assert b'name = "pear"\nversion = "1.0"' in merged
    assert b'name = "apple"\nversion = "1.5"' in merged
    assert {b"cherry", b"melon", b"grape"} <= {
        line.split(b'"')[1] for line in merged.split(b"\n") if b"name = " in line
    }
    assert clone.git("status", "--porcelain", "--untracked-files=no") == ""
    if uv_path() is not None:
        done = run_uv(["lock", "--check"], clone.folder, tmp_path / "uv-cache")
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [("rebase", "theirs"), ("cherry-pick", "theirs")], ids=lambda words: words[0])
def test_a_rebase_and_a_cherry_pick_do_too(clone: Clone, words: tuple[str, str]) -> None:
    clone.git(*words)
    assert clone.lock == expected(clone, "main") == expected(clone, "theirs")
    assert clone.relock("--check") == 0


def test_a_conflict_in_the_project_leaves_both_sides_for_the_next_lock(clone: Clone) -> None:
    clone.edit('first = ["cherry"]', "first = []")
    clone.edit("last = []", 'last = ["cherry"]')
    assert clone.relock() == 0
    clone.git("commit", "-qam", "the same line")
    said = clone.git("merge", "--no-edit", "theirs", code=1)
    assert "the lock cannot be merged before its project is" in said
    assert clone.lock.startswith(b"<<<<<<< ours\n")
    project = (clone.folder / "pyproject.toml").read_text(encoding="utf-8")
    before, _, rest = project.partition("<<<<<<< ")
    after = rest.partition(">>>>>>> ")[2].partition("\n")[2]
    merged = f'{before}last = ["cherry", "melon"]\n{after}'
    (clone.folder / "pyproject.toml").write_text(merged, encoding="utf-8")
    assert clone.relock() == 0
    assert clone.relock("--check") == 0
    assert b'name = "pear"\nversion = "1.0"' in clone.lock


def test_the_lock_of_a_script_is_merged_too(clone: Clone) -> None:
    index = (clone.folder / "pyproject.toml").read_text(encoding="utf-8").partition('url = "')[2].partition('"')[0]
    lines = ["/// script", 'requires-python = ">=3.11"', "dependencies = [", *["  # apart"] * 5, "]",
             "[[tool.uv.index]]", f'url = "{index}"', "default = true", "///"]  # fmt: skip
    script = clone.folder / "s.py"
    script.write_text("".join(f"# {line}\n" for line in lines), encoding="utf-8")
    (clone.folder / ".gitattributes").write_text("*.lock merge=uvlock\n", encoding="utf-8")
    assert clone.relock("--script", "s.py") == 0
    clone.git("add", "s.py", "s.py.lock", ".gitattributes")
    clone.git("commit", "-qm", "script")
    clone.git("branch", "other")
    for branch, old, new in (
        ("ours", "dependencies = [\n", 'dependencies = ["cherry",\n'),
        ("other", "# ]\n", '#   "melon",\n# ]\n'),
    ):
        clone.git("checkout", "-q", branch)
        text = script.read_text(encoding="utf-8")
        assert old in text
        script.write_text(text.replace(old, new), encoding="utf-8")
        assert clone.relock("--script", "s.py") == 0
        clone.git("commit", "-qam", branch)
    said = clone.git("merge", "--no-edit", "ours")
    assert "Merged s.py.lock" in said
    assert clone.relock("--script", "s.py", "--check") == 0
    text = (clone.folder / "s.py.lock").read_text(encoding="utf-8")
    assert 'name = "cherry"' in text
    assert 'name = "melon"' in text
