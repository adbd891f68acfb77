"""A report to Markdown that fits a comment on a pull request: short when all is well, worst first otherwise.

A reader sees the verdict, a row for each platform and a line for each problem; what is to be known of a problem is
folded, and of the many only the worst are told in full.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from lockflow.platforms.model import ChainLink
from lockflow.report.as_rows import Problem, Row, alike, floor_notes, likewise, problems, rows
from lockflow.report.evidence import python_range, where_judged
from lockflow.report.headline import headline
from lockflow.report.model import Report, Verdict

LIMIT = 60_000
"""Characters; the forges take 65,536 and more in a comment."""
_MOST_OPEN = 3
_MOST_TOLD = 20
"""Problems that are told in full; of the others there is a line."""
_ROOM_FOR_THE_END = 300
"""Characters for the lines that close the text, whatever number stands in them."""

_SIGNS = {Verdict.GOOD: "✅ good", Verdict.BAD: "❌ bad", Verdict.BROKEN: "⚠️ not judged"}
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&])")


def as_markdown(report: Report, limit: int = LIMIT) -> str:
    """Print `report` in at most `limit` characters; what does not fit is counted, and stands in the JSON."""
    found = alike(problems(report))
    lines = [f"## {headline(report)}", "", *_table(rows(report))]
    judged = where_judged(report)
    lines.extend(["", f"Judged {_text(judged)}."] if judged else [])
    notes = (*report.notes, *floor_notes(report))
    lines.extend(["", *(f"- {_text(note)}" for note in notes)] if notes else [])
    text = "\n".join(lines) + "\n"
    blocks = [_block(same, is_open=len(found) <= _MOST_OPEN) for same in found[:_MOST_TOLD]]
    room = limit - _ROOM_FOR_THE_END
    told = 0
    while told < len(blocks) and len(text) + len(blocks[told]) <= room:
        text += blocks[told]
        told += 1
    return text + _rest(found[told:], room - len(text))


def _rest(found: Sequence[Sequence[Problem]], room: int) -> str:
    """A folded list of those that are not told, as long as there is room; the last of them are only counted."""
    if not found:
        return ""
    lines: list[str] = []
    for same in found:
        line = f"- {_text(same[0].what)}{_text(_elsewhere(same))}"
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    count = len(found)
    text = f"\n<details><summary>and {count} more {'problem' if count == 1 else 'problems'}</summary>\n\n"
    text += "".join(f"{line}\n" for line in lines)
    if count > len(lines):
        text += f"- … {count - len(lines)} of them are in the JSON reports only\n"
    return f"{text}\n</details>\n"


def _table(table: tuple[Row, ...]) -> list[str]:
    lines = [
        "| platform | verdict | evidence | Python | packages | wheels | built | problems |",
        "| --- | --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in table:
        cells = [
            _text(row.platform),
            _SIGNS[row.verdict],
            row.level,
            python_range(row.pythons),
            *(str(count) for count in (row.packages, row.wheels, row.built, row.problems)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _block(same: Sequence[Problem], *, is_open: bool) -> str:
    """One problem, folded: Markdown begins again after the empty line below the summary, which is HTML."""
    problem = same[0]
    summary = f"<b>{_html(problem.what)}</b>{_html(_elsewhere(same))}"
    lines = [f"\n<details{' open' if is_open else ''}><summary>{summary}</summary>\n"]
    if problem.where:
        lines.append(f"{_text(problem.where)}  ")
    lines.extend(f"{_text(line)}  " for line in problem.why.splitlines())
    if len(problem.chain) > 1:
        lines.append(f"required by {' → '.join(_link(link) for link in problem.chain)}")
    if problem.advice:
        lines.append("\nWhat helps:\n")
        lines.extend(f"- {_text(advice)}" for advice in problem.advice)
    return "\n".join((*lines, "\n</details>\n"))


def _elsewhere(same: Sequence[Problem]) -> str:
    return f", likewise on {likewise(same)}" if len(same) > 1 else ""


def _link(link: ChainLink) -> str:
    named = _code(f"{link.name} {link.version}".rstrip())
    via = f" ({_text(link.via)})" if link.via else ""
    return named + via + (f" if {_code(link.marker)}" if link.marker else "")


def _text(text: str) -> str:
    """Escape what Markdown would take for markup: names in a lock are anybody's."""
    return _unnotified(_SPECIAL.sub(r"\\\1", " ".join(text.split())))


def _html(text: str) -> str:
    return _unnotified(escape(" ".join(text.split()), quote=False))


def _unnotified(text: str) -> str:
    """Forges look for names to notify in the rendered text, where an escape is gone; an invisible space is not."""
    return text.replace("@", "@\u200b")


def _code(text: str) -> str:
    plain = " ".join(text.split()).replace("`", "'")
    return f"`{plain}`"
