"""A lock and a wish to the packages that an installation begins with; and whether the names of the wish exist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from lockflow.errors import InputError
from lockflow.lock.export.model import Wish
from lockflow.lock.model import Lock, Package
from lockflow.standards.markers.tree import FALSE, Marker
from lockflow.standards.requirements import Directory, Requirement


def members(lock: Lock) -> tuple[str, ...]:
    """Return the names of the workspace's projects, those of a single project included."""
    if lock.manifest.members:
        return lock.manifest.members
    return tuple(package.name for package in lock.packages if _is_at_root(package))


def roots(lock: Lock, wish: Wish) -> tuple[Package, ...]:
    """Return the projects that are asked for: those named, else all, else the one at hand, else all there are."""
    known = by_name(lock)
    names: Sequence[str]
    if wish.packages:
        names = tuple(dict.fromkeys(wish.packages))
    elif wish.all_packages or wish.project is None:
        names = members(lock)
    else:
        names = (wish.project,)
    return tuple(package for name in names for package in known.get(name, ()) if _is_project(package))


def check(lock: Lock, wish: Wish) -> None:
    """See that the wish can be met; raises InputError with what was probably meant.

    Extras and groups must be those of the projects asked for, and no two of them may be declared as conflicting.
    """
    own = members(lock)
    for name in wish.packages:
        if name not in own:
            _refuse(f"there is no project {name} in the workspace", name, own, "the projects")
    chosen = roots(lock, wish)
    extras = {extra for package in chosen for extra, _ in package.optional_dependencies}
    extras |= {extra for package in chosen if package.metadata for extra in package.metadata.provides_extras}
    for name in wish.extras + wish.no_extras:
        if name not in extras:
            _refuse(f"there is no extra {name}", name, extras, f"the extras of {_names(chosen)}")
    groups = {group for package in chosen for group, _ in package.dev_dependencies}
    groups |= {group for package in chosen if package.metadata for group, _ in package.metadata.requires_dev}
    groups |= {group.name for group in lock.manifest.groups}
    for name in wish.groups + wish.only_groups + wish.no_groups:
        # `--only-dev` and `--no-dev` may be said of any project.
        if name not in groups and (name != "dev" or name in wish.groups):
            _refuse(f"there is no dependency group {name}", name, groups, f"the groups of {_names(chosen)}")
    _check_conflicts(lock, wish, {package.name for package in chosen})


def _check_conflicts(lock: Lock, wish: Wish, chosen: set[str]) -> None:
    for items in lock.conflicts:
        found = [
            f"{item.kind} {item.name}" if item.name is not None else f"project {item.package}"
            for item in items
            if item.package in chosen
            and (
                wish.is_production
                if item.name is None
                else wish.has_group(item.name)
                if item.kind == "group"
                else wish.is_production and wish.has_extra(item.name)
            )
        ]
        if len(found) > 1:
            raise InputError(
                f"{' and '.join(found)} cannot be installed together",
                where="[tool.uv] conflicts",
                why="they are declared as conflicting",
                next="ask for one of them, or leave the others out with --no-extra or --no-group",
            )


def by_name(lock: Lock) -> dict[str, list[Package]]:
    known: dict[str, list[Package]] = {}
    for package in lock.packages:
        known.setdefault(package.name, []).append(package)
    return known


def required_marker(requirement: Requirement, package: Package) -> Marker:
    """Return where a requirement of a script or of a root without project leads to `package`: in its own forks."""
    if not package.fork_markers:
        return requirement.marker
    forks = FALSE
    for fork in package.fork_markers:
        forks |= fork.environment
    return forks & requirement.marker


def _is_project(package: Package) -> bool:
    return isinstance(package.source, Directory)


def _is_at_root(package: Package) -> bool:
    return isinstance(package.source, Directory) and package.source.path == "."


def _names(packages: Iterable[Package]) -> str:
    return ", ".join(package.name for package in packages) or "the project"


def _refuse(what: str, name: str, known: Iterable[str], whose: str) -> None:
    listed = sorted(known)
    close = get_close_matches(name, listed, n=1)
    usual = "name one of these" if listed else "leave it out, or declare it in pyproject.toml"
    raise InputError(
        what,
        where="command line",
        why=f"{whose} are: {', '.join(listed)}" if listed else f"{whose}: none",
        next=f"did you mean {close[0]}?" if close else usual,
    )
