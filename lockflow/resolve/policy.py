"""What a Manifest asks of a resolution, arranged for the questions the solver puts.

First-party requirements are those that people of this project wrote: of members, their extras and groups, of a
script, and constraints and overrides. They alone opt into pre-releases, unlock yanked versions and name indexes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from lockflow.inputs.model import Cutoff, Exclusion, Index, Manifest, Member, Override, Prerelease, Resolution
from lockflow.resolve.candidates import FileRules
from lockflow.resolve.environment import ForkEnvironment, forced_extras
from lockflow.resolve.preferences import Preferences
from lockflow.standards.markers.tree import Marker, extra_equals, order_key
from lockflow.standards.python_range import PythonRange, Release, python_range
from lockflow.standards.requirements import ConflictItem, Directory, Registry, Requirement, Source
from lockflow.standards.versions import Version

Bound = tuple[Release, bool]
"""A lower bound of Python: the release and whether it is excluded, so that bounds order as they restrict."""


class _Assigned(Struct, frozen=True):
    requirement: Requirement
    index: str
    conflict: ConflictItem | None


class Policy:
    """A Manifest, indexed by name."""

    def __init__(self, manifest: Manifest, preferences: Preferences) -> None:
        self.manifest = manifest
        self.settings = manifest.settings
        self.python = manifest.requires_python.range
        self.members: dict[str, Member] = {member.name: member for member in manifest.members}
        self.conflicts = manifest.conflicts
        self.conflicting = {item for items in manifest.conflicts for item in items}
        self.coverage = (*(manifest.environments or ()), *(manifest.required_environments or ()))
        limits = [entry for entry in manifest.constraints if not _is_empty(entry)]
        self._constraints = _by_name(limits)
        self._overrides, self._scoped_overrides = _arrange_overrides(manifest.overrides)
        self._exclusions, self._scoped_exclusions = _arrange_exclusions(manifest.exclusions)
        self._user = self._user_requirements()
        self._first_party = _by_name((*self._user, *_flat_overrides(manifest), *limits))
        self._direct = _by_name(self._user)
        self._assigned = self._find_assigned(limits)
        self._yanked = self._find_yanked(preferences)
        self._prerelease_package = dict(manifest.settings.prerelease_package)
        self._cutoff_package = dict(manifest.settings.cutoff_package)
        self._indexes = {index.url: index for index in (*self.settings.indexes, *self.settings.find_links)}

    # What a dependency list becomes -----------------------------------------------------------------------------

    def rewrite(
        self, requirements: Iterable[Requirement], parent: str | None, version: Version | None
    ) -> list[Requirement]:
        """Apply overrides, then exclusions, to the requirements of one package."""
        if self._overrides or self._scoped_overrides:
            requirements = self._override(requirements, parent, version)
        dropped = self._excluded_names(parent, version)
        if dropped:
            return [requirement for requirement in requirements if requirement.name not in dropped]
        return list(requirements)

    def declared(self) -> tuple[Requirement, ...]:
        """All requirements that people of this project wrote, constraints and overrides included."""
        return (*self._user, *self.manifest.constraints, *_flat_overrides(self.manifest))

    def constraints(self, name: str) -> Sequence[Requirement]:
        """The constraints to emit behind every requirement on `name`."""
        return self._constraints.get(name, ())

    def _override(
        self, requirements: Iterable[Requirement], parent: str | None, version: Version | None
    ) -> list[Requirement]:
        scoped = self._scope(parent, version)
        replaced = []
        seen = set()
        for requirement in requirements:
            seen.add(requirement.name)
            entries = scoped.get(requirement.name) or self._overrides.get(requirement.name)
            if entries is None:
                replaced.append(requirement)
                continue
            extras = [extra for extra, holds in forced_extras(requirement.marker).items() if holds]
            for entry in entries:
                marker = entry.marker & extra_equals(extras[0]) if len(extras) == 1 else entry.marker
                replaced.append(_with_marker(entry, marker))
        added = [entry for name in scoped.keys() - seen for entry in scoped[name]]
        return replaced + sorted(added, key=_declared_order)

    def _scope(self, parent: str | None, version: Version | None) -> dict[str, list[Requirement]]:
        if parent is None or not self._scoped_overrides:
            return {}
        exact = None if version is None else self._scoped_overrides.get((parent, version))
        return exact or self._scoped_overrides.get((parent, None), {})

    def _excluded_names(self, parent: str | None, version: Version | None) -> set[str]:
        if parent is None or not self._scoped_exclusions:
            return self._exclusions
        scoped = None if version is None else self._scoped_exclusions.get((parent, version))
        return self._exclusions | (scoped or self._scoped_exclusions.get((parent, None), set()))

    # Which versions and files -----------------------------------------------------------------------------------

    def prefers_highest(self, name: str, environment: ForkEnvironment) -> bool:
        """Whether the newest version is wanted; `lowest-direct` asks for the oldest of direct dependencies only."""
        if self.settings.resolution is Resolution.LOWEST:
            return False
        if self.settings.resolution is Resolution.LOWEST_DIRECT:
            return not any(_is_in_scope(entry, environment) for entry in self._direct.get(name, ()))
        return True

    def prerelease(self, name: str, environment: ForkEnvironment) -> Prerelease:
        """The mode for one package, with `explicit` decided: `if-necessary` where asked for, else `disallow`."""
        mode = self._prerelease_package.get(name, self.settings.prerelease)
        if mode is not Prerelease.EXPLICIT:
            return mode
        for entry in self._first_party.get(name, ()):
            is_asked = isinstance(entry.source, Registry) and entry.source.specifiers.mentions_prerelease
            if is_asked and _is_in_scope(entry, environment):
                return Prerelease.IF_NECESSARY
        return Prerelease.DISALLOW

    def rules(self, name: str, index: str) -> FileRules:
        settings = self.settings
        return FileRules(
            python=self.python,
            no_build=settings.forbids_build(name),
            no_binary=settings.forbids_wheels(name),
            cutoff=self._cutoff(name, index),
            yanked_allowed=self._yanked.get(name, frozenset()),
        )

    def assigned_indexes(self, name: str, environment: ForkEnvironment) -> Sequence[str]:
        """The indexes that first-party requirements name explicitly for `name`, in this fork; each once."""
        assigned = self._assigned.get(name)
        if assigned is None:
            return ()
        found: dict[str, None] = {}
        for entry in assigned:
            if entry.conflict is not None and entry.conflict in environment.excluded:
                continue
            if environment.overlaps(entry.requirement.marker):
                found[entry.index] = None
        return tuple(found)

    def index(self, url: str) -> Index:
        return self._indexes.get(url) or Index(url=url)

    @property
    def implicit_indexes(self) -> list[Index]:
        """The indexes every package is looked for in, in order."""
        return [index for index in self.settings.indexes if not index.is_explicit]

    def _cutoff(self, name: str, index: str) -> Cutoff | None:
        for value in (self._cutoff_package.get(name), self.index(index).cutoff):
            if value is False:
                return None
            if value is not None:
                return value
        return self.settings.cutoff

    def member(self, name: str, source: Source) -> Member | None:
        """The workspace member that a source names, if it is one."""
        member = self.members.get(name)
        if member is None or not isinstance(source, Directory) or source.path != member.path:
            return None
        return member

    # Where first-party requirements lead ------------------------------------------------------------------------

    def _user_requirements(self) -> list[Requirement]:
        """What the project itself requires, as overrides leave it."""
        manifest = self.manifest
        requirements = self.rewrite(manifest.requirements, None, None)
        for group in manifest.groups:
            requirements += self.rewrite(group.requirements, None, None)
        for member in manifest.members:
            requirements += self.rewrite(member.requires_dist, member.name, member.version)
            for group in member.groups:
                requirements += self.rewrite(group.requirements, member.name, member.version)
        return requirements

    def _find_assigned(self, limits: Sequence[Requirement]) -> dict[str, list[_Assigned]]:
        assigned: dict[str, list[_Assigned]] = {}
        for entry in (*self._user, *limits, *_flat_overrides(self.manifest)):
            if isinstance(entry.source, Registry) and entry.source.index is not None:
                value = _Assigned(entry, entry.source.index, entry.source.conflict)
                assigned.setdefault(entry.name, []).append(value)
        return assigned

    def _find_yanked(self, preferences: Preferences) -> dict[str, frozenset[Version]]:
        allowed: dict[str, set[Version]] = {}
        for name, entries in self._first_party.items():
            for entry in entries:
                pinned = entry.source.specifiers.pinned if isinstance(entry.source, Registry) else None
                if pinned is not None and not entry.marker.is_false:
                    allowed.setdefault(name, set()).add(pinned)
        for name, preferred in preferences.entries:
            allowed.setdefault(name, set()).update(entry.version for entry in preferred)
        return {name: frozenset(versions) for name, versions in allowed.items()}


def root_requirements(manifest: Manifest) -> list[Requirement]:
    """What the anonymous root requires: every member with all extras, then their groups, then its own."""
    requirements = []
    for member in manifest.members:
        source = Directory(path=member.path, install=member.install)
        extras = tuple(sorted(member.provides_extras))
        requirements.append(Requirement(name=member.name, extras=extras, source=source))
    for member in manifest.members:
        if member.groups:
            groups = tuple(sorted(group.name for group in member.groups))
            source = Directory(path=member.path, install=member.install)
            requirements.append(Requirement(name=member.name, groups=groups, source=source))
    requirements.extend(manifest.requirements)
    for group in manifest.groups:
        requirements.extend(group.requirements)
    return requirements


@lru_cache(maxsize=4096)
def lower_bound(requires_python: str | None) -> Bound | None:
    """The lower bound of a file's or a metadata's Requires-Python; None where it has none or cannot be read."""
    if not requires_python:
        return None
    try:
        return bound_of(python_range(requires_python))
    except ValueError:
        # Published metadata holds texts like ">=3.6," or "3.x"; an installer ignores what it cannot read.
        return None


def bound_of(python: PythonRange) -> Bound | None:
    return None if python.lower is None else (python.lower, not python.lower_closed)


def is_python_covered(target: PythonRange, bound: Bound | None) -> bool:
    """Whether every Python of the target is at or above the bound; upper bounds are ignored, as uv does."""
    if bound is None:
        return True
    own = bound_of(target)
    return own is not None and own >= bound


def _by_name(requirements: Iterable[Requirement]) -> dict[str, list[Requirement]]:
    by_name: dict[str, list[Requirement]] = {}
    for requirement in requirements:
        by_name.setdefault(requirement.name, []).append(requirement)
    return by_name


def _is_empty(constraint: Requirement) -> bool:
    """Whether a constraint limits nothing; then the index it may name says nothing either."""
    return isinstance(constraint.source, Registry) and constraint.source.specifiers.is_empty


def _declared_order(requirement: Requirement) -> tuple[object, ...]:
    """Orders what a scoped override adds, which decides the order of forks; it can only come from an index."""
    specifiers = requirement.source.specifiers.order_key if isinstance(requirement.source, Registry) else ()
    return (requirement.name, requirement.extras, order_key(requirement.marker), specifiers)


def _flat_overrides(manifest: Manifest) -> list[Requirement]:
    return [requirement for override in manifest.overrides for requirement in override.requirements]


def _is_in_scope(requirement: Requirement, environment: ForkEnvironment) -> bool:
    conflict = requirement.source.conflict if isinstance(requirement.source, Registry) else None
    if conflict is not None and conflict in environment.excluded:
        return False
    return environment.overlaps(requirement.marker)


def _with_marker(requirement: Requirement, marker: Marker) -> Requirement:
    return requirement if requirement.marker is marker else replace(requirement, marker=marker)


_ScopedOverrides = dict[tuple[str, Version | None], dict[str, list[Requirement]]]


def _arrange_overrides(overrides: Iterable[Override]) -> tuple[dict[str, list[Requirement]], _ScopedOverrides]:
    everywhere: dict[str, list[Requirement]] = {}
    scoped: _ScopedOverrides = {}
    for override in overrides:
        if override.scope is None:
            target = everywhere
        else:
            target = scoped.setdefault((override.scope.name, override.scope.version), {})
        for requirement in override.requirements:
            target.setdefault(requirement.name, []).append(requirement)
    return everywhere, scoped


def _arrange_exclusions(
    exclusions: Iterable[Exclusion],
) -> tuple[set[str], dict[tuple[str, Version | None], set[str]]]:
    everywhere: set[str] = set()
    scoped: dict[tuple[str, Version | None], set[str]] = {}
    for exclusion in exclusions:
        if exclusion.scope is None:
            everywhere.update(exclusion.names)
        else:
            scoped.setdefault((exclusion.scope.name, exclusion.scope.version), set()).update(exclusion.names)
    return everywhere, scoped
