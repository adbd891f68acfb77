"""`lockflow run`: a command in the environment of the project or script, which is made right first."""

from __future__ import annotations

import argparse
import difflib
import os
import subprocess
import sys

from lockflow.cli.arguments import add_build, add_cache, add_common, add_index, add_resolver, network, settle, target
from lockflow.cli.choice import add_groups, mode
from lockflow.cli.console import Console
from lockflow.cli.faults import Parser, flag
from lockflow.cli.plain import Started
from lockflow.cli.sync import ConsoleListener, add_installer, add_selection, remember_synced, say_done, sync_ask
from lockflow.errors import EXIT_NOT_ANSWERED, InputError
from lockflow.syncing.running import Ready, RunAsk, prepare

_SUMMARY = "Run a command in the environment of the project, with lock and environment brought up to date first."
_EPILOG = """\
Examples:
  lockflow run pytest -q                 options behind the command are the command's
  lockflow run tool.py                   a script; with inline metadata in an environment of its own
  lockflow run -m http.server            a module
  lockflow run --with rich python        with a package beside the project's, for this run
  lockflow run --locked --no-dev serve   in production: stop if the lock is not up to date
"""
_DEPTH = "LOCKFLOW_RUN_DEPTH"
_DEEPEST = 100


def run_run(words: list[str], console: Console, started: Started) -> int:
    """Make the environment right, then become the command. Returns where that is not possible, or on Windows."""
    parser = run_parser()
    own, command = divided(words, parser)
    options = parser.parse(own)
    settle(console, options)
    variables = started.environment
    ask = _ask(options, tuple(command), started)
    chosen, chosen_flag = mode(options, started)
    listener = ConsoleListener(console, started, chosen, is_brief=True)
    if not ask.command:
        ask = _without_command(ask)
    with listener:
        ready = prepare(
            target(options, started),
            ask,
            sync_ask(options, started, is_exact=options.exact),
            chosen,
            flag=chosen_flag,
            network=network(options, started),
            listener=listener,
        )
    if ready.result is not None:
        say_done(ready.result, console, is_brief=True)
        remember_synced(ready.result, started)
    if not command:
        _list_commands(ready, console)
        return EXIT_NOT_ANSWERED
    depth = int(variables[_DEPTH]) if variables.get(_DEPTH, "").isdigit() else 0
    if depth >= _DEEPEST:
        raise InputError(
            "lockflow runs itself without end",
            where=" ".join(command),
            why="a script that begins with `lockflow run` needs --script there, else it is a command like others",
            next="begin the script with #!/usr/bin/env -S lockflow run --script",
        )
    return become(ready, {**ready.variables, _DEPTH: str(depth + 1)})


def run_parser() -> Parser:
    parser = Parser("run", _SUMMARY, epilog=_EPILOG)
    add = parser.add_argument
    add("command", nargs="*", metavar="COMMAND", help="a command, a script, or - for a script on stdin; its arguments")
    add("-m", "--module", action="store_true", help="the command is a module")
    add(
        "-s",
        "--script",
        dest="is_script",
        action="store_true",
        help="the command is a Python script, whatever its name",
    )
    add("-w", "--with", dest="additions", action="append", default=[], metavar="REQUIREMENT",
        help="with this package beside those of the environment; several by commas")  # fmt: skip
    add("--env-file", action="append", default=[], metavar="FILE", help="variables to set [env: UV_ENV_FILE]")
    add("--no-env-file", action="store_true", help="read none [env: UV_NO_ENV_FILE]")
    add("--no-sync", action="store_true", help="take lock and environment as they are [env: UV_NO_SYNC]")
    add("--locked", action="store_true", help="stop where the lock is not up to date [env: UV_LOCKED]")
    add("--frozen", action="store_true", help="take the lock as it is [env: UV_FROZEN]")
    add("--exact", action="store_true", help="remove packages that the lock does not name")
    add("--no-project", action="store_true", help="look for no project [env: UV_NO_PROJECT]")
    add_selection(parser)
    add_installer(parser)
    for add_group in (add_groups, add_index, add_resolver, add_build, add_cache, add_common):
        add_group(parser)
    return parser


def divided(words: list[str], parser: Parser) -> tuple[list[str], list[str]]:
    """The options of `lockflow run`, and the command: it begins with the first word that is no option and no value."""
    known = {name: action for action in parser._actions for name in action.option_strings}
    at = 0
    while at < len(words):
        word = words[at]
        if word == "--":
            return words[:at], words[at + 1 :]
        if not word.startswith("-") or word == "-":
            break
        action = known.get(word)
        takes_value = action is not None and action.nargs is None and "=" not in word
        at += 2 if takes_value and not _is_joined(word, known) else 1
    return words[:at], words[at:]


def _is_joined(word: str, known: dict[str, argparse.Action]) -> bool:
    """Whether a short option carries its value with it (`-p3.12`)."""
    return not word.startswith("--") and len(word) > 2 and word not in known


def _ask(options: argparse.Namespace, command: tuple[str, ...], started: Started) -> RunAsk:
    variables = started.environment
    files = options.env_file or variables.get("UV_ENV_FILE", "").split()
    if options.no_env_file or flag(variables, "UV_NO_ENV_FILE"):
        files = []
    return RunAsk(
        command=command,
        is_module=options.module,
        is_script=options.is_script and command[:1] != ("-",),
        stdin=sys.stdin.read() if command[:1] == ("-",) else "",
        additions=tuple(part.strip() for text in options.additions for part in _parts(text) if part.strip()),
        syncs=not (options.no_sync or flag(variables, "UV_NO_SYNC")),
        has_project=not (options.no_project or flag(variables, "UV_NO_PROJECT")),
        env_files=tuple(files),
    )


def _parts(text: str) -> list[str]:
    """Requirements by commas, where no comma is a part of one: `rich,httpx` but not `rich>=13,<14` or `rich[a,b]`."""
    parts: list[str] = []
    for part in text.split(","):
        is_part = bool(parts) and (part.strip()[:1] in "<>=!~" or parts[-1].count("[") > parts[-1].count("]"))
        if is_part:
            parts[-1] += f",{part}"
        else:
            parts.append(part)
    return parts


def _without_command(ask: RunAsk) -> RunAsk:
    return RunAsk(command=("python",), syncs=ask.syncs, has_project=ask.has_project)


def _list_commands(ready: Ready, console: Console) -> None:
    names = sorted(
        {path.name for folder in ready.scripts if folder.is_dir() for path in folder.iterdir() if _runs(path)}
    )
    console.say("Say what to run: lockflow run COMMAND, or lockflow run SCRIPT.py\n\nCommands of the environment:\n")
    for name in names:
        console.say(f"- {name}")


def _runs(path: os.PathLike[str]) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)  # noqa: PTH113


def become(ready: Ready, variables: dict[str, str]) -> int:
    """Run the command in the place of this process, so that signals, terminal and exit code are its own.

    Windows knows no such thing: there the command's exit code is returned.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        return execute(ready, variables)
    except FileNotFoundError as error:
        raise _no_command(ready) from error
    except OSError as error:
        raise InputError(f"{ready.argv[0]} cannot be run", why=error.strerror or str(error)) from error


def execute(ready: Ready, variables: dict[str, str]) -> int:
    """Do so; raises OSError where it cannot be run."""
    if os.name == "nt":
        os.environ["PATH"] = variables["PATH"]
        return subprocess.run(ready.argv, env=variables, check=False).returncode
    os.execvpe(ready.argv[0], ready.argv, variables)  # noqa: S606  no shell on purpose
    raise AssertionError("this process is another one by now")


def _no_command(ready: Ready) -> InputError:
    name = ready.argv[0]
    known = [path.name for folder in ready.scripts if folder.is_dir() for path in folder.iterdir()]
    close = difflib.get_close_matches(name, known, n=1)
    return InputError(
        f"there is no command {name!r}",
        where=f"{os.pathsep.join(map(str, ready.scripts))}, and PATH",
        why="it is neither in the environment nor anywhere on PATH",
        next=f"did you mean {close[0]}?" if close else "add the package that has it, or run it with --with PACKAGE",
    )
