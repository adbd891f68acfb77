"""A term: a statement that a package's version lies in a set, or that it does not."""

from __future__ import annotations

from typing import Final

from lockflow.standards.versions import EMPTY, Version, VersionRange

SATISFIED: Final = 1
INCONCLUSIVE: Final = 0
CONTRADICTED: Final = -1


class Term:
    """Positive: the package is selected with a version in `range`. Negative: it is not (perhaps not selected)."""

    __slots__ = ("is_positive", "range")

    def __init__(self, is_positive: bool, range: VersionRange) -> None:  # noqa: FBT001  a term is its sign and its set
        self.is_positive = is_positive
        self.range = range

    @staticmethod
    def exactly(version: Version) -> Term:
        return Term(True, VersionRange.singleton(version))

    @property
    def is_any(self) -> bool:
        """Whether it says nothing at all."""
        return not self.is_positive and self.range.is_empty

    def negate(self) -> Term:
        return Term(not self.is_positive, self.range)

    def intersect(self, other: Term) -> Term:
        if self.is_positive:
            if other.is_positive:
                both = self.range & other.range
                return self if both is self.range else Term(True, both)
            if self.range.is_disjoint(other.range):
                return self
            return Term(True, self.range & ~other.range)
        if other.is_positive:
            return other.intersect(self)
        return Term(False, self.range | other.range)

    def union(self, other: Term) -> Term:
        return self.negate().intersect(other.negate()).negate()

    def is_disjoint(self, other: Term) -> bool:
        """Whether both cannot hold; two negative terms always can, by not selecting the package."""
        if self.is_positive:
            if other.is_positive:
                return self.range.is_disjoint(other.range)
            return self.range.is_subset(other.range)
        return other.is_positive and other.range.is_subset(self.range)

    def relation(self, known: Term) -> int:
        """What `known` (all that was derived about the package) says of this term.

        Called for every term of every incompatibility that propagation visits: the hottest function of all.
        """
        if known.is_positive:
            found = self.range.relation(known.range)
            return found if self.is_positive else -found
        if self.range.is_subset(known.range):
            return CONTRADICTED if self.is_positive else SATISFIED
        return INCONCLUSIVE

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Term) and self.is_positive is other.is_positive and self.range == other.range

    def __hash__(self) -> int:
        return hash((self.is_positive, self.range))

    def __repr__(self) -> str:
        return f"{'' if self.is_positive else 'not '}{self.range.text}"


ANY = Term(False, EMPTY)
