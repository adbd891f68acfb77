"""Another process that works on a project."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROGRAM = """\
import pathlib, sys
from lockflow.lock.files import only_one_process
path = pathlib.Path(sys.argv[1])
sys.argv = sys.argv[2:] or [""]
with only_one_process(path):
    print("held", flush=True)
    sys.stdin.read()
"""


class Holder:
    """A process that holds a file until it is told to release it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid

    def release(self) -> None:
        """Let it end."""
        assert self._process.stdin is not None
        self._process.stdin.close()


@contextmanager
def held(path: Path, *started_as: str) -> Iterator[Holder]:
    """Let another process hold the file at `path` until the block ends, or until it is told to release it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(path), *started_as],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield Holder(process)
    assert process.returncode == 0
