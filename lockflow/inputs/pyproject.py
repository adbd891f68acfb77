"""The text of a pyproject.toml to its project, groups and tool tables, not yet lowered (PEP 621, 631, 735)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct, field

from lockflow.inputs.durations import Clock
from lockflow.inputs.groups import DeclaredGroup, FlatGroup, flatten, parse_groups
from lockflow.inputs.lockflow_options import LockflowOptions, parse_lockflow
from lockflow.inputs.model import Index, Scope
from lockflow.inputs.options import (
    LOCK_KEYS,
    PROJECT_KEYS,
    RESOLVER_KEYS,
    ROOT_KEYS,
    UNKNOWN_KEY,
    Credential,
    Options,
    Place,
    parse_indexes,
    parse_options,
)
from lockflow.inputs.sources import SourceEntry, parse_sources, read_marker
from lockflow.inputs.tables import Document, Table
from lockflow.standards.markers.simplify import without_extras
from lockflow.standards.markers.tree import Marker, extra_equals
from lockflow.standards.names import normalize_name
from lockflow.standards.python_range import python_range
from lockflow.standards.requirements import ConflictItem, Requirement
from lockflow.standards.versions import InvalidVersion, Version

DYNAMIC = frozenset(("version", "dependencies", "optional-dependencies", "requires-python"))
"""The fields of `[project]` that matter to a lock and that a build backend may know alone."""


_ROOT_ONLY = LOCK_KEYS - {"index"} | ROOT_KEYS | {"environments", "required-environments"}


class ScopedRequirements(Struct, frozen=True):
    """An entry of `override-dependencies`, before lowering; `place` names it in messages."""

    scope: Scope | None
    requirements: tuple[Requirement, ...]
    place: str


class ScopedNames(Struct, frozen=True):
    """An entry of `exclude-dependencies`."""

    scope: Scope | None
    names: tuple[str, ...]


class RootTables(Struct, frozen=True):
    """The keys of `[tool.uv]` that count at the root of a workspace, or in a script, only."""

    constraints: tuple[Requirement, ...] = ()
    overrides: tuple[ScopedRequirements, ...] = ()
    exclusions: tuple[ScopedNames, ...] = ()
    build_constraints: tuple[Requirement, ...] = ()
    environments: tuple[Marker, ...] = ()
    required_environments: tuple[Marker, ...] = ()


class WorkspaceTable(Struct, frozen=True):
    members: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class ProjectTable(Struct, frozen=True):
    """`[project]`. `dependencies` and those of each extra are as written, the latter without the extra's marker."""

    name: str
    version: Version | None
    requires_python: str | None
    dependencies: tuple[Requirement, ...]
    optional: tuple[tuple[str, tuple[Requirement, ...]], ...]
    dynamic: frozenset[str]

    def requires_dist(self) -> list[tuple[Requirement, str | None]]:
        """Each requirement with the extra it belongs to, whose condition is then in the marker."""
        found: list[tuple[Requirement, str | None]] = [(requirement, None) for requirement in self.dependencies]
        for extra, requirements in self.optional:
            marker = extra_equals(extra)
            for requirement in requirements:
                conditional = Requirement(
                    name=requirement.name,
                    extras=requirement.extras,
                    groups=requirement.groups,
                    marker=requirement.marker & marker,
                    source=requirement.source,
                )
                found.append((conditional, extra))
        return found


class PyProject(Struct, frozen=True):
    """One pyproject.toml. `options` is None where there is no `[tool.uv]`."""

    document: Document
    project: ProjectTable | None
    has_build_system: bool
    groups: tuple[FlatGroup, ...] = ()
    declared_groups: Mapping[str, DeclaredGroup] = field(default_factory=dict)
    default_groups: tuple[str, ...] | Literal["all"] | None = None
    package: bool | None = None
    managed: bool = True
    workspace: WorkspaceTable | None = None
    sources: Mapping[str, tuple[SourceEntry, ...]] = field(default_factory=dict)
    indexes: tuple[Index, ...] = ()
    conflicts: tuple[tuple[ConflictItem, ...], ...] = ()
    root: RootTables = field(default_factory=RootTables)
    options: Options | None = None
    lockflow: LockflowOptions = field(default_factory=LockflowOptions)
    credentials: tuple[Credential, ...] = ()
    resolver_keys: tuple[str, ...] = ()
    """Keys of `[tool.uv]` by which a lock differs and which count at the root only."""


def parse_pyproject(table: Table, place: Place, clock: Clock) -> PyProject:
    """Read the root table of one pyproject.toml; faults are noted in its document."""
    tool = table.table("tool") or Table(table.document, "tool", {})
    uv = tool.table("uv")
    lockflow = tool.table("lockflow")
    project = _project(table.table("project"), is_poetry="poetry" in tool)
    empty = Table(table.document, "tool.uv", {})
    settings = uv if uv is not None else empty
    declared, groups = _groups(table, settings)
    credentials: list[Credential] = []
    if uv is not None:
        uv.warn_unknown(RESOLVER_KEYS | ROOT_KEYS | PROJECT_KEYS, UNKNOWN_KEY)
    return PyProject(
        document=table.document,
        project=project,
        has_build_system="build-system" in table,
        groups=tuple(groups),
        declared_groups=declared,
        default_groups=_default_groups(settings, groups),
        package=settings.flag("package"),
        managed=settings.flag("managed") is not False,
        workspace=_workspace(settings.table("workspace")),
        sources=parse_sources(settings.table("sources") or empty),
        indexes=parse_indexes(settings, place, clock, []),
        conflicts=_conflicts(settings, None if project is None else project.name),
        root=parse_root_tables(settings),
        options=None if uv is None else parse_options(uv, place, clock, credentials),
        lockflow=LockflowOptions() if lockflow is None else parse_lockflow(lockflow),
        credentials=tuple(credentials),
        resolver_keys=tuple(key for key in settings.values if key in _ROOT_ONLY),
    )


# [project] -----------------------------------------------------------------------------------------------------------


def _project(table: Table | None, *, is_poetry: bool) -> ProjectTable | None:
    if table is None:
        return None
    dynamic = frozenset(table.texts("dynamic") or ()) & DYNAMIC
    if is_poetry and "dependencies" not in table:
        # Poetry adds its own table to a [project] that has none, declared dynamic or not.
        dynamic |= {"dependencies"}
    name = table.text("name")
    if "name" not in table:
        table.fault("", "the project has no name", next='add name = "..." to [project]')
    if name is None or not table.is_name("name", name):
        name = "unnamed"
    version = table.text("version")
    if "version" not in table and "version" not in dynamic:
        remedy = 'add version = "...", or dynamic = ["version"] where the build backend knows it'
        table.fault("", f"the project {name} has no version", next=remedy)
    return ProjectTable(
        name=normalize_name(name),
        version=None if "version" in dynamic else _version(table, version),
        requires_python=requires_python(table),
        dependencies=tuple(table.requirements("dependencies") or ()),
        optional=tuple(_optional(table.table("optional-dependencies"))),
        dynamic=dynamic,
    )


def _version(table: Table, text: str | None) -> Version | None:
    if text is None:
        return None
    try:
        return Version.parse(text)
    except InvalidVersion as error:
        table.fault("version", f"version cannot be {text!r}", needle=text, why=str(error))
        return None


def requires_python(table: Table) -> str | None:
    """What `requires-python` of a table says; one that cannot be read is noted as a fault."""
    text = table.text("requires-python")
    if text is None:
        return None
    try:
        python_range(text)
    except ValueError as error:
        remedy = 'write it like ">=3.11"'
        table.fault("requires-python", f"requires-python cannot be {text!r}", needle=text, why=str(error), next=remedy)
        return None
    return text


def _optional(table: Table | None) -> list[tuple[str, tuple[Requirement, ...]]]:
    found: dict[str, tuple[Requirement, ...]] = {}
    for key in table.values if table is not None else ():
        assert table is not None
        if not table.is_name(key, key):
            continue
        name = normalize_name(key)
        if name in found:
            table.fault(key, f"the extra {name} is given twice", next="keep one of the spellings of the name")
        found[name] = tuple(table.requirements(key) or ())
    return list(found.items())


# Groups --------------------------------------------------------------------------------------------------------------


def _groups(table: Table, settings: Table) -> tuple[dict[str, DeclaredGroup], list[FlatGroup]]:
    legacy = settings.requirements("dev-dependencies")
    if legacy is not None:
        settings.warn("dev-dependencies", "dev-dependencies is deprecated; use the group dev in [dependency-groups]")
    groups = table.table("dependency-groups")
    declared = parse_groups(groups, settings.table("dependency-groups"), legacy)
    place = groups if groups is not None else Table(table.document, "dependency-groups", {})
    return declared, flatten(declared, legacy, place)


def _default_groups(settings: Table, groups: Sequence[FlatGroup]) -> tuple[str, ...] | Literal["all"] | None:
    value = settings.values.get("default-groups")
    if value is None:
        return None
    if isinstance(value, str):
        if value != "all":
            settings.fault(
                "default-groups", f"default-groups cannot be {value!r}", next='use "all" or a list of groups'
            )
        return "all"
    names = settings.names("default-groups") or ()
    known = {group.name for group in groups}
    for name in names:
        if name not in known:
            settings.fault("default-groups", f"default-groups names {name!r}, which is no group", needle=name)
    return names


# [tool.uv] -----------------------------------------------------------------------------------------------------------


def _workspace(table: Table | None) -> WorkspaceTable | None:
    if table is None:
        return None
    for key in table.values:
        if key not in ("members", "exclude"):
            table.fault(key, f"[tool.uv.workspace] has no key {key}", next="use members and exclude")
    return WorkspaceTable(table.texts("members") or (), table.texts("exclude") or ())


def parse_root_tables(table: Table) -> RootTables:
    """Constraints, overrides, exclusions and environments of a `[tool.uv]`."""
    return RootTables(
        constraints=tuple(table.requirements("constraint-dependencies") or ()),
        overrides=tuple(_overrides(table)),
        exclusions=tuple(_exclusions(table)),
        build_constraints=tuple(table.requirements("build-constraint-dependencies") or ()),
        environments=_environments(table, "environments"),
        required_environments=_environments(table, "required-environments"),
    )


def _overrides(table: Table) -> list[ScopedRequirements]:
    key = "override-dependencies"
    found = []
    for number, value in enumerate(table.array(key) or ()):
        place = f"{key}[{number}]"
        where = table.document.where(table.place(place))
        if isinstance(value, dict):
            entry = Table(table.document, f"{table.name}.{place}", value)
            scope = _scope(entry)
            if scope is not None:
                found.append(ScopedRequirements(scope, tuple(entry.requirements("dependencies") or ()), where))
        elif table.is_text(place, value):
            requirement = table.requirement(place, value)
            if requirement is not None:
                found.append(ScopedRequirements(None, (requirement,), where))
    return found


def _exclusions(table: Table) -> list[ScopedNames]:
    key = "exclude-dependencies"
    found = []
    for number, value in enumerate(table.array(key) or ()):
        place = f"{key}[{number}]"
        if isinstance(value, dict):
            entry = Table(table.document, f"{table.name}.{place}", value)
            scope = _scope(entry)
            if scope is not None:
                found.append(ScopedNames(scope, entry.names("dependencies") or ()))
        elif table.is_text(place, value) and table.is_name(place, value):
            found.append(ScopedNames(None, (normalize_name(value),)))
    return found


def _scope(table: Table) -> Scope | None:
    package = table.table("package")
    if package is None or "dependencies" not in table:
        remedy = 'write { package = { name = "..." }, dependencies = [...] }'
        table.fault("", "a scoped entry needs a package and dependencies", next=remedy)
        return None
    name = package.text("name")
    if name is None:
        package.fault("", "the package of a scoped entry has no name")
        return None
    version = package.text("version")
    if not package.is_name("name", name):
        return None
    return Scope(name=normalize_name(name), version=_version(package, version))


def _environments(table: Table, key: str) -> tuple[Marker, ...]:
    value = table.values.get(key)
    texts = (value,) if isinstance(value, str) else table.texts(key) or ()
    found = []
    for number, text in enumerate(texts):
        place = f"{key}[{number}]"
        marker = read_marker(text, table, place)
        if marker is None:
            continue
        if without_extras(marker) is not marker:
            table.fault(
                place, f"the environment {text!r} names an extra", next="use markers of platform and Python only"
            )
            continue
        found.append(marker)
    return tuple(found)


def _conflicts(table: Table, project: str | None) -> tuple[tuple[ConflictItem, ...], ...]:
    found = []
    for number, value in enumerate(table.array("conflicts") or ()):
        place = f"conflicts[{number}]"
        if not isinstance(value, list):
            table.fault(place, "a set of conflicts must be an array of tables")
            continue
        entries = Table(table.document, table.name, {place: value}).tables(place)
        items = [_conflict_item(entry, project) for entry in entries]
        valid = {item for item in items if item is not None}
        if len(valid) < 2 and len(entries) == len(value) and None not in items:
            table.fault(place, "a set of conflicts needs two different entries at least", why=f"it has {len(valid)}")
        found.append(tuple(sorted(valid)))
    return tuple(found)


def _conflict_item(table: Table, project: str | None) -> ConflictItem | None:
    table.warn_unknown(("package", "extra", "group"))
    package, extra, group = table.text("package"), table.text("extra"), table.text("group")
    if extra is not None and group is not None:
        table.fault("", "an entry of conflicts names an extra and a group", next="write two entries")
        return None
    if package is None and extra is None and group is None:
        table.fault("", "an entry of conflicts names nothing", next="give an extra, a group or a package")
        return None
    package = package if package is not None else project
    if package is None:
        table.fault("", "an entry of conflicts has no package", why="there is no [project] here that could be meant")
        return None
    if not all(table.is_name("", name) for name in (package, extra, group) if name is not None):
        return None
    if extra is not None:
        return ConflictItem(package=normalize_name(package), kind="extra", name=normalize_name(extra))
    if group is not None:
        return ConflictItem(package=normalize_name(package), kind="group", name=normalize_name(group))
    return ConflictItem(package=normalize_name(package), kind="project")
