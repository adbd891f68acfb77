"""`lockflow add` and `lockflow remove`: requirements edited in place, with the lock following or nothing at all."""

from __future__ import annotations

import argparse
import difflib
from pathlib import Path

from msgspec.structs import replace

from lockflow.cli.arguments import (
    add_build,
    add_cache,
    add_common,
    add_index,
    add_resolver,
    add_without_effect,
    network,
    settle,
    target,
)
from lockflow.cli.console import Console
from lockflow.cli.faults import Parser, flag
from lockflow.cli.lock import say_result
from lockflow.cli.plain import Started
from lockflow.dependencies import AddAsk, Done, Mode, Place, add, remove
from lockflow.errors import EXIT_DONE, InputError

_ADD = "Add requirements to pyproject.toml, and lock. Where the lock cannot follow, nothing is changed."
_ADD_EXAMPLES = """\
Examples:
  lockflow add httpx 'numpy<3'              new ones get a lower bound: httpx>=0.28.1
  lockflow add --dev pytest                 to the dependency group dev
  lockflow add --group docs mkdocs --bounds major
  lockflow add 'tool @ git+https://git.example/tool' --tag v2
  lockflow add ../lib --editable            a path, as a source in [tool.uv.sources]
  lockflow add -r requirements.in -c requirements.txt
"""
_REMOVE = "Remove requirements from pyproject.toml, and lock. Where the lock cannot follow, nothing is changed."
_REMOVE_EXAMPLES = """\
Examples:
  lockflow remove httpx
  lockflow remove --group docs mkdocs
"""


def run_add(words: list[str], console: Console, started: Started) -> int:
    """Add, and say what came of it; returns the exit code."""
    options = add_parser().parse(words)
    settle(console, options)
    ask = AddAsk(
        requirements=tuple(options.requirements),
        files=_paths(options, options.requirements_files),
        constraints=_paths(options, options.constraints),
        place=_place(options),
        bounds=options.bounds,
        marker=options.marker or "",
        extras=tuple(options.extras),
        indexes=tuple(options.index or ()),
        rev=options.rev or "",
        tag=options.tag or "",
        branch=options.branch or "",
        editable=options.editable,
        raw=options.raw,
        workspace=options.workspace,
    )
    if not ask.requirements and not ask.files:
        raise InputError("nothing to add was named", where="command line", next="name requirements, or a file with -r")
    mode = _mode(options, started)
    # The index goes into the file, where it holds for everybody.
    options.index = None
    with console.progress("Resolving") as progress:
        done = add(target(options, started), ask, mode, network=network(options, started), progress=progress)
    _say(done, mode, options, console, started)
    return EXIT_DONE


def run_remove(words: list[str], console: Console, started: Started) -> int:
    """Remove, and say what came of it; returns the exit code."""
    options = remove_parser().parse(words)
    settle(console, options)
    mode = _mode(options, started)
    with console.progress("Resolving") as progress:
        done = remove(
            target(options, started),
            tuple(options.names),
            _place(options),
            mode,
            network=network(options, started),
            progress=progress,
        )
    _say(done, mode, options, console, started)
    return EXIT_DONE


def add_parser() -> Parser:
    parser = Parser("add", _ADD, epilog=_ADD_EXAMPLES)
    option = parser.add_argument
    option("requirements", nargs="*", metavar="REQUIREMENT", help="a name with or without versions, a URL, a path")
    text = "all that this requirements file asks for"
    option("-r", "--requirements", dest="requirements_files", action="append", default=[], metavar="FILE", help=text)
    text = "versions that this file rules out are not taken now; it is not recorded"
    option("-c", "--constraints", action="append", default=[], metavar="FILE", help=text)
    _add_place(parser)
    text = "what a new requirement without versions gets; by default [tool.uv] add-bounds, else lower"
    option("--bounds", choices=("lower", "major", "minor", "exact"), help=text)
    option("-m", "--marker", metavar="MARKER", help="where the requirements apply: \"sys_platform == 'linux'\"")
    option("--extra", dest="extras", action="append", default=[], metavar="NAME", help="an extra of the requirements")
    option = parser.add_argument_group("Source options").add_argument
    option("--editable", action="store_true", help="a path is installed in place")
    option("--raw", action="store_true", help="write requirements as given, without bounds or [tool.uv.sources]")
    for name in ("rev", "tag", "branch"):
        option(f"--{name}", metavar=name.upper(), help=f"the {name} of a git repository")
    option("--workspace", action="store_true", default=None, help="make a path a member of the workspace")
    option("--no-workspace", dest="workspace", action="store_false", help="a path is none, wherever it is")
    _add_rest(parser)
    return parser


def remove_parser() -> Parser:
    parser = Parser("remove", _REMOVE, epilog=_REMOVE_EXAMPLES)
    parser.add_argument("names", nargs="+", metavar="NAME", help="the packages to remove")
    _add_place(parser)
    _add_rest(parser)
    return parser


def _add_place(parser: Parser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--dev", action="store_true", help="the dependency group dev")
    where.add_argument("--group", metavar="NAME", help="this dependency group")
    where.add_argument("--optional", metavar="EXTRA", help="the dependencies of this extra of the project")
    where.add_argument("--script", metavar="FILE", help="the inline metadata of a script in place of the project")
    parser.add_argument("--package", metavar="NAME", help="this member of the workspace")


def _add_rest(parser: Parser) -> None:
    option = parser.add_argument
    option("--locked", action="store_true", help="refuse what would change the lock [env: UV_LOCKED]")
    option("--frozen", action="store_true", help="edit only, without locking [env: UV_FROZEN]")
    option("--dry-run", action="store_true", help="show the edit and what would change in the lock, write nothing")
    option("--no-sync", action="store_true", help=argparse.SUPPRESS)
    option("-p", "--python", metavar="VERSION", help="the Python of a project without requires-python [env: UV_PYTHON]")
    for add_group in (add_index, add_resolver, add_build, add_cache, add_common, add_without_effect):
        add_group(parser)


def _paths(options: argparse.Namespace, names: list[str]) -> tuple[Path, ...]:
    return tuple(Path(options.directory or "") / name for name in names)


def _place(options: argparse.Namespace) -> Place:
    return Place(
        group=options.group or "", extra=options.optional or "", is_dev=options.dev, package=options.package or ""
    )


def _mode(options: argparse.Namespace, started: Started) -> Mode:
    given = [name for name in ("locked", "frozen", "dry_run") if getattr(options, name)]
    if len(given) > 1:
        first, second = (f"--{name.replace('_', '-')}" for name in given[:2])
        raise InputError(f"{first} cannot be used with {second}", where="command line", next="give one of them")
    if given:
        return {"locked": Mode.LOCKED, "frozen": Mode.FROZEN, "dry_run": Mode.DRY_RUN}[given[0]]
    if flag(started.environment, "UV_FROZEN"):
        return Mode.FROZEN
    return Mode.LOCKED if flag(started.environment, "UV_LOCKED") else Mode.WRITE


def _say(done: Done, mode: Mode, options: argparse.Namespace, console: Console, started: Started) -> None:
    for warning in done.warnings:
        console.warn(warning)
    if mode is Mode.DRY_RUN:
        name = done.path.name
        before, after = (text.splitlines(keepends=True) for text in (done.before, done.after))
        console.data("".join(difflib.unified_diff(before, after, name, name)).rstrip("\n"))
    if done.result is not None:
        # That the old lock does not have what was just added needs no telling.
        say_result(replace(done.result, reasons=()), console, started.elapsed(), mode)
    elif done.before != done.after:
        console.note(f"{done.path.name} was edited; the lock was left alone")
    if done.result is not None and done.result.is_written and not options.no_sync:
        _say_what_is_left(done.result.root, console, started)


def _say_what_is_left(root: Path, console: Console, started: Started) -> None:
    """That the project's environment, where there is one, is not what the lock says any more."""
    name = started.environment.get("UV_PROJECT_ENVIRONMENT") or ".venv"
    if (root / name / "pyvenv.cfg").is_file():
        console.note(f"{name} is as it was: `lockflow sync` brings it up to date, as `lockflow run` does by itself")
