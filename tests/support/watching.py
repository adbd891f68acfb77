"""A watch that remembers what it hears."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lockflow.engines.watch import End, Job


@dataclass
class Listener:
    """Remembers jobs; `on_end` is called when one has ended."""

    expected: list[Job] = field(default_factory=list)
    heard: list[tuple[Job, str]] = field(default_factory=list)
    ends: dict[Job, tuple[End, str]] = field(default_factory=dict)
    on_end: Callable[[Job], None] | None = None

    def expect(self, jobs: Sequence[Job]) -> None:
        self.expected.extend(jobs)

    def doing(self, job: Job, text: str) -> None:
        self.heard.append((job, text))

    def ended(self, job: Job, how: End, text: str = "") -> None:
        self.ends[job] = how, text
        if self.on_end is not None:
            self.on_end(job)
