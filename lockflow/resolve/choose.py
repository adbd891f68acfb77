"""Which version of an identity to decide, and whether its files fit every part of the fork."""

from __future__ import annotations

from urllib.parse import unquote

from msgspec.structs import replace

from lockflow.index.model import Absent
from lockflow.inputs.model import ForkStrategy, IndexStrategy, Prerelease
from lockflow.resolve.candidates import Candidate, Unusable, VersionList, search
from lockflow.resolve.environment import ForkEnvironment
from lockflow.resolve.facts import Facts, SourceNeed
from lockflow.resolve.fork import VersionSplit, split_by_local, split_by_platform, split_by_python
from lockflow.resolve.fork_state import ForkState
from lockflow.resolve.identity import Identities, Identity, Kind
from lockflow.resolve.listed import Listed
from lockflow.resolve.policy import Policy, is_python_covered, lower_bound
from lockflow.resolve.preferences import Preference, Preferences
from lockflow.resolve.pubgrub.incompatibility import DependencyCause
from lockflow.resolve.unavailable import NoRequiredWheel, NoWheelFor, RequiresHigherPython, UnavailableReason
from lockflow.resolve.wheels import RequiredWheels
from lockflow.standards.filenames import InvalidFilename, parse_wheel_name
from lockflow.standards.markers.tree import FALSE, TRUE, Marker, is_disjoint
from lockflow.standards.python_range import PythonRange
from lockflow.standards.reach import begins_within, is_reachable_by_python
from lockflow.standards.requirements import Archive, Git, LocalFile, Source
from lockflow.standards.versions import Version, VersionRange, widen

ROOT_VERSION = Version.parse("0a0.dev0")
NO_VERSION = Version.parse("0")
"""Stands for the version of a source tree that declares none; it is not written down."""

Choice = tuple[Version, UnavailableReason | None]
"""A version, with a reason where it exists but cannot be used."""


class Chooser:
    """Chooses versions; what sibling forks chose is taken into account from `prefer` on."""

    def __init__(
        self, policy: Policy, preferences: Preferences, facts: Facts, identities: Identities, listed: Listed
    ) -> None:
        self._policy = policy
        self._facts = facts
        self._identities = identities
        self._listed = listed
        self._required_wheels = RequiredWheels(policy)
        self._preferences: dict[str, list[Preference]] = {name: list(entries) for name, entries in preferences.entries}

    def prefer(self, name: str, preference: Preference) -> None:
        self._preferences.setdefault(name, []).append(preference)

    def choose(
        self, state: ForkState, identity: Identity, number: int, allowed: VersionRange
    ) -> Choice | VersionSplit | None:
        """A version, with a reason where it cannot be used; or the parts of a split; or None: no version."""
        if identity.kind == Kind.ROOT:
            return ROOT_VERSION, None
        if identity.kind == Kind.PYTHON:
            return None
        name = identity.name
        if name in state.sources:
            return self._choose_from_source(state, name, state.sources[name], allowed)
        lists = self._listed.visit((name, state.indexes.get(name)))
        found = self._preferred(state, name, allowed, lists) or self._search(state.environment, name, allowed, lists)
        if found is None:
            return None
        if isinstance(found, Unusable):
            return found.version, found
        bound = lower_bound(found.file.requires_python)
        if not is_python_covered(state.environment.python, bound):
            assert bound is not None
            if self._policy.settings.fork_strategy is ForkStrategy.REQUIRES_PYTHON:
                parts = split_by_python(state.environment, bound)
                if parts:
                    return VersionSplit(parts)
            return found.version, RequiresHigherPython(found.file.requires_python or "")
        if self._required_wheels.concern(name):
            answer = self._with_required_wheels(state, number, name, allowed, lists, found)
            if not isinstance(answer, Candidate):
                return answer
            found = answer
        if found.wheels and not _is_within_reach(found, state.environment.python):
            return found.version, Unusable(found.version, "python-tag")
        if found.wheels:
            special = self._check_wheels(state, number, name, allowed, lists, found)
            if special is not None:
                return special
        state.pins.setdefault((name, found.version), found)
        return found.version, None

    def _choose_from_source(self, state: ForkState, name: str, source: Source, allowed: VersionRange) -> Choice | None:
        member = self._policy.member(name, source)
        if member is not None:
            version = member.version or NO_VERSION
            return (version, None) if allowed.contains(version) else None
        metadata = self._facts.source(SourceNeed(name=name, source=source))
        if isinstance(metadata, Absent):
            return NO_VERSION, metadata
        if not allowed.contains(metadata.version):
            return None
        if not _is_wheel_reachable(source, state.environment):
            return metadata.version, Unusable(metadata.version, "python-tag")
        if not is_python_covered(state.environment.python, lower_bound(metadata.requires_python)):
            return metadata.version, RequiresHigherPython(metadata.requires_python or "")
        return metadata.version, None

    def _preferred(
        self, state: ForkState, name: str, allowed: VersionRange, lists: list[VersionList]
    ) -> Candidate | Unusable | None:
        """The version of an older lock or a sibling fork, if it is allowed and still listed."""
        entries = self._preferences.get(name)
        if not entries:
            return None
        index = state.indexes.get(name)
        is_single = len(entries) == 1
        if index is not None:
            entries = [entry for entry in entries if entry.index is None or entry.index == index]
        if not is_single:
            is_highest = self._policy.prefers_highest(name, state.environment)
            entries = sorted(entries, key=lambda entry: entry.version, reverse=is_highest)
            entries.sort(key=lambda entry: not state.environment.overlaps(entry.marker.environment))
        mode = self._policy.prerelease(name, state.environment)
        for entry in entries:
            version = entry.version
            if not allowed.contains(version):
                continue
            is_early = version.is_prerelease and mode is not Prerelease.ALLOW
            if is_early and (mode is not Prerelease.IF_NECESSARY or entry.origin == "sibling"):
                continue
            for versions in lists:
                if version in versions:
                    chosen = _with_local(versions, version, allowed)
                    judged = versions.judge(chosen)
                    # Written as where it was chosen before: `1` of a source tree stays `1` where an index has 1.0.
                    return judged if judged.version.text == chosen.text else replace(judged, version=chosen)
        return None

    def _search(
        self, environment: ForkEnvironment, name: str, allowed: VersionRange, lists: list[VersionList]
    ) -> Candidate | Unusable | None:
        return search(
            lists,
            allowed,
            prerelease=self._policy.prerelease(name, environment),
            descending=self._policy.prefers_highest(name, environment),
            best_match=self._policy.settings.index_strategy is IndexStrategy.UNSAFE_BEST_MATCH,
        )

    def _with_required_wheels(
        self,
        state: ForkState,
        number: int,
        name: str,
        allowed: VersionRange,
        lists: list[VersionList],
        found: Candidate,
    ) -> Candidate | Choice:
        """The version found, if it has a wheel wherever it must; else the next that has, or why it cannot be used.

        No fork is made: one version for all platforms is what the setting is for.
        """
        needed = self._needed(state, number, {}) & state.environment.marker
        gap = self._required_wheels.gap(name, found, needed)
        if gap is None:
            return found
        if self._policy.settings.require_wheels == "insist":
            return found.version, NoRequiredWheel(gap.name)
        rest = allowed
        other: Candidate | Unusable | None = found
        while other is not None:
            is_fitting = isinstance(other, Candidate) and self._required_wheels.gap(name, other, needed) is None
            if isinstance(other, Candidate) and is_fitting and self._is_for_python(state, other):
                return other
            rest &= ~VersionRange.singleton(other.version)
            other = self._search(state.environment, name, rest, lists)
        return found

    @staticmethod
    def _is_for_python(state: ForkState, candidate: Candidate) -> bool:
        return is_python_covered(state.environment.python, lower_bound(candidate.file.requires_python))

    def _check_wheels(
        self,
        state: ForkState,
        number: int,
        name: str,
        allowed: VersionRange,
        lists: list[VersionList],
        found: Candidate,
    ) -> Choice | VersionSplit | None:
        """Split where a version without source distribution lacks wheels for a platform that must have them."""
        environment = state.environment
        coverage = [required for required in self._policy.coverage if environment.overlaps(required)]
        if not coverage and not found.version.is_local:
            return None
        everywhere = found.implied()
        if everywhere.is_true:
            return None
        implied = everywhere & environment.marker
        needed = self._needed(state, number, {}) if coverage else TRUE
        for required in coverage:
            # In this order: of platforms that cannot exist a part is seen only as long as it is all there is.
            if is_disjoint(implied, required) and not is_disjoint(needed & required, environment.marker):
                parts = split_by_platform(environment, required, implied)
                return VersionSplit(parts) if parts else (found.version, NoWheelFor(required))
        if not found.version.is_local:
            return None
        return self._check_local(state, name, allowed, lists, found, everywhere)

    def _check_local(
        self,
        state: ForkState,
        name: str,
        allowed: VersionRange,
        lists: list[VersionList],
        found: Candidate,
        implied: Marker,
    ) -> Choice | VersionSplit | None:
        public = VersionRange.singleton(found.version.without_local())
        base = self._search(state.environment, name, allowed & public, lists)
        if not isinstance(base, Candidate) or implied.is_true:
            return None
        answer = split_by_local(state.environment, base.version, base.implied(), found.version, implied)
        for candidate in (base, found):
            state.pins.setdefault((name, candidate.version), candidate)
        if isinstance(answer, list):
            return VersionSplit(answer)
        return None if answer is None else (answer, None)

    def _needed(self, state: ForkState, number: int, memo: dict[int, Marker]) -> Marker:
        """Where an identity is needed in this fork, along all dependency clauses from the root."""
        if self._identities[number].kind == Kind.ROOT:
            return TRUE
        if number in memo:
            return memo[number]
        memo[number] = FALSE  # a cycle adds nothing to what leads into it
        marker = FALSE
        for clause in state.pubgrub.clauses.get(number, ()):
            cause = state.pubgrub.store[clause].cause
            if isinstance(cause, DependencyCause) and cause.target == number:
                marker = marker | (self._identities[number].marker & self._needed(state, cause.package, memo))
        memo[number] = marker
        return marker

    def pin(self, state: ForkState, name: str, version: Version) -> None:
        """Fix the file of a version that a split chose without a search."""
        if (name, version) in state.pins:
            return
        for versions in self._listed.visit((name, state.indexes.get(name))):
            if version in versions:
                judged = versions.judge(version)
                if isinstance(judged, Candidate):
                    state.pins[name, version] = judged
                    return

    def following(
        self, state: ForkState, name: str, version: Version, allowed: VersionRange, count: int
    ) -> list[Candidate]:
        """The candidates behind `version` in the direction of the search that have a wheel to read."""
        is_descending = self._policy.prefers_highest(name, state.environment)
        rest = VersionRange.between(None, version) if is_descending else VersionRange.between(version, None)
        found: list[Candidate] = []
        for versions in self._listed.visit((name, state.indexes.get(name))):
            for other in versions.within(allowed & rest, descending=is_descending):
                # Once pre-releases are tried, the stable versions of the range are used up.
                is_next = other.is_prerelease is version.is_prerelease
                judged = versions.judge(other) if is_next else None
                is_wheel = isinstance(judged, Candidate) and judged.metadata_file.is_wheel
                if isinstance(judged, Candidate) and is_wheel and self._may_be_read(judged, state.environment):
                    found.append(judged)
                if len(found) == count:
                    return found
        return found

    def likely(self, name: str, allowed: VersionRange, environment: ForkEnvironment) -> Candidate | None:
        """The candidate that will probably be chosen in a fork, for fetching ahead. Raises Blocked without its listing.

        Versions whose files rule them out there are passed over: nobody will read their metadata.
        """
        lists = self._listed.peek((name, None))
        for entry in self._preferences.get(name, ())[:1]:
            for versions in lists:
                is_listed = allowed.contains(entry.version) and entry.version in versions
                judged = versions.judge(entry.version) if is_listed else None
                if isinstance(judged, Candidate):
                    return judged
        while True:
            found = self._search(environment, name, allowed, lists)
            if found is None or (isinstance(found, Candidate) and self._may_be_read(found, environment)):
                return found
            passed = VersionRange.singleton(found.version)
            # What lies between two versions holds none, and one long gap is searched faster than many short ones.
            allowed = allowed & ~(widen(found.version, lists[0].keys) if len(lists) == 1 else passed)

    def _may_be_read(self, candidate: Candidate, environment: ForkEnvironment) -> bool:
        """Whether the metadata matters once a version was found: its files neither need another Python nor a split."""
        bound = lower_bound(candidate.file.requires_python)
        if bound is not None and not is_python_covered(environment.python, bound):
            is_split = self._policy.settings.fork_strategy is ForkStrategy.REQUIRES_PYTHON
            if not is_split or not split_by_python(environment, bound):
                return False
        return not candidate.wheels or _is_within_reach(candidate, environment.python)


def _is_wheel_reachable(source: Source, environment: ForkEnvironment) -> bool:
    """Whether some Python of the fork could use the wheel that a source names, if it names one."""
    match source:
        case Archive(url=place) | LocalFile(path=place) | Git(path=str(place)):
            name = unquote(place.partition("?")[0].rpartition("/")[2])
        case _:
            return True
    try:
        return not name.endswith(".whl") or is_reachable_by_python(parse_wheel_name(name), environment.python)
    except InvalidFilename:
        return True


def _is_within_reach(candidate: Candidate, python: PythonRange) -> bool:
    """Whether the Pythons of some wheel begin before this fork ends; that they may end before it begins, uv ignores."""
    return any(begins_within(parse_wheel_name(file.filename), python) for file in candidate.wheels)


def _with_local(versions: VersionList, version: Version, allowed: VersionRange) -> Version:
    """The highest local variant of a preferred version, where there is one."""
    if version.is_local or not versions.has_locals(version):
        return version
    for candidate in versions.within(allowed, descending=True):
        if candidate <= version:
            break
        if candidate.is_local and candidate.without_local() == version:
            return candidate
    return version
