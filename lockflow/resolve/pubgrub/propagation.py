"""Unit propagation: derive all that follows from the decisions so far."""

from __future__ import annotations

from lockflow.resolve.pubgrub.conflict import resolve_conflict
from lockflow.resolve.pubgrub.state import State
from lockflow.resolve.pubgrub.term import CONTRADICTED, SATISFIED, Term


def propagate(state: State, start: int) -> list[tuple[int, int]]:
    """Derive from the clauses of `start`, and of whatever that touches, until nothing follows any more.

    Returns the conflicts met, as (package, number of the clause learned), for those who count conflicts.
    Raises NoSolution. Work is taken last in, first out, and clauses newest first: both decide which of several
    conflicts is found, and so which solution.
    """
    state.note_level()
    conflicts: list[tuple[int, int]] = []
    todo = [start]
    while todo:
        current = todo.pop()
        conflict = _propagate_one(state, current, todo)
        if conflict >= 0:
            package, cause = resolve_conflict(state, conflict, conflicts)
            todo = [package]
            state.solution.derive(package, state.store[cause].terms[package].negate(), cause)
            state.contradicted[cause] = state.solution.level
    return conflicts


def _propagate_one(state: State, current: int, todo: list[int]) -> int:
    """Derive from the clauses of one package; returns the clause that is violated, or -1."""
    store = state.store
    contradicted = state.contradicted
    solution = state.solution
    assignments = solution.assignments
    for number in reversed(state.clauses[current]):
        if number in contradicted:
            continue
        nearly = -1
        nearly_term: Term | None = None
        for package, term in store[number].items:
            assignment = assignments.get(package)
            if assignment is not None:
                relation = term.relation(assignment.term)
                if relation == SATISFIED:
                    continue
                if relation == CONTRADICTED:
                    # Known since then, so it need not be found out again after going back no further.
                    contradicted[number] = assignment.highest_level
                    break
            if nearly >= 0:
                break
            nearly, nearly_term = package, term
        else:
            if nearly_term is None:
                return number
            if nearly not in todo:
                todo.append(nearly)
            solution.derive(nearly, nearly_term.negate(), number)
            contradicted[number] = solution.level
    return -1
