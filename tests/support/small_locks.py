"""Locks of a few packages, written down in one line a package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from lockflow.lock.model import Dependency, Lock, LockedFile, Package, PackageMetadata
from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.universal import UniversalMarker
from lockflow.standards.python_range import python_range
from lockflow.standards.requirements import (
    ConflictItem,
    Directory,
    Registry,
    Requirement,
    RequiresPython,
    Source,
    parse_requirement,
)
from lockflow.standards.versions import Version

INDEX = Registry(index="https://index.example/simple")
ROOT = Directory(path=".", install="virtual")


def package(
    name: str,
    version: str | None = "1.0",
    *dependencies: str,
    wheels: Sequence[str] = ("py3-none-any",),
    sdist: bool = False,
    extras: Mapping[str, Sequence[str]] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    source: Source = INDEX,
    forks: Sequence[str] = (),
) -> Package:
    """A package; `wheels` are tags, dependencies are like `a==1[x] ; sys_platform == 'linux'` (pinned if ambiguous)."""
    is_registry = isinstance(source, Registry)
    stem = f"{name.replace('-', '_')}-{version}"
    return Package(
        name=name,
        version=None if version is None else Version.parse(version),
        source=source,
        fork_markers=tuple(UniversalMarker.from_marker(parse_marker(fork)) for fork in forks),
        dependencies=edges(dependencies),
        optional_dependencies=tuple((extra, edges(texts)) for extra, texts in (extras or {}).items()),
        dev_dependencies=tuple((group, edges(texts)) for group, texts in (groups or {}).items()),
        sdist=LockedFile(url=f"https://files.example/{stem}.tar.gz") if sdist else None,
        wheels=tuple(LockedFile(url=f"https://files.example/{stem}-{tags}.whl") for tags in wheels)
        if is_registry
        else (),
        metadata=None if is_registry else PackageMetadata(),
    )


def project(
    *dependencies: str,
    extras: Mapping[str, Sequence[str]] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
) -> Package:
    return package("app", "0.1", *dependencies, extras=extras, groups=groups, source=ROOT)


def edges(texts: Iterable[str]) -> tuple[Dependency, ...]:
    return tuple(edge(text) for text in texts)


def edge(text: str) -> Dependency:
    """`name[extra]==version ; marker`; without a version the edge has none, as in a lock with one such package."""
    requirement = parse_requirement(text)
    assert isinstance(requirement.source, Registry)
    version = requirement.source.specifiers.pinned
    return Dependency(
        name=requirement.name,
        version=version,
        source=INDEX,
        extras=requirement.extras,
        marker=UniversalMarker.from_marker(requirement.marker),
    )


def lock(
    *packages: Package,
    requires_python: str = ">=3.11",
    conflicts: Sequence[Sequence[tuple[Literal["extra", "group", "project"], str | None]]] = (),
    environments: Sequence[str] = (),
) -> Lock:
    """A lock; conflicts are (kind, name) of the project `app`."""
    return Lock(
        requires_python=RequiresPython(text=requires_python, range=python_range(requires_python)),
        supported_environments=tuple(parse_marker(text) for text in environments) or None,
        conflicts=tuple(
            tuple(ConflictItem(package="app", kind=kind, name=name) for kind, name in items) for items in conflicts
        ),
        packages=tuple(
            sorted(packages, key=lambda item: (item.name, "" if item.version is None else item.version.text))
        ),
    )


def requirement(text: str) -> Requirement:
    return parse_requirement(text)
