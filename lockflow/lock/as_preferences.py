"""Turn an old Lock into the versions, forks and commits that a new resolution should keep."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from lockflow.lock.model import Lock, Reuse
from lockflow.resolve.preferences import Preference, Preferences
from lockflow.standards.markers.universal import UNIVERSAL_TRUE
from lockflow.standards.requirements import Git, Registry, repository_of


def preferences_from_lock(
    lock: Lock, *, upgrade: Collection[str] | Literal["all"] = (), reuse: Reuse = Reuse.PREFERABLE
) -> Preferences:
    """Return what `lock` contributes, without the projects named by `upgrade`.

    `reuse` is what validation found: an unusable lock gives nothing, one whose forks are out of date only versions.
    A package that the lock has for some forks gives one preference for each of them. Packages of dynamic version
    give none. Of an upgrade of all only the forks are left, and those only where another cut-off was found first: so
    it is with uv, where the upgrade alone makes a lock unusable.
    """
    if reuse is Reuse.UNUSABLE:
        return Preferences()
    forks = None if reuse is Reuse.VERSIONS else lock.fork_markers
    if upgrade == "all":
        return Preferences(forks=forks)
    entries: dict[str, list[Preference]] = {}
    commits: list[tuple[Git, str]] = []
    for package in lock.packages:
        if package.name in upgrade:
            continue
        source = package.source
        if isinstance(source, Git) and source.commit is not None:
            commits.append((repository_of(source), source.commit))
        if package.version is None:
            continue
        index = source.index if isinstance(source, Registry) else None
        for marker in package.fork_markers or (UNIVERSAL_TRUE,):
            preference = Preference(version=package.version, index=index, marker=marker, origin="lock")
            entries.setdefault(package.name, []).append(preference)
    return Preferences(
        entries=tuple((name, tuple(preferences)) for name, preferences in entries.items()),
        forks=forks,
        git_commits=tuple(dict.fromkeys(commits)),
    )
