"""Whether any Python of a range could install a wheel, judged by its Python and ABI tags alone (PEP 425).

The resolver asks when it chooses the file of a version, the lock when it leaves out wheels nobody can use.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lockflow.standards.filenames import WheelName
from lockflow.standards.python_range import PythonRange

Minor = tuple[int, int]

_PYTHON = re.compile(r"(py|cp|pp|graalpy|pyston)([0-9])([0-9]{0,3})", re.ASCII)
_ABI = re.compile(r"cp([0-9])([0-9]{0,3})[a-z]*|(?:pypy|graalpy)([0-9])([0-9]{0,3})_[a-z0-9_]+", re.ASCII)
_VERSIONLESS_PYPY = re.compile(r"pypy_[0-9]+", re.ASCII)


def is_reachable_by_python(wheel: WheelName, python: PythonRange) -> bool:
    """Whether some ABI tag passes: a stable ABI always, a specific one if its Python lies within the range.

    Bounds count by major and minor, both as inclusive unless the upper one is a whole minor (`<3.13`).
    """
    return _is_reachable(wheel.python_tags, wheel.abi_tags, _lowest(python), _highest(python))


def _lowest(python: PythonRange) -> Minor | None:
    return None if python.lower is None else _minor(python.lower)


def _highest(python: PythonRange) -> Minor | None:
    """The greatest minor within the range."""
    if python.upper is None:
        return None
    major, minor = _minor(python.upper)
    if python.upper_closed or len(python.upper) > 2:
        return (major, minor)
    return (major, minor - 1)


def _minor(release: tuple[int, ...]) -> Minor:
    return (release[0], release[1] if len(release) > 1 else 0)


@lru_cache(maxsize=1 << 14)
def _is_reachable(
    python_tags: tuple[str, ...], abi_tags: tuple[str, ...], lowest: Minor | None, highest: Minor | None
) -> bool:
    for abi in abi_tags:
        if abi in ("abi3", "abi3t"):
            return True
        if abi == "none":
            if any(_is_python_reachable(tag, lowest, highest) for tag in python_tags):
                return True
            continue
        match = _ABI.fullmatch(abi)
        if match is not None:
            major = int(match[1] or match[3])
            minor = match[2] or match[4]
            if major == 3 and minor and _is_within((3, int(minor)), lowest, highest):
                return True
        elif _VERSIONLESS_PYPY.fullmatch(abi) is None:
            return True
    return False


def _is_python_reachable(tag: str, lowest: Minor | None, highest: Minor | None) -> bool:
    match = _PYTHON.fullmatch(tag)
    if match is None or match[2] in "012":
        return False
    if match[2] != "3" or not match[3]:
        return True
    minor = (3, int(match[3]))
    if match[1] == "py":
        return highest is None or minor <= highest
    return _is_within(minor, lowest, highest)


def _is_within(minor: Minor, lowest: Minor | None, highest: Minor | None) -> bool:
    return (lowest is None or minor >= lowest) and (highest is None or minor <= highest)
