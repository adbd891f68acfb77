"""What stands behind the verdict on a platform, in words: where it was judged, by which interpreter, in whose view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from lockflow.platforms.model import Evidence
from lockflow.report.model import PlatformReport, Report

LEVELS = {
    "tags": "by the tag rules of its definition",
    "probe": "by the real interpreter",
    "install": "by a real installation",
}


def where_judged(report: Report) -> str:
    """Say in which executor platforms were judged: `in containers`, `in process`, or which where; empty for none."""
    inside = [platform.platform for platform in report.platforms if platform.executor == "docker"]
    others = [platform.platform for platform in report.platforms if platform.executor == "process"]
    if inside and others:
        return f"in containers: {', '.join(inside)}; in process: {', '.join(others)}"
    return "in containers" if inside else "in process" if others else ""


def evidence_words(platform: PlatformReport) -> str:
    """The level in a few words, and what stands behind it beside the definition: an emulated machine, uv's view."""
    several = [python.evidence for python in platform.pythons]
    parts: list[str] = [platform.level]
    if any(evidence.target for evidence in several):
        parts.append("uv's view")
    if any(evidence.emulated for evidence in several):
        parts.append("emulated")
    return ", ".join(parts)


def evidence_lines(platform: PlatformReport) -> tuple[str, ...]:
    """Say in a line for each kind of evidence where it comes from; none where only the definition was asked."""
    kinds: dict[Evidence, list[Evidence]] = {}
    for python in platform.pythons:
        kind = replace(python.evidence, image="", python="", says="")
        kinds.setdefault(kind, []).append(python.evidence)
    lines = dict.fromkeys(_line(alike) for alike in kinds.values())
    return tuple(line for line in lines if line)


def evidence_line(evidence: Evidence) -> str:
    """Say where evidence comes from; empty where only the definition was asked."""
    return _line([evidence])


def python_range(pythons: Sequence[str]) -> str:
    """Shorten minor versions: `3.11, 3.12, 3.13` to `3.11–3.13`."""
    return ", ".join(first if first == last else f"{first}–{last}" for first, last in _runs(pythons))


def _runs(pythons: Iterable[str]) -> list[tuple[str, str]]:
    runs: list[tuple[str, str]] = []
    for python in pythons:
        major, _, minor = python.partition(".")
        before = f"{major}.{int(minor) - 1}" if minor.isdecimal() else ""
        if runs and runs[-1][1] == before:
            runs[-1] = runs[-1][0], python
        else:
            runs.append((python, python))
    return runs


def _line(alike: Sequence[Evidence]) -> str:
    """One line for evidence that differs in interpreter and image at most."""
    first = alike[0]
    if first.target:
        return f"uv {first.uv} planned for {first.target}"
    if not first.image:
        return ""
    pythons, images = (_listed(getattr(one, name) for one in alike) for name in ("python", "image"))
    machine = " emulated" if first.emulated else ""
    verb = "installed" if first.level == "install" else "planned"
    told = f"; uv {first.uv} {verb} there" if first.uv else ""
    return f"CPython {pythons}, {first.libc} in {images}{machine}{told}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
