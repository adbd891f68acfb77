"""What the solver will probably need next, told to whoever fetches, so that it is there when it is needed.

None of these guesses has a say in the answer. A wrong one costs a request, a missing one the time of an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from msgspec import Struct

from lockflow.index.model import Metadata
from lockflow.inputs.model import IndexStrategy
from lockflow.resolve.choose import Chooser
from lockflow.resolve.declared import metadata_need
from lockflow.resolve.environment import ForkEnvironment
from lockflow.resolve.facts import Blocked, Facts, ListingNeed, Need
from lockflow.resolve.fork_state import ForkState
from lockflow.resolve.identity import Identities
from lockflow.resolve.policy import Policy
from lockflow.standards.markers.simplify import production
from lockflow.standards.markers.tree import TRUE, is_disjoint, python_range_marker
from lockflow.standards.requirements import Registry, Requirement
from lockflow.standards.versions import FULL, Version, VersionRange

_PATIENCE = 4
"""Versions of a package tried in vain until those that come next are fetched too, and after how many more are."""

_FAR = 12
"""Versions fetched ahead of the one that is tried.

More bring nothing, not even where each answer takes 25 ms; and those ahead of the version that fits are fetched in
vain, with all that they pin.
"""


class _Guess(Struct, frozen=True):
    """The version that was likely, if any, the set it was chosen from and the fork it was chosen for."""

    version: Version | None
    allowed: VersionRange
    environment: ForkEnvironment

    def holds_for(self, allowed: VersionRange, environment: ForkEnvironment) -> bool:
        """Whether the same version would come out: the set has only become smaller, and still has it."""
        return (
            environment is self.environment
            and (self.version is None or allowed.contains(self.version))
            and allowed.is_subset(self.allowed)
        )


class Ahead:
    """Tells `wanted` of facts worth fetching. Until `is_on` these are listings alone, which cost nothing to tell."""

    def __init__(
        self, policy: Policy, facts: Facts, identities: Identities, chooser: Chooser, wanted: Callable[[Need], None]
    ) -> None:
        self.is_on = False
        self._policy = policy
        self._facts = facts
        self._identities = identities
        self._chooser = chooser
        self._wanted = wanted
        self._everywhere = python_range_marker(policy.python)
        self._anywhere = ForkEnvironment(TRUE, policy.python)
        self._expected: dict[str, VersionRange] = {}
        self._guesses: dict[str, _Guess] = {}
        self._read: dict[str, int] = {}
        # By the object, as versions of a package share most of theirs; kept, so that no other takes its place.
        self._settled: dict[int, Requirement] = {}
        self._tried: dict[str, set[Version]] = {}
        self._open_range: dict[str, VersionRange] = {}

    def begin(self) -> None:
        """Tell from now on all that is likely to be needed, beginning with what follows from the facts so far."""
        self.is_on = True
        for metadata in self._facts.all_metadata():
            self.read(metadata)

    def mention(self, name: str, allowed: VersionRange, index: str | None) -> None:
        """A package is depended on: its listing will be needed."""
        if name not in self._expected:
            self._expected[name] = allowed
            self._want_listing(name, index)

    def listed(self, name: str) -> None:
        """A listing is known: want the metadata of the version that will be chosen from it."""
        try:
            candidate = self._chooser.likely(name, self._expected.get(name, FULL), self._anywhere)
        except Blocked as blocked:
            self._wanted(blocked.need)
            return
        if candidate is not None:
            self._wanted(metadata_need(name, candidate))

    def read(self, metadata: Metadata, *, with_pins: bool = True) -> None:
        """Metadata is known: want what the package is likely to bring in, listings, and versions it pins."""
        self._read[metadata.name] = self._read.get(metadata.name, 0) + 1
        for requirement in metadata.requires_dist:
            if id(requirement) in self._settled:
                continue
            name, source = requirement.name, requirement.source
            if name in self._policy.members or not isinstance(source, Registry):
                self._settled[id(requirement)] = requirement
                continue
            is_new = name not in self._expected
            is_pin = source.specifiers.range.is_pinned
            if not is_pin:
                self._settled[id(requirement)] = requirement
            if not is_new and (not (is_pin and with_pins) or self._is_in_vain(metadata.name, name)):
                continue
            marker = requirement.marker
            if production(marker).is_false or is_disjoint(marker, self._everywhere):
                continue
            if is_new:
                self.mention(name, source.specifiers.range, None)
            elif self._facts.knows_some_listing(name):
                self._want_likely(name, source.specifiers.range, self._anywhere)

    def narrowed(self, state: ForkState, name: str, allowed: VersionRange) -> None:
        """The versions that are left of a package have changed: want the metadata of the one to be chosen now."""
        if not self._facts.knows_some_listing(name) or self._is_in_vain(name, name):
            return
        known = self._guesses.get(name)
        if known is None or not known.holds_for(allowed, state.environment):
            version = self._want_likely(name, allowed, state.environment)
            self._guesses[name] = _Guess(version, allowed, state.environment)

    def tried(self, state: ForkState, name: str, version: Version, allowed: VersionRange) -> None:
        """A version was chosen: want those that come next, once several of the package were tried in vain."""
        if not self.is_on:
            return
        if not allowed.is_pinned:
            # A proxy is decided first and pins the package: what could come next is known from the proxy.
            self._open_range[name] = allowed
        tried = self._tried.setdefault(name, set())
        if version in tried:
            return
        tried.add(version)
        if len(tried) % _PATIENCE == 0:
            allowed = self._open_range.get(name, allowed)
            for candidate in self._chooser.following(state, name, version, allowed, min(len(tried), _FAR)):
                self._wanted(metadata_need(name, candidate))

    def _is_in_vain(self, parent: str, name: str) -> bool:
        """Whether the versions of `name` that those of `parent` lead to are seldom tried, by what was read so far."""
        read = self._read.get(parent, 0)
        return read > _PATIENCE and 3 * len(self._tried.get(name, ())) < read

    def _want_likely(self, name: str, allowed: VersionRange, environment: ForkEnvironment) -> Version | None:
        with suppress(Blocked):
            candidate = self._chooser.likely(name, allowed, environment)
            if candidate is not None:
                self._wanted(metadata_need(name, candidate))
                return candidate.version
        return None

    def _want_listing(self, name: str, explicit: str | None) -> None:
        if explicit is not None:
            self._wanted(ListingNeed(name=name, index=explicit))
            return
        indexes = self._policy.implicit_indexes
        if self._policy.settings.index_strategy is IndexStrategy.FIRST_INDEX:
            indexes = indexes[:1]
        for index in indexes:
            if not index.is_flat:
                self._wanted(ListingNeed(name=name, index=index.url))
