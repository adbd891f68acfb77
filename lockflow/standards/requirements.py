"""Requirements: name, extras, and where the distribution comes from, under a marker (PEP 508).

The source kinds are words of their own because three rooms speak them: inputs (which lowers
`tool.uv.sources` into them), resolve and lock.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from lockflow.standards.markers.tree import TRUE, Marker
from lockflow.standards.python_range import PythonRange
from lockflow.standards.versions import Specifiers

ANY = Specifiers.parse("")


class ConflictItem(Struct, frozen=True, kw_only=True, order=True):
    """An extra or group of a package, or the package itself, that may not be active beside others."""

    package: str
    kind: Literal["extra", "group", "project"]
    name: str | None = None


class Registry(Struct, frozen=True, kw_only=True):
    """From an index: any version within `specifiers`; `index` is a URL where one is assigned explicitly."""

    specifiers: Specifiers = ANY
    index: str | None = None
    conflict: ConflictItem | None = None


class Git(Struct, frozen=True, kw_only=True):
    """A tree (or with `path` an archive) in a git repository. `url` has no credentials, no `git+`."""

    url: str
    reference_kind: Literal["branch", "tag", "rev"] | None = None
    reference: str | None = None
    subdirectory: str | None = None
    path: str | None = None
    lfs: bool = False
    commit: str | None = None


class Archive(Struct, frozen=True, kw_only=True):
    """A wheel or sdist at a URL; the fragment is removed, `subdirectory` kept apart."""

    url: str
    subdirectory: str | None = None


class LocalFile(Struct, frozen=True, kw_only=True):
    """A wheel or sdist on disk, relative to the folder of the lock."""

    path: str


class Directory(Struct, frozen=True, kw_only=True):
    """A source tree on disk, relative to the folder of the lock."""

    path: str
    install: Literal["directory", "editable", "virtual"] = "directory"


Source = Registry | Git | Archive | LocalFile | Directory


class Requirement(Struct, frozen=True, kw_only=True):
    """One requirement. `extras` keep the written order; names are normalised."""

    name: str
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    marker: Marker = TRUE
    source: Source = Registry()


class RequiresPython(Struct, frozen=True, kw_only=True):
    """`requires-python`: the specifiers as the lock prints them, and the bounding interval they mean."""

    text: str
    range: PythonRange
