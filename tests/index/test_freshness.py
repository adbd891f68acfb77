from __future__ import annotations

import pytest

from lockflow.index.freshness import (
    cache_control,
    conditions,
    confirmed,
    http_date,
    is_fresh,
    policy_of,
    retry_after_seconds,
)

NOW = 1_700_000_000
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"  # NOW
EARLIER = "Tue, 14 Nov 2023 21:13:20 GMT"
LATER = "Tue, 14 Nov 2023 22:14:20 GMT"


def lifetime(headers: dict[str, str]) -> int | None:
    policy = policy_of(headers, NOW)
    return None if policy is None else policy.fresh_until - NOW


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache-control": "max-age=600, public"}, 600),
        ({"cache-control": 'Max-Age="600"'}, 600),
        ({"cache-control": "max-age=600", "age": "100"}, 500),
        ({"cache-control": "max-age=600", "age": "700"}, 0),
        ({"cache-control": "max-age=x"}, 0),
        ({"cache-control": "max-age=600, no-cache"}, 0),
        ({"cache-control": "max-age=600, no-store"}, None),
        ({"cache-control": "private, max-age=5"}, 5),
        ({"cache-control": "max-age=600", "vary": "*"}, None),
        ({"cache-control": "max-age=99999999999999999999"}, 1 << 31),
        ({"cache-control": "max-age=10", "expires": LATER, "date": DATE}, 10),
        ({"expires": LATER, "date": DATE}, 60),
        ({"expires": LATER, "date": LATER}, 0),
        ({"expires": "0", "date": DATE}, 0),
        ({"last-modified": EARLIER, "date": DATE}, 360),
        ({"last-modified": "Wed, 14 Nov 2012 22:13:20 GMT", "date": DATE}, 600),
        ({}, 0),
    ],
)
def test_answer_is_fresh_as_long_as_its_headers_say(headers: dict[str, str], seconds: int | None) -> None:
    assert lifetime(headers) == seconds


def test_fresh_ends_with_the_last_second_and_with_a_clock_set_back() -> None:
    policy = policy_of({"cache-control": "max-age=600"}, NOW)
    assert policy is not None
    assert [is_fresh(policy, NOW + seconds) for seconds in (-1, 0, 599, 600)] == [False, True, True, False]


def test_validators_are_sent_back_as_conditions() -> None:
    policy = policy_of({"etag": 'W/"a"', "last-modified": DATE}, NOW)
    assert policy is not None
    assert conditions(policy) == (("if-none-match", 'W/"a"'), ("if-modified-since", DATE))
    without = policy_of({}, NOW)
    assert without is not None
    assert conditions(without) == ()


def test_not_modified_renews_the_lifetime_and_keeps_the_validators() -> None:
    policy = policy_of({"etag": '"a"', "cache-control": "max-age=10"}, NOW)
    assert policy is not None
    renewed = confirmed(policy, {"cache-control": "max-age=60"}, NOW + 100)
    assert (renewed.etag, renewed.fresh_until) == ('"a"', NOW + 160)
    assert not is_fresh(confirmed(policy, {"cache-control": "no-store"}, NOW), NOW)


def test_directives_are_read_however_they_are_written() -> None:
    assert cache_control(' No-Cache="set-cookie, x" ,, max-age = 5, immutable, max-age=7') == {
        "no-cache": "set-cookie, x",
        "max-age": "5",
        "immutable": "",
    }


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (DATE, NOW),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 29 Feb 2024 12:00:00 GMT", 1_709_208_000),
        ("Tuesday, 14-Nov-23 22:13:20 GMT", None),
        ("Tue, 14 Foo 2023 22:13:20 GMT", None),
        ("0", None),
        (None, None),
    ],
)
def test_date_is_read_in_the_form_that_servers_must_send(text: str | None, seconds: int | None) -> None:
    assert http_date(text) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("120", 120), (" 5 ", 5), (LATER, 60), (EARLIER, 0), ("soon", None), ("-1", None), (None, None)],
)
def test_retry_after_is_a_number_or_a_date(text: str | None, seconds: int | None) -> None:
    assert retry_after_seconds(text, NOW) == seconds
