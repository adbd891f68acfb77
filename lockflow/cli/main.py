"""The entry point: arguments to an exit code.

A lock that still stands is told before anything else is imported. Else the command's own file is, which knows its
flags and calls the step. Whatever goes wrong ends as a message of four parts, never as a traceback.
"""

from __future__ import annotations

import os
import sys

from lockflow import unchanged
from lockflow.cli.console import Console
from lockflow.cli.plain import Started, is_script, plain_lock, plain_run, plain_sync
from lockflow.cli.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from lockflow.cli.plain import Plain

HELP = """\
Lock a Python project once, and prove the lock on every platform.

Usage: lockflow COMMAND [OPTIONS]

Commands:
  lock, verify    bring uv.lock up to date; compare it with the index
  check, report   is there a wheel of everything on every platform
  image           build images from the lock; push them
  refresh         newer versions that hold on every platform; a report
  add, remove     change requirements and the lock with them
  sync, run       install what the lock says; run a command with that
  init, doctor    set a project up; look whether all is here, and say what to do
  export          requirements.txt, pylock.toml or CycloneDX from the lock
  tree, why       what requires what; the shortest ways in which one package is
  diff            how two locks differ; further: platforms, cache, completion

Examples:
  lockflow lock --check                      exit 1, and why, if not up to date
  lockflow check linux/arm64 --python 3.12   one platform, one Python

Options: -h, --help (also after a COMMAND, for its own); -V, --version
Settings: [tool.uv], uv.toml and UV_* as uv reads them; [tool.lockflow].
Exit codes: 0 done; 1 the answer is no (no solution, outdated lock, a platform
fails); 2 no answer (usage, configuration, network); 130 interrupted.
"""


def main(arguments: Sequence[str] | None = None, *, transport: Any = None) -> int:  # noqa: ANN401  an httpx transport
    """Run lockflow with `arguments` (without the program's name), by default those of the process.

    `transport` answers requests in place of the network.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    started = Started(os.environ, transport)
    try:
        if words[:1] == ["lock"]:
            started.plain = plain_lock(words[1:], started.environment)
            if started.plain is not None and _still_stands(started.plain, started):
                return 0
        elif words[:1] == ["sync"]:
            started.plain = plain_sync(words[1:], started.environment)
            if started.plain is not None and _is_synced(started.plain, started):
                return 0
        elif words[:1] == ["run"] and arguments is None:
            started.plain = plain_run(words[1:], started.environment)
            if started.plain is not None:
                _run_as_it_is(started.plain, started)
        if arguments is None:
            _leave_cycles()
        return _run(words, started)
    except KeyboardInterrupt:
        return 130


def program() -> NoReturn:
    """`lockflow` on a command line: run it, and end the process there and then.

    The system takes a process back at once; before it does, the interpreter would search all that a resolution made for
    cycles and free it piece by piece (a tenth of the time of a cold run). Whatever writes files has closed them, and no
    thread is left that one would wait for.
    """
    code = main()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # closed by the shell
                stream.flush()
        except BrokenPipeError:
            pass
        except OSError:
            code = code or 2
    os._exit(code)


# Nothing to do -------------------------------------------------------------------------------------------------------


def _still_stands(plain: Plain, started: Started) -> bool:
    standing = unchanged.still_stands(plain.folder, plain.question(started.environment))
    if standing is None or plain.color not in ("auto", "always", "never"):
        return False
    console = Console(started.environment, quiet=plain.quiet, color=plain.color)
    for warning in standing.warnings:
        console.warn(warning)
    console.resolved(standing.packages, started.elapsed())
    if plain.is_dry_run:
        console.say("No lockfile changes detected")
    return True


def _is_synced(plain: Plain, started: Started) -> bool:
    """Say that lock and environment are as they were left, where that is so."""
    standing = _standing(plain, started)
    if standing is None:
        return False
    console = Console(started.environment, quiet=plain.quiet, color=plain.color)
    for warning in standing.warnings:
        console.warn(warning)
    if not plain.is_frozen:
        console.resolved(standing.packages, started.elapsed())
    console.checked(standing.kept, started.elapsed())
    return True


def _run_as_it_is(plain: Plain, started: Started) -> None:
    """Become the command where lock and environment are as they were left; return where they are not."""
    standing = _standing(plain, started)
    if standing is None or os.name == "nt":
        return
    console = Console(started.environment, quiet=plain.quiet, color=plain.color)
    for warning in standing.warnings:
        console.warn(warning)
    scripts = f"{standing.environment}/bin"
    command = plain.command
    if plain.is_module:
        command = [f"{scripts}/python", "-m", *command]
    elif is_script(f"{plain.folder}/{command[0]}"):
        command = [f"{scripts}/python", *command]
    variables = dict(started.environment)
    path = variables.get("PATH", os.defpath)
    depth = variables.get("LOCKFLOW_RUN_DEPTH", "")
    if depth.isdigit() and int(depth) > 50:
        return
    variables |= {
        "VIRTUAL_ENV": standing.environment,
        "PATH": f"{scripts}{os.pathsep}{path}",
        "LOCKFLOW_RUN_DEPTH": str(int(depth) + 1 if depth.isdigit() else 1),
    }
    variables.pop("PYTHONHOME", None)
    try:
        os.execvpe(command[0], command, variables)  # noqa: S606  no shell on purpose
    except OSError:
        return


def _standing(plain: Plain, started: Started) -> unchanged.Standing | None:
    if plain.color not in ("auto", "always", "never"):
        return None
    asked = plain.question(started.environment)
    standing = unchanged.still_stands(plain.folder, asked, unchanged.synced_record(asked))
    return standing if standing is not None and standing.environment else None


def _leave_cycles() -> None:
    """Do without the collector of reference cycles, in a process of our own that ends soon.

    A resolution makes hundreds of thousands of tuples and hardly a cycle; searching them takes a fifth of its time and
    frees nothing (387 packages: 2.4 s and 189 MB with it, 1.9 s and 189 MB without).
    """
    import gc

    gc.disable()


# Something to do -----------------------------------------------------------------------------------------------------

_GLOBAL_WITH_VALUE = frozenset(("--color", "--cache-dir", "--directory", "--project", "--config-file"))
_VERSION_WORDS = frozenset(("version", "--version", "-V"))
_HELP_WORDS = frozenset(("", "help", "--help", "-h"))


def _run(words: list[str], started: Started) -> int:
    from lockflow.cli.faults import guarded

    command, words = _command(words)
    if command in _VERSION_WORDS | _HELP_WORDS:
        return _about(command, words, started)
    return guarded(command, words, started)


def _command(words: list[str]) -> tuple[str, list[str]]:
    """The command and its arguments; options that go with every command may stand in front of it."""
    front: list[str] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word in ("-h", "--help", "-V", "--version"):
            return word, [*front, *rest]
        front.append(word)
        if word in _GLOBAL_WITH_VALUE:
            front.extend(word for word in (next(rest, None),) if word is not None)
    return "", front


def _about(command: str, words: list[str], started: Started) -> int:
    from lockflow.cli.faults import explain
    from lockflow.errors import LockflowError

    console = Console(started.environment)
    topic = next((word for word in words if not word.startswith("-")), "")
    try:
        if command in _VERSION_WORDS:
            console.data(f"lockflow {VERSION}")
        elif topic:
            return explain(topic, started)
        elif command:
            console.data(HELP.rstrip())
        else:
            console.say(HELP.rstrip())
            return 2
    except LockflowError as error:
        console.error(error)
        return error.exit_code
    return 0
