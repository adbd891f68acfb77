"""Whether any Python of a range could install a wheel, judged by its Python and ABI tags alone (PEP 425).

The resolver asks when it chooses the file of a version, the lock when it leaves out wheels nobody can use.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lockflow.standards.filenames import WheelName
from lockflow.standards.python_range import PythonRange

Minor = tuple[int, int]

_PYTHON_TAG = re.compile(r"(py|cp|pp|graalpy|pyston)([0-9])([0-9]{0,3})", re.ASCII)
_MAJOR_ALONE = ("py", "cp")
_CPYTHON_ABI = re.compile(r"cp([0-9])([0-9]{1,3})[a-z]*", re.ASCII)
_PYPY_ABI = re.compile(r"pypy([0-9])([0-9]{1,3})_pp[0-9]+", re.ASCII)
_GRAALPY_ABI = re.compile(r"graalpy[0-9]+(?:_graalpy[0-9]+)?_([0-9])([0-9]{1,3})_native", re.ASCII)
_PYSTON_ABI = re.compile(r"pyston[0-9]+_pyston_[0-9]+", re.ASCII)


def is_reachable_by_python(wheel: WheelName, python: PythonRange) -> bool:
    """Whether some Python in `python` can load the wheel, by Python and ABI tags.

    Bounds count as whole minors: under `<3.12.5` a wheel for 3.12 is reachable.
    """
    return abi_fits(wheel.python_tags, wheel.abi_tags, python)


def begins_within(wheel: WheelName, python: PythonRange) -> bool:
    """Whether the first Python that one of the Python tags names is not above `python`; the ABI is not looked at."""
    for tag in wheel.python_tags:
        match = _PYTHON_TAG.fullmatch(tag)
        if match is None or not _is_above((int(match[2]), int(match[3] or 0)), python):
            return True
    return False


@lru_cache(maxsize=1 << 14)
def abi_fits(python_tags: tuple[str, ...], abi_tags: tuple[str, ...], python: PythonRange) -> bool:
    """The same for tags alone; remembered, since thousands of files share some dozens of combinations."""
    return any(_abi_fits(abi, python_tags, python) for abi in abi_tags)


def _abi_fits(abi: str, python_tags: tuple[str, ...], python: PythonRange) -> bool:
    if abi in {"abi3", "abi3t"}:
        return True
    if abi == "none":
        return any(_python_tag_fits(tag, python) for tag in python_tags)
    for pattern in (_CPYTHON_ABI, _PYPY_ABI, _GRAALPY_ABI):
        if (match := pattern.fullmatch(abi)) is not None:
            return _is_between((int(match[1]), int(match[2])), python)
    return _PYSTON_ABI.fullmatch(abi) is not None


def _python_tag_fits(tag: str, python: PythonRange) -> bool:
    match = _PYTHON_TAG.fullmatch(tag)
    if match is None or int(match[2]) < 3:
        return False
    implementation, major, minor = match.groups()
    if not minor:
        return implementation in _MAJOR_ALONE
    version = (int(major), int(minor))
    if implementation == "py":
        return not _is_above(version, python)
    return _is_between(version, python)


def _is_between(version: Minor, python: PythonRange) -> bool:
    if version[0] < 3:
        return False
    return (python.lower is None or version >= _minor(python.lower)) and not _is_above(version, python)


def _is_above(version: Minor, python: PythonRange) -> bool:
    if python.upper is None:
        return False
    upper = _minor(python.upper)
    # The bound leaves its own minor out only where it lies at the very start of it.
    is_excluded = not python.upper_closed and len(python.upper) <= 2
    return version >= upper if is_excluded else version > upper


def _minor(release: tuple[int, ...]) -> Minor:
    return (release[0], release[1] if len(release) > 1 else 0)
