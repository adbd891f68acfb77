"""A lock and a wish to the packages that are installed, each with the one marker under which it is.

Markers are those that the lock prints on its edges: they hold within its requires-python. Where extras or groups
conflict, what is asked for decides; no conflict item is left in a marker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from lockflow.lock.export.model import Entry, Wish
from lockflow.lock.export.roots import by_name, members, required_marker, roots
from lockflow.lock.model import Dependency, Lock, Package
from lockflow.lock.order import package_key
from lockflow.standards.markers.partial import substitute
from lockflow.standards.markers.simplify import simplify_python
from lockflow.standards.markers.tree import FALSE, TRUE, Marker
from lockflow.standards.markers.universal import encode_conflict
from lockflow.standards.requirements import Directory, LocalFile, Requirement

_Items = dict[str, Marker]
"""The conflict items that are on, and where: all others are off."""


def entries(lock: Lock, wish: Wish) -> tuple[Entry, ...]:
    """List what is installed for `wish`, by name, version and source; its names exist (see `roots.check`)."""
    graph = _Graph(lock, wish)
    markers = graph.reach()
    found = []
    for (index, extra), marker in markers.items():
        if extra is not None:
            continue
        package = lock.packages[index]
        if marker is FALSE or not _is_told(package, lock, wish):
            continue
        dependents = tuple(sorted({lock.packages[at].name for at in graph.dependents.get(index, ())}))
        found.append(Entry(package=package, marker=marker, dependents=dependents))
    found.sort(key=lambda entry: package_key(entry.package.name, entry.package.version, entry.package.source))
    return tuple(found)


def _is_told(package: Package, lock: Lock, wish: Wish) -> bool:
    if package.name in wish.left_out or (wish.without_project and package.name == wish.project):
        return False
    if wish.without_workspace and (package.name == wish.project or package.name in members(lock)):
        return False
    return not (wish.without_local and isinstance(package.source, Directory | LocalFile))


@dataclass(frozen=True, slots=True)
class _Edge:
    """An edge that is walked, and the extras of the target that are asked for on it."""

    target: int
    marker: Marker
    extras: tuple[str, ...] = ()


_Node = tuple[int, str | None]
"""A package by its index, or one of its extras."""
_ROOT: _Node = (-1, None)


class _Graph:
    """What the wish leads to: `edges` by parent in the order in which they are found."""

    def __init__(self, lock: Lock, wish: Wish) -> None:
        self._lock = lock
        self._wish = wish
        self._indices = {
            (package.name, package.version, package.source): at for at, package in enumerate(lock.packages)
        }
        self._queue: deque[_Node] = deque()
        self._seen: set[_Node] = set()
        self.edges: dict[_Node, list[_Edge]] = {_ROOT: []}
        self.dependents: dict[int, list[int]] = {}
        self.items: _Items = {}
        self._start()
        self._walk()

    def _start(self) -> None:
        for package in roots(self._lock, self._wish):
            if package.name not in self._wish.prune:
                self._start_at(package)
        requirements: list[Requirement] = []
        if self._wish.is_whole:
            requirements.extend(self._lock.manifest.requirements)
            for group in self._lock.manifest.groups:
                if self._wish.has_group(group.name):
                    requirements.extend(group.requirements)
        known = by_name(self._lock) if requirements else {}
        for requirement in requirements:
            for package in known.get(requirement.name, ()) if requirement.name not in self._wish.prune else ():
                marker = required_marker(requirement, package)
                if marker is not FALSE:
                    at = self._index(package)
                    marker = simplify_python(marker, self._lock.requires_python.range)
                    self._add(_ROOT, _Edge(at, marker, requirement.extras))
                    self._follow(at, requirement.extras)

    def _start_at(self, package: Package) -> None:
        wish, at = self._wish, self._index(package)
        if wish.is_production:
            self.items[encode_conflict(package.name, "project", None)] = TRUE
            self._add(
                _ROOT, _Edge(at, TRUE, tuple(name for name, _ in package.optional_dependencies if wish.has_extra(name)))
            )
            self._queue.append((at, None))
            for extra, _ in package.optional_dependencies:
                if wish.has_extra(extra):
                    self._queue.append((at, extra))
                    self.items[encode_conflict(package.name, "extra", extra)] = TRUE
        for group, dependencies in package.dev_dependencies:
            if not wish.has_group(group):
                continue
            if dependencies:
                self.items[encode_conflict(package.name, "group", group)] = TRUE
            for dependency, target in self._targets(dependencies):
                self._add(_ROOT, _Edge(target, dependency.printed, dependency.extras))
                self._follow(target, dependency.extras)

    def _walk(self) -> None:
        while self._queue:
            at, extra = self._queue.popleft()
            package = self._lock.packages[at]
            dependencies = package.dependencies
            if extra is not None:
                dependencies = dict(package.optional_dependencies).get(extra, ())
            for dependency, target in self._targets(dependencies):
                self._add((at, extra), _Edge(target, dependency.printed, dependency.extras))
                self.dependents.setdefault(target, []).append(at)
                self._follow(target, dependency.extras)

    def _targets(self, dependencies: tuple[Dependency, ...]) -> Iterator[tuple[Dependency, int]]:
        for dependency in dependencies:
            at = self._indices.get((dependency.name, dependency.version, dependency.source))
            if at is not None and dependency.name not in self._wish.prune:
                yield dependency, at

    def _index(self, package: Package) -> int:
        return self._indices[package.name, package.version, package.source]

    def _add(self, parent: _Node, edge: _Edge) -> None:
        self.edges.setdefault(parent, []).append(edge)

    def _follow(self, at: int, extras: tuple[str, ...]) -> None:
        for extra in (None, *extras):
            if (at, extra) not in self._seen:
                self._seen.add((at, extra))
                self._queue.append((at, extra))

    def reach(self) -> dict[_Node, Marker]:
        """Carry markers along the edges until nothing changes."""
        has_conflicts = bool(self._lock.conflicts)
        where: dict[_Node, Marker] = {_ROOT: _supported(self._lock)}
        on: dict[_Node, _Items] = {_ROOT: self.items}
        waiting = [_ROOT]
        while waiting:
            parent = waiting.pop()
            for edge in self.edges.get(parent, ()):
                marker = substitute(edge.marker, on[parent]) if has_conflicts else edge.marker
                onward = where[parent] & marker
                for extra in (None, *edge.extras):
                    node = (edge.target, extra)
                    has_changed = has_conflicts and self._pass_on(on, parent, node, onward)
                    together = where.get(node, FALSE) | onward
                    if has_changed or node not in where or together is not where[node]:
                        where[node] = together
                        waiting.append(node)
        del where[_ROOT]
        return where

    def _pass_on(self, on: dict[_Node, _Items], parent: _Node, node: _Node, marker: Marker) -> bool:
        """Tell a node which items are on where it is reached by an edge; returns whether that is news."""
        passed = {item: condition & marker for item, condition in on[parent].items()}
        at, extra = node
        if extra is not None:
            passed[encode_conflict(self._lock.packages[at].name, "extra", extra)] = marker
        known = on.setdefault(node, {})
        has_changed = False
        for item, condition in passed.items():
            together = known.get(item, FALSE) | condition
            has_changed |= together is not known.get(item)
            known[item] = together
        return has_changed


def _supported(lock: Lock) -> Marker:
    """Return where the lock holds at all: in the declared environments, where there are any."""
    if not lock.supported_environments:
        return TRUE
    marker = FALSE
    for environment in lock.supported_environments:
        marker |= environment
    return simplify_python(marker, lock.requires_python.range)
