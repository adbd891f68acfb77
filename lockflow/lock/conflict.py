"""Take apart a lock that a version control system left with both sides of a merge in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterator
from typing import Any, Literal

from msgspec import structs

from lockflow.errors import LockFileError
from lockflow.lock.as_preferences import preferences_from_lock
from lockflow.lock.decode import decode
from lockflow.lock.model import Lock, Reuse
from lockflow.resolve.preferences import Preference, Preferences
from lockflow.standards.markers.universal import UNIVERSAL_TRUE
from lockflow.standards.names import normalize_name
from lockflow.standards.requirements import Git
from lockflow.standards.versions import InvalidVersion, Version

_PACKAGE = re.compile(r"^\[\[package\]\]\s*$", re.MULTILINE)


def sides(text: str) -> tuple[str, str]:
    """Return our side and theirs, each with what both share; the common ancestor, where it is shown, is left out."""
    ours: list[str] = []
    theirs: list[str] = []
    side = "both"
    for line in text.splitlines(keepends=True):
        mark = line.rstrip("\r\n")
        if _is_mark(mark, "<") and side == "both":
            side = "ours"
        elif _is_mark(mark, "|") and side == "ours":
            side = "base"
        elif mark == "=======" and side in ("ours", "base"):
            side = "theirs"
        elif _is_mark(mark, ">") and side == "theirs":
            side = "both"
        else:
            if side in ("both", "ours"):
                ours.append(line)
            if side in ("both", "theirs"):
                theirs.append(line)
    return "".join(ours), "".join(theirs)


def _is_mark(line: str, character: str) -> bool:
    return line == character * 7 or line.startswith(f"{character * 7} ")


def preferences_from_sides(
    text: str, *, upgrade: Collection[str] | Literal["all"] = (), is_usable: Callable[[Lock], bool]
) -> tuple[Preferences, Lock | None]:
    """Return the versions and commits that either side has, and the first side that is a whole lock.

    Of two versions of a package the resolution takes the better one that fits, of two commits ours stays. The forks
    of neither side are kept, as they belong to one side's requirements. `is_usable` tells whether the settings of
    a whole side still let its versions count.
    """
    entries: dict[str, dict[Preference, None]] = {}
    commits: dict[Git, str] = {}
    whole: Lock | None = None
    for side in sides(text):
        lock = _whole(side)
        if lock is not None:
            whole = whole or lock
        if upgrade == "all" or (lock is not None and not is_usable(lock)):
            continue
        if lock is None:
            found = list(_salvaged(side))
        else:
            kept = preferences_from_lock(lock, reuse=Reuse.VERSIONS)
            found = [(name, entry) for name, preferences in kept.entries for entry in preferences]
            for repository, commit in kept.git_commits:
                commits.setdefault(repository, commit)
        for name, preference in found:
            if name not in upgrade:
                # A fork of one side says nothing about the forks to come.
                entries.setdefault(name, {})[structs.replace(preference, marker=UNIVERSAL_TRUE)] = None
    kept_entries = tuple((name, tuple(preferences)) for name, preferences in entries.items())
    return Preferences(entries=kept_entries, git_commits=tuple(commits.items())), whole


def _whole(text: str) -> Lock | None:
    try:
        return decode(text, "")
    except LockFileError:
        return None


def _salvaged(text: str) -> Iterator[tuple[str, Preference]]:
    """What can be read of a side that is no lock by itself: its packages one by one."""
    for block in _PACKAGE.split(text)[1:]:
        try:
            # What lies in tables below stays behind the first line that opens one.
            table: dict[str, Any] = tomllib.loads(block.partition("\n[")[0])
            name, version, source = table["name"], Version.parse(table["version"]), table["source"]
        except (ValueError, KeyError, TypeError, InvalidVersion, RecursionError):
            continue
        index = source.get("registry") if isinstance(source, dict) else None
        if isinstance(name, str) and isinstance(index, str):
            preference = Preference(version=version, index=index, marker=UNIVERSAL_TRUE, origin="lock")
            yield normalize_name(name), preference
