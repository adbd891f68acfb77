"""Lists of requirements to what they ask together: equal wherever a resolution could not tell two lists apart.

uv 0.13 compares a project with its lock in this way: `a>=1` beside `a` is `a>=1`, and one requirement split by markers
asks for the same. A pin (exactly one clause, `==` or `===`) stands for itself, since it alone admits a yanked version;
that a clause names a pre-release counts too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lockflow.standards.markers.simplify import extra_names, for_extra, production
from lockflow.standards.markers.tree import FALSE, Marker, implies, is_disjoint
from lockflow.standards.requirements import Registry, Requirement
from lockflow.standards.versions import FULL, VersionRange

_Value = tuple[VersionRange, frozenset[str], bool]
"""The versions admitted, the extras asked for, and whether a pre-release is named."""
_Key = tuple[object, ...]


def asked(requirements: Sequence[Requirement]) -> Mapping[_Key, Mapping[_Value, Marker]]:
    """What the requirements ask for, by extra, name and place: each combination of bounds and where it holds.

    Markers must have been simplified by the Pythons in question. What holds nowhere is kept where nothing else asks
    for the same, as in uv.
    """
    together: dict[_Key, dict[_Value, Marker]] = {}
    for extra, requirement in _by_extra(requirements):
        value, key = _value_and_place(requirement)
        cells = together.setdefault((extra, requirement.name, requirement.groups, *key), {})
        if requirement.marker is FALSE:
            cells.setdefault(value, FALSE)
        else:
            _add(cells, value, requirement.marker)
    return together


def _by_extra(requirements: Sequence[Requirement]) -> Iterator[tuple[str | None, Requirement]]:
    for requirement in requirements:
        names = extra_names(requirement.marker)
        if not names:
            yield None, requirement
            continue
        for extra in (None, *sorted(names)):
            marker = production(requirement.marker) if extra is None else for_extra(requirement.marker, extra)
            if marker is not FALSE:
                yield extra, _with_marker(requirement, marker)


def _with_marker(requirement: Requirement, marker: Marker) -> Requirement:
    return Requirement(
        name=requirement.name,
        extras=requirement.extras,
        groups=requirement.groups,
        source=requirement.source,
        marker=marker,
    )


def _value_and_place(requirement: Requirement) -> tuple[_Value, _Key]:
    source, extras = requirement.source, frozenset(requirement.extras)
    if not isinstance(source, Registry):
        return (FULL, extras, False), (source,)
    specifiers = source.specifiers
    pin = specifiers.pinned
    exact = None if pin is None else (specifiers.clauses[0].operator, pin.key)
    value = (specifiers.range, extras, specifiers.mentions_prerelease)
    return value, (source.index, source.conflict, exact)


def _add(cells: dict[_Value, Marker], value: _Value, marker: Marker) -> None:
    """Intersect with what is asked where `marker` holds; the markers of cells never overlap."""
    allowed, extras, is_early = value
    changed: dict[_Value, Marker] = {}
    rest = marker
    for (known, known_extras, known_early), where in cells.items():
        outside = where & ~marker
        if where is FALSE or outside is not FALSE:
            _join(changed, (known, known_extras, known_early), outside)
        _join_if(changed, (known & allowed, known_extras | extras, known_early or is_early), where & marker)
        rest = rest & ~where
    _join_if(changed, value, rest)
    cells.clear()
    cells.update(changed)


def _join(cells: dict[_Value, Marker], value: _Value, marker: Marker) -> None:
    cells[value] = cells.get(value, FALSE) | marker


def _join_if(cells: dict[_Value, Marker], value: _Value, marker: Marker) -> None:
    if marker is not FALSE:
        _join(cells, value, marker)


def asks_the_same(old: Iterable[Requirement], new: Iterable[Requirement]) -> bool:
    """Whether two lists ask for the same; their markers simplified alike."""
    before, after = asked(tuple(old)), asked(tuple(new))
    if before == after:
        return True
    return before.keys() == after.keys() and all(_are_same_cells(before[key], after[key]) for key in before)


def _are_same_cells(a: Mapping[_Value, Marker], b: Mapping[_Value, Marker]) -> bool:
    """Whether cells say the same everywhere; what exists nowhere may have been left in one and not in the other.

    `os_name == 'nt'` on Linux is an example: where it drops out depends on the order in which markers met.
    """
    if a == b:
        return True
    if {value for value, where in a.items() if where is FALSE} != {
        value for value, where in b.items() if where is FALSE
    }:
        return False
    whole, other = _union(a.values()), _union(b.values())
    return (
        implies(whole, other)
        and implies(other, whole)
        and all(v == w or is_disjoint(here, there) for v, here in a.items() for w, there in b.items())
    )


def _union(markers: Iterable[Marker]) -> Marker:
    union = FALSE
    for marker in markers:
        union = union | marker
    return union
