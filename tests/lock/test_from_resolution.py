from __future__ import annotations

import pytest

from lockflow.index.model import File
from lockflow.lock.decode import decode
from lockflow.lock.encode import encode
from lockflow.lock.environments import covered
from lockflow.lock.from_resolution import lock_from_resolution
from lockflow.lock.model import Package
from lockflow.standards.markers.universal import UniversalMarker
from support.golden import GOLDEN
from support.lock_graph import locked_file, manifest_of, resolution_of

CASES = sorted(path.parent.name for path in GOLDEN.glob("*/uv.lock"))
NOT_FROM_THE_LOCK = {
    "conflicts-fork": "the lock does not say which extras a fork has, which decides the forks of a package",
    "lock-without-metadata": "the lock does not say what its packages declare",
}


def files_in_reverse(package: Package) -> tuple[File, ...]:
    files = [*package.wheels, *([package.sdist] if package.sdist else [])]
    return tuple(map(locked_file, reversed(files)))


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.xfail(reason=NOT_FROM_THE_LOCK[case], raises=AssertionError))
        if case in NOT_FROM_THE_LOCK
        else case
        for case in CASES
    ],
)
def test_the_graph_of_a_golden_lock_becomes_that_lock_again(case: str) -> None:
    text = (GOLDEN / case / "uv.lock").read_bytes().decode()
    lock = decode(text, "uv.lock")
    world = UniversalMarker.from_marker(covered(lock.requires_python.range, lock.fork_markers))
    manifest = manifest_of(lock, is_script=case.startswith("script"), is_flat="flat" in case or "find-links" in case)
    made = lock_from_resolution(resolution_of(lock, files_in_reverse, world), manifest)
    assert encode(made) == text
    assert made == lock
