from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lockflow.lock.previous import committed_lock_text


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    project = tmp_path / "project"
    project.mkdir()
    (project / "uv.lock").write_text("version = 1\n# ä\n", encoding="utf-8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "one")
    return project


def test_the_lock_of_the_last_commit_is_read_in_a_folder_below_too(repository: Path) -> None:
    (repository / "uv.lock").write_text("version = 2\n", encoding="utf-8")

    assert committed_lock_text(repository / "uv.lock") == "version = 1\n# ä\n"


def test_a_lock_that_was_never_committed_has_none_before_it(repository: Path) -> None:
    assert committed_lock_text(repository / "tool.py.lock") is None
    assert committed_lock_text(repository.parent / "nowhere" / "uv.lock") is None


def test_without_a_repository_or_git_there_is_nothing_to_compare_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert committed_lock_text(tmp_path / "uv.lock") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert committed_lock_text(tmp_path / "uv.lock") is None


def test_a_lock_that_is_no_text_is_none(repository: Path) -> None:
    (repository / "uv.lock").write_bytes(b"\xff\xfe")
    git(repository, "commit", "--quiet", "-a", "-m", "two")

    assert committed_lock_text(repository / "uv.lock") is None
