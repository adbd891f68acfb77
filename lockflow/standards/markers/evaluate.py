"""A marker and one environment to a decision (PEP 508, "Environment Markers").

An environment maps the keys of PEP 508 to their values; versions in it are read by their release numbers.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

from lockflow.standards.markers.tree import CONTAINS, EXTRA, IN, STRING, TRUE, VERSION, Marker, Variable
from lockflow.standards.python_range import Release, read_release, trim

Environment = Mapping[str, str]

_NOTHING: Final[frozenset[str]] = frozenset()
_LEADING_RELEASE: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})*")


def evaluate(
    marker: Marker,
    environment: Environment,
    extras: frozenset[str] = _NOTHING,
    *,
    listed_extras: frozenset[str] = _NOTHING,
    dependency_groups: frozenset[str] = _NOTHING,
) -> bool:
    """Whether `marker` holds in `environment` with `extras` on; names are normalised.

    `listed_extras` and `dependency_groups` are what `'x' in extras` and `'x' in dependency_groups` look into.
    Raises KeyError when the environment lacks a key that decides, ValueError when a version in it is none.
    """
    while marker.cuts:
        variable = marker.variable
        kind = variable.kind
        if kind == STRING:
            index = bisect_right(marker.cuts, (environment[variable.key], 0))
        elif kind == VERSION:
            index = bisect_right(marker.cuts, (_release(variable.key, environment[variable.key]), 0))
        elif kind == EXTRA:
            index = variable.value in extras
        elif kind == IN:
            index = environment[variable.key] in variable.value
        elif kind == CONTAINS:
            index = variable.value in environment[variable.key]
        else:
            index = _is_listed(variable, listed_extras, dependency_groups)
        marker = marker.children[index]
    return marker is TRUE


def _is_listed(variable: Variable, extras: frozenset[str], groups: frozenset[str]) -> bool:
    if variable.key == "extras":
        return variable.value in extras
    return variable.key == "dependency_groups" and variable.value in groups


def _release(key: str, text: str) -> Release:
    pattern = read_release(text)
    if pattern is not None and not pattern.star:
        return trim(pattern.release)
    # CPython built from a branch calls itself `3.13.0+`, kernels have releases like `23.1.0-custom`.
    leading = _LEADING_RELEASE.match(text)
    if leading is None:
        raise ValueError(f"{key} is {text!r}, which does not begin with a release number")
    return trim(tuple([int(number) for number in leading[0].split(".")]))
