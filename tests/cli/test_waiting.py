"""What people see while another process works on their project."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lockflow.cli.console import Console, Waits
from lockflow.lock.model import Waiting
from support.holders import held
from support.workbench import Workbench

_PROGRAM = "import sys; from lockflow.cli.main import main; sys.exit(main())"


def started(bench: Workbench, *words: str) -> subprocess.Popen[str]:
    """Start lockflow in a process of its own, in the project, without a network."""
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *words, "--offline", "--cache-dir", str(bench.cache)],
        cwd=bench.project,
        env={**os.environ, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("words", [("add", "pear"), ("sync", "--no-progress")])
def test_a_command_says_whom_it_waits_for(bench: Workbench, words: tuple[str, ...]) -> None:
    bench.write()
    path = bench.project / ".lockflow" / "process"
    with held(path, "lockflow", "remove") as holder:
        process = started(bench, *words)
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line == f"Waiting for lockflow remove (process {holder.pid}), which holds .lockflow/process\n"
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.startswith("interrupted: ")
    assert out == ""
    assert not bench.lock.exists()


def test_what_waited_goes_on_when_the_other_one_is_done(bench: Workbench) -> None:
    bench.write()
    with held(bench.project / ".lockflow" / "process") as holder:
        process = started(bench, "lock")
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Waiting for ")
        holder.release()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.startswith("Resolved 1 package in ")
    assert bench.lock.exists()


def test_a_wait_is_told_once_for_each_file_and_not_to_who_wants_quiet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for quiet, lines in ((0, 2), (1, 0)):
        waits = Waits(Console({}, quiet=quiet))
        for place in (tmp_path / "process", tmp_path / "process", tmp_path / ".venv.lock"):
            waits(Waiting(path=str(place), seconds=1.0))
        said = capsys.readouterr().err
        assert len(said.splitlines()) == lines
        assert said.startswith("Waiting for another process, which holds " if lines else "")
