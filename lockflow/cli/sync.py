"""`lockflow sync`: the environment of a project or script holds what its lock says, no more and no less."""

from __future__ import annotations

import argparse
import json
from typing import Any, Self

from lockflow.cli.arguments import add_build, add_cache, add_common, add_index, add_resolver, network, settle, target
from lockflow.cli.choice import add_groups, add_mode, has_defaults, mode, wish
from lockflow.cli.console import Console, Progress, duration, plural
from lockflow.cli.faults import Parser, flag
from lockflow.cli.plain import Started
from lockflow.environments.model import Installed, LinkMode, Origin, Wanted
from lockflow.errors import AnswerIsNo, InputError
from lockflow.standards.names import normalize_name
from lockflow.steps import LockResult, Mode, Status
from lockflow.syncing.model import SyncAsk, SyncResult
from lockflow.syncing.noting import note
from lockflow.syncing.walk import sync

_SUMMARY = "Bring the lock up to date, and install what it says into the environment of the project."
_EPILOG = """\
Examples:
  lockflow sync                            make or mend .venv; what is not in the lock goes
  lockflow sync --locked --no-dev          in CI: stop if the lock is not up to date
  lockflow sync --extra gpu --group docs   with an extra and a dependency group
  lockflow sync --dry-run                  say what would be done
"""


def run_sync(words: list[str], console: Console, started: Started) -> int:
    """Sync, and say what came of it; returns the exit code."""
    options = sync_parser().parse(words)
    settle(console, options)
    ask = sync_ask(options, started, is_exact=not options.inexact)
    chosen, chosen_flag = mode(options, started)
    is_dry = options.dry_run or options.check
    if chosen is Mode.WRITE and is_dry:
        chosen = Mode.DRY_RUN
    listener = ConsoleListener(console, started, chosen)
    with listener:
        result = sync(
            target(options, started),
            ask,
            chosen,
            flag=chosen_flag,
            network=network(options, started),
            listener=listener,
        )
    if is_dry:
        say_plan(result, console)
    else:
        say_done(result, console)
        remember_synced(result, started)
    if options.json:
        console.data(json.dumps(as_data(result), indent=2))
    if options.check and (not result.plan.is_empty or result.made != "used"):
        raise AnswerIsNo("the environment is not up to date", where=str(result.root), next="run `lockflow sync`")
    return 0


def sync_parser() -> Parser:
    parser = Parser("sync", _SUMMARY, epilog=_EPILOG)
    add = parser.add_argument
    add("--inexact", action="store_true", help="leave packages that the lock does not name")
    add("--exact", dest="inexact", action="store_false", help=argparse.SUPPRESS)
    add("--dry-run", action="store_true", help="say what would be done, do nothing")
    add("--check", action="store_true", help="the same, and exit 1 if the environment is not up to date")
    add("--json", action="store_true", help="what was done, or would be, as data on stdout")
    add_mode(parser)
    add_selection(parser)
    add_installer(parser)
    for add_group in (add_groups, add_index, add_resolver, add_build, add_cache, add_common):
        add_group(parser)
    return parser


def add_selection(parser: Parser) -> None:
    """Flags that choose what is installed, groups apart."""
    add = parser.add_argument
    add("--package", dest="packages", action="append", default=[], metavar="NAME", help="this project of the workspace")
    add("--all-packages", action="store_true", help="all projects of the workspace")
    add("--extra", action="append", default=[], metavar="EXTRA", help="with this extra")
    add("--all-extras", action="store_true", help="with all extras")
    add("--no-extra", action="append", default=[], metavar="EXTRA", help="without this one of all")


def add_installer(parser: Parser) -> None:
    add = parser.add_argument_group("Installation").add_argument
    add(
        "-p", "--python", metavar="VERSION", help="the Python of the environment: 3.12, >=3.11, a path [env: UV_PYTHON]"
    )
    add("--active", action="store_true", help="into the environment that VIRTUAL_ENV names")
    add("--no-editable", action="store_true", help="projects as copies [env: UV_NO_EDITABLE]")
    add("--no-editable-package", action="append", default=[], metavar="NAME", help="the same for one project")
    for name, text in (("project", "what the project requires"), ("workspace", "what all projects require")):
        variable = f"UV_NO_INSTALL_{name.upper()}"
        add(f"--no-install-{name}", dest=f"no_emit_{name}", action="store_true", help=f"{text} alone [env: {variable}]")
    text = "nothing that lies on disk [env: UV_NO_INSTALL_LOCAL]"
    add("--no-install-local", dest="no_emit_local", action="store_true", help=text)
    text = "not this package, only what it requires"
    add("--no-install-package", dest="no_emit_package", action="append", default=[], metavar="NAME", help=text)
    add("--reinstall", action="store_true", help="install all of it anew")
    add("--reinstall-package", action="append", default=[], metavar="NAME", help="install this one anew")
    text = "how files come from the cache; by default the cheapest way that works [env: UV_LINK_MODE]"
    add("--link-mode", choices=("clone", "hardlink", "copy"), help=text)
    text = "compile all modules after installation [env: UV_COMPILE_BYTECODE]"
    add("--compile-bytecode", action="store_true", default=None, help=text)
    add("--no-compile-bytecode", dest="compile_bytecode", action="store_false", help=argparse.SUPPRESS)
    for name in ("--managed-python", "--no-managed-python", "--no-python-downloads"):
        add(name, action="store_true", help=argparse.SUPPRESS)


def sync_ask(options: argparse.Namespace, started: Started, *, is_exact: bool) -> SyncAsk:
    """What flags and variables ask for."""
    variables = started.environment
    for name in ("project", "workspace", "local"):
        if flag(variables, f"UV_NO_INSTALL_{name.upper()}"):
            setattr(options, f"no_emit_{name}", True)
    compiles = options.compile_bytecode
    return SyncAsk(
        wish=wish(options, started),
        has_defaults=has_defaults(options, started),
        python=options.python or "",
        is_exact=is_exact,
        again=options.reinstall or frozenset(map(normalize_name, options.reinstall_package)),
        not_editable=options.no_editable
        or flag(variables, "UV_NO_EDITABLE")
        or frozenset(map(normalize_name, options.no_editable_package)),
        is_active=options.active,
        link_mode=_link_mode(options.link_mode or variables.get("UV_LINK_MODE", "")),
        compiles=flag(variables, "UV_COMPILE_BYTECODE") if compiles is None else compiles,
        is_dry_run=getattr(options, "dry_run", False) or getattr(options, "check", False),
    )


def _link_mode(text: str) -> LinkMode | None:
    """How files come into an environment; None leaves it to the file system."""
    modes: dict[str, LinkMode | None] = {"": None, "clone": "clone", "hardlink": "hardlink", "copy": "copy"}
    if text not in modes:
        raise InputError(
            f"files cannot be put into an environment by {text!r}",
            where="UV_LINK_MODE",
            why="symbolic links would break every environment when the cache is emptied" if text == "symlink" else "",
            next="use clone, hardlink or copy",
        )
    return modes[text]


def remember_synced(result: SyncResult, started: Started) -> None:
    """Note for which question lock and environment were found right."""
    if started.plain is None or result.result is None:
        return
    asked = started.plain.question(started.environment)
    note(result, asked, started.plain.folder, started.environment, since_ns=started.time_ns)


# What is said ---------------------------------------------------------------------------------------------------------


class ConsoleListener:
    """Tells a console what goes on; used in a `with`. `is_brief` leaves out what nobody asked for."""

    def __init__(self, console: Console, started: Started, mode: Mode, *, is_brief: bool = False) -> None:
        self._console = console
        self._started = started
        self._mode = mode
        self._is_brief = is_brief
        self._resolving = console.progress("Resolving")
        self._bringing = console.progress("Preparing")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._resolving.__exit__(None, None, None)
        self._bringing.__exit__(None, None, None)

    @property
    def progress(self) -> Progress:
        """What hears of a resolution."""
        return self._resolving

    def say(self, line: str) -> None:
        self._console.say(line)

    def warn(self, text: str) -> None:
        self._console.warn(text)

    def step(self, text: str) -> None:
        self._bringing.step(text)

    def resolved(self, result: LockResult) -> None:
        """Close the lock operation as uv does, with the reasons where the lock was not up to date."""
        self._resolving.__exit__(None, None, None)
        for warning in result.warnings:
            self._console.warn(warning)
        if self._is_brief:
            return
        if self._mode is not Mode.FROZEN:
            self._console.resolved(result.packages, self._started.elapsed())
        for reason in result.reasons[:3] if result.status is Status.CHANGED else ():
            self._console.note(f"  the lock was not up to date: {reason.splitlines()[0]}")


def say_done(result: SyncResult, console: Console, *, is_brief: bool = False) -> None:
    """Say what was done, in the words of uv."""
    plan = result.plan
    if plan.is_empty:
        if not is_brief:
            console.checked(plan.kept, result.prepare_seconds)
        return
    if result.downloads:
        console.note(f"Prepared {plural(result.downloads, 'package')} in {duration(result.prepare_seconds)}")
    if plan.remove:
        console.note(f"Uninstalled {plural(len(plan.remove), 'package')} in {duration(result.remove_seconds)}")
    if plan.add:
        console.note(f"Installed {plural(len(plan.add), 'package')} in {duration(result.install_seconds)}")
    say_changes(result, console)


def say_plan(result: SyncResult, console: Console) -> None:
    """Say what would be done."""
    plan, lock = result.plan, result.result
    verb = {"used": "use", "created": "create", "replaced": "replace"}[result.made]
    console.say(f"Would {verb} the environment at: {result.root}")
    if lock is not None:
        words = {
            Status.UNCHANGED: "Found up-to-date lockfile at",
            Status.CHANGED: "Would update lockfile at",
            Status.CREATED: "Would create lockfile at",
        }
        console.say(f"{words[lock.status]}: {lock.lock_path.name}")
    if plan.is_empty:
        console.say("Would make no changes")
        return
    if result.downloads:
        console.say(f"Would download {plural(result.downloads, 'package')}")
    if plan.remove:
        console.say(f"Would uninstall {plural(len(plan.remove), 'package')}")
    if plan.add:
        console.say(f"Would install {plural(len(plan.add), 'package')}")
    say_changes(result, console)


def say_changes(result: SyncResult, console: Console) -> None:
    """One line a package: `+` installed, `-` removed, `~` installed anew."""
    for sign, text in changes(result):
        console.package(sign, text)


def changes(result: SyncResult) -> list[tuple[str, str]]:
    """The changes of an environment by name, what goes before what comes."""
    removed = {(package.name, package.version): package for package in result.plan.remove}
    lines: list[tuple[str, str, str]] = []
    for want in result.plan.add:
        version = result.versions.get(want.name, "") or want.version
        same = removed.pop((want.name, version), None)
        lines.append((want.name, "~" if same is not None else "+", _label(want, version, want.origin)))
    lines += [(package.name, "-", _label(package, package.version, package.origin)) for package in removed.values()]
    order = {"-": 0, "+": 1, "~": 1}
    return [(sign, text) for _, sign, text in sorted(lines, key=lambda line: (line[0], order[line[1]]))]


def _label(package: Wanted | Installed, version: str, origin: Origin | None) -> str:
    where = ""
    if origin is not None:
        commit = "" if origin.vcs_info is None else f"@{origin.vcs_info.commit_id}"
        vcs = "git+" if origin.vcs_info is not None else ""
        where = f" (from {vcs}{origin.url}{commit})"
    return f"{package.name}=={version}{where}" if version else f"{package.name}{where}"


def as_data(result: SyncResult) -> dict[str, Any]:
    """What came of a sync, for programs."""
    signs = {"+": "install", "-": "remove", "~": "reinstall"}
    return {
        "environment": str(result.root),
        "made": result.made,
        "python": None if result.environment is None else result.environment.interpreter.version,
        "kept": result.plan.kept,
        "changes": [{"kind": signs[sign], "package": text} for sign, text in changes(result)],
    }
