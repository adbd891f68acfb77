"""What is left when somebody, or the system, ends a sync before its time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from support.house import House
from support.installation import Installation

SECONDS = 60
"""What another process may take on a busy machine; none of the tests waits for so long where all is well."""


class Slow(House):
    """An index that keeps those who ask for a file waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.was_asked = threading.Event()
        self.may_answer = threading.Event()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        if path.startswith("/files/"):
            self.was_asked.set()
            self.may_answer.wait(SECONDS)
        return super().answer(path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_sync_that_is_ended_while_it_waits_leaves_an_environment_for_the_next(
    ready: Installation, tmp_path: Path, number: signal.Signals
) -> None:
    house = Slow()
    ready.house = house
    ready.offer("pear", "1.0")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    program = "import sys; from lockflow.cli.main import main; sys.exit(main())"
    environment = {
        **os.environ,
        "TMPDIR": str(scratch),
        "LOCKFLOW_CACHE_DIR": str(ready.cache),
        "NO_PROXY": "127.0.0.1",
    }
    with house.served():
        ready.write("pear")
        house.may_answer.set()
        assert ready.run("lock").code == 0
        house.may_answer.clear()
        house.was_asked.clear()
        process = subprocess.Popen(
            [sys.executable, "-c", program, "sync"],
            cwd=ready.project,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with process:
            try:
                assert house.was_asked.wait(SECONDS)
                process.send_signal(number)
                said, _ = process.communicate(timeout=SECONDS)
            finally:
                process.kill()
        if number == signal.SIGINT:
            assert process.returncode == 130
            assert "interrupted: " in said
            assert "the next `lockflow sync` mends what the environment lacks" in said
            assert "Traceback" not in said
            assert list(scratch.iterdir()) == []
        assert ready.packages == set()
        house.may_answer.set()
        run = ready.run("sync")
        assert run.code == 0, run.said
        assert ready.packages == {"pear-1.0"}
