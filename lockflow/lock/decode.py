"""Read the text of a uv.lock into a Lock (version 1, any revision).

Any TOML with the right keys is accepted, whatever its layout; unknown keys are ignored, as a later revision may add
some. What contradicts itself (an edge without its package, a wheel of another version) is refused.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta, Struct

from lockflow.errors import LockFileError
from lockflow.inputs.model import (
    Exclusion,
    ForkStrategy,
    Group,
    Override,
    Prerelease,
    Resolution,
    Scope,
    StaticMetadata,
)
from lockflow.lock.encode import encode
from lockflow.lock.environments import covered, widen
from lockflow.lock.layout import as_json
from lockflow.lock.model import (
    Dependency,
    Lock,
    LockedCutoff,
    LockedFile,
    LockManifest,
    Options,
    Package,
    PackageMetadata,
)
from lockflow.lock.order import package_key
from lockflow.standards.filenames import InvalidFilename, parse_wheel_name
from lockflow.standards.hashes import parse_hash
from lockflow.standards.markers.parse import MarkerSyntaxError, parse_marker
from lockflow.standards.markers.simplify import complexify_python
from lockflow.standards.markers.tree import TRUE, Marker
from lockflow.standards.markers.universal import UniversalMarker
from lockflow.standards.names import is_valid_name, normalize_name
from lockflow.standards.python_range import PythonRange, python_range
from lockflow.standards.requirements import (
    Archive,
    ConflictItem,
    Directory,
    Git,
    LocalFile,
    Registry,
    Requirement,
    RequiresPython,
    Source,
    parse_requirement,
)
from lockflow.standards.specifiers import Specifiers
from lockflow.standards.versions import Version

SUPPORTED_VERSION = 1
_START_AFRESH = "restore the file from version control, or delete it and lock again"

# What the tables hold -----------------------------------------------------------------------------------------------

Names = tuple[str, ...]


class _SourceTable(Struct, rename="kebab"):
    registry: str | None = None
    git: str | None = None
    url: str | None = None
    subdirectory: str | None = None
    path: str | None = None
    directory: str | None = None
    editable: str | None = None
    virtual: str | None = None


class _ItemTable(Struct):
    package: str
    extra: str | None = None
    group: str | None = None


class _RequirementTable(_SourceTable, rename="kebab", kw_only=True):
    name: str
    extras: Names = ()
    groups: Names = ()
    marker: str | None = None
    specifier: str = ""
    index: str | None = None
    conflict: _ItemTable | None = None


class _DependencyTable(Struct):
    name: str
    version: str | None = None
    source: _SourceTable | None = None
    extra: Names = ()
    marker: str | None = None


class _MetadataTable(Struct, rename="kebab"):
    requires_dist: list[_RequirementTable] = []
    provides_extras: Names = ()
    requires_dev: dict[str, list[_RequirementTable]] = {}
    dependency_groups: dict[str, list[_RequirementTable]] = {}


class _PackageTable(Struct, rename="kebab", kw_only=True):
    name: str
    version: str | None = None
    source: _SourceTable
    default_groups: Names | Literal["all"] | None = None
    resolution_markers: list[str] = []
    dependencies: list[_DependencyTable] = []
    optional_dependencies: dict[str, list[_DependencyTable]] = {}
    dev_dependencies: dict[str, list[_DependencyTable]] = {}
    dependency_groups: dict[str, list[_DependencyTable]] = {}
    group_requires_python: dict[str, str] = {}
    sdist: LockedFile | None = None
    wheels: tuple[LockedFile, ...] = ()
    metadata: _MetadataTable | None = None


class _CutoffTable(Struct):
    timestamp: str | None = None
    span: str | None = None


_CutoffValue = str | bool | _CutoffTable


_PrereleaseText = Literal["if-necessary", "allow", "disallow", "explicit", "if-necessary-or-explicit"]


class _OptionsTable(Struct, rename="kebab"):
    resolution_mode: Resolution = Resolution.HIGHEST
    prerelease_mode: _PrereleaseText = "if-necessary"
    fork_strategy: ForkStrategy = ForkStrategy.REQUIRES_PYTHON
    exclude_newer: str | None = None
    exclude_newer_span: str | None = None
    prerelease_package: dict[str, _PrereleaseText] = {}
    exclude_newer_package: dict[str, _CutoffValue] = {}


class _ScopeTable(Struct):
    name: str
    version: str | None = None


class _ScopedOverrideTable(Struct):
    package: _ScopeTable
    dependencies: list[_RequirementTable]


class _ScopedExclusionTable(Struct):
    package: _ScopeTable
    dependencies: Names


class _StaticMetadataTable(Struct, rename="kebab"):
    name: str
    version: str | None = None
    requires_dist: list[str] = []
    requires_python: str | None = None
    provides_extras: Names = ()


class _ManifestTable(Struct, rename="kebab"):
    members: Names = ()
    default_groups: Names | Literal["all"] | None = None
    requirements: list[_RequirementTable] = []
    constraints: list[_RequirementTable] = []
    overrides: list[dict[str, Any]] = []
    excludes: list[str | _ScopedExclusionTable] = []
    build_constraints: list[_RequirementTable] = []
    dependency_groups: dict[str, list[_RequirementTable]] = {}
    group_requires_python: dict[str, str] = {}
    dependency_metadata: list[_StaticMetadataTable] = []


class _LockTable(Struct, rename="kebab", kw_only=True):
    version: int
    revision: Annotated[int, Meta(ge=0)] = 0
    requires_python: str
    resolution_markers: list[str] = []
    supported_markers: list[str] | None = None
    required_markers: list[str] | None = None
    conflicts: list[list[_ItemTable]] = []
    options: _OptionsTable = msgspec.field(default_factory=_OptionsTable)
    manifest: _ManifestTable = msgspec.field(default_factory=_ManifestTable)
    package: list[_PackageTable] = []


# From text to tables ------------------------------------------------------------------------------------------------


def decode(text: str, where: str) -> Lock:
    """Read a lock; `where` names the file in messages.

    Raises LockFileError for what is no TOML, has another version, or contradicts itself.
    """
    lock = _read_usual_layout(text, where)
    if lock is not None:
        return lock
    return _Reader(where).lock(tables_of(text, where))


def tables_of(text: str, where: str) -> _LockTable:
    """Read the tables of any TOML. Raises LockFileError for what is no lock of a version that is understood."""
    table = _read_toml(text, where)
    _check_version(table, where)
    if "package" not in table and "distribution" in table:
        table["package"] = table["distribution"]
    if "upload_time" in text:
        _rename_upload_times(table.get("package"))
    try:
        return msgspec.convert(table, _LockTable)
    except msgspec.ValidationError as error:
        raise _malformed(table, error, where) from error


_LAYOUT = msgspec.json.Decoder(_LockTable)


def _read_usual_layout(text: str, where: str) -> Lock | None:
    """Read a lock that is laid out as we write it; None for any other, and for what is wrong in any way."""
    json = as_json(text)
    if json is None:
        return None
    try:
        table = _LAYOUT.decode(json)
        if table.version != SUPPORTED_VERSION:
            return None
        lock = _Reader(where).lock(table)
    except (msgspec.DecodeError, LockFileError, RecursionError):
        return None
    return lock if encode(lock) == text else None


_MERGE_MARK = re.compile(r"^(?:<{7}|\|{7}|={7}|>{7})(?: .*)?$", re.MULTILINE)
_POSITION = re.compile(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)


def _read_toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        mark = _MERGE_MARK.search(text)
        if mark is not None:
            line = text.count("\n", 0, mark.start()) + 1
            raise LockFileError(
                "the lock holds an unresolved merge conflict",
                where=f"{where}, line {line}",
                why=f"the line reads {mark[0]!r}",
                next="run plain `lockflow lock`: the versions of both sides are kept where they fit",
            ) from error
        raise _not_toml(text, error, where) from error


def _not_toml(text: str, error: Exception, where: str) -> LockFileError:
    match = _POSITION.match(str(error))
    if match is None:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        return LockFileError("the lock is not valid TOML", where=where, why=reason, next=_START_AFRESH)
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
    return LockFileError(what, where=where, why=why, next=_START_AFRESH)


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
    raise LockFileError("the file is not a lock", where=where, why=why, next=_START_AFRESH)


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


_PACKAGE_PATH = re.compile(r"\$\.package\[(\d+)\]\.?(.*)", re.DOTALL)


def _malformed(table: Mapping[str, Any], error: Exception, where: str) -> LockFileError:
    reason, _, path = str(error).partition(" - at `")
    path = path.removesuffix("`")
    in_package = _PACKAGE_PATH.fullmatch(path)
    if in_package is not None:
        package = table["package"][int(in_package[1])]
        name = package.get("name") if isinstance(package, dict) else None
        label = f"package {name}" if isinstance(name, str) else f"package number {int(in_package[1]) + 1}"
        where = f"{where}, {label}" + (f", {in_package[2]}" if in_package[2] else "")
    elif path:
        where = f"{where}, {path.removeprefix('$.')}"
    return LockFileError("the lock is malformed", where=where, why=reason.replace("`", ""), next=_START_AFRESH)


# From tables to the model -------------------------------------------------------------------------------------------

_Identity = tuple[str, Version | None, Source]
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_COMMON_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_NORMALISED = re.compile(r"[a-z0-9](?:-?[a-z0-9])*")


class _Reader:
    """The conversion of one lock; remembers what repeats on many packages."""

    __slots__ = ("_by_identity", "_by_name", "_environment", "_markers", "_python", "_registries", "_where", "_widened")

    def __init__(self, where: str) -> None:
        self._where = where
        self._python = PythonRange()
        self._environment: Marker
        self._markers: dict[str, Marker] = {}
        self._widened: dict[Marker, UniversalMarker] = {}
        self._registries: dict[str, Registry] = {}
        self._by_name: dict[str, list[_Identity]] = {}
        self._by_identity: set[_Identity] = set()

    def lock(self, table: _LockTable) -> Lock:
        requires_python = self._at("requires-python", _requires_python, table.requires_python)
        self._python = requires_python.range
        fork_markers = self._at("resolution-markers", self._forks, table.resolution_markers)
        self._environment = covered(self._python, fork_markers)
        identities = [
            self._at(f"package {package.name}", self._identity, package.name, package.version, package.source)
            for package in table.package
        ]
        for identity in identities:
            if identity in self._by_identity:
                raise self._contradiction(f"package {identity[0]}", "the same package is listed twice")
            self._by_identity.add(identity)
            self._by_name.setdefault(identity[0], []).append(identity)
        packages = [
            self._at(f"package {package.name}", self._package, package, identity)
            for package, identity in zip(table.package, identities, strict=True)
        ]
        packages.sort(key=lambda package: package_key(package.name, package.version, package.source))
        return Lock(
            version=table.version,
            revision=table.revision,
            requires_python=requires_python,
            fork_markers=fork_markers,
            supported_environments=self._at("supported-markers", self._environments, table.supported_markers),
            required_environments=self._at("required-markers", self._environments, table.required_markers),
            conflicts=self._at("conflicts", _conflicts, table.conflicts),
            options=self._at("options", _options, table.options),
            manifest=self._at("manifest", self._manifest, table.manifest),
            packages=tuple(packages),
        )

    def _at(self, part: str, read: Callable[..., _T], *values: object) -> _T:
        """Call `read`, and name the part of the lock in the error of what cannot be read."""
        try:
            return read(*values)
        except MarkerSyntaxError as error:
            raise self._contradiction(part, f"invalid marker: {error.message}") from error
        except ValueError as error:
            raise self._contradiction(part, str(error)) from error

    def _contradiction(self, part: str, why: str) -> LockFileError:
        return LockFileError("the lock is malformed", where=f"{self._where}, {part}", why=why, next=_START_AFRESH)

    def _marker(self, text: str | None) -> Marker:
        text = text or ""
        marker = self._markers.get(text)
        if marker is None:
            marker = self._markers[text] = parse_marker(text) if text else TRUE
        return marker

    def _forks(self, texts: Iterable[str]) -> tuple[UniversalMarker, ...]:
        return tuple(UniversalMarker.from_marker(complexify_python(self._marker(text), self._python)) for text in texts)

    def _environments(self, texts: Iterable[str] | None) -> tuple[Marker, ...] | None:
        if texts is None:
            return None
        return tuple(complexify_python(self._marker(text), self._python) for text in texts)

    # Packages

    def _identity(self, name: str, version: str | None, source: _SourceTable) -> _Identity:
        place = self._source(source)
        if version is None and not isinstance(place, Directory):
            raise ValueError("`version` is missing; only a source tree may do without")
        return (_name(name), None if version is None else Version.parse(version), place)

    def _source(self, table: _SourceTable) -> Source:
        if table.registry is not None:
            known = self._registries.get(table.registry)
            if known is None:
                known = self._registries[table.registry] = Registry(index=table.registry)
            return known
        source = _direct_source(table)
        if source is None:
            raise ValueError("`source` names no known kind of source")
        if isinstance(source, Git):
            if source.commit is None:
                raise ValueError(f"the git source {table.git!r} has no commit")
            if (
                source.reference_kind == "rev"
                and source.reference is not None
                and _COMMIT.fullmatch(source.reference) is not None
                and source.reference != source.commit
            ):
                raise ValueError(f"the git source {table.git!r} names two different commits")
        return source

    def _package(self, table: _PackageTable, identity: _Identity) -> Package:
        name, version, source = identity
        if table.sdist is not None:
            _check_hash(table.sdist, source)
        if table.wheels:
            _check_wheels(table.wheels, version, source)
        return Package(
            name=name,
            version=version,
            source=source,
            default_groups=_default_groups(table.default_groups),
            fork_markers=self._forks(table.resolution_markers),
            dependencies=self._dependencies(table.dependencies),
            optional_dependencies=self._dependency_tables(table.optional_dependencies),
            dev_dependencies=self._dependency_tables(table.dev_dependencies or table.dependency_groups),
            group_requires_python=tuple(sorted(table.group_requires_python.items())),
            sdist=table.sdist,
            wheels=table.wheels,
            metadata=None if table.metadata is None else self._metadata(table.metadata),
        )

    def _dependency_tables(
        self, tables: Mapping[str, Sequence[_DependencyTable]]
    ) -> tuple[tuple[str, tuple[Dependency, ...]], ...]:
        if not tables:
            return ()
        return tuple((_name(name), self._dependencies(table)) for name, table in sorted(tables.items()))

    def _dependencies(self, tables: Sequence[_DependencyTable]) -> tuple[Dependency, ...]:
        if not tables:
            return ()
        dependencies = tuple([self._dependency(table) for table in tables])
        if len(set(dependencies)) != len(dependencies):
            seen: set[Dependency] = set()
            twice = next(item.name for item in dependencies if item in seen or seen.add(item))  # type: ignore[func-returns-value]
            raise ValueError(f"the dependency on {twice} is listed twice")
        return dependencies

    def _dependency(self, table: _DependencyTable) -> Dependency:
        name, version, source = self._target(table)
        printed = self._marker(table.marker)
        marker = self._widened.get(printed)
        if marker is None:
            marker = self._widened[printed] = widen(printed, self._python, self._environment)
        extras = table.extra
        return Dependency(
            name=name,
            version=version,
            source=source,
            extras=tuple(sorted(map(_name, extras))) if extras else (),
            printed=printed,
            marker=marker,
        )

    def _target(self, table: _DependencyTable) -> _Identity:
        known = self._by_name.get(table.name) or self._by_name.get(_name(table.name))
        if known is None:
            raise ValueError(f"it depends on {table.name}, which the lock does not list")
        if table.version is None and table.source is None:
            if len(known) > 1:
                raise ValueError(f"it depends on {table.name}, of which the lock lists {len(known)} packages")
            return known[0]
        version = None if table.version is None else Version.parse(table.version)
        source = None if table.source is None else self._source(table.source)
        fitting = [
            identity
            for identity in known
            if (source is None or identity[2] == source)
            and (identity[1] == version or (version is None and len(known) == 1))
        ]
        if len(fitting) != 1:
            wanted = f"{table.name} {table.version or '(dynamic)'}"
            found = "of which several fit" if fitting else "which the lock does not list"
            raise ValueError(f"it depends on {wanted}, {found}")
        return fitting[0]

    def _metadata(self, table: _MetadataTable) -> PackageMetadata | None:
        groups = table.requires_dev or table.dependency_groups
        if not (table.requires_dist or table.provides_extras or groups):
            return None
        return PackageMetadata(
            requires_dist=self._requirements(table.requires_dist),
            provides_extras=tuple(map(_name, table.provides_extras)),
            requires_dev=tuple((_name(name), self._requirements(items)) for name, items in sorted(groups.items())),
        )

    # Requirements

    def _requirements(self, tables: Iterable[_RequirementTable]) -> tuple[Requirement, ...]:
        return tuple([self._requirement(table) for table in tables])

    def _requirement(self, table: _RequirementTable) -> Requirement:
        source = _direct_source(table)
        if source is None:
            conflict = None if table.conflict is None else _item(table.conflict)
            source = Registry(specifiers=Specifiers.parse(table.specifier), index=table.index, conflict=conflict)
        return Requirement(
            name=_name(table.name),
            extras=tuple(map(_name, table.extras)) if table.extras else (),
            groups=tuple(map(_name, table.groups)) if table.groups else (),
            marker=self._marker(table.marker),
            source=source,
        )

    def _manifest(self, table: _ManifestTable) -> LockManifest:
        return LockManifest(
            members=tuple(map(_name, table.members)),
            default_groups=_default_groups(table.default_groups),
            requirements=self._requirements(table.requirements),
            constraints=self._requirements(table.constraints),
            overrides=tuple(map(self._override, table.overrides)),
            exclusions=tuple(map(_exclusion, table.excludes)),
            build_constraints=self._requirements(table.build_constraints),
            groups=tuple(
                Group(name=_name(name), requirements=self._requirements(items))
                for name, items in sorted(table.dependency_groups.items())
            ),
            group_requires_python=tuple(sorted(table.group_requires_python.items())),
            static_metadata=tuple(map(_static_metadata, table.dependency_metadata)),
        )

    def _override(self, table: dict[str, Any]) -> Override:
        # A union of two table types cannot be told apart while converting the whole lock.
        if "package" in table:
            scoped = msgspec.convert(table, _ScopedOverrideTable)
            return Override(scope=_scope(scoped.package), requirements=self._requirements(scoped.dependencies))
        return Override(requirements=(self._requirement(msgspec.convert(table, _RequirementTable)),))


_T = TypeVar("_T")


def _requires_python(text: str) -> RequiresPython:
    return RequiresPython(text=text, range=python_range(text))


def _name(name: str) -> str:
    if _NORMALISED.fullmatch(name) is not None:
        return name
    if not is_valid_name(name):
        raise ValueError(f"{name!r} is not a valid name")
    return normalize_name(name)


def _default_groups(groups: Names | Literal["all"] | None) -> Names | Literal["all"] | None:
    return tuple(sorted(map(_name, groups))) if isinstance(groups, tuple) else groups


def _item(table: _ItemTable) -> ConflictItem:
    package = _name(table.package)
    if table.extra is not None and table.group is None:
        return ConflictItem(package=package, kind="extra", name=_name(table.extra))
    if table.group is not None and table.extra is None:
        return ConflictItem(package=package, kind="group", name=_name(table.group))
    if table.extra is None and table.group is None:
        return ConflictItem(package=package, kind="project")
    raise ValueError(f"a conflicting item of {package} names both an extra and a group")


def _conflicts(sets: Iterable[Iterable[_ItemTable]]) -> tuple[tuple[ConflictItem, ...], ...]:
    return tuple(tuple(map(_item, items)) for items in sets)


def _options(table: _OptionsTable) -> Options:
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
            (_name(name), _prerelease(mode)) for name, mode in sorted(table.prerelease_package.items())
        ),
        cutoff_package=tuple(
            (_name(name), _package_cutoff(value)) for name, value in sorted(table.exclude_newer_package.items())
        ),
    )


def _prerelease(mode: _PrereleaseText) -> Prerelease:
    # The longer word is an older spelling of the default.
    return Prerelease.IF_NECESSARY if mode == "if-necessary-or-explicit" else Prerelease(mode)


def _package_cutoff(value: _CutoffValue) -> LockedCutoff | Literal[False]:
    if isinstance(value, str):
        return LockedCutoff(timestamp=value)
    if isinstance(value, _CutoffTable):
        return LockedCutoff(timestamp=None if value.span is not None else value.timestamp, span=value.span)
    if value:
        raise ValueError("`exclude-newer-package` holds `true`; only `false` has a meaning")
    return False


def _scope(table: _ScopeTable) -> Scope:
    return Scope(name=_name(table.name), version=None if table.version is None else Version.parse(table.version))


def _exclusion(value: str | _ScopedExclusionTable) -> Exclusion:
    if isinstance(value, str):
        return Exclusion(names=(_name(value),))
    return Exclusion(scope=_scope(value.package), names=tuple(map(_name, value.dependencies)))


def _static_metadata(table: _StaticMetadataTable) -> StaticMetadata:
    return StaticMetadata(
        name=_name(table.name),
        version=None if table.version is None else Version.parse(table.version),
        requires_dist=tuple(map(parse_requirement, table.requires_dist)),
        requires_python=table.requires_python,
        provides_extras=tuple(map(_name, table.provides_extras)),
    )


def _direct_source(table: _SourceTable) -> Source | None:
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
    if commit and _COMMIT.fullmatch(commit) is None:
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


def _check_hash(file: LockedFile, source: Source) -> None:
    if file.hash is None:
        if isinstance(source, Archive | LocalFile):
            raise ValueError("a file from a URL or path has no hash")
    elif _COMMON_HASH.fullmatch(file.hash) is None:
        parse_hash(file.hash)


def _check_wheels(wheels: Iterable[LockedFile], version: Version | None, source: Source) -> None:
    expected = "" if version is None else f"-{version.text}-"
    is_loose = version is None
    for wheel in wheels:
        _check_hash(wheel, source)
        location = wheel.url or wheel.path or wheel.filename
        if location is None:
            raise ValueError("a wheel has neither `url` nor `path` nor `filename`")
        filename = location.rpartition("/")[2]
        if not is_loose and expected in filename and filename.endswith(".whl") and 4 <= filename.count("-") <= 5:
            continue
        try:
            parsed = parse_wheel_name(wheel.name)
        except InvalidFilename as error:
            raise ValueError(f"invalid wheel file name: {error}") from error
        if version is not None and parsed.version not in (version, version.without_local()):
            raise ValueError(f"the wheel {wheel.name} is of version {parsed.version}, the package of {version}")
