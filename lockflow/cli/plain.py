"""Takes the arguments of `lockflow lock` apart as far as it takes to see whether the run may be skipped.

Nothing is judged here: words that are no valid arguments were never remembered. It runs before anything else, so it
imports next to nothing.
"""

from __future__ import annotations

import os
from time import perf_counter, time_ns

from lockflow import unchanged
from lockflow.cli.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


_NO_SAY = frozenset(("--check", "--locked", "--offline", "-n", "--no-cache", "--no-progress"))
_WITH_VALUE = frozenset(("--color", "--cache-dir", "--directory", "--project"))
_NEVER_SKIPPED = ("-U", "--upgrade", "-P", "--refresh", "--frozen", "--check-exists", "--script", "-h", "--help", "-v",
                  "--verbose")  # fmt: skip
_MOVED_BY = ("UV_PROJECT", "UV_WORKING_DIR", "UV_FROZEN")


class Started:
    """What is known when a run begins. `plain` is set where the arguments are those of a run that may be skipped."""

    __slots__ = ("environment", "plain", "seconds", "time_ns", "transport")

    def __init__(self, environment: Mapping[str, str], transport: Any) -> None:  # noqa: ANN401  an httpx transport
        self.seconds = perf_counter()
        self.time_ns = time_ns()
        self.environment = environment
        self.transport = transport
        self.plain: Plain | None = None

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return perf_counter() - self.seconds


class Plain:
    """The arguments of `lockflow lock`, apart from those that have no say in what is locked.

    `folder` is where reading starts, absolute; `rest` are the arguments that have a say, as given.
    """

    __slots__ = ("color", "folder", "is_dry_run", "quiet", "rest")

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.rest: list[str] = []
        self.color = "auto"
        self.quiet = 0
        self.is_dry_run = False

    def question(self, environment: Mapping[str, str]) -> str:
        return unchanged.question(VERSION, self.folder, self.rest, environment)


def plain_lock(words: Sequence[str], environment: Mapping[str, str]) -> Plain | None:
    """Take the arguments that follow `lockflow lock` apart; None where the run may not be skipped."""
    if any(environment.get(name) for name in _MOVED_BY):
        return None
    directory = project = ""
    plain = Plain("")
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name in _WITH_VALUE:
            value = value if equals else next(rest, "")
            if name == "--directory":
                directory = value
            elif name == "--project":
                project = value
            elif name == "--color":
                plain.color = value
        elif word in ("-q", "--quiet"):
            plain.quiet += 1
        elif word == "--dry-run":
            plain.is_dry_run = True
        elif word.startswith(_NEVER_SKIPPED):
            return None
        elif word not in _NO_SAY:
            plain.rest.append(word)
    try:
        plain.folder = os.path.abspath(os.path.join(os.getcwd(), directory, project))
        # Flags with relative paths mean another file when they are given elsewhere.
        if project:
            plain.rest.append(os.path.abspath(directory))
    except OSError:
        return None
    return plain
