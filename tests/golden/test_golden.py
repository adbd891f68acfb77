"""Every golden case, locked by lockflow from memory and compared byte for byte (`make golden`).

There is no switch that rewrites these locks: the reference tool wrote them, and they are not ours to change.
"""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from support.git_host import git_from_folder
from support.golden import case_names, load_case, not_yet
from support.index_server import MemoryTransport
from support.run import run_lock


def cases() -> list[object]:
    known = not_yet()
    assert known.keys() <= set(case_names()), "not-yet.txt names a case that does not exist"
    return [
        pytest.param(name, marks=pytest.mark.xfail(reason=known[name], strict=True)) if name in known else name
        for name in case_names()
    ]


@pytest.mark.golden
@pytest.mark.parametrize("name", cases())
def test_lock_is_identical_to_the_reference(name: str, tmp_path: Path) -> None:
    case = load_case(name)
    try:
        folder = case.copy_project(tmp_path / "project")
    except OSError as error:
        pytest.skip(f"this file system cannot hold the project: {error}")
    git_root = tmp_path / "git"
    transport = MemoryTransport(case.content(git_root=git_root).answer, case.hosts)
    run = run_lock(
        folder,
        case.args,
        transport,
        cache=tmp_path / "cache",
        python=case.python,
        environment=git_from_folder(case.hosts.git, git_root),
    )
    assert run.code == 0, run.said
    written = case.hosts.publish((folder / case.lock).read_bytes().decode())
    assert written == case.expected, "".join(
        difflib.unified_diff(case.expected.splitlines(True), written.splitlines(True), "expected", "written", n=2)
    )
