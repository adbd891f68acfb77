from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lockflow.engines.process import run_here
from lockflow.errors import EngineError


def test_a_program_is_run_with_what_it_is_given(tmp_path: Path) -> None:
    program = "import os, sys; print(os.getcwd(), os.environ['WORD']); sys.exit(3)"
    outcome = run_here([sys.executable, "-c", program], folder=tmp_path, environment={"WORD": "yes"})
    assert outcome is not None
    assert (outcome.exit_code, outcome.stdout.strip()) == (3, f"{tmp_path} yes")


def test_no_such_program_is_an_answer(tmp_path: Path) -> None:
    assert run_here(["no-such-program-here"], folder=tmp_path, environment={}) is None


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="did not end within"):
        run_here(
            [sys.executable, "-c", "import time; time.sleep(60)"],
            folder=tmp_path,
            environment={},
            timeout_seconds=0.2,
        )


def test_a_program_that_is_none_is_an_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF")
    broken.chmod(0o755)
    with pytest.raises(EngineError, match="cannot be started"):
        run_here([str(broken)], folder=tmp_path, environment={})
