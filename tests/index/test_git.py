from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from lockflow.errors import AnswerIsNo
from lockflow.index.git import Repositories
from lockflow.standards.requirements import Git

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


class Upstream:
    """A repository with commits that tests add one by one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.url = folder.as_uri()

    def git(self, *arguments: str) -> str:
        who = {f"GIT_{role}_{what}": "a@x.example" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        command = ["git", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=ENVIRONMENT | who, capture_output=True, check=True, text=True
        )
        return done.stdout.strip()

    def commit(self, text: str) -> str:
        (self.folder / "file").write_text(text, encoding="utf-8")
        self.git("add", "file")
        self.git("commit", "--quiet", "--message", text)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream")


def repositories(tmp_path: Path, *, offline: bool = False) -> Repositories:
    return Repositories(tmp_path / "cache", ENVIRONMENT, offline=offline)


def test_default_branch_is_what_head_names(tmp_path: Path, upstream: Upstream) -> None:
    first = upstream.commit("one")
    assert repositories(tmp_path).pinned(Git(url=upstream.url)).commit == first


def test_branch_tag_and_revision_mean_their_commits(tmp_path: Path, upstream: Upstream) -> None:
    first = upstream.commit("one")
    upstream.git("tag", "--annotate", "v1", "--message", "v1")
    upstream.git("checkout", "--quiet", "-b", "feat/x")
    second = upstream.commit("two")
    upstream.git("checkout", "--quiet", "main")
    known = repositories(tmp_path)

    def commit(kind: str, reference: str) -> str | None:
        source = Git(url=upstream.url, reference_kind=kind, reference=reference)  # type: ignore[arg-type]
        return known.pinned(source).commit

    assert commit("tag", "v1") == first
    assert commit("branch", "feat/x") == second
    assert commit("rev", "feat/x") == second
    assert commit("rev", "v1") == first
    assert commit("rev", second) == second
    assert commit("rev", second[:9]) == second
    assert commit("rev", "refs/heads/feat/x") == second


@pytest.mark.parametrize(("kind", "reference"), [("branch", "no"), ("tag", "no"), ("rev", "no"), ("rev", "0" * 40)])
def test_reference_that_is_not_there_is_an_answer(
    tmp_path: Path, upstream: Upstream, kind: str, reference: str
) -> None:
    upstream.commit("one")
    source = Git(url=upstream.url, reference_kind=kind, reference=reference)  # type: ignore[arg-type]
    with pytest.raises(AnswerIsNo, match="git repository cannot be used"):
        repositories(tmp_path).pinned(source)


def test_reference_is_never_taken_for_an_option(tmp_path: Path, upstream: Upstream) -> None:
    upstream.commit("one")
    source = Git(url=upstream.url, reference_kind="branch", reference="--upload-pack=touch hacked")
    with pytest.raises(AnswerIsNo, match="begins with a dash"):
        repositories(tmp_path).pinned(source)


def test_commit_that_is_there_needs_no_repository_any_more(tmp_path: Path, upstream: Upstream) -> None:
    first = upstream.commit("one")
    source = Git(url=upstream.url, reference_kind="branch", reference="main")
    pinned = repositories(tmp_path).pinned(source)
    upstream.folder.rename(tmp_path / "away")
    offline = repositories(tmp_path, offline=True)
    tree = offline.tree(offline.pinned(pinned))
    assert (tree / "file").read_text(encoding="utf-8") == "one"
    with pytest.raises(AnswerIsNo, match="network is off"):
        offline.pinned(source)
    assert pinned.commit == first


def test_locked_commit_is_kept_when_the_branch_moves_on(tmp_path: Path, upstream: Upstream) -> None:
    first = upstream.commit("one")
    second = upstream.commit("two")
    source = Git(url=upstream.url, reference_kind="branch", reference="main")
    known = repositories(tmp_path)
    kept = known.pinned(replace(source, commit=first))
    assert (known.tree(kept) / "file").read_text(encoding="utf-8") == "one"
    moved = known.pinned(source)
    assert moved.commit == second
    assert (known.tree(moved) / "file").read_text(encoding="utf-8") == "two"


def test_branch_that_moved_is_seen_by_the_next_run(tmp_path: Path, upstream: Upstream) -> None:
    upstream.commit("one")
    source = Git(url=upstream.url, reference_kind="branch", reference="main")
    repositories(tmp_path).pinned(source)
    second = upstream.commit("two")
    assert repositories(tmp_path).pinned(source).commit == second


def test_without_a_cache_nothing_stays(tmp_path: Path, upstream: Upstream) -> None:
    upstream.commit("one")
    known = Repositories(None, ENVIRONMENT)
    tree = known.tree(known.pinned(Git(url=upstream.url)))
    assert (tree / "file").is_file()
    known.close()
    assert not tree.exists()


def test_repository_that_is_not_there_is_an_answer(tmp_path: Path) -> None:
    with pytest.raises(AnswerIsNo) as caught:
        repositories(tmp_path).pinned(Git(url=(tmp_path / "nowhere").as_uri()))
    assert "git fetch ended with code" in caught.value.why


def test_missing_git_is_told(tmp_path: Path, upstream: Upstream) -> None:
    with pytest.raises(AnswerIsNo, match="git is needed"):
        Repositories(tmp_path / "cache", {"PATH": str(tmp_path)}).pinned(Git(url=upstream.url))
