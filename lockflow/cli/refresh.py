"""`lockflow refresh`: newer versions for the lock, none of which loses a platform; what a nightly job calls."""

from __future__ import annotations

import argparse
from pathlib import Path

from lockflow.cli.arguments import add_build, add_cache, add_common, add_index, network, settle, target
from lockflow.cli.console import Console, plural
from lockflow.cli.faults import Parser
from lockflow.cli.plain import Started
from lockflow.errors import EXIT_DONE, InputError
from lockflow.refresh import Ask, Ceiling, Refreshed, RefreshResult, refresh, refreshed_as_markdown

EXIT_CHANGED = 10
_SUMMARY = "Bring the lock to newer versions that hold on every platform, and tell what changed."
_EPILOG = """\
Examples:
  lockflow refresh                            everything that may move, platforms permitting
  lockflow refresh httpx numpy                these two, and what they need to move
  lockflow refresh --at-most 5 --only minor   gradually: five updates, no new major version
  lockflow refresh --exit-code --commit       as a nightly job does it: 10 means changed

A package whose newer version loses a platform stays at the newest that has it. The report is in
reports/refresh.md and refresh.json. A cool-down stands in pyproject.toml: [tool.uv] exclude-newer.
"""


def run_refresh(words: list[str], console: Console, started: Started) -> int:
    """Refresh, say what came of it; returns 0, or 10 where the lock changed and that was asked."""
    options = refresh_parser().parse(words)
    settle(console, options)
    folder = options.report_dir
    ask = Ask(
        packages=tuple(options.packages),
        at_most=options.at_most,
        only=options.only,
        cool_down=options.cool_down or "",
        is_dry_run=options.dry_run,
        report_folder=None if folder is None else Path(options.directory or "").absolute() / folder,
        commits=options.commit or bool(options.branch),
        branch=options.branch or "",
    )
    with console.progress("Refreshing") as progress:
        result = refresh(target(options, started), ask, network=network(options, started), progress=progress)
    say_refresh(result, console)
    if options.dry_run:
        console.data(refreshed_as_markdown(result.refreshed).rstrip("\n"))
    for path in result.reports:
        console.data(str(path))
    return EXIT_CHANGED if options.exit_code and result.is_changed else EXIT_DONE


def refresh_parser() -> Parser:
    parser = Parser("refresh", _SUMMARY, epilog=_EPILOG)
    add = parser.add_argument
    add("packages", nargs="*", metavar="PACKAGE", help="refresh these alone; by default all")
    add("--script", metavar="FILE", help="refresh the lock of a script with inline metadata in place of the project's")
    add("--at-most", type=_count, metavar="N", help="update at most N packages, the longest waiting first")
    add("--only", choices=("patch", "minor", "major"), default="major", help="the largest step that is taken")
    text = 'insist that [tool.uv] exclude-newer is this span, like "7 days"'
    add("--cool-down", metavar="SPAN", help=text)
    add("--exit-code", action="store_true", help=f"exit {EXIT_CHANGED} where the lock changed, 0 where it did not")
    add("--commit", action="store_true", help="commit the lock, alone, to git")
    add("--branch", metavar="NAME", help="make this branch for the commit; implies --commit")
    add("--dry-run", action="store_true", help="write nothing, put the report on stdout")
    add("--report-dir", metavar="DIR", help="where refresh.md and refresh.json go; by default reports/")
    for add_group in (add_index, add_build, add_cache, add_common):
        add_group(parser)
    return parser


def ask_of(at_most: str, only: str) -> Ask:
    """What the variables of `doit refresh` ask for, empty where they are not given."""
    ceilings: tuple[Ceiling, ...] = ("patch", "minor", "major")
    ceiling = next((word for word in ceilings if word == (only or "major")), None)
    if ceiling is None:
        raise InputError(f"ONLY cannot be {only!r}", where="command line of doit", next="use patch, minor or major")
    try:
        return Ask(at_most=_count(at_most) if at_most else None, only=ceiling)
    except argparse.ArgumentTypeError as error:
        raise InputError(f"AT_MOST: {error}", where="command line of doit", next="give a number, like 5") from error


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of packages")
    return int(text)


def say_refresh(result: RefreshResult, console: Console) -> None:
    """Say what changed, who was held back, and what deserves a look."""
    for warning in result.warnings:
        console.warn(warning)
    told = result.refreshed
    for change in told.changes:
        new = ", ".join(f"v{entry.version}" for entry in change.new)
        old = ", ".join(f"v{entry.version}" for entry in change.old)
        if not change.old:
            console.change(f"Added {change.name} {new}")
        elif not change.new:
            console.change(f"Removed {change.name} {old}")
        else:
            console.change(f"Updated {change.name} {old} -> {new}")
    for line in _held(told):
        console.warn(line)
    for entry in told.yanked:
        console.warn(f"{entry.name} {entry.version} was yanked and is still in use: {entry.reason}")
    for floor in (floor for floor in told.floors if floor.has_risen):
        console.warn(
            f"{floor.platform} now needs {floor.kind} {floor.new}, was {floor.old}: {', '.join(floor.packages)}"
        )
    if told.failing:
        console.warn(f"{plural(len(told.failing), 'finding')} as before: `lockflow check` tells them")
    if told.waiting:
        console.note(f"Waiting: {', '.join(entry.name for entry in told.waiting)}")
    console.say(told.headline)
    if result.commit:
        console.say(f"Committed as {result.commit[:12]}")


def _held(told: Refreshed) -> list[str]:
    held: dict[tuple[str, str, tuple[str, ...], str], list[str]] = {}
    for entry in told.held_back:
        key = entry.name, entry.version, entry.kept, entry.reason
        held.setdefault(key, []).append(entry.platform)
    return [
        f"{name} stays at {', '.join(kept)}: {version} would lose {', '.join(platforms)} ({reason})"
        for (name, version, kept, reason), platforms in held.items()
    ]
