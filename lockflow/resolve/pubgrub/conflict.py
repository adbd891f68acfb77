"""Conflict resolution: from a violated clause to the one that is to blame, and back to where it matters."""

from __future__ import annotations

from lockflow.resolve.pubgrub.incompatibility import prior_cause
from lockflow.resolve.pubgrub.state import State


class NoSolution(Exception):
    """The root is impossible; `number` is the incompatibility that says so, the top of the proof."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def resolve_conflict(state: State, number: int, conflicts: list[tuple[int, int]]) -> tuple[int, int]:
    """Learn from the violated clause `number`, backtrack, and return (package, clause) to derive from next.

    Appends every clause met on the way to `conflicts`. Raises NoSolution where nothing is left to give up.
    """
    is_learned = False
    while True:
        incompatibility = state.store[number]
        if incompatibility.is_terminal(state.root, state.root_version):
            raise NoSolution(number)
        package, (_, level, cause), previous = state.solution.find_satisfier(incompatibility, state.store)
        if previous < level:
            state.backtrack(previous)
            if is_learned:
                state.count(number)
            conflicts.append((package, number))
            return package, number
        number = state.allocate(prior_cause(state.store, number, cause, package))
        is_learned = True
        conflicts.append((package, number))
