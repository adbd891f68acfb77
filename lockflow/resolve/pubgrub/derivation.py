"""The proof tree of a failure, read off the store of incompatibilities."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from lockflow.resolve.pubgrub.incompatibility import Derived, Incompatibility


class Derivation(Struct, eq=False):
    """One incompatibility of the proof, with the two it follows from; a leaf has none.

    Nodes are shared where a conclusion is used more than once.
    """

    incompatibility: Incompatibility
    first: Derivation | None = None
    second: Derivation | None = None

    @property
    def is_leaf(self) -> bool:
        return self.first is None


def derivation(store: list[Incompatibility], top: int, is_noise: Callable[[Incompatibility], bool]) -> Derivation:
    """The proof of incompatibility `top`, without the leaves that `is_noise` says explain nothing.

    A conclusion one of whose premises is noise is replaced by the other premise.
    """
    done: dict[int, Derivation | None] = {}
    # Proofs can be thousands of steps deep, so no recursion: children first, by an explicit stack.
    stack = [top]
    while stack:
        number = stack[-1]
        cause = store[number].cause
        if number in done:
            stack.pop()
        elif not isinstance(cause, Derived):
            stack.pop()
            done[number] = None if is_noise(store[number]) else Derivation(store[number])
        elif cause.first not in done or cause.second not in done:
            stack.extend(entry for entry in (cause.second, cause.first) if entry not in done)
        else:
            stack.pop()
            first, second = done[cause.first], done[cause.second]
            done[number] = Derivation(store[number], first, second) if first and second else first or second
    return done[top] or Derivation(store[top])


def leaves(tree: Derivation) -> list[Incompatibility]:
    """The premises of a proof, each once, in order of first use."""
    found: dict[int, Incompatibility] = {}
    seen: set[int] = set()
    stack = [tree]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.first is None or node.second is None:
            found.setdefault(id(node.incompatibility), node.incompatibility)
        else:
            stack += [node.second, node.first]
    return list(found.values())
