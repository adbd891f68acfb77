"""Tell which wheels no environment of a lock can use, by their tags (PEP 425, 600, 656; rules of uv 0.13).

A wheel is listed in a lock only where both questions are answered with yes. They are asked for every file of every
package, but a lock knows some dozens of tag triples, so the answers are remembered by tags.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lockflow.standards.filenames import WheelName
from lockflow.standards.markers.tree import FALSE, Marker, is_disjoint, string_equals
from lockflow.standards.python_range import PythonRange
from lockflow.standards.reach import abi_fits

Known = frozenset[str]
ALL_KNOWN: Known = frozenset(("processors", "cp3", "abi3t", "windows-on-arm"))
"""What older releases of uv did not know: rare processors, the tags `cp3` and `abi3t`, x86-64 programs on ARM."""


def is_reachable_by_platform(wheel: WheelName, marker: Marker) -> bool:
    """Whether some environment of `marker` can have the system and processor of the platform tags."""
    return _platform_fits(wheel.platform_tags, marker, ALL_KNOWN)


def can_be_used(filename: str, python: PythonRange, marker: Marker, known: Known = ALL_KNOWN) -> bool:
    """Whether a wheel of this file name passes both tests; what is no wheel name passes neither.

    Only the tags are looked at, since this is asked for thousands of files.
    """
    tags = filename.removesuffix(".whl").rsplit("-", 3)
    return len(tags) == 4 and _both_fit(tags[1], tags[2], tags[3], python, marker, known)


@lru_cache(maxsize=1 << 15)
def _both_fit(
    python_tags: str, abi_tags: str, platform_tags: str, python: PythonRange, marker: Marker, known: Known
) -> bool:
    pythons = tuple(tag for tag in python_tags.split(".") if tag != "cp3" or "cp3" in known)
    abis = tuple(tag for tag in abi_tags.split(".") if tag != "abi3t" or "abi3t" in known)
    return abi_fits(pythons, abis, python) and _platform_fits(tuple(platform_tags.split(".")), marker, known)


# Platform tags ------------------------------------------------------------------------------------------------------

_SYSTEMS: dict[str, Marker] = {
    "linux": string_equals("os_name", "posix") & string_equals("sys_platform", "linux"),
    "windows": string_equals("os_name", "nt") & string_equals("sys_platform", "win32"),
    "macos": string_equals("os_name", "posix") & string_equals("sys_platform", "darwin"),
    "android": string_equals("sys_platform", "android"),
}


def _machines(*names: str) -> Marker:
    marker = FALSE
    for name in names:
        marker = marker | string_equals("platform_machine", name)
    return marker


_PROCESSORS: dict[str, Marker] = {
    "arm64": _machines("aarch64", "arm64", "ARM64"),
    "x86_64": _machines("x86_64", "amd64", "AMD64"),
    "x86": _machines("i686", "i386", "win32", "x86"),
    "armv7l": _machines("armv7l", "armv8l"),
    **{name: _machines(name) for name in ("ppc64le", "ppc64", "s390x", "riscv64", "loongarch64", "armv6l")},
}
_FIRST_PROCESSORS = {"arm64", "x86_64", "x86", None}
# Windows on ARM runs programs for x86-64.
_WINDOWS_ON_ARM = _SYSTEMS["windows"] & _PROCESSORS["arm64"]

_LINUX_TAG = re.compile(
    r"(?:manylinux(?:1|2010|2014|_[0-9]+_[0-9]+)|musllinux_[0-9]+_[0-9]+|linux)_([a-z0-9_]+)", re.ASCII
)
_MACOS_TAG = re.compile(r"macosx_[0-9]+_[0-9]+_([a-z0-9_]+)", re.ASCII)
_ANDROID_TAG = re.compile(r"android_[0-9]+_([a-z0-9_]+)", re.ASCII)
_IOS_TAG = re.compile(r"ios_[0-9]+_[0-9]+_(arm64|x86_64)_[a-z]+", re.ASCII)
_OTHER_TAG = re.compile(r"any|(?:freebsd|netbsd|openbsd|dragonfly|haiku|illumos|solaris|emscripten|pyodide|wasi).*")
_LINUX_PROCESSORS = {"aarch64": "arm64", "i686": "x86"}
_MACOS_PROCESSORS = {"arm64": "arm64", "x86_64": "x86_64", "i386": "x86"}
_WINDOWS_PROCESSORS = {"win32": "x86", "win_amd64": "x86_64", "win_arm64": "arm64", "win_ia64": None}

_Target = tuple[str | None, str | None]
"""System and processor that a tag asks for, None for what it leaves open."""


def _target(tag: str) -> _Target | None:
    """What `tag` asks for; None for a tag that nobody knows."""
    if tag in _WINDOWS_PROCESSORS:
        return ("windows", _WINDOWS_PROCESSORS[tag])
    if (match := _LINUX_TAG.fullmatch(tag)) is not None:
        processor = _LINUX_PROCESSORS.get(match[1], match[1])
        return ("linux", processor if processor in _PROCESSORS else None)
    if (match := _MACOS_TAG.fullmatch(tag)) is not None:
        return ("macos", _MACOS_PROCESSORS.get(match[1]))
    if (match := _ANDROID_TAG.fullmatch(tag)) is not None:
        return ("android", "arm64" if match[1] == "arm64_v8a" else None)
    if (match := _IOS_TAG.fullmatch(tag)) is not None:
        return (None, "arm64" if match[1] == "arm64" else "x86_64")
    return (None, None) if _OTHER_TAG.fullmatch(tag) else None


@lru_cache(maxsize=1 << 14)
def _platform_fits(tags: tuple[str, ...], marker: Marker, known: Known) -> bool:
    targets = [target for tag in tags if (target := _target(tag)) is not None]
    if not targets:
        return True
    systems = {system for system, _ in targets}
    processors = {processor for _, processor in targets}
    if "processors" not in known and not processors <= _FIRST_PROCESSORS:
        processors = {None}
    system = _SYSTEMS.get(systems.pop() or "") if len(systems) == 1 else None
    processor = _PROCESSORS.get(processors.pop() or "") if len(processors) == 1 else None
    if "windows-on-arm" in known and "win_amd64" in tags and not is_disjoint(marker, _WINDOWS_ON_ARM):
        return True
    # One after the other: the algebra proves more of a plain pair impossible than of a long conjunction.
    if system is not None and is_disjoint(marker, system):
        return False
    if system is not None and processor is not None and is_disjoint(marker, system & processor):
        return False
    return processor is None or not is_disjoint(marker, processor)
