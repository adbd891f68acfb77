"""Real uv, asked over loopback whether it accepts the locks: those of the golden cases, and those that lockflow wrote.

The first keeps the index server honest: a server that is wrong makes the reference tool disagree with its own lock.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.git_host import git_from_folder
from support.golden import GoldenCase, case_names, load_case, not_yet
from support.index_content import one_origin
from support.index_server import IndexServer, MemoryTransport
from support.reference import run_uv, uv_path
from support.run import run_lock

pytestmark = [pytest.mark.uv, pytest.mark.skipif(uv_path() is None, reason="uv is not installed beside this Python")]


@pytest.mark.parametrize("name", case_names())
def test_reference_accepts_the_golden_lock_over_loopback(name: str, tmp_path: Path) -> None:
    case = load_case(name)
    check(case, case.expected, tmp_path)


@pytest.mark.parametrize("name", [name for name in case_names() if name not in not_yet()])
def test_reference_accepts_what_lockflow_wrote(name: str, tmp_path: Path) -> None:
    case = load_case(name)
    folder = case.copy_project(tmp_path / "own")
    git_root = tmp_path / "own-git"
    transport = MemoryTransport(case.content(git_root=git_root).answer, case.hosts)
    environment = git_from_folder(case.hosts.git, git_root)
    cache = tmp_path / "own-cache"
    run = run_lock(folder, case.args, transport, cache=cache, python=case.python, environment=environment)
    assert run.code == 0, run.said
    check(case, case.hosts.publish((folder / case.lock).read_bytes().decode()), tmp_path)


def check(case: GoldenCase, lock: str, tmp_path: Path) -> None:
    """Put the lock into the project, serve the index on loopback, and let uv check it with an empty cache."""
    with IndexServer() as server:
        hosts = one_origin(server.origin)
        server.answer = case.content(hosts, git_root=tmp_path / "git").answer
        folder = case.copy_project(tmp_path / "project", hosts)
        (folder / case.lock).write_bytes(hosts.localise(lock).encode())
        done = run_uv([*case.args, "--check"], folder, tmp_path / "uv-cache")
    if "No interpreter found for Python" in done.stderr:
        pytest.skip(f"no Python here that {case.name} admits")
    assert done.returncode == 0, done.stderr
