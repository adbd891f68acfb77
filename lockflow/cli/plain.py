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

    from lockflow.cli.console import Console


_NO_SAY = frozenset(("--check", "--locked", "--offline", "-n", "--no-cache", "--no-progress"))
_WITH_VALUE = frozenset(("--color", "--cache-dir", "--directory", "--project"))
_NEVER_SKIPPED = ("-U", "--upgrade", "-P", "--refresh", "--frozen", "--check-exists", "--script", "-h", "--help", "-v",
                  "--verbose")  # fmt: skip
_NEVER_SYNCED = ("--active", "--check", "--compile", "--dry-run", "--json", "--reinstall", "--no-sync")
_RUN_FLAGS = frozenset(
    ("--all-extras", "--all-groups", "--all-packages", "--dev", "--exact", "--frozen", "--locked", "--module",
     "--no-default-groups", "--no-dev", "--no-editable", "--no-progress", "--offline", "--only-dev", "--quiet", "-m",
     "-q")
)  # fmt: skip
_RUN_VALUES = frozenset(
    ("--color", "--cache-dir", "--directory", "--extra", "--group", "--no-extra", "--no-group", "--only-group",
     "--package", "--project", "-p", "--python")
)  # fmt: skip
_OTHER_RUNS = ("UV_COMPILE_BYTECODE", "UV_ENV_FILE", "UV_NO_PROJECT", "UV_NO_SYNC")
_BLOCK = b"# /// script"
_MOVED_BY = ("UV_PROJECT", "UV_WORKING_DIR", "UV_FROZEN")


class Started:
    """What is known when a run begins. `plain` is set where the arguments are those of a run that may be skipped.

    `console` is set where the run speaks, once it does.
    """

    __slots__ = ("console", "environment", "plain", "seconds", "time_ns", "transport")

    def __init__(self, environment: Mapping[str, str], transport: Any) -> None:  # noqa: ANN401  an httpx transport
        self.seconds = perf_counter()
        self.time_ns = time_ns()
        self.environment = environment
        self.transport = transport
        self.plain: Plain | None = None
        self.console: Console | None = None

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return perf_counter() - self.seconds


class Plain:
    """The arguments of `lockflow lock`, apart from those that have no say in what is locked.

    `folder` is where reading starts, absolute; `rest` are the arguments that have a say, as given.
    """

    __slots__ = ("color", "command", "folder", "is_dry_run", "is_frozen", "is_module", "quiet", "rest")

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.rest: list[str] = []
        self.color = "auto"
        self.quiet = 0
        self.is_dry_run = False
        self.is_frozen = False
        self.is_module = False
        self.command: list[str] = []

    def question(self, environment: Mapping[str, str]) -> str:
        return unchanged.question(VERSION, self.folder, self.rest, environment)


def plain_sync(words: Sequence[str], environment: Mapping[str, str]) -> Plain | None:
    """Take the arguments that follow `lockflow sync` apart; None where the run may not be skipped."""
    if any(word.startswith(_NEVER_SYNCED) for word in words) or any(environment.get(name) for name in _OTHER_RUNS):
        return None
    kept = [word for word in words if word != "--frozen"]
    plain = plain_lock(kept, environment)
    if plain is not None:
        plain.is_frozen = len(kept) < len(words)
        plain.rest += ["sync", "frozen" if plain.is_frozen else ""]
    return plain


def plain_run(words: Sequence[str], environment: Mapping[str, str]) -> Plain | None:
    """Take the arguments that follow `lockflow run` apart; None where the environment may not be taken as it is.

    A script with inline metadata has an environment of its own, which is always looked at.
    """
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "-":
        name = words[at].partition("=")[0]
        if words[at] == "--":
            break
        if name not in _RUN_FLAGS and name not in _RUN_VALUES:
            return None
        at += 2 if name in _RUN_VALUES and "=" not in words[at] else 1
    own, command = [*words[:at]], [*words[at + (words[at : at + 1] == ["--"]) :]]
    is_module = "-m" in own or "--module" in own
    if not command or command[0] == "-" or "://" in command[0]:
        return None
    plain = plain_sync([word for word in own if word not in ("-m", "--module")], environment)
    if plain is None or (not is_module and _has_own_environment(os.path.join(plain.folder, command[0]))):
        return None
    plain.rest[-2] = "run"
    plain.command, plain.is_module = command, is_module
    return plain


def is_script(path: str) -> bool:
    """Whether Python is to run what is at a path, by its name."""
    return path.lower().endswith(".py") and os.path.isfile(path)


def _has_own_environment(path: str) -> bool:
    """Whether a path leads to a script with metadata, or to what only a closer look can tell."""
    if not os.path.exists(path):
        return False
    if not is_script(path):
        return True
    try:
        with open(path, "rb") as file:
            return _BLOCK in file.read()
    except OSError:
        return True


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
