"""A report to one HTML page that needs nothing else: what is wrong in words, and a matrix to look around in.

What a reader needs stands in the markup, and so do without scripts; the matrix is drawn by `page/script.js` from the
data in the page, since 400 packages on 7 platforms with 6 Pythons would be 16,800 cells of markup. A content policy
by digest lets nothing run but that script.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import msgspec
from msgspec import Struct

from lockflow.platforms.model import Floor, Status
from lockflow.report.as_rows import (
    Problem,
    Row,
    alike,
    chain_steps,
    evidence_line,
    evidence_lines,
    floor_notes,
    problems,
    rows,
)
from lockflow.report.headline import headline
from lockflow.report.model import Entry, PlatformReport, Report, Verdict


class Page(Struct, frozen=True, kw_only=True):
    """The style and the script of the page, as text."""

    style: str
    script: str


_SIGNS = {
    "wheel": ("✓", "wheel", "there is a wheel"),
    "built": ("■", "built", "built from source, which is allowed"),
    "sdist": ("▲", "sdist", "only a source distribution"),
    "python": ("◆", "python", "does not support this Python"),
    "missing": ("✕", "missing", "nothing that can be installed"),
    "refused": ("⊘", "refused", "an installer refuses the whole lock"),
}
_VERDICTS = {
    Verdict.GOOD: ("good", "✓", "good"),
    Verdict.BAD: ("bad", "✕", "bad"),
    Verdict.BROKEN: ("broken", "?", "not judged"),
}
_EVIDENCE = {"tags": "tag rules", "probe": "real interpreter", "install": "real install"}
_MOST_OPEN = 3
"""Problems that are unfolded at first: a few are read at once, many are looked through."""


def as_html(report: Report, page: Page, *, title: str = "", made: str = "") -> str:
    """Print `report` as a page; `title` names the project, `made` says when it was made, if the page should say so.

    The same arguments give the same bytes.
    """
    name = f"{title}: " if title else ""
    parts = [
        f"<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n{_policy(page)}",
        '<meta name=viewport content="width=device-width, initial-scale=1">',
        f"<title>{_text(name + headline(report))}</title>\n<style>{page.style}</style>",
        '<body>\n<a class=skip href="#explorer">Skip to the matrix</a>',
        f"<header>\n<h1>{_text(headline(report))}</h1>",
        f"<p class=soft>{_text(name)}{_totals(report)}</p>\n</header>\n<main>",
        '<ul class=platforms aria-label="Platforms">',
        *(_platform(row, platform) for row, platform in zip(rows(report), report.platforms, strict=True)),
        "</ul>",
        *_notes((*report.notes, *floor_notes(report))),
        *_problems(alike(problems(report))),
        _explorer(),
        "</main>",
        _footer(report, made),
        f'<script type="application/json" id=data>{_data(report)}</script>',
        f"<script>{page.script}</script>\n</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _policy(page: Page) -> str:
    style, script = (b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (page.style, page.script))
    rules = f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'"
    return f'<meta http-equiv=Content-Security-Policy content="{rules}">'


# What stands in the markup --------------------------------------------------------------------------------------------


def _totals(report: Report) -> str:
    names = {(entry.package, entry.version) for platform in report.platforms for entry in _entries(platform)}
    pythons = {python.python for platform in report.platforms for python in platform.pythons}
    return f"{_count(len(names), 'package')}, {_count(len(pythons), 'Python version')}"


def _platform(row: Row, platform: PlatformReport) -> str:
    kind, sign, word = _VERDICTS[row.verdict]
    counts = [f"<b>{row.packages}</b> {'package' if row.packages == 1 else 'packages'}"]
    if row.problems:
        counts.append(f"<b>{row.problems}</b> {'problem' if row.problems == 1 else 'problems'}")
    if row.built:
        counts.append(f"{row.built} built from source")
    lines = [
        f'<li class="{kind}"><div class=name><strong>{_text(row.platform)}</strong> {_chip(kind, sign, word)}</div>',
        f"<p>{', '.join(counts)}</p>",
    ]
    if platform.fault is not None:
        lines[1] = f"<p>{_text(platform.fault.what)}</p>"
    if row.pythons:
        lines.append(f"<p>Python {_text(', '.join(row.pythons))}; evidence: {_EVIDENCE[platform.level]}</p>")
        lines.extend(f"<p class=soft>{_text(line)}</p>" for line in evidence_lines(platform))
    if platform.floor is not None:
        lines.append(f"<p>{_floor(platform.floor)}</p>")
    return "\n".join((*lines, "</li>"))


def _floor(floor: Floor) -> str:
    risen = f", {_text(floor.previous)} before" if floor.has_risen else ""
    return f"needs <b>{_text(floor.kind)} {_text(floor.version)}</b>{risen}; the platform has {_text(floor.limit)}"


def _notes(notes: Sequence[str]) -> Iterable[str]:
    if notes:
        yield "<h2>Notes</h2>\n<ul>"
        yield from (f"<li>{_text(note)}</li>" for note in notes)
        yield "</ul>"


def _problems(found: Sequence[Sequence[Problem]]) -> Iterable[str]:
    if not found:
        return
    yield f"<section class=problems>\n<h2>What is wrong <small>({len(found)})</small></h2>"
    for same in found:
        yield _problem(same, is_open=len(found) <= _MOST_OPEN)
    yield "</section>"


def _problem(same: Sequence[Problem], *, is_open: bool) -> str:
    first = same[0]
    kind, sign, word = _kind(first)
    others = ", ".join(problem.platform for problem in same[1:])
    lines = [
        f"<details{' open' if is_open else ''}><summary>{_chip(kind, sign, word)}<strong>{_text(first.what)}</strong>",
        f"<span class=soft>likewise on {_text(others)}</span></summary>" if others else "</summary>",
        "<div class=body><dl class=facts>",
    ]
    if first.where:
        lines.append(f"<dt>Where<dd>{_text(first.where)}")
    if first.why:
        lines.append(f"<dt>Why<dd>{_text(first.why)}")
    if len(first.chain) > 1:
        steps = "".join(f"<li><code>{_text(name)}</code> {_text(more)}" for name, more in chain_steps(first.chain))
        lines.append(f"<dt>Required by<dd><ol class=chain>{steps}</ol>")
    if first.advice:
        lines.append(f"<dt>What helps<dd><ul>{''.join(f'<li>{_text(advice)}' for advice in first.advice)}</ul>")
    return "\n".join((*lines, "</dl></div></details>"))


def _kind(problem: Problem) -> tuple[str, str, str]:
    """The class, sign and word of a problem."""
    if problem.is_objection:
        return "bad", "!", "evidence"
    kind = problem.status.value if problem.status is not None else "refused" if problem.pythons else "broken"
    sign, word, _ = _SIGNS.get(kind, ("?", "not judged", ""))
    return kind, sign, word


def _explorer() -> str:
    options = "".join(f"<option value={kind}>{_text(word)}" for kind, word in _CHOICES)
    legend = "".join(
        f"<li>{_chip(kind, sign, word)} {_text(meaning)}" for kind, (sign, word, meaning) in _SIGNS.items()
    )
    return _EXPLORER.replace("OPTIONS", options).replace("LEGEND", legend)


_CHOICES = (
    ("all", "all packages"),
    ("problems", "only problems"),
    ("missing", "missing"),
    ("python", "python"),
    ("sdist", "sdist"),
    ("built", "built"),
    ("wheel", "wheel"),
)


_EXPLORER = """\
<section id=explorer hidden aria-labelledby=explorer-title>
<h2 id=explorer-title>Every package on every platform</h2>
<form class=tools role=search>
<label>Find a package or file
<input type=search id=search autocomplete=off spellcheck=false aria-keyshortcuts="/"></label>
<label>Show <select id=show>OPTIONS</select></label>
<label>Order <select id=sort><option value=worst>worst first<option value=name>by name\
<option value=column id=by-column hidden>by a column</select></label>
<fieldset><legend>Platforms</legend><div id=platforms></div></fieldset>
<fieldset><legend>Pythons</legend><div><label><input type=checkbox id=apart>one column each</label></div></fieldset>
</form>
<p class=count id=count role=status></p>
<div class=matrix>
<table id=matrix role=grid aria-labelledby=explorer-title aria-describedby=keys>
<thead><tr role=row></tr></thead><tbody></tbody></table>
</div>
<p id=nothing hidden>No package is like that.</p>
<ul class=legend aria-label="Signs">LEGEND<li>· nothing requires it there</ul>
<p class=soft id=keys>Arrows move from cell to cell, Enter shows details, Esc closes them, / searches.</p>
<div class=panel id=panel role=dialog aria-labelledby=panel-title hidden>
<h2 id=panel-title tabindex=-1></h2><button class=close id=close type=button aria-label=Close>✕</button>
<div id=panel-body></div>
</div>
</section>
<noscript><p>The matrix of all packages needs JavaScript; the JSON reports hold the same.</p></noscript>"""


def _footer(report: Report, made: str) -> str:
    lines = [f"<dt>Lock<dd><code>{_text(report.lock)}</code>"]
    if report.inputs:
        lines.append(f"<dt>Inputs<dd><code>{_text(report.inputs)}</code>")
    if made:
        lines.append(f"<dt>Made<dd>{_text(made)}")
    return f"<footer><dl>{''.join(lines)}</dl></footer>"


def _chip(kind: str, sign: str, word: str) -> str:
    return f'<span class="chip {kind}"><i aria-hidden=true>{sign}</i><span>{_text(word)}</span></span>'


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _text(text: str) -> str:
    return escape(text)


# What the script draws ------------------------------------------------------------------------------------------------


def _data(report: Report) -> str:
    """The report as JSON, each package once, with its distinct entries and their numbers on platforms and Pythons."""
    packages: dict[tuple[str, str], _Package] = {}
    for number, platform in enumerate(report.platforms):
        for place, python in enumerate(platform.pythons):
            for entry in python.entries:
                package = packages.setdefault((entry.package, entry.version), _Package(report))
                package.put(number, place, entry)
    document = {
        "platforms": [
            {
                "name": platform.platform,
                "level": platform.level,
                "pythons": [python.python for python in platform.pythons],
                "evidence": [evidence_line(python.evidence) for python in platform.pythons],
                "refusals": [python.refusal for python in platform.pythons],
                "fault": "" if platform.fault is None else platform.fault.what,
            }
            for platform in report.platforms
        ],
        "packages": [[*key, packages[key].entries, packages[key].shortened()] for key in sorted(packages)],
    }
    # Inside of a script element only these end it or open a comment; escaped, they mean the same to JSON.
    text = msgspec.json.encode(document).decode()
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


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


def _entries(platform: PlatformReport) -> Iterable[Entry]:
    return (entry for python in platform.pythons for entry in python.entries)
