"""`lockflow report`: checks every platform and writes the reports: JSON of each, and summaries for people and CI."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from lockflow import checking, steps
from lockflow.cli.arguments import add_common, add_evidence, add_index, add_resolver, network, settle, target
from lockflow.cli.check import exit_code, say_report
from lockflow.cli.console import Console
from lockflow.cli.faults import Parser
from lockflow.cli.jobs import Jobs
from lockflow.cli.plain import Started
from lockflow.engines.opening import open_engine

_SUMMARY = "Check the lock for every platform; write reports/<platform>.json, summary.md, index.html and junit.xml."
_EPILOG = """\
Examples:
  lockflow report                       check all platforms, write the reports
  lockflow report --open                and look at the page in a browser
  lockflow report --executor docker     judged in containers
"""


def run_report(words: list[str], console: Console, started: Started) -> int:
    """Check all platforms, write the reports, name them on stdout; returns the exit code of `lockflow check`."""
    parser = Parser("report", _SUMMARY, epilog=_EPILOG)
    parser.add_argument("--open", action="store_true", help="open reports/index.html in the browser")
    for add_group in (add_evidence, add_index, add_resolver, add_common):
        add_group(parser)
    options = parser.parse(words)
    settle(console, options)
    asked = target(options, started)
    with Jobs(console) as jobs:
        checking.check(
            asked,
            network=network(options, started),
            executor=options.executor,
            level=options.level,
            open_engine=open_engine,
            watch=jobs,
        )
        report = checking.report(asked)
    say_report(report, console)
    folder = steps.inputs(asked).root / checking.REPORTS
    for platform in report.platforms:
        console.data(str(checking.report_path(folder, platform.platform)))
    for name in checking.SUMMARY_FILES:
        console.data(str(folder / name))
    if options.open:
        _open(folder / "index.html", console)
    return exit_code(report)


def _open(page: Path, console: Console) -> None:
    """Show the page in the browser of this machine, if it has one."""
    try:
        is_shown = webbrowser.open(page.resolve().as_uri())
    except webbrowser.Error:
        is_shown = False
    if not is_shown:
        console.warn(f"no browser could be started here: open {page} yourself")
