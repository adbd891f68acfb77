"""Tell how two Locks differ, by package name, as lines for people."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches, unified_diff
from itertools import zip_longest

from msgspec import structs

from lockflow.lock.encode import encode
from lockflow.lock.model import Change, Lock, Package
from lockflow.standards.requirements import Git

_SHORT_COMMIT = 8
_WINDOW, _MOST_LINES, _WIDTH = 400, 8, 110
_HEADS = ("--", "++", "@@")


def changes(old: Lock | None, new: Lock) -> tuple[Change, ...]:
    """Return the names whose versions differ, sorted. None as `old` makes every package of `new` an addition."""
    before = {} if old is None else _versions(old)
    after = _versions(new)
    return tuple(
        Change(name=name, old=before.get(name, ()), new=after.get(name, ()))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )


def change_line(change: Change, *, is_done: bool = True) -> str:
    """Return one line; `is_done` tells a change that was made from one that would be made."""
    old, new = ", ".join(change.old), ", ".join(change.new)
    if not change.old:
        return f"{'Added' if is_done else 'Add'} {change.name} {new}"
    if not change.new:
        return f"{'Removed' if is_done else 'Remove'} {change.name} {old}"
    return f"{'Updated' if is_done else 'Update'} {change.name} {old} -> {new}"


def first_other_line(text: str, canonical: str) -> int | None:
    """Return the number of the first line in which two texts differ, None where they are the same."""
    if text == canonical:
        return None
    lines = zip_longest(text.split("\n"), canonical.split("\n"))
    return next(number for number, (line, wanted) in enumerate(lines, 1) if line != wanted)


def short_diff(old: Lock, new: Lock) -> tuple[str, ...]:
    """Return the lines about the first place where the text of the locks differs, both in the layout they are written.

    A few lines before it say which package it is; what follows is counted. Empty where the locks are equal.
    """
    before, after = encode(old).split("\n"), encode(new).split("\n")
    first = next((at for at, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), None)
    if first is None:
        return ()
    name = next((line for line in reversed(before[:first]) if line.startswith(("name = ", "["))), "")
    window = slice(first, first + _WINDOW)
    lines = [line for line in unified_diff(before[window], after[window], n=0, lineterm="") if line[:2] not in _HEADS]
    shown = [f"{line[:_WIDTH]}..." if len(line) > _WIDTH else line for line in lines[:_MOST_LINES]]
    more = ["..."] if len(lines) > _MOST_LINES else []
    head = "[[package]]" if name.startswith("name = ") else ""
    return tuple(f"  {line}" for line in [head, f" {name}" if name else "", *shown, *more] if line)


def upgrade_remarks(
    names: Iterable[str], old: Lock | None, new: Lock, *, asked: Collection[str] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Warn of names to upgrade that no lock has, and remark on those of `asked` that stay as they are."""
    before = {} if old is None else _versions(old)
    after = _versions(new)
    known = before.keys() | after.keys()
    warnings, remarks = [], []
    for name in dict.fromkeys(names):
        if name not in known:
            close = get_close_matches(name, sorted(known), n=1)
            meant = f"; did you mean {close[0]}?" if close else ""
            warnings.append(f"there is no package {name} in the lock to upgrade{meant}")
        elif name in asked and before.get(name) == after.get(name):
            remarks.append(f"The upgrade of {name} changes nothing: it stays at {', '.join(after[name])}")
    return tuple(warnings), tuple(remarks)


def other_differences(old: Lock, new: Lock) -> tuple[str, ...]:
    """Return what differs besides versions, in words, most general first; empty where the locks are equal."""
    parts = [
        ("the revision of the format", old.revision == new.revision),
        ("requires-python", old.requires_python == new.requires_python),
        ("the forks (`resolution-markers`)", old.fork_markers == new.fork_markers),
        (
            "the declared environments",
            (old.supported_environments, old.required_environments)
            == (new.supported_environments, new.required_environments),
        ),
        ("the conflicts", old.conflicts == new.conflicts),
        ("the options", old.options == new.options),
        ("the recorded inputs (`manifest`)", old.manifest == new.manifest),
    ]
    found = [words for words, is_same in parts if not is_same]
    before = {(package.name, package.version, package.source): package for package in old.packages}
    known_versions = {(package.name, package.version) for package in old.packages}
    kinds: dict[str, list[str]] = {}
    for package in new.packages:
        known = before.get((package.name, package.version, package.source))
        if known is None and (package.name, package.version) in known_versions:
            kinds.setdefault("sources", []).append(package.name)
        if known is None or known == package:
            continue
        for kind in _package_differences(known, package):
            kinds.setdefault(kind, []).append(package.name)
    return (*found, *(f"{kind} of {_some(names)}" for kind, names in kinds.items()))


def _package_differences(old: Package, new: Package) -> list[str]:
    edges = ("dependencies", "optional_dependencies", "dev_dependencies")
    found = []
    if any(getattr(old, name) != getattr(new, name) for name in edges):
        found.append("dependencies or their markers")
    if (old.sdist, old.wheels) != (new.sdist, new.wheels):
        found.append("files or their hashes")
    if old.metadata != new.metadata:
        found.append("declared metadata")
    rest = [field.name for field in structs.fields(old) if field.name not in {*edges, "sdist", "wheels", "metadata"}]
    if any(getattr(old, name) != getattr(new, name) for name in rest):
        found.append("forks or groups")
    return found


def _some(names: list[str]) -> str:
    unique = list(dict.fromkeys(names))
    if len(unique) <= 3:
        return ", ".join(unique)
    return f"{', '.join(unique[:3])} and {len(unique) - 3} more"


def _versions(lock: Lock) -> dict[str, tuple[str, ...]]:
    versions: dict[str, list[str]] = {}
    for package in lock.packages:
        versions.setdefault(package.name, []).append(_version(package))
    return {name: tuple(dict.fromkeys(texts)) for name, texts in versions.items()}


def _version(package: Package) -> str:
    text = "(dynamic)" if package.version is None else f"v{package.version}"
    if isinstance(package.source, Git) and package.source.commit is not None:
        return f"{text} ({package.source.commit[:_SHORT_COMMIT]})"
    return text
