"""Single tables of a lock to the nouns they state: names, sources, options, scopes, conflicts.

Each raises ValueError (of which the errors of versions and requirements are kinds) for what means nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal
from urllib.parse import parse_qsl

from lockflow.inputs.model import (
    Exclusion,
    Prerelease,
    Scope,
    StaticMetadata,
)
from lockflow.lock.model import (
    LockedCutoff,
    Options,
)
from lockflow.lock.tables import (
    CutoffTable,
    CutoffValue,
    ItemTable,
    Names,
    OptionsTable,
    PrereleaseText,
    ScopedExclusionTable,
    ScopeTable,
    SourceTable,
    StaticMetadataTable,
)
from lockflow.standards.names import is_valid_name, normalize_name
from lockflow.standards.python_range import python_range
from lockflow.standards.requirements import (
    Archive,
    ConflictItem,
    Directory,
    Git,
    LocalFile,
    RequiresPython,
    Source,
    parse_requirement,
)
from lockflow.standards.versions import Version

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")

_NORMALISED = re.compile(r"[a-z0-9](?:-?[a-z0-9])*")


def requires_python_of(text: str) -> RequiresPython:
    return RequiresPython(text=text, range=python_range(text))


def name_of(name: str) -> str:
    if _NORMALISED.fullmatch(name) is not None:
        return name
    if not is_valid_name(name):
        raise ValueError(f"{name!r} is not a valid name")
    return normalize_name(name)


def default_groups_of(groups: Names | Literal["all"] | None) -> Names | Literal["all"] | None:
    return tuple(sorted(map(name_of, groups))) if isinstance(groups, tuple) else groups


def conflict_item(table: ItemTable) -> ConflictItem:
    package = name_of(table.package)
    if table.extra is not None and table.group is None:
        return ConflictItem(package=package, kind="extra", name=name_of(table.extra))
    if table.group is not None and table.extra is None:
        return ConflictItem(package=package, kind="group", name=name_of(table.group))
    if table.extra is None and table.group is None:
        return ConflictItem(package=package, kind="project")
    raise ValueError(f"a conflicting item of {package} names both an extra and a group")


def conflict_sets(sets: Iterable[Iterable[ItemTable]]) -> tuple[tuple[ConflictItem, ...], ...]:
    return tuple(tuple(map(conflict_item, items)) for items in sets)


def options_of(table: OptionsTable) -> Options:
    cutoff = None
    if table.exclude_newer_span is not None:
        cutoff = LockedCutoff(span=table.exclude_newer_span)
    elif table.exclude_newer is not None:
        cutoff = LockedCutoff(timestamp=table.exclude_newer)
    return Options(
        resolution=table.resolution_mode,
        prerelease=_prerelease(table.prerelease_mode),
        fork_strategy=table.fork_strategy,
        cutoff=cutoff,
        prerelease_package=tuple(
            (name_of(name), _prerelease(mode)) for name, mode in sorted(table.prerelease_package.items())
        ),
        cutoff_package=tuple(
            (name_of(name), _package_cutoff(value)) for name, value in sorted(table.exclude_newer_package.items())
        ),
    )


def _prerelease(mode: PrereleaseText) -> Prerelease:
    # The longer word is an older spelling of the default.
    return Prerelease.IF_NECESSARY if mode == "if-necessary-or-explicit" else Prerelease(mode)


def _package_cutoff(value: CutoffValue) -> LockedCutoff | Literal[False]:
    if isinstance(value, str):
        return LockedCutoff(timestamp=value)
    if isinstance(value, CutoffTable):
        return LockedCutoff(timestamp=None if value.span is not None else value.timestamp, span=value.span)
    if value:
        raise ValueError("`exclude-newer-package` holds `true`; only `false` has a meaning")
    return False


def scope_of(table: ScopeTable) -> Scope:
    return Scope(name=name_of(table.name), version=None if table.version is None else Version.parse(table.version))


def exclusion_of(value: str | ScopedExclusionTable) -> Exclusion:
    if isinstance(value, str):
        return Exclusion(names=(name_of(value),))
    return Exclusion(scope=scope_of(value.package), names=tuple(map(name_of, value.dependencies)))


def static_metadata_of(table: StaticMetadataTable) -> StaticMetadata:
    return StaticMetadata(
        name=name_of(table.name),
        version=None if table.version is None else Version.parse(table.version),
        requires_dist=tuple(map(parse_requirement, table.requires_dist)),
        requires_python=table.requires_python,
        provides_extras=tuple(map(name_of, table.provides_extras)),
    )


def direct_source(table: SourceTable) -> Source | None:
    """Every kind of source but an index, which packages and requirements write differently."""
    if table.git is not None:
        return _git(table.git)
    if table.url is not None:
        return Archive(url=table.url, subdirectory=table.subdirectory)
    if table.path is not None:
        return LocalFile(path=table.path)
    if table.directory is not None:
        return Directory(path=table.directory)
    if table.editable is not None:
        return Directory(path=table.editable, install="editable")
    if table.virtual is not None:
        return Directory(path=table.virtual, install="virtual")
    return None


def _git(text: str) -> Git:
    address, _, commit = text.partition("#")
    url, _, query = address.partition("?")
    pairs = dict(parse_qsl(query, keep_blank_values=True))
    if commit and COMMIT.fullmatch(commit) is None:
        raise ValueError(f"the git source {text!r} has {commit!r} where a commit is expected")
    kind: Literal["branch", "tag", "rev"] | None = None
    for candidate in _REFERENCE_KINDS:
        if candidate in pairs:
            kind = candidate
    return Git(
        url=url,
        reference_kind=kind,
        reference=None if kind is None else pairs[kind],
        subdirectory=pairs.get("subdirectory"),
        path=pairs.get("path"),
        lfs=pairs.get("lfs") == "true",
        commit=commit or None,
    )


_REFERENCE_KINDS: tuple[Literal["branch", "tag", "rev"], ...] = ("branch", "tag", "rev")
