from __future__ import annotations

import io
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lockflow.cli.console import Console
from lockflow.cli.main import main
from lockflow.cli.version import VERSION
from support.workbench import Workbench

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the terminal in which the tests run."""
    monkeypatch.setenv("COLUMNS", "100")


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"lockflow {VERSION}\n"
    assert tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"] == VERSION


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"]])
def test_help_fits_on_a_screen(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


def test_without_a_command_help_is_shown_as_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Usage: lockflow COMMAND" in captured.err


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["lokc"], "did you mean lock?"),
        (["help", "lokc"], "did you mean lock?"),
        (["lock", "--upgrad"], "did you mean --upgrade?"),
        (["lock", "--color", "alway"], "did you mean always? use one of auto, always, never"),
        (["cache", "pune"], "did you mean prune?"),
        (["cache"], "give one of dir, info, clean, prune; "),
        (["why"], "missing: PACKAGE\n"),
        (["tree", "--depth", "x"], "-d/--depth: 'x' is no number\n"),
        (["lock", "x"], "`lockflow help lock` lists all options"),
    ],
)
def test_what_is_no_argument_gets_a_hint(arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert meant in said


def test_options_for_every_command_may_stand_before_it(bench: Workbench) -> None:
    bench.write("apple")
    run = bench.run("-q", "--color", "never", "lock")
    assert (run.code, run.said) == (0, "")
    assert bench.lock.exists()


def test_colour_is_for_terminals_and_for_who_asks(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write("absent")
    assert "\033[" not in bench.run("lock").said
    assert "\033[1;31merror\033[0m" in bench.run("lock", "--color", "always").said
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\033[" in bench.run("lock").said
    assert "\033[" not in bench.run("lock", "--color", "never").said
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033[" not in bench.run("lock").said


def test_progress_is_a_plain_line_now_and_then_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("lockflow.cli.console.perf_counter", lambda: now)
    with Console({}).progress("Resolving") as progress:
        for now in (1.0, 9.0, 11.0, 12.0, 22.0):
            progress(decided=int(now), fetched=1)
    assert capsys.readouterr().err.splitlines() == [
        "Resolving (11 decisions, 1 pages and metadata files read)",
        "Resolving (22 decisions, 1 pages and metadata files read)",
    ]


def test_a_table_fits_a_terminal_of_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setenv("COLUMNS", "80")
    console = Console({"NO_COLOR": "1"})
    console.stderr, console.is_terminal = said, True
    names = ("platform", "verdict", "evidence", "Python", "packages#", "wheels#", "built#", "problems#")
    row = ("linux/amd64", "good", "tags", "3.11–3.15", "12", "12", "0", "0")
    console.table("", names, [row])
    lines = [line.split() for line in said.getvalue().splitlines() if line.strip()]
    assert lines[0] == [name.removesuffix("#") for name in names]
    assert lines[2:] == [list(row)]


def test_drawn_signs_are_plain_where_they_cannot_be_written(capfd: pytest.CaptureFixture[str]) -> None:
    console = Console({})
    with open(os.dup(2), "w", encoding="ascii") as console.stderr:  # noqa: PTH123  a descriptor
        console.say("├── ├ └── 3.11–3.15 ü")
    assert capfd.readouterr().err == "|-- | `-- 3.11-3.15 \\xfc\n"


@pytest.mark.parametrize("words", [["lock", "--help"], ["help"], ["--version"], []])
def test_a_message_that_nobody_reads_is_no_mistake(words: list[str]) -> None:
    command = [sys.executable, "-m", "lockflow", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert b"Traceback" not in said
    assert process.returncode == (0 if words else 2)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("words", [["lock", "--help"], ["help", "lock"], ["help"], ["--version"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_cannot_be_written_is_told(words: list[str], unbuffered: str) -> None:
    command = [sys.executable, "-m", "lockflow", *words]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: the output cannot be written\n  where: standard output\n")


def test_a_closed_standard_output_is_no_mistake() -> None:
    closing = f"exec {sys.executable} -m lockflow --version >&-"
    done = subprocess.run(["sh", "-c", closing], stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
