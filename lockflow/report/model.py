"""What people are told: one verdict a platform with its evidence, and all of them together.

These structs are also the JSON of `reports/*.json`; docs/report-schema.md describes it. A change that a reader of
schema 1 would misread gets a new number.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from lockflow.platforms.model import ChainLink, Edit, Evidence, Floor, Level, Objection, Status

SCHEMA = 1

Executed = Literal["process", "docker"]
"""Where platforms were judged: in the process of lockflow, or in containers where one can be the platform."""


class Verdict(StrEnum):
    """`good`: the lock holds there; `bad`: it does not; `broken`: it could not be judged."""

    GOOD = "good"
    BAD = "bad"
    BROKEN = "broken"


class Fault(Struct, frozen=True, kw_only=True):
    """Why a platform could not be judged, in the four parts of a message."""

    what: str
    where: str = ""
    why: str = ""
    next: str = ""


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The status of one package on one platform and Python; fields as in `platforms.model.Finding`."""

    package: str
    version: str = ""
    status: Status
    file: str = ""
    tag: str = ""
    allowed: bool = False
    reason: str = ""
    chain: tuple[ChainLink, ...] = ()
    advice: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()

    @property
    def is_good(self) -> bool:
        return self.status is Status.WHEEL or self.allowed


class PythonReport(Struct, frozen=True, kw_only=True):
    """All entries for one Python minor, sorted by package name and version; the other fields as in `Coverage`."""

    python: str
    refusal: str = ""
    evidence: Evidence = Evidence(level="tags")
    objections: tuple[Objection, ...] = ()
    entries: tuple[Entry, ...] = ()

    @property
    def is_good(self) -> bool:
        return not self.refusal and not self.objections and all(entry.is_good for entry in self.entries)


class PlatformReport(Struct, frozen=True, kw_only=True):
    """The verdict on one platform: the content of `reports/linux-arm64.json`.

    `executor` is where it was judged, `level` the evidence. `lock` and `inputs` are digests (`sha256:…`) of the lock
    that was judged and of what it was made from. `fault` is set where the verdict is `broken`. `floor` is None where
    wheels ask for no system in particular. `notes` are about the run, in words.
    """

    schema: int = SCHEMA
    platform: str
    verdict: Verdict
    executor: Executed = "process"
    level: Level
    lock: str
    inputs: str = ""
    fault: Fault | None = None
    floor: Floor | None = None
    pythons: tuple[PythonReport, ...] = ()
    notes: tuple[str, ...] = ()


class Report(Struct, frozen=True, kw_only=True):
    """All platforms, in the order asked for; `verdict` is the worst of theirs. `notes` are about the runs."""

    schema: int = SCHEMA
    verdict: Verdict
    lock: str
    inputs: str = ""
    platforms: tuple[PlatformReport, ...]
    notes: tuple[str, ...] = ()
