"""The one exception tree, its exit codes, and the four-part message.

Expected outcomes (no solution, stale lock, uncovered platform) are values, not exceptions; an exception here
says that a step cannot go on. Every message says what happened, where, why, and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

EXIT_DONE = 0
EXIT_ANSWER_IS_NO = 1
EXIT_NOT_ANSWERED = 2


class LockflowError(Exception):
    """A step cannot go on; rendered as four parts of which only the first is required.

    `warnings` are what would have been said beside an answer: they may be the cause.
    """

    exit_code = EXIT_NOT_ANSWERED

    def __init__(self, what: str, *, where: str = "", why: str = "", next: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.next = next
        self.warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return four_parts(self.what, where=self.where, why=self.why, next=self.next)


class InputError(LockflowError):
    """What people wrote (pyproject, uv.toml, script, settings, command line) cannot be used."""


class NetworkError(LockflowError):
    """An index, a file host or the network did not answer usably."""


class CacheError(LockflowError):
    """An entry of the cache turned out to be damaged while in use; it is gone now, so that asking again helps."""


class LockFileError(LockflowError):
    """A lock on disk cannot be read or written."""


class EngineError(LockflowError):
    """An engine is absent, refuses, or broke while running a command."""


class Interrupted(EngineError):
    """What was under way was ended because the run is; nothing is known of it."""


class MissingImage(EngineError):
    """An engine does not have an image."""


class AnswerIsNo(LockflowError):
    """The question was answered, and the answer is no (unsatisfiable, outdated, a platform fails)."""

    exit_code = EXIT_ANSWER_IS_NO


@contextmanager
def telling(done: Sequence[str]) -> Iterator[None]:
    """Let an error out of the block tell what had been done before it, and stays: `done`, which may grow meanwhile.

    An interruption carries it as notes (PEP 678).
    """
    try:
        yield
    except LockflowError as error:
        error.next = "\n".join(part for part in (error.next, *done) if part)
        raise
    except KeyboardInterrupt as error:
        for text in done:
            error.add_note(text)
        raise


def four_parts(what: str, *, where: str = "", why: str = "", next: str = "") -> str:
    """Join the parts of a message, one line each, continuation lines indented under their part."""
    lines = [what]
    for label, text in (("where:", where), ("why:", why), ("next:", next)):
        if text:
            first, *rest = text.splitlines()
            lines.append(f"  {label:<6} {first}")
            lines.extend(f"         {line}" for line in rest)
    return "\n".join(lines)
