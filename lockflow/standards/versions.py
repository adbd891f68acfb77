"""Versions, and sets of versions with exact algebra (PEP 440).

A version is compared through a *key*, a tuple in which every comparison is one of integers, strings or nested
tuples, so that the interpreter's own tuple comparison orders versions:

    (epoch, release without trailing zeros, pre kind, pre number, post, dev, local)

A set of versions is a sorted tuple of *positions* between which membership alternates. A position lies before
the version whose key it equals; a key with one more element lies directly behind that version. Artificial
positions (before every pre-release of V, behind every local version of V) are folded onto the next version that
can exist, so that sets holding the same versions have equal tuples.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

Key = tuple[Any, ...]
"""See the module's docstring; as a position it may also be `()` (before all) or longer by one (behind)."""

INFINITE = 1 << 62
"""Larger than any number in a version; stands for "no dev segment" and "behind every post-release"."""

_PRE_KINDS = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
_PRE_TEXTS = ("a", "b", "rc")
_DEV_ONLY = -1
FINAL = 3

_VERSION = re.compile(
    r"""\s*v?
    (?:(?P<epoch>[0-9]+)!)?
    (?P<release>[0-9]+(?:\.[0-9]+)*)
    (?:[-_.]?(?P<pre>a|b|c|rc|alpha|beta|pre|preview)[-_.]?(?P<pre_number>[0-9]*))?
    (?P<post>-(?P<post_implicit>[0-9]+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>[0-9]*))?
    (?P<dev>[-_.]?dev[-_.]?(?P<dev_number>[0-9]*))?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?
    \s*""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_SIMPLE = re.compile(r"(?:0|[1-9][0-9]{0,17})(?:\.(?:0|[1-9][0-9]{0,17}))*", re.ASCII)
_LONGEST = 4096
"""Characters of a version text; what is longer comes from no honest project and would cost quadratic time."""


class InvalidVersion(ValueError):
    """A text is no PEP 440 version."""


class Version:
    """One version. `text` is normalised but keeps trailing zeros; equality and order ignore them (PEP 440)."""

    __slots__ = ("_exact", "_hash", "key", "text")

    _hash: int
    _exact: VersionRange
    """Both are set when first asked for, so that it costs nothing to make thousands that nobody asks."""

    def __init__(self, text: str, key: Key) -> None:
        self.text = text
        self.key = key

    @staticmethod
    def parse(text: str) -> Version:
        """Read a version in any spelling that PEP 440 allows; raises InvalidVersion."""
        return _parse(text)

    @property
    def release(self) -> tuple[int, ...]:
        """The release numbers as written, trailing zeros included."""
        match = _VERSION.fullmatch(self.text)
        assert match is not None
        return tuple(int(part) for part in match["release"].split("."))

    @property
    def epoch(self) -> int:
        return int(self.key[0])

    @property
    def is_prerelease(self) -> bool:
        """Whether there is a pre-release or dev segment."""
        return bool(self.key[2] != FINAL or self.key[5] != INFINITE)

    @property
    def is_local(self) -> bool:
        return bool(self.key[6])

    @property
    def local(self) -> str:
        """The local segment without `+`, empty where there is none."""
        return self.text.partition("+")[2]

    def without_local(self) -> Version:
        """The public part."""
        if not self.key[6]:
            return self
        return Version(self.text.partition("+")[0], (*self.key[:6], ()))

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Version({self.text!r})"

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            self._hash = hash(self.key)
            return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.key == other.key

    def __lt__(self, other: Version) -> bool:
        return self.key < other.key

    def __le__(self, other: Version) -> bool:
        return self.key <= other.key

    def __gt__(self, other: Version) -> bool:
        return self.key > other.key

    def __ge__(self, other: Version) -> bool:
        return self.key >= other.key


@lru_cache(maxsize=1 << 17)
def _parse(text: str) -> Version:
    if len(text) > _LONGEST:
        raise InvalidVersion(f"a version of {len(text)} characters")
    if _SIMPLE.fullmatch(text) is not None:
        release = tuple(map(int, text.split(".")))
        return Version(text, (0, _trim(release), FINAL, 0, -1, INFINITE, ()))
    match = _VERSION.fullmatch(text)
    if match is None:
        raise InvalidVersion(f"{text!r} is not a version (PEP 440)")
    epoch = int(match["epoch"] or 0)
    release = tuple(int(part) for part in match["release"].split("."))
    pre = match["pre"]
    post = -1 if match["post"] is None else int(match["post_implicit"] or match["post_number"] or 0)
    dev = INFINITE if match["dev"] is None else int(match["dev_number"] or 0)
    if pre is not None:
        kind, number = _PRE_KINDS[pre.lower()], int(match["pre_number"] or 0)
    elif post == -1 and dev != INFINITE:
        kind, number = _DEV_ONLY, 0
    else:
        kind, number = FINAL, 0
    segments = re.split(r"[-_.]", match["local"].lower()) if match["local"] else []
    local = tuple((1, int(part)) if part.isdigit() else (0, part) for part in segments)
    key = (epoch, _trim(release), kind, number, post, dev, local)
    return Version(_text(key, release), key)


def _trim(release: tuple[int, ...]) -> tuple[int, ...]:
    end = len(release)
    while end > 1 and release[end - 1] == 0:
        end -= 1
    return release[:end]


def _text(key: Key, release: tuple[int, ...]) -> str:
    epoch, _, kind, number, post, dev, local = key
    text = f"{epoch}!" if epoch else ""
    text += ".".join(map(str, release))
    if 0 <= kind < FINAL:
        text += f"{_PRE_TEXTS[kind]}{number}"
    if post >= 0:
        text += f".post{post}"
    if dev != INFINITE:
        text += f".dev{dev}"
    if local:
        text += "+" + ".".join(str(part) for _, part in local)
    return text


# Positions ------------------------------------------------------------------------------------------------------

START: Key = ()
END: Key = (INFINITE,)
"""Before all versions, and behind all."""


def behind(key: Key) -> Key:
    """Directly behind one version: before its local versions."""
    return (*key, 0)


def behind_locals(key: Key) -> Key:
    """The first version that can exist behind every local version of `key`."""
    epoch, release, kind, number, post, dev, _ = key
    if dev != INFINITE:
        return (epoch, release, kind, number, post, dev + 1, ())
    return (epoch, release, kind, number, post + 1, 0, ())


def behind_posts(key: Key) -> Key:
    """Behind every post-release and local version of a final or pre-release."""
    epoch, release, kind, number, *_ = key
    if kind == FINAL:
        return (epoch, release, kind, number, INFINITE, 0, ())
    return (epoch, release, kind, number + 1, -1, 0, ())


def before_release(epoch: int, release: tuple[int, ...]) -> Key:
    """Before the first pre-release of a release: that is its dev0."""
    return (epoch, _trim(release), _DEV_ONLY, 0, -1, 0, ())


class VersionRange:
    """A set of versions; immutable, equal when it holds the same versions."""

    __slots__ = ("_hash", "bounds")

    _hash: int
    """Set when first asked for."""

    def __init__(self, bounds: tuple[Key, ...]) -> None:
        self.bounds = bounds

    @staticmethod
    def singleton(version: Version) -> VersionRange:
        """Exactly this version, without its local variants."""
        try:
            return version._exact
        except AttributeError:
            version._exact = VersionRange((version.key, behind(version.key)))
            return version._exact

    @staticmethod
    def between(below: Version | None, above: Version | None) -> VersionRange:
        """All versions above `below` and under `above`, both excluded; None means unbounded."""
        low = START if below is None else behind(below.key)
        high = END if above is None else above.key
        return VersionRange((low, high)) if low < high else EMPTY

    @staticmethod
    def at_least(version: Version) -> VersionRange:
        return VersionRange((version.key, END))

    @property
    def is_empty(self) -> bool:
        return not self.bounds

    @property
    def is_full(self) -> bool:
        return self.bounds == (START, END)

    @property
    def has_upper_bound(self) -> bool:
        return bool(self.bounds) and self.bounds[-1] != END

    @property
    def is_pinned(self) -> bool:
        """Whether it admits one version only, or one version with its local variants (like `==V`).

        `==1.0` counts, `==1.0.*` and `>=1,<=1` with other releases between do not.
        """
        bounds = self.bounds
        if not bounds or len(bounds[0]) < 7:
            return False
        key = bounds[0][:7]
        if len(bounds[-1]) < 7 or bounds[-1][1] != key[1]:
            return False  # most ranges: they end in another release than they begin with, or do not end
        if bounds[-1] == behind_locals((*key[:6], ())):
            return len(bounds) == 2 or all(bound[:6] == key[:6] for bound in bounds[:-1])
        return all(len(bound) >= 7 and bound[:7] == key for bound in bounds)

    def contains(self, version: Version) -> bool:
        bounds = self.bounds
        if len(bounds) == 2:
            return bounds[0] <= version.key < bounds[1]
        return bisect_right(bounds, version.key) & 1 == 1

    def is_disjoint(self, other: VersionRange) -> bool:
        a, b = self.bounds, other.bounds
        if len(b) == 2:
            a, b = b, a
        if len(a) == 2:
            # The place among the ends of the other set tells: an even one lies outside its intervals.
            place = bisect_right(b, a[0])
            return not place & 1 and (place == len(b) or a[1] <= b[place])
        return not a or not b or _is_disjoint(a, b)

    def is_subset(self, other: VersionRange) -> bool:
        a, b = self.bounds, other.bounds
        if len(a) == 2:
            place = bisect_right(b, a[0])
            return place & 1 == 1 and a[1] <= b[place]
        j = 0
        for i in range(0, len(a), 2):
            while j < len(b) and b[j + 1] <= a[i]:
                j += 2
            if j >= len(b) or b[j] > a[i] or b[j + 1] < a[i + 1]:
                return False
        return True

    def relation(self, known: VersionRange) -> int:
        """1 where all of `known` is in this set, -1 where nothing of it is, else 0.

        The solver asks for little else, mostly with one interval as `known`; that takes a single search.
        """
        a, b = known.bounds, self.bounds
        if not a:
            return 1
        place = bisect_right(b, a[0])
        if place & 1:
            if a[1] > b[place]:
                return 0
            return 1 if len(a) == 2 or known.is_subset(self) else 0
        if place < len(b) and a[1] > b[place]:
            return 0
        # The first interval of `known` lies outside: all of them do, or it is neither.
        return -1 if len(a) == 2 or place == len(b) or _is_disjoint(a, b) else 0

    def __and__(self, other: VersionRange) -> VersionRange:
        a, b = self.bounds, other.bounds
        if a is b:
            return self
        if len(a) == 2 and len(b) == 2:
            low = a[0] if a[0] >= b[0] else b[0]
            high = a[1] if a[1] <= b[1] else b[1]
            if low >= high:
                return EMPTY
            if low is a[0] and high is a[1]:
                return self
            return VersionRange((low, high))
        result: list[Key] = []
        i = j = 0
        while i < len(a) and j < len(b):
            low = a[i] if a[i] >= b[j] else b[j]
            if a[i + 1] <= b[j + 1]:
                high = a[i + 1]
                i += 2
            else:
                high = b[j + 1]
                j += 2
            if low < high:
                result.append(low)
                result.append(high)
        return VersionRange(tuple(result))

    def __or__(self, other: VersionRange) -> VersionRange:
        a, b = self.bounds, other.bounds
        if not a or a == b:
            return other
        if not b:
            return self
        if len(b) == 2:
            return VersionRange(_with_interval(a, b[0], b[1]))
        result: list[Key] = []
        i = j = 0
        while i < len(a) or j < len(b):
            if j >= len(b) or (i < len(a) and a[i] <= b[j]):
                low, high = a[i], a[i + 1]
                i += 2
            else:
                low, high = b[j], b[j + 1]
                j += 2
            if result and low <= result[-1]:
                if high > result[-1]:
                    result[-1] = high
            else:
                result.append(low)
                result.append(high)
        return VersionRange(tuple(result))

    def __invert__(self) -> VersionRange:
        bounds = self.bounds
        if not bounds:
            return FULL
        bounds = bounds[1:] if bounds[0] == START else (START, *bounds)
        bounds = bounds[:-1] if bounds[-1] == END else (*bounds, END)
        return VersionRange(bounds)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VersionRange) and self.bounds == other.bounds

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            self._hash = hash(self.bounds)
            return self._hash

    def __repr__(self) -> str:
        return f"VersionRange({self.text})"

    @property
    def text(self) -> str:
        """The set as specifiers, alternatives joined by ` | `; for messages."""
        if self.is_empty:
            return "none"
        if self.is_full:
            return "*"
        bounds = self.bounds
        return " | ".join(_interval_text(bounds[i], bounds[i + 1]) for i in range(0, len(bounds), 2))


def _is_disjoint(a: tuple[Key, ...], b: tuple[Key, ...]) -> bool:
    """Whether two sets with some versions each have none in common, by their ends."""
    i = j = 0
    # What one has below the other is passed over at once.
    if a[0] < b[0]:
        i = bisect_right(a, b[0])
    else:
        j = bisect_right(b, a[0])
    if i & 1 or j & 1:
        return False
    a_end, b_end = len(a), len(b)
    while i < a_end and j < b_end:
        if a[i + 1] <= b[j]:
            i += 2
        elif b[j + 1] <= a[i]:
            j += 2
        else:
            return False
    return True


def _with_interval(bounds: tuple[Key, ...], low: Key, high: Key) -> tuple[Key, ...]:
    """The ends of a set and one more interval; what touches becomes one. Long sets grow so one version at a time."""
    first, last = bisect_left(bounds, low), bisect_right(bounds, high)
    between = (() if first & 1 else (low,)) + (() if last & 1 else (high,))
    return bounds[:first] + between + bounds[last:]


FULL = VersionRange((START, END))
EMPTY = VersionRange(())


def widen(version: Version, known: Sequence[Key]) -> VersionRange:
    """The largest interval around `version` that holds no other version of `known`, keys in ascending order."""
    index = bisect_left(known, version.key)
    low = behind(known[index - 1]) if index > 0 else START
    if index < len(known) and known[index] == version.key:
        index += 1
    return VersionRange((low, known[index] if index < len(known) else END))


def _interval_text(low: Key, high: Key) -> str:
    if len(low) == 7 and high == behind(low):
        return f"=={_key_text(low)}" if low[6] else f"==={_key_text(low)}"
    if len(low) == 7 and low[5] == INFINITE and high == behind_locals((*low[:6], ())) and not low[6]:
        return f"=={_key_text(low)}"
    parts = []
    if low != START:
        parts.append(_lower_text(low))
    if high != END:
        parts.append(_upper_text(high))
    return ",".join(parts)


def _lower_text(low: Key) -> str:
    if len(low) == 8:
        return f">{_key_text(low[:7])}"
    if low[4] == INFINITE:
        return f">{_key_text((*low[:4], -1, INFINITE, ()))}"
    if low[2] == _DEV_ONLY and low[5] == 0:
        return f">={_key_text((low[0], low[1], FINAL, 0, -1, INFINITE, ()))}"
    if low[5] == 0 and low[4] >= 0 and low[2] == FINAL:
        return f">{_key_text((*low[:4], low[4] - 1, INFINITE, ()))}"
    return f">={_key_text(low)}"


def _upper_text(high: Key) -> str:
    if len(high) == 8:
        return f"<={_key_text(high[:7])}"
    if high[4] == INFINITE:
        return f"<={_key_text((*high[:4], -1, INFINITE, ()))}"
    if high[2] == _DEV_ONLY and high[5] == 0:
        return f"<{_key_text((high[0], high[1], FINAL, 0, -1, INFINITE, ()))}"
    if high[5] == 0 and high[4] >= 0 and high[2] == FINAL:
        return f"<={_key_text((*high[:4], high[4] - 1, INFINITE, ()))}"
    return f"<{_key_text(high)}"


def _key_text(key: Key) -> str:
    # Trailing zeros are not part of a key. Two segments are what people write, so one alone gets its zero back.
    release = key[1] if len(key[1]) > 1 else (*key[1], 0)
    return _text(key, release)
