"""How several users share an engine."""

from __future__ import annotations

from collections.abc import Callable

from lockflow.engines.model import Command, Engine, Outcome, Place


class Lent:
    """An engine that somebody else closes: several users share it, and its bound."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def at_once(self) -> int:
        return self._engine.at_once

    def native(self) -> str:
        return self._engine.native()

    def has(self, place: Place) -> bool:
        return self._engine.has(place)

    def prepare(self, place: Place) -> None:
        self._engine.prepare(place)

    def run(self, command: Command, on_start: Callable[[], None] | None = None) -> Outcome:
        return self._engine.run(command, on_start)

    def stop(self) -> None:
        self._engine.stop()

    def close(self) -> None:
        """Leave it to whoever opened it."""
