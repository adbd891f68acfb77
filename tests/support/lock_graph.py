"""A lock taken apart into the resolution and the manifest that it must have come from, to be put together again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from lockflow.index.model import File, Metadata, Release
from lockflow.inputs.model import Cutoff, Group, Index, Manifest, Member, Settings
from lockflow.lock.model import Dependency, Lock, LockedCutoff, LockedFile, Package
from lockflow.resolve.resolution import Distribution, Edge, Node, Resolution
from lockflow.standards.markers.universal import UNIVERSAL_FALSE, UniversalMarker
from lockflow.standards.requirements import Archive, Directory, Git, LocalFile, Registry, Source
from lockflow.standards.versions import Version

NodeKey = tuple[str, Version | None, Source, str | None, str | None]
FilesOf = Callable[[Package], tuple[File, ...]]


def resolution_of(lock: Lock, files_of: FilesOf, covered: UniversalMarker) -> Resolution:
    """The graph of a lock; `files_of` lists what an index offers of a package, `covered` is what the lock covers."""
    edges = _edges(lock)
    markers: dict[NodeKey, UniversalMarker] = {}
    roots = _roots(lock, edges)
    for root in roots:
        markers[root] = covered
    pending = list(roots)
    while pending:
        parent = pending.pop()
        for child, marker in edges[parent]:
            known = markers.get(child, UNIVERSAL_FALSE)
            reached = known | (markers[parent] & marker)
            if child not in markers or reached != known:
                markers[child] = reached
                pending.append(child)
    keys = sorted(markers, key=lambda key: (key[0], str(key[1]), str(key[2]), key[3] or "", key[4] or ""))
    number = {key: index for index, key in enumerate(keys)}
    return Resolution(
        nodes=tuple(
            Node(name=key[0], version=key[1], source=key[2], extra=key[3], group=key[4], marker=markers[key])
            for key in keys
        ),
        edges=tuple(
            Edge(parent=number[parent], child=number[child], marker=marker)
            for parent in keys
            for child, marker in edges[parent]
        ),
        distributions=tuple(_distribution(package, files_of) for package in lock.packages),
        fork_markers=lock.fork_markers,
    )


def _edges(lock: Lock) -> dict[NodeKey, list[tuple[NodeKey, UniversalMarker]]]:
    edges: dict[NodeKey, list[tuple[NodeKey, UniversalMarker]]] = defaultdict(list)
    for package in lock.packages:
        base = (package.name, package.version, package.source)
        tables: list[tuple[NodeKey, tuple[Dependency, ...]]] = [((*base, None, None), package.dependencies)]
        tables += [((*base, extra, None), items) for extra, items in package.optional_dependencies]
        tables += [((*base, None, group), items) for group, items in package.dev_dependencies]
        for parent, dependencies in tables:
            for item in dependencies:
                target = (item.name, item.version, item.source)
                edges[parent].append(((*target, None, None), item.marker))
                edges[parent].extend(((*target, extra, None), item.marker) for extra in item.extras)
    return edges


def _roots(lock: Lock, edges: dict[NodeKey, list[tuple[NodeKey, UniversalMarker]]]) -> list[NodeKey]:
    """Members with all their extras and groups, and whatever nothing in the lock requires (as in a script)."""
    required = {child for children in edges.values() for child, _ in children}
    roots: list[NodeKey] = []
    for package in lock.packages:
        base = (package.name, package.version, package.source)
        is_member = _is_member(lock, package)
        if is_member or (*base, None, None) not in required:
            roots.append((*base, None, None))
            roots += [(*base, extra, None) for extra, _ in package.optional_dependencies]
        roots += [(*base, None, group) for group, _ in package.dev_dependencies]
    return roots


def _is_member(lock: Lock, package: Package) -> bool:
    if not isinstance(package.source, Directory):
        return False
    return package.name in lock.manifest.members or package.source.path == "."


def _distribution(package: Package, files_of: FilesOf) -> Distribution:
    digest = None
    release = None
    if isinstance(package.source, Archive | LocalFile | Git):
        files = [*package.wheels, *([package.sdist] if package.sdist else [])]
        digest = files[0].hash if files else None
    elif isinstance(package.source, Registry):
        assert package.version is not None
        release = Release(package.version, 0, files=files_of(package))
    return Distribution(
        name=package.name,
        version=package.version,
        source=package.source,
        release=release,
        metadata=_declared(package),
        hash=digest,
        groups=_groups_of_tree(package),
    )


def _groups_of_tree(package: Package) -> tuple[Group, ...]:
    if package.metadata is None:
        return ()
    return tuple(Group(name=name, requirements=requirements) for name, requirements in package.metadata.requires_dev)


def _declared(package: Package) -> Metadata | None:
    if package.metadata is None:
        return None
    return Metadata(
        name=package.name,
        version=package.version or Version.parse("0"),
        requires_dist=package.metadata.requires_dist,
        provides_extras=package.metadata.provides_extras,
    )


def locked_file(file: LockedFile) -> File:
    """The file of an index from which a lock would have this entry."""
    time = None
    if file.upload_time is not None:
        time = nanoseconds(file.upload_time)
    return File(
        filename=file.name,
        url=file.url or file.path or "",
        hashes=() if file.hash is None else ((file.hash.partition(":")[0], file.hash.partition(":")[2]),),
        size=file.size,
        upload_time_ns=time,
    )


def nanoseconds(timestamp: str) -> int:
    """RFC 3339 text as nanoseconds since the epoch."""
    whole, _, rest = timestamp.partition(".")
    digits = ""
    while rest and rest[0].isdigit():
        digits, rest = digits + rest[0], rest[1:]
    seconds = datetime.fromisoformat(whole + rest if digits else timestamp).timestamp()
    return int(seconds) * 1_000_000_000 + int(digits.ljust(9, "0") or 0)


def manifest_of(lock: Lock, *, is_script: bool = False, is_flat: bool = False) -> Manifest:
    """The inputs that a lock records; `is_flat` tells of what kind its indexes are."""
    members = [package for package in lock.packages if _is_member(lock, package)]
    recorded = lock.manifest
    has_root = any(isinstance(member.source, Directory) and member.source.path == "." for member in members)
    return Manifest(
        is_script=is_script,
        members=tuple(map(_member, members)),
        has_project_root=has_root or is_script,
        requirements=recorded.requirements,
        groups=_groups(recorded.groups, recorded.group_requires_python),
        default_groups=recorded.default_groups,
        requires_python=lock.requires_python,
        constraints=recorded.constraints,
        overrides=recorded.overrides,
        exclusions=recorded.exclusions,
        build_constraints=recorded.build_constraints,
        static_metadata=recorded.static_metadata,
        environments=lock.supported_environments,
        required_environments=lock.required_environments,
        conflicts=lock.conflicts,
        settings=_settings(lock, is_flat=is_flat),
    )


def _member(package: Package) -> Member:
    assert isinstance(package.source, Directory)
    metadata = package.metadata
    groups = metadata.requires_dev if metadata is not None else ()
    return Member(
        name=package.name,
        path=package.source.path,
        version=package.version,
        install=package.source.install,
        requires_python=None,
        requires_dist=metadata.requires_dist if metadata is not None else (),
        provides_extras=metadata.provides_extras if metadata is not None else (),
        groups=_groups(
            tuple(Group(name=name, requirements=requirements) for name, requirements in groups),
            package.group_requires_python,
        ),
        default_groups=package.default_groups,
    )


def _groups(groups: tuple[Group, ...], pythons: tuple[tuple[str, str], ...]) -> tuple[Group, ...]:
    known = dict(pythons)
    return tuple(
        Group(name=group.name, requirements=group.requirements, requires_python=known.get(group.name))
        for group in groups
    )


def _settings(lock: Lock, *, is_flat: bool) -> Settings:
    urls = {package.source.index for package in lock.packages if isinstance(package.source, Registry)}
    options = lock.options
    return Settings(
        indexes=tuple(Index(url=url, is_flat=is_flat) for url in sorted(url for url in urls if url is not None)),
        resolution=options.resolution,
        prerelease=options.prerelease,
        prerelease_package=options.prerelease_package,
        fork_strategy=options.fork_strategy,
        cutoff=None if options.cutoff is None else _cutoff(options.cutoff),
        cutoff_package=tuple(
            (name, cutoff if cutoff is False else _cutoff(cutoff)) for name, cutoff in options.cutoff_package
        ),
    )


def _cutoff(cutoff: LockedCutoff) -> Cutoff:
    if cutoff.timestamp is None:
        return Cutoff(timestamp_ns=nanoseconds("2100-01-01T00:00:00Z"), span=cutoff.span)
    return Cutoff(timestamp_ns=nanoseconds(cutoff.timestamp))
