"""Whether the edges of a lock without metadata are still those that its local packages ask for.

Such a lock (the preview `lock-without-metadata` of uv) does not record what they declared. So what they declare now is
taken through the resolver's own rules, extra by extra and group by group, and held against the edges: the same names
and extras in the same environments, and versions and places that the requirements admit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from lockflow.index.model import Absent, Metadata, SourceMetadata
from lockflow.inputs.model import Manifest
from lockflow.lock.environments import covered
from lockflow.lock.model import Dependency, Lock, Package, PackageMetadata, Reason, Reuse, Validation
from lockflow.platforms.selection import Node, graph_of
from lockflow.resolve.dependencies import of_group, specialise
from lockflow.resolve.policy import Policy
from lockflow.resolve.preferences import Preferences
from lockflow.standards.markers.simplify import without_extras
from lockflow.standards.markers.tree import FALSE, Marker, is_disjoint
from lockflow.standards.requirements import Directory, Git, Registry, Requirement, Source

_Asked = Mapping[tuple[str, str | None], Marker]
"""Where a name, or an extra of it, is asked for."""
_Tables = dict[Node, tuple[list[Requirement], Sequence[Dependency]]]


def with_unrecorded(
    validation: Validation,
    lock: Lock,
    manifest: Manifest,
    current: Mapping[tuple[str, Source], Metadata | Absent],
) -> Validation:
    """Add to what is wrong with a lock the packages whose edges are not what they ask for today.

    `current` is what local packages that are no members say of themselves, as far as that is at hand.
    """
    if manifest.settings.records_metadata:
        return validation
    changed = [package.name for package in _changed(lock, manifest, current)]
    if not changed:
        return validation
    reasons = tuple(
        Reason(check="edges", text=f"the dependencies of {name} changed", reuse=Reuse.PREFERABLE) for name in changed
    )
    reuse = validation.reuse if validation.reasons else Reuse.PREFERABLE
    return replace(validation, reasons=(*validation.reasons, *reasons), reuse=reuse)


def _changed(
    lock: Lock, manifest: Manifest, current: Mapping[tuple[str, Source], Metadata | Absent]
) -> Iterator[Package]:
    policy = Policy(manifest, Preferences())
    environment = covered(lock.requires_python.range, lock.fork_markers)
    where = {node: without_extras(marker) & environment for node, marker in graph_of(lock).where.items()}
    for number, package in enumerate(lock.packages):
        declared = None if package.metadata is not None else _declared(package, manifest, current)
        if declared is None:
            continue
        tables = _tables(number, package, declared, policy)
        if not all(
            _asked(required, where.get(node, FALSE)) == _given(locked, where.get(node, FALSE))
            and _admit(required, locked)
            for node, (required, locked) in tables.items()
        ):
            yield package


def _declared(
    package: Package, manifest: Manifest, current: Mapping[tuple[str, Source], Metadata | Absent]
) -> PackageMetadata | None:
    """What a package declares today; None where it is not for this to judge."""
    for member in manifest.members:
        if package.source == Directory(path=member.path, install=member.install) and package.name == member.name:
            groups = tuple((group.name, group.requirements) for group in member.groups)
            return PackageMetadata(
                requires_dist=member.requires_dist, provides_extras=member.provides_extras, requires_dev=groups
            )
    found = current.get((package.name, package.source))
    if found is None or isinstance(found, Absent):
        return None
    # Groups of what is no member are locked only where something asks for them.
    known = found.groups if package.dev_dependencies and isinstance(found, SourceMetadata) else ()
    groups = tuple((group.name, group.requirements) for group in known)
    return PackageMetadata(
        requires_dist=found.requires_dist, provides_extras=found.provides_extras, requires_dev=groups
    )


def _tables(number: int, package: Package, declared: PackageMetadata, policy: Policy) -> _Tables:
    """What is asked for and what is locked, for the package, each of its extras and each of its groups."""
    name, version = package.name, package.version
    optional, dev = dict(package.optional_dependencies), dict(package.dev_dependencies)
    own = declared.requires_dist
    tables: _Tables = {Node(number): (specialise(own, policy, name, version), package.dependencies)}
    for extra in declared.provides_extras:
        tables[Node(number, extra=extra)] = (
            specialise(own, policy, name, version, extra=extra),
            optional.get(extra, ()),
        )
    for group, requirements in declared.requires_dev:
        tables[Node(number, group=group)] = (of_group(requirements, policy, name, version), dev.get(group, ()))
    return tables


def _asked(requirements: Sequence[Requirement], where: Marker) -> _Asked:
    return _within(((item.name, item.extras, without_extras(item.marker)) for item in requirements), where)


def _given(dependencies: Sequence[Dependency], where: Marker) -> _Asked:
    return _within(((item.name, item.extras, item.marker.environment) for item in dependencies), where)


def _within(items: Iterable[tuple[str, tuple[str, ...], Marker]], where: Marker) -> _Asked:
    """Markers by name and extra; what holds nowhere is not locked, and is as if it were not asked for."""
    found: dict[tuple[str, str | None], Marker] = {}
    for name, extras, marker in items:
        if (marker := marker & where) is FALSE:
            continue
        for extra in (None, *extras):
            found[name, extra] = found.get((name, extra), FALSE) | marker
    return found


def _admit(requirements: Sequence[Requirement], dependencies: Sequence[Dependency]) -> bool:
    """Whether every version and place that is locked is one that the requirements of its environments admit."""
    return all(
        _admits(requirement, dependency)
        for requirement in requirements
        for dependency in dependencies
        if requirement.name == dependency.name
        and not is_disjoint(without_extras(requirement.marker), dependency.marker.environment)
    )


def _admits(requirement: Requirement, dependency: Dependency) -> bool:
    source = requirement.source
    if not isinstance(source, Registry):
        return _unpinned(source) == _unpinned(dependency.source)
    if source.conflict is not None or dependency.version is None:
        return True
    locked = dependency.source
    if source.index is not None and isinstance(locked, Registry) and locked.index != source.index:
        return False
    return source.specifiers.range.contains(dependency.version)


def _unpinned(source: Source) -> Source:
    return replace(source, commit=None) if isinstance(source, Git) else source
