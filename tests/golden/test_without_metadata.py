"""Locks without metadata, a preview mode of uv: every golden project, locked by real uv and by lockflow, and edited."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.git_host import git_from_folder
from support.golden import case_names, load_case, not_yet
from support.index_content import one_origin
from support.index_server import IndexServer, MemoryTransport
from support.reference import run_uv, uv_path
from support.run import run_lock

pytestmark = [pytest.mark.uv, pytest.mark.skipif(uv_path() is None, reason="uv is not installed beside this Python")]

PREVIEW = ("--preview-features", "lock-without-metadata")


@pytest.mark.parametrize("name", [name for name in case_names() if name not in not_yet()])
def test_lock_without_metadata_is_identical_and_accepted(name: str, tmp_path: Path) -> None:
    case = load_case(name)
    args = case.args if PREVIEW[1] in case.args else (*case.args, *PREVIEW)
    with IndexServer() as server:
        hosts = one_origin(server.origin)
        server.answer = case.content(hosts, git_root=tmp_path / "git").answer
        theirs = case.copy_project(tmp_path / "theirs", hosts)
        reference = run_uv(args, theirs, tmp_path / "uv-cache")
        if "No interpreter found for Python" in reference.stderr:
            pytest.skip(f"no Python here that {case.name} admits")
        if "Failed to fetch" in reference.stderr:
            pytest.skip("the reference reads a file that the index of the case does not have")
        assert reference.returncode == 0, reference.stderr
    expected = hosts.publish((theirs / case.lock).read_bytes().decode())
    ours = case.copy_project(tmp_path / "ours")
    git_root = tmp_path / "git-ours"
    transport = MemoryTransport(case.content(git_root=git_root).answer, case.hosts)
    environment = git_from_folder(case.hosts.git, git_root)

    def lock(*more: str) -> str:
        run = run_lock(
            ours, [*args, *more], transport, cache=tmp_path / "cache", python=case.python, environment=environment
        )
        assert run.code == 0, run.said
        return case.hosts.publish((ours / case.lock).read_bytes().decode())

    assert lock() == expected
    assert lock("--check") == expected
    assert lock("--refresh") in {expected, lock("--refresh")}


EDITS = (
    ('"b[empty]>=1"', '"b[empty]>=1.5"', 0),
    ('"b[empty]>=1"', '"b[empty]<2"', 1),
    ('"b[empty]>=1"', '"b"', 1),
    ('"a[x,nope]",', "", 1),
    ('    "a[x,nope]",', '    "e",\n    "a[x,nope]",', 1),
    ("sys_platform == 'linux'", "sys_platform == 'darwin'", 1),
    ("none = []", "", 1),
    ("none = []", 'none = ["c"]', 1),
    ('version = "0.1.0"', 'version = "0.1.1"', 1),
    ("[project.optional", 'description = "words"\n[project.optional', 0),
    ("[project.optional", "[dependency-groups]\nplain = []\n[project.optional", 1),
)  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code"), EDITS)
def test_what_is_not_recorded_is_held_against_edges(old: str, new: str, code: int, tmp_path: Path) -> None:
    case = load_case("lock-without-metadata")
    with IndexServer() as server:
        hosts = one_origin(server.origin)
        server.answer = case.content(hosts).answer
        theirs, ours = case.copy_project(tmp_path / "theirs", hosts), case.copy_project(tmp_path / "ours")
        for folder, locally in ((theirs, hosts), (ours, case.hosts)):
            (folder / case.lock).write_bytes(locally.localise(case.expected).encode())
            text = (folder / "pyproject.toml").read_text(encoding="utf-8")
            assert text.count(old) == 1
            (folder / "pyproject.toml").write_text(text.replace(old, new), encoding="utf-8")
        reference = run_uv([*case.args, "--check"], theirs, tmp_path / "uv-cache")
    transport = MemoryTransport(case.content().answer, case.hosts)
    run = run_lock(ours, [*case.args, "--check"], transport, cache=tmp_path / "cache", python=case.python)
    assert (run.code, reference.returncode) == (code, code), (run.said, reference.stderr)
