from __future__ import annotations

import threading

import pytest

from lockflow.errors import EngineError
from lockflow.platforms.model import Broken, Check, Platform
from lockflow.platforms.read import read_platforms
from lockflow.platforms.run import Outcome, run_checks

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
    pair = threading.Barrier(2, timeout=30)
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


def test_each_outcome_is_told_when_it_is_there() -> None:
    told: list[Outcome] = []

    outcomes = run_checks(PLATFORMS, good, level="tags", on_done=told.append)

    assert tuple(told) == outcomes
