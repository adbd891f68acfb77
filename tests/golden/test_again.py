"""Locking again changes nothing: neither when nothing is looked at, nor when everything is resolved once more."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.golden import case_names, load_case, play
from support.run import run_lock


@pytest.mark.golden
@pytest.mark.parametrize("name", case_names())
def test_a_lock_is_a_fixed_point(name: str, tmp_path: Path) -> None:
    case = load_case(name)
    folder, transport, environment = play(case, tmp_path)
    args = [word for word in case.args if not word.startswith("--preview")]
    if len(args) < len(case.args):
        pytest.skip("a preview mode")

    def lock(*more: str) -> bytes:
        run = run_lock(
            folder,
            [*args, *more],
            transport,
            cache=tmp_path / "cache",
            python=case.python,
            environment=environment,
        )
        assert run.code == 0, run.said
        return (folder / case.lock).read_bytes()

    first = lock()
    assert lock() == first
    # As with uv, forks that were found may come in another order when they are begun with; then it stays.
    settled = lock("--refresh")
    assert sorted(settled.splitlines()) == sorted(first.splitlines())
    assert lock("--refresh") == settled
    assert lock() == settled
    assert lock("--check") == settled
