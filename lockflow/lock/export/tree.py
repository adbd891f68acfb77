"""A lock to a drawing of what requires what, line for line as `uv tree` draws it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from msgspec import Struct

from lockflow.lock.export.model import Wish
from lockflow.lock.export.roots import by_name, members, required_marker
from lockflow.lock.model import Dependency, Lock, Package
from lockflow.lock.order import OrderKey, package_key
from lockflow.standards.markers.evaluate import Environment, evaluate
from lockflow.standards.markers.tree import FALSE, TRUE, Marker

_PLAIN, _EXTRA, _GROUP = 0, 1, 2
_ROOT = -1
_SHOWN = "(*) Package tree already displayed"
_CYCLE = "(*) Package tree is a cycle and cannot be shown"


class Drawing(Struct, frozen=True, kw_only=True):
    """How to draw: `packages` alone, `depth` levels below them, upside down, repeating what was drawn before."""

    packages: tuple[str, ...] = ()
    depth: int = 255
    is_inverted: bool = False
    has_repeats: bool = False


def as_tree(lock: Lock, wish: Wish, drawing: Drawing, environment: Environment | None = None) -> tuple[str, ...]:
    """Return the lines of the tree of all projects; `environment` leaves out what is not installed there.

    All extras of the projects are drawn; of `wish`, what it says about groups and pruning counts.
    """
    graph = _Graph(lock, wish, environment)
    edges = graph.edges
    if drawing.is_inverted:
        edges = [replace(edge, source=edge.target, target=edge.source) for edge in edges]
    nodes = graph.nodes
    if drawing.packages:
        wanted = [node for node in nodes if node != _ROOT and lock.packages[node].name in drawing.packages]
        kept = _reachable(wanted, edges)
        edges = [edge for edge in edges if edge.source in kept and edge.target in kept]
        nodes = {node: None for node in nodes if node in kept}
    return _Painter(lock, nodes, edges, drawing).lines()


@dataclass(frozen=True, slots=True)
class _Edge:
    """`item` names the extra or group of the source that brings the target in, `extras` are those asked of it."""

    source: int
    target: int
    kind: int
    item: str = ""
    extras: tuple[str, ...] = ()
    marker: Marker = TRUE


class _Graph:
    """What leads to what; nodes are indices into the lock's packages, edges stand in the order of their finding."""

    def __init__(self, lock: Lock, wish: Wish, environment: Environment | None) -> None:
        self._lock = lock
        self._wish = wish
        self._environment = environment
        self._indices = {
            (package.name, package.version, package.source): at for at, package in enumerate(lock.packages)
        }
        self._queue: deque[tuple[int, str | None]] = deque()
        self._seen: set[tuple[int, str | None]] = set()
        self.nodes: dict[int, None] = {_ROOT: None}
        self.edges: list[_Edge] = []
        self._start_at_members()
        self._start_at_requirements()
        self._walk()

    def _start_at_members(self) -> None:
        names = frozenset(members(self._lock)) - self._wish.prune
        found = [at for at, package in enumerate(self._lock.packages) if package.name in names]
        for at in sorted(found, key=lambda at: _key(self._lock.packages[at])):
            package = self._lock.packages[at]
            self._add(_Edge(_ROOT, at, _PLAIN))
            if self._wish.is_production:
                self._follow(at, tuple(extra for extra, _ in package.optional_dependencies))
            for group, dependencies in package.dev_dependencies:
                if self._wish.has_group(group):
                    self._require(at, dependencies, _GROUP, group)

    def _start_at_requirements(self) -> None:
        """Begin with what a script, or a root without a project, requires by itself."""
        manifest = self._lock.manifest
        known = by_name(self._lock)
        wanted = [(_PLAIN, "", requirement) for requirement in manifest.requirements]
        for group in manifest.groups:
            if self._wish.has_group(group.name):
                wanted += [(_GROUP, group.name, requirement) for requirement in group.requirements]
        for kind, item, requirement in wanted:
            for package in known.get(requirement.name, ()):
                marker = required_marker(requirement, package)
                if marker is FALSE or not self._holds(marker):
                    continue
                at = self._indices[package.name, package.version, package.source]
                self._add(_Edge(_ROOT, at, kind, item))
                self._follow(at, ())

    def _walk(self) -> None:
        while self._queue:
            at, extra = self._queue.popleft()
            package = self._lock.packages[at]
            if extra is None:
                self._require(at, package.dependencies, _PLAIN, "")
            else:
                self._require(at, dict(package.optional_dependencies).get(extra, ()), _EXTRA, extra)

    def _require(self, at: int, dependencies: Iterable[Dependency], kind: int, item: str) -> None:
        for dependency in dependencies:
            target = self._indices.get((dependency.name, dependency.version, dependency.source))
            if target is None or dependency.name in self._wish.prune or not self._holds(dependency.marker.full):
                continue
            extras = tuple(sorted(dependency.extras))
            self._add(_Edge(at, target, kind, item, extras, dependency.marker.full))
            self._follow(target, dependency.extras)

    def _holds(self, marker: Marker) -> bool:
        return self._environment is None or evaluate(marker, self._environment)

    def _add(self, edge: _Edge) -> None:
        self.nodes.setdefault(edge.target)
        self.edges.append(edge)

    def _follow(self, at: int, extras: tuple[str, ...]) -> None:
        for extra in (None, *extras):
            if (at, extra) not in self._seen:
                self._seen.add((at, extra))
                self._queue.append((at, extra))


def _reachable(starts: Iterable[int], edges: Iterable[_Edge]) -> dict[int, None]:
    out: dict[int, list[int]] = {}
    for edge in edges:
        out.setdefault(edge.source, []).append(edge.target)
    found = dict.fromkeys(starts)
    waiting = deque(found)
    while waiting:
        for target in out.get(waiting.popleft(), ()):
            if target not in found:
                found[target] = None
                waiting.append(target)
    return found


@dataclass(frozen=True, slots=True)
class _Way:
    """What the way to a node says of what hangs below it.

    Downwards: the `extras` that are asked of it. Upwards: the extra of it that is in use, if any, and the `marker`
    under which all edges so far hold.
    """

    extras: frozenset[str]
    marker: Marker = TRUE


class _Painter:
    """Draws depth first; remembers what was drawn, coming which way, and whether anything hangs below it."""

    def __init__(self, lock: Lock, nodes: Iterable[int], edges: list[_Edge], drawing: Drawing) -> None:
        self._packages = lock.packages
        self._drawing = drawing
        self._nodes = tuple(nodes)
        self._edges = edges
        self._out: dict[int, list[_Edge]] = {}
        # As in uv, what was found last comes first where nothing else decides.
        for edge in reversed(edges):
            self._out.setdefault(edge.source, []).append(edge)
        self._drawn: dict[tuple[int, _Way], bool] = {}
        self._path: list[tuple[int, _Way]] = []

    def lines(self) -> tuple[str, ...]:
        lines: list[str] = []
        for node in self._roots():
            starts = self._out.get(node, []) if node == _ROOT else [_Edge(_ROOT, node, _PLAIN)]
            for edge in starts:
                lines += self._draw(edge, self._start(edge.target))
        if any("*" in line for line in lines):
            lines.append(_CYCLE if self._drawing.has_repeats else _SHOWN)
        return tuple(lines)

    def _roots(self) -> list[int]:
        """List the packages asked for; else what nothing leads to, and the first package of each cycle like that."""
        if self._drawing.packages:
            found = [node for node in self._nodes if self._packages[node].name in self._drawing.packages]
            return sorted(found, key=self._order)
        targets = {edge.target for edge in self._edges}
        roots = {node for node in self._nodes if node not in targets}
        known = _reachable(roots, self._edges)
        rest = [node for node in self._nodes if node not in known]
        onward = {node: _reachable((node,), self._edges) for node in rest}
        for node in rest:
            before = [other for other in rest if node in onward[other]]
            if all(other in onward[node] for other in before):
                roots.add(min(before, key=self._order))
        return sorted(roots, key=self._order)

    def _order(self, node: int) -> OrderKey:
        return () if node == _ROOT else _key(self._packages[node])

    def _start(self, node: int) -> _Way:
        """What nobody asks for extras of is drawn with all it has."""
        if self._drawing.is_inverted:
            return _Way(frozenset())
        return _Way(frozenset(extra for extra, _ in self._packages[node].optional_dependencies if node != _ROOT))

    def _draw(self, edge: _Edge, way: _Way) -> list[str]:
        if len(self._path) > self._drawing.depth or edge.target == _ROOT:
            return []
        node = edge.target
        line = _label(self._packages[node], edge)
        known = self._drawn.get((node, way))
        if known is not None and (not self._drawing.has_repeats or (node, way) in self._path):
            return [f"{line} (*)" if known else line]
        # Upwards from a group there is nothing: who requires the project does not get its groups.
        below = [] if self._drawing.is_inverted and edge.kind == _GROUP else self._below(node, way)
        if len(self._path) < self._drawing.depth:
            self._drawn[node, way] = bool(below)
        self._path.append((node, way))
        lines = [line]
        for found, onward in below:
            top, rest = ("└── ", "    ") if found is below[-1][0] else ("├── ", "│   ")
            lines += [(rest if at else top) + text for at, text in enumerate(self._draw(found, onward))]
        self._path.pop()
        return lines

    def _below(self, node: int, way: _Way) -> list[tuple[_Edge, _Way]]:
        found = []
        for edge in self._out.get(node, ()):
            if edge.target == _ROOT:
                continue
            if self._drawing.is_inverted:
                marker = way.marker & edge.marker
                if marker is not FALSE and way.extras.issubset(edge.extras):
                    extras = frozenset((edge.item,)) if edge.kind == _EXTRA else frozenset()
                    found.append((edge, _Way(extras, marker)))
            elif edge.kind != _EXTRA or edge.item in way.extras:
                found.append((edge, _Way(frozenset(edge.extras))))
        found.sort(key=lambda pair: (pair[0].kind, pair[0].item, _key(self._packages[pair[0].target])))
        return found


def _label(package: Package, edge: _Edge) -> str:
    extras = f"[{', '.join(edge.extras)}]" if edge.extras else ""
    version = "" if package.version is None else f" v{package.version}"
    kind = {_PLAIN: "", _EXTRA: f" (extra: {edge.item})", _GROUP: f" (group: {edge.item})"}[edge.kind]
    return f"{package.name}{extras}{version}{kind}"


def _key(package: Package) -> OrderKey:
    return package_key(package.name, package.version, package.source)
