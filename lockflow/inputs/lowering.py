"""Requirements as written to where each comes from: `tool.uv.sources` applied (PEP 508, 610).

A requirement whose sources are limited by markers becomes several: one for each source, and one for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct, field

from lockflow.inputs.model import Index
from lockflow.inputs.options import Credential, Place
from lockflow.inputs.paths import (
    InvalidURL,
    file_url_path,
    is_absolute,
    is_url,
    join,
    normalise,
    parse_url,
    shown_url,
)
from lockflow.inputs.sources import SourceEntry, Sources, read_subdirectory
from lockflow.inputs.tables import Faults
from lockflow.standards.markers.tree import FALSE, Marker
from lockflow.standards.requirements import (
    ANY,
    Archive,
    ConflictItem,
    Directory,
    Git,
    LocalFile,
    Registry,
    Requirement,
    Source,
)

Install = Literal["editable", "virtual", "directory"]

ARCHIVE_SUFFIXES = (
    ".whl", ".tar.gz", ".zip", ".tar.bz2", ".tar.lz", ".tar.lzma", ".tar.xz", ".tar.zst", ".tar", ".tbz", ".tgz",
    ".tlz", ".txz",
)  # fmt: skip
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class MemberPlace(Struct, frozen=True):
    """Where a member of the workspace is (as a lock writes it) and how it is installed."""

    path: str
    install: Install


class Scope(Struct, frozen=True):
    """What the requirements of one project (or of the root, or of a script) are lowered with."""

    file: str
    project: str | None
    place: Place
    sources: Sources
    indexes: Sequence[Index]
    root_place: Place
    root_sources: Sources
    root_indexes: Sequence[Index]
    members: Mapping[str, MemberPlace]
    in_workspace: bool
    kind_of: Callable[[str], Literal["file", "directory"] | None]
    other_workspace: Callable[[str], Mapping[str, MemberPlace] | None]
    environment: Mapping[str, str]
    faults: Faults
    credentials: list[Credential]
    no_sources: bool = False
    no_sources_package: frozenset[str] = frozenset()
    used_indexes: dict[str, Index] = field(default_factory=dict)
    """Indexes that sources named, by URL; filled while lowering."""


def lower(
    requirement: Requirement, scope: Scope, where: str, *, extra: str | None = None, group: str | None = None
) -> list[Requirement]:
    """The requirement with its sources applied; more than one where markers limit them.

    `extra` or `group` is where the requirement is declared; entries limited to another do not apply.
    """
    name = requirement.name
    if scope.no_sources or name in scope.no_sources_package:
        return _direct(requirement, scope, where)
    if name in scope.sources:
        entries, place = scope.sources[name], scope.place
    else:
        entries, place = scope.root_sources.get(name, ()), scope.root_place
    entries = tuple(
        entry
        for entry in entries
        if (entry.extra is None or entry.extra == extra) and (entry.group is None or entry.group == group)
    )
    _check_member(name, entries, scope, where)
    if not entries:
        return _direct(requirement, scope, where)
    lowered = []
    covered = FALSE
    for entry in entries:
        covered = covered | entry.marker
        marker = entry.marker & requirement.marker
        if marker.is_false:
            continue
        source = _source(entry, requirement, scope, place)
        if source is not None:
            lowered.append(_replaced(requirement, marker, source))
    rest = requirement.marker & ~covered
    if not rest.is_false:
        lowered += _direct(_replaced(requirement, rest, requirement.source), scope, where)
    return lowered


def _replaced(requirement: Requirement, marker: Marker, source: Source) -> Requirement:
    return Requirement(
        name=requirement.name, extras=requirement.extras, groups=requirement.groups, marker=marker, source=source
    )


def _check_member(name: str, entries: Sequence[SourceEntry], scope: Scope, where: str) -> None:
    if name not in scope.members or name == scope.project:
        return
    if entries and all(entry.kind == "workspace" for entry in entries):
        return
    kinds = {entry.kind for entry in entries} - {"workspace"}
    scope.faults.add(
        f"{name} is a member of the workspace, but " + (f"comes from its {min(kinds)}" if kinds else "has no source"),
        where=where,
        next=f"write {name} = {{ workspace = true }} in [tool.uv.sources]",
    )


def _source(entry: SourceEntry, requirement: Requirement, scope: Scope, place: Place) -> Source | None:
    match entry.kind:
        case "git":
            return _git(entry, scope)
        case "url":
            return _url(entry, scope)
        case "path":
            return _path(entry, scope, place)
        case "index":
            return _index(entry, requirement, scope)
        case "workspace":
            return _member(entry, requirement.name, scope, place)


def _git(entry: SourceEntry, scope: Scope) -> Source | None:
    url = _checked_url(entry.value.removeprefix("git+"), entry.where, scope)
    if url is None:
        return None
    scheme = url.partition(":")[0]
    if scheme not in ("https", "http", "ssh", "file"):
        what = f"git cannot be used over {scheme}"
        scope.faults.add(what, where=entry.where, next="use an https:, ssh: or file: URL")
        return None
    if entry.archive is not None and not entry.archive.endswith(ARCHIVE_SUFFIXES):
        _fault_suffix(entry.archive, entry.where, scope)
        return None
    return Git(
        url=url.partition("#")[0].partition("?")[0],
        reference_kind=entry.reference_kind,
        reference=entry.reference,
        subdirectory=entry.subdirectory,
        path=None if entry.archive is None else normalise(entry.archive),
        lfs=entry.lfs,
    )


def _url(entry: SourceEntry, scope: Scope) -> Source | None:
    if "#" in entry.value:
        what = f"the URL {shown_url(entry.value)} has a fragment"
        scope.faults.add(what, where=entry.where, next="remove it; a subdirectory has a key of its own")
        return None
    url = _checked_url(entry.value, entry.where, scope)
    if url is None or not _is_archive(url, entry.where, scope):
        return None
    if not url.startswith(("https:", "http:")):
        scheme = url.partition(":")[0]
        scope.faults.add(
            f"a url source cannot be a {scheme} URL", where=entry.where, next="use https, or a path source"
        )
        return None
    return Archive(url=url, subdirectory=entry.subdirectory)


def _checked_url(text: str, where: str, scope: Scope) -> str | None:
    """The URL without credentials, which are noted apart."""
    try:
        address = parse_url(text)
    except InvalidURL:
        scope.faults.add(
            f"{shown_url(text)} is not an absolute URL", where=where, next="write it like https://host/path"
        )
        return None
    if address.user is not None or address.password is not None:
        scope.credentials.append((address.url, address.user or "", address.password or ""))
    return address.url


def _is_archive(url: str, where: str, scope: Scope) -> bool:
    if url.partition("#")[0].partition("?")[0].endswith(ARCHIVE_SUFFIXES):
        return True
    _fault_suffix(url, where, scope)
    return False


def _fault_suffix(name: str, where: str, scope: Scope) -> None:
    scope.faults.add(
        f"{shown_url(name)} names no wheel or source distribution",
        where=where,
        why="its ending is none of " + ", ".join(ARCHIVE_SUFFIXES),
        next="point to a file with such an ending",
    )


def _path(entry: SourceEntry, scope: Scope, place: Place) -> Source | None:
    return _local(entry.value, entry.where, scope, place, editable=entry.editable, package=entry.package)


def _local(
    text: str, where: str, scope: Scope, place: Place, *, editable: bool | None = None, package: bool | None = None
) -> Source | None:
    absolute = join(place.folder, text)
    path = place.as_lock_path(text)
    kind = scope.kind_of(absolute)
    if kind is None:
        scope.faults.add(f"{text} does not exist", where=where, next="correct the path, relative to the file it is in")
        return None
    if kind == "directory":
        return Directory(path=path, install="virtual" if package is False else "editable" if editable else "directory")
    if editable:
        scope.faults.add(f"{text} is a file and cannot be editable", where=where, next="remove editable = true")
        return None
    if not path.endswith(ARCHIVE_SUFFIXES):
        _fault_suffix(text, where, scope)
        return None
    return LocalFile(path=path)


def _index(entry: SourceEntry, requirement: Requirement, scope: Scope) -> Source | None:
    for index in (*scope.indexes, *scope.root_indexes):
        if index.name == entry.value:
            scope.used_indexes.setdefault(index.url, index)
            specifiers = requirement.source.specifiers if isinstance(requirement.source, Registry) else ANY
            return Registry(specifiers=specifiers, index=index.url, conflict=_conflict(entry, scope))
    known = sorted({index.name for index in (*scope.indexes, *scope.root_indexes) if index.name is not None})
    scope.faults.add(
        f"no index is named {entry.value!r}",
        where=entry.where,
        why=f"pyproject.toml defines {', '.join(known) or 'no named index'}, and only those count for sources",
        next="add [[tool.uv.index]] with this name to pyproject.toml",
    )
    return None


def _conflict(entry: SourceEntry, scope: Scope) -> ConflictItem | None:
    if scope.project is None:
        return None
    if entry.extra is not None:
        return ConflictItem(package=scope.project, kind="extra", name=entry.extra)
    if entry.group is not None:
        return ConflictItem(package=scope.project, kind="group", name=entry.group)
    return None


def _member(entry: SourceEntry, name: str, scope: Scope, place: Place) -> Source | None:
    if not scope.in_workspace:
        scope.faults.add(f"a script has no workspace to find {name} in", where=entry.where, next="use a path source")
        return None
    members: Mapping[str, MemberPlace] | None = scope.members
    if entry.value:
        members = scope.other_workspace(join(place.folder, entry.value))
    if members is None or name not in members:
        what = f"{name} is not a member of the workspace" + (f" at {entry.value}" if entry.value else "")
        remedy = "add its folder to members in [tool.uv.workspace]"
        scope.faults.add(what, where=entry.where, next=remedy)
        return None
    member = members[name]
    if entry.value and entry.editable is False and member.install == "editable":
        return Directory(path=member.path)
    return Directory(path=member.path, install=member.install)


def _direct(requirement: Requirement, scope: Scope, where: str) -> list[Requirement]:
    """The requirement as written; a URL in it is checked and a `file:` URL becomes a path."""
    source = requirement.source
    if isinstance(source, Registry):
        return [requirement]
    lowered: Source | None
    if isinstance(source, Git):
        lowered = _direct_git(source, where, scope)
    elif isinstance(source, Archive):
        lowered = _direct_archive(source, where, scope)
    else:
        lowered = source
    return [] if lowered is None else [_replaced(requirement, requirement.marker, lowered)]


def _direct_git(source: Git, where: str, scope: Scope) -> Source | None:
    url = _checked_url(source.url, where, scope)
    if url is None:
        return None
    return Git(
        url=url.partition("?")[0],
        reference_kind=source.reference_kind,
        reference=source.reference,
        subdirectory=read_subdirectory(source.subdirectory),
        path=source.path,
        lfs=source.lfs,
        commit=source.commit,
    )


def _direct_archive(source: Archive, where: str, scope: Scope) -> Source | None:
    text = source.url
    if text.startswith("file:") or not is_url(text):
        expanded = _VARIABLE.sub(lambda match: _variable(match, scope), text)
        if expanded.startswith("file:"):
            # With the project's folder in it, the URL stays within the project and so does the path.
            path = file_url_path(expanded).removesuffix("/") or "/"
            root = scope.root_place.root
            inside = "${PROJECT_ROOT}" in text and (path == root or path.startswith(f"{root}/"))
            return _local(path[len(root) + 1 :] or "." if inside else path, where, scope, scope.root_place)
        if not is_absolute(expanded):
            scope.faults.add(
                f"{text!r} is not an absolute URL", where=where, next="use a path source in [tool.uv.sources]"
            )
            return None
        return _local(expanded, where, scope, scope.place)
    url = _checked_url(text, where, scope)
    if url is None or not _is_archive(url, where, scope):
        return None
    return Archive(url=url, subdirectory=read_subdirectory(source.subdirectory))


def _variable(match: re.Match[str], scope: Scope) -> str:
    if match[1] == "PROJECT_ROOT":
        return scope.root_place.root
    return scope.environment.get(match[1], match[0])


def check_limits(
    sources: Sources, extras: Mapping[str, Iterable[str]], groups: Mapping[str, Iterable[str]], faults: Faults
) -> None:
    """Note sources limited to an extra or group that does not exist or does not list the package.

    `extras` and `groups` map to the names of the packages they require.
    """
    for name, entries in sources.items():
        for entry in entries:
            limit, kind, known = (
                (entry.extra, "extra", extras) if entry.extra is not None else (entry.group, "group", groups)
            )
            if limit is None or name in known.get(limit, ()):
                continue
            faults.add(
                f"the source of {name} is limited to the {kind} {limit!r}, which "
                + ("does not require it" if limit in known else "does not exist"),
                where=entry.where,
                next=f"list {name} in that {kind}, or remove {kind} from the source",
            )
