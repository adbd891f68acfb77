"""Which identity to decide next, deterministically.

Packages of a URL come first, then pinned ones, then those that keep running into conflicts, then the rest in
order of discovery; packages that keep causing conflicts come last. The class belongs to the name, shared by all
its identities, whose order is that of their first registration.
"""

from __future__ import annotations

from typing import Final

from lockflow.resolve.identity import Identity, Kind
from lockflow.resolve.pubgrub.partial_solution import Priority

ROOT: Final = 0
URL: Final = 1
PINNED: Final = 2
CONFLICT_EARLY: Final = 3
CONFLICT_LATE: Final = 4
PLAIN: Final = 5
"""The smallest class is decided first."""


class Priorities:
    """Classes by name and registration order by identity; copied with a fork."""

    __slots__ = ("_names", "_order")

    def __init__(self) -> None:
        self._names: dict[str, tuple[int, int]] = {}
        self._order: dict[int, int] = {}

    def clone(self) -> Priorities:
        twin = Priorities()
        twin._names = self._names.copy()
        twin._order = self._order.copy()
        return twin

    def register(self, number: int, name: str, *, is_url: bool, is_pinned: bool) -> None:
        """Note a dependency; a name only ever rises, except by `favour` and `defer`."""
        self._order.setdefault(number, len(self._order))
        rank = URL if is_url else PINNED if is_pinned else PLAIN
        known = self._names.get(name)
        if known is None:
            self._names[name] = (rank, len(self._names))
        elif rank < known[0]:
            self._names[name] = (rank, known[1])

    def favour(self, name: str) -> None:
        """Decide a name that is often hit by conflicts early; this can also lower a pinned one."""
        rank, index = self._names.get(name, (PLAIN, len(self._names)))
        if rank != CONFLICT_EARLY:
            self._names[name] = (CONFLICT_EARLY, index)

    def defer(self, name: str) -> bool:
        """Decide a name that often causes conflicts late; returns whether that is new."""
        rank, index = self._names.get(name, (PLAIN, len(self._names)))
        if rank in (CONFLICT_EARLY, CONFLICT_LATE):
            return False
        self._names[name] = (CONFLICT_LATE, index)
        return True

    def get(self, number: int, identity: Identity) -> Priority:
        if identity.kind <= Kind.PYTHON:
            return (ROOT, number, 0)
        rank, index = self._names[identity.name]
        return (rank, index, self._order[number])
