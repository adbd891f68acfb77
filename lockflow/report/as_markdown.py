"""A report to Markdown that fits a comment on a pull request: short when all is well, worst first otherwise."""

from __future__ import annotations

import re

from lockflow.platforms.model import ChainLink
from lockflow.report.as_rows import Problem, Row, floor_notes, problems, rows
from lockflow.report.headline import headline
from lockflow.report.model import Report, Verdict

LIMIT = 60_000
"""Characters; the forges take 65,536 and more in a comment."""

_SIGNS = {Verdict.GOOD: "✅ good", Verdict.BAD: "❌ bad", Verdict.BROKEN: "⚠️ not judged"}
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&])")


def as_markdown(report: Report, limit: int = LIMIT) -> str:
    """Print `report` in at most `limit` characters; what does not fit is counted, and stands in the JSON."""
    found = problems(report)
    lines = [f"## {headline(report)}", "", *_table(rows(report))]
    notes = (*report.notes, *floor_notes(report))
    lines.extend(["", *(f"- {_text(note)}" for note in notes)] if notes else [])
    text = "\n".join(lines) + "\n"
    platform = ""
    # Room for the closing line, whatever number stands in it.
    room = limit - 200
    for index, problem in enumerate(found):
        heading = "" if problem.platform == platform else f"\n### {_text(problem.platform)}\n\n"
        block = heading + _block(problem)
        if len(text) + len(block) > room:
            rest = len(found) - index
            return text + f"\n… and {rest} more {'problem' if rest == 1 else 'problems'}: see the JSON reports.\n"
        text += block
        platform = problem.platform
    return text


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
            ", ".join(row.pythons),
            *(str(count) for count in (row.packages, row.wheels, row.built, row.problems)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _block(problem: Problem) -> str:
    pythons = f" (Python {', '.join(problem.pythons)})" if problem.pythons else ""
    lines = [f"- **{_text(problem.what)}**{pythons}"]
    if not problem.pythons and problem.where:
        lines.append(f"  {_text(problem.where)}  ")
    lines.extend(f"  {_text(line)}  " for line in problem.why.splitlines())
    if len(problem.chain) > 1:
        lines.append(f"  required by {' → '.join(_link(link) for link in problem.chain)}")
    if problem.advice:
        lines.append("  <details><summary>What helps</summary>\n")
        lines.extend(f"  - {_text(advice)}" for advice in problem.advice)
        lines.append("\n  </details>")
    return "\n".join(lines) + "\n"


def _link(link: ChainLink) -> str:
    named = _code(f"{link.name} {link.version}".rstrip())
    via = f" ({_text(link.via)})" if link.via else ""
    return named + via + (f" if {_code(link.marker)}" if link.marker else "")


def _text(text: str) -> str:
    """Escape what Markdown would take for markup: names in a lock are anybody's."""
    # Forges look for names to notify in the rendered text, where an escape is gone; an invisible space is not.
    return _SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("@", "@\u200b")


def _code(text: str) -> str:
    plain = " ".join(text.split()).replace("`", "'")
    return f"`{plain}`"
