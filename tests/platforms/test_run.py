from __future__ import annotations

import threading

import pytest

from lockflow.engines.watch import Job
from lockflow.errors import EngineError
from lockflow.platforms.model import Broken, Check, Coverage, Evidence, Platform
from lockflow.platforms.pythons import minor_of
from lockflow.platforms.read import read_platforms
from lockflow.platforms.run import Tell, run_by_python, run_checks
from support.watching import Listener

PLATFORMS = [defined.platform for defined in read_platforms(["darwin", "linux/amd64", "linux/arm64"])]


def good(platform: Platform) -> Check:
    return Check(platform=platform.name, level="tags", coverages=())


@pytest.mark.parametrize("at_once", [1, 2, 8])
def test_outcomes_are_in_the_order_asked_for(at_once: int) -> None:
    outcomes = run_checks(PLATFORMS, good, level="tags", at_once=at_once)

    assert [outcome.platform for outcome in outcomes] == ["darwin", "linux/amd64", "linux/arm64"]


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_check_that_breaks_does_not_stop_the_others(at_once: int) -> None:
    def judge(platform: Platform) -> Check:
        if platform.name == "linux/amd64":
            raise EngineError("no engine answers", where="unix socket", why="refused", next="start one")
        return good(platform)

    outcomes = run_checks(PLATFORMS, judge, level="probe", at_once=at_once)

    assert outcomes == (
        good(PLATFORMS[0]),
        Broken(
            platform="linux/amd64",
            level="probe",
            what="no engine answers",
            where="unix socket",
            why="refused",
            next="start one",
        ),
        good(PLATFORMS[2]),
    )


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_fault_of_ours_is_raised_when_the_others_have_ended(at_once: int) -> None:
    seen = []

    def judge(platform: Platform) -> Check:
        if platform.name == "darwin":
            raise ZeroDivisionError
        seen.append(platform.name)
        return good(platform)

    with pytest.raises(ZeroDivisionError):
        run_checks(PLATFORMS, judge, level="tags", at_once=at_once)

    assert sorted(seen) == ["linux/amd64", "linux/arm64"]


def test_checks_run_side_by_side_within_the_bound() -> None:
    pair = threading.Barrier(2, timeout=60)
    lock = threading.Lock()
    running = most = 0

    def judge(platform: Platform) -> Check:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        # Two must be here at a time for either to go on.
        pair.wait()
        with lock:
            running -= 1
        return good(platform)

    run_checks([*PLATFORMS, PLATFORMS[0]], judge, level="tags", at_once=2)

    assert most == 2


def test_a_watch_hears_of_each_platform() -> None:
    def judge(platform: Platform) -> Check:
        if platform.name == "darwin":
            raise EngineError("no engine answers")
        refused = Coverage(platform="", python="3.11", findings=(), refusal="no" if "arm" in platform.name else "")
        return Check(platform=platform.name, level="tags", coverages=(refused,))

    listener = Listener()
    run_checks(PLATFORMS, judge, level="tags", watch=listener)

    assert listener.expected == [Job(platform=platform.name) for platform in PLATFORMS]
    assert listener.ends == {
        Job(platform="darwin"): ("broken", "no engine answers"),
        Job(platform="linux/amd64"): ("good", ""),
        Job(platform="linux/arm64"): ("bad", "1 problem"),
    }


# By Python ------------------------------------------------------------------------------------------------------------


def coverage(platform: Platform, python: str, tell: Tell = print) -> Coverage:
    evidence = Evidence(level="tags" if platform.name == "darwin" else "probe")
    return Coverage(platform=platform.name, python=minor_of(python), findings=(), evidence=evidence)


def never() -> None:
    raise AssertionError


def test_every_platform_is_judged_with_every_python_and_reaches_its_level() -> None:
    listener = Listener()

    outcomes = run_by_python(
        PLATFORMS, ["3.11.1", "3.12.2"], coverage, level="probe", at_once=3, stop=never, watch=listener
    )

    checks = [outcome for outcome in outcomes if isinstance(outcome, Check)]
    assert [(check.platform, check.level) for check in checks] == [
        ("darwin", "tags"),
        ("linux/amd64", "probe"),
        ("linux/arm64", "probe"),
    ]
    assert [found.python for found in checks[0].coverages] == ["3.11", "3.12"]
    jobs = [Job(platform=platform.name, python=python) for platform in PLATFORMS for python in ("3.11", "3.12")]
    assert listener.expected == jobs
    assert listener.ends == dict.fromkeys(jobs, ("good", ""))


def test_a_python_that_cannot_be_judged_keeps_what_the_others_found() -> None:
    def judge(platform: Platform, python: str, tell: Tell) -> Coverage:
        if platform.name == "linux/arm64" and python != "3.11.1":
            raise EngineError("it broke", where="an image", why=f"Python {python}", next="try again")
        return coverage(platform, python)

    outcomes = run_by_python(PLATFORMS, ["3.11.1", "3.12.2", "3.13.3"], judge, level="probe", at_once=2, stop=never)

    assert [type(outcome) for outcome in outcomes] == [Check, Check, Broken]
    broken = outcomes[2]
    assert isinstance(broken, Broken)
    assert broken.what == "it broke"
    assert broken.where == "an image; Python 3.12"
    assert broken.why == "Python 3.12.2\nPython 3.13 could not be judged either"
    assert [found.python for found in broken.coverages] == ["3.11"]


def test_no_more_are_judged_at_once_than_asked_for() -> None:
    # Two must be here at a time for either to go on.
    pair, lock, running, most = threading.Barrier(2, timeout=60), threading.Lock(), [0], [0]

    def judge(platform: Platform, python: str, tell: Tell) -> Coverage:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        pair.wait()
        with lock:
            running[0] -= 1
        return coverage(platform, python)

    run_by_python(PLATFORMS, ["3.11.1", "3.12.2"], judge, level="probe", at_once=2, stop=never)

    assert most[0] == 2


def test_what_is_slow_begins_first_and_is_told_in_its_place() -> None:
    begun = []

    def judge(platform: Platform, python: str, tell: Tell) -> Coverage:
        begun.append(platform.name)
        return coverage(platform, python)

    outcomes = run_by_python(PLATFORMS, ["3.11.1"], judge, level="probe", at_once=1, stop=never, slow=["linux/arm64"])

    assert begun == ["linux/arm64", "darwin", "linux/amd64"]
    assert [outcome.platform for outcome in outcomes] == ["darwin", "linux/amd64", "linux/arm64"]


def test_an_interruption_stops_what_is_under_way_and_starts_nothing_more() -> None:
    stopped, started = threading.Event(), []

    def judge(platform: Platform, python: str, tell: Tell) -> Coverage:
        started.append(platform.name)
        if platform.name == "darwin":
            return coverage(platform, python)
        assert stopped.wait(60), "nobody stopped it"
        raise EngineError("the run was interrupted")

    def interrupt(_: Job) -> None:
        raise KeyboardInterrupt

    watch = Listener(on_end=interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_by_python(PLATFORMS, ["3.11.1"], judge, level="probe", at_once=2, stop=stopped.set, watch=watch)

    assert stopped.is_set()
    assert started.count("linux/amd64") <= 1


@pytest.mark.parametrize("at_once", [1, 3])
def test_a_fault_of_ours_in_one_python_is_raised_and_stops_no_other(at_once: int) -> None:
    ended = []

    def judge(platform: Platform, python: str, tell: Tell) -> Coverage:
        if platform.name == "darwin":
            raise ZeroDivisionError
        ended.append(platform.name)
        return coverage(platform, python)

    with pytest.raises(ZeroDivisionError):
        run_by_python(PLATFORMS, ["3.11.1"], judge, level="probe", at_once=at_once, stop=never)

    assert sorted(ended) == ["linux/amd64", "linux/arm64"]
