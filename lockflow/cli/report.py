"""`lockflow report`: checks every platform and writes the reports: one JSON each, and a summary for people."""

from __future__ import annotations

from lockflow import steps
from lockflow.cli.arguments import add_common, add_index, add_resolver, network, settle, target
from lockflow.cli.check import exit_code, say_report
from lockflow.cli.console import Console
from lockflow.cli.faults import Parser
from lockflow.cli.plain import Started

_SUMMARY = "Check the lock for every platform, and write reports/<platform>.json and reports/summary.md."


def run_report(words: list[str], console: Console, started: Started) -> int:
    """Check all platforms, write the reports, name them on stdout; returns the exit code of `lockflow check`."""
    parser = Parser("report", _SUMMARY)
    for add_group in (add_index, add_resolver, add_common):
        add_group(parser)
    options = parser.parse(words)
    settle(console, options)
    asked = target(options, started)
    with console.progress("Checking") as progress:
        steps.check(asked, network=network(options, started), on_done=lambda outcome: progress.step(outcome.platform))
        report = steps.report(asked)
    say_report(report, console)
    folder = steps.inputs(asked).root / steps.REPORTS
    for platform in report.platforms:
        console.data(str(steps.report_path(folder, platform.platform)))
    console.data(str(folder / "summary.md"))
    return exit_code(report)
