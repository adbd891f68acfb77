"""What goes on side by side, told to whoever watches: a view for people, a test, or nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

End = Literal["good", "bad", "broken", "done"]
"""How a job ended: with a verdict (`broken`: without one), or `done` where it has none to give."""


class Job(Struct, frozen=True, kw_only=True):
    """One of several things that go on at once: a check or a build of a platform, for one Python or (empty) for all."""

    work: Literal["check", "build"] = "check"
    platform: str
    python: str = ""

    def __str__(self) -> str:
        return f"{self.platform}, Python {self.python}" if self.python else self.platform


class Watch(Protocol):
    """Hears of jobs. Methods may be called from several threads at once, and return at once."""

    def expect(self, jobs: Sequence[Job]) -> None:
        """Hear which there will be, in the order in which people should see them."""
        ...

    def doing(self, job: Job, text: str) -> None:
        """Hear what is being done for a job ("fetching uv 0.13.8"); it has begun when that is first said."""
        ...

    def ended(self, job: Job, how: End, text: str = "") -> None:
        """Hear how a job ended; `text` says in a few words what came of it."""
        ...


class Nobody:
    """Hears nothing."""

    def expect(self, jobs: Sequence[Job]) -> None: ...

    def doing(self, job: Job, text: str) -> None: ...

    def ended(self, job: Job, how: End, text: str = "") -> None: ...


NOBODY = Nobody()
