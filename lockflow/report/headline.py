"""A report to the one sentence that stands above it."""

from __future__ import annotations

from lockflow.report.model import Report, Verdict


def headline(report: Report) -> str:
    count = len(report.platforms)
    platforms = "1 platform" if count == 1 else f"{count} platforms"
    bad = sum(platform.verdict is Verdict.BAD for platform in report.platforms)
    broken = sum(platform.verdict is Verdict.BROKEN for platform in report.platforms)
    if not bad and not broken:
        return f"The lock holds on {platforms}" if count else "No platform was checked"
    if not bad:
        return f"The lock could not be judged on {broken} of {platforms}"
    return f"The lock fails on {bad} of {platforms}" + (f", and {broken} could not be judged" if broken else "")
