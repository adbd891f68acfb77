"""What bounds a refresh: ceilings of a step, and packages held back because of a platform."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from lockflow.lock.model import Package
from lockflow.platforms.model import Finding
from lockflow.standards.requirements import Registry, Requirement, parse_requirement
from lockflow.standards.versions import Version

Ceiling = Literal["patch", "minor", "major"]
Spot = tuple[str, str]
"""A platform and a Python minor."""


class Limit(Struct, frozen=True, kw_only=True):
    """No version of `name` above `upper`, nor one of `excluded`."""

    name: str
    upper: Version
    excluded: tuple[Version, ...] = ()

    def requirement(self) -> Requirement:
        clauses = [f"<={self.upper.without_local()}", *(f"!={version.without_local()}" for version in self.excluded)]
        return parse_requirement(f"{self.name}{','.join(clauses)}")


class Loss(Struct, frozen=True, kw_only=True):
    """A bad finding that the lock before had not, and what to limit because of it (None: nothing helps)."""

    finding: Finding
    spot: Spot
    limit: Limit | None
    held: str
    version: Version | None
    reason: str


def ceilings(packages: Iterable[Package], only: Ceiling, exempt: frozenset[str]) -> Iterable[Requirement]:
    """Bound each package of an index to the step that is allowed from its highest locked version."""
    if only == "major":
        return
    newest: dict[str, Version] = {}
    for package in packages:
        if package.version is not None and isinstance(package.source, Registry) and package.name not in exempt:
            newest[package.name] = max(package.version, newest.get(package.name, package.version))
    for name, version in newest.items():
        yield parse_requirement(f"{name}<{_ceiling(version, only)}")


def _ceiling(version: Version, only: Ceiling) -> str:
    """The first version above what `only` allows: 1.4.2 may go below 1.5 (patch) or below 2 (minor)."""
    major, minor = (*version.release, 0)[:2]
    bound = f"{major}.{minor + 1}" if only == "patch" else f"{major + 1}"
    return f"{version.epoch}!{bound}" if version.epoch else bound
