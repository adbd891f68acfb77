"""Decision diagram to the one text that uv.lock has for it, in PEP 508 syntax.

The text is a disjunction of clauses. They come from an irredundant cover of the diagram and are then sorted by the
keys they test; operators and values take no part in that order.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from lockflow.errors import LockflowError
from lockflow.standards.markers.tree import (
    EXTRA,
    FALSE,
    IN,
    STRING,
    STRING_KEYS,
    TRUE,
    VERSION,
    Cut,
    Marker,
    Spelling,
    Variable,
    conjoin_plainly,
    disjoin_plainly,
    join_spelling,
    negate,
    partition,
    refine,
    show_with,
)

Literal = tuple[int, str]
"""The rank of a key and one comparison of it."""
Clause = tuple[Literal, ...]
Cover = tuple[tuple[Clause, ...], Marker]
"""Clauses, and the marker that they mean together."""
Interval = tuple[Cut | None, Cut | None]

_RANKS: Final = {
    "implementation_version": 0,
    "python_full_version": 1,
    **{key: rank for rank, key in enumerate(sorted(STRING_KEYS), 2)},
    "extras": 10,
    "dependency_groups": 11,
    "extra": 12,
}
_MOST_CLAUSES: Final = 20_000
_covers: dict[tuple[Marker, Marker], Cover] = {}


def render(marker: Marker) -> str | None:
    """Return the canonical text of `marker`; None where it always holds, as a lock then has no marker key.

    The text is cached on the node. As in uv, an apostrophe in a value is not escaped. Raises LockflowError for a
    marker whose text would fill the memory.
    """
    if marker.text == "":
        marker.text = _render(marker)
    return marker.text


def _render(marker: Marker) -> str | None:
    if marker is TRUE:
        return None
    if marker is FALSE:
        return "python_version < '0'"
    clauses = [tuple(sorted(clause, key=_rank)) for clause in _cover(marker, marker)[0]]
    if len(clauses) == 1:
        return _join(clauses[0])
    clauses.sort(key=_ranks)
    return " or ".join([_join(clause) if len(clause) == 1 else f"({_join(clause)})" for clause in clauses])


def _rank(literal: Literal) -> int:
    return literal[0]


def _ranks(clause: Clause) -> list[int]:
    return [literal[0] for literal in clause]


def _join(clause: Clause) -> str:
    return " and ".join([literal[1] for literal in clause])


def _cover(needed: Marker, allowed: Marker) -> Cover:
    """Find clauses that cover all of `needed` and nothing outside `allowed`, which `needed` implies.

    Clauses that test the first variable come first, then those that hold whatever its value. What is known of
    impossible platforms takes no part.
    """
    if needed is FALSE:
        return (), FALSE
    if allowed is TRUE:
        return ((),), TRUE
    pair = (needed, allowed)
    found = _covers.get(pair)
    if found is not None:
        return found
    variable = needed.variable if needed.order <= allowed.order else allowed.variable
    cuts, cells = _cells(variable, needed, allowed)
    everywhere = TRUE
    for _, upper in cells:
        everywhere = conjoin_plainly(everywhere, upper)
    elsewhere = negate(everywhere)

    functions: list[Marker] = []
    # Cells by the function of their cover, and the clauses of the first such cell.
    merged: dict[Marker, tuple[list[int], tuple[Clause, ...]]] = {}
    for index, (lower, upper) in enumerate(cells):
        clauses, function = _cover(conjoin_plainly(lower, elsewhere), upper)
        functions.append(function)
        same = merged.get(function)
        if same is None:
            merged[function] = ([index], clauses)
        else:
            same[0].append(index)

    result: list[Clause] = []
    spelling = join_spelling(
        needed.spelling if needed.variable is variable else None,
        allowed.spelling if allowed.variable is variable else None,
    )
    for indices, clauses in merged.values():
        if clauses:
            for literals in _literals(variable, _intervals(cuts, indices), spelling):
                result.extend([literals + clause for clause in clauses])
    rest = FALSE
    for (lower, _), function in zip(cells, functions, strict=True):
        rest = disjoin_plainly(rest, conjoin_plainly(lower, negate(function)))
    clauses, function = _cover(rest, everywhere)
    result.extend(clauses)
    if len(result) > _MOST_CLAUSES:
        raise LockflowError("a marker is too long to print", why=f"it needs more than {_MOST_CLAUSES} clauses")
    found = (tuple(result), disjoin_plainly(partition(variable, cuts, functions, spelling), function))
    _covers[pair] = found
    return found


def _cells(variable: Variable, a: Marker, b: Marker) -> tuple[Sequence[Cut], list[tuple[Marker, Marker]]]:
    """Cut `a` and `b` into common cells on `variable`; one that does not test it is the same in all."""
    if a.variable is not variable:
        return b.cuts, [(a, child) for child in b.children]
    if b.variable is not variable:
        return a.cuts, [(child, b) for child in a.children]
    return refine(a, b)


def _intervals(cuts: Sequence[Cut], indices: list[int]) -> list[Interval]:
    """Return the union of some cells, by ascending index, as intervals that do not touch."""
    intervals: list[Interval] = []
    start = previous = indices[0]
    for index in [*indices[1:], -1]:
        if index != previous + 1:
            lower = cuts[start - 1] if start > 0 else None
            upper = cuts[previous] if previous < len(cuts) else None
            intervals.append((lower, upper))
            start = index
        previous = index
    return intervals


# A set of values as literals


def _literals(variable: Variable, intervals: list[Interval], spelling: Spelling | None) -> list[Clause]:
    """Return the ways, one clause each, whose disjunction says that the variable lies in `intervals`.

    These are never the whole axis: what holds everywhere needs no literal and is covered apart.
    """
    key = variable.key
    rank = _RANKS.get(key, 10)
    if variable.kind == STRING:
        return _ranges(rank, key, intervals, None, exact=True)
    if variable.kind == VERSION:
        # The version half of `platform_release` is written without `!=` and `.*`.
        return _ranges(rank, key, intervals, spelling or {}, exact=key != "platform_release")
    yes = intervals[0][0] is not None
    if variable.kind == EXTRA:
        return [((rank, f"extra {'==' if yes else '!='} '{variable.value}'"),)]
    operator = "in" if yes else "not in"
    if variable.kind == IN:
        return [((rank, f"{key} {operator} '{variable.value}'"),)]
    value = variable.value
    if not key:
        key, _, value = value.partition("\0")
        rank = _RANKS[key]
    return [((rank, f"'{value}' {operator} {key}"),)]


def _ranges(rank: int, key: str, intervals: list[Interval], spelling: Spelling | None, *, exact: bool) -> list[Clause]:
    if exact:
        points = _missing_points(intervals)
        if points is not None:
            return [tuple([(rank, f"{key} != '{_text(point, spelling)}'") for point in points])]
        if spelling is not None and len(intervals) == 2 and intervals[0][0] is None and intervals[1][1] is None:
            prefix = _minor(intervals[0][1], intervals[1][0])
            if prefix is not None:
                return [((rank, f"{key} != '{prefix}'"),)]
    clauses: list[Clause] = []
    for lower, upper in intervals:
        literals: list[Literal] = []
        prefix = _minor(lower, upper) if exact and spelling is not None else None
        if lower is not None and upper is not None and lower[0] == upper[0]:
            literals.append((rank, f"{key} == '{_text(lower, spelling)}'"))
        elif prefix is not None:
            literals.append((rank, f"{key} == '{prefix}'"))
        else:
            if lower is not None:
                literals.append((rank, f"{key} {'>' if lower[1] else '>='} '{_text(lower, spelling)}'"))
            if upper is not None:
                literals.append((rank, f"{key} {'<=' if upper[1] else '<'} '{_text(upper, spelling)}'"))
        clauses.append(tuple(literals))
    return clauses


def _missing_points(intervals: list[Interval]) -> list[Cut] | None:
    """Return the isolated points that are all that `intervals` lack, None when they lack more."""
    if intervals[0][0] is not None or intervals[-1][1] is not None:
        return None
    points: list[Cut] = []
    for (_, before), (after, _) in pairwise(intervals):
        assert before is not None
        assert after is not None
        if before[0] != after[0]:
            return None
        points.append(before)
    return points


def _minor(lower: Cut | None, upper: Cut | None) -> str | None:
    """Return `M.m.*` where the cuts enclose just the releases of one minor version."""
    if lower is None or upper is None or lower[1] or upper[1]:
        return None
    first, end = lower[0], upper[0]
    assert isinstance(first, tuple)
    assert isinstance(end, tuple)
    major, minor = (*first, 0)[:2]
    if len(first) > 2 or end != (major, minor + 1):
        return None
    return f"{major}.{minor}.*"


def _text(cut: Cut, spelling: Spelling | None) -> str:
    value = cut[0]
    if isinstance(value, str):
        return value
    assert isinstance(value, tuple)
    return (spelling or {}).get(value) or ".".join(map(str, value))


show_with(render)
