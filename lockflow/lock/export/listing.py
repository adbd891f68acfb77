"""A lock to lines that are made to be compared: one a package, one an edge, one a file, in the order of the lock."""

from __future__ import annotations

from collections.abc import Iterable

from lockflow.lock.encode import source_text
from lockflow.lock.model import Dependency, Lock
from lockflow.standards.markers.render import render


def as_listing(lock: Lock) -> str:
    """Return a text of a lock that repeats the package on every line, so that a hunk of a diff says where it is."""
    lines = [f"lock: version {lock.version}, revision {lock.revision}, requires-python {lock.requires_python.text}"]
    for package in lock.packages:
        name = package.name if package.version is None else f"{package.name} {package.version}"
        lines.append(f"{name}: {source_text(package.source)}")
        lines += _edges(name, "requires", package.dependencies)
        for extra, dependencies in package.optional_dependencies:
            lines += _edges(name, f"extra {extra} requires", dependencies)
        for group, dependencies in package.dev_dependencies:
            lines += _edges(name, f"group {group} requires", dependencies)
        files = (*((package.sdist,) if package.sdist is not None else ()), *package.wheels)
        lines += [f"{name}: file {file.name or 'source'} {file.hash or 'without a hash'}" for file in files]
    return "".join(f"{line}\n" for line in lines)


def _edges(name: str, verb: str, dependencies: Iterable[Dependency]) -> list[str]:
    lines = []
    for dependency in dependencies:
        extras = f"[{','.join(dependency.extras)}]" if dependency.extras else ""
        version = "" if dependency.version is None else f" {dependency.version}"
        marker = render(dependency.printed)
        lines.append(f"{name}: {verb} {dependency.name}{extras}{version}" + (f" ; {marker}" if marker else ""))
    return lines
