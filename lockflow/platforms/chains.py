"""A lock to the shortest way in which each of its packages is required in one environment."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from lockflow.lock.model import Lock
from lockflow.platforms.model import ChainLink
from lockflow.platforms.selection import Graph, Node
from lockflow.standards.markers.evaluate import Environment, evaluate
from lockflow.standards.markers.render import render
from lockflow.standards.markers.simplify import restrict, simplify_python, without_extras
from lockflow.standards.markers.tree import FALSE, Marker
from lockflow.standards.versions import Version


class Chains:
    """The shortest ways from the projects (or the requirements of a script) to all packages in one environment.

    The graph is walked once, however many packages are asked for: a lock may have hundreds that fail. Ties are broken
    by the lock's order.
    """

    def __init__(self, graph: Graph, values: Environment) -> None:
        self._graph = graph
        self._before: dict[Node, tuple[Node | None, Marker]] = {}
        self._ends: dict[tuple[str, Version | None], Node] = {}
        for node in self._walk(values):
            package = graph.lock.packages[node.package]
            if node.group is None:
                self._ends.setdefault((package.name, package.version), node)

    def to(self, name: str, version: Version | None) -> tuple[ChainLink, ...]:
        """Return the way to a package; empty where nothing requires it there."""
        node = self._ends.get((name, version))
        links: list[ChainLink] = []
        while node is not None:
            parent, marker = self._before[node]
            links.append(link_of(self._graph, node, parent, marker))
            node = parent
        return tuple(reversed(links))

    def _walk(self, values: Environment) -> Iterator[Node]:
        """Reach every node by a shortest way; nearer ones come first."""
        graph, before = self._graph, self._before
        markers: dict[Node, Marker] = {}
        waiting: deque[Node] = deque()
        for link in graph.starts:
            if link.target not in markers and evaluate(without_extras(link.marker), values):
                markers[link.target] = link.marker
                before[link.target] = (None, link.marker)
                waiting.append(link.target)
        while waiting:
            node = waiting.popleft()
            yield node
            for link in graph.links.get(node, ()):
                if link.target in markers:
                    continue
                marker = markers[node] & link.marker
                if evaluate(without_extras(marker), values):
                    markers[link.target] = marker
                    before[link.target] = (node, link.marker)
                    waiting.append(link.target)


def link_of(graph: Graph, node: Node, parent: Node | None, marker: Marker) -> ChainLink:
    """Return the step of a chain that leads from `parent` (None: nothing comes before) to `node` under `marker`."""
    package = graph.lock.packages[node.package]
    via = "" if parent is None else _part(parent)
    version = "" if package.version is None else str(package.version)
    return ChainLink(name=package.name, version=version, via=via, marker=_marker_text(marker, graph.lock))


def _part(node: Node) -> str:
    if node.extra is not None:
        return f"extra {node.extra}"
    return "" if node.group is None else f"group {node.group}"


def _marker_text(marker: Marker, lock: Lock) -> str:
    """Print an edge's marker as its author may have written it: without what holds for the whole lock anyway."""
    plain = simplify_python(without_extras(marker), lock.requires_python.range)
    if lock.supported_environments:
        covered = FALSE
        for supported in lock.supported_environments:
            covered |= supported
        plain = restrict(plain, covered)
    return render(plain) or ""
