"""The step machine: facts in, needs or an answer out.

One fork after the other is solved from a stack; a split pushes its parts, each continuing from a copy of the
state. `advance` runs until a fact is missing or all forks are solved, and may be called again with more facts:
a step asks for every fact before it changes anything.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from lockflow.index.model import SourceMetadata
from lockflow.inputs.model import ForkStrategy
from lockflow.inputs.model import Resolution as ResolutionMode
from lockflow.resolve.ahead import Ahead
from lockflow.resolve.choose import ROOT_VERSION, Chooser
from lockflow.resolve.declared import Declared
from lockflow.resolve.dependencies import Dependency
from lockflow.resolve.environment import ForkEnvironment, from_universal
from lockflow.resolve.facts import Blocked, Facts, Need, SourceNeed
from lockflow.resolve.fork import DependencyFork, VersionFork, VersionSplit, python_order, solve_order, split
from lockflow.resolve.fork_state import ForkState, Phase
from lockflow.resolve.identity import Identities, Identity, Kind
from lockflow.resolve.listed import Listed
from lockflow.resolve.merge import ForkResult, Places, merge, read_fork
from lockflow.resolve.policy import Policy
from lockflow.resolve.preferences import Preference, Preferences
from lockflow.resolve.priority import Priorities
from lockflow.resolve.pubgrub.conflict import NoSolution
from lockflow.resolve.pubgrub.incompatibility import Incompatibility
from lockflow.resolve.pubgrub.propagation import propagate
from lockflow.resolve.pubgrub.state import State
from lockflow.resolve.resolution import Resolution
from lockflow.resolve.unavailable import RequiresHigherPython
from lockflow.standards.markers.tree import TRUE
from lockflow.standards.requirements import Directory, Source, source_text
from lockflow.standards.specifiers import InvalidSpecifier, Specifiers
from lockflow.standards.versions import EMPTY, Version, VersionRange

_CONFLICT_LIMIT = 5
"""Conflicts after which a package is decided earlier, or one that causes them later."""


class Statistics(Struct):
    """What the search cost; tests assert it, so that a slower search shows."""

    decisions: int = 0
    conflicts: int = 0
    forks: int = 0


class Failure(Struct, frozen=True):
    """No solution: the proof's top in the store, and the fork in which it fails."""

    number: int
    state: ForkState
    identities: Identities
    listed: Listed
    facts: Facts

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


class UndeclaredSource(Exception):
    """A package of an index asks for another from elsewhere, which nobody of the project asked for."""

    def __init__(self, name: str, source: Source) -> None:
        super().__init__(name)
        self.name = name
        self.source = source


class Solver:
    """One resolution. `wanted` is called with facts worth fetching ahead; they need not be answered.

    Until `look_ahead` these are the listings of what is depended on, which cost nothing to tell.
    """

    def __init__(
        self, policy: Policy, preferences: Preferences, facts: Facts, wanted: Callable[[Need], None] | None = None
    ) -> None:
        self.policy = policy
        self.facts = facts
        self.statistics = Statistics()
        self.identities = Identities()
        self._root = self.identities.number(Kind.ROOT)
        self._python = self.identities.number(Kind.PYTHON)
        self._listed = Listed(policy, facts)
        self._chooser = Chooser(policy, preferences, facts, self.identities, self._listed)
        self._declared = Declared(policy, facts, self.identities)
        self.ahead = Ahead(policy, facts, self.identities, self._chooser, wanted or _ignore)
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
            return Failure(failure.number, state, self.identities, self._listed, self.facts)
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
        # Picked last but not decided, because that was in conflict: nothing else may put it back into the queue.
        solution.outdated.setdefault(state.next)
        identities, is_ahead = self.identities.identities, self.ahead.is_on
        for number in solution.outdated:
            if solution.is_open(number):
                identity = identities[number]
                solution.requeue(number, state.priorities.get(number, identity))
                if is_ahead and identity.kind == Kind.PACKAGE and identity.name not in state.sources:
                    self.ahead.narrowed(state, identity.name, solution.assignments[number].term.range)
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
        kept = state.choices.get(number)
        if kept is not None and kept[0] == term.range:
            # What was chosen is not judged again, though since then the package may be needed on other platforms.
            state.version = kept[1]
            state.phase = Phase.DEPEND
            return True
        choice = self._chooser.choose(state, identity, number, term.range)
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
            state.choices[number] = (term.range, version)
            state.phase = Phase.DEPEND
            if identity.kind > Kind.PYTHON and identity.name not in state.sources:
                self.ahead.tried(state, identity.name, version, term.range)
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
        found = self._declared.of(state, identity, number, version)
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
        sourced = {name: self.facts.peek_source(name, source) for name, source in state.sources.items()}
        found = {name: metadata for name, metadata in sourced.items() if isinstance(metadata, SourceMetadata)}
        places = Places(state.sources, found, state.pins)
        result = read_fork(state.pubgrub, self.identities, state.environment, places, self.policy)
        self._results.append(result)
        if self.policy.settings.resolution is ResolutionMode.LOWEST_DIRECT:
            return
        marker = state.environment.universal
        for name, version, index in result.chosen:
            preference = Preference(version=version, index=index, marker=marker, origin="sibling")
            self._chooser.prefer(name, preference)

    # Splits -----------------------------------------------------------------------------------------------------

    def _first_environments(self, preferences: Preferences) -> list[ForkEnvironment]:
        """The forks to begin with, in pushing order: of the old lock, else as declared, else one for all."""
        python = self.policy.python
        declared = self.policy.manifest.environments
        if preferences.forks:
            environments = [from_universal(marker, python) for marker in preferences.forks]
        elif declared and preferences.forks is None:
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
                self._chooser.pin(child, self.identities[child.next].name, fork.version)
            self._stack.append(child)

    def _push_dependencies(self, state: ForkState, number: int, version: Version, forks: list[DependencyFork]) -> None:
        self._stack.pop()
        settings = self.policy.settings
        self.statistics.forks += len(forks) - 1
        for fork in solve_order(forks, settings.fork_strategy, settings.resolution):
            child = state.clone(fork.environment)
            self._add(child, number, version, fork.dependencies)
            self._stack.append(child)

    # Clauses ----------------------------------------------------------------------------------------------------

    def _rule_out(self, state: ForkState, identity: Identity, number: int) -> None:
        """No version fits: say so, or that the package as a whole cannot be had."""
        term = state.pubgrub.solution.assignments[number].term
        absent = None
        if identity.kind == Kind.PACKAGE and identity.name not in state.sources:
            absent = self._listed.absence((identity.name, state.indexes.get(identity.name)))
        if absent is not None:
            state.pubgrub.add_unavailable(number, term.range, absent)
        else:
            state.pubgrub.add_no_versions(number, term)

    def _widened(self, state: ForkState, identity: Identity, version: Version) -> VersionRange:
        if identity.kind <= Kind.PYTHON or identity.name in state.sources:
            return VersionRange.singleton(version)
        return self._listed.widened((identity.name, state.indexes.get(identity.name)), version)

    def _add(self, state: ForkState, number: int, version: Version, dependencies: list[Dependency]) -> None:
        """Note the dependencies of a version and decide it, unless they already contradict what is known."""
        bases = [self._register(state, dependency) for dependency in dependencies]
        pubgrub = state.pubgrub
        for dependency, base in zip(dependencies, bases, strict=True):
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

    def _register(self, state: ForkState, dependency: Dependency) -> int | None:
        """Note where a dependency comes from and when it is decided; returns the plain package behind a proxy."""
        name = dependency.name
        if dependency.source is not None:
            self._use_source(state, name, dependency.source)
        for index in self.policy.assigned_indexes(name, state.environment):
            self._use_index(state, name, index)
        if dependency.index is not None:
            self._use_index(state, name, dependency.index)
        is_url = name in state.sources
        is_pinned = dependency.is_pinned
        state.priorities.register(dependency.number, name, is_url=is_url, is_pinned=is_pinned)
        base = self.identities.base(dependency.number)
        if base is not None:
            state.priorities.register(base, name, is_url=is_url, is_pinned=is_pinned)
        if not is_url:
            self.ahead.mention(name, dependency.range, state.indexes.get(name))
        return base

    def _use_source(self, state: ForkState, name: str, source: Source) -> None:
        if self.facts.allowed is not None and self.policy.member(name, source) is None:
            allowed = self.facts.allowed.get(SourceNeed(name=name, source=source))
            if allowed is None:
                raise UndeclaredSource(name, source)
            source = allowed
        known = state.sources.setdefault(name, source)
        if known == source:
            return
        if isinstance(known, Directory) and isinstance(source, Directory) and known.path == source.path:
            if source.install == "editable":
                state.sources[name] = source
            return
        raise SourceConflict(name, source_text(known), source_text(source), state.environment)

    def _use_index(self, state: ForkState, name: str, index: str) -> None:
        known = state.indexes.setdefault(name, index)
        if known != index:
            raise SourceConflict(name, known, index, state.environment)

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


def _ignore(need: Need) -> None:
    """Nobody fetches ahead."""


def _python_versions(requires_python: str) -> VersionRange:
    """A Requires-Python as versions of the Python identity, of which none exists."""
    try:
        return Specifiers.parse(requires_python).range
    except InvalidSpecifier:
        return EMPTY
