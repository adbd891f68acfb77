"""The text of `exclude-newer` to a cut-off: a moment, a date, or a span before now (RFC 3339, ISO 8601).

A date alone, and a time without an offset, mean the end of that day where the person is. Spans keep the units they
were written in, since a lock prints them; years and months are refused, as their length depends on the day.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from msgspec import Struct

from lockflow.inputs.model import Cutoff

_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_LONGEST = 200

_MOMENT = r"""
    (?P<year>[0-9]{4})(?P<dash>-?)(?P<month>[0-9]{2})(?P=dash)(?P<day>[0-9]{2})
    (?:[Tt ](?P<hour>[0-9]{2})(?P<colon>:?)(?P<minute>[0-9]{2})
      (?:(?P=colon)(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?
      (?P<offset>[Zz]|(?P<sign>[+-])(?P<offset_hour>[0-9]{2})(?::?(?P<offset_minute>[0-9]{2}))?)?
      (?:\[[A-Za-z0-9_+./-]+\])?
    )?
"""
_ISO = r"""
    (?P<sign>[+-]?)P(?=[0-9T])(?:(?P<years>[0-9]+)Y)?(?:(?P<months>[0-9]+)M)?(?:(?P<weeks>[0-9]+)W)?(?:(?P<days>[0-9]+)D)?
    (?:T(?=[0-9])(?:(?P<hours>[0-9]+)H)?(?:(?P<minutes>[0-9]+)M)?(?:(?P<seconds>[0-9]+)(?:[.,](?P<fraction>[0-9]{1,9}))?S)?)?
"""
_FRIENDLY_PART = r"([0-9]+)\s*([a-zµ]+)(\s*,\s+|\s*)"
"""Not compiled here: they take longest of all to compile, and few projects have a cut-off."""
_UNITS = {
    "years": ("years", "year", "yrs", "yr", "y"),
    "months": ("months", "month", "mos", "mo"),
    "weeks": ("weeks", "week", "wks", "wk", "w"),
    "days": ("days", "day", "d"),
    "hours": ("hours", "hour", "hrs", "hr", "h"),
    "minutes": ("minutes", "minute", "mins", "min", "m"),
    "seconds": ("seconds", "second", "secs", "sec", "s"),
}
_DESIGNATORS = {spelling: unit for unit, spellings in _UNITS.items() for spelling in spellings}
_LENGTHS = {
    "weeks": 7 * _DAY,
    "days": _DAY,
    "hours": 3600 * _SECOND,
    "minutes": 60 * _SECOND,
    "seconds": _SECOND,
}
_LETTERS = {"weeks": "W", "days": "D", "hours": "H", "minutes": "M", "seconds": "S"}


class InvalidCutoff(ValueError):
    """A text is neither a date, nor a moment, nor a span."""


class Clock(Struct, frozen=True):
    """The moment at which settings are read, and when a day begins where the person is (nanoseconds, UTC)."""

    now_ns: int
    midnight_ns: Callable[[date], int]


def parse_cutoff(text: str, clock: Clock) -> Cutoff:
    """Read a value of `exclude-newer`; raises InvalidCutoff."""
    if len(text) <= _LONGEST:
        match = re.fullmatch(_MOMENT, text, re.VERBOSE)
        if match is not None:
            return Cutoff(timestamp_ns=_moment(match, text, clock))
        units = _iso(text) or _friendly(text)
        if units is not None:
            sign, amounts, fraction = units
            return _span(text, sign, amounts, fraction, clock)
    raise InvalidCutoff(
        f"{text[:_LONGEST]!r} is neither a date like 2024-01-01, nor a time like 2024-01-01T00:00:00Z, "
        "nor a duration like '7 days' or P7D"
    )


def _moment(match: re.Match[str], text: str, clock: Clock) -> int:
    try:
        day = date(int(match["year"]), int(match["month"]), int(match["day"]))
        if match["offset"] is None:
            return clock.midnight_ns(date.fromordinal(day.toordinal() + 1))
    except (ValueError, OverflowError) as error:
        raise InvalidCutoff(f"{text!r} is not a date: {error}") from error
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    offset = 60 * int(match["offset_hour"] or 0) + int(match["offset_minute"] or 0)
    if hour > 23 or minute > 59 or second > 60 or int(match["offset_minute"] or 0) > 59 or offset > 26 * 60:
        raise InvalidCutoff(f"{text!r} is not a time of day")
    seconds = (day.toordinal() - _EPOCH_DAY) * 86_400 + hour * 3600 + minute * 60 + min(second, 59)
    seconds -= -60 * offset if match["sign"] == "-" else 60 * offset
    return seconds * _SECOND + int((match["fraction"] or "0").ljust(9, "0"))


Units = tuple[int, dict[str, int], int]
"""Sign, whole amounts by unit, and nanoseconds of a broken second."""


def _iso(text: str) -> Units | None:
    match = re.fullmatch(_ISO, text, re.VERBOSE | re.IGNORECASE)
    if match is None:
        return None
    amounts = {unit: int(match[unit]) for unit in _UNITS if match[unit] is not None}
    return -1 if match["sign"] == "-" else 1, amounts, int((match["fraction"] or "0").ljust(9, "0"))


def _friendly(text: str) -> Units | None:
    sign, rest = 1, text
    if rest[:1] in ("+", "-"):
        sign, rest = -1 if rest[0] == "-" else 1, rest[1:].lstrip()
    if rest.endswith(" ago"):
        sign, rest = -sign, rest[:-4].rstrip()
    amounts: dict[str, int] = {}
    part = re.compile(_FRIENDLY_PART)
    place = 0
    while place < len(rest):
        match = part.match(rest, place)
        unit = _DESIGNATORS.get(match[2]) if match is not None else None
        if match is None or unit is None or (amounts and _order(unit) <= max(map(_order, amounts))):
            return None
        amounts[unit] = int(match[1])
        place = match.end()
    return (sign, amounts, 0) if amounts and not rest.endswith(",") else None


def _order(unit: str) -> int:
    return tuple(_UNITS).index(unit)


def _span(text: str, sign: int, amounts: dict[str, int], fraction: int, clock: Clock) -> Cutoff:
    for unit, days in (("years", 365), ("months", 30)):
        if unit in amounts:
            raise InvalidCutoff(f"{text!r} counts in {unit}, whose length varies; use days, e.g. '{days} days'")
    length = sum(_LENGTHS[unit] * amount for unit, amount in amounts.items()) + fraction
    if length > 10_000 * 366 * _DAY:
        raise InvalidCutoff(f"{text!r} is longer than ten thousand years")
    return Cutoff(timestamp_ns=clock.now_ns - sign * length, span=_span_text(sign if length else 1, amounts, fraction))


def _span_text(sign: int, amounts: dict[str, int], fraction: int) -> str:
    days = "".join(f"{amounts[unit]}{_LETTERS[unit]}" for unit in ("weeks", "days") if amounts.get(unit))
    time = "".join(f"{amounts[unit]}{_LETTERS[unit]}" for unit in ("hours", "minutes") if amounts.get(unit))
    if fraction:
        time += f"{amounts.get('seconds', 0)}.{fraction:09d}".rstrip("0") + "S"
    elif amounts.get("seconds"):
        time += f"{amounts['seconds']}S"
    if not days and not time:
        return "PT0S"
    return f"{'-' if sign < 0 else ''}P{days}{'T' + time if time else ''}"
