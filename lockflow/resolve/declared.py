"""What an identity at a version depends on, as declared by members, static metadata, or the metadata of a file."""

from __future__ import annotations

from lockflow.index.model import Absent, Metadata
from lockflow.inputs.model import ForkStrategy, Member
from lockflow.resolve.candidates import Candidate
from lockflow.resolve.dependencies import Dependency, Narrowing, of_group, specialise
from lockflow.resolve.facts import Facts, MetadataNeed, SourceNeed
from lockflow.resolve.fork import VersionSplit, split_by_python
from lockflow.resolve.fork_state import ForkState
from lockflow.resolve.identity import Identities, Identity, Kind
from lockflow.resolve.policy import Policy, is_python_covered, lower_bound, root_requirements
from lockflow.resolve.unavailable import EmptySpecifier, RequiresHigherPython, UnavailableReason
from lockflow.standards.requirements import Registry, Requirement, Source
from lockflow.standards.versions import Version, VersionRange


class Declared:
    """Dependencies of identities; the part that does not vary between forks is kept."""

    def __init__(self, policy: Policy, facts: Facts, identities: Identities) -> None:
        self._policy = policy
        self._facts = facts
        self._identities = identities
        self._narrowing = Narrowing(policy, identities)
        self._specialised: dict[tuple[str, Version, str, str | None], list[Requirement] | EmptySpecifier] = {}

    def of(
        self, state: ForkState, identity: Identity, number: int, version: Version
    ) -> list[Dependency] | VersionSplit | UnavailableReason:
        if identity.kind == Kind.ROOT:
            requirements = self._root_requirements()
            return self._narrowing.within(requirements, state.environment, is_root=True)
        if identity.is_proxy:
            exact = VersionRange.singleton(version)
            return [
                Dependency(
                    number=target,
                    name=identity.name,
                    range=exact,
                    is_pinned=True,
                    marker=self._identities[target].marker,
                )
                for target in self._identities.proxied(number)
            ]
        found = self._requirements(state, identity, version)
        if not isinstance(found, list):
            if isinstance(found, RequiresHigherPython):
                return self._split_on_metadata(state, found)
            return found
        from_group = identity.kind == Kind.GROUP
        return self._narrowing.within(found, state.environment, extra=identity.extra, from_group=from_group)

    def _root_requirements(self) -> list[Requirement]:
        return specialise(root_requirements(self._policy.manifest), self._policy, None, None)

    def _split_on_metadata(self, state: ForkState, reason: RequiresHigherPython) -> VersionSplit | UnavailableReason:
        bound = lower_bound(reason.requires_python)
        if bound is not None and self._policy.settings.fork_strategy is ForkStrategy.REQUIRES_PYTHON:
            parts = split_by_python(state.environment, bound)
            if parts:
                return VersionSplit(parts)
        return reason

    def _requirements(
        self, state: ForkState, identity: Identity, version: Version
    ) -> list[Requirement] | UnavailableReason:
        """The requirements of a package, extra or group, before they are filtered to the fork."""
        name = identity.name
        source = state.sources.get(name)
        member = None if source is None else self._policy.member(name, source)
        if member is not None:
            return _possible(self._of_member(member, identity))
        metadata = self._metadata(state, name, version, source)
        if isinstance(metadata, Absent):
            return metadata
        if not is_python_covered(state.environment.python, lower_bound(metadata.requires_python)):
            return RequiresHigherPython(metadata.requires_python or "")
        if identity.kind == Kind.GROUP:
            return []
        key = (name, version, _place(state, name, version), identity.extra)
        known = self._specialised.get(key)
        if known is None:
            found = specialise(metadata.requires_dist, self._policy, name, version, extra=identity.extra)
            known = self._specialised[key] = _possible(found)
        return known

    def _of_member(self, member: Member, identity: Identity) -> list[Requirement]:
        if identity.kind == Kind.GROUP:
            for group in member.groups:
                if group.name == identity.group:
                    return of_group(group.requirements, self._policy, member.name, member.version)
            return []
        return specialise(member.requires_dist, self._policy, member.name, member.version, extra=identity.extra)

    def _metadata(self, state: ForkState, name: str, version: Version, source: Source | None) -> Metadata | Absent:
        for static in self._policy.manifest.static_metadata:
            if static.name == name and static.version in (version, None):
                return Metadata(
                    name=name,
                    version=version,
                    requires_dist=static.requires_dist,
                    requires_python=static.requires_python,
                    provides_extras=static.provides_extras,
                )
        if source is not None:
            return self._facts.source(SourceNeed(name=name, source=source))
        return self._facts.metadata(metadata_need(name, state.pins[name, version]))


def _possible(requirements: list[Requirement]) -> list[Requirement] | EmptySpecifier:
    """The requirements, or the first one that no version can meet."""
    for requirement in requirements:
        if isinstance(requirement.source, Registry) and requirement.source.specifiers.range.is_empty:
            return EmptySpecifier(requirement)
    return requirements


def metadata_need(name: str, candidate: Candidate) -> MetadataNeed:
    """The need for the metadata of a chosen version."""
    return MetadataNeed(name=name, version=candidate.version, index=candidate.index, file=candidate.metadata_file)


def _place(state: ForkState, name: str, version: Version) -> str:
    source = state.sources.get(name)
    if source is not None:
        return repr(source)
    pin = state.pins.get((name, version))
    return "" if pin is None else pin.index
