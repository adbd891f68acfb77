"""The partial solution: what has been decided and derived so far, in order, and undoable."""

from __future__ import annotations

from heapq import heappop, heappush

from lockflow.resolve.pubgrub.incompatibility import Incompatibility
from lockflow.resolve.pubgrub.term import Term
from lockflow.standards.versions import Version

Priority = tuple[int, int, int]
"""Class, name index, identity index; the smallest is picked first."""

Satisfier = tuple[int, int, int]
"""Global index, decision level, cause (-1 for a decision)."""


class Assignment:
    """All that is known of one package.

    `derivations` are (global index, decision level, cause, accumulated term), oldest first; `decision` is
    the version, with its global index, once one is decided. `term` is the sum of all.
    """

    __slots__ = ("decision", "decision_index", "derivations", "highest_level", "smallest_level", "term")

    def __init__(self, level: int) -> None:
        self.smallest_level = level
        self.highest_level = level
        self.derivations: list[tuple[int, int, int, Term]] = []
        self.decision: Version | None = None
        self.decision_index = -1
        self.term = _NOTHING

    def clone(self) -> Assignment:
        twin = Assignment.__new__(Assignment)
        twin.smallest_level = self.smallest_level
        twin.highest_level = self.highest_level
        twin.derivations = self.derivations.copy()
        twin.decision = self.decision
        twin.decision_index = self.decision_index
        twin.term = self.term
        return twin

    def satisfier(self, negated: Term) -> Satisfier:
        """The earliest entry after which the term whose negation is given holds."""
        low, high = 0, len(self.derivations)
        while low < high:
            middle = (low + high) // 2
            if self.derivations[middle][3].is_disjoint(negated):
                high = middle
            else:
                low = middle + 1
        if low < len(self.derivations):
            index, level, cause, _ = self.derivations[low]
            return (index, level, cause)
        return (self.decision_index, self.highest_level, -1)


_NOTHING = Term.__new__(Term)


class PartialSolution:
    """Assignments by package, the decisions in order, and the queue of packages that want a decision."""

    __slots__ = ("assignments", "decisions", "has_backtracked", "heap", "level", "next_index", "outdated", "queued")

    def __init__(self) -> None:
        self.assignments: dict[int, Assignment] = {}
        self.decisions: list[int] = []
        self.level = 0
        self.next_index = 0
        self.has_backtracked = False
        self.queued: dict[int, Priority] = {}
        self.heap: list[tuple[Priority, int]] = []
        self.outdated: dict[int, None] = {}

    def clone(self) -> PartialSolution:
        twin = PartialSolution.__new__(PartialSolution)
        twin.assignments = {package: assignment.clone() for package, assignment in self.assignments.items()}
        twin.decisions = self.decisions.copy()
        twin.level = self.level
        twin.next_index = self.next_index
        twin.has_backtracked = self.has_backtracked
        twin.queued = self.queued.copy()
        twin.heap = self.heap.copy()
        twin.outdated = self.outdated.copy()
        return twin

    def known(self, package: int) -> Term | None:
        assignment = self.assignments.get(package)
        return None if assignment is None else assignment.term

    def derive(self, package: int, term: Term, cause: int) -> None:
        assignment = self.assignments.get(package)
        if assignment is None:
            assignment = self.assignments[package] = Assignment(self.level)
            assignment.term = term
        else:
            assert assignment.decision is None, "a decided package cannot be constrained further"
            assignment.highest_level = self.level
            assignment.term = assignment.term.intersect(term)
        assignment.derivations.append((self.next_index, self.level, cause, assignment.term))
        self.next_index += 1
        if assignment.term.is_positive:
            self.outdated[package] = None

    def decide(self, package: int, version: Version) -> None:
        self.level += 1
        assignment = self.assignments[package]
        assignment.highest_level = self.level
        assignment.decision = version
        assignment.decision_index = self.next_index
        assignment.term = Term.exactly(version)
        self.next_index += 1
        self.decisions.append(package)

    def backtrack(self, level: int) -> None:
        """Forget every decision and derivation above `level`."""
        self.level = level
        self.has_backtracked = True
        del self.decisions[level:]
        gone = []
        for package, assignment in self.assignments.items():
            if assignment.highest_level <= level:
                continue
            if assignment.smallest_level > level:
                gone.append(package)
                continue
            derivations = assignment.derivations
            while derivations[-1][1] > level:
                derivations.pop()
            assignment.decision = None
            assignment.highest_level = derivations[-1][1]
            assignment.term = derivations[-1][3]
            self.outdated[package] = None
        for package in gone:
            del self.assignments[package]
            self.queued.pop(package, None)

    def level_before(self, package: int) -> int | None:
        """The level just below the decision on `package`, None where it is undecided."""
        assignment = self.assignments.get(package)
        if assignment is None or assignment.decision is None:
            return None
        return self.decisions.index(package)

    def is_open(self, package: int) -> bool:
        assignment = self.assignments.get(package)
        return assignment is not None and assignment.decision is None and assignment.term.is_positive

    def requeue(self, package: int, priority: Priority) -> None:
        if self.queued.get(package) != priority:
            self.queued[package] = priority
            heappush(self.heap, (priority, package))

    def pick(self) -> int | None:
        """Take the open package with the smallest priority out of the queue.

        Entries of the heap whose priority was replaced, and packages no longer open, are passed over.
        """
        while self.heap:
            priority, package = heappop(self.heap)
            if self.queued.get(package) == priority:
                del self.queued[package]
                if self.is_open(package):
                    return package
        return None

    def find_satisfier(
        self, incompatibility: Incompatibility, store: list[Incompatibility]
    ) -> tuple[int, Satisfier, int]:
        """The package and entry that made `incompatibility` hold, and the level at which it nearly held."""
        satisfiers: dict[int, Satisfier] = {}
        last = -1
        for package, term in incompatibility.items:
            satisfiers[package] = self.assignments[package].satisfier(term.negate())
            if last < 0 or satisfiers[package] > satisfiers[last]:
                last = package
        satisfier = satisfiers[last]
        # What the satisfying entry says on its own may need an earlier entry of the same package beside it.
        assignment = self.assignments[last]
        own = assignment.term if satisfier[2] == -1 else store[satisfier[2]].terms[last].negate()
        satisfiers[last] = assignment.satisfier(own.intersect(incompatibility.terms[last].negate()))
        return last, satisfier, max(max(satisfiers.values())[1], 1)
