from __future__ import annotations

import pytest
from msgspec.structs import replace

from lockflow.platforms.model import Finding
from lockflow.report.assemble import assemble, platform_report, worst
from lockflow.report.model import Verdict
from support.small_reports import LOCK, bad_report, check, coverage, good_report, missing, sdist, wheel


@pytest.mark.parametrize(
    ("finding", "verdict"),
    [
        (wheel("a"), Verdict.GOOD),
        (sdist("a", is_allowed=True), Verdict.GOOD),
        (sdist("a", is_allowed=False), Verdict.BAD),
        (missing("a"), Verdict.BAD),
    ],
)
def test_one_bad_finding_makes_a_platform_bad(finding: Finding, verdict: Verdict) -> None:
    report = platform_report(check("darwin", coverage("3.11", wheel("b"), finding)), lock=LOCK)

    assert report.verdict is verdict
    assert report.pythons[0].is_good is (verdict is Verdict.GOOD)


def test_a_refusal_makes_a_platform_bad() -> None:
    assert platform_report(check("darwin", coverage("3.11", refusal="no")), lock=LOCK).verdict is Verdict.BAD


def test_the_verdict_on_all_is_the_worst() -> None:
    assert good_report().verdict is Verdict.GOOD
    assert bad_report().verdict is Verdict.BROKEN
    assert worst([Verdict.GOOD, Verdict.BAD]) is Verdict.BAD
    assert worst([]) is Verdict.GOOD


def test_a_report_on_another_lock_says_nothing() -> None:
    one = replace(good_report().platforms[0], lock="sha256:other")

    report = assemble([one], lock=LOCK)

    assert report.verdict is Verdict.BROKEN
    assert report.platforms[0].pythons == ()
    assert report.platforms[0].fault is not None
    assert "another lock" in report.platforms[0].fault.what
