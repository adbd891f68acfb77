from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from lockflow.platforms.model import Floor
from lockflow.report.as_junit import as_junit
from lockflow.report.assemble import assemble, platform_report
from support.small_reports import LOCK, bad_report, check, coverage, good_report, missing, tree, wheel


def test_a_good_platform_is_one_case_and_what_is_built() -> None:
    suites = ET.fromstring(as_junit(good_report()))

    assert [suite.get("name") for suite in suites] == ["darwin", "linux/amd64"]
    for suite in suites:
        assert [case.get("name") for case in suite] == [
            "lib, Python 3.12",
            "3 packages that have a wheel, over all Pythons",
        ]
        assert suite.find(".//system-out") is not None
        assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "0", "0")


def test_what_is_wrong_fails_for_each_python_and_a_broken_check_is_an_error() -> None:
    suites = ET.fromstring(as_junit(bad_report()))

    by_name = {suite.get("name"): suite for suite in suites}
    failed = [case.get("name") for case in by_name["linux/arm64"] if case.find("failure") is not None]
    assert failed == [
        "the lock, Python 3.10",
        "docopt 0.6.2, Python 3.11",
        "odd 2.21.5, Python 3.11",
        "nvidia-nccl-cu12 2.21.5, Python 3.11",
        "nvidia-nccl-cu12 2.21.5, Python 3.12",
    ]
    error = by_name["windows/amd64"].find("testcase/error")
    assert error is not None
    assert error.get("message") == "no engine answers"
    assert error.text == "npipe\nconnection refused\nstart the engine"
    assert len(by_name["windows/amd64"]) == 1


def test_a_floor_that_rose_is_told_and_is_no_failure() -> None:
    report = good_report()
    floor = Floor(kind="glibc", machine="x86_64", version="2.34", limit="2.36", previous="2.17", packages=("lib",))
    platforms = (replace(report.platforms[0], floor=floor), *report.platforms[1:])

    suites = ET.fromstring(as_junit(replace(report, platforms=platforms)))

    (told,) = [case for case in suites.iter("testcase") if case.get("name") == "the system that the wheels need"]
    assert told.findtext("system-out") == "darwin now needs glibc 2.34 (2.17 before), because of lib"
    assert suites.get("failures") == "0"


def test_counts_are_those_of_the_cases() -> None:
    suites = ET.fromstring(as_junit(bad_report()))

    for element in (suites, *suites):
        cases = list(element.iter("testcase"))
        assert element.get("tests") == str(len(cases))
        assert element.get("failures") == str(sum(case.find("failure") is not None for case in cases))
        assert element.get("errors") == str(sum(case.find("error") is not None for case in cases))


def test_a_failure_tells_who_requires_the_package_and_what_helps() -> None:
    suites = ET.fromstring(as_junit(bad_report()))

    failure = next(item for item in suites.iter("failure") if item.get("type") == "missing" and item.text)
    lines = str(failure.text).splitlines()
    assert lines[-1] == "or move to a version that has a wheel"


@pytest.mark.parametrize("name", ["\"]]><&'", "\x00\x1b[31m\ufffe\ud800", "two\nlines\tand a tab"])
def test_any_name_gives_valid_xml(name: str) -> None:
    finding = missing(name, reason=name, advice=(name,))
    text = as_junit(
        assemble([platform_report(check(name, coverage("3.12", finding, wheel("a"))), lock=LOCK)], lock=LOCK)
    )

    (suite,) = ET.fromstring(text.encode())
    read = "".join(character if character.isprintable() or character in "\n\t" else "\ufffd" for character in name)
    assert suite.get("name") == read
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == read


def test_a_source_tree_has_no_version_in_its_name() -> None:
    text = as_junit(assemble([platform_report(check("darwin", coverage("3.12", tree("lib"))), lock=LOCK)], lock=LOCK))

    assert 'name="lib, Python 3.12"' in text
