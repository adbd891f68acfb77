"""How long a stored answer may be used and how it is checked again, from headers and a clock (RFC 9111)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

_DIRECTIVE = re.compile(r"""([A-Za-z0-9_-]+)\s*(?:=\s*(?:"([^"]*)"|([^\s,;"]*)))?""", re.ASCII)
_DATE = re.compile(r"[A-Za-z]{3,9}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONGEST_SECONDS = 1 << 31
_HEURISTIC_SECONDS = 600
"""The most that is guessed where an answer says only when it was last modified: as long as large indexes say."""


class Policy(Struct, frozen=True, array_like=True):
    """What an answer said about being stored; times are seconds since the epoch by the clock of this machine."""

    stored_at: int
    fresh_until: int
    etag: str | None = None
    last_modified: str | None = None

    @property
    def can_be_revalidated(self) -> bool:
        return self.etag is not None or self.last_modified is not None


def policy_of(headers: Mapping[str, str], now: int) -> Policy | None:
    """The policy of an answer received at `now`, None where it must not be stored.

    Names of headers are in lower case. Answers are kept by one user, so what is private may be stored (section 3).
    """
    control = cache_control(headers.get("cache-control", ""))
    if "no-store" in control or headers.get("vary", "").strip() == "*":
        return None
    lifetime = 0 if "no-cache" in control else _lifetime(headers, control, now)
    age = _seconds(headers.get("age"))
    return Policy(
        stored_at=now,
        fresh_until=now + max(0, lifetime - (age or 0)),
        etag=headers.get("etag"),
        last_modified=headers.get("last-modified"),
    )


def is_fresh(policy: Policy, now: int) -> bool:
    """Whether the answer may be used without asking. A clock that was set back makes it stale, not eternal."""
    return policy.stored_at <= now < policy.fresh_until


def conditions(policy: Policy) -> tuple[tuple[str, str], ...]:
    """The headers that ask whether the stored answer still holds (RFC 9110 section 13)."""
    pairs = (("if-none-match", policy.etag), ("if-modified-since", policy.last_modified))
    return tuple((name, value) for name, value in pairs if value)


def confirmed(policy: Policy, headers: Mapping[str, str], now: int) -> Policy:
    """The policy after the server said "not modified" at `now`; what it leaves out is kept (section 4.3.4)."""
    validators = {"etag": policy.etag, "last-modified": policy.last_modified}
    merged = {name: value for name, value in validators.items() if value} | dict(headers)
    return policy_of(merged, now) or Policy(stored_at=now, fresh_until=now)


def cache_control(text: str) -> dict[str, str]:
    """Directives of a Cache-Control header, names in lower case; of several the first counts."""
    directives: dict[str, str] = {}
    for name, quoted, token in _DIRECTIVE.findall(text):
        directives.setdefault(name.lower(), quoted or token)
    return directives


def _lifetime(headers: Mapping[str, str], control: Mapping[str, str], now: int) -> int:
    if "max-age" in control:
        return _seconds(control["max-age"]) or 0
    date = http_date(headers.get("date")) or now
    if "expires" in headers:
        return max(0, (http_date(headers["expires"]) or 0) - date)
    modified = http_date(headers.get("last-modified"))
    if modified is None:
        return 0
    return max(0, min((date - modified) // 10, _HEURISTIC_SECONDS))


def _seconds(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    return min(int(text[:12]), _LONGEST_SECONDS)


def http_date(text: str | None) -> int | None:
    """Seconds since the epoch of an HTTP date in the form that servers must send, None for what is none.

    The two obsolete forms of RFC 9110 section 5.6.7 are not read: nothing is lost but one revalidation.
    """
    match = None if text is None else _DATE.fullmatch(text.strip())
    if match is None or match[2] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(match[group]) for group in (1, 3, 4, 5, 6))
    return days_from_civil(year, _MONTHS.index(match[2]) + 1, day) * 86400 + hour * 3600 + minute * 60 + second


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the proleptic Gregorian calendar."""
    shifted = year - (month <= 2)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + day_of_year - 719468


def retry_after_seconds(text: str | None, now: int) -> int | None:
    """How long a server asks to be left alone (RFC 9110 section 10.2.3), None where it does not say."""
    seconds = _seconds(text.strip() if text else None)
    if seconds is not None:
        return seconds
    date = http_date(text)
    return None if date is None else max(0, date - now)
