"""The Python versions a project supports, as one interval of release numbers.

uv reads `requires-python` with release segments only and keeps, besides the specifiers for printing, a single
bounding interval; holes (`!=3.10.*`) are ignored by every decision. Releases are compared without trailing zeros.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from msgspec import Struct

from lockflow.standards.versions import InvalidVersion, Version

Release = tuple[int, ...]


class PythonRange(Struct, frozen=True, kw_only=True):
    """A bounding interval: None as a bound means unbounded; `..._closed` tells whether the bound belongs to it.

    Bounds carry no trailing zeros, except that 0 itself is `(0,)`.
    """

    lower: Release | None = None
    lower_closed: bool = True
    upper: Release | None = None
    upper_closed: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no Python is within."""
        if self.lower is None or self.upper is None:
            return False
        if self.lower == self.upper:
            return not (self.lower_closed and self.upper_closed)
        return self.lower > self.upper

    def contains(self, release: Release) -> bool:
        """Whether the Python `release`, with or without trailing zeros, is within."""
        release = trim(release)
        if self.lower is not None and (release < self.lower or (release == self.lower and not self.lower_closed)):
            return False
        return self.upper is None or release < self.upper or (release == self.upper and self.upper_closed)

    def intersect(self, other: PythonRange) -> PythonRange:
        """Return what both hold; it may be empty."""
        lower, lower_closed, upper, upper_closed = self.lower, self.lower_closed, self.upper, self.upper_closed
        if other.lower is not None:
            if lower is None or other.lower > lower:
                lower, lower_closed = other.lower, other.lower_closed
            elif other.lower == lower:
                lower_closed = lower_closed and other.lower_closed
        if other.upper is not None:
            if upper is None or other.upper < upper:
                upper, upper_closed = other.upper, other.upper_closed
            elif other.upper == upper:
                upper_closed = upper_closed and other.upper_closed
        return PythonRange(lower=lower, lower_closed=lower_closed, upper=upper, upper_closed=upper_closed)


def python_range(text: str) -> PythonRange:
    """Return the interval that the specifiers in `text` bound; unbounded for an empty text.

    Holes count only at its ends: `>=3.9,!=3.9.*` begins at 3.10. Contradictory specifiers give an empty range.
    Raises ValueError when `text` is no set of specifiers. Cached.
    """
    return _bounds(_read_segments(text))


def parse_requires_python(*texts: str) -> tuple[str, PythonRange]:
    """Return the Pythons that all of `texts` admit: the specifiers as a lock prints them, and their interval.

    Raises ValueError when a text is no set of specifiers, and when together they admit no Python.
    """
    segments: Segments = _EVERYTHING
    for text in texts:
        segments = _intersect(segments, _read_segments(text))
    if not segments:
        raise ValueError("no Python satisfies all of " + "; ".join(texts))
    return _print(segments), _bounds(segments)


def requires_python_text(texts: Sequence[str]) -> str:
    """Return the specifiers that all of `texts` amount to, as a lock prints them.

    What a set of specifiers cannot say about holes, such as `!=3.9.2.*`, is left out. Raises as
    `parse_requires_python` does.
    """
    return parse_requires_python(*texts)[0]


class ReleasePattern(Struct, frozen=True):
    """The release numbers of a version as written; `star` when it ends in `.*`, `local` when it has a local part."""

    release: Release
    star: bool = False
    local: bool = False

    def suits(self, operator: str) -> bool:
        """Whether `operator` may stand before such a version (PEP 440, "Version specifiers")."""
        if operator in {"==", "!="}:
            return True
        return not self.star and not self.local and (operator != "~=" or len(self.release) > 1)


_PLAIN: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})*")
_PREFIX: Final = re.compile(r"[vV]?(?:[0-9]+!)?([0-9]+(?:\.[0-9]+)*)\.\*")
# uv keeps each number in 64 bits and needs one more for the end of a prefix.
_TOO_LARGE: Final = 2**64 - 1


@lru_cache(maxsize=4096)
def read_release(text: str) -> ReleasePattern | None:
    """Read the release numbers of a version or of a prefix `3.9.*`; None when it is neither."""
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return ReleasePattern(tuple([int(number) for number in text.split(".")]))
    prefix = _PREFIX.fullmatch(text)
    plain = prefix[1] if prefix else text
    try:
        release = Version.parse(plain).release
    except InvalidVersion:
        return None
    if any(number >= _TOO_LARGE for number in release):
        return None
    return ReleasePattern(release, star=prefix is not None, local="+" in plain)


def trim(release: Release) -> Release:
    """Return `release` without trailing zeros, which play no part in comparisons."""
    end = len(release)
    while end > 1 and release[end - 1] == 0:
        end -= 1
    return release if end == len(release) else release[:end]


# Sets of releases: intervals in ascending order, each bound with the numbers as they were written.


class _Bound(NamedTuple):
    release: Release
    # 0 just below the release, 1 just above it.
    side: int
    written: Release

    @property
    def place(self) -> tuple[Release, int]:
        return self.release, self.side


Segment = tuple[_Bound | None, _Bound | None]
Segments = tuple[Segment, ...]

_EVERYTHING: Final[Segments] = ((None, None),)
_SPECIFIER: Final = re.compile(r"\s*(===|~=|==|!=|<=|>=|<|>)([^,]+)")


@lru_cache(maxsize=4096)
def _read_segments(text: str) -> Segments:
    specifiers: list[tuple[Release, str, ReleasePattern]] = []
    for part in text.split(",") if text.strip() else ():
        match = _SPECIFIER.fullmatch(part)
        pattern = None if match is None else read_release(match[2])
        if match is None or pattern is None or not pattern.suits(match[1]):
            raise ValueError(f"{part.strip()!r} is not a version specifier")
        specifiers.append((trim(pattern.release), match[1], pattern))
    segments: Segments = _EVERYTHING
    # The order decides which of two spellings of one bound is printed.
    for release, operator, pattern in sorted(specifiers, key=_by_release):
        segments = _intersect(segments, _segments(operator, release, pattern))
    return segments


def _by_release(specifier: tuple[Release, str, ReleasePattern]) -> Release:
    return specifier[0]


def _segments(operator: str, release: Release, pattern: ReleasePattern) -> Segments:
    below = _Bound(release, 0, pattern.release)
    above = _Bound(release, 1, pattern.release)
    if operator == "<":
        return ((None, below),)
    if operator == "<=":
        return ((None, above),)
    if operator == ">":
        return ((above, None),)
    if operator == ">=":
        return ((below, None),)
    if pattern.star or operator == "~=":
        prefix = pattern.release if pattern.star else pattern.release[:-1]
        end = (*prefix[:-1], prefix[-1] + 1)
        above = _Bound(end, 0, end)
    return ((None, below), (above, None)) if operator == "!=" else ((below, above),)


def _intersect(a: Segments, b: Segments) -> Segments:
    result: list[Segment] = []
    i = j = 0
    while i < len(a) and j < len(b):
        lower, a_upper = a[i]
        b_lower, upper = b[j]
        # Of equal bounds the later lower one and the earlier upper one are printed: uv's way.
        if lower is None or (b_lower is not None and b_lower.place >= lower.place):
            lower = b_lower
        is_first = a_upper is not None and (upper is None or a_upper.place <= upper.place)
        if is_first:
            upper = a_upper
            i += 1
        else:
            j += 1
        if lower is None or upper is None or lower.place < upper.place:
            result.append((lower, upper))
    return tuple(result)


def _bounds(segments: Segments) -> PythonRange:
    if not segments:
        return PythonRange(lower=(0,), lower_closed=False, upper=(0,))
    lower, upper = segments[0][0], segments[-1][1]
    return PythonRange(
        lower=None if lower is None else lower.release,
        lower_closed=lower is None or lower.side == 0,
        upper=None if upper is None else upper.release,
        upper_closed=upper is not None and upper.side == 1,
    )


def _print(segments: Segments) -> str:
    specifiers: list[tuple[Release, str]] = []
    for (_, end), (start, _) in pairwise(segments):
        assert end is not None
        assert start is not None
        if end.release == start.release:
            specifiers.append((end.release, f"!={_text(end.written)}"))
        elif end.side == 0 and start.side == 0:
            specifiers.extend([(trim(minor), f"!={_text(minor)}.*") for minor in _minors(end.release, start.release)])
    lower, upper = segments[0][0], segments[-1][1]
    if lower is not None and upper is not None and lower.release == upper.release:
        specifiers.append((lower.release, f"=={_text(lower.written)}"))
    elif (
        lower is not None
        and upper is not None
        and lower.side == upper.side == 0
        and len(minors := _minors(lower.release, upper.release)) == 1
    ):
        specifiers.append((lower.release, f"=={_text(minors[0])}.*"))
    else:
        if lower is not None:
            specifiers.append((lower.release, f"{'>' if lower.side else '>='}{_text(lower.written)}"))
        if upper is not None:
            specifiers.append((upper.release, f"{'<=' if upper.side else '<'}{_text(upper.written)}"))
    specifiers.sort(key=_by_first)
    return ", ".join([text for _, text in specifiers])


def _by_first(specifier: tuple[Release, str]) -> Release:
    return specifier[0]


def _minors(start: Release, end: Release) -> list[Release]:
    """Return the minor versions that make up all from `start` to before `end`; none if they do not."""
    if len(start) > 2 or len(end) != 2 or start[0] != end[0]:
        return []
    first = start[1] if len(start) == 2 else 0
    if end[1] - first > _MOST_MINORS:
        return []
    return [(start[0], minor) for minor in range(first, end[1])]


_MOST_MINORS: Final = 100
"""Longer holes are nonsense, and listing them would let a text of ten characters fill the memory."""


def _text(release: Release) -> str:
    return ".".join(map(str, release))
