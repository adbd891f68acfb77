"""A lock to the environments in which each of its packages is installed, and to the packages of one environment.

A package applies in an environment when some choice of extras, groups and projects that the conflicts allow leads
to it: all extras and all groups of the members count as asked for, so that a lock is proven for every way of
installing it. Where items conflict, one choice must satisfy the whole path; a path whose edges ask for two
conflicting items leads nowhere. What no marker path reaches does not apply and is never reported.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from msgspec import Struct

from lockflow.lock.model import Dependency, Lock, Package
from lockflow.standards.markers.evaluate import Environment, evaluate
from lockflow.standards.markers.simplify import without_extras
from lockflow.standards.markers.tree import FALSE, TRUE, Marker, extra_equals
from lockflow.standards.markers.universal import conflict_world, encode_conflict
from lockflow.standards.requirements import Directory, Requirement


class Node(Struct, frozen=True):
    """What an edge leads to: a package of the lock by its index, one of its extras, or one of its groups."""

    package: int
    extra: str | None = None
    group: str | None = None


class Link(Struct, frozen=True):
    """An edge of the graph; `marker` may test conflict items."""

    target: Node
    marker: Marker


class Graph(Struct, frozen=True):
    """A lock as a graph, with the marker of every node.

    `starts` are what an installation begins with, under which marker; `links` go out from a node; `where` maps each
    node that can be reached to the marker (with conflict items) under which it is.
    """

    lock: Lock
    starts: tuple[Link, ...]
    links: dict[Node, tuple[Link, ...]]
    where: dict[Node, Marker]


def graph_of(lock: Lock) -> Graph:
    """Work out where each package of `lock` is needed; independent of any platform, so once for all of them."""
    by_name: dict[str, list[int]] = {}
    for index, package in enumerate(lock.packages):
        by_name.setdefault(package.name, []).append(index)
    builder = _Builder(lock, by_name)
    links = builder.links()
    starts = builder.starts()
    return Graph(lock=lock, starts=starts, links=links, where=_spread(starts, links))


def selected(graph: Graph, environment: Environment, among: frozenset[int] | None = None) -> tuple[int, ...]:
    """List the packages that apply in `environment`, as ascending indices into the lock's packages.

    `among` limits the question to some of them.
    """
    chosen = {
        node.package
        for node, marker in graph.where.items()
        if node.group is None
        and (among is None or node.package in among)
        and evaluate(without_extras(marker), environment)
    }
    return tuple(sorted(chosen))


def refusal(lock: Lock, environment: Environment) -> str:
    """Say why an installer refuses the whole lock in `environment`; empty where it does not."""
    python = environment["python_full_version"]
    release = tuple(int(part) for part in python.split("."))
    if not lock.requires_python.range.contains(release):
        return f'Python {python} is outside requires-python = "{lock.requires_python.text}"'
    environments = lock.supported_environments
    if environments and not any(evaluate(marker, environment) for marker in environments):
        return "none of the environments in [tool.uv] environments, for which the lock was made, holds there"
    return ""


class _Builder:
    """Turns the tables of a lock into nodes and links."""

    def __init__(self, lock: Lock, by_name: dict[str, list[int]]) -> None:
        self._lock = lock
        self._by_name = by_name
        self._by_identity = {
            (package.name, package.version, package.source): index for index, package in enumerate(lock.packages)
        }
        sets = [[encode_conflict(item.package, item.kind, item.name) for item in items] for items in lock.conflicts]
        self._items = frozenset(item for items in sets for item in items)
        self._world = conflict_world(sets)

    def links(self) -> dict[Node, tuple[Link, ...]]:
        links: dict[Node, tuple[Link, ...]] = {}
        for index, package in enumerate(self._lock.packages):
            if package.dependencies:
                links[Node(index)] = self._targets(package.dependencies)
            for extra, dependencies in package.optional_dependencies:
                links[Node(index, extra=extra)] = self._targets(dependencies)
            for group, dependencies in package.dev_dependencies:
                links[Node(index, group=group)] = self._targets(dependencies)
        return links

    def starts(self) -> tuple[Link, ...]:
        starts: list[Link] = []
        for index in self._members():
            package = self._lock.packages[index]
            starts.append(self._start(Node(index)))
            starts.extend(self._start(Node(index, extra=extra)) for extra, _ in package.optional_dependencies)
            starts.extend(self._start(Node(index, group=group)) for group, _ in package.dev_dependencies)
        manifest = self._lock.manifest
        for requirement in (
            *manifest.requirements,
            *(item for group in manifest.groups for item in group.requirements),
        ):
            starts.extend(self._required(requirement))
        return tuple(starts)

    def _members(self) -> Iterable[int]:
        """List the packages that an installation begins with: all members, or the only project."""
        names = self._lock.manifest.members
        for index, package in enumerate(self._lock.packages):
            if isinstance(package.source, Directory) and (
                package.name in names if names else package.source.path == "."
            ):
                yield index

    def _start(self, node: Node) -> Link:
        return Link(node, self._world & self._activation(node))

    def _activation(self, node: Node) -> Marker:
        """Return the conflict item that is on wherever `node` is installed; TRUE where it is in no conflict."""
        package = self._lock.packages[node.package].name
        if node.extra is not None:
            item = encode_conflict(package, "extra", node.extra)
        elif node.group is not None:
            item = encode_conflict(package, "group", node.group)
        else:
            item = encode_conflict(package, "project", None)
        return extra_equals(item) if item in self._items else TRUE

    def _targets(self, dependencies: Iterable[Dependency]) -> tuple[Link, ...]:
        links: list[Link] = []
        for dependency in dependencies:
            index = self._by_identity.get((dependency.name, dependency.version, dependency.source))
            if index is None:
                # The reader has checked that every edge has a target; a lock built by hand names it loosely.
                candidates = self._by_name.get(dependency.name, [])
                if len(candidates) != 1:
                    continue
                index = candidates[0]
            links.extend(self._edges(index, dependency.extras, dependency.marker.full))
        return tuple(links)

    def _required(self, requirement: Requirement) -> Iterable[Link]:
        """Link a requirement of a script or of a root without project to every package of its name.

        Where the lock has several, each holds in its own forks.
        """
        candidates = self._by_name.get(requirement.name, [])
        for index in candidates:
            marker = self._world & requirement.marker
            if len(candidates) > 1:
                marker &= _any_fork(self._lock.packages[index])
            yield from self._edges(index, requirement.extras, marker)

    def _edges(self, index: int, extras: tuple[str, ...], marker: Marker) -> Iterable[Link]:
        for node in (Node(index), *(Node(index, extra=extra) for extra in extras)):
            yield Link(node, marker & self._activation(node))


def _any_fork(package: Package) -> Marker:
    if not package.fork_markers:
        return TRUE
    marker = FALSE
    for fork in package.fork_markers:
        marker |= fork.full
    return marker


def _spread(starts: Iterable[Link], links: dict[Node, tuple[Link, ...]]) -> dict[Node, Marker]:
    """Carry markers along the links until nothing changes: a node is needed where some way to it holds."""
    where: dict[Node, Marker] = {}
    waiting: deque[Node] = deque()
    queued: set[Node] = set()

    def reach(node: Node, marker: Marker) -> None:
        known = where.get(node, FALSE)
        together = known | marker
        if together is known:
            return
        where[node] = together
        if node not in queued:
            queued.add(node)
            waiting.append(node)

    for link in starts:
        reach(link.target, link.marker)
    while waiting:
        node = waiting.popleft()
        queued.discard(node)
        marker = where[node]
        for link in links.get(node, ()):
            reach(link.target, marker & link.marker)
    return where
