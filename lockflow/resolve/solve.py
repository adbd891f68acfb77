"""The step machine: facts in, needs or an answer out.

One fork after the other is solved from a stack; a split pushes its parts, each continuing from a copy of the
state. `advance` runs until a fact is missing or all forks are solved, and may be called again with more facts:
a step asks for every fact before it changes anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from lockflow.index.model import Absent, Metadata
from lockflow.inputs.model import ForkStrategy, IndexStrategy, Member, Prerelease
from lockflow.inputs.model import Resolution as ResolutionMode
from lockflow.resolve.candidates import Candidate, Unusable, VersionList, search
from lockflow.resolve.dependencies import Dependency, of_group, specialise, within
from lockflow.resolve.environment import ForkEnvironment, from_universal
from lockflow.resolve.facts import Blocked, Facts, ListingNeed, MetadataNeed, Need, SourceNeed
from lockflow.resolve.fork import (
    DependencyFork,
    VersionFork,
    python_order,
    solve_order,
    split,
    split_by_local,
    split_by_platform,
    split_by_python,
)
from lockflow.resolve.identity import Identities, Identity, Kind
from lockflow.resolve.merge import ForkResult, merge, read_fork
from lockflow.resolve.policy import Policy, is_python_covered, lower_bound, root_requirements
from lockflow.resolve.preferences import Preference, Preferences
from lockflow.resolve.priority import Priorities
from lockflow.resolve.pubgrub.conflict import NoSolution
from lockflow.resolve.pubgrub.incompatibility import DependencyCause, Incompatibility
from lockflow.resolve.pubgrub.propagation import propagate
from lockflow.resolve.pubgrub.state import State
from lockflow.resolve.resolution import Resolution
from lockflow.standards.markers.simplify import production
from lockflow.standards.markers.tree import FALSE, TRUE, Marker, is_disjoint, python_range_marker
from lockflow.standards.requirements import Directory, Registry, Requirement, Source
from lockflow.standards.versions import EMPTY, FULL, InvalidSpecifier, Specifiers, Version, VersionRange, widen

ROOT_VERSION = Version.parse("0a0.dev0")
NO_VERSION = Version.parse("0")
"""Stands for the version of a source tree that declares none; it is not written down."""

_CONFLICT_LIMIT = 5
"""Conflicts after which a package is decided earlier, or one that causes them later."""


class Phase(Enum):
    """Where a fork goes on when a missing fact has come."""

    PICK = 0
    CHOOSE = 1
    DEPEND = 2


@dataclass(frozen=True, slots=True)
class RequiresHigherPython:
    """A version's own Requires-Python starts above the Python of the fork."""

    requires_python: str


@dataclass(frozen=True, slots=True)
class NoWheelFor:
    """A version has no wheel for a part of the environments it is needed in, and no source distribution."""

    marker: Marker


@dataclass(frozen=True, slots=True)
class EmptySpecifier:
    """A version requires a set of versions that no version lies in."""

    requirement: Requirement


@dataclass(frozen=True, slots=True)
class VersionSplit:
    """The environment must be split before this package can be chosen."""

    parts: list[VersionFork]


UnavailableReason = Unusable | Absent | RequiresHigherPython | NoWheelFor | EmptySpecifier


@dataclass(slots=True)
class Statistics:
    """What the search cost; tests assert it, so that a slower search shows."""

    decisions: int = 0
    conflicts: int = 0
    forks: int = 0


@dataclass(slots=True)
class ForkState:
    """All that one fork knows; cloned at a split."""

    pubgrub: State
    environment: ForkEnvironment
    priorities: Priorities
    next: int
    sources: dict[str, Source] = field(default_factory=dict)
    indexes: dict[str, str] = field(default_factory=dict)
    pins: dict[tuple[str, Version], Candidate] = field(default_factory=dict)
    added: set[tuple[int, Version]] = field(default_factory=set)
    culprits: dict[int, int] = field(default_factory=dict)
    affected: dict[int, int] = field(default_factory=dict)
    early: list[int] = field(default_factory=list)
    late: list[int] = field(default_factory=list)
    phase: Phase = Phase.PICK
    version: Version | None = None

    def clone(self, environment: ForkEnvironment) -> ForkState:
        return ForkState(
            pubgrub=self.pubgrub.clone(),
            environment=environment,
            priorities=self.priorities.clone(),
            next=self.next,
            sources=self.sources.copy(),
            indexes=self.indexes.copy(),
            pins=self.pins.copy(),
            added=self.added.copy(),
            culprits=self.culprits.copy(),
            affected=self.affected.copy(),
            early=self.early.copy(),
            late=self.late.copy(),
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """No solution: the proof's top in the store, and the fork in which it fails."""

    number: int
    state: ForkState
    identities: Identities
    lists: dict[str, list[VersionList]]

    @property
    def store(self) -> list[Incompatibility]:
        return self.state.pubgrub.store


class SourceConflict(Exception):
    """One fork asks for a package from two places."""

    def __init__(self, name: str, first: str, second: str, environment: ForkEnvironment) -> None:
        super().__init__(name)
        self.name = name
        self.places = tuple(sorted((first, second)))
        self.environment = environment


class Solver:
    """One resolution. `wanted` is called with facts worth fetching ahead; they need not be answered."""

    def __init__(
        self, policy: Policy, preferences: Preferences, facts: Facts, wanted: Callable[[Need], None] | None = None
    ) -> None:
        self.policy = policy
        self.facts = facts
        self.statistics = Statistics()
        self.identities = Identities()
        self._wanted = wanted or _ignore
        self._root = self.identities.number(Kind.ROOT)
        self._python = self.identities.number(Kind.PYTHON)
        self._everywhere = python_range_marker(policy.python)
        self._preferences: dict[str, list[Preference]] = {name: list(entries) for name, entries in preferences.entries}
        self._lists: dict[tuple[str, str | None], list[VersionList]] = {}
        self._visited: set[tuple[str, str | None]] = set()
        self._expected: dict[str, VersionRange] = {}
        self._specialised: dict[tuple[str, Version, str, str | None, str | None], list[Requirement]] = {}
        self._results: list[ForkResult] = []
        self._stack: list[ForkState] = []
        root = State(self._root, ROOT_VERSION)
        start = ForkState(root, ForkEnvironment(TRUE, policy.python), Priorities(), self._root)
        for environment in self._first_environments(preferences):
            self._stack.append(start.clone(environment))
        self.statistics.forks = len(self._stack)

    # The machine ------------------------------------------------------------------------------------------------

    def advance(self, steps: int = 1 << 62) -> Need | Resolution | Failure | None:
        """Go on until a fact is missing, an answer stands, or `steps` steps are done (then None)."""
        try:
            while self._stack:
                if steps <= 0:
                    return None
                steps -= 1
                self._step(self._stack[-1])
        except Blocked as blocked:
            return blocked.need
        except NoSolution as failure:
            state = self._stack[-1]
            lists = {name: found for (name, _), found in self._lists.items()}
            return Failure(failure.number, state, self.identities, lists)
        return merge(self._results, self.policy)

    def _step(self, state: ForkState) -> None:
        if state.phase is Phase.PICK and not self._pick(state):
            self._finish(state)
            return
        if state.phase is Phase.CHOOSE and not self._choose(state):
            return
        self._depend(state)

    def _pick(self, state: ForkState) -> bool:
        """Propagate and pick the identity to decide next; False when the fork is solved."""
        pubgrub = state.pubgrub
        for package, number in propagate(pubgrub, state.next):
            self._count_conflict(state, package, number)
        self._reprioritise(state)
        solution = pubgrub.solution
        for number in solution.outdated:
            if solution.is_open(number):
                solution.requeue(number, state.priorities.get(number, self.identities[number]))
        solution.outdated.clear()
        picked = solution.pick()
        if picked is None:
            return False
        state.next = picked
        state.phase = Phase.CHOOSE
        return True

    def _choose(self, state: ForkState) -> bool:
        """Choose a version of the picked identity; False where that was answered by a clause or a split."""
        number = state.next
        identity = self.identities[number]
        term = state.pubgrub.solution.assignments[number].term
        choice = self._choose_version(state, identity, number, term.range)
        state.phase = Phase.PICK
        if choice is None:
            self._rule_out(state, identity, number)
            return False
        if isinstance(choice, VersionSplit):
            self._push_versions(state, choice.parts)
            return False
        version, reason = choice
        if reason is None:
            state.version = version
            state.phase = Phase.DEPEND
            return True
        versions = self._widened(state, identity, version)
        if isinstance(reason, RequiresHigherPython):
            # A dependency on Python that cannot be met, so that conflicts of this kind count as conflicts.
            python = _python_versions(reason.requires_python)
            state.pubgrub.add_dependency(number, versions, self._python, python)
            state.pubgrub.solution.decide(number, version)
        else:
            state.pubgrub.add_unavailable(number, versions, reason)
        return False

    def _depend(self, state: ForkState) -> None:
        """Decide the chosen version and add what it depends on, splitting where its markers ask for it."""
        number, version = state.next, state.version
        assert version is not None
        identity = self.identities[number]
        if (number, version) in state.added:
            state.pubgrub.solution.decide(number, version)
            state.phase = Phase.PICK
            return
        found = self._dependencies(state, identity, number, version)
        state.phase = Phase.PICK
        if isinstance(found, VersionSplit):
            self._push_versions(state, found.parts)
            return
        state.added.add((number, version))
        if not isinstance(found, list):
            state.pubgrub.add_unavailable(number, self._widened(state, identity, version), found)
            return
        if identity.is_proxy:
            self._add(state, number, version, found)
            return
        forks = split(found, state.environment, self.policy.conflicts)
        if len(forks) == 1:
            self._add(state, number, version, forks[0].dependencies)
        else:
            self._push_dependencies(state, number, version, forks)

    def _finish(self, state: ForkState) -> None:
        """Keep the solution of a fork, and let its versions guide the forks still to come."""
        self._stack.pop()
        result = read_fork(state.pubgrub, self.identities, state.environment, state.sources, state.pins, self.policy)
        self._results.append(result)
        if self.policy.settings.resolution is ResolutionMode.LOWEST_DIRECT:
            return
        marker = state.environment.universal
        for name, version, index in result.chosen:
            preference = Preference(version=version, index=index, marker=marker, origin="sibling")
            self._preferences.setdefault(name, []).append(preference)

    # Splits -----------------------------------------------------------------------------------------------------

    def _first_environments(self, preferences: Preferences) -> list[ForkEnvironment]:
        """The forks to begin with, in pushing order: of the old lock, else as declared, else one for all."""
        python = self.policy.python
        declared = self.policy.manifest.environments
        if preferences.forks:
            environments = [from_universal(marker, python) for marker in preferences.forks]
        elif declared:
            environments = [ForkEnvironment(marker, python) for marker in declared]
        else:
            return [ForkEnvironment(TRUE, python)]
        environments.reverse()
        settings = self.policy.settings
        is_oldest_first = settings.fork_strategy is ForkStrategy.FEWEST or settings.resolution is ResolutionMode.LOWEST
        return sorted(environments, key=lambda entry: python_order(entry.marker), reverse=is_oldest_first)

    def _push_versions(self, state: ForkState, forks: list[VersionFork]) -> None:
        self._stack.pop()
        self.statistics.forks += len(forks) - 1
        for fork in forks:
            child = state.clone(fork.environment)
            # The same package is chosen first; what was propagated before the split still holds.
            child.phase = Phase.CHOOSE if fork.version is None else Phase.DEPEND
            child.version = fork.version
            if fork.version is not None:
                self._pin(child, self.identities[child.next].name, fork.version)
            self._stack.append(child)

    def _push_dependencies(self, state: ForkState, number: int, version: Version, forks: list[DependencyFork]) -> None:
        self._stack.pop()
        settings = self.policy.settings
        self.statistics.forks += len(forks) - 1
        for fork in solve_order(forks, settings.fork_strategy, settings.resolution):
            child = state.clone(fork.environment)
            self._add(child, number, version, fork.dependencies)
            self._stack.append(child)

    # Versions ---------------------------------------------------------------------------------------------------

    def _choose_version(
        self, state: ForkState, identity: Identity, number: int, allowed: VersionRange
    ) -> tuple[Version, UnavailableReason | None] | VersionSplit | None:
        """A version, with a reason where it cannot be used; or the parts of a split; or None: no version."""
        if identity.kind is Kind.ROOT:
            return ROOT_VERSION, None
        if identity.kind is Kind.PYTHON:
            return None
        name = identity.name
        if name in state.sources:
            return self._choose_from_source(state, name, state.sources[name], allowed)
        lists = self._version_lists(state, name)
        found = self._preferred(state, name, allowed, lists) or self._search(state, name, allowed, lists)
        if found is None:
            return None
        if isinstance(found, Unusable):
            return found.version, found
        bound = lower_bound(found.file.requires_python)
        if not is_python_covered(state.environment.python, bound):
            assert bound is not None
            if self.policy.settings.fork_strategy is ForkStrategy.REQUIRES_PYTHON:
                parts = split_by_python(state.environment, bound)
                if parts:
                    return VersionSplit(parts)
            return found.version, RequiresHigherPython(found.file.requires_python or "")
        if found.wheels:
            special = self._check_wheels(state, number, name, allowed, lists, found)
            if special is not None:
                return special
        state.pins.setdefault((name, found.version), found)
        return found.version, None

    def _choose_from_source(
        self, state: ForkState, name: str, source: Source, allowed: VersionRange
    ) -> tuple[Version, UnavailableReason | None] | None:
        member = self._member(name, source)
        if member is not None:
            version = member.version or NO_VERSION
            return (version, None) if allowed.contains(version) else None
        metadata = self.facts.source(SourceNeed(name=name, source=source))
        if isinstance(metadata, Absent):
            return NO_VERSION, metadata
        if not allowed.contains(metadata.version):
            return None
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
            is_highest = self.policy.prefers_highest(name, state.environment)
            entries = sorted(entries, key=lambda entry: entry.version, reverse=is_highest)
            entries.sort(key=lambda entry: not state.environment.overlaps(entry.marker.environment))
        mode = self.policy.prerelease(name, state.environment)
        for entry in entries:
            version = entry.version
            if not allowed.contains(version):
                continue
            is_early = version.is_prerelease and mode is not Prerelease.ALLOW
            if is_early and (mode is not Prerelease.IF_NECESSARY or entry.origin == "sibling"):
                continue
            for versions in lists:
                if version in versions:
                    return versions.judge(_with_local(versions, version, allowed))
        return None

    def _search(
        self, state: ForkState, name: str, allowed: VersionRange, lists: list[VersionList]
    ) -> Candidate | Unusable | None:
        return search(
            lists,
            allowed,
            prerelease=self.policy.prerelease(name, state.environment),
            descending=self.policy.prefers_highest(name, state.environment),
            best_match=self.policy.settings.index_strategy is IndexStrategy.UNSAFE_BEST_MATCH,
        )

    def _check_wheels(
        self,
        state: ForkState,
        number: int,
        name: str,
        allowed: VersionRange,
        lists: list[VersionList],
        found: Candidate,
    ) -> tuple[Version, UnavailableReason | None] | VersionSplit | None:
        """Split where a version without source distribution lacks wheels for a platform that must have them."""
        environment = state.environment
        coverage = [required for required in self.policy.coverage if environment.overlaps(required)]
        if not coverage and not found.version.is_local:
            return None
        everywhere = found.implied()
        if everywhere.is_true:
            return None
        implied = everywhere & environment.marker
        needed = self._needed(state, number, {}) & environment.marker if coverage else TRUE
        for required in coverage:
            if is_disjoint(implied, required) and not is_disjoint(needed, required):
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
    ) -> tuple[Version, UnavailableReason | None] | VersionSplit | None:
        public = VersionRange.singleton(found.version.without_local())
        base = self._search(state, name, allowed & public, lists)
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
        if number == self._root:
            return TRUE
        if number in memo:
            return memo[number]
        memo[number] = FALSE  # a cycle adds nothing to what leads into it
        marker = FALSE
        for clause in state.pubgrub.clauses.get(number, ()):
            cause = state.pubgrub.store[clause].cause
            if isinstance(cause, DependencyCause) and cause.target == number:
                marker = marker | (self.identities[number].marker & self._needed(state, cause.package, memo))
        memo[number] = marker
        return marker

    def _version_lists(self, state: ForkState, name: str) -> list[VersionList]:
        """The version lists to search for a name, in order; empty where no index knows it."""
        key = (name, state.indexes.get(name))
        found = self._lists_of(*key)
        self._visited.add(key)
        return found

    def _lists_of(self, name: str, explicit: str | None) -> list[VersionList]:
        found = self._lists.get((name, explicit))
        if found is None:
            found = self._lists[name, explicit] = self._load_lists(name, explicit)
        return found

    def _load_lists(self, name: str, explicit: str | None) -> list[VersionList]:
        policy = self.policy
        indexes = [policy.index(explicit)] if explicit is not None else policy.implicit_indexes
        is_first_only = policy.settings.index_strategy is IndexStrategy.FIRST_INDEX
        pooled = []
        if explicit is None:
            for index in policy.settings.find_links:
                listing = self.facts.flat.get(index.url, {}).get(name)
                if listing is not None:
                    pooled.append(listing)
        lists: list[VersionList] = []
        for index in indexes:
            if index.is_flat:
                fact = self.facts.flat.get(index.url, {}).get(name)
            else:
                answer = self.facts.listing(name, index.url)
                if isinstance(answer, Absent) and answer.kind == "unauthorized":
                    break
                fact = None if isinstance(answer, Absent) else answer
            if fact is None:
                continue
            # Links given beside the indexes are pooled with the first index that knows the project.
            lists.append(VersionList([*pooled, fact], policy.rules(name, fact.index)))
            pooled = []
            if is_first_only:
                break
        if pooled:
            lists.append(VersionList(pooled, policy.rules(name, pooled[0].index)))
        return lists

    def _pin(self, state: ForkState, name: str, version: Version) -> None:
        """Fix the file of a version that a split chose without a search."""
        if (name, version) in state.pins:
            return
        for versions in self._version_lists(state, name):
            if version in versions:
                judged = versions.judge(version)
                if isinstance(judged, Candidate):
                    state.pins[name, version] = judged
                    return

    # Clauses ----------------------------------------------------------------------------------------------------

    def _rule_out(self, state: ForkState, identity: Identity, number: int) -> None:
        """No version fits: say so, or that the package as a whole cannot be had."""
        term = state.pubgrub.solution.assignments[number].term
        absent = self._absence(state, identity) if identity.kind is Kind.PACKAGE else None
        if absent is not None:
            state.pubgrub.add_unavailable(number, term.range, absent)
        else:
            state.pubgrub.add_no_versions(number, term)

    def _absence(self, state: ForkState, identity: Identity) -> Absent | None:
        if identity.name in state.sources or self._version_lists(state, identity.name):
            return None
        explicit = state.indexes.get(identity.name)
        indexes = [explicit] if explicit is not None else [index.url for index in self.policy.implicit_indexes]
        answers = [self.facts.peek_listing(identity.name, url) for url in indexes]
        absences = [answer for answer in answers if isinstance(answer, Absent)]
        telling = [absence for absence in absences if absence.kind != "not-found"]
        return (telling or absences or [Absent(kind="not-found")])[0]

    def _add(self, state: ForkState, number: int, version: Version, dependencies: list[Dependency]) -> None:
        """Note the dependencies of a version and decide it, unless they already contradict what is known."""
        for dependency in dependencies:
            self._register(state, dependency)
        pubgrub = state.pubgrub
        for dependency in dependencies:
            base = self.identities.base(dependency.number)
            if base is not None:
                pubgrub.add_dependency(dependency.number, dependency.range, base, dependency.range)
        versions = self._widened(state, self.identities[number], version)
        clauses = [
            pubgrub.add_dependency(number, versions, dependency.number, dependency.range) for dependency in dependencies
        ]
        self.statistics.decisions += 1
        violated = pubgrub.decide_with(number, version, clauses)
        if violated is not None:
            self._count_conflict(state, number, violated)

    def _register(self, state: ForkState, dependency: Dependency) -> None:
        name = dependency.name
        if dependency.source is not None:
            self._use_source(state, name, dependency.source)
        for index in self.policy.assigned_indexes(name, state.environment):
            self._use_index(state, name, index)
        if dependency.index is not None:
            self._use_index(state, name, dependency.index)
        is_url = name in state.sources
        is_pinned = dependency.range.is_pinned
        state.priorities.register(dependency.number, name, is_url=is_url, is_pinned=is_pinned)
        base = self.identities.base(dependency.number)
        if base is not None:
            state.priorities.register(base, name, is_url=is_url, is_pinned=is_pinned)
        if not is_url and name not in self._expected:
            self._expected[name] = dependency.range
            self._want_listing(name, state.indexes.get(name))

    def _use_source(self, state: ForkState, name: str, source: Source) -> None:
        known = state.sources.setdefault(name, source)
        if known == source:
            return
        if isinstance(known, Directory) and isinstance(source, Directory) and known.path == source.path:
            if source.install == "editable":
                state.sources[name] = source
            return
        raise SourceConflict(name, repr(known), repr(source), state.environment)

    def _use_index(self, state: ForkState, name: str, index: str) -> None:
        known = state.indexes.setdefault(name, index)
        if known != index:
            raise SourceConflict(name, known, index, state.environment)

    def _widened(self, state: ForkState, identity: Identity, version: Version) -> VersionRange:
        """The largest set around a version that holds no other listed one: what is said of it holds there too."""
        if identity.kind <= Kind.PYTHON or identity.name in state.sources:
            return VersionRange.singleton(version)
        key = (identity.name, state.indexes.get(identity.name))
        # What was only looked at ahead does not count: the answer must not depend on what arrived when.
        lists = self._lists[key] if key in self._visited else None
        if not lists:
            return VersionRange.singleton(version)
        if len(lists) == 1:
            return widen(version, lists[0].versions)
        known = sorted({entry for versions in lists for entry in versions.versions})
        return widen(version, known)

    # Conflicts counted ------------------------------------------------------------------------------------------

    def _count_conflict(self, state: ForkState, package: int, number: int) -> None:
        self.statistics.conflicts += 1
        name = self.identities[package].name
        is_real = False
        for other, _ in state.pubgrub.store[number].items:
            if other == package or self.identities[other].name == name:
                continue
            is_real = True
            state.culprits[other] = state.culprits.get(other, 0) + 1
            if state.culprits[other] == _CONFLICT_LIMIT:
                state.late.append(other)
        if is_real:
            state.affected[state.next] = state.affected.get(state.next, 0) + 1
            if state.affected[state.next] == _CONFLICT_LIMIT:
                state.early.append(state.next)

    def _reprioritise(self, state: ForkState) -> None:
        for number in state.early:
            identity = self.identities[number]
            if identity.kind > Kind.PYTHON:
                state.priorities.favour(identity.name)
        for number in state.late:
            identity = self.identities[number]
            if identity.kind > Kind.PYTHON and state.priorities.defer(identity.name):
                level = state.pubgrub.solution.level_before(number)
                if level is not None:
                    state.pubgrub.backtrack(level)
        state.early.clear()
        state.late.clear()

    # Dependencies -----------------------------------------------------------------------------------------------

    def _dependencies(
        self, state: ForkState, identity: Identity, number: int, version: Version
    ) -> list[Dependency] | VersionSplit | UnavailableReason:
        if identity.kind is Kind.ROOT:
            requirements = self._root_requirements()
            return within(requirements, self.policy, self.identities, state.environment, is_root=True)
        if identity.is_proxy:
            exact = VersionRange.singleton(version)
            return [
                Dependency(number=target, name=identity.name, range=exact, marker=self.identities[target].marker)
                for target in self.identities.proxied(number)
            ]
        found = self._requirements(state, identity, version)
        if not isinstance(found, list):
            if isinstance(found, RequiresHigherPython):
                return self._split_on_metadata(state, found)
            return found
        for requirement in found:
            if isinstance(requirement.source, Registry) and requirement.source.specifiers.range.is_empty:
                return EmptySpecifier(requirement)
        from_group = identity.kind is Kind.GROUP
        return within(
            found, self.policy, self.identities, state.environment, extra=identity.extra, from_group=from_group
        )

    def _root_requirements(self) -> list[Requirement]:
        return specialise(root_requirements(self.policy.manifest), self.policy, None, None)

    def _split_on_metadata(self, state: ForkState, reason: RequiresHigherPython) -> VersionSplit | UnavailableReason:
        bound = lower_bound(reason.requires_python)
        if bound is not None and self.policy.settings.fork_strategy is ForkStrategy.REQUIRES_PYTHON:
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
        member = None if source is None else self._member(name, source)
        if member is not None:
            return self._of_member(member, identity)
        metadata = self._metadata(state, name, version, source)
        if isinstance(metadata, Absent):
            return metadata
        if not is_python_covered(state.environment.python, lower_bound(metadata.requires_python)):
            return RequiresHigherPython(metadata.requires_python or "")
        if identity.kind is Kind.GROUP:
            return []
        key = (name, version, _place(state, name, version), identity.extra, None)
        known = self._specialised.get(key)
        if known is None:
            known = specialise(metadata.requires_dist, self.policy, name, version, extra=identity.extra)
            self._specialised[key] = known
        return known

    def _of_member(self, member: Member, identity: Identity) -> list[Requirement]:
        if identity.kind is Kind.GROUP:
            for group in member.groups:
                if group.name == identity.group:
                    return of_group(group.requirements, self.policy, member.name, member.version)
            return []
        return specialise(member.requires_dist, self.policy, member.name, member.version, extra=identity.extra)

    def _metadata(self, state: ForkState, name: str, version: Version, source: Source | None) -> Metadata | Absent:
        for static in self.policy.manifest.static_metadata:
            if static.name == name and static.version in (version, None):
                return Metadata(
                    name=name,
                    version=version,
                    requires_dist=static.requires_dist,
                    requires_python=static.requires_python,
                    provides_extras=static.provides_extras,
                )
        if source is not None:
            return self.facts.source(SourceNeed(name=name, source=source))
        return self.facts.metadata(_metadata_need(name, state.pins[name, version]))

    def _member(self, name: str, source: Source) -> Member | None:
        member = self.policy.members.get(name)
        if member is None or not isinstance(source, Directory) or source.path != member.path:
            return None
        return member

    # Looking ahead ----------------------------------------------------------------------------------------------

    def expect(self, metadata: Metadata) -> None:
        """Want the listings of what a package is likely to bring in, before it is decided on."""
        for requirement in metadata.requires_dist:
            name, source = requirement.name, requirement.source
            if name in self._expected or name in self.policy.members or not isinstance(source, Registry):
                continue
            if production(requirement.marker).is_false or is_disjoint(requirement.marker, self._everywhere):
                continue
            self._expected[name] = source.specifiers.range
            self._want_listing(name, None)

    def guess(self, name: str) -> None:
        """Want the metadata that is likely needed once a listing is known."""
        try:
            lists = self._lists_of(name, None)
        except Blocked as blocked:
            self._wanted(blocked.need)
            return
        candidate = self._guess(name, lists)
        if candidate is not None:
            self._wanted(_metadata_need(name, candidate))

    def _guess(self, name: str, lists: list[VersionList]) -> Candidate | None:
        for entry in self._preferences.get(name, ())[:1]:
            for versions in lists:
                judged = versions.judge(entry.version) if entry.version in versions else None
                if isinstance(judged, Candidate):
                    return judged
        anywhere = ForkEnvironment(TRUE, self.policy.python)
        allowed = self._expected.get(name, FULL)
        while True:
            found = search(
                lists,
                allowed,
                prerelease=self.policy.prerelease(name, anywhere),
                descending=self.policy.prefers_highest(name, anywhere),
            )
            if not isinstance(found, Unusable):
                return found
            allowed = allowed & ~VersionRange.singleton(found.version)

    def _want_listing(self, name: str, explicit: str | None) -> None:
        if explicit is not None:
            self._wanted(ListingNeed(name=name, index=explicit))
            return
        indexes = self.policy.implicit_indexes
        if self.policy.settings.index_strategy is IndexStrategy.FIRST_INDEX:
            indexes = indexes[:1]
        for index in indexes:
            if not index.is_flat:
                self._wanted(ListingNeed(name=name, index=index.url))


def _ignore(need: Need) -> None:
    """Nobody fetches ahead."""


def _metadata_need(name: str, candidate: Candidate) -> MetadataNeed:
    return MetadataNeed(name=name, version=candidate.version, index=candidate.index, file=candidate.metadata_file)


def _with_local(versions: VersionList, version: Version, allowed: VersionRange) -> Version:
    """The highest local variant of a preferred version, where there is one."""
    if version.is_local:
        return version
    for candidate in versions.within(allowed, descending=True):
        if candidate <= version:
            break
        if candidate.is_local and candidate.without_local() == version:
            return candidate
    return version


def _place(state: ForkState, name: str, version: Version) -> str:
    source = state.sources.get(name)
    if source is not None:
        return repr(source)
    pin = state.pins.get((name, version))
    return "" if pin is None else pin.index


def _python_versions(requires_python: str) -> VersionRange:
    """A Requires-Python as versions of the Python identity, of which none exists."""
    try:
        return Specifiers.parse(requires_python).range
    except InvalidSpecifier:
        return EMPTY
