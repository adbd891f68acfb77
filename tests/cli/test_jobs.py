from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from queue import Queue

import pytest
from rich.console import Console as RichConsole

from lockflow.cli import jobs as view
from lockflow.cli.console import TERMINAL, Console
from lockflow.cli.jobs import Jobs
from lockflow.engines.watch import End, Job

PLATFORMS = ("darwin", "linux/amd64", "linux/arm64")
SECONDS = 60
"""What another thread may take on a busy machine; none of the tests waits for so long where all is well."""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    return stream


@pytest.fixture
def jobs(said: io.StringIO, clock: Clock) -> Iterator[Jobs]:
    with Jobs(Console({}), clock) as opened:
        yield opened


def job(platform: str, python: str = "3.12") -> Job:
    return Job(platform=platform, python=python)


def drawn(jobs: Jobs, height: int = 24, width: int = 72, encoding: str = "utf-8") -> list[str]:
    paper = RichConsole(file=io.StringIO(), width=width, color_system=None)
    with paper.capture() as capture:
        paper.print(jobs.draw(height, width, encoding))
    return [line.rstrip() for line in capture.get().splitlines()]


def some(jobs: Jobs, clock: Clock) -> None:
    """One that is well, one that is not, one under way, one to come."""
    jobs.expect([*map(job, PLATFORMS), job("linux/arm64", "3.13")])
    for name in PLATFORMS:
        jobs.doing(job(name), "probing the interpreter")
    clock.now = 2.0
    jobs.ended(job("darwin"), "good")
    clock.now = 3.2
    jobs.ended(job("linux/amd64"), "bad", "2 problems")
    clock.now = 70.0


def test_the_view_says_what_runs_where_for_how_long_and_what_is_done(jobs: Jobs, clock: Clock) -> None:
    some(jobs, clock)
    heading, *lines = drawn(jobs)
    assert heading == "Checking  2 of 4 done  1m 10s"
    assert [line.split() for line in lines] == [
        ["✓", "darwin", "3.12", "2.0s", "good"],
        ["✕", "linux/amd64", "3.12", "3.2s", "bad,", "2", "problems"],
        ["⠋", "linux/arm64", "3.12", "1m", "10s", "probing", "the", "interpreter"],
        ["·", "linux/arm64", "3.13", "waiting"],
    ]


def test_a_terminal_that_knows_no_such_signs_gets_others(jobs: Jobs, clock: Clock) -> None:
    some(jobs, clock)
    assert "".join(drawn(jobs, encoding="ascii")).isascii()


def test_where_there_is_not_room_for_all_what_runs_stands_first_and_the_others_are_counted(
    jobs: Jobs, clock: Clock
) -> None:
    some(jobs, clock)
    lines = drawn(jobs, height=5)
    assert len(lines) == 4
    assert "linux/amd64" in lines[1]
    assert "linux/arm64" in lines[2]
    assert lines[3] == "  … 1 more are well, 1 more to come"


@pytest.mark.parametrize("width", [20, 40, 60, 100])
def test_on_a_narrow_terminal_what_it_is_at_gives_way(jobs: Jobs, clock: Clock, width: int) -> None:
    some(jobs, clock)
    jobs.ended(job("linux/arm64"), "broken", "no engine answers on this machine, and there is more to say of it")
    lines = drawn(jobs, width=width)
    assert len(lines) == 5, "none is broken in two"
    assert all(len(line) <= width - 3 for line in lines), "there is room for the ^C of a terminal"
    assert lines[1].startswith("  ✓  darwin")
    assert width < 40 or lines[3].startswith("  ?  linux/arm64  3.12  1m 10s  not")


def test_builds_are_shown_by_the_same_view(jobs: Jobs) -> None:
    jobs.doing(Job(work="build", platform="linux/arm64"), "RUN uv sync")
    assert drawn(jobs)[0].startswith("Building")
    jobs.doing(job("darwin"), "comparing tags")
    assert drawn(jobs)[0].startswith("Building and Checking")


def test_elsewhere_than_on_a_terminal_each_end_is_a_line(jobs: Jobs, clock: Clock, said: io.StringIO) -> None:
    some(jobs, clock)
    jobs.ended(job("linux/arm64"), "broken", "no engine answers")
    assert said.getvalue().splitlines() == [
        "[1/4] darwin, Python 3.12: good (2.0s)",
        "[2/4] linux/amd64, Python 3.12: bad, 2 problems (3.2s)",
        "[3/4] linux/arm64, Python 3.12: not judged, no engine answers (1m 10s)",
    ]


@pytest.mark.parametrize(("how", "words"), [("bad", "failed"), ("broken", "not finished"), ("done", "done")])
def test_a_build_is_no_verdict(jobs: Jobs, clock: Clock, said: io.StringIO, how: End, words: str) -> None:
    build = Job(work="build", platform="linux/arm64")
    jobs.doing(build, "pushing app:1")
    clock.now = 12.0
    jobs.ended(build, how, "the registry refuses it")
    assert said.getvalue() == f"[1/1] linux/arm64: {words}, the registry refuses it (12s)\n"
    assert f"{words}, the registry refuses it" in drawn(jobs)[1]


def test_what_takes_a_moment_only_is_not_told(jobs: Jobs, clock: Clock, said: io.StringIO) -> None:
    jobs.expect([job("darwin")])
    jobs.doing(job("darwin"), "comparing tags")
    clock.now = 0.2
    jobs.ended(job("darwin"), "good")
    assert said.getvalue() == ""


def test_what_takes_long_is_told_again_and_again(
    monkeypatch: pytest.MonkeyPatch, jobs: Jobs, clock: Clock, said: io.StringIO
) -> None:
    told: Queue[str] = Queue()
    monkeypatch.setattr(view, "_LINE_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(Console, "say", lambda _, text: told.put(text))
    for name in ("a", "b", "c", "d"):
        jobs.doing(job(name), "installing the lock")
    line = "Checking: a, Python 3.12: installing the lock (0.0s); b, Python 3.12: installing the lock (0.0s); "
    line += "c, Python 3.12: installing the lock (0.0s); and 1 more"
    # Where this thread was kept waiting in between, the first lines know of fewer.
    for _ in range(2):
        while told.get(timeout=SECONDS) != line:
            pass


def test_nothing_is_shown_once_all_have_ended_or_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", Terminal())
    with Jobs(Console({"TERM": "xterm"})) as jobs:
        jobs.doing(job("darwin"), "comparing tags")
        jobs.ended(job("darwin"), "good")
        # As when the clock was looked at before that.
        jobs._show()
        assert TERMINAL.region is None
    assert [thread for thread in threading.enumerate() if thread.name == "jobs"] == []


def test_quiet_is_quiet(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    said = io.StringIO()
    monkeypatch.setattr("sys.stderr", said)
    with Jobs(Console({}, quiet=1), clock) as jobs:
        some(jobs, clock)
        jobs.ended(job("linux/arm64"), "broken", "no engine answers")
    assert said.getvalue() == ""


def test_a_line_is_written_above_the_view_and_the_view_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(view, "_SHOW_AFTER_SECONDS", 0.01)
    console = Console({"TERM": "xterm"})
    shown = threading.Event()
    with Jobs(console) as jobs:
        resume = jobs.resume

        def resume_and_tell() -> None:
            resume()
            shown.set()

        monkeypatch.setattr(jobs, "resume", resume_and_tell)
        jobs.doing(job("darwin"), "comparing tags")
        assert shown.wait(SECONDS)
        assert TERMINAL.region is jobs
        console.say("a line")
        assert terminal.getvalue().count("Checking") >= 2, "before the line and after it"
        jobs.ended(job("darwin"), "good")
        assert TERMINAL.region is None
    before, _, after = terminal.getvalue().partition("a line\n")
    for text in (before, after):
        # What was drawn last is taken away again: up a line, and erased.
        assert text.rstrip().endswith("\x1b[1A\x1b[2K")


def test_what_was_told_of_an_earlier_round_is_not_told_again(jobs: Jobs, clock: Clock) -> None:
    jobs.expect([job("darwin")])
    jobs.doing(job("darwin"), "comparing tags")
    jobs.ended(job("darwin"), "bad", "1 problem")
    jobs.expect([job("linux/amd64")])
    assert drawn(jobs)[0].startswith("Checking  0 of 1 done")
