"""Locks that older releases of uv wrote of the golden cases, against what is written for those releases.

The files under `eras/` are theirs, made over an index on loopback; each of these releases also accepted our locks of
these cases (`uv lock --check`).
"""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from lockflow.lock.decode import decode
from lockflow.lock.revisions import era_of, revision_of
from support.golden import load_case
from support.index_server import MemoryTransport
from support.run import run_lock

ERAS = Path(__file__).parent / "eras"
FILES = sorted(path.relative_to(ERAS).as_posix() for path in ERAS.glob("*/*.lock"))


def test_there_are_eras() -> None:
    assert {file.partition("/")[0] for file in FILES} == {"0.5.31", "0.6.14", "0.7.22", "0.8.22", "0.12.21"}


@pytest.mark.parametrize("file", FILES)
def test_a_lock_is_written_as_the_release_wrote_it(file: str, tmp_path: Path) -> None:
    release, _, name = file.removesuffix(".lock").partition("/")
    case = load_case(name)
    folder = case.copy_project(tmp_path / "project")
    transport = MemoryTransport(case.content().answer, case.hosts)
    environment = {"LOCKFLOW_UV": release}
    run = run_lock(folder, case.args, transport, cache=tmp_path / "cache", python=case.python, environment=environment)
    assert run.code == 0, run.said
    written = case.hosts.publish((folder / case.lock).read_bytes().decode())
    expected = (ERAS / file).read_bytes().decode()
    assert written == expected, "".join(
        difflib.unified_diff(expected.splitlines(True), written.splitlines(True), release, "written", n=2)
    )


@pytest.mark.parametrize("file", FILES)
def test_a_lock_of_an_older_release_is_still_right_and_keeps_its_bytes(file: str, tmp_path: Path) -> None:
    release, _, name = file.removesuffix(".lock").partition("/")
    case = load_case(name)
    folder = case.copy_project(tmp_path / "project")
    content = case.hosts.localise((ERAS / file).read_bytes().decode()).encode()
    (folder / case.lock).write_bytes(content)
    assert decode(content.decode(), file).revision == revision_of(release)
    transport = MemoryTransport(case.content().answer, case.hosts)
    for uv in ("", release, "0.13.8"):
        environment = {"LOCKFLOW_UV": uv} if uv else {}
        cache = tmp_path / "cache"
        run = run_lock(folder, case.args, transport, cache=cache, python=case.python, environment=environment)
        assert (run.code, run.said) == (0, "unchanged")
        assert (folder / case.lock).read_bytes() == content


@pytest.mark.parametrize(
    ("release", "known", "shortens_edges"),
    [
        ("0.8.22", set(), False),
        ("0.9.15", set(), False),
        ("0.9.22", {"processors"}, False),
        ("0.10.4", {"processors"}, False),
        ("0.10.12", {"processors", "cp3"}, False),
        ("0.11.4", {"processors", "cp3", "abi3t"}, False),
        ("0.11.24", {"processors", "cp3", "abi3t"}, False),
        ("0.11.26", {"processors", "cp3", "abi3t"}, True),
        ("0.12.21", {"processors", "cp3", "abi3t"}, True),
        ("0.13.8", {"processors", "cp3", "abi3t", "windows-on-arm"}, True),
    ],
)
def test_what_a_release_knows_was_seen_in_its_locks(release: str, known: set[str], *, shortens_edges: bool) -> None:
    era = era_of(release)
    assert (set(era.known), era.shortens_edges) == (known, shortens_edges)
