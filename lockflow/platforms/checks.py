"""A lock and a platform to a Check: by tags, in process."""

from __future__ import annotations

from collections.abc import Iterable

from lockflow.platforms.advice import with_advice
from lockflow.platforms.coverage import Policy, cover
from lockflow.platforms.model import Check, Platform
from lockflow.platforms.selection import Graph


def check_by_tags(graph: Graph, platform: Platform, pythons: Iterable[str], policy: Policy) -> Check:
    """Judge `platform` for every one of `pythons` (full versions) by the tag rules of its definition alone."""
    coverages = tuple(
        with_advice(cover(graph, platform, python, policy), graph, platform, python, policy) for python in pythons
    )
    return Check(platform=platform.name, level="tags", coverages=coverages)
