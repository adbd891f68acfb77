"""What a run may do to a lock: write it, only say what would change, insist that it is right, or take it as it is."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from lockflow.errors import AnswerIsNo
from lockflow.inputs.model import Manifest
from lockflow.lock.model import Lock, Validation


class Mode(StrEnum):
    """The four ways to run; `locked` is also spelled `--check`."""

    WRITE = "write"
    DRY_RUN = "dry-run"
    LOCKED = "locked"
    FROZEN = "frozen"


class Rules(Struct, frozen=True, kw_only=True):
    """What a mode asks of an old lock, and what it may do."""

    must_exist: bool
    validates: bool
    may_resolve: bool
    may_write: bool
    may_change: bool


RULES = {
    Mode.WRITE: Rules(must_exist=False, validates=True, may_resolve=True, may_write=True, may_change=True),
    Mode.DRY_RUN: Rules(must_exist=False, validates=True, may_resolve=True, may_write=False, may_change=True),
    # A stale lock is resolved again before the answer is no: the outcome may be the same lock.
    Mode.LOCKED: Rules(must_exist=True, validates=True, may_resolve=True, may_write=False, may_change=False),
    Mode.FROZEN: Rules(must_exist=True, validates=False, may_resolve=False, may_write=False, may_change=False),
}


class Result(Struct, frozen=True, kw_only=True):
    """The outcome of a lock operation: the lock that holds now, and the one before it (None where there was none).

    `reasons` say why the old lock was resolved again, in words.
    """

    lock: Lock
    previous: Lock | None
    reasons: tuple[str, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether the locks differ as data; layout, comments and line ends do not count."""
        return self.previous != self.lock


def needs_resolution(mode: Mode, validation: Validation | None) -> bool:
    """Whether to resolve. `validation` is None where there is no lock yet."""
    return RULES[mode].may_resolve and (validation is None or bool(validation.reasons))


def must_be_written(mode: Mode, result: Result) -> bool:
    """Whether the lock has to be put on disk; a lock that says the same is left alone, whatever its layout."""
    return RULES[mode].may_write and result.is_changed


def missing_lock(mode: Mode, where: str, flag: str) -> AnswerIsNo:
    """Return the refusal of a mode that needs a lock; `flag` is what chose the mode."""
    return AnswerIsNo(
        "there is no lock",
        where=where,
        why=f"{flag} {'takes a lock as it is' if mode is Mode.FROZEN else 'only checks a lock'}",
        next=f"lock without {flag} first",
    )


def stale_lock(result: Result, where: str, flag: str, differences: Sequence[str] = ()) -> AnswerIsNo:
    """Return the refusal of a lock that resolving again would change; `differences` are the lines that say how."""
    why = [*result.reasons, *differences] or ["resolving again gives another lock"]
    return AnswerIsNo(
        "the lock needs to be updated", where=where, why="\n".join(why), next=f"lock again without {flag}"
    )


def other_layout(line: int, where: str, flag: str) -> AnswerIsNo:
    """Return the refusal of a lock that is right but was not written by a tool; `line` is the first that differs."""
    return AnswerIsNo(
        "the lock is laid out in another way than it is written",
        where=f"{where}, line {line}",
        why="it says what it should; the preview `lockfile-format-check` also asks for the layout of uv",
        next=f"delete the change, or write it anew: lock with --refresh, without {flag}",
    )


def missing_members(lock: Lock, manifest: Manifest) -> tuple[str, ...]:
    """Return the members that a lock taken as it is does not know, for which it cannot be used."""
    names = {package.name for package in lock.packages}
    return tuple(member.name for member in manifest.members if member.name not in names)
