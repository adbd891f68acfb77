"""`tool.uv.sources` to where each requirement comes from: parsing the table, then lowering requirements (PEP 508, 610).

A requirement whose sources are limited by markers becomes several: one for each source, and one for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Literal

from msgspec import Struct, field

from lockflow.inputs.model import Index
from lockflow.inputs.paths import (
    InvalidURL,
    file_url_path,
    is_absolute,
    is_url,
    join,
    normalise,
    parse_url,
)
from lockflow.inputs.settings import Credential, Place
from lockflow.inputs.tables import Faults, Table, nearest
from lockflow.standards.markers.parse import MarkerSyntaxError, parse_marker
from lockflow.standards.markers.render import render
from lockflow.standards.markers.tree import FALSE, TRUE, Marker
from lockflow.standards.names import normalize_name
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

Kind = Literal["git", "url", "path", "index", "workspace"]
Install = Literal["editable", "virtual", "directory"]

_KINDS: tuple[Kind, ...] = ("git", "url", "path", "index", "workspace")
_KEYS: dict[Kind, frozenset[str]] = {
    "git": frozenset(("git", "rev", "tag", "branch", "subdirectory", "path", "lfs")),
    "url": frozenset(("url", "subdirectory")),
    "path": frozenset(("path", "editable", "package", "subdirectory")),
    "index": frozenset(("index",)),
    "workspace": frozenset(("workspace", "editable")),
}
_LIMITS = frozenset(("marker", "extra", "group"))
_ALL_KEYS = frozenset().union(*_KEYS.values()) | _LIMITS
ARCHIVE_SUFFIXES = (
    ".whl", ".tar.gz", ".zip", ".tar.bz2", ".tar.lz", ".tar.lzma", ".tar.xz", ".tar.zst", ".tar", ".tbz", ".tgz",
    ".tlz", ".txz",
)  # fmt: skip
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class SourceEntry(Struct, frozen=True):
    """One entry of `tool.uv.sources`; `value` is the URL, path or name that its kind stands for."""

    kind: Kind
    value: str
    where: str
    marker: Marker = TRUE
    extra: str | None = None
    group: str | None = None
    reference_kind: Literal["branch", "tag", "rev"] | None = None
    reference: str | None = None
    subdirectory: str | None = None
    archive: str | None = None
    lfs: bool = False
    editable: bool | None = None
    package: bool | None = None


Sources = Mapping[str, tuple[SourceEntry, ...]]


def parse_sources(table: Table) -> dict[str, tuple[SourceEntry, ...]]:
    """`[tool.uv.sources]`: normalised name to its entries, in their order."""
    found: dict[str, tuple[SourceEntry, ...]] = {}
    for key, value in table.values.items():
        if not table.is_name(key, key):
            continue
        name = normalize_name(key)
        if name in found:
            table.fault(key, f"two sources are given for {name}", next="keep one of the spellings of the name")
        if isinstance(value, dict):
            entries = [_parse_entry(Table(table.document, f"{table.name}.{key}", value))]
        elif isinstance(value, list):
            entries = [_parse_entry(entry) for entry in table.tables(key)]
            if not value:
                table.fault(key, f"the list of sources of {name} is empty")
        else:
            table.fault(key, f"the source of {name} must be a table or a list of tables")
            continue
        known = tuple(entry for entry in entries if entry is not None)
        _check_disjoint(known, table, key)
        found[name] = known
    return found


def _parse_entry(table: Table) -> SourceEntry | None:
    for key in table.values:
        if key not in _ALL_KEYS:
            table.fault(key, f"a source has no {key}", next=f"use {nearest(key, _ALL_KEYS) or 'another key'}")
    kinds = [kind for kind in _KINDS if kind in table]
    if kinds == ["git", "path"]:
        kinds = ["git"]
    if len(kinds) != 1:
        what = f"a source is both {' and '.join(kinds)}" if kinds else "a source says nothing of where it is"
        table.fault("", what, next=f"give exactly one of {', '.join(_KINDS)}")
        return None
    kind = kinds[0]
    for key in table.values:
        if key in _ALL_KEYS and key not in _KEYS[kind] and key not in _LIMITS:
            table.fault(key, f"a source of kind {kind} has no {key}", next=f"remove {key}")
    references = [key for key in ("rev", "tag", "branch") if key in table]
    if len(references) > 1:
        table.fault("", f"a git source names {' and '.join(references)}", next="keep one of them")
    if "extra" in table and "group" in table:
        table.fault("", "a source is limited to an extra and a group", next="write two entries, one for each")
    editable, package = table.flag("editable"), table.flag("package")
    if editable and package is False:
        table.fault("", "a source is editable and not a package", next="remove editable or package = false")
    if kind == "git" and "path" in table and "subdirectory" in table:
        table.fault("", "a git source has both a subdirectory and a path", next="keep one of them")
    return SourceEntry(
        kind=kind,
        value=_value(table, kind),
        where=table.document.where(table.place()),
        marker=_marker(table),
        extra=_name(table, "extra"),
        group=_name(table, "group"),
        reference_kind=_reference_kind(references),
        reference=table.text(references[0]) if references else None,
        subdirectory=_subdirectory(table.text("subdirectory")),
        archive=table.text("path") if kind == "git" else None,
        lfs=table.flag("lfs") or False,
        editable=editable,
        package=package,
    )


def _value(table: Table, kind: Kind) -> str:
    if kind == "workspace" and isinstance(table.values[kind], bool):
        if not table.values[kind]:
            table.fault(kind, "workspace = false is not a source", next="remove the entry")
        return ""
    return table.text(kind) or ""


def _reference_kind(references: Sequence[str]) -> Literal["branch", "tag", "rev"] | None:
    match references[:1]:
        case ["branch"]:
            return "branch"
        case ["tag"]:
            return "tag"
        case ["rev"]:
            return "rev"
        case _:
            return None


def _name(table: Table, key: str) -> str | None:
    text = table.text(key)
    return None if text is None or not table.is_name(key, text) else normalize_name(text)


def _subdirectory(text: str | None) -> str | None:
    return None if text is None or normalise(text) == "." else normalise(text)


def _marker(table: Table) -> Marker:
    text = table.text("marker")
    if text is None:
        return TRUE
    marker = read_marker(text, table, "marker")
    return TRUE if marker is None else marker


def read_marker(text: str, table: Table, key: str) -> Marker | None:
    """A marker, or None after noting a fault."""
    try:
        return parse_marker(text)
    except MarkerSyntaxError as error:
        why = f"{error.message}\n{text}\n{' ' * error.position}^"
        table.fault(key, f"{text!r} is not a marker", needle=text, why=why)
        return None


def _check_disjoint(entries: Sequence[SourceEntry], table: Table, key: str) -> None:
    # uv compares neighbours only, and so must we: a list that it accepts has to be read.
    for left, right in pairwise(entries):
        if left.extra != right.extra or left.group != right.group or (left.marker & right.marker).is_false:
            continue
        if left.marker.is_true or right.marker.is_true:
            what = "each of several sources needs a marker"
            table.fault(key, what, next="add a marker like \"sys_platform == 'linux'\" to each")
            continue
        why = f"{render(left.marker)} and {render(right.marker)} hold together somewhere"
        rest = render(right.marker & ~left.marker)
        table.fault(key, "the markers of two sources overlap", why=why, next=f"write {rest} for the second")


# Lowering ------------------------------------------------------------------------------------------------------------


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
        what = f"the URL {_shown(entry.value)} has a fragment"
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
        scope.faults.add(f"{_shown(text)} is not an absolute URL", where=where, next="write it like https://host/path")
        return None
    if address.user is not None or address.password is not None:
        scope.credentials.append((address.url, address.user or "", address.password or ""))
    return address.url


def _shown(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    authority, slash, tail = rest.partition("/")
    return repr(f"{scheme}{separator}***@{authority.rpartition('@')[2]}{slash}{tail}" if "@" in authority else url)


def _is_archive(url: str, where: str, scope: Scope) -> bool:
    if url.partition("#")[0].partition("?")[0].endswith(ARCHIVE_SUFFIXES):
        return True
    _fault_suffix(url, where, scope)
    return False


def _fault_suffix(name: str, where: str, scope: Scope) -> None:
    scope.faults.add(
        f"{_shown(name)} names no wheel or source distribution",
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
        subdirectory=_subdirectory(source.subdirectory),
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
    return Archive(url=url, subdirectory=_subdirectory(source.subdirectory))


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
