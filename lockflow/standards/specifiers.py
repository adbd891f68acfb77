"""Specifiers, which say in text which versions are meant, and the set of versions of each (PEP 440)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from lockflow.standards.versions import (
    END,
    FINAL,
    FULL,
    INFINITE,
    START,
    InvalidVersion,
    Key,
    Version,
    VersionRange,
    before_release,
    behind,
    behind_locals,
    behind_posts,
)


class InvalidSpecifier(ValueError):
    """A text is no PEP 440 specifier set."""


_OPERATORS = ("==", "==*", "===", "!=", "!=*", "~=", "<", "<=", ">", ">=")
"""In the order in which uv sorts clauses on the same version; `==*` stands for `==V.*`."""

_RANKS = {operator: rank for rank, operator in enumerate(_OPERATORS)}

_CLAUSE = re.compile(r"\s*(===|==|!=|~=|<=|>=|<|>)\s*([^\s]*?)\s*")


class Specifier:
    """One clause such as `>=1.2` or `==1.2.*` (operator `==*`)."""

    __slots__ = ("operator", "version")

    def __init__(self, operator: str, version: Version) -> None:
        self.operator = operator
        self.version = version

    @property
    def order_key(self) -> tuple[int, Key]:
        return (_RANKS[self.operator], self.version.key)

    @property
    def range(self) -> VersionRange:
        return _clause_range(self)

    def __str__(self) -> str:
        if self.operator.endswith("*"):
            return f"{self.operator[:-1]}{self.version.text}.*"
        return f"{self.operator}{self.version.text}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Specifier) and self.order_key == other.order_key

    def __hash__(self) -> int:
        return hash(self.order_key)


class Specifiers:
    """A set of clauses that all hold. Clauses are sorted by version and operator, as a lock prints them."""

    __slots__ = ("_range", "clauses")

    def __init__(self, clauses: Iterable[Specifier]) -> None:
        self.clauses = tuple(sorted(clauses, key=lambda clause: (clause.version.key, _RANKS[clause.operator])))
        self._range: VersionRange | None = None

    @staticmethod
    def parse(text: str) -> Specifiers:
        """Read clauses joined by commas; empty text means any version. Raises InvalidSpecifier."""
        return _parse_specifiers(text)

    @property
    def range(self) -> VersionRange:
        """The versions that every clause admits."""
        if self._range is None:
            result = FULL
            for clause in self.clauses:
                result = result & clause.range
            self._range = result
        return self._range

    @property
    def order_key(self) -> tuple[tuple[int, Key], ...]:
        """How requirements are ordered in a lock: clause lists element-wise, operator before version."""
        return tuple(clause.order_key for clause in self.clauses)

    @property
    def is_empty(self) -> bool:
        return not self.clauses

    @property
    def mentions_prerelease(self) -> bool:
        """Whether a clause other than `!=` names a pre-release (PEP 440 opt-in)."""
        return any(clause.version.is_prerelease and not clause.operator.startswith("!=") for clause in self.clauses)

    @property
    def pinned(self) -> Version | None:
        """The version where there is exactly one clause, `==V` or `===V`."""
        if len(self.clauses) == 1 and self.clauses[0].operator in ("==", "==="):
            return self.clauses[0].version
        return None

    def __str__(self) -> str:
        return ",".join(map(str, self.clauses))

    def __repr__(self) -> str:
        return f"Specifiers({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Specifiers) and self.clauses == other.clauses

    def __hash__(self) -> int:
        return hash(self.clauses)


@lru_cache(maxsize=1 << 15)
def _parse_specifiers(text: str) -> Specifiers:
    if not text.strip():
        return Specifiers(())
    parts = text.split(",")
    if not parts[-1].strip():
        parts.pop()  # a trailing comma is common in published metadata
    return Specifiers([_parse_clause(part) for part in parts])


def _parse_clause(text: str) -> Specifier:
    match = _CLAUSE.fullmatch(text)
    if match is None:
        raise InvalidSpecifier(f"{text.strip()!r} is not a version specifier (PEP 440)")
    operator, operand = match.groups()
    star = operand.endswith(".*")
    try:
        version = Version.parse(operand[:-2] if star else operand)
    except InvalidVersion as error:
        raise InvalidSpecifier(f"{text.strip()!r} is not a version specifier: {error}") from error
    if star:
        if operator not in ("==", "!="):
            raise InvalidSpecifier(f"operator {operator} cannot be used with a wildcard version, in {text.strip()!r}")
        if version.is_local or version.is_prerelease or version.key[4] >= 0:
            raise InvalidSpecifier(f"only a release may be followed by a wildcard, in {text.strip()!r}")
        operator += "*"
    elif operator == "~=" and len(version.release) < 2:
        raise InvalidSpecifier(f"operator ~= needs at least two release segments, in {text.strip()!r}")
    elif version.is_local and operator not in ("==", "!=", "==="):
        raise InvalidSpecifier(f"operator {operator} cannot be used with a local version, in {text.strip()!r}")
    return Specifier(operator, version)


def _clause_range(clause: Specifier) -> VersionRange:
    key = clause.version.key
    match clause.operator:
        case "==":
            return VersionRange((key, behind(key) if key[6] else behind_locals(key)))
        case "===":
            return VersionRange((key, behind(key)))
        case "!=":
            return ~VersionRange((key, behind(key) if key[6] else behind_locals(key)))
        case "==*":
            return _wildcard(clause.version)
        case "!=*":
            return ~_wildcard(clause.version)
        case "~=":
            release = clause.version.release
            upper = (*release[:-2], release[-2] + 1)
            return VersionRange((key, before_release(key[0], upper)))
        case "<":
            return VersionRange((START, _below(key)))
        case "<=":
            return VersionRange((START, behind_locals((*key[:6], ()))))
        case ">":
            return VersionRange((_above(key), END))
        case _:
            return VersionRange((key, END))


def _wildcard(version: Version) -> VersionRange:
    release = version.release
    upper = (*release[:-1], release[-1] + 1)
    return VersionRange((before_release(version.epoch, release), before_release(version.epoch, upper)))


def _below(key: Key) -> Key:
    """`<V` leaves out the pre-releases of a final V (PEP 440, exclusive ordered comparison)."""
    epoch, release, kind, number, post, dev, _ = key
    if kind != FINAL or dev != INFINITE:
        return key
    if post >= 0:
        return (epoch, release, kind, number, post, 0, ())
    return before_release(epoch, release)


def _above(key: Key) -> Key:
    """`>V` leaves out the post-releases and local versions of V, unless V is itself a post- or dev release."""
    if key[5] != INFINITE or key[4] >= 0:
        return behind_locals(key)
    return behind_posts(key)
