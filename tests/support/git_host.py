"""The `[[git]]` tables of a golden case to bare repositories with the very commit ids, served as plain files.

Git's "dumb" protocol needs no program on the server's side: a client walks refs and objects by name.
"""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.index_content import Answer


def build_repositories(table: Mapping[str, Any], root: Path) -> None:
    """Build every repository of the table as `root/NAME.git`, and check each commit id on the way."""
    for repository in table.get("git", ()):
        work = root / f"{repository['name']}.work"
        work.mkdir(parents=True)
        _git(work, 0, "init", "--quiet", "--initial-branch=main")
        for number, commit in enumerate(repository["commit"]):
            _commit(work, number, commit)
        _git(work, 0, "checkout", "--quiet", "main")
        bare = root / f"{repository['name']}.git"
        _git(root, 0, "clone", "--quiet", "--mirror", str(work), str(bare))
        _git(bare, 0, "update-server-info")


def repository(folder: Path) -> str:
    """Make a repository of a folder, with all that is in it in one commit; its URL."""
    _git(folder, 0, "init", "--quiet", "--initial-branch=main")
    _git(folder, 0, "add", "--all")
    _git(folder, 0, "commit", "--quiet", "--message", "all")
    return folder.as_uri()


def _commit(work: Path, number: int, commit: Mapping[str, Any]) -> None:
    if "branch" in commit:
        _git(work, number, "checkout", "--quiet", "-B", commit["branch"])
    for name, text in commit["files"].items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        is_binary = text.startswith("base64:")
        path.write_bytes(base64.b64decode(text.removeprefix("base64:")) if is_binary else text.encode())
    _git(work, number, "add", "--all")
    _git(work, number, "commit", "--quiet", "--allow-empty", "--message", f"c{number}")
    if "tag" in commit:
        _git(work, number, "tag", commit["tag"])
    built = _git(work, number, "rev-parse", "HEAD")
    assert built == commit["sha"], f"commit {number} became {built}"


def _git(folder: Path, number: int, *args: str) -> str:
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in _identity(number)}
    nothing = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-c", "core.autocrlf=false", *args]
    done = subprocess.run(command, cwd=folder, env=os.environ | who | nothing, capture_output=True, check=True)
    return done.stdout.decode().strip()


def _identity(number: int) -> list[tuple[str, str]]:
    return [("NAME", "a"), ("EMAIL", "a@x.example"), ("DATE", f"2024-01-01T00:00:{number:02}+00:00")]


def git_from_folder(url: str, root: Path) -> dict[str, str]:
    """Variables by which git reads the repositories below `root` where it is asked for `url`; no others are set."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{root.as_uri()}/.insteadOf",
        "GIT_CONFIG_VALUE_0": f"{url}/",
    }


def answer_from_folder(root: Path, target: str) -> Answer:
    """Answer `/git/NAME.git/...` from the repositories below `root`."""
    path = (root / target.partition("?")[0].removeprefix("/git/")).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file():
        return Answer(404, (), b"not served\n")
    return Answer(200, [("content-type", "application/octet-stream")], path.read_bytes())
