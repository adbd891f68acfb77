"""Upload times of indexes to nanoseconds (RFC 3339, PEP 700)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from lockflow.index.freshness import days_from_civil

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?(?:[Zz]|([+-]\d\d):?(\d\d))(?:\[[^\]]*\])?",
    re.ASCII,
)


def timestamp_ns(text: str) -> int | None:
    """Nanoseconds since the epoch of a time with offset (RFC 3339); None for what is none.

    Nor for what 64 bits cannot hold (beyond 2262): no file was uploaded then.
    """
    if len(text) == 27 and text[7] == "-" and text[19] == "." and text[10] in "Tt " and text[26] == "Z":
        # As indexes write it: a fifth of the time. A leap second is left to the way below.
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            precise = (moment - _EPOCH) // _MICROSECOND * 1000
            return precise if precise < _TOO_FAR and text[11:13] < "24" else None
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, offset_hours, offset_minutes = match.groups()
    days = _days(year, month, day)
    if days is None or hour > "23" or minute > "59" or second > "60":
        return None
    seconds = days * 86400 + int(hour) * 3600 + int(minute) * 60 + int(second)
    if offset_hours is not None:
        sign = -1 if offset_hours[0] == "-" else 1
        seconds -= int(offset_hours) * 3600 + sign * int(offset_minutes) * 60
    nanoseconds = seconds * 1_000_000_000 + (int(fraction) * _SCALE[len(fraction)] if fraction else 0)
    return nanoseconds if abs(nanoseconds) < _TOO_FAR else None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TOO_FAR = 1 << 63

_SCALE = tuple(10 ** (9 - digits) for digits in range(10))


@lru_cache(maxsize=8192)
def _days(year: str, month: str, day: str) -> int | None:
    if not ("01" <= month <= "12" and "01" <= day <= "31") or year < "0001":
        return None
    return days_from_civil(int(year), int(month), int(day))
