"""The solver's one mutable heart: the store of incompatibilities and the partial solution, cloneable at a fork.

The store itself only grows and is shared by all clones; which incompatibilities count is each state's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from lockflow.resolve.pubgrub.incompatibility import (
    Incompatibility,
    NoVersions,
    RootCause,
    Unavailable,
    dependency,
    extended,
)
from lockflow.resolve.pubgrub.partial_solution import PartialSolution
from lockflow.resolve.pubgrub.term import SATISFIED, Term
from lockflow.standards.versions import Version, VersionRange


class State:
    """`clauses` lists, for every package, the incompatibilities that mention it, oldest first (the keys of a dict).

    `contradicted` maps incompatibilities that cannot hold any more to the decision level at which that became
    known; `level_starts` says how many were known when each level began. `merged` finds the dependency clause of two
    packages that asks for the same versions of the second.
    """

    __slots__ = ("clauses", "contradicted", "level_starts", "merged", "root", "root_version", "solution", "store")

    def __init__(self, root: int, root_version: Version) -> None:
        self.root = root
        self.root_version = root_version
        self.store: list[Incompatibility] = []
        self.clauses: dict[int, dict[int, None]] = {}
        self.merged: dict[tuple[int, int, VersionRange], int] = {}
        self.contradicted: dict[int, int] = {}
        self.level_starts: list[int] = []
        self.solution = PartialSolution()
        terms = {root: Term(False, VersionRange.singleton(root_version))}
        number = self._add(Incompatibility(terms, RootCause()))
        self.solution.derive(root, Term.exactly(root_version), number)

    def clone(self) -> State:
        twin = State.__new__(State)
        twin.root = self.root
        twin.root_version = self.root_version
        twin.store = self.store
        twin.clauses = {package: numbers.copy() for package, numbers in self.clauses.items()}
        twin.merged = self.merged.copy()
        twin.contradicted = self.contradicted.copy()
        twin.level_starts = self.level_starts.copy()
        twin.solution = self.solution.clone()
        return twin

    def allocate(self, incompatibility: Incompatibility) -> int:
        """Number an incompatibility without letting it count yet."""
        self.store.append(incompatibility)
        return len(self.store) - 1

    def add_dependency(self, package: int, versions: VersionRange, target: int, targets: VersionRange) -> int:
        """Say that `package` in `versions` depends on `target` in `targets`; merged with an older clause of both.

        "1.0 depends on b>=2" and "2.0 depends on b>=2" become "1.0 or 2.0 depends on b>=2", which keeps the lists
        short and makes learned facts general. Returns the number that counts.
        """
        if package == target:
            return self._add(dependency(package, versions, target, targets))
        key = (package, target, targets)
        older = self.merged.get(key)
        if older is None:
            number = self._add(dependency(package, versions, target, targets))
        else:
            for name in self.store[older].terms:
                del self.clauses[name][older]
            number = self._add(extended(self.store[older], package, versions))
        self.merged[key] = number
        return number

    def add_no_versions(self, package: int, term: Term) -> None:
        self._add(Incompatibility({package: term}, NoVersions()))

    def add_unavailable(self, package: int, versions: VersionRange, reason: object) -> None:
        self._add(Incompatibility({package: Term(True, versions)}, Unavailable(reason)))

    def count(self, number: int) -> int:
        """Let an incompatibility count from now on."""
        for package in self.store[number].terms:
            clauses = self.clauses.get(package)
            if clauses is None:
                clauses = self.clauses[package] = {}
            clauses[number] = None
        return number

    def decide_with(self, package: int, version: Version, numbers: Iterable[int]) -> int | None:
        """Decide `version` unless one of its new clauses already forbids it; then return that clause.

        While nothing has gone wrong yet, the check is skipped.
        """
        if self.solution.has_backtracked:
            exact = Term.exactly(version)
            for number in numbers:
                if self._would_hold(self.store[number], package, exact):
                    return number
        self.solution.decide(package, version)
        return None

    def note_level(self) -> None:
        """Remember, before anything is contradicted on it, that a decision level has begun."""
        while len(self.level_starts) <= self.solution.level:
            self.level_starts.append(len(self.contradicted))

    def backtrack(self, level: int) -> None:
        self.solution.backtrack(level)
        # Only what was noted since the level above began can be of a level above.
        starts, contradicted = self.level_starts, self.contradicted
        late = 0 if len(starts) <= level + 1 else len(contradicted) - starts[level + 1]
        for number, at in list(islice(reversed(contradicted.items()), late)):
            if at > level:
                del contradicted[number]
        del starts[level + 1 :]

    def _add(self, incompatibility: Incompatibility) -> int:
        return self.count(self.allocate(incompatibility))

    def _would_hold(self, incompatibility: Incompatibility, package: int, exact: Term) -> bool:
        for name, term in incompatibility.items:
            known = exact if name == package else self.solution.known(name)
            if known is None or term.relation(known) != SATISFIED:
                return False
        return True
