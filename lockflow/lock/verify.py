"""Compare what a Lock says of the packages of indexes with what the indexes say: names, versions, files and edges.

Files that an index has beyond those of the lock are no difference: they may have come later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from lockflow.index.model import Absent, Listing, Release
from lockflow.inputs.model import Manifest
from lockflow.lock.environments import covered
from lockflow.lock.locked_files import local_path
from lockflow.lock.model import Dependency, Lock, LockedFile, Package
from lockflow.standards.hashes import parse_hash
from lockflow.standards.markers.render import render
from lockflow.standards.markers.simplify import simplify_python, without_extras
from lockflow.standards.markers.tree import FALSE, Marker, implies, is_disjoint
from lockflow.standards.python_range import PythonRange
from lockflow.standards.requirements import Directory, Registry, Requirement


class Difference(Struct, frozen=True, kw_only=True):
    """What a lock says otherwise than the index, in words. `kind`: `version`, `file`, `url`, `hash`, `size`, `edge`."""

    package: str
    version: str
    kind: str
    text: str


Node = tuple[int, str]
"""A package by its place in the lock, and one of its extras; empty for the package proper."""


def difference(package: Package, kind: str, text: str) -> Difference:
    return Difference(package=package.name, version=str(package.version or ""), kind=kind, text=text)


# Files --------------------------------------------------------------------------------------------------------------


def file_differences(package: Package, listing: Listing | Absent) -> Iterator[Difference]:
    """Compare version and files of a package from an index with its page there."""
    assert isinstance(package.source, Registry)
    index = package.source.index
    if isinstance(listing, Absent):
        reason = f": {listing.reason}" if listing.reason else ""
        yield difference(package, "version", f"{index} does not list {package.name}{reason}")
        return
    release = release_of(package, listing)
    if release is None:
        yield difference(package, "version", f"{index} has no version {package.version} of {package.name}")
        return
    files = {file.filename: file for file in release.files}
    for locked in _files(package):
        listed = files.get(locked.name)
        if listed is None:
            yield difference(package, "file", f"{index} does not list the file {locked.name}")
            continue
        place = listed.url if locked.url is not None else local_path(listed.url, index or "")
        if place != (locked.url if locked.url is not None else locked.path):
            text = f"{locked.name} is at {place}, the lock has {locked.url or locked.path}"
            yield difference(package, "url", text)
        pair = None if locked.hash is None else parse_hash(locked.hash)
        known = dict(listed.hashes)
        if pair is not None and known and known.get(pair[0], pair[1]) != pair[1]:
            text = f"{locked.name} has the {pair[0]} {known[pair[0]]}, the lock has {pair[1]}"
            yield difference(package, "hash", text)
        elif pair is not None and known and pair[0] not in known:
            yield difference(package, "hash", f"{index} gives no {pair[0]} of {locked.name}, the lock does")
        if None not in (locked.size, listed.size) and locked.size != listed.size:
            text = f"{locked.name} has {listed.size} bytes, the lock has {locked.size}"
            yield difference(package, "size", text)


def release_of(package: Package, listing: Listing) -> Release | None:
    return next((release for release in listing.releases if release.version == package.version), None)


def _files(package: Package) -> Sequence[LockedFile]:
    return (*package.wheels, *((package.sdist,) if package.sdist is not None else ()))


# Edges --------------------------------------------------------------------------------------------------------------


def reach(lock: Lock, manifest: Manifest) -> dict[Node, Marker]:
    """Where each package, and each of its extras, is asked for at all, as the edges of the lock lead there."""
    everywhere = covered(lock.requires_python.range, lock.fork_markers)
    places = {(package.name, package.version, package.source): at for at, package in enumerate(lock.packages)}
    members = {member.name for member in manifest.members}
    found: dict[Node, Marker] = {}
    todo: list[Node] = []

    def add(node: Node, marker: Marker) -> None:
        known = found.get(node, FALSE)
        if not implies(marker, known):
            found[node] = known | marker
            todo.append(node)

    asked = {
        entry.name: entry for entry in (*manifest.requirements, *(r for g in manifest.groups for r in g.requirements))
    }
    for at, package in enumerate(lock.packages):
        if package.name in members and isinstance(package.source, Directory):
            add((at, ""), everywhere)
            for extra, _ in package.optional_dependencies:
                add((at, extra), everywhere)
        elif package.name in asked:
            for extra in ("", *(extra for extra, _ in package.optional_dependencies)):
                add((at, extra), everywhere)
    while todo:
        node = todo.pop()
        at, extra = node
        package = lock.packages[at]
        edges = list(edges_of(package, extra))
        if not extra and package.name in members:
            edges += [edge for _, group in package.dev_dependencies for edge in group]
        for edge in edges:
            target = places.get((edge.name, edge.version, edge.source))
            if target is None:
                continue
            marker = edge.marker.environment & found[node]
            for wanted in ("", *edge.extras):
                add((target, wanted), marker)
    return found


def edges_of(package: Package, extra: str) -> Sequence[Dependency]:
    return dict(package.optional_dependencies).get(extra, ()) if extra else package.dependencies


def edge_differences(
    lock: Lock, package: Package, extra: str, requirements: Iterable[Requirement], within: Marker
) -> Iterator[Difference]:
    """Compare the edges of a package, or of one extra of it, with its requirements, which overrides were applied to.

    `within` is where the package is asked for. Only environments that the lock covers count.
    """
    label = f"{package.name}[{extra}]" if extra else package.name
    python = lock.requires_python.range
    asked: dict[str, list[tuple[Requirement, Marker]]] = {}
    for requirement in requirements:
        condition = without_extras(requirement.marker) & within
        if condition is not FALSE and requirement.name != package.name:
            asked.setdefault(requirement.name, []).append((requirement, condition))
    edges: dict[str, list[Dependency]] = {}
    for edge in edges_of(package, extra):
        edges.setdefault(edge.name, []).append(edge)
    for name, found in edges.items():
        if name == package.name:
            continue
        if name not in asked:
            yield difference(package, "edge", f"{label} does not depend on {name}, the lock says so")
            continue
        union = _union(condition for _, condition in asked[name])
        for edge in found:
            if not implies(edge.marker.environment & within, union):
                text = f"{label} depends on {name} only {_where(union, python)}, the lock says more"
                yield difference(package, "edge", text)
    for name, entries in asked.items():
        union = _union(edge.marker.environment for edge in edges.get(name, ()))
        for requirement, condition in entries:
            if not implies(condition, union):
                text = f"{label} depends on {name} {_where(condition, python)}, the lock leaves that out"
                yield difference(package, "edge", text)
                break
            yield from _bounds(package, label, requirement, condition, edges[name])


def _bounds(
    package: Package, label: str, requirement: Requirement, condition: Marker, edges: Iterable[Dependency]
) -> Iterator[Difference]:
    source = requirement.source
    for edge in edges:
        version = edge.version
        if version is None or not isinstance(source, Registry) or is_disjoint(edge.marker.environment, condition):
            continue
        admitted = source.specifiers.range
        if isinstance(edge.source, Registry) and not (
            admitted.contains(version) or admitted.contains(version.without_local())
        ):
            text = f"{label} asks for {requirement.name}{source.specifiers}, the lock gives it {version}"
            yield difference(package, "edge", text)


def _union(markers: Iterable[Marker]) -> Marker:
    union = FALSE
    for marker in markers:
        union = union | marker
    return union


def _where(marker: Marker, python: PythonRange) -> str:
    text = render(simplify_python(marker, python))
    return "everywhere" if text is None else f"where {text}"


def missing_nodes(lock: Lock, found: Mapping[Node, Marker]) -> Iterator[Difference]:
    """Packages that nothing in the lock leads to."""
    for at, package in enumerate(lock.packages):
        if (at, "") not in found:
            yield difference(
                package, "edge", f"nothing in the lock asks for {package.name} {package.version or ''}".rstrip()
            )
