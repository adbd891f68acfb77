"""`lockflow lock`: brings a lock up to date, or says whether it is, in the words that users of uv know."""

from __future__ import annotations

import argparse
from pathlib import Path

from lockflow import steps
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
from lockflow.cli.plain import Started
from lockflow.errors import InputError
from lockflow.remember import forget, remember
from lockflow.steps import LockResult, Mode, Status

_SUMMARY = "Bring uv.lock up to date; or say whether it is, and if not, why."
_EPILOG = """\
Examples:
  lockflow lock                           resolve only what changed in pyproject.toml
  lockflow lock --check                   exit 1, and say why, if the lock is not up to date
  lockflow lock -P httpx -P 'numpy<3'     take newer versions of these two, keep the others
  lockflow lock --script tool.py          lock a script with inline metadata: tool.py.lock
"""
_MOST_REASONS = 5


def run_lock(words: list[str], console: Console, started: Started) -> int:
    """Lock, and say what came of it; returns the exit code."""
    options = lock_parser().parse(words)
    settle(console, options)
    mode, mode_flag = _mode(options, console, started)
    asked = target(options, started)
    with console.progress("Resolving") as progress:
        result = steps.lock(asked, mode, flag=mode_flag, network=network(options, started), progress=progress)
    if mode is Mode.FROZEN:
        name = _shown(result.lock_path)
        text = f"{name} exists; whether it is up to date was not checked because of {mode_flag}: use --check for that"
        console.warn(text)
    else:
        say_result(result, console, started.elapsed(), mode)
    if started.plain is not None and not options.dry_run:
        _remember(result, asked, started)
    return 0


def lock_parser() -> Parser:
    parser = Parser("lock", _SUMMARY, epilog=_EPILOG)
    add = parser.add_argument
    add("--check", "--locked", action="store_true", help="only check that the lock is up to date [env: UV_LOCKED]")
    text = "only check that there is a lock [env: UV_FROZEN]"
    add("--check-exists", "--frozen", dest="frozen", action="store_true", help=text)
    add("--dry-run", action="store_true", help="say what would change, write nothing")
    add("--script", metavar="FILE", help="lock a script with inline metadata in place of the project")
    add("-p", "--python", metavar="VERSION", help="the Python of a project without requires-python [env: UV_PYTHON]")
    for add_group in (add_index, add_resolver, add_build, add_cache, add_common, add_without_effect):
        add_group(parser)
    return parser


def _mode(options: argparse.Namespace, console: Console, started: Started) -> tuple[Mode, str]:
    """The mode, and the flag or variable that chose it; a flag beats a variable, two that disagree are an error."""
    named = {"--check": options.check, "--frozen": options.frozen, "--dry-run": options.dry_run}
    flags = [name for name, is_given in named.items() if is_given]
    if len(flags) > 1:
        raise InputError(f"{flags[0]} cannot be used with {flags[1]}", where="command line", next="give one of them")
    if options.frozen and (options.upgrade or options.upgrade_package or options.upgrade_group):
        what = "--frozen cannot be used with --upgrade"
        raise InputError(what, where="command line", why="a frozen lock is taken as it is", next="give one of them")
    is_locked, is_frozen = flag(started.environment, "UV_LOCKED"), flag(started.environment, "UV_FROZEN")
    if not flags and is_locked and is_frozen:
        raise InputError("UV_LOCKED cannot be used with UV_FROZEN", where="environment", next="set one of them")
    if options.check and is_frozen:
        console.warn("UV_FROZEN is ignored because --check was given")
    if options.frozen and is_locked:
        console.warn("UV_LOCKED is ignored because --frozen was given")
    if options.check:
        return Mode.LOCKED, "--check"
    if options.frozen or (is_frozen and not options.dry_run):
        return Mode.FROZEN, "--frozen" if options.frozen else "UV_FROZEN"
    if options.dry_run:
        return Mode.DRY_RUN, "--dry-run"
    return (Mode.LOCKED, "UV_LOCKED") if is_locked else (Mode.WRITE, "")


# What is said --------------------------------------------------------------------------------------------------------


def say_result(result: LockResult, console: Console, seconds: float, mode: Mode = Mode.WRITE) -> None:
    """Say what came of a lock operation that took `seconds`."""
    for warning in result.warnings:
        console.warn(warning)
    _say_reasons(result, mode, console)
    console.resolved(result.packages, seconds)
    if mode is Mode.DRY_RUN or result.status is Status.CHANGED:
        for change in result.changes:
            console.change(steps.change_line(change, is_done=mode is Mode.WRITE))
    if mode is Mode.DRY_RUN and not result.changes:
        is_same = result.status is Status.UNCHANGED
        console.say("No lockfile changes detected" if is_same else "Lockfile changes detected")
    if result.status is Status.CHANGED and not result.changes:
        console.note(f"Changed without a change of versions: {'; '.join(result.notes) or 'how it is written'}")
    for remark in result.remarks:
        console.say(remark)
    for path in result.input_files:
        console.detail(f"read {path}")


def _say_reasons(result: LockResult, mode: Mode, console: Console) -> None:
    """Why the old lock did not do: uv keeps that to itself, and people wonder."""
    if not result.reasons:
        return
    shown = result.reasons if console.verbose else result.reasons[:_MOST_REASONS]
    console.note(f"{_shown(result.lock_path)} {'was' if mode is Mode.WRITE else 'is'} not up to date:")
    for reason in shown:
        first, *more = reason.splitlines()
        console.note(f"  - {first}")
        for line in more:
            console.note(f"    {line}")
    if len(shown) < len(result.reasons):
        console.note(f"  - and {len(result.reasons) - len(shown)} more (-v shows all)")


def _shown(path: Path) -> str:
    """A path as people type it: relative where it is below this folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


# What is remembered --------------------------------------------------------------------------------------------------


def _remember(result: LockResult, asked: steps.Target, started: Started) -> None:
    """Note what this lock was found right for."""
    assert started.plain is not None
    if not result.standing:
        forget(result.root)
        return
    remember(
        result.root,
        result.lock_path,
        result.standing,
        started.plain.question(started.environment),
        start=asked.directory,
        inputs=result.input_files,
        packages=result.packages,
        warnings=result.warnings,
        environment=started.environment,
        since_ns=started.time_ns,
    )
