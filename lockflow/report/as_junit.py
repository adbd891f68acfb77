"""A report to JUnit XML, which CI systems show beside the tests: one suite a platform.

A suite has a case for each package and Python that is not plainly fine, and one case that sums up the rest, so that a
good platform is one case and not hundreds. The form is the common one of Jenkins and others (testsuites, testsuite,
testcase with failure, error or system-out); there are no times in it, as the same report gives the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from lockflow.platforms.model import Status
from lockflow.report.as_rows import chain_text, floor_note
from lockflow.report.headline import headline
from lockflow.report.model import Entry, PlatformReport, PythonReport, Report, Verdict

# What XML 1.0 has no way to write (section 2.2), not even escaped.
_UNWRITABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(report: Report) -> str:
    """Print `report` as an XML document."""
    suites = [_Suite(platform) for platform in report.platforms]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    counts = [sum(suite.counts[place] for suite in suites) for place in range(3)]
    lines.append(f"<testsuites name={_quoted(headline(report))}{_counts(counts)}>")
    for suite in suites:
        lines.extend(suite.lines())
    lines.append("</testsuites>")
    return "\n".join(lines) + "\n"


class _Suite:
    """The cases of one platform; `counts` are all, failures and errors."""

    def __init__(self, platform: PlatformReport) -> None:
        self._platform = platform
        self.counts = [0, 0, 0]
        self._cases: list[str] = []
        if platform.fault is not None:
            fault = platform.fault
            text = "\n".join(part for part in (fault.where, fault.why, fault.next) if part)
            self._add("the check", f"  <error message={_quoted(fault.what)}>{_text(text)}</error>")
        risen = floor_note(platform)
        if risen:
            self._add("the system that the wheels need", f"  <system-out>{_text(risen)}</system-out>")
        fine = 0
        for python in platform.pythons:
            fine += sum(entry.is_good and not _is_built(entry) for entry in python.entries)
            self._add_python(python)
        if platform.verdict is not Verdict.BROKEN:
            self._add(f"{fine} packages that have a wheel, over all Pythons")

    def lines(self) -> Iterable[str]:
        yield f" <testsuite name={_quoted(self._platform.platform)}{_counts(self.counts)}>"
        yield from self._cases
        yield " </testsuite>"

    def _add_python(self, python: PythonReport) -> None:
        if python.refusal:
            self._add(
                f"the lock, Python {python.python}",
                f'  <failure type="refused" message={_quoted(python.refusal)}></failure>',
            )
        for objection in python.objections:
            kind, message = _quoted(objection.kind), _quoted(objection.what)
            text = "\n".join(part for part in (objection.why, *objection.advice) if part)
            self._add(
                f"{objection.what}, Python {python.python}",
                f"  <failure type={kind} message={message}>{_text(text)}</failure>",
            )
        for entry in python.entries:
            name = f"{entry.package} {entry.version}".rstrip() + f", Python {python.python}"
            if not entry.is_good:
                kind, message = _quoted(entry.status.value), _quoted(entry.reason)
                self._add(name, f"  <failure type={kind} message={message}>{_text(_details(entry))}</failure>")
            elif _is_built(entry):
                self._add(name, f"  <system-out>{_text(f'built from source: {entry.reason}')}</system-out>")

    def _add(self, name: str, inside: str = "") -> None:
        self.counts[0] += 1
        self.counts[1] += "<failure" in inside[:10]
        self.counts[2] += "<error" in inside[:10]
        case = f"  <testcase classname={_quoted(self._platform.platform)} name={_quoted(name)}"
        self._cases.append(f"{case}>\n {inside}\n  </testcase>" if inside else f"{case}/>")


def _is_built(entry: Entry) -> bool:
    return entry.status is Status.SDIST


def _details(entry: Entry) -> str:
    lines = [f"required by {chain_text(entry.chain)}"] if len(entry.chain) > 1 else []
    return "\n".join((*lines, *entry.advice))


def _counts(counts: list[int]) -> str:
    return f' tests="{counts[0]}" failures="{counts[1]}" errors="{counts[2]}"'


def _text(text: str) -> str:
    return escape(_UNWRITABLE.sub("\ufffd", text), quote=False)


def _quoted(text: str) -> str:
    """An attribute's value; a line break would be read as a space."""
    return f'"{escape(_UNWRITABLE.sub(chr(0xFFFD), text)).replace(chr(10), "&#10;").replace(chr(9), "&#9;")}"'
