"""The tables of a uv.lock as they stand in the file, read from its text (version 1, any revision).

Any TOML with the right keys is accepted, whatever its layout; unknown keys are ignored, as a later revision may add
some. What the texts in the tables mean is found out later.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from lockflow.errors import LockFileError
from lockflow.inputs.model import (
    ForkStrategy,
    Resolution,
)
from lockflow.lock.model import (
    LockedFile,
)

SUPPORTED_VERSION = 1

START_AFRESH = "restore the file from version control, or delete it and lock again"

Names = tuple[str, ...]


class SourceTable(Struct, rename="kebab"):
    registry: str | None = None
    git: str | None = None
    url: str | None = None
    subdirectory: str | None = None
    path: str | None = None
    directory: str | None = None
    editable: str | None = None
    virtual: str | None = None


class ItemTable(Struct):
    package: str
    extra: str | None = None
    group: str | None = None


class RequirementTable(SourceTable, rename="kebab", kw_only=True):
    name: str
    extras: Names = ()
    groups: Names = ()
    marker: str | None = None
    specifier: str = ""
    index: str | None = None
    conflict: ItemTable | None = None


class DependencyTable(Struct):
    name: str
    version: str | None = None
    source: SourceTable | None = None
    extra: Names = ()
    marker: str | None = None


class MetadataTable(Struct, rename="kebab"):
    requires_dist: list[RequirementTable] = []
    provides_extras: Names = ()
    requires_dev: dict[str, list[RequirementTable]] = {}
    dependency_groups: dict[str, list[RequirementTable]] = {}


class PackageTable(Struct, rename="kebab", kw_only=True):
    name: str
    version: str | None = None
    source: SourceTable
    default_groups: Names | Literal["all"] | None = None
    resolution_markers: list[str] = []
    dependencies: list[DependencyTable] = []
    optional_dependencies: dict[str, list[DependencyTable]] = {}
    dev_dependencies: dict[str, list[DependencyTable]] = {}
    dependency_groups: dict[str, list[DependencyTable]] = {}
    group_requires_python: dict[str, str] = {}
    sdist: LockedFile | None = None
    wheels: tuple[LockedFile, ...] = ()
    metadata: MetadataTable | None = None


class CutoffTable(Struct):
    timestamp: str | None = None
    span: str | None = None


CutoffValue = str | bool | CutoffTable

PrereleaseText = Literal["if-necessary", "allow", "disallow", "explicit", "if-necessary-or-explicit"]


class OptionsTable(Struct, rename="kebab"):
    resolution_mode: Resolution = Resolution.HIGHEST
    prerelease_mode: PrereleaseText = "if-necessary"
    fork_strategy: ForkStrategy = ForkStrategy.REQUIRES_PYTHON
    exclude_newer: str | None = None
    exclude_newer_span: str | None = None
    prerelease_package: dict[str, PrereleaseText] = {}
    exclude_newer_package: dict[str, CutoffValue] = {}


class ScopeTable(Struct):
    name: str
    version: str | None = None


class ScopedOverrideTable(Struct):
    package: ScopeTable
    dependencies: list[RequirementTable]


class ScopedExclusionTable(Struct):
    package: ScopeTable
    dependencies: Names


class StaticMetadataTable(Struct, rename="kebab"):
    name: str
    version: str | None = None
    requires_dist: list[str] = []
    requires_python: str | None = None
    provides_extras: Names = ()


class ManifestTable(Struct, rename="kebab"):
    members: Names = ()
    default_groups: Names | Literal["all"] | None = None
    requirements: list[RequirementTable] = []
    constraints: list[RequirementTable] = []
    overrides: list[dict[str, Any]] = []
    excludes: list[str | ScopedExclusionTable] = []
    build_constraints: list[RequirementTable] = []
    dependency_groups: dict[str, list[RequirementTable]] = {}
    group_requires_python: dict[str, str] = {}
    dependency_metadata: list[StaticMetadataTable] = []


class LockTable(Struct, rename="kebab", kw_only=True):
    version: int
    revision: Annotated[int, Meta(ge=0)] = 0
    requires_python: str
    resolution_markers: list[str] = []
    supported_markers: list[str] | None = None
    required_markers: list[str] | None = None
    conflicts: list[list[ItemTable]] = []
    options: OptionsTable = msgspec.field(default_factory=OptionsTable)
    manifest: ManifestTable = msgspec.field(default_factory=ManifestTable)
    package: list[PackageTable] = []


def tables_of(text: str, where: str) -> LockTable:
    """Read the tables of any TOML. Raises LockFileError for what is no lock of a version that is understood."""
    table = _read_toml(text, where)
    _check_version(table, where)
    if "package" not in table and "distribution" in table:
        table["package"] = table["distribution"]
    if "upload_time" in text:
        _rename_upload_times(table.get("package"))
    try:
        return msgspec.convert(table, LockTable)
    except msgspec.ValidationError as error:
        raise _malformed(table, error, where) from error


_BEGIN = r"^<{7}(?: .*)?\r?$"
_END = r"^>{7}(?: .*)?\r?$"
_MERGE_MARK = r"^(?:<{7}|\|{7}|={7}|>{7})(?: .*)?$"
_POSITION = r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$"


def _read_toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        mark = re.search(_MERGE_MARK, text, re.MULTILINE)
        if mark is not None:
            line = text.count("\n", 0, mark.start()) + 1
            has_sides = is_conflicted(text)
            raise LockFileError(
                f"the lock holds {'an unresolved merge conflict' if has_sides else 'a leftover of a merge conflict'}",
                where=f"{where}, line {line}",
                why=f"the line reads {mark[0]!r}",
                next="run plain `lockflow lock`: the versions of both sides are kept where they fit"
                if has_sides
                else f"delete the line if what it left is whole, else {START_AFRESH}",
            ) from error
        raise _not_toml(text, error, where) from error


def is_conflicted(text: str) -> bool:
    """Whether both marks of an unresolved merge stand in the text, so that it can be taken apart."""
    if "<<<<<<<" not in text:
        # The usual case, told in no time: looking for line beginnings goes through a lock a hundred times slower.
        return False
    return all(re.search(mark, text, re.MULTILINE) for mark in (_BEGIN, _END))


def _not_toml(text: str, error: Exception, where: str) -> LockFileError:
    match = re.match(_POSITION, str(error), re.DOTALL)
    if match is None:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        return LockFileError("the lock is not valid TOML", where=where, why=reason, next=START_AFRESH)
    if match[2] is None:
        what = "the lock ends too early"
        where = f"{where}, at its end"
        why = f"{match[1]}: it seems to have been cut off"
    else:
        what = "the lock is not valid TOML"
        line, column = int(match[2]), int(match[3])
        where = f"{where}, line {line}, column {column}"
        shown = (text.split("\n")[line - 1 : line] or [""])[0].rstrip("\r")
        start = max(0, column - 60)
        why = f"{match[1]}\n{shown[start : start + 100]}\n{' ' * (column - 1 - start)}^"
    return LockFileError(what, where=where, why=why, next=START_AFRESH)


def _check_version(table: Mapping[str, Any], where: str) -> None:
    version = table.get("version")
    if type(version) is int and version == SUPPORTED_VERSION:
        return
    if type(version) is int:
        raise LockFileError(
            f"the lock has version {version}, only version {SUPPORTED_VERSION} is supported",
            where=where,
            why="another major version may mean other things by the same keys",
            next="use a newer release of this program, or delete the lock and lock again",
        )
    why = "the key `version` is missing" if version is None else f"`version` is {version!r}, not a number"
    raise LockFileError("the file is not a lock", where=where, why=why, next=START_AFRESH)


def _rename_upload_times(packages: object) -> None:
    """Accept the spelling of revision 2 before uv 0.7."""
    if not isinstance(packages, list):
        return
    for package in packages:
        if not isinstance(package, dict):
            continue
        wheels = package.get("wheels")
        for file in (package.get("sdist"), *(wheels if isinstance(wheels, list) else ())):
            if isinstance(file, dict) and "upload_time" in file:
                file.setdefault("upload-time", file["upload_time"])


_PACKAGE_PATH = r"\$\.package\[(\d+)\]\.?(.*)"


def _malformed(table: Mapping[str, Any], error: Exception, where: str) -> LockFileError:
    reason, _, path = str(error).partition(" - at `")
    path = path.removesuffix("`")
    in_package = re.fullmatch(_PACKAGE_PATH, path, re.DOTALL)
    if in_package is not None:
        package = table["package"][int(in_package[1])]
        name = package.get("name") if isinstance(package, dict) else None
        label = f"package {name}" if isinstance(name, str) else f"package number {int(in_package[1]) + 1}"
        where = f"{where}, {label}" + (f", {in_package[2]}" if in_package[2] else "")
    elif path:
        where = f"{where}, {path.removeprefix('$.')}"
    return LockFileError("the lock is malformed", where=where, why=reason.replace("`", ""), next=START_AFRESH)
