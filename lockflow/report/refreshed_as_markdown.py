"""What a refresh did to Markdown that fits the body of a pull request (GitHub and GitLab)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from lockflow.report.evidence import python_range
from lockflow.report.refreshed import PackageChange, Refreshed, Released, Shift

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&])")
_LIMIT = 60_000
"""Characters; forges refuse longer bodies (65,536)."""


def refreshed_as_markdown(refreshed: Refreshed, limit: int = _LIMIT) -> str:
    """Return the report; rows that do not fit into `limit` characters are counted instead."""
    blocks = ["\n".join(block) for block in _blocks(refreshed)]
    text = "\n\n".join(blocks) + "\n"
    if len(text) <= limit:
        return text
    lines, used = [], 0
    for line in text.splitlines():
        used += len(line) + 1
        if used > limit - 100:
            break
        lines.append(line)
    return "\n".join([*lines, "", f"… and {text.count(chr(10)) - len(lines)} more lines: see refresh.json", ""])


def _blocks(refreshed: Refreshed) -> Iterator[list[str]]:
    yield [f"## {refreshed.headline}"]
    if refreshed.kind == "format":
        yield ["Only how the lock is written changed; it installs what it installed before."]
    if refreshed.cool_down:
        yield [f"Releases younger than {_code(refreshed.cool_down)} were not considered (`exclude-newer`)."]
    whole = "project" if refreshed.file == "uv.lock" else "script"
    updated = [change for change in refreshed.changes if change.old and change.new]
    added = [change for change in refreshed.changes if not change.old]
    removed = [change for change in refreshed.changes if not change.new]
    for title, changes in (("Updated", updated), ("Added", added)):
        if changes:
            rows = (_row(change, whole) for change in changes)
            yield _table(f"### {title}", ("Package", "Version", "Released", "Required by", "Links"), rows)
    if removed:
        yield ["### Removed", "", *(f"- {_code(change.name)} {_names(change.old)}" for change in removed)]
    shifts = [*_shifts(refreshed.changes)]
    if shifts:
        yield ["### Wheels lost and gained", "", *shifts]
    if refreshed.held_back:
        rows = (
            (_code(held.name), _text(held.version), _versions(held.kept), _where(held.platform, held.pythons),
             _text(held.reason))
            for held in refreshed.held_back
        )  # fmt: skip
        yield _table("### Held back", ("Package", "Kept from", "Stays at", "Platform", "Why"), rows)
    if refreshed.yanked:
        lines = (f"- {_code(f'{entry.name} {entry.version}')}: {_text(entry.reason)}" for entry in refreshed.yanked)
        yield ["### Yanked, and still in use", "", *lines]
    for title, has_risen in (("Older systems left behind", True), ("Older systems that will do again", False)):
        floors = [
            f"- {_text(floor.platform)}: {_text(floor.kind)} {floor.old} → {floor.new}, "
            f"because of {', '.join(map(_code, floor.packages))}"
            for floor in refreshed.floors
            if floor.has_risen is has_risen
        ]
        if floors:
            yield [f"### {title}", "", *floors]
    if refreshed.failing:
        lines = (
            f"- {_code(f'{entry.name} {entry.version}'.rstrip())} on {_where(entry.platform, entry.pythons)}: "
            f"{_text(entry.reason)}"
            for entry in refreshed.failing
        )
        yield ["### Failing before and after", "", *lines]
    if refreshed.waiting:
        lines = (
            f"- {_code(entry.name)} {_versions(entry.old)} → {_versions(entry.new)}: {_text(entry.reason)}"
            for entry in refreshed.waiting
        )
        yield ["### Waiting", "", *lines]
    if refreshed.notes:
        yield ["### Besides", "", *(f"- {_text(note)}" for note in refreshed.notes)]


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rule = " | ".join("---" for _ in columns)
    return [title, "", f"| {' | '.join(columns)} |", f"| {rule} |", *(f"| {' | '.join(row)} |" for row in rows)]


def _row(change: PackageChange, whole: str) -> tuple[str, str, str, str, str]:
    versions = f"{_names(change.old)} → {_names(change.new)}" if change.old else _names(change.new)
    released = ", ".join(map(_released, change.new))
    before = ", ".join(entry.date for entry in change.old if entry.date)
    if before:
        released = f"{before} → {released}"
    if change.yanked:
        versions += f" (the old one was yanked: {_text(change.yanked)})"
    required = [*([f"**the {whole}**"] if change.is_direct else []), *map(_code, change.required_by)]
    shown = ", ".join(required[:5]) + (f" and {len(required) - 5} more" if len(required) > 5 else "")
    links = " · ".join(f"[{_text(link.kind)}](<{link.url}>)" for link in change.links)
    return _code(change.name), versions, released, shown, links


def _released(entry: Released) -> str:
    if entry.age_days is None:
        return entry.date or "unknown"
    return f"{entry.date} ({entry.age_days} {'day' if entry.age_days == 1 else 'days'} ago)"


def _shifts(changes: Iterable[PackageChange]) -> Iterator[str]:
    for change in changes:
        for word, shifts in (("lost", change.lost), ("gained", change.gained)):
            if shifts:
                yield f"- {_code(change.name)} {word} wheels on {'; '.join(map(_shift, shifts))}"


def _shift(shift: Shift) -> str:
    return _where(shift.platform, shift.pythons)


def _where(platform: str, pythons: Sequence[str]) -> str:
    return _text(platform) + (f" (Python {python_range(pythons)})" if pythons else "")


def _names(releases: Iterable[Released]) -> str:
    return _versions(entry.version for entry in releases)


def _versions(versions: Iterable[str]) -> str:
    return ", ".join(map(_text, versions))


def _text(text: str) -> str:
    """Escape what Markdown would take for markup or for the name of somebody to notify."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("@", "@\u200b")


def _code(text: str) -> str:
    plain = " ".join(text.split()).replace("`", "'").replace("|", "/")
    return f"`{plain}`"
