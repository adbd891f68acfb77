from __future__ import annotations

import pytest
from msgspec.structs import replace

from lockflow.platforms.model import Broken, Check, Coverage, Evidence, Objection
from lockflow.report.as_html import Page, as_html
from lockflow.report.as_json import as_json, report_from_json
from lockflow.report.as_junit import as_junit
from lockflow.report.as_markdown import as_markdown
from lockflow.report.as_rows import message, problems, rows
from lockflow.report.assemble import assemble, platform_report
from lockflow.report.evidence import evidence_lines, python_range, where_judged
from lockflow.report.model import Report, Verdict

LOCK = "sha256:00"
EXECUTORS = ("docker", "process")
PROBE = Evidence(
    level="probe", image="base:1", python="3.12.1", libc="glibc 2.36", emulated=True, uv="0.13.8", says="<uv's words>"
)
OPINION = Evidence(level="tags", image="base:1", uv="0.13.8", target="aarch64-apple-darwin")
LIBC = Objection(
    kind="definition",
    what="the image of linux/arm64 is not what its definition says",
    why="the libc is glibc 2.31 in the image, glibc 2.36 in the definition",
    advice=("correct <platforms/linux-arm64.toml>",),
)


def coverage(python: str, evidence: Evidence, *objections: Objection) -> Coverage:
    return Coverage(platform="linux/arm64", python=python, findings=(), evidence=evidence, objections=objections)


def reported(*coverages: Coverage) -> Report:
    check = Check(platform="linux/arm64", level=coverages[0].evidence.level, coverages=coverages)
    return assemble([platform_report(check, lock=LOCK)], lock=LOCK)


def test_an_objection_makes_a_platform_bad_though_every_package_is_good() -> None:
    report = reported(coverage("3.12", PROBE, LIBC))
    assert report.verdict is Verdict.BAD
    assert rows(report)[0].problems == 1


def test_the_same_objection_of_several_pythons_is_one_problem() -> None:
    (problem,) = problems(reported(coverage("3.11", PROBE, LIBC), coverage("3.12", PROBE, LIBC)))
    assert problem.pythons == ("3.11", "3.12")
    assert message(problem).splitlines() == [
        "the image of linux/arm64 is not what its definition says",
        "  where: image base:1; Python 3.11, 3.12; platforms/linux-arm64.toml",
        "  why:   the libc is glibc 2.31 in the image, glibc 2.36 in the definition",
        "  next:  correct <platforms/linux-arm64.toml>",
    ]


def test_the_evidence_is_told_in_a_word_and_in_a_line() -> None:
    report = reported(coverage("3.12", PROBE))
    assert rows(report)[0].level == "probe, emulated"
    assert evidence_lines(report.platforms[0]) == (
        "CPython 3.12.1, glibc 2.36 in base:1 emulated; uv 0.13.8 planned there",
    )
    report = reported(coverage("3.12", OPINION))
    assert rows(report)[0].level == "tags, uv's view"
    assert evidence_lines(report.platforms[0]) == ("uv 0.13.8 planned for aarch64-apple-darwin",)
    report = reported(coverage("3.12", Evidence(level="tags")))
    assert rows(report)[0].level == "tags"
    assert evidence_lines(report.platforms[0]) == ()


def test_pythons_that_are_judged_alike_share_a_line() -> None:
    other = replace(PROBE, image="base:2", python="3.13.2")
    report = reported(
        coverage("3.12", PROBE), coverage("3.13", other), coverage("3.14", replace(other, emulated=False))
    )
    assert evidence_lines(report.platforms[0]) == (
        "CPython 3.12.1, 3.13.2, glibc 2.36 in base:1, base:2 emulated; uv 0.13.8 planned there",
        "CPython 3.13.2, glibc 2.36 in base:2; uv 0.13.8 planned there",
    )


def test_where_platforms_were_judged_is_told() -> None:
    inside, outside = (replace(reported(coverage("3.12", PROBE)).platforms[0], executor=where) for where in EXECUTORS)
    assert where_judged(assemble([], lock=LOCK)) == ""
    assert where_judged(assemble([inside], lock=LOCK)) == "in containers"
    assert where_judged(assemble([outside], lock=LOCK)) == "in process"
    both = assemble([inside, replace(outside, platform="darwin")], lock=LOCK)
    assert where_judged(both) == "in containers: linux/arm64; in process: darwin"


@pytest.mark.parametrize(
    ("pythons", "text"),
    [
        ([], ""),
        (["3.12"], "3.12"),
        (["3.9", "3.10", "3.11"], "3.9–3.11"),
        (["3.10", "3.12", "3.13"], "3.10, 3.12–3.13"),
        (["3.14", "4.0"], "3.14, 4.0"),
    ],
)
def test_a_range_of_pythons_is_short(pythons: list[str], text: str) -> None:
    assert python_range(pythons) == text


def test_a_broken_check_keeps_the_pythons_that_could_be_judged() -> None:
    broken = Broken(platform="linux/arm64", level="probe", what="it hung", coverages=(coverage("3.11", PROBE, LIBC),))
    report = assemble([platform_report(broken, lock=LOCK)], lock=LOCK)
    assert report.verdict is Verdict.BROKEN
    assert [problem.what for problem in problems(report)] == ["linux/arm64 could not be judged: it hung", LIBC.what]


def test_every_form_of_the_report_has_them() -> None:
    report = replace(reported(coverage("3.12", PROBE, LIBC)), notes=("judged by tags <somewhere>",))
    assert report_from_json(as_json(report), "here") == report
    assert "glibc 2.31 in the image" in as_markdown(report)
    assert "judged by tags" in as_markdown(report)
    junit = as_junit(report)
    assert 'type="definition"' in junit
    assert "correct &lt;platforms/linux-arm64.toml&gt;" in junit
    page = as_html(report, Page(style="", script=""))
    assert "glibc 2.31 in the image" in page
    assert "uv 0.13.8 planned there" in page
    assert "<somewhere>" not in page
    assert "<platforms" not in page
