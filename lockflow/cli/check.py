"""`lockflow check`: does the lock hold on every platform, and if not, who brings the trouble in and what mends it."""

from __future__ import annotations

from pathlib import Path

from lockflow import checking
from lockflow.before_build import before_build, drift_message, require_ready
from lockflow.cli.arguments import add_common, add_evidence, add_index, add_resolver, network, settle, target
from lockflow.cli.console import Console, duration, plural
from lockflow.cli.faults import Parser
from lockflow.cli.jobs import Jobs
from lockflow.cli.plain import Started
from lockflow.engines.opening import open_engine
from lockflow.errors import EXIT_ANSWER_IS_NO, EXIT_DONE, EXIT_NOT_ANSWERED, InputError, LockflowError
from lockflow.images.model import Drift
from lockflow.report.model import Report, Verdict
from lockflow.steps import Target

_SUMMARY = "Check the lock for platforms: is there a wheel for each package that applies there?"
_EPILOG = """\
Examples:
  lockflow check                                  the platforms and Pythons of [tool.lockflow]
  lockflow check linux/arm64 darwin               these two
  lockflow check linux/amd64/musl --python 3.13   one platform, one Python
  lockflow check --executor docker                in containers: real interpreters, uv's plan
  lockflow check --executor docker --level install   installed there, and imported
  lockflow check --fix --dry-run                  what to write in pyproject.toml, as a diff
  lockflow check --json                           the verdicts as data, on stdout
"""
_MOST_PROBLEMS = 20


def run_check(words: list[str], console: Console, started: Started) -> int:
    """Check the lock, say what was found; returns the exit code."""
    parser = Parser("check", _SUMMARY, epilog=_EPILOG)
    parser.add_argument("platforms", nargs="*", metavar="PLATFORM", help="by default those of [tool.lockflow]")
    text = "a minor version to check, like 3.12; may be repeated; by default all that requires-python admits"
    parser.add_argument("--python", dest="pythons", action="append", default=[], metavar="VERSION", help=text)
    parser.add_argument("--json", action="store_true", help="put the report on stdout as JSON")
    add_evidence(parser)
    text = (
        "ask as well whether this uv would take the lock in a build; by default the one that the project pins, if any"
    )
    parser.add_argument("--uv", metavar="VERSION", help=text)
    text = "the lock to compare with: say where the wheels need a newer system; by default that of the last commit"
    parser.add_argument("--previous", metavar="FILE", type=Path, help=text)
    text = "try the edits that would mend what is wrong, apply those that help, and lock again"
    parser.add_argument("--fix", action="store_true", help=text)
    parser.add_argument("--dry-run", action="store_true", help="with --fix: show the edits as a diff, change nothing")
    for add_group in (add_index, add_resolver, add_common):
        add_group(parser)
    options = parser.parse(words)
    settle(console, options)
    if options.dry_run and not options.fix:
        raise InputError("--dry-run is for --fix", where="command line", next="a check changes nothing by itself")
    asked, reach = target(options, started), network(options, started)
    pythons = tuple(options.pythons)

    def look() -> Report:
        with Jobs(console) as jobs:
            return checking.check(
                asked,
                tuple(options.platforms),
                pythons=pythons,
                network=reach,
                previous=options.previous,
                executor=options.executor,
                level=options.level,
                open_engine=open_engine,
                watch=jobs,
                is_kept=False,
            )

    def drift() -> tuple[Drift, ...]:
        return before_build(asked, builder_uv=options.uv or "", with_machine=False, only_if_pinned=True)

    drifts = drift()
    require_ready([found for found in drifts if found.concern == "source"])
    report = look()
    if options.fix:
        from lockflow.cli.fix import mend

        report = mend(report, asked, look, console, pythons=pythons, network=reach, is_dry_run=options.dry_run)
        drifts = drift()
    elif not drifts and exit_code(report) == EXIT_ANSWER_IS_NO:
        from lockflow.cli.fix import tried

        report = tried(report, asked, console, pythons=pythons, network=reach)
    _keep(report, asked, console)
    if options.json:
        console.data(checking.as_json(report).rstrip("\n"))
    say_report(report, console)
    for found in drifts:
        console.problem(drift_message(found))
    console.note(f"Checked {plural(len(report.platforms), 'platform')} in {duration(started.elapsed())}")
    return EXIT_ANSWER_IS_NO if drifts else exit_code(report)


def _keep(report: Report, asked: Target, console: Console) -> None:
    """Write the reports. Where they cannot be (a read-only checkout), the answer is known and told all the same."""
    try:
        checking.keep(asked, report)
    except LockflowError as error:
        console.warn(f"{error.what}, nor those after it: {error.why} ({error.where})")


def say_report(report: Report, console: Console) -> None:
    """A line for each platform, then what is wrong, worst first."""
    columns = ("platform", "verdict", "evidence", "Python", "packages#", "wheels#", "built#", "problems#")
    rows = [
        (
            row.platform,
            str(row.verdict),
            row.level,
            checking.python_range(row.pythons),
            *(str(count) for count in (row.packages, row.wheels, row.built, row.problems)),
        )
        for row in checking.rows(report)
    ]
    console.table("", columns, rows)
    for note in report.notes:
        console.warn(note)
    for note in checking.floor_notes(report):
        console.warn(note)
    found = checking.alike(checking.problems(report))
    for first, *others in found[:_MOST_PROBLEMS]:
        console.problem(checking.message(first))
        if others:
            console.note(f"         likewise on {checking.likewise([first, *others])}")
    if len(found) > _MOST_PROBLEMS:
        console.note(f"and {len(found) - _MOST_PROBLEMS} more problems: see {checking.REPORTS}/*.json")


def exit_code(report: Report) -> int:
    """1 where a platform fails, else 2 where one could not be judged, else 0."""
    verdicts = {platform.verdict for platform in report.platforms}
    if Verdict.BAD in verdicts:
        return EXIT_ANSWER_IS_NO
    return EXIT_NOT_ANSWERED if Verdict.BROKEN in verdicts else EXIT_DONE
