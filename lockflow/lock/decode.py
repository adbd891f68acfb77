"""Read the text of a uv.lock into a Lock (version 1, any revision).

What contradicts itself (an edge without its package, a wheel of another version) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec

from lockflow.errors import LockFileError
from lockflow.inputs.model import (
    Group,
    Override,
)
from lockflow.lock.encode import encode
from lockflow.lock.environments import covered, widen
from lockflow.lock.from_tables import (
    COMMIT,
    conflict_item,
    conflict_sets,
    default_groups_of,
    direct_source,
    exclusion_of,
    name_of,
    options_of,
    requires_python_of,
    scope_of,
    static_metadata_of,
)
from lockflow.lock.layout import as_json
from lockflow.lock.model import (
    Dependency,
    Lock,
    LockedFile,
    LockManifest,
    Package,
    PackageMetadata,
)
from lockflow.lock.order import package_key
from lockflow.lock.tables import (
    START_AFRESH,
    SUPPORTED_VERSION,
    DependencyTable,
    LockTable,
    ManifestTable,
    MetadataTable,
    PackageTable,
    RequirementTable,
    ScopedOverrideTable,
    SourceTable,
    tables_of,
)
from lockflow.standards.filenames import InvalidFilename, parse_wheel_name
from lockflow.standards.hashes import parse_hash
from lockflow.standards.markers.parse import MarkerSyntaxError, parse_marker
from lockflow.standards.markers.simplify import complexify_python
from lockflow.standards.markers.tree import TRUE, Marker
from lockflow.standards.markers.universal import UniversalMarker
from lockflow.standards.python_range import PythonRange
from lockflow.standards.requirements import (
    Archive,
    Directory,
    Git,
    LocalFile,
    Registry,
    Requirement,
    Source,
)
from lockflow.standards.specifiers import Specifiers
from lockflow.standards.versions import Version


def decode(text: str, where: str) -> Lock:
    """Read a lock; `where` names the file in messages.

    Raises LockFileError for what is no TOML, has another version, or contradicts itself.
    """
    lock = _read_usual_layout(text, where)
    if lock is not None:
        return lock
    return _Reader(where).lock(tables_of(text, where))


@cache
def _layout() -> msgspec.json.Decoder[LockTable]:
    """Made when there is a lock to read: a hundredth of a run that makes the first one."""
    return msgspec.json.Decoder(LockTable)


def _read_usual_layout(text: str, where: str) -> Lock | None:
    """Read a lock that is laid out as we write it; None for any other, and for what is wrong in any way."""
    json = as_json(text)
    if json is None:
        return None
    try:
        table = _layout().decode(json)
        if table.version != SUPPORTED_VERSION:
            return None
        lock = _Reader(where).lock(table)
    except (msgspec.DecodeError, LockFileError, RecursionError):
        return None
    return lock if encode(lock) == text else None


# From tables to the model -------------------------------------------------------------------------------------------

_Identity = tuple[str, Version | None, Source]
_COMMON_HASH = re.compile(r"sha256:[0-9a-f]{64}")


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

    def lock(self, table: LockTable) -> Lock:
        requires_python = self._at("requires-python", requires_python_of, table.requires_python)
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
            conflicts=self._at("conflicts", conflict_sets, table.conflicts),
            options=self._at("options", options_of, table.options),
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
        return LockFileError("the lock is malformed", where=f"{self._where}, {part}", why=why, next=START_AFRESH)

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

    def _identity(self, name: str, version: str | None, source: SourceTable) -> _Identity:
        place = self._source(source)
        if version is None and not isinstance(place, Directory):
            raise ValueError("`version` is missing; only a source tree may do without")
        return (name_of(name), None if version is None else Version.parse(version), place)

    def _source(self, table: SourceTable) -> Source:
        if table.registry is not None:
            known = self._registries.get(table.registry)
            if known is None:
                known = self._registries[table.registry] = Registry(index=table.registry)
            return known
        source = direct_source(table)
        if source is None:
            raise ValueError("`source` names no known kind of source")
        if isinstance(source, Git):
            if source.commit is None:
                raise ValueError(f"the git source {table.git!r} has no commit")
            if (
                source.reference_kind == "rev"
                and source.reference is not None
                and COMMIT.fullmatch(source.reference) is not None
                and source.reference != source.commit
            ):
                raise ValueError(f"the git source {table.git!r} names two different commits")
        return source

    def _package(self, table: PackageTable, identity: _Identity) -> Package:
        name, version, source = identity
        if table.sdist is not None:
            _check_hash(table.sdist, source)
        if table.wheels:
            _check_wheels(table.wheels, version, source)
        return Package(
            name=name,
            version=version,
            source=source,
            default_groups=default_groups_of(table.default_groups),
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
        self, tables: Mapping[str, Sequence[DependencyTable]]
    ) -> tuple[tuple[str, tuple[Dependency, ...]], ...]:
        if not tables:
            return ()
        return tuple((name_of(name), self._dependencies(table)) for name, table in sorted(tables.items()))

    def _dependencies(self, tables: Sequence[DependencyTable]) -> tuple[Dependency, ...]:
        if not tables:
            return ()
        dependencies = tuple([self._dependency(table) for table in tables])
        if len(set(dependencies)) != len(dependencies):
            seen: set[Dependency] = set()
            twice = next(item.name for item in dependencies if item in seen or seen.add(item))  # type: ignore[func-returns-value]
            raise ValueError(f"the dependency on {twice} is listed twice")
        return dependencies

    def _dependency(self, table: DependencyTable) -> Dependency:
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
            extras=tuple(sorted(map(name_of, extras))) if extras else (),
            printed=printed,
            marker=marker,
        )

    def _target(self, table: DependencyTable) -> _Identity:
        known = self._by_name.get(table.name) or self._by_name.get(name_of(table.name))
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

    def _metadata(self, table: MetadataTable) -> PackageMetadata | None:
        groups = table.requires_dev or table.dependency_groups
        if not (table.requires_dist or table.provides_extras or groups):
            return None
        return PackageMetadata(
            requires_dist=self._requirements(table.requires_dist),
            provides_extras=tuple(map(name_of, table.provides_extras)),
            requires_dev=tuple((name_of(name), self._requirements(items)) for name, items in sorted(groups.items())),
        )

    # Requirements

    def _requirements(self, tables: Iterable[RequirementTable]) -> tuple[Requirement, ...]:
        return tuple([self._requirement(table) for table in tables])

    def _requirement(self, table: RequirementTable) -> Requirement:
        source = direct_source(table)
        if source is None:
            conflict = None if table.conflict is None else conflict_item(table.conflict)
            source = Registry(specifiers=Specifiers.parse(table.specifier), index=table.index, conflict=conflict)
        return Requirement(
            name=name_of(table.name),
            extras=tuple(map(name_of, table.extras)) if table.extras else (),
            groups=tuple(map(name_of, table.groups)) if table.groups else (),
            marker=self._marker(table.marker),
            source=source,
        )

    def _manifest(self, table: ManifestTable) -> LockManifest:
        return LockManifest(
            members=tuple(map(name_of, table.members)),
            default_groups=default_groups_of(table.default_groups),
            requirements=self._requirements(table.requirements),
            constraints=self._requirements(table.constraints),
            overrides=tuple(map(self._override, table.overrides)),
            exclusions=tuple(map(exclusion_of, table.excludes)),
            build_constraints=self._requirements(table.build_constraints),
            groups=tuple(
                Group(name=name_of(name), requirements=self._requirements(items))
                for name, items in sorted(table.dependency_groups.items())
            ),
            group_requires_python=tuple(sorted(table.group_requires_python.items())),
            static_metadata=tuple(map(static_metadata_of, table.dependency_metadata)),
        )

    def _override(self, table: dict[str, Any]) -> Override:
        # A union of two table types cannot be told apart while converting the whole lock.
        if "package" in table:
            scoped = msgspec.convert(table, ScopedOverrideTable)
            return Override(scope=scope_of(scoped.package), requirements=self._requirements(scoped.dependencies))
        return Override(requirements=(self._requirement(msgspec.convert(table, RequirementTable)),))


_T = TypeVar("_T")


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
