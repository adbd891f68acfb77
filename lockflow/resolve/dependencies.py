"""From declared requirements to the dependencies of one identity: extras told apart, filtered to a fork.

Applies overrides and exclusions, works out what an extra adds (PEP 508 markers on `extra`), expands extras that
a package asks of itself, and puts the constraints behind the requirements they limit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from lockflow.resolve.environment import ForkEnvironment, without_extra_terms
from lockflow.resolve.identity import Identities
from lockflow.resolve.policy import Policy
from lockflow.standards.markers.simplify import for_extra, production
from lockflow.standards.markers.tree import FALSE, TRUE, Marker, is_disjoint
from lockflow.standards.requirements import ConflictItem, Registry, Requirement, Source
from lockflow.standards.versions import FULL, Version, VersionRange


class Dependency(Struct, frozen=True):
    """An edge the solver gets: an identity within a set of versions.

    `is_pinned` says of `range` that it admits one version. `marker` is that of the identity; `source` is set where the
    package comes from elsewhere than an index. `has_parent` is False for what the root itself asks for.
    """

    number: int
    name: str
    range: VersionRange
    is_pinned: bool
    marker: Marker
    extra: str | None = None
    group: str | None = None
    source: Source | None = None
    index: str | None = None
    has_parent: bool = True

    @property
    def conflict_item(self) -> ConflictItem | None:
        """The item of a declared conflict that this dependency would be; a parent's mere package is none."""
        if self.extra is not None:
            return ConflictItem(package=self.name, kind="extra", name=self.extra)
        if self.group is not None:
            return ConflictItem(package=self.name, kind="group", name=self.group)
        return None if self.has_parent else ConflictItem(package=self.name, kind="project")


def specialise(
    requirements: Sequence[Requirement],
    policy: Policy,
    name: str | None,
    version: Version | None,
    *,
    extra: str | None = None,
) -> list[Requirement]:
    """The requirements of a package proper, or those that only `extra` adds, in the order of the metadata.

    Independent of any fork, so a caller may keep the result.
    """
    rewritten = policy.rewrite(requirements, name, version)
    own = _of_extra(rewritten, extra)
    if not any(requirement.name == name for requirement in own):
        return own
    return _expand_self(own, rewritten, name)


def of_group(
    requirements: Sequence[Requirement], policy: Policy, name: str | None, version: Version | None
) -> list[Requirement]:
    """The requirements of a dependency group; extras a group asks of its own project are left to the solver."""
    return _of_extra(policy.rewrite(requirements, name, version), None)


class Narrowing:
    """Filters requirements to forks. What one becomes is kept: versions of a package repeat most of theirs."""

    def __init__(self, policy: Policy, identities: Identities) -> None:
        self._policy = policy
        self._identities = identities
        # By the object, since a requirement's hash is one of all it holds; kept beside, so that the object lives on.
        self._known: dict[tuple[int, bool, bool], tuple[Requirement, list[Dependency]]] = {}

    def within(
        self,
        requirements: Iterable[Requirement],
        environment: ForkEnvironment,
        *,
        extra: str | None = None,
        is_root: bool = False,
        from_group: bool = False,
    ) -> list[Dependency]:
        """The dependencies that matter in one fork, constraints behind what they limit."""
        dependencies: list[Dependency] = []
        if environment.python_marker is FALSE:
            # What a local version leaves may lie outside the supported Pythons, where nothing is required.
            return dependencies
        for requirement in requirements:
            marker = requirement.marker
            if marker is not TRUE and (
                is_disjoint(marker, environment.python_marker) or is_disjoint(marker, environment.marker)
            ):
                continue
            if extra is not None and environment.excludes(requirement.name, extra, None):
                continue
            dependencies += self._of(requirement, is_root=is_root, from_group=from_group)
            for constraint in self._policy.constraints(requirement.name):
                dependencies += self._of_constraint(constraint, marker, environment, is_root=is_root)
        return dependencies

    def _of(self, requirement: Requirement, *, is_root: bool, from_group: bool) -> list[Dependency]:
        key = (id(requirement), is_root, from_group)
        known = self._known.get(key)
        if known is None:
            found = _dependencies(requirement, self._policy, self._identities, is_root=is_root, from_group=from_group)
            known = self._known[key] = (requirement, found)
        return known[1]

    def _of_constraint(
        self, constraint: Requirement, condition: Marker, environment: ForkEnvironment, *, is_root: bool
    ) -> list[Dependency]:
        marker = constraint.marker & condition
        if marker.is_false or is_disjoint(marker, environment.python_marker) or not environment.overlaps(marker):
            return []
        limited = replace(constraint, extras=(), groups=(), marker=marker)
        return _dependencies(limited, self._policy, self._identities, is_root=is_root, from_group=False)


def _of_extra(requirements: Iterable[Requirement], extra: str | None) -> list[Requirement]:
    result = []
    for requirement in requirements:
        marker = requirement.marker
        if marker is TRUE:
            if extra is None:
                result.append(requirement)
            continue
        own = production(marker) if extra is None else for_extra(marker, extra)
        if own is marker:
            result.append(requirement)
        elif not own.is_false:
            result.append(replace(requirement, marker=own))
    return result


def _expand_self(own: list[Requirement], requirements: list[Requirement], name: str | None) -> list[Requirement]:
    """Replace `lib[all]` asking for `lib[a]` by what `a` asks for, breadth first."""
    expanded = list(own)
    queue = deque((extra, entry.marker) for entry in own if entry.name == name for extra in entry.extras)
    seen: set[tuple[str, Marker]] = set()
    while queue:
        extra, marker = queue.popleft()
        if (extra, marker) in seen:
            continue
        seen.add((extra, marker))
        for entry in _of_extra(requirements, extra):
            both = entry.marker & marker
            if entry.name == name:
                queue.extend((inner, both) for inner in entry.extras)
            if entry.name != name or not entry.extras or not _is_plain(entry):
                expanded.append(replace(entry, marker=both))
    # "project[foo] needs project[bar]>1" still says that the project itself is above 1.
    limits = [
        replace(entry, extras=(), groups=())
        for entry in expanded
        if entry.name == name and entry.extras and not _is_plain(entry)
    ]
    return [entry for entry in expanded if entry.name != name or not entry.extras] + limits


def _is_plain(requirement: Requirement) -> bool:
    """Whether a requirement says nothing of versions and places."""
    return isinstance(requirement.source, Registry) and requirement.source.specifiers.is_empty


def _dependencies(
    requirement: Requirement, policy: Policy, identities: Identities, *, is_root: bool, from_group: bool
) -> list[Dependency]:
    name, marker = requirement.name, without_extra_terms(requirement.marker)
    source = requirement.source
    if isinstance(source, Registry):
        range_, direct, index = source.specifiers.range, None, source.index if from_group else None
    else:
        range_, direct, index = FULL, source, None
    is_pinned = range_.is_pinned
    wanted: list[tuple[str | None, str | None]] = [(extra, None) for extra in requirement.extras]
    wanted += [(None, group) for group in requirement.groups]
    items = [ConflictItem(package=name, kind="extra", name=extra) for extra in requirement.extras]
    items += [ConflictItem(package=name, kind="group", name=group) for group in requirement.groups]
    # An extra that conflicts may be taken away in some fork, and the package must stay.
    if not wanted or not policy.conflicting.isdisjoint(items):
        wanted.insert(0, (None, None))
    return [
        Dependency(
            number=identities.required(name, extra, group, marker),
            name=name,
            range=range_,
            is_pinned=is_pinned,
            marker=marker,
            extra=extra,
            group=group,
            source=direct,
            index=index,
            has_parent=not is_root,
        )
        for extra, group in wanted
    ]
