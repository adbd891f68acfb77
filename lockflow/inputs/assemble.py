"""What was read, of a workspace or a script, to the Manifest: requirements lowered, members joined, checks made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from lockflow.inputs.groups import FlatGroup, extend_conflicts
from lockflow.inputs.lowering import MemberPlace, Scope, check_limits, lower
from lockflow.inputs.model import (
    Exclusion,
    ExtraBuild,
    Group,
    Index,
    Manifest,
    Member,
    Override,
    Settings,
    Tree,
)
from lockflow.inputs.options import Credential, Options, Place
from lockflow.inputs.pyproject import PyProject, RootTables
from lockflow.inputs.script import Script
from lockflow.inputs.sources import Sources
from lockflow.inputs.tables import Faults
from lockflow.inputs.workspace import Workspace
from lockflow.standards.markers.render import render
from lockflow.standards.markers.tree import Marker, extra_equals, implies, is_disjoint, python_range_marker
from lockflow.standards.python_range import parse_requires_python, python_range
from lockflow.standards.requirements import ConflictItem, Registry, Requirement, RequiresPython
from lockflow.standards.specifiers import Specifiers


class Surroundings(Struct, frozen=True):
    """What assembling needs to know besides the files: the world's answers, and where to note things."""

    lock_root: str
    kind_of: Callable[[str], Literal["file", "directory"] | None]
    other_workspace: Callable[[str], Mapping[str, MemberPlace] | None]
    environment: Mapping[str, str]
    interpreter_minor: tuple[int, int]
    faults: Faults
    credentials: list[Credential]
    no_sources: bool
    no_sources_package: frozenset[str]
    used_indexes: dict[str, Index]


# Workspace -----------------------------------------------------------------------------------------------------------


def workspace_manifest(
    workspace: Workspace,
    places: Mapping[str, MemberPlace],
    layers: Sequence[Options],
    world: Surroundings,
) -> Manifest:
    """The manifest of a workspace, its settings still to be filled in; faults are noted in `world`."""
    root = workspace.root_project
    root_scope = _scope(root, workspace, places, workspace.root, world)
    members = [_member(folder, member, workspace, places, world) for folder, member in workspace.members]
    requires_python = _workspace_python(workspace, world)
    groups: tuple[Group, ...] = ()
    if root.project is None:
        # Entries limited to a group do not apply here: there is no project whose group it could be.
        groups = tuple(_group(group, root_scope, is_project=False) for group in root.groups)
    manifest = Manifest(
        members=tuple(members),
        has_project_root=root.project is not None,
        groups=groups,
        default_groups=root.default_groups if root.project is None else None,
        requires_python=requires_python,
        conflicts=_conflicts(workspace),
        static_metadata=tuple(entry for layer in layers for entry in layer.static_metadata),
        extra_builds=_extra_builds(layers, root_scope),
    )
    return _with_root_tables(manifest, root.root, root_scope)


def _scope(
    project: PyProject, workspace: Workspace, places: Mapping[str, MemberPlace], folder: str, world: Surroundings
) -> Scope:
    root = workspace.root_project
    is_detached = folder in workspace.detached
    name = None if project.project is None else project.project.name
    if is_detached:
        # To itself it is a workspace of one.
        places = {member: place for member, place in places.items() if member == name}
    return Scope(
        file=project.document.file,
        project=name,
        place=Place(folder, world.lock_root),
        sources=project.sources,
        indexes=project.indexes,
        root_place=Place(workspace.root, world.lock_root),
        root_sources={} if is_detached else root.sources,
        root_indexes=() if is_detached else root.indexes,
        members=places,
        in_workspace=True,
        kind_of=world.kind_of,
        other_workspace=world.other_workspace,
        environment=world.environment,
        faults=world.faults,
        credentials=world.credentials,
        no_sources=world.no_sources,
        no_sources_package=world.no_sources_package,
        used_indexes=world.used_indexes,
    )


def _member(
    folder: str, file: PyProject, workspace: Workspace, places: Mapping[str, MemberPlace], world: Surroundings
) -> Member:
    project = file.project
    assert project is not None
    scope = _scope(file, workspace, places, folder, world)
    if not world.no_sources:
        _check_limits(file, project.optional, world)
    requires_dist = [
        lowered
        for requirement, extra in project.requires_dist()
        for lowered in lower(requirement, scope, _place(scope, requirement, extra), extra=extra)
    ]
    place = places[project.name]
    return Member(
        name=project.name,
        path=place.path,
        version=project.version,
        install=place.install,
        requires_python=_requires_python([project.requires_python] if project.requires_python is not None else []),
        requires_dist=tuple(requires_dist),
        provides_extras=tuple(extra for extra, _ in project.optional),
        groups=tuple(_group(group, scope, is_project=True) for group in file.groups),
        default_groups=file.default_groups,
        dynamic=project.dynamic,
    )


def _place(scope: Scope, requirement: Requirement, extra: str | None) -> str:
    table = "[project] dependencies" if extra is None else f"[project.optional-dependencies] {extra}"
    return f"{scope.file}, {table}, {requirement.name}"


def _check_limits(
    file: PyProject, optional: Sequence[tuple[str, tuple[Requirement, ...]]], world: Surroundings
) -> None:
    sources: Sources = {name: entries for name, entries in file.sources.items() if name not in world.no_sources_package}
    extras = {extra: {requirement.name for requirement in requirements} for extra, requirements in optional}
    groups = {group.name: {requirement.name for requirement in group.requirements} for group in file.groups}
    check_limits(sources, extras, groups, world.faults)


def _group(group: FlatGroup, scope: Scope, *, is_project: bool) -> Group:
    limit = group.name if is_project else None
    return Group(
        name=group.name,
        requirements=tuple(
            lowered
            for requirement in group.requirements
            for lowered in lower(
                requirement, scope, f"{scope.file}, [dependency-groups] {group.name}, {requirement.name}", group=limit
            )
        ),
        requires_python=group.requires_python,
    )


def _conflicts(workspace: Workspace) -> tuple[tuple[ConflictItem, ...], ...]:
    root = workspace.root_project
    declared = [items for _, member in workspace.members for items in member.conflicts]
    if root.project is None:
        declared += root.conflicts
    package = None if root.project is None else root.project.name
    return tuple(extend_conflicts(declared, package, root.declared_groups))


# A source tree that is no member -------------------------------------------------------------------------------------


def read_tree(
    workspace: Workspace, places: Mapping[str, MemberPlace], folder: str, file: PyProject, world: Surroundings
) -> Tree:
    """What the tree in `folder` declares, lowered with the sources of the workspace that it belongs to itself."""
    scope = _scope(file, workspace, places, folder, world)
    member = None
    if file.project is not None:
        member = _member(folder, file, workspace, places, world)

    def lower_stated(requirement: Requirement) -> tuple[Requirement, ...]:
        extra = _extra_of(requirement, file)
        lowered = tuple(lower(requirement, scope, f"{scope.file}, {requirement.name}", extra=extra))
        world.faults.raise_if_any()
        return lowered

    is_complete = member is not None and not member.dynamic - {"version"}
    return Tree(declared=member, is_complete=is_complete, lower=lower_stated)


def _extra_of(requirement: Requirement, file: PyProject) -> str | None:
    """The extra that asks for a requirement as metadata states it, of those that limit a source."""
    for entry in file.sources.get(requirement.name, ()):
        if entry.extra is not None and implies(requirement.marker, extra_equals(entry.extra)):
            return entry.extra
    return None


# Tables of the root, or of a script ----------------------------------------------------------------------------------


def _with_root_tables(manifest: Manifest, tables: RootTables, scope: Scope) -> Manifest:
    python = manifest.requires_python
    _check_disjoint(tables.environments, "environments", scope)
    _check_disjoint(tables.required_environments, "required-environments", scope)
    for marker in tables.environments:
        if is_disjoint(marker, python_range_marker(python.range)):
            scope.faults.add(
                f"the environment {render(marker)} is outside of requires-python",
                where=f"{scope.file}, [tool.uv] environments",
                why=f"requires-python is {python.text}",
                next="remove the environment, or widen requires-python",
            )
    return replace(
        manifest,
        constraints=_lower_all(tables.constraints, "constraint-dependencies", scope),
        overrides=tuple(override for override in _overrides(tables, scope) if override is not None),
        exclusions=tuple(Exclusion(scope=entry.scope, names=entry.names) for entry in tables.exclusions),
        build_constraints=_lower_all(tables.build_constraints, "build-constraint-dependencies", scope),
        environments=tables.environments or None,
        required_environments=tables.required_environments or None,
    )


def _extra_builds(layers: Sequence[Options], scope: Scope) -> tuple[ExtraBuild, ...]:
    """What the strongest layer that names a package says of it, with the sources of the project."""
    chosen: dict[str, list[ExtraBuild]] = {}
    for layer in layers:
        named: dict[str, list[ExtraBuild]] = {}
        for entry in layer.extra_builds:
            named.setdefault(entry.package, []).append(entry)
        chosen = named | chosen
    return tuple(
        replace(entry, requirement=lowered)
        for entries in chosen.values()
        for entry in entries
        for lowered in _lower_all([entry.requirement], f"extra-build-dependencies.{entry.package}", scope)
    )


def _lower_all(requirements: Sequence[Requirement], key: str, scope: Scope) -> tuple[Requirement, ...]:
    return tuple(
        lowered
        for requirement in requirements
        for lowered in lower(requirement, scope, f"{scope.file}, [tool.uv] {key}, {requirement.name}")
    )


def _overrides(tables: RootTables, scope: Scope) -> list[Override | None]:
    found: list[Override | None] = []
    for entry in tables.overrides:
        lowered = [part for requirement in entry.requirements for part in lower(requirement, scope, entry.place)]
        if entry.scope is None:
            found.extend(Override(requirements=(requirement,)) for requirement in lowered)
            continue
        for requirement in lowered:
            if not isinstance(requirement.source, Registry) or requirement.source.index is not None:
                scope.faults.add(
                    f"the override of {requirement.name} for {entry.scope.name} has a source of its own",
                    where=entry.place,
                    next="use version specifiers only in an override with a package",
                )
        found.append(Override(scope=entry.scope, requirements=tuple(lowered)))
    return found


def _check_disjoint(markers: Sequence[Marker], key: str, scope: Scope) -> None:
    for left, right in pairwise(markers):
        if not is_disjoint(left, right):
            scope.faults.add(
                f"two {key} overlap",
                where=f"{scope.file}, [tool.uv] {key}",
                why=f"{render(left) or 'everywhere'} and {render(right) or 'everywhere'} hold together somewhere",
                next=f"write {render(right & ~left)} for the second",
            )


# requires-python -----------------------------------------------------------------------------------------------------


def _requires_python(texts: Sequence[str]) -> RequiresPython | None:
    """The Pythons of one or more specifier texts; None for no text, and where they admit none together."""
    if not texts:
        return None
    try:
        text, interval = parse_requires_python(*texts)
    except ValueError:
        return None
    return RequiresPython(text=text, range=interval)


def _workspace_python(workspace: Workspace, world: Surroundings) -> RequiresPython:
    declared = [
        (member.project.name, member.project.requires_python)
        for _, member in workspace.members
        if member.project is not None and member.project.requires_python is not None
    ]
    for name, text in declared:
        _warn_ambiguous(name, text, world)
    found = _requires_python([text for _, text in declared])
    if found is None and declared:
        world.faults.add(
            "no Python satisfies requires-python",
            where=", ".join(dict.fromkeys(member.document.file for _, member in workspace.members)),
            why="\n".join(f"{name} requires {text}" for name, text in declared),
            next="make the ranges overlap",
        )
    return _checked_python(found, workspace.root_project.document.file, world, warn_missing=True)


def _checked_python(
    found: RequiresPython | None, file: str, world: Surroundings, *, warn_missing: bool
) -> RequiresPython:
    major, minor = world.interpreter_minor
    default = f">={major}.{minor}"
    if found is None:
        if warn_missing:
            world.faults.warn(f"{file}: no requires-python, so {default} of this interpreter is taken; declare it")
        return RequiresPython(text=default, range=python_range(default))
    if found.range.lower is None:
        world.faults.warn(f"{file}: requires-python {found.text!r} has no lower bound; add one like {default!r}")
    return found


def _warn_ambiguous(name: str, text: str, world: Surroundings) -> None:
    for clause in Specifiers.parse(text).clauses:
        if clause.operator in ("~=", "==") and len(clause.version.release) < 3:
            means = f"{clause.version}.0 alone" if clause.operator == "==" else parse_requires_python(str(clause))[0]
            meant = f"=={clause.version}.*"
            world.faults.warn(f"{name}: requires-python {str(clause)!r} means {means}; did you mean {meant!r}?")


# Script --------------------------------------------------------------------------------------------------------------


def script_manifest(script: Script, file: str, folder: str, layers: Sequence[Options], world: Surroundings) -> Manifest:
    """The manifest of a script in `folder`, its settings still to be filled in."""
    place = Place(folder, world.lock_root)
    scope = Scope(
        file=file,
        project=None,
        place=place,
        sources=script.sources or {},
        indexes=script.indexes,
        root_place=place,
        root_sources={},
        root_indexes=(),
        members={},
        in_workspace=False,
        kind_of=world.kind_of,
        other_workspace=world.other_workspace,
        environment=world.environment,
        faults=world.faults,
        credentials=world.credentials,
        no_sources=world.no_sources,
        no_sources_package=world.no_sources_package,
        used_indexes=world.used_indexes,
    )
    text = script.requires_python
    found = _requires_python([text] if text is not None else [])
    if text is not None:
        _warn_ambiguous(file, text, world)
        if found is None:
            world.faults.add("no Python satisfies requires-python", where=file, why=f"the script requires {text}")
    manifest = Manifest(
        is_script=True,
        has_project_root=False,
        requirements=tuple(
            lowered
            for requirement in script.dependencies
            for lowered in lower(requirement, scope, f"{file}, dependencies, {requirement.name}")
        ),
        requires_python=_checked_python(found, file, world, warn_missing=script.has_block),
        static_metadata=tuple(entry for layer in layers for entry in layer.static_metadata),
        extra_builds=_extra_builds(layers, scope),
    )
    return _with_root_tables(manifest, script.root, scope)


def with_settings(manifest: Manifest, settings: Settings) -> Manifest:
    return replace(manifest, settings=settings)
