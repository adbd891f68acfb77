"""How lists of declared things differ, in words, as far as it matters to a lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from msgspec import structs

from lockflow.lock.asked import asks_the_same
from lockflow.lock.encode import pep508_text
from lockflow.standards.markers.simplify import simplify_python
from lockflow.standards.python_range import PythonRange
from lockflow.standards.requirements import Directory, Registry, Requirement

_T = TypeVar("_T")


def comparable(requirement: Requirement, python: PythonRange) -> Requirement:
    """Take away what may differ between spellings of the same requirement."""
    return structs.replace(
        requirement,
        extras=tuple(sorted(requirement.extras)),
        groups=tuple(sorted(requirement.groups)),
        marker=simplify_python(requirement.marker, python),
    )


def requirements_difference(old: Iterable[Requirement], new: Iterable[Requirement], python: PythonRange) -> str:
    return set_difference(_all_comparable(old, python), _all_comparable(new, python), requirement_words)


def declared_difference(old: Iterable[Requirement], new: Iterable[Requirement], python: PythonRange) -> str:
    """Return in words how declared requirements differ, empty where they ask for the same.

    What several of them ask together counts, as with uv: `a>=1` and `a` is `a>=1`.
    """
    before, after = _all_comparable(old, python), _all_comparable(new, python)
    if set(before) == set(after) or asks_the_same(before, after):
        return ""
    return set_difference(before, after, requirement_words)


def _all_comparable(requirements: Iterable[Requirement], python: PythonRange) -> list[Requirement]:
    return [comparable(requirement, python) for requirement in requirements]


def requirement_words(requirement: Requirement) -> str:
    """Return a requirement for a message, with what a plain requirement cannot say of its source."""
    text = pep508_text(requirement)
    match requirement.source:
        case Registry(index=str(index)):
            return f"{text} (from {index})"
        case Directory(install=install) if install != "directory":
            return f"{text} ({install})"
        case _:
            return text


def set_difference(old: Iterable[_T], new: Iterable[_T], text: Callable[[_T], str]) -> str:
    """Return what was removed and what was added, in words; empty where the sets are equal."""
    before, after = dict.fromkeys(old), dict.fromkeys(new)
    removed = [text(item) for item in before if item not in after]
    added = [text(item) for item in after if item not in before]
    if len(removed) == len(added) == 1:
        return f"{removed[0]} became {added[0]}"
    parts = []
    if removed:
        parts.append(f"without {', '.join(removed)}")
    if added:
        parts.append(f"with {', '.join(added)}")
    return ", ".join(parts)
