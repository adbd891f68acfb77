from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockflow.inputs.durations import Clock, InvalidCutoff, parse_cutoff

DAY = 86_400 * 1_000_000_000
NOW = 1_700_000_000 * 1_000_000_000
CLOCK = Clock(NOW, lambda day: (day.toordinal() - date(1970, 1, 1).toordinal()) * DAY)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("7 days", "P7D"),
        ("1 week", "P1W"),
        ("36 hours", "PT36H"),
        ("1h30m", "PT1H30M"),
        ("P1DT12H", "P1DT12H"),
        ("P1W2D", "P1W2D"),
        ("7d", "P7D"),
        ("7  days", "P7D"),
        ("p7d", "P7D"),
        ("+P7D", "P7D"),
        ("1 day, 2 hours", "P1DT2H"),
        ("1wk 2hrs", "P1WT2H"),
        ("90 minutes", "PT90M"),
        ("5s", "PT5S"),
        ("PT0.5S", "PT0.5S"),
        ("PT0S", "PT0S"),
        ("0 days", "PT0S"),
        ("-3 days", "-P3D"),
        ("3 days ago", "-P3D"),
        ("-P0D", "PT0S"),
    ],
)
def test_a_duration_keeps_the_units_it_was_written_in(text: str, span: str) -> None:
    assert parse_cutoff(text, CLOCK).span == span


def test_a_duration_counts_back_from_now() -> None:
    assert parse_cutoff("1 week", CLOCK).timestamp_ns == NOW - 7 * DAY
    assert parse_cutoff("P1DT12H", CLOCK).timestamp_ns == NOW - DAY - DAY // 2
    assert parse_cutoff("PT0.5S", CLOCK).timestamp_ns == NOW - 500_000_000
    assert parse_cutoff("3 days ago", CLOCK).timestamp_ns == NOW + 3 * DAY


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2024-06-01", "2024-06-02T00:00:00Z"),
        ("20240601", "2024-06-02T00:00:00Z"),
        ("2024-06-01T00:00:00", "2024-06-02T00:00:00Z"),
        ("2024-06-01 00:00:00Z", "2024-06-01T00:00:00Z"),
        ("2024-06-01t00:00:00z", "2024-06-01T00:00:00Z"),
        ("2024-06-01T00:00:00+02:00", "2024-05-31T22:00:00Z"),
        ("2024-06-01T00:00:00-0130", "2024-06-01T01:30:00Z"),
        ("2024-06-01T00:00:00+02:00[Europe/Paris]", "2024-05-31T22:00:00Z"),
        ("2024-06-01T12:00Z", "2024-06-01T12:00:00Z"),
    ],
)
def test_a_moment_is_read_in_all_its_forms(text: str, same: str) -> None:
    found = parse_cutoff(text, CLOCK)
    assert found.span is None
    assert found.timestamp_ns == parse_cutoff(same, CLOCK).timestamp_ns


def test_a_moment_counts_nanoseconds_since_the_epoch() -> None:
    assert parse_cutoff("1970-01-02T00:00:01.25Z", CLOCK).timestamp_ns == DAY + 1_250_000_000
    assert parse_cutoff("1969-12-31T23:59:59Z", CLOCK).timestamp_ns == -1_000_000_000


@pytest.mark.parametrize("text", ["1 month", "P1Y", "1 year, 2 days"])
def test_months_and_years_are_refused_with_days_to_use_instead(text: str) -> None:
    with pytest.raises(InvalidCutoff, match=r"use days, e\.g\. '(30|365) days'"):
        parse_cutoff(text, CLOCK)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2024",
        "in 3 days",
        "1.5 days",
        "P7D ",
        "P",
        "PT",
        "1 fortnight",
        "10 DAYS",
        "2 hours 1 day",
        "1 day 1 day",
        "1 day,",
        "2024-13-01",
        "2024-02-30",
        "9999-12-31",
        "2024-06-01T24:00:00Z",
        "2024-06-01T00:00:00.1234567891Z",
        "2024-0601",
        "9" * 300 + " days",
        "99999999999999 days",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidCutoff):
        parse_cutoff(text, CLOCK)


@given(st.text(max_size=40) | st.from_regex(r"[0-9PTZ:+ -]{0,30}", fullmatch=True))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(InvalidCutoff):
        assert parse_cutoff(text, CLOCK).span != ""
