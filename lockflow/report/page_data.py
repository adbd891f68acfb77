"""A report to the JSON in its page, from which the script draws the matrix: each package once, with what differs."""

from __future__ import annotations

from typing import Any

import msgspec

from lockflow.platforms.model import Status
from lockflow.report.as_rows import chain_steps
from lockflow.report.evidence import evidence_line, evidence_lines
from lockflow.report.model import Entry, PlatformReport, Report


def page_data(report: Report) -> str:
    """Return the JSON, escaped so that it can stand inside of a script element.

    Each package has its distinct entries, and their numbers by platform and Python.
    """
    packages: dict[tuple[str, str], _Package] = {}
    for number, platform in enumerate(report.platforms):
        for place, python in enumerate(platform.pythons):
            for entry in python.entries:
                package = packages.setdefault((entry.package, entry.version), _Package(report))
                package.put(number, place, entry)
    document = {
        "platforms": [_platform(platform) for platform in report.platforms],
        "packages": [[*key, packages[key].entries, packages[key].shortened()] for key in sorted(packages)],
    }
    # Inside of a script element only these end it or open a comment; escaped, they mean the same to JSON.
    text = msgspec.json.encode(document).decode()
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _platform(platform: PlatformReport) -> dict[str, Any]:
    return {
        "name": platform.platform,
        "level": platform.level,
        "pythons": [python.python for python in platform.pythons],
        "evidence": [evidence_line(python.evidence) for python in platform.pythons],
        "together": evidence_lines(platform),
        "refusals": [python.refusal for python in platform.pythons],
        "fault": "" if platform.fault is None else platform.fault.what,
    }


class _Package:
    """Collects the entries of one package."""

    def __init__(self, report: Report) -> None:
        self.entries: list[dict[str, Any]] = []
        self._numbers: dict[Entry, int] = {}
        self._cells = [[-1] * len(platform.pythons) for platform in report.platforms]

    def put(self, platform: int, python: int, entry: Entry) -> None:
        number = self._numbers.get(entry)
        if number is None:
            number = self._numbers[entry] = len(self.entries)
            self.entries.append(_shown(entry))
        self._cells[platform][python] = number

    def shortened(self) -> list[list[int] | int]:
        """Numbers by platform, one where all Pythons have the same."""
        return [cell if len(set(cell)) > 1 else cell[0] if cell else -1 for cell in self._cells]


def _shown(entry: Entry) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "status": "built" if entry.status is Status.SDIST and entry.allowed else entry.status.value,
        "file": entry.file,
        "tag": entry.tag,
        "reason": entry.reason,
        "chain": chain_steps(entry.chain) if len(entry.chain) > 1 else (),
        "advice": entry.advice,
    }
    return {key: value for key, value in shown.items() if value}
