"""What is wanted and what is installed, to what must be done."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from lockflow.environments.model import Installed, Origin, Plan, Wanted
from lockflow.standards.versions import InvalidVersion, Version

SEEDS = frozenset(("pip", "setuptools", "uv", "wheel"))
"""What those who make environments put into them: left alone in one that was made with them."""


def plan(
    wanted: Iterable[Wanted],
    installed: Iterable[Installed],
    *,
    is_exact: bool,
    kept_names: Collection[str] = (),
    again: Collection[str] | bool = False,
    unfinished: Collection[str] = (),
) -> Plan:
    """Compare. What is not wanted goes where `is_exact`, apart from `kept_names`.

    `again` are names to install anew, True for all; `unfinished` the folders (`Installed.info`) of packages whose
    installation or removal was interrupted, which are never right as they are.
    """
    found: dict[str, list[Installed]] = {}
    for package in installed:
        found.setdefault(package.name, []).append(package)
    remove: list[Installed] = []
    add: list[Wanted] = []
    kept = 0
    for want in wanted:
        present = found.pop(want.name, [])
        is_right = len(present) == 1 and present[0].info not in unfinished and is_satisfied(want, present[0])
        if is_right and not (again if isinstance(again, bool) else want.name in again):
            kept += 1
            continue
        remove.extend(present)
        add.append(want)
    for name, present in found.items():
        left = [package for package in present if package.info in unfinished]
        if is_exact and name not in kept_names:
            left = present
        remove.extend(left)
    remove.sort(key=lambda package: (package.name, package.info))
    add.sort(key=lambda want: want.name)
    return Plan(remove=tuple(remove), add=tuple(add), kept=kept)


def is_satisfied(want: Wanted, present: Installed) -> bool:
    """Whether a package is installed as it is wanted: its version, its origin, and its sources as they are now."""
    if want.version and not _is_same_version(want.version, present.version):
        return False
    return _is_same_origin(want.origin, present.origin) and (not want.state or want.state == present.state)


def _is_same_version(wanted: str, present: str) -> bool:
    if wanted == present:
        return True
    try:
        return Version.parse(wanted) == Version.parse(present)
    except InvalidVersion:
        return False


def _is_same_origin(wanted: Origin | None, present: Origin | None) -> bool:
    if wanted is None or present is None:
        return wanted is present
    if wanted.url != present.url or wanted.subdirectory != present.subdirectory:
        return False
    if wanted.vcs_info is not None:
        return present.vcs_info is not None and wanted.vcs_info.commit_id == present.vcs_info.commit_id
    if wanted.dir_info is not None:
        return present.dir_info is not None and wanted.dir_info.editable == present.dir_info.editable
    return present.archive_info is not None
