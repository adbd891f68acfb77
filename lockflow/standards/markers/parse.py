"""Marker text to decision diagram (PEP 508, "Environment Markers"), with the meaning uv gives to each term.

uv compares versions by their release numbers alone, folds `python_version` into `python_full_version`, most of
`platform_system` into `sys_platform`, and leaves out terms without meaning (string against string, a version key
against what is no version) as if they had not been written.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from lockflow.standards.markers.tree import (
    CONTAINS,
    EXTRA,
    FALSE,
    IN,
    LIST,
    PYTHON,
    STRING_KEYS,
    TRUE,
    Marker,
    Spelling,
    Variable,
    boolean,
    boolean_variable,
    conjoin,
    count_nodes,
    disjoin,
    interval,
    negate,
    string_equals,
    string_variable,
    version_variable,
)
from lockflow.standards.names import is_valid_name, normalize_name
from lockflow.standards.python_range import Release, read_release, trim


class MarkerSyntaxError(ValueError):
    """A text is no marker. `message` says why in uv's words, `position` is the place in the text."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


@lru_cache(maxsize=65536)
def parse_marker(text: str) -> Marker:
    """Read a marker; TRUE when nothing in it has a meaning. Raises MarkerSyntaxError."""
    try:
        marker, end = _parse_or(text, 0, _Limits(nodes=count_nodes() + _MOST_NODES))
        if marker is not None and len(text) > _CERTAINLY_SHALLOW and _is_too_deep(marker):
            raise _too_many_things()
    except RecursionError:
        raise _too_many_things() from None
    end = _skip_blanks(text, end)
    if end < len(text):
        message = f"Unexpected character '{text[end]}', expected 'and', 'or' or end of input"
        raise MarkerSyntaxError(message, end)
    return TRUE if marker is None else marker


# Limits. No marker of an honest project comes near; one that does would exhaust the stack or the memory.

_MOST_NODES: Final = 100_000
_DEEPEST: Final = 100
_DEEPEST_DIAGRAM: Final = 200
_CERTAINLY_SHALLOW: Final = 2000
"""A text of this length has too few terms for a deep diagram."""


class _Limits(NamedTuple):
    nodes: int
    depth: int = 0


def _too_many_things() -> MarkerSyntaxError:
    return MarkerSyntaxError("The marker tests too many different things", 0)


def _is_too_deep(marker: Marker) -> bool:
    layer = {marker}
    for _ in range(_DEEPEST_DIAGRAM):
        layer = {child for node in layer for child in node.children}
        if not layer:
            return False
    return True


# Grammar. None stands for a term that is left out.

_END: Final = "end of dependency specification"
_BLANKS: Final = re.compile(r"\s*")
_KEYWORD: Final = re.compile(r"\s*(and|or)(?=[\s(]|\Z)")
_TERM: Final = re.compile(
    r"""\s*
    (?: '(?P<left_single>[^']*)' | "(?P<left_double>[^"]*)" | (?P<left_key>[^\s>=<!~)'"(][^\s>=<!~)]*) )
    \s* (?P<operator> [<=>~!]+ | in (?=[\s'"]) | not\s+in ) \s*
    (?: '(?P<right_single>[^']*)' | "(?P<right_double>[^"]*)" | (?P<right_key>[^\s>=<!~)'"][^\s>=<!~)]*) )
    """,
    re.VERBOSE,
)


def _skip_blanks(text: str, start: int) -> int:
    match = _BLANKS.match(text, start)
    return start if match is None else match.end()


def _parse_or(text: str, start: int, limits: _Limits) -> tuple[Marker | None, int]:
    marker, end = _parse_and(text, start, limits)
    while True:
        keyword = _KEYWORD.match(text, end)
        if keyword is None or keyword[1] != "or":
            return marker, end
        following, end = _parse_and(text, keyword.end(), limits)
        if following is not None:
            marker = following if marker is None else disjoin(marker, following)
            if count_nodes() > limits.nodes:
                raise _too_many_things()


def _parse_and(text: str, start: int, limits: _Limits) -> tuple[Marker | None, int]:
    marker, end = _parse_term(text, start, limits)
    while True:
        keyword = _KEYWORD.match(text, end)
        if keyword is None or keyword[1] != "and":
            return marker, end
        following, end = _parse_term(text, keyword.end(), limits)
        if following is not None:
            marker = following if marker is None else conjoin(marker, following)
            if count_nodes() > limits.nodes:
                raise _too_many_things()


def _parse_term(text: str, start: int, limits: _Limits) -> tuple[Marker | None, int]:
    match = _TERM.match(text, start)
    if match is not None:
        left_single, left_double, left_key, operator, right_single, right_double, right_key = match.groups()
        left = left_double if left_single is None else left_single
        right = right_double if right_single is None else right_single
        if left_key is not None and left_key not in _KEYS:
            raise _unknown_key(left_key, match.start("left_key"))
        if operator not in _REVERSED:
            operator = _spelled_operator(operator, match.start("operator"))
        if right_key is not None and right_key not in _KEYS:
            raise _unknown_key(right_key, match.start("right_key"))
        if left_key is not None:
            key = _KEYS[left_key]
            if key in _LIST_KEYS:
                message = f"The marker {key} must be on the right hand side of the expression"
                raise MarkerSyntaxError(message, match.start("left_key"))
            return (None if right is None else _lower(key, operator, right)), match.end()
        if right_key is None:
            return None, match.end()
        key = _KEYS[right_key]
        if key in _LIST_KEYS and operator not in {"in", "not in"}:
            message = f"The operator {operator} is not supported with the marker {key}, "
            message += "only the `in` and `not in` operators are supported"
            raise MarkerSyntaxError(message, _skip_blanks(text, start))
        return _lower_reversed(key, operator, left), match.end()
    start = _skip_blanks(text, start)
    if not text.startswith("(", start):
        raise _diagnose(text, start)
    if limits.depth == _DEEPEST:
        raise MarkerSyntaxError("The marker is nested too deeply", start)
    marker, end = _parse_or(text, start + 1, _Limits(limits.nodes, limits.depth + 1))
    end = _skip_blanks(text, end)
    _expect(text, end, ")", start)
    return marker, end + 1


def _expect(text: str, place: int, character: str, start: int) -> None:
    if place >= len(text):
        raise MarkerSyntaxError(f"Expected '{character}', found {_END}", start)
    if text[place] != character:
        raise MarkerSyntaxError(f"Expected `{character}`, found `{text[place]}`", place)


def _unknown_key(key: str, position: int) -> MarkerSyntaxError:
    return MarkerSyntaxError(f"Expected a quoted string or a valid marker name, found `{key}`", position)


def _unknown_operator(operator: str, position: int) -> MarkerSyntaxError:
    message = f"Expected a valid marker operator (such as `>=` or `not in`), found `{operator}`"
    return MarkerSyntaxError(message, position)


def _spelled_operator(operator: str, position: int) -> str:
    if operator.startswith("not"):
        return "not in"
    raise _unknown_operator(operator, position)


def _diagnose(text: str, start: int) -> MarkerSyntaxError:
    """Say what is wrong with the term at `start`, which is known not to be one."""
    try:
        end = _skip_blanks(text, _read_value(text, start))
        end = _skip_blanks(text, _read_operator(text, end))
        _read_value(text, end)
    except MarkerSyntaxError as error:
        return error
    raise AssertionError(text)


def _read_value(text: str, start: int) -> int:
    if start == len(text):
        raise MarkerSyntaxError(f"Expected marker value, found {_END}", start)
    if text[start] in "'\"":
        end = text.find(text[start], start + 1)
        _expect(text, len(text) if end < 0 else end, text[start], start)
        return end + 1
    end = start
    while end < len(text) and not text[end].isspace() and text[end] not in "><=!~)":
        end += 1
    if text[start:end] not in _KEYS:
        raise _unknown_key(text[start:end], start)
    return end


def _read_operator(text: str, start: int) -> int:
    end = start
    if text[start : start + 1].isalpha():
        while end < len(text) and not text[end].isspace() and text[end] not in "'\"":
            end += 1
    else:
        while end < len(text) and text[end] in "<=>~!":
            end += 1
    operator = text[start:end]
    if operator != "not":
        if operator not in _REVERSED:
            raise _unknown_operator(operator, start)
        return end
    if not text[end : end + 1].isspace():
        if end < len(text):
            raise MarkerSyntaxError(f"Expected whitespace after `not`, found `{text[end]}`", end)
        raise MarkerSyntaxError("Expected whitespace after 'not', found end of input", end)
    end = _skip_blanks(text, end)
    _expect(text, end, "i", end)
    _expect(text, end + 1, "n", end + 1)
    return end + 2


# Meaning of one comparison

_LIST_KEYS: Final = frozenset({"extras", "dependency_groups"})
_KEYS: Final = {
    **{key: key for key in STRING_KEYS},
    **{key: key for key in ("implementation_version", "python_full_version", "python_version", "extra")},
    **{key: key for key in _LIST_KEYS},
    "os.name": "os_name",
    "sys.platform": "sys_platform",
    "platform.version": "platform_version",
    "platform.machine": "platform_machine",
    "platform.python_implementation": "platform_python_implementation",
    "python_implementation": "platform_python_implementation",
}
_SYSTEMS: Final = {
    "Windows": "win32",
    "Darwin": "darwin",
    "Linux": "linux",
    "AIX": "aix",
    "Emscripten": "emscripten",
    "Android": "android",
}
_REVERSED: Final = {
    "==": "==",
    "!=": "!=",
    "~=": "~=",
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
    "in": "in",
    "not in": "not in",
}
_VERSION_KEYS: Final = frozenset({"python_version", "python_full_version", "implementation_version"})
_ORDERED_KEYS: Final = frozenset({"platform_version", "platform_release"})


@lru_cache(maxsize=65536)
def _lower(key: str, operator: str, literal: str) -> Marker | None:
    """Return the meaning of `key operator 'literal'`, None when uv leaves the term out."""
    if key in _VERSION_KEYS:
        if operator in {"in", "not in"}:
            return _lower_version_list(key, operator, literal)
        return _lower_version(key, operator, literal)
    if key == "extra":
        if operator not in {"==", "!="}:
            return None
        if not is_valid_name(literal):
            return FALSE
        return _either(operator, "!=", boolean(boolean_variable(EXTRA, "extra", normalize_name(literal))))
    if operator in {"in", "not in"}:
        return _either(operator, "not in", boolean(boolean_variable(IN, key, literal)))
    if operator == "~=":
        return None
    plain = _lower_string(key, operator, literal)
    if key != "platform_release":
        return plain
    versions = _lower_version(key, operator, literal)
    if versions is None:
        return plain
    # uv 0.13 reads the release of macOS's kernel as a version, that of other systems as text.
    darwin = string_equals("sys_platform", "darwin")
    return disjoin(conjoin(darwin, versions), conjoin(negate(darwin), plain))


@lru_cache(maxsize=4096)
def _lower_reversed(key: str, operator: str, literal: str) -> Marker | None:
    """Return the meaning of `'literal' operator key`, None when uv leaves the term out."""
    if operator not in {"in", "not in"}:
        if key in _VERSION_KEYS and literal.rstrip().endswith("*"):
            return None
        return _lower(key, _REVERSED[operator], literal)
    if key in _LIST_KEYS:
        if is_valid_name(literal):
            variable = boolean_variable(LIST, key, normalize_name(literal))
        else:
            variable = boolean_variable(LIST, "", f"{key}\0{literal}")
        return _either(operator, "not in", boolean(variable))
    if key in _VERSION_KEYS or key == "extra":
        return None
    return _either(operator, "not in", boolean(boolean_variable(CONTAINS, key, literal)))


def _either(operator: str, negative: str, marker: Marker) -> Marker:
    return negate(marker) if operator == negative else marker


def _lower_string(key: str, operator: str, literal: str) -> Marker:
    if key == "platform_system" and literal in _SYSTEMS:
        key, literal = "sys_platform", _SYSTEMS[literal]
    variable = string_variable(key)
    if key in _ORDERED_KEYS:
        if operator == "<":
            return interval(variable, None, (literal, 0))
        if operator == "<=":
            return interval(variable, None, (literal, 1))
        if operator == ">":
            return interval(variable, (literal, 1), None)
        if operator == ">=":
            return interval(variable, (literal, 0), None)
    elif operator in {"<", ">"}:
        return FALSE
    return _either(operator, "!=", interval(variable, (literal, 0), (literal, 1)))


def _lower_version(key: str, operator: str, literal: str) -> Marker | None:
    pattern = read_release(literal)
    if pattern is None or not pattern.suits(operator):
        return None
    release, star = pattern.release, pattern.star
    if key == "python_version":
        return _lower_python_version(operator, release, star=star)
    return _compare(version_variable(key), operator, release, star=star)


def _compare(variable: Variable, operator: str, release: Release, *, star: bool) -> Marker:
    """Return the marker of one version comparison by release numbers."""
    value = trim(release)
    if star or operator == "~=":
        upper = _after(release if star else release[:-1])
        # A prefix keeps its zeros in print.
        spelling: Spelling | None = {value: _text(release)} if star and value != release else None
        return _either(operator, "!=", interval(variable, (value, 0), (upper, 0), spelling))
    if operator == "<":
        return interval(variable, None, (value, 0))
    if operator == "<=":
        return interval(variable, None, (value, 1))
    if operator == ">":
        return interval(variable, (value, 1), None)
    if operator == ">=":
        return interval(variable, (value, 0), None)
    return _either(operator, "!=", interval(variable, (value, 0), (value, 1)))


def _lower_python_version(operator: str, release: Release, *, star: bool) -> Marker:
    """Bring a comparison of the two numbers of `python_version` to one of the full version."""
    value = trim(release)
    if len(value) > 2:
        minor = value[:2]
        if star or operator in {"==", "~="}:
            # `!= '3.9.1.*'` is false as well: uv's way.
            return FALSE
        if operator == "!=":
            return TRUE
        after = _after(minor)
        return interval(PYTHON, None, (after, 0)) if operator in {"<", "<="} else interval(PYTHON, (after, 0), None)
    if star:
        return _compare(PYTHON, operator, release[:2], star=True)
    if operator == "~=":
        return _compare(PYTHON, "~=" if len(release) == 2 else "==", release[:2], star=len(release) > 2)
    minor = (*value, 0)[:2]
    if operator == "<":
        return FALSE if value == (0,) else interval(PYTHON, None, (value, 0))
    if operator == ">=":
        return TRUE if value == (0,) else interval(PYTHON, (value, 0), None)
    if operator == "<=":
        return interval(PYTHON, None, (_after(minor), 0))
    if operator == ">":
        return interval(PYTHON, (_after(minor), 0), None)
    return _compare(PYTHON, operator, minor, star=True)


def _lower_version_list(key: str, operator: str, literal: str) -> Marker | None:
    releases: list[Release] = []
    for item in literal.split():
        pattern = read_release(item)
        if pattern is None or pattern.star:
            return None
        releases.append(pattern.release)
    union = FALSE
    if key == "python_version":
        for release in releases:
            value = trim(release)
            if len(value) > 2:
                # One item with a patch number makes the whole term false, `not in` too: uv's way.
                return FALSE
            union = disjoin(union, _compare(PYTHON, "==", (*value, 0)[:2], star=True))
    else:
        # Of two spellings of one version the last stays.
        spelling: Spelling = {trim(release): _text(release) for release in releases}
        for value in spelling:
            union = disjoin(union, interval(version_variable(key), (value, 0), (value, 1), spelling))
    return _either(operator, "not in", union)


def _after(release: Release) -> Release:
    """Return the first release behind all that begin with `release`."""
    return (*release[:-1], release[-1] + 1)


def _text(release: Release) -> str:
    return ".".join(map(str, release))
