"""Runs the checks of several platforms side by side; one that breaks never stops the others.

By tags a check takes some ten milliseconds of pure computation (measured: seven platforms with two to six Pythons
and 400 packages in 0.09 s), which threads cannot share and processes would not repay. The bound is for checks that
wait: containers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from lockflow.errors import LockflowError
from lockflow.platforms.model import Broken, Check, Level, Platform

Judge = Callable[[Platform], Check]
"""Judges one platform; raises LockflowError where it cannot."""


Outcome = Check | Broken


def run_checks(
    platforms: Sequence[Platform],
    judge: Judge,
    *,
    level: Level,
    at_once: int = 1,
    on_done: Callable[[Outcome], None] | None = None,
) -> tuple[Outcome, ...]:
    """Judge each of `platforms`, at most `at_once` side by side; outcomes are in the order of `platforms`.

    `level` is the evidence that `judge` gathers, for the report on a check that broke. `on_done` hears of each
    outcome when it is there, from the thread that made it. An exception that is no LockflowError is a fault of ours:
    it is raised, but only when all checks have ended.
    """

    def outcome_of(platform: Platform) -> Outcome:
        outcome: Outcome
        try:
            outcome = judge(platform)
        except LockflowError as error:
            outcome = Broken(
                platform=platform.name, level=level, what=error.what, where=error.where, why=error.why, next=error.next
            )
        if on_done is not None:
            on_done(outcome)
        return outcome

    if at_once <= 1 or len(platforms) <= 1:
        return _one_by_one(platforms, outcome_of)
    with ThreadPoolExecutor(max_workers=min(at_once, len(platforms)), thread_name_prefix="check") as pool:
        futures = [pool.submit(outcome_of, platform) for platform in platforms]
    return tuple(future.result() for future in futures)


def _one_by_one(platforms: Sequence[Platform], outcome_of: Callable[[Platform], Outcome]) -> tuple[Outcome, ...]:
    outcomes = []
    fault: Exception | None = None
    for platform in platforms:
        try:
            outcomes.append(outcome_of(platform))
        except Exception as error:  # noqa: BLE001  raised below, after the others had their turn
            fault = fault or error
    if fault is not None:
        raise fault
    return tuple(outcomes)
