"""Markers as decision diagrams with exact and, or, not, disjoint and implies (PEP 508, "Environment Markers").

A diagram tests its variables in one fixed order. A node cuts the axis of its variable into cells, each leading to a
child. A cut is `(value, 0)`, just below the value, or `(value, 1)`, just above it, so `[3.9, 3.10)` lies between
`((3, 9), 0)` and `((3, 10), 0)`, and the common refinement of two nodes is a linear merge. Axes count as dense.
Nodes are shared for the life of the process: two markers mean the same exactly when they are the same object.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Self

from lockflow.standards.python_range import PythonRange, Release, trim

Cut = tuple[Release, int] | tuple[str, int] | tuple[int, int]
Spelling = dict[Release, str]

STRING: Final = 0
VERSION: Final = 1
IN: Final = 2
CONTAINS: Final = 3
EXTRA: Final = 4
LIST: Final = 5
CONSTANT: Final = 6

STRING_KEYS: Final = (
    "os_name",
    "sys_platform",
    "platform_system",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_version",
    "implementation_name",
)
# The releases of macOS's kernel are a second, version-valued axis of `platform_release`; uv tests it first.
VERSION_KEYS: Final = ("platform_release", "implementation_version", "python_full_version")
LIST_KEYS: Final = ("extras", "dependency_groups", "")


class Variable:
    """What a node tests: a string or version key, one substring test, one extra, or one entry of a list key."""

    __slots__ = ("is_platform", "key", "kind", "order", "value")

    def __init__(self, kind: int, key: str, value: str, order: tuple[int, int, str]) -> None:
        self.kind = kind
        self.key = key
        self.value = value
        self.order = order
        self.is_platform = kind == STRING and order[1] < 3


class Marker:
    """One node of a diagram; shared, so that `is` and `==` both mean "holds in the same environments"."""

    __slots__ = ("children", "cuts", "identity", "negation", "order", "spelling", "text", "variable")

    def __init__(
        self, variable: Variable, cuts: tuple[Cut, ...], children: tuple[Marker, ...], spelling: Spelling | None
    ) -> None:
        self.variable = variable
        self.order = variable.order
        self.cuts = cuts
        self.children = children
        self.identity = len(_nodes)
        self.spelling = spelling
        self.negation: Marker | None = None
        # Filled by `render` when first asked for; "" stands for "not yet".
        self.text: str | None = ""

    @property
    def is_true(self) -> bool:
        """Whether this marker holds in every environment."""
        return self is TRUE

    @property
    def is_false(self) -> bool:
        """Whether this marker holds in no environment."""
        return self is FALSE

    def __and__(self, other: Marker) -> Marker:
        return conjoin(self, other)

    def __or__(self, other: Marker) -> Marker:
        return disjoin(self, other)

    def __invert__(self) -> Marker:
        return negate(self)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __repr__(self) -> str:
        return f"<Marker {_printers[-1](self) or 'true'}>"

    def sort_key(self) -> tuple[object, ...]:
        """Return the key by which locks order markers; see `order_key`."""
        return order_key(self)


def show_with(printer: Callable[[Marker], str | None]) -> None:
    """Let `printer` write markers for debuggers and failed tests; printing builds on this module."""
    _printers.append(printer)


def is_disjoint(a: Marker, b: Marker) -> bool:
    """Whether no environment satisfies both."""
    return conjoin(a, b) is FALSE


def implies(a: Marker, b: Marker) -> bool:
    """Whether `b` holds in every environment in which `a` holds."""
    return conjoin(a, negate(b)) is FALSE


def string_equals(key: str, value: str) -> Marker:
    """Return the marker `key == 'value'`; `key` is one of the string keys in its modern spelling."""
    return interval(string_variable(key), (value, 0), (value, 1))


def extra_equals(name: str) -> Marker:
    """Return the marker `extra == 'name'`; `name` is normalised."""
    return boolean(extra_variable(name))


def python_range_marker(python: PythonRange) -> Marker:
    """Return the marker that holds for the Python versions in `python`; TRUE where it has no bounds."""
    marker = _range_markers.get(python)
    if marker is None:
        marker = interval(PYTHON, *range_cuts(python))
        _range_markers[python] = marker
    return marker


def order_key(marker: Marker) -> tuple[object, ...]:
    """Return a key that sorts markers as uv.lock does: as diagrams, not as text.

    Always true comes first, then always false; then by what the root tests (version, string, `in`, contains, list,
    extra), then cell by cell: its end, then its child. Of two answers, "yes" is compared before "no".
    """
    key = _order_keys.get(marker)
    if key is not None:
        return key
    variable = marker.variable
    parts: list[object] = [_SORT_CLASS[variable.kind], *variable.order[1:]]
    if variable.kind <= VERSION:
        for cut, child in zip(marker.cuts, marker.children, strict=False):
            parts.append((0, *cut))
            parts.append(order_key(child))
        parts.append((1,))
        parts.append(order_key(marker.children[-1]))
    else:
        parts.append(order_key(marker.children[1]))
        parts.append(order_key(marker.children[0]))
    key = tuple(parts)
    _order_keys[marker] = key
    return key


# Variables


def string_variable(key: str) -> Variable:
    """Return the variable for the value of `key`, a modern string key."""
    return _strings[key]


def version_variable(key: str) -> Variable:
    """Return the variable for the release numbers of `key`."""
    return _versions[key]


def boolean_variable(kind: int, key: str, value: str) -> Variable:
    """Return the variable of a substring test (IN, CONTAINS), of an EXTRA or of an entry of a LIST key."""
    variable = _booleans.get((kind, key, value))
    if variable is None:
        keys = LIST_KEYS if kind == LIST else STRING_KEYS
        variable = Variable(kind, key, value, (kind, 0 if kind == EXTRA else keys.index(key), value))
        _booleans[kind, key, value] = variable
    return variable


def extra_variable(name: str) -> Variable:
    """Return the variable of the extra `name`."""
    return _booleans.get((EXTRA, "extra", name)) or boolean_variable(EXTRA, "extra", name)


# Nodes


def node(
    variable: Variable, cuts: tuple[Cut, ...], children: tuple[Marker, ...], spelling: Spelling | None = None
) -> Marker:
    """Return the shared node with these cells; neighbours must differ. Without cuts it is the only child.

    `spelling` keeps how a version was written where that differs from its trimmed form. It takes no part in sharing:
    as in uv, the first node made decides.
    """
    if not cuts:
        return children[0]
    key = (variable, cuts, children)
    marker = _nodes.get(key)
    if marker is None:
        marker = Marker(variable, cuts, children, spelling)
        _nodes[key] = marker
    return marker


def partition(
    variable: Variable, cuts: Sequence[Cut], children: Sequence[Marker], spelling: Spelling | None = None
) -> Marker:
    """Return the node with these cells, where equal neighbours are merged."""
    kept_cuts: list[Cut] = []
    child = children[0]
    kept = [child]
    for index, cut in enumerate(cuts, 1):
        following = children[index]
        if following is not child:
            kept_cuts.append(cut)
            kept.append(following)
            child = following
    return node(variable, tuple(kept_cuts), tuple(kept), spelling)


def rebuild(marker: Marker, children: list[Marker]) -> Marker:
    """Return `marker` with other children, one a cell."""
    return partition(marker.variable, marker.cuts, children, marker.spelling)


def refine(a: Marker, b: Marker) -> tuple[Sequence[Cut], list[tuple[Marker, Marker]]]:
    """Cut two nodes that test the same variable into common cells; return the cuts and the children, pairwise."""
    if a.cuts == b.cuts:
        return a.cuts, list(zip(a.children, b.children, strict=True))
    cuts: list[Cut] = sorted({*a.cuts, *b.cuts})
    i = j = 0
    cells = [(a.children[0], b.children[0])]
    for cut in cuts:
        i += i < len(a.cuts) and a.cuts[i] == cut
        j += j < len(b.cuts) and b.cuts[j] == cut
        cells.append((a.children[i], b.children[j]))
    return cuts, cells


def count_nodes() -> int:
    """Return how many nodes this process has made."""
    return len(_nodes)


def boolean(variable: Variable) -> Marker:
    """Return the marker that holds when the boolean `variable` does."""
    return node(variable, YES, (FALSE, TRUE))


def interval(variable: Variable, lower: Cut | None, upper: Cut | None, spelling: Spelling | None = None) -> Marker:
    """Return the marker that holds between two cuts, None being an open end; FALSE when nothing lies between."""
    if lower is None:
        if upper is None:
            return TRUE
        return node(variable, (upper,), (TRUE, FALSE), spelling)
    if upper is None:
        return node(variable, (lower,), (FALSE, TRUE), spelling)
    if lower >= upper:  # type: ignore[operator]
        return FALSE
    return node(variable, (lower, upper), (FALSE, TRUE, FALSE), spelling)


def range_cuts(python: PythonRange) -> tuple[Cut | None, Cut | None]:
    """Return the lower and the upper end of a Python range as cuts, None where it is unbounded."""
    lower: Cut | None = None
    upper: Cut | None = None
    if python.lower is not None:
        lower = (trim(python.lower), 0 if python.lower_closed else 1)
    if python.upper is not None:
        upper = (trim(python.upper), 1 if python.upper_closed else 0)
    return lower, upper


# Operations


def negate(marker: Marker) -> Marker:
    """Return the marker that holds exactly where `marker` does not."""
    result = marker.negation
    if result is None:
        children = tuple([child.negation or negate(child) for child in marker.children])
        result = node(marker.variable, marker.cuts, children, marker.spelling)
        marker.negation = result
        result.negation = marker
    return result


def conjoin(a: Marker, b: Marker) -> Marker:
    """Return `a and b`, false where it only holds on platforms that cannot exist."""
    return _conjoin(a, b, _possible)


def disjoin(a: Marker, b: Marker) -> Marker:
    """Return `a or b`; true where it fails only on platforms that cannot exist."""
    return negate(_conjoin(a.negation or negate(a), b.negation or negate(b), _possible))


def conjoin_plainly(a: Marker, b: Marker) -> Marker:
    """Return `a and b` without knowledge of impossible platforms."""
    return _conjoin(a, b, _plain)


def disjoin_plainly(a: Marker, b: Marker) -> Marker:
    """Return `a or b` without knowledge of impossible platforms."""
    return negate(_conjoin(a.negation or negate(a), b.negation or negate(b), _plain))


def _conjoin(a: Marker, b: Marker, memo: dict[tuple[Marker, Marker], Marker]) -> Marker:
    if a is b or b is TRUE:
        return a
    if a is TRUE:
        return b
    if a is FALSE or b is FALSE or a.negation is b:
        return FALSE
    if a.identity > b.identity:
        a, b = b, a
    pair = (a, b)
    result = memo.get(pair)
    if result is not None:
        return result
    # Equal variables are shared, so the same order means the same variable.
    if a.variable is b.variable:
        result = _merge(a, b, memo)
    else:
        if b.order < a.order:
            a, b = b, a
        result = rebuild(a, [_conjoin(child, b, memo) for child in a.children])
    # uv replaces a conjunction by false only when all of it is impossible, and only looks where both sides test a
    # platform name at their root; a partly impossible one stays as written. Locks show that, so it is copied.
    if (
        memo is _possible
        and a.variable.is_platform
        and b.variable.is_platform
        and _conjoin(result, _existing_platforms, _plain) is FALSE
    ):
        result = FALSE
    memo[pair] = result
    return result


def _merge(a: Marker, b: Marker, memo: dict[tuple[Marker, Marker], Marker]) -> Marker:
    a_cuts, b_cuts, a_children, b_children = a.cuts, b.cuts, a.children, b.children
    a_end, b_end = len(a_cuts), len(b_cuts)
    i = j = 0
    child = _conjoin(a_children[0], b_children[0], memo)
    cuts: list[Cut] = []
    children = [child]
    while i < a_end or j < b_end:
        if i == a_end:
            cut = b_cuts[j]
            j += 1
        elif j == b_end:
            cut = a_cuts[i]
            i += 1
        else:
            cut, other = a_cuts[i], b_cuts[j]
            if cut == other:
                i += 1
                j += 1
            elif cut < other:  # type: ignore[operator]
                i += 1
            else:
                cut = other
                j += 1
        following = _conjoin(a_children[i], b_children[j], memo)
        if following is not child:
            cuts.append(cut)
            children.append(following)
            child = following
    return node(a.variable, tuple(cuts), tuple(children), join_spelling(a.spelling, b.spelling))


def join_spelling(a: Spelling | None, b: Spelling | None) -> Spelling | None:
    """Return both spellings in one; the first one wins."""
    if a is None or b is None:
        return b if a is None else a
    return {**b, **a}


_printers: list[Callable[[Marker], str | None]] = [lambda marker: f"number {marker.identity}"]

YES: Final[tuple[Cut, ...]] = ((0, 0),)
_SORT_CLASS: Final = (3, 2, 4, 5, 7, 6)

_nodes: dict[tuple[Variable, tuple[Cut, ...], tuple[Marker, ...]], Marker] = {}
_possible: dict[tuple[Marker, Marker], Marker] = {}
_plain: dict[tuple[Marker, Marker], Marker] = {}
_booleans: dict[tuple[int, str, str], Variable] = {}
_range_markers: dict[PythonRange, Marker] = {}

_strings = {key: Variable(STRING, key, "", (STRING, index, "")) for index, key in enumerate(STRING_KEYS)}
_versions = {key: Variable(VERSION, key, "", (VERSION, index, "")) for index, key in enumerate(VERSION_KEYS)}
PYTHON: Final = _versions["python_full_version"]


def _constant(value: int) -> Marker:
    variable = Variable(CONSTANT, "", "", (CONSTANT, value, ""))
    marker = Marker(variable, (), (), None)
    _nodes[variable, (), ()] = marker
    return marker


TRUE: Final = _constant(1)
FALSE: Final = _constant(0)
TRUE.negation = FALSE
FALSE.negation = TRUE
_order_keys: dict[Marker, tuple[object, ...]] = {TRUE: (0,), FALSE: (1,)}


def _find_existing_platforms() -> Marker:
    """Return the complement of the combinations of platform names that uv knows to be impossible."""
    foreign = ("aix", "android", "emscripten", "ios", "linux", "darwin", "win32", "cygwin", "wasi")
    pairs = [("os_name", "nt", name) for name in ("linux", "darwin", "ios")]
    pairs.append(("os_name", "posix", "win32"))
    for system in ("FreeBSD", "NetBSD", "OpenBSD", "SunOS", "iOS", "iPadOS"):
        allowed = "ios" if system in {"iOS", "iPadOS"} else ""
        pairs.extend([("platform_system", system, name) for name in foreign if name != allowed])
    possible = TRUE
    for key, value, name in pairs:
        both = conjoin_plainly(string_equals(key, value), string_equals("sys_platform", name))
        possible = conjoin_plainly(possible, negate(both))
    return possible


_existing_platforms: Final = _find_existing_platforms()
