"""Entries to a requirements file with hashes and markers, as pip and uv read it.

The text is that of `uv export` line for line; only the header is our own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never
from urllib.parse import quote

from lockflow.lock.export.model import Entry
from lockflow.lock.model import Package
from lockflow.lock.order import OrderKey, package_key
from lockflow.standards.markers.render import render
from lockflow.standards.requirements import Archive, Directory, Git, LocalFile, Registry

_ALGORITHMS = ("md5", "sha256", "sha384", "sha512", "blake2b")


def as_requirements(
    entries: Iterable[Entry],
    *,
    header: Iterable[str] = (),
    has_hashes: bool = True,
    has_dependents: bool = True,
    is_editable: bool = True,
    not_editable: frozenset[str] = frozenset(),
) -> str:
    """Return the text of a requirements file; `header` are lines of comment or options that come first."""
    lines = list(header)
    for entry in sorted(entries, key=_order):
        package = entry.package
        text = requirement(package, is_editable=is_editable and package.name not in not_editable)
        if not text:
            continue
        marker = render(entry.marker)
        if marker is not None:
            text += f" ; {marker}"
        digests = hashes(package) if has_hashes else []
        lines.append(" \\\n".join([text, *(f"    --hash={digest}" for digest in digests)]))
        if has_dependents:
            lines.extend(_via(entry.dependents))
    return "".join(f"{line}\n" for line in lines)


def requirement(package: Package, *, is_editable: bool = True) -> str:
    """Return what is installed, in one line; empty for a project that is none of it."""
    match package.source:
        case Registry():
            return f"{package.name}=={package.version}"
        case Git() as git:
            return f"{package.name} @ {git_text(git)}"
        case Archive(url=url, subdirectory=subdirectory):
            return f"{package.name} @ {url}" + ("" if subdirectory is None else f"#subdirectory={subdirectory}")
        case LocalFile(path=path):
            return _place(path)
        case Directory(path=path, install=install):
            if install == "virtual":
                return ""
            return f"-e {_anchored(path)}" if install == "editable" and is_editable else _place(path)
        case _:
            assert_never(package.source)


def git_text(git: Git) -> str:
    """Return a pinned git source as a direct reference (PEP 508)."""
    fields = []
    if git.path is not None:
        fields.append(f"path={git.path}")
    if git.subdirectory is not None:
        fields.append(f"subdirectory={git.subdirectory}")
    if git.lfs:
        fields.append("lfs=true")
    fragment = f"#{'&'.join(fields)}" if fields else ""
    return f"git+{git.url}@{git.commit}{fragment}"


def hashes(package: Package) -> list[str]:
    """Return the hashes of all files of a package, by algorithm and digest."""
    found = [package.sdist.hash] if package.sdist is not None else []
    for wheel in package.wheels:
        found.append(wheel.hash)
        if wheel.zstd is not None:
            found.append(wheel.zstd.hash)
    return sorted((digest for digest in found if digest is not None), key=_hash_order)


def _hash_order(text: str) -> tuple[int, str]:
    algorithm, _, digest = text.partition(":")
    return (_ALGORITHMS.index(algorithm) if algorithm in _ALGORITHMS else len(_ALGORITHMS), digest)


def _via(dependents: tuple[str, ...]) -> list[str]:
    if len(dependents) == 1:
        return [f"    # via {dependents[0]}"]
    return ["    # via", *(f"    #   {name}" for name in dependents)] if dependents else []


def _place(path: str) -> str:
    return f"file://{quote(path)}" if path.startswith("/") else _anchored(path)


def _anchored(path: str) -> str:
    """Make a relative path one that nobody takes for a name."""
    first = path.partition("/")[0]
    return path if first in (".", "..", "") else f"./{path}"


def _order(entry: Entry) -> OrderKey:
    """Editable projects first, then other paths, then packages by name."""
    package = entry.package
    match package.source:
        case Directory(path=path, install="editable"):
            return (0, _path_key(path))
        case Directory(path=path, install="directory") | LocalFile(path=path):
            return (1, _path_key(path))
        case _:
            return (2, package_key(package.name, package.version, package.source))


def _path_key(path: str) -> tuple[tuple[int, str], ...]:
    """Order of paths: by part, where the root, this folder and the folder above come before names."""
    return tuple(({"": 0, ".": 1, "..": 2}.get(part, 3), part) for part in path.split("/"))
