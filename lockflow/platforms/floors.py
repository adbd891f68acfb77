"""A lock and a platform to its floor: the oldest libc (PEP 600, 656) or macOS that the locked wheels run on.

The floor of one package is that of its least demanding wheel for the Python in question; the floor of the lock is the
highest of its packages. A package with a wheel for any system, and one that is built, asks for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal

from lockflow.lock.model import Package
from lockflow.platforms.coverage import wheels_of
from lockflow.platforms.environment import environment
from lockflow.platforms.model import Floor, Platform
from lockflow.platforms.selection import Graph, selected
from lockflow.platforms.tags import ordered_tags, platform_tags
from lockflow.standards.filenames import WheelName

_MOST_PACKAGES = 5
_OLD_NAMES = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_LIBC_TAG = re.compile(r"(manylinux|musllinux)_([0-9]{1,4})_([0-9]{1,4})_(.+)", re.ASCII)
_MACOS_TAG = re.compile(r"macosx_([0-9]{1,4})_([0-9]{1,4})_(.+)", re.ASCII)

Numbers = tuple[int, int]


def floor_of(graph: Graph, platform: Platform, pythons: Iterable[str], previous: Graph | None = None) -> Floor | None:
    """Return the floor of a lock on `platform` for all of `pythons` (full versions), compared with an older lock.

    None where no wheel asks for a system of some age, as on Windows, whose tags have no version.
    """
    limit = _limit(platform)
    if limit is None:
        return None
    kind, highest = limit
    versions = tuple(pythons)
    floors = _floors(graph, platform, versions)
    if not floors:
        return None
    floor = max(floors.values())
    before = {} if previous is None else _floors(previous, platform, versions)
    demanding = sorted(name for name, version in floors.items() if version == floor)
    return Floor(
        kind=kind,
        machine=platform.machine,
        version=_text(floor),
        limit=_text(highest),
        previous=_text(max(before.values())) if before else "",
        packages=tuple(demanding[:_MOST_PACKAGES]),
    )


def _limit(platform: Platform) -> tuple[Literal["glibc", "musl", "macOS"], Numbers] | None:
    if platform.libc is not None:
        return platform.libc.name, (platform.libc.major, platform.libc.minor)
    if platform.macos is not None:
        return "macOS", (platform.macos.major, platform.macos.minor)
    return None


def _floors(graph: Graph, platform: Platform, pythons: tuple[str, ...]) -> Mapping[str, Numbers]:
    """Map packages to the system they need at least, on the most demanding of `pythons`; leave out who needs none."""
    floors: dict[str, Numbers] = {}
    asked: dict[tuple[int, str], Numbers | None] = {}
    for python in pythons:
        values = environment(platform, python)
        for index in selected(graph, values):
            package = graph.lock.packages[index]
            minor = values["python_version"]
            if (index, minor) not in asked:
                asked[index, minor] = _floor_of_package(package, platform, minor)
            floor = asked[index, minor]
            if floor is not None and floor > floors.get(package.name, (-1, 0)):
                floors[package.name] = floor
    return floors


def _floor_of_package(package: Package, platform: Platform, minor: str) -> Numbers | None:
    """Return the system that the least demanding wheel of a package needs; None where one needs none, or none is."""
    lowest: Numbers | None = None
    interpreters, machines = _accepted(platform, minor)
    for _, name in wheels_of(package):
        if not _is_for_interpreter(name, interpreters):
            continue
        for tag in name.platform_tags:
            needed = _needed(tag, platform, machines)
            if needed == (0, 0):
                return None
            if needed is not None and (lowest is None or needed < lowest):
                lowest = needed
    return lowest


def _needed(tag: str, platform: Platform, machines: frozenset[str]) -> Numbers | None:
    """Return the system that a platform tag asks for: (0, 0) for any, None where it is for another machine."""
    if tag == "any":
        return 0, 0
    if platform.libc is None:
        match = _MACOS_TAG.fullmatch(tag)
        return (int(match[1]), int(match[2])) if match is not None and match[3] in machines else None
    family = "manylinux" if platform.libc.name == "glibc" else "musllinux"
    match = _LIBC_TAG.fullmatch(tag)
    if match is not None:
        return (int(match[2]), int(match[3])) if match[1] == family and match[4] in machines else None
    old, _, machine = tag.partition("_")
    if machine not in machines:
        return None
    # A bare linux_x86_64 promises nothing about the system's age.
    return (0, 0) if old == "linux" else _OLD_NAMES.get(old) if family == "manylinux" else None


def _is_for_interpreter(name: WheelName, interpreters: frozenset[tuple[str, str]]) -> bool:
    return any((python, abi) in interpreters for python in name.python_tags for abi in name.abi_tags)


@lru_cache(maxsize=256)
def _accepted(platform: Platform, minor: str) -> tuple[frozenset[tuple[str, str]], frozenset[str]]:
    """Return the (python, abi) pairs of the interpreter, and what stands for the machine in its platform tags."""
    interpreters = frozenset((tag.python, tag.abi) for tag in ordered_tags(platform, minor))
    machines = {platform.machine}
    if platform.macos is not None:
        matches = (_MACOS_TAG.fullmatch(tag) for tag in platform_tags(platform))
        machines |= {match[3] for match in matches if match is not None}
    return interpreters, frozenset(machines)


def _text(version: Numbers) -> str:
    return f"{version[0]}.{version[1]}"
