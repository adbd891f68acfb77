"""Runs the checks of several platforms side by side; one that breaks never stops the others.

By tags a check takes some ten milliseconds of pure computation (measured: seven platforms with two to six Pythons
and 400 packages in 0.09 s), which threads cannot share and processes would not repay. The bound is for checks that
wait: containers.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from lockflow.engines.watch import NOBODY, End, Job, Watch
from lockflow.errors import Interrupted, LockflowError
from lockflow.platforms.model import Broken, Check, Coverage, Level, Platform
from lockflow.platforms.pythons import minor_of

Judge = Callable[[Platform], Check]
"""Judges one platform; raises LockflowError where it cannot."""

Tell = Callable[[str], None]
"""Is told what a check is at ("fetching uv 0.13.8")."""

JudgePython = Callable[[Platform, str, Tell], Coverage]
"""Judges one platform and Python (a full version); raises LockflowError where it cannot."""

Outcome = Check | Broken


def run_checks(
    platforms: Sequence[Platform],
    judge: Judge,
    *,
    level: Level,
    at_once: int = 1,
    watch: Watch = NOBODY,
) -> tuple[Outcome, ...]:
    """Judge each of `platforms`, at most `at_once` side by side; outcomes are in the order of `platforms`.

    `level` is the evidence that `judge` gathers, for the report on a check that broke. `watch` hears of each platform
    as a job. An exception that is no LockflowError is a fault of ours: it is raised, but only when all checks have
    ended.
    """

    def outcome_of(platform: Platform) -> Outcome:
        outcome: Outcome
        job = Job(platform=platform.name)
        try:
            watch.doing(job, "comparing tags")
            outcome = judge(platform)
        except LockflowError as error:
            outcome = Broken(
                platform=platform.name, level=level, what=error.what, where=error.where, why=error.why, next=error.next
            )
        watch.ended(job, *_told(outcome))
        return outcome

    watch.expect([Job(platform=platform.name) for platform in platforms])
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


def run_by_python(
    platforms: Sequence[Platform],
    pythons: Sequence[str],
    judge: JudgePython,
    *,
    level: Level,
    at_once: int,
    stop: Callable[[], None],
    slow: Container[str] = (),
    watch: Watch = NOBODY,
) -> tuple[Outcome, ...]:
    """Judge each of `platforms` with each of `pythons`, at most `at_once` side by side; outcomes as of `run_checks`.

    Platforms that are named in `slow` begin first, since what begins last should end soon.
    Where some Pythons of a platform cannot be judged, its outcome is Broken and has the coverages of the others.
    `watch` hears of each platform and Python as a job. An interruption calls `stop`, which must make what is under way
    end, and goes on when all have ended; Interrupted is raised where somebody else stopped it.
    """

    def judged(platform: Platform, python: str) -> Coverage:
        job = Job(platform=platform.name, python=minor_of(python))
        try:
            coverage = judge(platform, python, lambda text: watch.doing(job, text))
        except LockflowError as error:
            watch.ended(job, "broken", error.what)
            raise
        watch.ended(job, *_told_of([coverage]))
        return coverage

    watch.expect([Job(platform=each.name, python=minor_of(python)) for each in platforms for python in pythons])
    pool = ThreadPoolExecutor(max_workers=max(1, at_once), thread_name_prefix="check")
    ordered = sorted(platforms, key=lambda platform: platform.name not in slow)
    futures = {platform.name: [pool.submit(judged, platform, python) for python in pythons] for platform in ordered}
    outcomes = []
    try:
        # Waiting in short spells lets Ctrl-C through at once on every system.
        for platform in platforms:
            while wait(futures[platform.name], timeout=0.5).not_done:
                pass
            outcomes.append(_joined(platform, pythons, futures[platform.name], level))
    except Exception:
        # A fault of ours in one check is none of the others': they have their turn.
        raise
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        stop()
        raise
    finally:
        pool.shutdown(wait=True)
    return tuple(outcomes)


def _joined(platform: Platform, pythons: Sequence[str], futures: Sequence[Future[Coverage]], level: Level) -> Outcome:
    coverages = []
    faults: dict[tuple[str, str, str, str], list[str]] = {}
    for python, future in zip(pythons, futures, strict=True):
        try:
            coverages.append(future.result())
        except Interrupted:
            raise
        except LockflowError as error:
            faults.setdefault((error.what, error.where, error.why, error.next), []).append(minor_of(python))
    if not faults:
        reached = min((coverage.evidence.level for coverage in coverages), key=_ORDER.index, default=level)
        return Check(platform=platform.name, level=reached, coverages=tuple(coverages))
    (what, where, why, then), minors = next(iter(faults.items()))
    others = [minor for minors in faults.values() for minor in minors if minor not in faults[what, where, why, then]]
    if coverages or others:
        where = f"{where}; Python {', '.join(minors)}".removeprefix("; ")
    if others:
        why = f"{why}\nPython {', '.join(others)} could not be judged either".strip()
    return Broken(
        platform=platform.name, level=level, what=what, where=where, why=why, next=then, coverages=tuple(coverages)
    )


def _told(outcome: Outcome) -> tuple[End, str]:
    return ("broken", outcome.what) if isinstance(outcome, Broken) else _told_of(outcome.coverages)


def _told_of(coverages: Sequence[Coverage]) -> tuple[End, str]:
    """How the job behind some coverages ended, in the words of a view."""
    if all(coverage.is_good for coverage in coverages):
        return "good", ""
    bad = {(entry.package, entry.version) for each in coverages for entry in each.findings if not entry.is_good}
    count = len(bad) + sum(bool(each.refusal) + len(each.objections) for each in coverages)
    return "bad", "1 problem" if count == 1 else f"{count} problems"


_ORDER: tuple[Level, ...] = ("tags", "probe", "install")
