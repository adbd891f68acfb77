"""A command to what it cost: wall clock, processor time and peak memory of it and all that it started.

Standard library only and little of it: a child's peak memory cannot come out below that of the process it was forked
from, so this one stays small (about 15 MB).
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """What one run cost, and how it ended; `said` is the end of its output."""

    wall_seconds: float
    cpu_seconds: float
    peak_megabytes: float
    code: int
    said: str


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str], *, timeout_seconds: float) -> Cost:
    """Run to the end, or kill the whole process group at the timeout (exit code -9)."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
        timer = threading.Timer(timeout_seconds, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode(errors="replace")[-2000:]
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode, said)
