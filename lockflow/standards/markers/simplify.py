"""A marker and what is known to hold, to a shorter marker that means the same there.

What is known may be the range of Python versions, extras that are on or off, or any other marker.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from lockflow.standards.markers.tree import (
    EXTRA,
    FALSE,
    PYTHON,
    TRUE,
    VERSION,
    Cut,
    Marker,
    conjoin,
    disjoin,
    negate,
    node,
    partition,
    python_range_marker,
    range_cuts,
    rebuild,
    refine,
)
from lockflow.standards.python_range import PythonRange, Release

# Results live as long as the nodes do, that is for the process.
_simplified: dict[PythonRange, dict[Marker, Marker]] = {}
_restricted: dict[tuple[Marker, Marker], Marker] = {}
_without_extras: dict[Marker, Marker] = {}
_only_extras: dict[Marker, Marker] = {}
_production: dict[Marker, Marker] = {}
_for_extra: dict[str, dict[Marker, Marker]] = {}
_assumed: dict[tuple[frozenset[str], frozenset[str]], dict[Marker, Marker]] = {}
_intervals: dict[Marker, PythonRange | None] = {}


def simplify_python(marker: Marker, python: PythonRange) -> Marker:
    """Leave out what `python`, the supported Python versions, implies; FALSE where the range is empty."""
    lower, upper = range_cuts(python)
    if lower is not None and upper is not None and lower >= upper:  # type: ignore[operator]
        return FALSE
    if marker.order > PYTHON.order:
        return marker
    memo = _simplified.get(python)
    if memo is None:
        memo = _simplified[python] = {}
    return _simplify_python(marker, lower, upper, memo)


def _simplify_python(marker: Marker, lower: Cut | None, upper: Cut | None, memo: dict[Marker, Marker]) -> Marker:
    if marker.order > PYTHON.order:
        return marker
    result = memo.get(marker)
    if result is not None:
        return result
    if marker.variable is PYTHON:
        cuts = marker.cuts
        first = 0 if lower is None else bisect_right(cuts, lower)
        end = len(cuts) if upper is None else bisect_left(cuts, upper)
        result = node(PYTHON, cuts[first:end], marker.children[first : end + 1], marker.spelling)
    else:
        result = rebuild(marker, [_simplify_python(child, lower, upper, memo) for child in marker.children])
    memo[marker] = result
    return result


def complexify_python(marker: Marker, python: PythonRange) -> Marker:
    """Undo `simplify_python`: make the marker say by itself that Python is within `python`."""
    return conjoin(marker, python_range_marker(python))


def restrict(marker: Marker, assumption: Marker) -> Marker:
    """Return a shorter marker that equals `marker` wherever `assumption` holds, and is arbitrary elsewhere.

    Cells that the assumption rules out take the value of the first cell that it allows (in ascending order, "yes"
    before "no"). Locks show the outcome, so this is the recursion of uv and no other.
    """
    if assumption is TRUE or marker is TRUE or marker is FALSE:
        return marker
    if assumption is FALSE:
        return FALSE
    if marker is assumption:
        return TRUE
    if marker.negation is assumption:
        return FALSE
    pair = (marker, assumption)
    result = _restricted.get(pair)
    if result is None:
        if marker.variable is assumption.variable:
            result = _restrict_cells(marker, assumption)
        elif marker.order < assumption.order:
            result = rebuild(marker, [restrict(child, assumption) for child in marker.children])
        else:
            result = restrict(marker, _any_child(assumption))
        _restricted[pair] = result
    return result


def _restrict_cells(marker: Marker, assumption: Marker) -> Marker:
    cuts, pairs = refine(marker, assumption)
    cells = [None if allowed is FALSE else restrict(child, allowed) for child, allowed in pairs]
    order = iter(cells) if marker.variable.kind <= VERSION else reversed(cells)
    filler = next(cell for cell in order if cell is not None)
    children = [filler if cell is None else cell for cell in cells]
    return partition(marker.variable, cuts, children, marker.spelling)


def _any_child(marker: Marker) -> Marker:
    union = FALSE
    for child in marker.children:
        union = disjoin(union, child)
    return union


def without_extras(marker: Marker) -> Marker:
    """Return the marker that holds where `marker` does under some choice of extras."""
    if marker.order[0] > EXTRA:
        return marker
    result = _without_extras.get(marker)
    if result is None:
        children = [without_extras(child) for child in marker.children]
        is_extra = marker.variable.kind == EXTRA
        result = disjoin(children[1], children[0]) if is_extra else rebuild(marker, children)
        _without_extras[marker] = result
    return result


def only_extras(marker: Marker) -> Marker:
    """Return the marker over extras alone that holds where `marker` does in some environment."""
    if marker.cuts == ():
        return marker
    result = _only_extras.get(marker)
    if result is None:
        children = [only_extras(child) for child in marker.children]
        if marker.variable.kind == EXTRA:
            result = rebuild(marker, children)
        else:
            result = FALSE
            for child in children:
                result = disjoin(result, child)
        _only_extras[marker] = result
    return result


def only_keys(marker: Marker, keys: frozenset[str]) -> Marker:
    """Return the marker over `keys` alone (as `sys_platform`) that holds where `marker` does in some environment."""
    if marker.cuts == ():
        return marker
    children = [only_keys(child, keys) for child in marker.children]
    if marker.variable.key in keys:
        return rebuild(marker, children)
    result = FALSE
    for child in children:
        result = disjoin(result, child)
    return result


def extra_names(marker: Marker) -> frozenset[str]:
    """Return the extras that the marker tests."""
    if marker.order[0] > EXTRA:
        return frozenset()
    names = frozenset((marker.variable.value,)) if marker.variable.kind == EXTRA else frozenset()
    return names.union(*map(extra_names, marker.children))


def production(marker: Marker) -> Marker:
    """Return what is left of `marker` when every extra is off."""
    return _assume(marker, frozenset(), None, _production)


def for_extra(marker: Marker, extra: str) -> Marker:
    """Return where `marker` holds because of `extra`: that one on, all others off, and not in production."""
    memo = _for_extra.get(extra)
    if memo is None:
        memo = _for_extra[extra] = {}
    return conjoin(_assume(marker, frozenset((extra,)), None, memo), negate(production(marker)))


def assume(marker: Marker, on: frozenset[str], off: frozenset[str]) -> Marker:
    """Return what is left of `marker` when the extras in `on` are on and those in `off` are off."""
    memo = _assumed.get((on, off))
    if memo is None:
        memo = _assumed[on, off] = {}
    return _assume(marker, on, off, memo)


def assume_only(marker: Marker, on: frozenset[str]) -> Marker:
    """Return what is left of `marker` when the extras in `on` are on and all others are off."""
    return _assume(marker, on, None, {})


def _assume(marker: Marker, on: frozenset[str], off: frozenset[str] | None, memo: dict[Marker, Marker]) -> Marker:
    """As `assume`; None for `off` means all that are not on."""
    if marker.order[0] > EXTRA:
        return marker
    result = memo.get(marker)
    if result is None:
        variable = marker.variable
        if variable.kind == EXTRA and variable.value in on:
            result = _assume(marker.children[1], on, off, memo)
        elif variable.kind == EXTRA and (off is None or variable.value in off):
            result = _assume(marker.children[0], on, off, memo)
        else:
            result = rebuild(marker, [_assume(child, on, off, memo) for child in marker.children])
        memo[marker] = result
    return result


def python_interval(marker: Marker) -> PythonRange | None:
    """Return the smallest interval that holds every Python version `marker` admits.

    None for a constant marker and where both ends are open.
    """
    if marker in _intervals:
        return _intervals[marker]
    result: PythonRange | None = None
    if marker is not TRUE and marker is not FALSE:
        lower, upper = _python_cuts(marker, {})
        if lower is not None or upper is not None:
            result = PythonRange(
                lower=None if lower is None else _release(lower),
                lower_closed=lower is None or lower[1] == 0,
                upper=None if upper is None else _release(upper),
                upper_closed=upper is not None and upper[1] == 1,
            )
    _intervals[marker] = result
    return result


def _release(cut: Cut) -> Release:
    value = cut[0]
    assert isinstance(value, tuple)
    return value


def _python_cuts(marker: Marker, memo: dict[Marker, tuple[Cut | None, Cut | None]]) -> tuple[Cut | None, Cut | None]:
    """Return the ends of the interval that `marker`, not FALSE, spans on the Python axis."""
    if marker.order > PYTHON.order:
        return None, None
    ends = memo.get(marker)
    if ends is None:
        if marker.variable is PYTHON:
            reached = [index for index, child in enumerate(marker.children) if child is not FALSE]
            first, last = reached[0], reached[-1]
            lower = marker.cuts[first - 1] if first > 0 else None
            upper = marker.cuts[last] if last < len(marker.cuts) else None
        else:
            spans = [_python_cuts(child, memo) for child in marker.children if child is not FALSE]
            lower, upper = spans[0]
            for other_lower, other_upper in spans[1:]:
                if lower is not None and (other_lower is None or other_lower < lower):  # type: ignore[operator]
                    lower = other_lower
                if upper is not None and (other_upper is None or other_upper > upper):  # type: ignore[operator]
                    upper = other_upper
        memo[marker] = ends = (lower, upper)
    return ends
