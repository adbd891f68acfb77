"""A Lock whose graph provably stays, put down again for a Manifest that declares something else.

What a resolution would find is known beforehand where nothing it looks at changed: the version of a member that
nobody limits, which groups are installed by default, the Pythons that groups state where no requirement changes by
them, extras and groups without requirements, and bounds of direct requirements that admit the one version that is
locked. Then only the recorded tables change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import structs

from lockflow.inputs.model import Manifest, Member, Resolution
from lockflow.lock.differences import comparable
from lockflow.lock.model import Dependency, Lock, Package, Reason
from lockflow.lock.recorded import (
    member_metadata,
    recorded_default_groups,
    recorded_environments,
    recorded_group_pythons,
    recorded_manifest,
    recorded_options,
)
from lockflow.lock.revisions import LATEST_REVISION, in_revision, revision_of
from lockflow.standards.requirements import Directory, Registry, Requirement, Source
from lockflow.standards.versions import Version

_RECORDED_ONLY = frozenset(
    ("version", "default-groups", "group-requires-python", "extras", "requires-dist", "dependency-groups")
)
"""The checks whose findings may concern recorded tables alone."""

_Places = dict[str, tuple[Package, Member]]
_Requirements = Mapping[str, Iterable[Requirement]]


def restated(lock: Lock, manifest: Manifest, reasons: Iterable[Reason]) -> Lock | None:
    """Return the lock that a resolution would give, None where only a resolution can tell.

    `reasons` are all that validation found. The files of packages are taken over as they are.
    """
    if any(reason.check not in _RECORDED_ONLY for reason in reasons):
        return None
    if not manifest.settings.records_metadata or lock.revision != revision_of(manifest.settings.uv):
        # Another era of the format may print more than the recorded tables in another way.
        return None
    places = _members(lock, manifest)
    before, after = (
        {group.name: group.requirements for group in groups} for groups in (lock.manifest.groups, manifest.groups)
    )
    if not _are_same_graphs(lock, manifest, before, after):
        return None
    if places is None or not all(_is_harmless(lock, manifest, package, member) for package, member in places.values()):
        return None
    python = manifest.requires_python.range
    settings = recorded_options(manifest.settings)
    supported = recorded_environments(manifest.environments, python)
    required = recorded_environments(manifest.required_environments, python)
    if settings != lock.options or (supported, required) != (lock.supported_environments, lock.required_environments):
        return None
    new = structs.replace(
        lock,
        revision=LATEST_REVISION,
        requires_python=manifest.requires_python,
        manifest=recorded_manifest(manifest),
        packages=tuple(_package(package, places) for package in lock.packages),
    )
    return in_revision(new, revision_of(manifest.settings.uv))


def _members(lock: Lock, manifest: Manifest) -> _Places | None:
    """Members with their packages by name; None where one is not in the lock just once, at its place."""
    counts = Counter(package.name for package in lock.packages)
    packages = {package.name: package for package in lock.packages}
    places: _Places = {}
    for member in manifest.members:
        package = packages.get(member.name)
        source = Directory(path=member.path, install=member.install)
        if package is None or counts[member.name] > 1 or package.source != source:
            return None
        places[member.name] = (package, member)
    return places


# What stays harmless ------------------------------------------------------------------------------------------------


def _is_harmless(lock: Lock, manifest: Manifest, package: Package, member: Member) -> bool:
    if package.version != member.version and (
        package.version is None or member.version is None or not _is_version_free(lock, manifest, member.name)
    ):
        return False
    old = package.metadata
    before = {"": old.requires_dist if old else (), **(dict(old.requires_dev) if old else {})}
    after = {"": member.requires_dist, **{group.name: group.requirements for group in member.groups}}
    return _are_same_graphs(lock, manifest, before, after)


def _are_same_graphs(lock: Lock, manifest: Manifest, before: _Requirements, after: _Requirements) -> bool:
    return all(
        _is_same_graph(lock, manifest, before.get(name, ()), after.get(name, ()))
        for name in before.keys() | after.keys()
    )


def _is_version_free(lock: Lock, manifest: Manifest, name: str) -> bool:
    """Whether nothing limits a member to a version: it is asked for by its folder alone, and named nowhere else."""
    asked = [*manifest.constraints, *manifest.build_constraints, *manifest.requirements]
    asked += [requirement for override in manifest.overrides for requirement in override.requirements]
    asked += [requirement for member in manifest.members for requirement in _requirements(member)]
    asked += [requirement for group in manifest.groups for requirement in group.requirements]
    asked += [requirement for entry in manifest.static_metadata for requirement in entry.requires_dist]
    if any(requirement.name == name and not isinstance(requirement.source, Directory) for requirement in asked):
        return False
    scopes = [*(entry.scope for entry in manifest.overrides), *(entry.scope for entry in manifest.exclusions)]
    if any(scope is not None and scope.name == name and scope.version is not None for scope in scopes):
        return False
    if any(entry.name == name for entry in manifest.static_metadata):
        return False
    # A package that is no member states its requirements elsewhere: it may limit the version.
    members = {member.name for member in manifest.members}
    return not any(
        dependency.name == name
        for package in lock.packages
        if package.name not in members
        for dependency in _dependencies(package)
    )


def _requirements(member: Member) -> Iterator[Requirement]:
    yield from member.requires_dist
    for group in member.groups:
        yield from group.requirements


def _dependencies(package: Package) -> Iterator[Dependency]:
    yield from package.dependencies
    for _, dependencies in (*package.optional_dependencies, *package.dev_dependencies):
        yield from dependencies


def _is_same_graph(lock: Lock, manifest: Manifest, old: Iterable[Requirement], new: Iterable[Requirement]) -> bool:
    """Whether requirements differ by nothing but bounds that the locked versions keep."""
    python = lock.requires_python.range
    before = {comparable(requirement, python) for requirement in old}
    after = {comparable(requirement, python) for requirement in new}
    removed, added = before - after, after - before
    if not removed and not added:
        return True
    if lock.fork_markers or lock.conflicts or manifest.settings.resolution is not Resolution.HIGHEST:
        # Where a resolution splits may depend on the bounds.
        return False
    if Counter(map(_without_bounds, removed)) != Counter(map(_without_bounds, added)):
        return False
    names = [requirement.name for requirement in after]
    return all(names.count(entry.name) == 1 and _admits_locked(lock, entry) for entry in added)


def _without_bounds(requirement: Requirement) -> Requirement:
    source = requirement.source
    if not isinstance(source, Registry):
        return requirement
    return structs.replace(requirement, source=Registry(index=source.index, conflict=source.conflict))


def _admits_locked(lock: Lock, requirement: Requirement) -> bool:
    """Whether the one locked version of a package lies within a requirement, by rules that leave no doubt."""
    locked = [package for package in lock.packages if package.name == requirement.name]
    source = requirement.source
    if len(locked) != 1 or not isinstance(source, Registry) or not isinstance(locked[0].source, Registry):
        return False
    version = locked[0].version
    if version is None or version.is_prerelease or version.is_local:
        return False
    clauses = source.specifiers.clauses
    if any(clause.operator == "===" or clause.version.is_local for clause in clauses):
        return False
    return not source.specifiers.mentions_prerelease and source.specifiers.range.contains(version)


# What is put down ---------------------------------------------------------------------------------------------------


def _package(package: Package, places: _Places) -> Package:
    versions: dict[tuple[str, Source], Version | None] = {
        (name, known.source): member.version for name, (known, member) in places.items()
    }

    def current(dependency: Dependency) -> Dependency:
        key = (dependency.name, dependency.source)
        if key not in versions or versions[key] == dependency.version:
            return dependency
        return structs.replace(dependency, version=versions[key])

    changed = structs.replace(
        package,
        dependencies=tuple(map(current, package.dependencies)),
        optional_dependencies=_tables(package.optional_dependencies, current),
        dev_dependencies=_tables(package.dev_dependencies, current),
    )
    if package.name not in places:
        return changed
    member = places[package.name][1]
    return structs.replace(
        changed,
        version=member.version,
        default_groups=recorded_default_groups(member.default_groups),
        group_requires_python=recorded_group_pythons(member.groups),
        metadata=member_metadata(member),
    )


def _tables(
    tables: tuple[tuple[str, tuple[Dependency, ...]], ...], current: Callable[[Dependency], Dependency]
) -> tuple[tuple[str, tuple[Dependency, ...]], ...]:
    return tuple((name, tuple(map(current, dependencies))) for name, dependencies in tables)
