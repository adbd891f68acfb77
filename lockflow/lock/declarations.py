"""Whether packages still declare what a lock recorded of them: members, and trees, archives and URLs beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lockflow.index.model import Absent, Metadata, SourceMetadata
from lockflow.inputs.model import Manifest, Member
from lockflow.lock.differences import (
    declared_difference,
    set_difference,
)
from lockflow.lock.model import (
    Lock,
    Package,
    PackageMetadata,
    Reason,
    Request,
    Reuse,
)
from lockflow.standards.python_range import PythonRange
from lockflow.standards.requirements import Archive, Directory, LocalFile, Requirement

_LISTS_EXTRAS = 1
"""The revision from which a lock states all extras and empty groups."""


def reason(check: str, text: str, reuse: Reuse = Reuse.PREFERABLE) -> Reason:
    return Reason(check=check, text=text, reuse=reuse)


def is_mutable(package: Package) -> bool:
    return isinstance(package.source, Archive | LocalFile | Directory)


def changed_declarations(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    judged_by_edges = not manifest.settings.records_metadata
    for member, package in locked_members(lock, manifest):
        if judged_by_edges and package.metadata is None:
            yield from _listed_groups(package, member)
        if member.version != package.version:
            old, new = package.version or "dynamic", member.version or "dynamic"
            yield reason("version", f"the version of {member.name} changed from {old} to {new}")
        yield from _metadata_changes(
            lock,
            package,
            PackageMetadata(
                requires_dist=member.requires_dist,
                provides_extras=member.provides_extras,
                requires_dev=tuple((group.name, group.requirements) for group in member.groups),
            ),
            judged_by_edges=judged_by_edges,
        )


def _metadata_changes(
    lock: Lock, package: Package, current: PackageMetadata, *, judged_by_edges: bool
) -> Iterator[Reason]:
    name, python = package.name, lock.requires_python.range
    if judged_by_edges and package.metadata is None:
        # Their tables are all that is known of extras and groups; the edges in them are compared elsewhere.
        extras = [extra for extra, _ in package.optional_dependencies]
        if set(extras) != set(current.provides_extras):
            text = set_difference(extras, current.provides_extras, str)
            yield reason("extras", f"the extras of {name} changed: {text}")
        return
    metadata = package.metadata or PackageMetadata()
    lists_extras = lock.revision >= _LISTS_EXTRAS
    old, new = metadata.provides_extras, current.provides_extras
    if set(old) != set(new) and (lists_extras or old):
        yield reason("extras", f"the extras of {name} changed: {set_difference(old, new, str)}")
    if text := declared_difference(metadata.requires_dist, current.requires_dist, python):
        yield reason("requires-dist", f"the dependencies of {name} changed: {text}")
    before, after = dict(metadata.requires_dev), dict(current.requires_dev)
    yield from changed_groups(name, before, after, python, forgives_empty=not lists_extras)


def _listed_groups(package: Package, member: Member) -> Iterator[Reason]:
    """A lock without metadata lists all groups of a member, empty ones too."""
    listed, declared = [name for name, _ in package.dev_dependencies], [group.name for group in member.groups]
    if set(listed) != set(declared):
        text = set_difference(listed, declared, str)
        yield reason("dependency-groups", f"the dependency groups of {package.name} changed: {text}")


def changed_groups(
    owner: str,
    old: Mapping[str, Sequence[Requirement]],
    new: Mapping[str, Sequence[Requirement]],
    python: PythonRange,
    *,
    forgives_empty: bool,
) -> Iterator[Reason]:
    for name in sorted(old.keys() | new.keys()):
        if name not in new or (name not in old and not (forgives_empty and not new[name])):
            word = "gone" if name not in new else "new"
            yield reason("dependency-groups", f"the dependency group {name} of {owner} is {word}")
        elif text := declared_difference(old.get(name, ()), new[name], python):
            yield reason("dependency-groups", f"the dependency group {name} of {owner} changed: {text}")


def undeclared(lock: Lock, manifest: Manifest) -> tuple[Package, ...]:
    """Return the packages whose own declarations count and are not part of the manifest: trees, archives, URLs."""
    places = {(member.name, member.path) for member in manifest.members}
    return tuple(
        package
        for package in lock.packages
        if is_mutable(package)
        and not (isinstance(package.source, Directory) and (package.name, package.source.path) in places)
    )


def changed_source(
    lock: Lock, package: Package, current: Metadata | Absent, *, judged_by_edges: bool
) -> Iterator[Reason]:
    """Compare what a package declared when it was locked with what it declares now."""
    name = package.name
    if isinstance(current, Absent):
        yield reason("source", f"{name} cannot be read any more: {current.reason or current.kind}")
        return
    version = None if current.is_version_dynamic else current.version
    if version != package.version:
        old, new = package.version or "dynamic", version or "dynamic"
        yield reason("version", f"the version of {name} changed from {old} to {new}")
    yield from _metadata_changes(
        lock,
        package,
        PackageMetadata(
            requires_dist=current.requires_dist,
            provides_extras=current.provides_extras,
            requires_dev=tuple(
                (group.name, group.requirements)
                for group in (current.groups if isinstance(current, SourceMetadata) else ())
            ),
        ),
        judged_by_edges=judged_by_edges,
    )


def locked_members(lock: Lock, manifest: Manifest) -> Iterator[tuple[Member, Package]]:
    """Members with their packages, the one at the member's place where the name is listed more than once."""
    packages: dict[str, Package] = {}
    places = {member.name: member.path for member in manifest.members}
    for package in lock.packages:
        is_in_place = isinstance(package.source, Directory) and package.source.path == places.get(package.name)
        if package.name in places and (package.name not in packages or is_in_place):
            packages[package.name] = package
    for member in manifest.members:
        if member.name in packages:
            yield member, packages[member.name]
