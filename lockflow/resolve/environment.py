"""The slice of marker space that a fork owns, with the conflicting extras and groups it turns on and off."""

from __future__ import annotations

from lockflow.standards.markers.simplify import assume, python_interval
from lockflow.standards.markers.tree import EXTRA, TRUE, Marker, extra_equals, is_disjoint, python_range_marker
from lockflow.standards.markers.universal import UniversalMarker, decode_conflict, encode_conflict
from lockflow.standards.python_range import PythonRange
from lockflow.standards.requirements import ConflictItem


class ForkEnvironment:
    """`marker` says where the fork applies, `python` is the project's range narrowed to it."""

    __slots__ = ("excluded", "included", "marker", "python", "python_marker")

    def __init__(
        self,
        marker: Marker,
        python: PythonRange,
        included: frozenset[ConflictItem] = frozenset(),
        excluded: frozenset[ConflictItem] = frozenset(),
    ) -> None:
        self.marker = marker
        self.python = narrowed(python, marker)
        self.python_marker = python_range_marker(self.python)
        self.included = included
        self.excluded = excluded

    def overlaps(self, marker: Marker) -> bool:
        return not is_disjoint(self.marker, marker)

    def narrow(self, marker: Marker) -> ForkEnvironment:
        return ForkEnvironment(self.marker & marker, self.python, self.included, self.excluded)

    def with_conflicts(
        self, included: frozenset[ConflictItem], excluded: frozenset[ConflictItem]
    ) -> ForkEnvironment | None:
        """The same environment under more conflict rules; None where they contradict one another."""
        include = self.included | included
        exclude = self.excluded | excluded
        if include & exclude:
            return None
        return ForkEnvironment(self.marker, self.python, include, exclude)

    def excludes(self, package: str, extra: str | None, group: str | None) -> bool:
        """Whether the conflict rules switch off this extra, group, or the package itself."""
        if not self.excluded:
            return False
        if extra is not None:
            if ConflictItem(package=package, kind="extra", name=extra) in self.excluded:
                return True
            is_named = ConflictItem(package=package, kind="extra", name=extra) in self.included
            return not is_named and ConflictItem(package=package, kind="project") in self.excluded
        if group is not None:
            return ConflictItem(package=package, kind="group", name=group) in self.excluded
        return ConflictItem(package=package, kind="project") in self.excluded

    @property
    def universal(self) -> UniversalMarker:
        full = self.marker
        for item in sorted(self.included):
            full = full & extra_equals(encode_conflict(item.package, item.kind, item.name))
        for item in sorted(self.excluded):
            full = full & ~extra_equals(encode_conflict(item.package, item.kind, item.name))
        return UniversalMarker(full, self.marker)

    def describe(self) -> tuple[Marker, tuple[ConflictItem, ...], tuple[ConflictItem, ...]]:
        """For messages: the marker, the items switched on and those switched off, sorted."""
        return (self.marker, tuple(sorted(self.included)), tuple(sorted(self.excluded)))

    @property
    def is_everything(self) -> bool:
        return self.marker is TRUE and not self.included and not self.excluded


def narrowed(python: PythonRange, marker: Marker) -> PythonRange:
    """The range with those bounds of the marker's Python interval that lie inside it."""
    interval = python_interval(marker)
    return python if interval is None else python.intersect(interval)


def from_universal(marker: UniversalMarker, python: PythonRange) -> ForkEnvironment:
    """The environment that a fork of an older lock owned; its conflict rules are read off the marker."""
    included: set[ConflictItem] = set()
    excluded: set[ConflictItem] = set()
    for name, holds in forced_extras(marker.full).items():
        decoded = decode_conflict(name)
        if decoded is not None:
            package, kind, item = decoded
            (included if holds else excluded).add(ConflictItem(package=package, kind=kind, name=item))
    return ForkEnvironment(marker.environment, python, frozenset(included), frozenset(excluded))


def forced_extras(marker: Marker) -> dict[str, bool]:
    """The extras that hold, or do not, wherever `marker` does."""
    names = _extra_names(marker, set(), set())
    result = {}
    for name in sorted(names):
        variable = extra_equals(name)
        if is_disjoint(marker, ~variable):
            result[name] = True
        elif is_disjoint(marker, variable):
            result[name] = False
    return result


def without_extra_terms(marker: Marker) -> Marker:
    """The marker with every `extra` taken as given."""
    names = _extra_names(marker, set(), set())
    return assume(marker, frozenset(names), frozenset()) if names else marker


def _extra_names(marker: Marker, seen: set[Marker], names: set[str]) -> set[str]:
    if marker in seen:
        return names
    seen.add(marker)
    if marker.variable.kind == EXTRA:
        names.add(marker.variable.value)
    for child in marker.children:
        _extra_names(child, seen, names)
    return names
