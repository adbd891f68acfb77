"""The flags by which projects, extras, groups, a platform and a mode are chosen, and what they come to."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from lockflow.cli.arguments import network, target
from lockflow.cli.console import Console
from lockflow.cli.faults import Parser, flag, meant
from lockflow.cli.plain import Started
from lockflow.errors import InputError
from lockflow.standards.names import normalize_name
from lockflow.steps import Mode
from lockflow.views import Place, View, Wish, view


def add_mode(parser: Parser) -> None:
    add = parser.add_argument
    add("--locked", action="store_true", help="stop where the lock is not up to date [env: UV_LOCKED]")
    add("--frozen", action="store_true", help="take the lock as it is [env: UV_FROZEN]")
    add("--script", metavar="FILE", help="a script with inline metadata in place of the project")


def add_groups(parser: Parser) -> None:
    add = parser.add_argument_group("Dependency groups").add_argument
    add("--group", action="append", default=[], metavar="GROUP", help="with this dependency group")
    add("--no-group", action="append", default=[], metavar="GROUP", help="without this one")
    add("--only-group", action="append", default=[], metavar="GROUP", help="this group alone, without the project")
    add("--all-groups", action="store_true", help="with all of them")
    add(
        "--no-default-groups",
        action="store_true",
        help="without those of [tool.uv] default-groups [env: UV_NO_DEFAULT_GROUPS]",
    )
    add("--dev", action="store_true", help=argparse.SUPPRESS)
    add("--no-dev", action="store_true", help="without the group dev [env: UV_NO_DEV]")
    add("--only-dev", action="store_true", help="the group dev alone")


def add_place(parser: Parser) -> None:
    add = parser.add_argument
    add("--platform", metavar="NAME", default="", help="for this platform alone, like linux/arm64")
    add("--python", metavar="VERSION", default="", help="for this Python alone, like 3.12")


def mode(options: argparse.Namespace, started: Started) -> tuple[Mode, str]:
    """The mode and what chose it."""
    if options.locked and options.frozen:
        raise InputError("--locked cannot be used with --frozen", where="command line", next="give one of them")
    if options.frozen or (not options.locked and flag(started.environment, "UV_FROZEN")):
        return Mode.FROZEN, "--frozen" if options.frozen else "UV_FROZEN"
    if options.locked or flag(started.environment, "UV_LOCKED"):
        return Mode.LOCKED, "--locked" if options.locked else "UV_LOCKED"
    return Mode.WRITE, ""


def place(options: argparse.Namespace) -> Place:
    return Place(platform=options.platform, python=options.python)


def wish(options: argparse.Namespace, started: Started) -> Wish:
    """What flags ask for, before the project is known."""
    only = [*options.only_group, *(["dev"] if options.only_dev else [])]
    if only and (options.group or options.all_groups):
        raise InputError(
            "--only-group cannot be used with --group or --all-groups", where="command line", next="give one of them"
        )
    without_dev = options.no_dev or (not options.dev and flag(started.environment, "UV_NO_DEV"))
    return Wish(
        packages=_names(getattr(options, "packages", [])),
        all_packages=getattr(options, "all_packages", False),
        extras=_names(getattr(options, "extra", [])),
        all_extras=getattr(options, "all_extras", False),
        no_extras=_names(getattr(options, "no_extra", [])),
        groups=_names(options.group),
        all_groups=options.all_groups,
        no_groups=_names([*options.no_group, *(["dev"] if without_dev else [])]),
        only_groups=_names(only),
        prune=frozenset(_names(getattr(options, "prune", []))),
        without_project=getattr(options, "no_emit_project", False),
        without_workspace=getattr(options, "no_emit_workspace", False),
        without_local=getattr(options, "no_emit_local", False),
        left_out=frozenset(_names(getattr(options, "no_emit_package", []))),
    )


def has_defaults(options: argparse.Namespace, started: Started) -> bool:
    """Whether the groups of [tool.uv] default-groups count as asked for."""
    return not (options.no_default_groups or flag(started.environment, "UV_NO_DEFAULT_GROUPS"))


def warn_absent(option: str, names: Iterable[str], seen: View, console: Console) -> None:
    """Warn about names of packages that the lock does not have: to leave them out, or to draw them, does nothing."""
    known = sorted({package.name for package in seen.lock.packages})
    for name in _names(list(names)):
        if name not in known:
            hint = meant(name, known).strip()
            console.warn(f"{option}: the lock has no package {name}{f'; {hint}' if hint else ''}")


def looked_at(options: argparse.Namespace, started: Started, console: Console) -> View:
    """The lock, brought up to date as its mode allows, with a bar while that takes time and its warnings said."""
    chosen, which = mode(options, started)
    with console.progress("Resolving") as progress:
        seen = view(target(options, started), chosen, flag=which, network=network(options, started), progress=progress)
    say_warnings(seen.result.warnings, console)
    return seen


def say_warnings(warnings: tuple[str, ...], console: Console) -> None:
    for warning in warnings:
        console.warn(warning)


def _names(given: list[str]) -> tuple[str, ...]:
    return tuple(normalize_name(name) for name in given)
