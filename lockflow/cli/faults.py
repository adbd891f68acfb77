"""Runs a command, and turns whatever goes wrong into a message of four parts and an exit code."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

from lockflow.cli.console import Console
from lockflow.cli.help import Command, described, full_help, short_help, width_here
from lockflow.cli.plain import Started
from lockflow.cli.version import VERSION
from lockflow.errors import EXIT_DONE, EXIT_NOT_ANSWERED, InputError, LockflowError

EXIT_INTERRUPTED = 130
_MENDED = "the next `lockflow sync` mends what the environment lacks"
COMMANDS = ("lock", "check", "report", "image", "refresh", "add", "remove", "sync", "run", "verify", "init",
            "export", "tree", "why", "diff", "platforms", "doctor", "cache", "completion", "merge-driver")  # fmt: skip


class HelpAsked(Exception):
    """A command was asked what it can do; carries the parser, which knows."""

    def __init__(self, parser: Parser) -> None:
        super().__init__(parser.command)
        self.command = described(parser, parser.command)


class _Help(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        assert isinstance(parser, Parser)
        raise HelpAsked(parser)


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are InputErrors, with what was probably meant."""

    def __init__(self, command: str, summary: str, *, epilog: str = "") -> None:
        super().__init__(
            prog=f"lockflow {command}", description=summary, epilog=epilog, allow_abbrev=False, add_help=False
        )
        self.command = command
        self.add_argument("-h", "--help", action=_Help, nargs=0, help=argparse.SUPPRESS)

    def parse(self, words: list[str]) -> argparse.Namespace:
        options, unknown = self.parse_known_args(words)
        if unknown:
            known = [
                name for action in self._actions for name in action.option_strings if action.help != "==SUPPRESS=="
            ]
            word = unknown[0].partition("=")[0]
            self._fail(f"unexpected argument {unknown[0]!r}", meant(word, known))
        return options

    def error(self, message: str) -> NoReturn:
        missing = message.removeprefix("the following arguments are required: ")
        if missing != message:
            self._fail(f"missing: {missing}", self._values_of(missing))
        said = message.removeprefix("argument ")
        self._fail(re.sub("invalid (?:int|float) value: (.*)", r"\1 is no number", said), "")

    def _values_of(self, name: str) -> str:
        """What may be given for an argument without a name of its own; empty where anything may."""
        for action in self._actions:
            if action.choices is not None and name in (action.dest, action.metavar):
                return f"give one of {', '.join(str(choice) for choice in action.choices)}; "
        return ""

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is None or value in action.choices:
            return
        known = [str(choice) for choice in action.choices]
        name = "/".join(action.option_strings) or action.dest
        raise InputError(
            f"{name} cannot be {str(value)!r}",
            where=f"command line of lockflow {self.command}",
            next=f"{meant(str(value), known)}use one of {', '.join(known)}",
        )

    def _fail(self, what: str, hint: str) -> NoReturn:
        raise InputError(
            what,
            where=f"command line of lockflow {self.command}",
            next=f"{hint}`lockflow help {self.command}` lists all options",
        )


def meant(word: str, known: list[str]) -> str:
    """`did you mean X? `, or nothing where no word is like `word`."""
    import difflib

    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}? " if close else ""


def guarded(command: str, words: list[str], started: Started) -> int:
    """Run `command`; return its exit code, or that of what stopped it."""
    console = started.console = Console(started.environment)
    lock = _Before(words)
    try:
        try:
            return _command(command)(words, console, started)
        except HelpAsked as asked:
            console.data(short_help(asked.command, width_here()))
            return EXIT_DONE
    except LockflowError as error:
        for warning in error.warnings:
            console.warn(warning)
        console.error(error)
        return error.exit_code
    except KeyboardInterrupt as error:
        done = "; ".join(getattr(error, "__notes__", ())) or lock.written
        if command in ("sync", "run"):
            console.say(f"interrupted: {done or 'the lock is as it was'}; {_MENDED}")
        else:
            console.say(f"interrupted: {done or 'nothing was changed'}")
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001  the last line of defence against tracebacks
        console.error(our_fault(error, lock.written))
        return EXIT_NOT_ANSWERED


def describe(command: str, started: Started) -> Command:
    """What `command` can do, as its parser knows it; raises InputError where there is no such command."""
    try:
        _command(command)(["--help"], Console(started.environment), started)
    except HelpAsked as asked:
        return asked.command
    raise AssertionError(command)


def explain(command: str, started: Started) -> int:
    """Put all of a command's options on stdout."""
    console = Console(started.environment)
    try:
        console.data(full_help(describe(command, started), width_here()))
    except LockflowError as error:
        console.error(error)
        return error.exit_code
    return EXIT_DONE


def _command(name: str) -> Callable[[list[str], Console, Started], int]:
    """The function of a command; only its own file is imported."""
    if name == "lock":
        from lockflow.cli.lock import run_lock as run
    elif name == "check":
        from lockflow.cli.check import run_check as run
    elif name == "verify":
        from lockflow.cli.verify import run_verify as run
    elif name == "report":
        from lockflow.cli.report import run_report as run
    elif name == "image":
        from lockflow.cli.image import run_image as run
    elif name == "refresh":
        from lockflow.cli.refresh import run_refresh as run
    elif name == "add":
        from lockflow.cli.add import run_add as run
    elif name == "remove":
        from lockflow.cli.add import run_remove as run
    elif name == "run":
        from lockflow.cli.run import run_run as run
    elif name == "sync":
        from lockflow.cli.sync import run_sync as run
    elif name == "init":
        from lockflow.cli.init import run_init as run
    elif name == "export":
        from lockflow.cli.export import run_export as run
    elif name == "tree":
        from lockflow.cli.tree import run_tree as run
    elif name == "why":
        from lockflow.cli.why import run_why as run
    elif name == "diff":
        from lockflow.cli.diff import run_diff as run
    elif name == "platforms":
        from lockflow.cli.platforms import run_platforms as run
    elif name == "doctor":
        from lockflow.cli.doctor import run_doctor as run
    elif name == "cache":
        from lockflow.cli.cache import run_cache as run
    elif name == "merge-driver":
        from lockflow.cli.merge_driver import run_merge_driver as run
    elif name == "completion":
        from lockflow.cli.completion import run_completion as run
    else:
        raise InputError(
            f"there is no command {name!r}",
            where="command line",
            next=f"{meant(name, list(COMMANDS))}`lockflow --help` lists the commands",
        )
    return run


class _Before:
    """The lock that a command is about to work on, to tell after an interruption whether it is the old one."""

    def __init__(self, words: list[str]) -> None:
        given = {word: words[at + 1] for at, word in enumerate(words[:-1])}
        folder = Path.cwd().joinpath(*(given[name] for name in ("--directory", "--project") if name in given))
        if "--script" in given:
            self._path = folder / f"{given['--script']}.lock"
        else:
            places = (place / "uv.lock" for place in (folder, *folder.parents))
            self._path = next((path for path in places if path.is_file()), folder / "uv.lock")
        self._content = self._read()

    @property
    def written(self) -> str:
        """Says that the lock was written since; empty where it was not."""
        return f"{self._path.name} had been written before" if self._read() != self._content else ""

    def _read(self) -> bytes | None:
        try:
            return self._path.read_bytes()
        except OSError:
            return None


def our_fault(error: Exception, done: str = "") -> InputError:
    """What to say of an error that nobody expected: its details go to a file, since a person cannot use them.

    `done` says what the run had changed before.
    """
    import traceback

    lines = "".join(traceback.format_exception(error))
    details = f"lockflow {VERSION}, Python {sys.version}, {sys.platform}\n{lines}"
    place = _keep(details)
    return InputError(
        "lockflow made a mistake and stopped",
        where=f"details are in {place}" if place else "",
        why=f"{type(error).__name__}: {error}".strip().rstrip(":"),
        next="\n".join(filter(None, ("please report it, with the details", done))),
    )


def _keep(details: str) -> str:
    """Write the details where people look for them, else into the system's folder for such things."""
    import tempfile

    for folder in (Path.cwd() / ".lockflow", Path(tempfile.gettempdir())):
        if folder.is_dir():
            path = folder / "lockflow-mistake.txt"
            try:
                path.write_text(details, encoding="utf-8", errors="backslashreplace")
            except OSError:
                continue
            return str(path)
    return ""


def flag(environment: Mapping[str, str], name: str) -> bool:
    """What a variable says that is yes or no; absent and empty are no. Raises InputError for anything else."""
    text = environment.get(name, "").strip().lower()
    if text in ("", "0", "false", "f", "no", "n", "off"):
        return False
    if text in ("1", "true", "t", "yes", "y", "on"):
        return True
    raise InputError(f"{name} cannot be {environment[name]!r}", where="environment", next="use true or false")
