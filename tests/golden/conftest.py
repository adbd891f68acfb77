"""Says how many golden cases came out identical, as the last word of a golden run."""

from __future__ import annotations

import pytest

from support.golden import case_names


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        report
        for outcome in ("passed", "failed", "xfailed", "skipped", "error")
        for report in terminalreporter.getreports(outcome)
        if "test_lock_is_identical_to_the_reference" in getattr(report, "nodeid", "")
    ]
    if reports:
        identical = sum(report.passed and report.when == "call" for report in reports)
        terminalreporter.write_line(f"golden: {identical} of {len(case_names())} identical")
