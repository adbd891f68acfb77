"""Every golden case, locked by lockflow from memory and compared byte for byte (`make golden`).

There is no switch that rewrites these locks: the reference tool wrote them, and they are not ours to change.
"""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from support.golden import case_names, load_case, not_yet, play
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
    folder, transport, environment = play(case, tmp_path)
    run = run_lock(
        folder,
        case.args,
        transport,
        cache=tmp_path / "cache",
        python=case.python,
        environment=environment,
    )
    assert run.code == 0, run.said
    written = case.hosts.publish((folder / case.lock).read_bytes().decode())
    assert written == case.expected, "".join(
        difflib.unified_diff(case.expected.splitlines(True), written.splitlines(True), "expected", "written", n=2)
    )
