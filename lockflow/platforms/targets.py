"""Platforms and Pythons to what a resolver needs to insist on wheels for them: a marker and the tags accepted there."""

from __future__ import annotations

from collections.abc import Iterable

from lockflow.inputs.model import WheelTarget
from lockflow.platforms.environment import environment
from lockflow.platforms.model import Platform
from lockflow.platforms.tags import ordered_tags
from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.tree import string_equals


def wheel_targets(platforms: Iterable[Platform], pythons: Iterable[str]) -> tuple[WheelTarget, ...]:
    """Return a target for each platform and Python (full versions), in this order."""
    versions = tuple(pythons)
    return tuple(_target(platform, python) for platform in platforms for python in versions)


def _target(platform: Platform, python: str) -> WheelTarget:
    values = environment(platform, python)
    minor = values["python_version"]
    here = string_equals("sys_platform", platform.system) & string_equals("platform_machine", platform.machine)
    return WheelTarget(
        name=f"{platform.name}, Python {minor}",
        marker=here & parse_marker(f"python_version == '{minor}'"),
        tags=frozenset(ordered_tags(platform, python)),
    )
