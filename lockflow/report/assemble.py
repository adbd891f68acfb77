"""Checks to reports of one platform each, and these to the report on all."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from lockflow.platforms.model import Broken, Check, Coverage, Finding
from lockflow.report.model import Entry, Executed, Fault, PlatformReport, PythonReport, Report, Verdict

_SEVERITY = {Verdict.GOOD: 0, Verdict.BAD: 1, Verdict.BROKEN: 2}


def platform_report(
    outcome: Check | Broken,
    *,
    lock: str,
    inputs: str = "",
    executor: Executed = "process",
    notes: Iterable[str] = (),
) -> PlatformReport:
    """Report a check of the lock with digest `lock` (`sha256:…`), made from inputs with digest `inputs`.

    `executor` is where it was made; `notes` are about that, in words.
    """
    fault = floor = None
    if isinstance(outcome, Broken):
        verdict = Verdict.BROKEN
        fault = Fault(what=outcome.what, where=outcome.where, why=outcome.why, next=outcome.next)
    else:
        verdict = Verdict.GOOD if outcome.is_good else Verdict.BAD
        floor = outcome.floor
    return PlatformReport(
        platform=outcome.platform,
        verdict=verdict,
        executor=executor,
        level=outcome.level,
        lock=lock,
        inputs=inputs,
        fault=fault,
        floor=floor,
        pythons=tuple(map(_python_report, outcome.coverages)),
        notes=tuple(notes),
    )


def assemble(platforms: Iterable[PlatformReport], *, lock: str, inputs: str = "") -> Report:
    """Join the reports on several platforms, in their order, into the report on the lock with digest `lock`.

    One that judged another lock says nothing about this one: it becomes `broken`.
    """
    reports = tuple(_of_this_lock(report, lock) for report in platforms)
    notes = dict.fromkeys(note for report in reports for note in report.notes)
    verdict = worst(report.verdict for report in reports)
    return Report(verdict=verdict, lock=lock, inputs=inputs, platforms=reports, notes=tuple(notes))


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of some verdicts; `good` where there are none."""
    return max(verdicts, key=_SEVERITY.__getitem__, default=Verdict.GOOD)


def _of_this_lock(report: PlatformReport, lock: str) -> PlatformReport:
    if report.lock == lock or report.verdict is Verdict.BROKEN:
        return report
    fault = Fault(
        what=f"the report on {report.platform} is about another lock",
        where=f"lock {report.lock or 'unknown'}",
        why=f"the lock is now {lock}",
        next="check this platform again",
    )
    return replace(report, verdict=Verdict.BROKEN, fault=fault, pythons=())


def _python_report(coverage: Coverage) -> PythonReport:
    return PythonReport(
        python=coverage.python,
        refusal=coverage.refusal,
        evidence=coverage.evidence,
        objections=coverage.objections,
        entries=tuple(map(_entry, coverage.findings)),
    )


def _entry(finding: Finding) -> Entry:
    return Entry(
        package=finding.package,
        version="" if finding.version is None else str(finding.version),
        status=finding.status,
        file=finding.file,
        tag=finding.tag,
        allowed=finding.is_allowed,
        reason=finding.reason,
        chain=finding.chain,
        advice=finding.advice,
        edits=finding.edits,
    )
