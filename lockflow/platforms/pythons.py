"""A project's Python range to the Python versions that are checked, one a minor."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lockflow.errors import InputError
from lockflow.standards.requirements import RequiresPython
from lockflow.standards.specifiers import InvalidSpecifier, Specifiers
from lockflow.standards.versions import Version

# Final releases of CPython and their newest patch release, as `uv python list --all-versions` of uv 0.13.8 knows
# them (2026-11-20). A new minor is added when its final release is out; a new patch release matters only to markers
# that test `python_full_version` within a minor.
NEWEST_PATCH = {
    "3.8": 20,
    "3.9": 25,
    "3.10": 22,
    "3.11": 18,
    "3.12": 16,
    "3.13": 18,
    "3.14": 10,
    "3.15": 2,
}

_PYTHON = re.compile(r"([0-9]+\.[0-9]+)(\.[0-9]+)?", re.ASCII)


def pythons_to_check(requires_python: RequiresPython, chosen: Iterable[str] = ()) -> tuple[str, ...]:
    """List the full versions (`3.12.16`) to check, ascending, one for each minor that the project admits.

    Each is the newest patch release that `requires_python` admits. `chosen` (minors or full versions, from
    `[tool.lockflow] python-versions`) replaces the known minors. Raises InputError where a chosen one is no
    version or not admitted, and where nothing remains: a check of no Python would prove nothing.
    """
    admits = _admitted(requires_python)
    wanted = tuple(chosen)
    if not wanted:
        known = [version for minor in NEWEST_PATCH if (version := _newest(minor, admits)) is not None]
        if known:
            return tuple(known)
        raise InputError(
            "there is no Python to check",
            where=f'requires-python = "{requires_python.text}"',
            why=f"it admits none of the releases known here ({', '.join(NEWEST_PATCH)})",
            next="widen requires-python, or name the versions in [tool.lockflow] python-versions",
        )
    faults = []
    versions = {}
    for text in wanted:
        version = _chosen(text, admits)
        if version is None:
            faults.append(_fault(text, requires_python))
        else:
            versions[Version.parse(version)] = version
    if faults:
        raise InputError(
            "[tool.lockflow] python-versions cannot be checked",
            where="[tool.lockflow] python-versions",
            why="\n".join(faults),
            next='name minors that requires-python admits, like ["3.12", "3.13"]',
        )
    return tuple(versions[version] for version in sorted(versions))


def minor_of(python: str) -> str:
    """Shorten `3.12.16` to `3.12`."""
    return ".".join(python.split(".")[:2])


def _admitted(requires_python: RequiresPython) -> Specifiers:
    try:
        return Specifiers.parse(requires_python.text)
    except InvalidSpecifier:
        # The reader of locks and projects has checked it; what is left are forms that only Python's range knows.
        return Specifiers.parse("")


def _newest(minor: str, admits: Specifiers) -> str | None:
    return next(
        (
            f"{minor}.{patch}"
            for patch in range(NEWEST_PATCH.get(minor, 0), -1, -1)
            if admits.range.contains(Version.parse(f"{minor}.{patch}"))
        ),
        None,
    )


def _chosen(text: str, admits: Specifiers) -> str | None:
    match = _PYTHON.fullmatch(text)
    if match is None:
        return None
    if match[2] is None:
        return _newest(text, admits)
    return text if admits.range.contains(Version.parse(text)) else None


def _fault(text: str, requires_python: RequiresPython) -> str:
    if _PYTHON.fullmatch(text) is None:
        return f"{text!r} is no Python version"
    return f'{text} is excluded by requires-python = "{requires_python.text}"'
