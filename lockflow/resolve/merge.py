"""From solved forks to one graph: nodes once, edge markers or-ed over the forks, node markers by reachability."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Struct

from lockflow.index.model import SourceMetadata
from lockflow.resolve.candidates import Candidate
from lockflow.resolve.environment import ForkEnvironment
from lockflow.resolve.identity import Identities, Kind
from lockflow.resolve.policy import Policy
from lockflow.resolve.pubgrub.incompatibility import DependencyCause
from lockflow.resolve.pubgrub.state import State
from lockflow.resolve.resolution import Distribution, Edge, Node, Resolution
from lockflow.standards.markers.tree import TRUE, Marker
from lockflow.standards.markers.universal import (
    UNIVERSAL_FALSE,
    UNIVERSAL_TRUE,
    UniversalMarker,
    conflict_world,
    encode_conflict,
)
from lockflow.standards.requirements import ConflictItem, Registry, Source
from lockflow.standards.versions import Version


class NodeKey(Struct, frozen=True):
    """What makes a node of the graph: two forks that agree on all of it share the node."""

    name: str
    version: Version
    source: Source
    extra: str | None = None
    group: str | None = None

    @property
    def order(self) -> tuple[object, ...]:
        return (self.name, self.version.key, source_order(self.source), self.extra or "", self.group or "")


ROOT_KEY = None
"""The root has no node of its own."""


Behind = Candidate | SourceMetadata | None
"""What stands behind a node: the release of an index, a source that was read, or a member (None)."""


class Places(Struct, frozen=True):
    """Where a fork takes its packages from: sources as asked for and as found by name, else candidates."""

    sources: Mapping[str, Source]
    found: Mapping[str, SourceMetadata]
    pins: Mapping[tuple[str, Version], Candidate]


class ForkResult(Struct, frozen=True):
    """The solution of one fork. `chosen` are the index packages it decided on: name, version, index."""

    environment: ForkEnvironment
    distributions: dict[NodeKey, Behind]
    nodes: tuple[NodeKey, ...]
    edges: tuple[tuple[NodeKey | None, NodeKey, Marker], ...]
    chosen: tuple[tuple[str, Version, str | None], ...]


def read_fork(
    pubgrub: State,
    identities: Identities,
    environment: ForkEnvironment,
    places: Places,
    policy: Policy,
) -> ForkResult:
    """Read the packages and edges off a solved state; proxies and marked identities leave no node of their own."""
    reader = _ForkReader(pubgrub, identities, places)
    chosen = tuple(
        (key.name, key.version, key.source.index if isinstance(key.source, Registry) else None)
        for key in reader.nodes
        if key.extra is None and key.group is None and key.name not in policy.members
    )
    return ForkResult(environment, reader.distributions, tuple(reader.nodes), tuple(reader.edges), chosen)


class _ForkReader:
    def __init__(self, pubgrub: State, identities: Identities, places: Places) -> None:
        self._identities = identities
        self._places = places
        self._decided = {
            number: assignment.decision
            for number, assignment in pubgrub.solution.assignments.items()
            if assignment.decision is not None
        }
        self.distributions: dict[NodeKey, Behind] = {}
        self.nodes: list[NodeKey] = []
        self.edges: list[tuple[NodeKey | None, NodeKey, Marker]] = []
        self._keys: dict[int, NodeKey] = {}
        self._bases: dict[int, NodeKey] = {}
        for number in self._decided:
            identity = identities[number]
            if Kind.PACKAGE <= identity.kind <= Kind.GROUP and identity.marker is TRUE:
                self.nodes.append(self._key(number))
        for number, version in self._decided.items():
            self._read_edges(pubgrub, number, version)

    def _key(self, number: int) -> NodeKey:
        """The node of a decided identity, proxies leading to what they stand for."""
        key = self._keys.get(number)
        if key is None:
            key, identity = self._base(number), self._identities[number]
            if identity.extra is not None or identity.group is not None:
                key = NodeKey(key.name, key.version, key.source, identity.extra, identity.group)
            self._keys[number] = key
        return key

    def _base(self, number: int) -> NodeKey:
        """The node of the package itself."""
        key = self._bases.get(number)
        if key is None:
            key = self._bases[number] = self._find_base(self._identities[number].name, self._decided[number])
        return key

    def _find_base(self, name: str, version: Version) -> NodeKey:
        source = self._places.sources.get(name)
        behind: Behind
        if source is not None:
            behind = self._places.found.get(name)
            source = source if behind is None else behind.source
        else:
            behind = self._places.pins.get((name, version))
            source = Registry(index=None if behind is None else behind.index)
        if behind is not None:
            version = behind.version
        base = NodeKey(name, version, source)
        self.distributions[base] = behind
        return base

    def _read_edges(self, pubgrub: State, number: int, version: Version) -> None:
        parent = self._identities[number]
        if parent.is_proxy or parent.kind == Kind.PYTHON:
            return
        source = None if parent.kind == Kind.ROOT else self._key(number)
        for clause in pubgrub.clauses.get(number, ()):
            incompatibility = pubgrub.store[clause]
            cause = incompatibility.cause
            if not isinstance(cause, DependencyCause) or cause.package != number:
                continue
            target_version = self._decided.get(cause.target)
            if target_version is None or not incompatibility.terms[number].range.contains(version):
                continue
            term = incompatibility.terms.get(cause.target)
            if term is None or not term.range.contains(target_version):
                continue
            target = self._identities[cause.target]
            if target.kind == Kind.PYTHON or (target.name == parent.name and parent.kind != Kind.GROUP):
                continue
            self.edges.append((source, self._key(cause.target), target.marker))
            if target.kind == Kind.EXTRA_PROXY:
                self.edges.append((source, self._base(cause.target), target.marker))


def merge(results: Sequence[ForkResult], policy: Policy) -> Resolution:
    """Join the forks into one graph, in the order they were solved."""
    markers = [result.environment.universal for result in results]
    nodes = sorted({key for result in results for key in result.nodes}, key=lambda key: key.order)
    numbers: dict[NodeKey | None, int] = {key: number for number, key in enumerate(nodes)}
    numbers[ROOT_KEY] = -1
    edges: dict[tuple[int, int], UniversalMarker] = {}
    for result, marker in zip(results, markers, strict=True):
        # Of a fork each node is one object, and most edges have the same few markers.
        objects = {id(key): key for edge in result.edges for key in edge[:2]}
        places = {place: numbers.get(key) for place, key in objects.items()}
        limited: dict[Marker, UniversalMarker] = {}
        for parent, child, condition in result.edges:
            start, end = places[id(parent)], places[id(child)]
            if start is None or end is None:
                continue
            together = limited.get(condition)
            if together is None:
                together = limited[condition] = UniversalMarker(condition, condition) & marker
            known = edges.get((start, end))
            edges[start, end] = together if known is None else known | together
    fork_markers = () if len(markers) == 1 and markers[0].is_true else tuple(markers)
    reach = _reachability(len(nodes), edges, fork_markers)
    if policy.conflicts:
        edges, reach = _assume_conflicts(nodes, edges, reach, policy)
    return _resolution(nodes, edges, reach, results, fork_markers, policy)


def _reachability(
    count: int, edges: dict[tuple[int, int], UniversalMarker], fork_markers: Sequence[UniversalMarker]
) -> list[UniversalMarker]:
    """The marker under which each node is reached; the root's, under number -1, is all that the forks cover."""
    children: list[list[tuple[int, UniversalMarker]]] = [[] for _ in range(count + 1)]
    for (parent, child), marker in edges.items():
        children[parent].append((child, marker))
    reach = [UNIVERSAL_FALSE] * (count + 1)
    start = UNIVERSAL_TRUE
    if fork_markers:
        start = UNIVERSAL_FALSE
        for marker in fork_markers:
            start = start | marker
    reach[-1] = start
    todo = [-1]
    waiting = {-1}
    while todo:
        parent = todo.pop()
        waiting.discard(parent)
        for child, marker in children[parent]:
            known = reach[child]
            if known.is_true:
                continue
            wider = known | (reach[parent] & marker)
            if wider != known:
                reach[child] = wider
                if child not in waiting:
                    waiting.add(child)
                    todo.append(child)
    return reach


def _assume_conflicts(
    nodes: Sequence[NodeKey],
    edges: dict[tuple[int, int], UniversalMarker],
    reach: list[UniversalMarker],
    policy: Policy,
) -> tuple[dict[tuple[int, int], UniversalMarker], list[UniversalMarker]]:
    """Simplify all markers by what is known of conflicts.

    No two items of a conflict are active together, and whoever arrives at a package has activated the items on the
    way. A package with several edges to another is left as it is, since together they tell versions or extras apart.
    """
    world = conflict_world(tuple(_encoded(item) for item in items) for items in policy.conflicts)
    reach = [marker.imbibe(world) for marker in reach]
    edges = {pair: marker.imbibe(world) for pair, marker in edges.items()}
    activated = _activated(nodes, edges, policy.conflicting)
    fan = Counter((parent, nodes[child].name) for parent, child in edges)
    for (parent, child), marker in edges.items():
        if fan[parent, nodes[child].name] == 1:
            edges[parent, child] = _simplified(marker, sorted(activated[parent], key=sorted), policy.conflicts)
    return edges, reach


def _activated(
    nodes: Sequence[NodeKey], edges: Iterable[tuple[int, int]], conflicting: AbstractSet[ConflictItem]
) -> list[set[frozenset[ConflictItem]]]:
    """For each node the sets of conflict items that the ways from the root to it activate, its own included."""
    children: list[list[int]] = [[] for _ in range(len(nodes) + 1)]
    for parent, child in edges:
        children[parent].append(child)
    own = [frozenset(item for item in _items(key) if item in conflicting) for key in nodes]
    activated: list[set[frozenset[ConflictItem]]] = [set() for _ in range(len(nodes) + 1)]
    activated[-1].add(frozenset())
    todo: list[tuple[int, frozenset[ConflictItem]]] = [(-1, frozenset())]
    while todo:
        parent, items = todo.pop()
        for child in children[parent]:
            active = items | own[child]
            if active not in activated[child]:
                activated[child].add(active)
                todo.append((child, active))
    return activated


def _items(key: NodeKey) -> Iterator[ConflictItem]:
    if key.extra is not None:
        yield ConflictItem(package=key.name, kind="extra", name=key.extra)
    if key.group is not None:
        yield ConflictItem(package=key.name, kind="group", name=key.group)


def _simplified(
    marker: UniversalMarker, ways: Sequence[frozenset[ConflictItem]], conflicts: Sequence[Sequence[ConflictItem]]
) -> UniversalMarker:
    """A marker where one of these sets of items is active and what conflicts with its members is not.

    Unless it holds on every way, it is replaced only by what all ways agree on.
    """
    known = [(frozenset(map(_encoded, way)), frozenset(map(_encoded, _rivals(way, conflicts)))) for way in ways]
    if all(marker.holds_by_items(on) for on, _ in known):
        for on, off in known:
            marker = marker.assume(on, off)
        return marker
    results = {marker.assume(on, off) for on, off in known}
    return results.pop() if len(results) == 1 else marker


def _rivals(way: AbstractSet[ConflictItem], conflicts: Sequence[Sequence[ConflictItem]]) -> set[ConflictItem]:
    return {other for items in conflicts for item in items if item in way for other in items if other != item}


def _encoded(item: ConflictItem) -> str:
    return encode_conflict(item.package, item.kind, item.name)


def _resolution(
    nodes: Sequence[NodeKey],
    edges: dict[tuple[int, int], UniversalMarker],
    reach: Sequence[UniversalMarker],
    results: Sequence[ForkResult],
    fork_markers: tuple[UniversalMarker, ...],
    policy: Policy,
) -> Resolution:
    kept = [number for number in range(len(nodes)) if not reach[number].is_false]
    renumbered = {number: place for place, number in enumerate(kept)} | {-1: -1}
    distributions: dict[NodeKey, Behind] = {}
    for result in results:
        distributions.update(result.distributions)
    dynamic = {(key.name, key.source) for key, behind in distributions.items() if _is_dynamic(key, behind, policy)}
    bases = dict.fromkeys(NodeKey(nodes[n].name, nodes[n].version, nodes[n].source) for n in kept)
    return Resolution(
        nodes=tuple(_node(nodes[number], reach[number], dynamic) for number in kept),
        edges=tuple(
            Edge(parent=renumbered[parent], child=renumbered[child], marker=marker)
            for (parent, child), marker in sorted(edges.items(), key=lambda entry: entry[0])
            if parent in renumbered and child in renumbered
        ),
        distributions=tuple(_distribution(key, distributions[key], dynamic) for key in bases),
        fork_markers=fork_markers,
    )


def _is_dynamic(key: NodeKey, behind: Behind, policy: Policy) -> bool:
    """Whether the version of a source tree is left to its build backend, and so is none to write down."""
    if isinstance(behind, SourceMetadata):
        return behind.is_version_dynamic
    member = policy.member(key.name, key.source)
    return member is not None and member.version is None


_Places = set[tuple[str, Source]]


def _node(key: NodeKey, marker: UniversalMarker, dynamic: _Places) -> Node:
    version = None if (key.name, key.source) in dynamic else key.version
    return Node(name=key.name, version=version, source=key.source, extra=key.extra, group=key.group, marker=marker)


def _distribution(key: NodeKey, behind: Behind, dynamic: _Places) -> Distribution:
    sourced = behind if isinstance(behind, SourceMetadata) else None
    return Distribution(
        name=key.name,
        version=None if (key.name, key.source) in dynamic else key.version,
        source=key.source,
        release=behind.release if isinstance(behind, Candidate) else None,
        metadata=sourced,
        hash=None if sourced is None else sourced.hash,
        groups=() if sourced is None else sourced.groups,
    )


def source_order(source: Source) -> tuple[object, ...]:
    """A key that orders sources of one name: registries first, then by kind and text."""
    kinds: Iterable[type] = Source.__args__
    return (list(kinds).index(type(source)), repr(source))
