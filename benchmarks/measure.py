"""A command to what it cost: wall clock, processor time and peak memory of it and all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

LAUNCHER = (sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py")))


class Cost(NamedTuple):
    """What one run cost, and how it ended; `said` is the end of its output."""

    wall_seconds: float
    cpu_seconds: float
    peak_megabytes: float
    code: int
    said: str


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str], *, timeout_seconds: float) -> Cost:
    """Run to the end, or kill the whole process group at the timeout (exit code -9)."""
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as output, os.fdopen(reading, encoding="ascii") as costs:
        process = subprocess.Popen(
            [*LAUNCHER, str(writing), *command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output,
            stderr=output, start_new_session=True, pass_fds=[writing],
        )  # fmt: skip
        os.close(writing)
        timer = threading.Timer(timeout_seconds, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        process.wait()
        timer.cancel()
        found = costs.read() if process.returncode == 0 else ""
        output.seek(0)
        said = output.read().decode(errors="replace")[-2000:]
    if not found:
        return Cost(timeout_seconds, 0, 0, -9, said)
    wall, cpu, peak, code = found.split()
    return Cost(float(wall), float(cpu), float(peak), int(code), said)
