from __future__ import annotations

from pathlib import Path

import pytest

from lockflow.report.as_markdown import LIMIT, as_markdown
from lockflow.report.assemble import assemble, platform_report
from support.demo_reports import large, typical
from support.expected import assert_expected
from support.small_reports import LOCK, bad_report, check, coverage, good_report, missing

EXPECTED = Path(__file__).parent / "expected"


def test_a_good_report_is_short() -> None:
    assert_expected(EXPECTED / "good.md", as_markdown(good_report()))


def test_a_bad_report_puts_the_worst_first() -> None:
    assert_expected(EXPECTED / "bad.md", as_markdown(bad_report()))


def test_names_of_strangers_are_no_markup() -> None:
    text = as_markdown(bad_report())

    assert "<img" not in text.replace("\\<img", "")
    strange = missing("</summary><img src=x>", chain=(), reason="</details>")
    one = platform_report(check("linux/arm64", coverage("3.11", strange)), lock=LOCK)
    text += as_markdown(assemble([one], lock=LOCK))
    assert "&lt;/summary&gt;&lt;img src=x&gt;" in text
    assert "\\</details\\>" in text
    assert "@someone" not in text


@pytest.mark.parametrize("limit", [1000, 5000, LIMIT])
def test_what_does_not_fit_is_counted(limit: int) -> None:
    findings = [missing(f"package-{number:03}") for number in range(500)]
    one = platform_report(check("linux/arm64", coverage("3.11", *findings)), lock=LOCK)

    text = as_markdown(assemble([one], lock=LOCK), limit)

    told, listed = text.count("<b>no distribution of"), text.count("- no distribution of")
    assert len(text) <= limit
    assert f"and {500 - told} more problems" in text
    assert f"… {500 - told - listed} of them are in the JSON reports only" in text or told + listed == 500
    assert text.count("<details") == text.count("</details>") == told + 1


def test_a_lock_of_600_packages_fits_a_comment_and_has_the_worst_in_full() -> None:
    text = as_markdown(large())

    assert len(text) < 65_536
    assert text.startswith("## The lock fails on 3 of 3 platforms\n")
    assert text.index("<b>no distribution of") < text.index("would have to be built")
    assert text.count("<details>") == 21
    assert "in the JSON reports only" not in text


def test_few_problems_are_unfolded() -> None:
    assert as_markdown(typical()).count("<details open>") == 3


def test_a_report_on_nothing_says_so() -> None:
    assert as_markdown(assemble([], lock=LOCK)).startswith("## No platform was checked\n")
