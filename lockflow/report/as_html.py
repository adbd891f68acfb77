"""A report to one HTML page that needs nothing else: what is wrong in words, and a matrix to look around in.

What a reader needs stands in the markup, and so do without scripts; the matrix is drawn by `page/script.js` from the
data in the page, since 400 packages on 7 platforms with 6 Pythons would be 16,800 cells of markup. A content policy
by digest lets nothing run but that script.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

from msgspec import Struct

from lockflow.platforms.model import Floor
from lockflow.report.as_rows import Problem, Row, alike, chain_steps, floor_notes, likewise, problems, rows
from lockflow.report.evidence import LEVELS, evidence_lines, python_range, where_judged
from lockflow.report.headline import headline
from lockflow.report.model import Entry, PlatformReport, Report, Verdict
from lockflow.report.page_data import page_data


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
_MOST_OPEN = 3
"""Problems that are unfolded at first: a few are read at once, many are looked through."""
_MOST_SHOWN = 12
"""Problems that stand above the matrix; the others are behind a line that counts them."""
_QUOTED = re.compile("(&quot;.+?&quot;)")


def as_html(report: Report, page: Page, *, title: str = "", made: str = "") -> str:
    """Print `report` as a page; `title` names the project, `made` says when it was made, if the page should say so.

    The same arguments give the same bytes.
    """
    name = f"{title}: " if title else ""
    found = alike(problems(report))
    parts = [
        f"<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n{_policy(page)}",
        '<meta name=viewport content="width=device-width, initial-scale=1">',
        f"<title>{_text(name + headline(report))}</title>\n<style>{page.style}</style>",
        '<body>\n<a class=skip href="#explorer">Skip to the matrix</a>',
        _verdict(report, found, title),
        '<main>\n<ul class=platforms aria-label="Platforms">',
        *(_platform(row, platform) for row, platform in zip(rows(report), report.platforms, strict=True)),
        "</ul>",
        *_problems(found),
        *_notes((*report.notes, *floor_notes(report))),
        _explorer(),
        "</main>",
        _footer(report, made),
        f'<script type="application/json" id=data>{page_data(report)}</script>',
        f"<script>{page.script}</script>\n</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _policy(page: Page) -> str:
    style, script = (b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (page.style, page.script))
    rules = f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'"
    return f'<meta http-equiv=Content-Security-Policy content="{rules}">'


# What stands in the markup --------------------------------------------------------------------------------------------


def _verdict(report: Report, found: Sequence[Sequence[Problem]], title: str) -> str:
    """What the eye meets first: the verdict, and what to do."""
    # That some platforms could not be judged matters less than that others fail.
    is_bad = any(platform.verdict is Verdict.BAD for platform in report.platforms)
    kind, sign, _ = _VERDICTS[Verdict.BAD if is_bad else report.verdict]
    lines = [
        f"<header class={kind}><div class=verdict><span class=mark aria-hidden=true>{sign}</span><div>",
        f"<p class=project>{_text(title)}</p>" if title else "",
        f"<h1>{_text(headline(report))}</h1>",
        f"<p class=lead>{_lead(report, found)}</p>",
        f"<p class=soft>{_totals(report)}</p>",
        "</div></div></header>",
    ]
    return "\n".join(line for line in lines if line)


def _lead(report: Report, found: Sequence[Sequence[Problem]]) -> str:
    if not report.platforms:
        return "Name platforms in <code>[tool.lockflow]</code>, or on the command line, and check again."
    if not found:
        return "There is nothing to do."
    kinds = Counter(_kind(same[0])[0] for same in found)
    parts = [f"{count} {words[count > 1]}" for kind, words in _KINDS.items() if (count := kinds[kind])]
    text = f"{_count(len(found), 'problem')}: {', '.join(parts)}."
    if any(entry.edits and not entry.is_good for platform in report.platforms for entry in _entries(platform)):
        text += " <code>lockflow check --fix</code> tries the edits below and applies those that help."
    return text


_KINDS = {
    "broken": ("platform could not be judged", "platforms could not be judged"),
    "refused": ("platform refuses the lock", "platforms refuse the lock"),
    "bad": ("finding speaks against a platform", "findings speak against a platform"),
    "missing": ("package is missing", "packages are missing"),
    "python": ("does not support a Python", "do not support a Python"),
    "sdist": ("would have to be built", "would have to be built"),
}
"""Kinds of problems in the lead, as what follows a number: one, and more."""


def _totals(report: Report) -> str:
    names = {(entry.package, entry.version) for platform in report.platforms for entry in _entries(platform)}
    pythons = {python.python: None for platform in report.platforms for python in platform.pythons}
    judged = f", judged {_text(where_judged(report))}" if report.platforms else ""
    return f"{_count(len(names), 'package')} on {_count(len(report.platforms), 'platform')}" + (
        f" with Python {_text(python_range(sorted(pythons, key=_minor)))}{judged}" if pythons else judged
    )


def _minor(python: str) -> tuple[int, ...]:
    return tuple(int(part) for part in python.split(".") if part.isdecimal())


def _platform(row: Row, platform: PlatformReport) -> str:
    kind, sign, word = _VERDICTS[row.verdict]
    counts = [f"<b>{row.packages}</b> {'package' if row.packages == 1 else 'packages'}"]
    if row.problems:
        counts.append(f"<b>{row.problems}</b> {'problem' if row.problems == 1 else 'problems'}")
    if row.built:
        counts.append(f"{row.built} built")
    lines = [
        f'<li class="{kind}"><div class=name><strong>{_text(row.platform)}</strong> {_chip(kind, sign, word)}</div>',
        f"<p>{', '.join(counts) if platform.fault is None else _text(platform.fault.what)}</p>",
    ]
    if row.pythons:
        lines.append(f"<details><summary>Python {_text(python_range(row.pythons))}; {_text(row.level)}</summary>")
        lines.append(f"<p>judged {_text(LEVELS[platform.level])}</p>")
        lines.extend(f"<p>{_text(line)}</p>" for line in evidence_lines(platform))
        if platform.floor is not None:
            lines.append(f"<p>{_floor(platform.floor)}</p>")
        lines.append("</details>")
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
    for same in found[:_MOST_SHOWN]:
        yield _problem(same, is_open=len(found) <= _MOST_OPEN)
    rest = found[_MOST_SHOWN:]
    if rest:
        yield f"<details class=rest><summary>and {_count(len(rest), 'more problem')}</summary>"
        yield from (_problem(same, is_open=False) for same in rest)
        yield "</details>"
    yield "</section>"


def _problem(same: Sequence[Problem], *, is_open: bool) -> str:
    first = same[0]
    kind, sign, word = _kind(first)
    others = f"<span class=soft>likewise on {_text(likewise(same))}</span>" if len(same) > 1 else ""
    lines = [
        f"<details{' open' if is_open else ''}><summary>{_chip(kind, sign, word)}",
        f"<span class=what><strong>{_text(first.what)}</strong> {others}</span></summary>",
        "<div class=body><dl class=facts>",
    ]
    if first.why:
        lines.append(f"<dt>Why<dd>{_text(first.why)}")
    if len(first.chain) > 1:
        steps = "".join(f"<li><code>{_text(name)}</code> {_text(more)}" for name, more in chain_steps(first.chain))
        lines.append(f"<dt>Required by<dd><ol class=chain>{steps}</ol>")
    if first.advice:
        lines.append(f"<dt>What helps<dd><ul>{''.join(f'<li>{_advice(advice)}' for advice in first.advice)}</ul>")
    if first.where:
        lines.append(f"<dt>Where<dd>{_text(first.where)}")
    return "\n".join((*lines, "</dl></div></details>"))


def _kind(problem: Problem) -> tuple[str, str, str]:
    """The class, sign and word of a problem."""
    if problem.is_objection:
        return "bad", "!", "evidence"
    kind = problem.status.value if problem.status is not None else "refused" if problem.pythons else "broken"
    sign, word, _ = _SIGNS.get(kind, ("?", "not judged", ""))
    return kind, sign, word


def _explorer() -> str:
    """The frame of the matrix; the script puts numbers to the kinds, boxes for the platforms, and the rows."""
    signs = {kind: f"<i aria-hidden=true>{sign}</i>" for kind, (sign, _, _) in _SIGNS.items()}
    kinds = "".join(
        f'<label class="{kind}"><input type=radio name=show value={kind}{" checked" if kind == "all" else ""}>'
        f"{signs.get(kind, '')}<span>{_text(word)}</span> <small></small></label>"
        for kind, word in _CHOICES
    )
    legend = "".join(
        f"<li>{_chip(kind, sign, word)} {_text(meaning)}" for kind, (sign, word, meaning) in _SIGNS.items()
    )
    return _EXPLORER.replace("KINDS", kinds).replace("LEGEND", legend)


_CHOICES = (
    ("all", "all"),
    ("problems", "problems"),
    ("missing", "missing"),
    ("refused", "refused"),
    ("python", "python"),
    ("sdist", "sdist"),
    ("built", "built"),
    ("wheel", "wheel"),
)


_EXPLORER = """\
<section id=explorer hidden aria-labelledby=explorer-title>
<h2 id=explorer-title>Every package on every platform</h2>
<form class=tools role=search>
<label class=find>Find a package or file
<input type=search id=search autocomplete=off spellcheck=false aria-keyshortcuts="/"></label>
<fieldset class=kinds id=show><legend>Show</legend><div>KINDS</div></fieldset>
<label>Order <select id=sort><option value=worst>worst first<option value=name>by name\
<option value=column id=by-column hidden>by a column</select></label>
<div class=columns><fieldset><legend>Platforms</legend><div id=platforms></div></fieldset>
<fieldset><legend>Pythons</legend><div><label><input type=checkbox id=apart>one column each</label></div></fieldset>
</div></form>
<p class=count id=count role=status></p>
<div class=matrix>
<table id=matrix role=grid aria-labelledby=explorer-title aria-describedby=keys>
<thead><tr role=row></tr></thead><tbody></tbody></table>
<p id=nothing hidden>No package is like that.</p>
</div>
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


def _advice(text: str) -> str:
    """What is to be written stands in quotes, and is to be seen as that."""
    return _QUOTED.sub(r"<code>\1</code>", escape(text))


def _entries(platform: PlatformReport) -> Iterable[Entry]:
    return (entry for python in platform.pythons for entry in python.entries)
