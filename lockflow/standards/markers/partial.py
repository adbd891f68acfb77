"""A marker and part of an environment to what is left to decide (PEP 508, "Environment Markers")."""

from __future__ import annotations

from lockflow.standards.markers.evaluate import Environment, evaluate
from lockflow.standards.markers.tree import (
    CONTAINS,
    EXTRA,
    FALSE,
    IN,
    STRING,
    TRUE,
    VERSION,
    Marker,
    conjoin,
    disjoin,
    negate,
    rebuild,
)

_ENVIRONMENTAL = (STRING, VERSION, IN, CONTAINS)


def within(marker: Marker, known: Environment) -> Marker:
    """Return what `marker` comes to where the keys in `known` have these values; others stay in it.

    A constant comes out where `known` decides. Raises ValueError where a version in `known` is none.
    """
    return _within(marker, known, {})


def _within(marker: Marker, known: Environment, memo: dict[Marker, Marker]) -> Marker:
    if not marker.cuts:
        return marker
    result = memo.get(marker)
    if result is None:
        variable = marker.variable
        if variable.kind in _ENVIRONMENTAL and variable.key in known:
            # The node alone, with numbered ends in place of children, tells which child the value leads to.
            result = _within(marker.children[_chosen(marker, known)], known, memo)
        else:
            result = rebuild(marker, [_within(child, known, memo) for child in marker.children])
        memo[marker] = result
    return result


def _chosen(marker: Marker, known: Environment) -> int:
    for index in range(len(marker.children)):
        ends = [TRUE if at == index else FALSE for at in range(len(marker.children))]
        if evaluate(rebuild(marker, ends), known):
            return index
    raise AssertionError("the cells of a node cover its axis")


def substitute(marker: Marker, values: dict[str, Marker]) -> Marker:
    """Replace the extras in `marker` by what they mean; an extra without a meaning is off."""
    return _substitute(marker, values, {})


def _substitute(marker: Marker, values: dict[str, Marker], memo: dict[Marker, Marker]) -> Marker:
    if marker.order[0] > EXTRA:
        return marker
    result = memo.get(marker)
    if result is None:
        children = [_substitute(child, values, memo) for child in marker.children]
        if marker.variable.kind == EXTRA:
            value = values.get(marker.variable.value, FALSE)
            result = disjoin(conjoin(value, children[1]), conjoin(negate(value), children[0]))
        else:
            result = rebuild(marker, children)
        memo[marker] = result
    return result
