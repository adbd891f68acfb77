"""The table `tool.uv.sources` to its entries, each checked by its kind (git, url, path, index, workspace)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from lockflow.inputs.paths import (
    normalise,
)
from lockflow.inputs.tables import Table, nearest
from lockflow.standards.markers.parse import MarkerSyntaxError, parse_marker
from lockflow.standards.markers.render import render
from lockflow.standards.markers.tree import TRUE, Marker
from lockflow.standards.names import normalize_name

Kind = Literal["git", "url", "path", "index", "workspace"]

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
        subdirectory=read_subdirectory(table.text("subdirectory")),
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


def read_subdirectory(text: str | None) -> str | None:
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
