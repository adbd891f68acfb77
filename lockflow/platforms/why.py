"""A lock to the shortest ways in which something is required."""

from __future__ import annotations

from lockflow.platforms.chains import link_of
from lockflow.platforms.model import ChainLink
from lockflow.platforms.selection import Graph, Node
from lockflow.standards.markers.evaluate import Environment
from lockflow.standards.markers.partial import within
from lockflow.standards.markers.simplify import without_extras
from lockflow.standards.markers.tree import FALSE, Marker

_MOST = 50


def chains_to(graph: Graph, name: str, known: Environment) -> tuple[tuple[ChainLink, ...], ...]:
    """Return every shortest chain to each locked version of `name`, at most fifty of each, in the lock's order.

    `known` are the marker values that are decided; with none of them a chain counts where it holds anywhere.
    """
    goals = [at for at, package in enumerate(graph.lock.packages) if package.name == name]
    return tuple(chain for goal in goals for chain in _chains(graph, goal, known))


def _chains(graph: Graph, goal: int, known: Environment) -> list[tuple[ChainLink, ...]]:
    """Walk in levels: all ways of one length, then those one link longer, until some have arrived."""
    ways: list[tuple[tuple[tuple[Node, Marker], ...], Marker]] = []
    ways.extend((((link.target, link.marker),), link.marker) for link in graph.starts if _holds(link.marker, known))
    seen: set[Node] = set()
    while ways:
        found = [way for way, _ in ways if way[-1][0].package == goal and way[-1][0].group is None]
        if found:
            unique = dict.fromkeys(_links(graph, way) for way in found)
            return list(unique)[:_MOST]
        seen |= {way[-1][0] for way, _ in ways}
        longer = []
        for way, marker in ways:
            for link in graph.links.get(way[-1][0], ()):
                onward = marker & link.marker
                if link.target not in seen and _holds(onward, known):
                    longer.append(((*way, (link.target, link.marker)), onward))
        # Of thousands of ways to one node, fifty are more than anybody reads.
        ways = []
        counts: dict[Node, int] = {}
        for way, marker in longer:
            node = way[-1][0]
            counts[node] = counts.get(node, 0) + 1
            if counts[node] <= _MOST:
                ways.append((way, marker))
    return []


def _holds(marker: Marker, known: Environment) -> bool:
    return within(without_extras(marker), known) is not FALSE


def _links(graph: Graph, way: tuple[tuple[Node, Marker], ...]) -> tuple[ChainLink, ...]:
    parents: list[Node | None] = [None, *(node for node, _ in way[:-1])]
    return tuple(link_of(graph, node, parent, marker) for parent, (node, marker) in zip(parents, way, strict=True))
