"""What `lockflow check` advises is tried first; `--fix` applies what helps, or shows it as a diff."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from lockflow import fixing
from lockflow.cli.console import Console, plural
from lockflow.errors import NetworkError
from lockflow.report.model import Report, Verdict
from lockflow.steps import Network, Target

_MOST_OTHERS = 8
"""Each is a resolution, from what is cached for the most part."""


def tried(report: Report, asked: Target, console: Console, *, pythons: Sequence[str], network: Network) -> Report:
    """The report with advice that was tried, where something is bad; as it was where nothing can be tried."""
    if network.offline or all(platform.verdict is not Verdict.BAD for platform in report.platforms):
        return report
    try:
        with console.progress("Trying") as progress:
            fix = fixing.find_fix(
                asked, report, pythons=pythons, network=network, on_try=progress.step, most_others=_MOST_OTHERS
            )
    except NetworkError as error:
        console.note(f"What is advised was not tried: {error.what}")
        return report
    return fixing.with_trials(report, fix)


def mend(
    report: Report,
    asked: Target,
    again: Callable[[], Report],
    console: Console,
    *,
    pythons: Sequence[str],
    network: Network,
    is_dry_run: bool,
) -> Report:
    """Say what would mend the problems of a report, and unless it is a dry run, do it and check `again`."""
    if all(platform.verdict is not Verdict.BAD for platform in report.platforms):
        return report
    with console.progress("Trying") as progress:
        fix = fixing.find_fix(asked, report, pythons=pythons, network=network, on_try=progress.step)
    for tried in fix.refused:
        console.note(f"does not help: {fixing.words(tried.edit)}: {tried.why_not}")
    for edit in fix.edits:
        console.say(f"{'helps' if is_dry_run else 'fixed'}: {fixing.words(edit)}")
    if not fix.edits:
        console.warn("none of the edits that the report offers helps")
    elif is_dry_run:
        console.data(fix.diff.rstrip("\n"))
    if fix.edits and not is_dry_run:
        fixing.apply_fix(asked, fix, network=network)
        names = (Path(os.path.relpath(path, asked.directory)).as_posix() for path, _ in fix.files)
        console.say(f"Changed {', '.join(names)} and uv.lock")
        report = again()
    if fix.edits and fix.left:
        console.warn(f"{plural(len({package for _, _, package in fix.left}), 'package')} cannot be mended this way")
    return fixing.with_trials(report, fix)
