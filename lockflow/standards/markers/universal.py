"""Markers of a universal resolution: an environment together with the conflicting extras and groups that are on.

A conflicting item is an ordinary extra with a reserved name, so one diagram holds both. These names are uv's; locks
show them on edges and in `resolution-markers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, cast

from lockflow.standards.markers.simplify import assume, assume_only, without_extras
from lockflow.standards.markers.tree import FALSE, TRUE, Marker, conjoin, disjoin, extra_equals, negate

Kind = Literal["extra", "group", "project"]


class UniversalMarker:
    """A marker with conflict items, `full`, and what it says of the environment alone, `environment`.

    Both parts are shared nodes, so equality and hash cost next to nothing. Do not change an instance.
    """

    __slots__ = ("environment", "full")

    def __init__(self, full: Marker, environment: Marker) -> None:
        self.full = full
        self.environment = environment

    @staticmethod
    def from_marker(full: Marker) -> UniversalMarker:
        """Return the universal marker of a diagram that may test conflict items."""
        return UniversalMarker(full, without_extras(full))

    @property
    def is_true(self) -> bool:
        return self.full is TRUE

    @property
    def is_false(self) -> bool:
        return self.full is FALSE

    def __and__(self, other: UniversalMarker) -> UniversalMarker:
        if self.full is self.environment and other.full is other.environment:
            both = conjoin(self.full, other.full)
            return UniversalMarker(both, both)
        return UniversalMarker(conjoin(self.full, other.full), conjoin(self.environment, other.environment))

    def __or__(self, other: UniversalMarker) -> UniversalMarker:
        if self.full is self.environment and other.full is other.environment:
            either = disjoin(self.full, other.full)
            return UniversalMarker(either, either)
        return UniversalMarker(disjoin(self.full, other.full), disjoin(self.environment, other.environment))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UniversalMarker) and self.full is other.full and self.environment is other.environment

    def __hash__(self) -> int:
        return hash(self.full)

    def __repr__(self) -> str:
        return f"<Universal{repr(self.full)[7:]}"

    def imbibe(self, world: Marker) -> UniversalMarker:
        """Return this marker where it only matters while `world` holds: `world` implies it.

        Where `world` makes every conflict item irrelevant none is left; the environment is exact only then. What holds
        nowhere in `world` still holds outside, so that locks keep it.
        """
        within = conjoin(self.full, world)
        plain = without_extras(within)
        if within is not FALSE and conjoin(plain, world) is within:
            return UniversalMarker(plain, plain)
        return UniversalMarker.from_marker(disjoin(negate(world), self.full))

    def assume(self, on: frozenset[str], off: frozenset[str]) -> UniversalMarker:
        """Return what is left of this marker when the encoded items in `on` are on and those in `off` are off."""
        return UniversalMarker.from_marker(assume(self.full, on, off))

    def holds_by_items(self, on: frozenset[str]) -> bool:
        """Whether the marker holds in every environment when just the encoded items in `on` are on."""
        return assume_only(self.full, on) is TRUE


UNIVERSAL_TRUE: Final = UniversalMarker(TRUE, TRUE)
UNIVERSAL_FALSE: Final = UniversalMarker(FALSE, FALSE)


def encode_conflict(package: str, kind: Kind, name: str | None) -> str:
    """Return the reserved extra that stands for an item; names are normalised, `name` is None for a project."""
    encoded = f"{kind}-{len(package.encode())}-{package}"
    return encoded if name is None else f"{encoded}-{name}"


def decode_conflict(text: str) -> tuple[str, Kind, str | None] | None:
    """Return package, kind and name of a reserved extra; None when `text` is an ordinary one."""
    kind, _, rest = text.partition("-")
    length, _, rest = rest.partition("-")
    if kind not in {"extra", "group", "project"} or not (length.isdecimal() and length.isascii()):
        return None
    if len(length) > 9:
        return None
    encoded = rest.encode()
    package = encoded[: int(length)].decode(errors="replace")
    name = encoded[int(length) :].decode(errors="replace")
    if len(package.encode()) != int(length):
        return None
    if kind == "project":
        return (package, "project", None) if not name else None
    if len(name) < 2 or not name.startswith("-"):
        return None
    return package, cast("Kind", kind), name[1:]


def conflict_world(sets: Iterable[Sequence[str]]) -> Marker:
    """Return what is known from the declared conflicts: of each set of encoded items at most one is on."""
    world = TRUE
    for items in sets:
        for index, first in enumerate(items):
            for second in items[index + 1 :]:
                world = conjoin(world, negate(conjoin(extra_equals(first), extra_equals(second))))
    return world
