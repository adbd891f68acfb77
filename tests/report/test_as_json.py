from __future__ import annotations

import json
from pathlib import Path

import pytest

from lockflow.errors import InputError
from lockflow.report.as_json import as_json, platform_report_from_json, report_from_json
from support.expected import assert_expected
from support.small_reports import bad_report, good_report

EXPECTED = Path(__file__).parent / "expected"


def test_a_bad_platform_as_json() -> None:
    assert_expected(EXPECTED / "linux-arm64.json", as_json(bad_report().platforms[2]))


def test_a_broken_platform_as_json() -> None:
    assert_expected(EXPECTED / "windows-amd64.json", as_json(bad_report().platforms[3]))


def test_what_is_read_is_what_was_written() -> None:
    for report in (good_report(), bad_report()):
        assert report_from_json(as_json(report), "x") == report
        for platform in report.platforms:
            assert platform_report_from_json(as_json(platform), "x") == platform


def test_a_reader_of_schema_1_overlooks_new_keys() -> None:
    report = good_report().platforms[0]
    document = json.loads(as_json(report)) | {"new": 1}

    assert platform_report_from_json(json.dumps(document), "x") == report


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"schema": "1"}',
        '{"schema": 1}',
        '{"schema": 1, "platform": "p", "verdict": "fine", "level": "tags", "lock": ""}',
        "[" * 100_000,
        b"\xff",
    ],
)
def test_anything_else_is_one_clear_error(text: str | bytes) -> None:
    with pytest.raises(InputError) as caught:
        platform_report_from_json(text, "reports/x.json")

    assert caught.value.where == "reports/x.json"


def test_another_schema_is_named() -> None:
    with pytest.raises(InputError, match="another lockflow") as caught:
        platform_report_from_json('{"schema": 2, "verdict": "new"}', "x")

    assert "schema 2" in caught.value.why
