"""All that one fork knows while it is being solved."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct, field

from lockflow.resolve.candidates import Candidate
from lockflow.resolve.environment import ForkEnvironment
from lockflow.resolve.priority import Priorities
from lockflow.resolve.pubgrub.state import State
from lockflow.standards.requirements import Source
from lockflow.standards.versions import Version, VersionRange


class Phase(Enum):
    """Where a fork goes on when a missing fact has come."""

    PICK = 0
    CHOOSE = 1
    DEPEND = 2


class ForkState(Struct):
    """Cloned at a split.

    `next` is the identity being decided, `version` the one chosen for it. `sources` and `indexes` say where a
    name comes from in this fork, `pins` which file stands for a version once it was chosen, `choices` what was chosen
    of an identity in which set, which a clone does not know. `added` are the versions whose dependencies are clauses
    already; the rest counts conflicts.
    """

    pubgrub: State
    environment: ForkEnvironment
    priorities: Priorities
    next: int
    sources: dict[str, Source] = field(default_factory=dict)
    indexes: dict[str, str] = field(default_factory=dict)
    pins: dict[tuple[str, Version], Candidate] = field(default_factory=dict)
    choices: dict[int, tuple[VersionRange, Version]] = field(default_factory=dict)
    added: set[tuple[int, Version]] = field(default_factory=set)
    culprits: dict[int, int] = field(default_factory=dict)
    affected: dict[int, int] = field(default_factory=dict)
    early: list[int] = field(default_factory=list)
    late: list[int] = field(default_factory=list)
    phase: Phase = Phase.PICK
    version: Version | None = None

    def clone(self, environment: ForkEnvironment) -> ForkState:
        return ForkState(
            pubgrub=self.pubgrub.clone(),
            environment=environment,
            priorities=self.priorities.clone(),
            next=self.next,
            sources=self.sources.copy(),
            indexes=self.indexes.copy(),
            pins=self.pins.copy(),
            added=self.added.copy(),
            culprits=self.culprits.copy(),
            affected=self.affected.copy(),
            early=self.early.copy(),
            late=self.late.copy(),
        )
