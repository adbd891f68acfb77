"""Turn a Resolution into the Lock that states it (uv.lock, version 1).

Here a graph with markers becomes packages with edges: markers lose what the lock says elsewhere (`requires-python`,
the environments, the condition of the parent), equal edges become one, and files that nobody can use are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct, field, structs

from lockflow.inputs.model import Manifest, Member
from lockflow.lock.environments import canonical_forks, covered, widen
from lockflow.lock.locked_files import ReleaseFiles
from lockflow.lock.model import Dependency, Lock, LockedFile, Package, PackageMetadata
from lockflow.lock.order import OrderKey, package_key
from lockflow.lock.prune import can_be_used
from lockflow.lock.recorded import (
    member_metadata,
    package_metadata,
    recorded_default_groups,
    recorded_environments,
    recorded_group_pythons,
    recorded_manifest,
    recorded_options,
)
from lockflow.lock.revisions import LATEST_REVISION, Era, era_of, in_revision
from lockflow.resolve.resolution import Distribution, Node, Resolution
from lockflow.standards.markers.simplify import restrict, simplify_python
from lockflow.standards.markers.tree import FALSE, TRUE, Marker, is_disjoint, order_key
from lockflow.standards.markers.universal import UniversalMarker
from lockflow.standards.requirements import Archive, Directory, Git, LocalFile, Registry, Source
from lockflow.standards.versions import Version

_Identity = tuple[str, Version | None, Source]
_EdgeKey = tuple[int, Marker]
_Tables = tuple[tuple[str, tuple[Dependency, ...]], ...]


class _Draft(Struct):
    """A package while its edges are collected; each edge is known by target and condition and gathers extras."""

    node: Node
    order: OrderKey
    distribution: Distribution | None = None
    dependencies: dict[_EdgeKey, set[str]] = field(default_factory=dict)
    optional: dict[str, dict[_EdgeKey, set[str]]] = field(default_factory=dict)
    dev: dict[str, dict[_EdgeKey, set[str]]] = field(default_factory=dict)

    def edges_of(self, node: Node) -> dict[_EdgeKey, set[str]]:
        if node.extra is not None:
            return self.optional.setdefault(node.extra, {})
        if node.group is not None:
            return self.dev.setdefault(node.group, {})
        return self.dependencies


def lock_from_resolution(resolution: Resolution, manifest: Manifest, revision: int | None = None) -> Lock:
    """Return the lock of a resolution, which must have been made from `manifest`.

    `revision` is by default the one of the uv release that the settings name, else the latest. Markers of nodes and
    edges are those of the merged graph, with conflicting extras and groups already reduced to what their parents
    leave open.
    """
    era = era_of(manifest.settings.uv)
    lock = _Writer(resolution, manifest, era).lock()
    if revision is None:
        revision = era.revision if manifest.settings.records_metadata else era.revision_without_metadata
    return in_revision(lock, revision)


class _Writer:
    """One conversion: what all packages of it share."""

    __slots__ = (
        "_ambiguous",
        "_covered",
        "_drafts",
        "_environment",
        "_era",
        "_forks",
        "_lists_all",
        "_manifest",
        "_members",
        "_python",
        "_release_files",
        "_resolution",
        "_supported",
    )

    def __init__(self, resolution: Resolution, manifest: Manifest, era: Era) -> None:
        self._era = era
        self._resolution = resolution
        self._manifest = manifest
        self._lists_all = not manifest.settings.records_metadata
        self._python = manifest.requires_python.range
        self._forks = canonical_forks(resolution.fork_markers, self._python)
        self._covered = covered(self._python, self._forks)
        self._environment = simplify_python(self._covered, self._python)
        self._supported = _union(manifest.environments)
        self._members: dict[tuple[str, Source], Member] = {
            (member.name, Directory(path=member.path, install=member.install)): member for member in manifest.members
        }
        self._release_files: dict[str, ReleaseFiles] = {}
        self._drafts = self._collect()
        names = Counter(draft.node.name for draft in self._drafts)
        self._ambiguous = {name for name, count in names.items() if count > 1}

    def lock(self) -> Lock:
        manifest = self._manifest
        packages = [self._package(draft) for draft in self._drafts]
        targets: dict[_Identity, set[str]] = {
            (package.name, package.version, package.source): {extra for extra, _ in package.optional_dependencies}
            for package in packages
        }
        return Lock(
            revision=LATEST_REVISION,
            requires_python=manifest.requires_python,
            fork_markers=self._forks,
            supported_environments=recorded_environments(manifest.environments, self._python),
            required_environments=recorded_environments(manifest.required_environments, self._python),
            conflicts=manifest.conflicts,
            options=recorded_options(manifest.settings),
            manifest=recorded_manifest(manifest),
            packages=tuple(packages)
            if self._lists_all
            else tuple(_without_unknown_extras(package, targets) for package in packages),
        )

    # The graph

    def _collect(self) -> list[_Draft]:
        """Return a draft for every package, sorted, with the edges of the package, its extras and its groups."""
        nodes = self._resolution.nodes
        by_identity: dict[_Identity, _Draft] = {}
        for node in nodes:
            if node.extra is None and node.group is None:
                order = package_key(node.name, node.version, node.source)
                by_identity[node.name, node.version, node.source] = _Draft(node, order)
        drafts = sorted(by_identity.values(), key=lambda draft: draft.order)
        position = {id(draft): number for number, draft in enumerate(drafts)}
        for distribution in self._resolution.distributions:
            draft = by_identity.get((distribution.name, distribution.version, distribution.source))
            if draft is not None:
                draft.distribution = distribution
        owners = [by_identity[node.name, node.version, node.source] for node in nodes]
        if self._lists_all:
            for draft, node in zip(owners, nodes, strict=True):
                draft.edges_of(node)
            for draft in drafts:
                for extra in self._provided_extras(draft):
                    draft.optional.setdefault(extra, {})
        for edge in self._resolution.edges:
            if edge.parent < 0:
                continue
            parent, child = nodes[edge.parent], nodes[edge.child]
            if child.group is not None or (parent.group is None and owners[edge.parent] is owners[edge.child]):
                continue
            condition = self._condition(edge.marker.full, parent.marker.environment)
            edges = owners[edge.parent].edges_of(parent)
            extras = edges.setdefault((position[id(owners[edge.child])], condition), set())
            if child.extra is not None:
                extras.add(child.extra)
        return drafts

    def _provided_extras(self, draft: _Draft) -> tuple[str, ...]:
        """What a package that may change declares today, whether asked for or not."""
        member = self._members.get((draft.node.name, draft.node.source))
        if member is not None:
            return member.provides_extras
        if isinstance(draft.node.source, Registry | Git | Archive) or draft.distribution is None:
            return ()
        return () if draft.distribution.metadata is None else draft.distribution.metadata.provides_extras

    def _condition(self, marker: Marker, parent: Marker) -> Marker:
        """Return an edge's marker where requires-python and the condition of the parent are taken for granted."""
        if not self._era.shortens_edges:
            return simplify_python(marker, self._python) & self._environment
        within = simplify_python(parent, self._python)
        condition = restrict(simplify_python(marker, self._python), within)
        # Where one fork has all that is supported and is not written down, those that are written cover nothing of it.
        return condition if self._environment is FALSE else condition & self._environment

    # Packages

    def _package(self, draft: _Draft) -> Package:
        node = draft.node
        member = self._members.get((node.name, node.source))
        sdist, wheels = self._files(draft)
        forks: list[UniversalMarker] = []
        if node.name in self._ambiguous:
            forks = [fork for fork in self._resolution.fork_markers if not is_disjoint(fork.full, node.marker.full)]
        return Package(
            name=node.name,
            version=node.version,
            source=node.source,
            default_groups=None if member is None else recorded_default_groups(member.default_groups),
            fork_markers=canonical_forks(forks, self._python) if forks else (),
            dependencies=self._dependencies(draft.dependencies),
            optional_dependencies=self._dependency_tables(draft.optional),
            dev_dependencies=self._dependency_tables(draft.dev),
            group_requires_python=() if member is None else recorded_group_pythons(member.groups),
            sdist=sdist,
            wheels=wheels,
            metadata=self._metadata(node.source, member, draft.distribution),
        )

    def _dependency_tables(self, tables: Mapping[str, Mapping[_EdgeKey, set[str]]]) -> _Tables:
        return tuple(
            (name, self._dependencies(edges)) for name, edges in sorted(tables.items()) if edges or self._lists_all
        )

    def _dependencies(self, edges: Mapping[_EdgeKey, set[str]]) -> tuple[Dependency, ...]:
        if not edges:
            return ()
        # Sorted by the condition as a whole, though less of it is printed.
        rows = [(target, tuple(sorted(extras)), condition) for (target, condition), extras in edges.items()]
        rows.sort(key=lambda row: (row[0], row[1], order_key(row[2])))
        return tuple([self._dependency(*row) for row in rows])

    def _dependency(self, target: int, extras: tuple[str, ...], condition: Marker) -> Dependency:
        node = self._drafts[target].node
        printed = restrict(condition, self._environment) if self._era.shortens_edges else condition
        return Dependency(
            name=node.name,
            version=node.version,
            source=node.source,
            extras=extras,
            printed=printed,
            marker=widen(printed, self._python, self._covered),
        )

    def _metadata(
        self, source: Source, member: Member | None, distribution: Distribution | None
    ) -> PackageMetadata | None:
        """What may change without the source changing its name is recorded; an index or a commit does not change.

        In a lock without metadata that of what lies in the project is not, since it can be read again at once.
        """
        if isinstance(source, Registry) or (not self._lists_all and isinstance(source, Git)):
            return None
        if self._lists_all and not isinstance(source, Git | Archive):
            return None
        if member is not None:
            return member_metadata(member)
        if distribution is None or distribution.metadata is None:
            return None
        metadata = distribution.metadata
        return package_metadata(metadata.requires_dist, metadata.provides_extras, distribution.groups)

    def _files(self, draft: _Draft) -> tuple[LockedFile | None, tuple[LockedFile, ...]]:
        node, distribution = draft.node, draft.distribution
        if distribution is None:
            return None, ()
        reachable = node.marker.environment & self._supported
        match node.source:
            case Registry(index=index) if distribution.release is not None:
                files = self._release_files.get(index or "")
                if files is None:
                    files = self._release_files[index or ""] = ReleaseFiles(
                        index or "", self._manifest.settings, self._era.known
                    )
                release = distribution.release.files
                return files.sdist(node.name, release), files.wheels(node.name, release, self._python, reachable)
            case Archive(url=url):
                file = LockedFile(url=url, hash=distribution.hash)
            case LocalFile(path=path) | Git(path=str(path)):
                file = LockedFile(filename=path.rpartition("/")[2], hash=distribution.hash)
            case _:
                return None, ()
        if not file.name.endswith(".whl"):
            # The source already names an sdist, so that only its hash is left to say.
            return LockedFile(hash=file.hash), ()
        return None, (file,) if can_be_used(file.name, self._python, reachable, self._era.known) else ()


def _union(markers: Sequence[Marker] | None) -> Marker:
    if not markers:
        return TRUE
    union = FALSE
    for marker in markers:
        union = union | marker
    return union


def _without_unknown_extras(package: Package, targets: Mapping[_Identity, set[str]]) -> Package:
    """An edge names only extras that the target has dependencies for."""

    def known(dependency: Dependency) -> Dependency:
        if not dependency.extras:
            return dependency
        extras = targets[dependency.name, dependency.version, dependency.source]
        kept = tuple(extra for extra in dependency.extras if extra in extras)
        if kept == dependency.extras:
            return dependency
        return structs.replace(dependency, extras=kept)

    def known_in(tables: _Tables) -> _Tables:
        return tuple((name, tuple(map(known, dependencies))) for name, dependencies in tables)

    return structs.replace(
        package,
        dependencies=tuple(map(known, package.dependencies)),
        optional_dependencies=known_in(package.optional_dependencies),
        dev_dependencies=known_in(package.dev_dependencies),
    )
