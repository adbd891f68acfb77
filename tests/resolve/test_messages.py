"""What a person reads where there is no solution: small projects beside the message, in tests/resolve/messages.

`REWRITE_EXPECTED=1` writes the messages anew; they are reviewed for sense, not only for difference.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lockflow.errors import EXIT_ANSWER_IS_NO
from support.expected import assert_expected
from support.index_server import MemoryTransport
from support.run import run_lock
from support.universe import read_universe

MESSAGES = Path(__file__).parent / "messages"
NAMES = sorted(path.stem for path in MESSAGES.glob("*.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_message_says_what_is_wrong_and_what_to_change(name: str, tmp_path: Path) -> None:
    universe = read_universe(tomllib.loads((MESSAGES / f"{name}.toml").read_text(encoding="utf-8")))
    project = tmp_path / "project"
    universe.write(project)
    transport = MemoryTransport(universe.content().answer)
    run = run_lock(project, ["lock"], transport, cache=tmp_path / "cache", python=universe.python)
    assert run.code == EXIT_ANSWER_IS_NO, run.said
    said = run.said.replace(str(project) + "/", "")
    assert_expected(MESSAGES / f"{name}.txt", said + "\n")
