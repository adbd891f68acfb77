"""Compatibility tags: what a wheel's tags imply as a marker, and the platform tags that a system accepts.

Tags: PEP 425; `manylinux`: PEP 600 (legacy names PEP 513, 571, 599); `musllinux`: PEP 656; `macosx`, `win`:
PyPA specification "Platform compatibility tags".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from lockflow.standards.filenames import WheelName
from lockflow.standards.markers.tree import (
    FALSE,
    TRUE,
    Marker,
    interval,
    python_range_marker,
    string_equals,
    version_variable,
)
from lockflow.standards.python_range import PythonRange, Release


class Tag(NamedTuple):
    """One combination that an interpreter accepts: Python tag, ABI tag, platform tag."""

    python: str
    abi: str
    platform: str

    def __str__(self) -> str:
        return f"{self.python}-{self.abi}-{self.platform}"


def implied_marker(wheel: WheelName) -> Marker:
    """Tell in which environments a wheel can be installed, as far as a marker can say it.

    The libc of a tag has no marker and is left out; the version of macOS is told by `platform_release`, the release
    of its kernel. Tags that nobody knows imply nothing, so that a wheel of such tags alone gives FALSE. A lone
    `py3-none-any` gives "Python 3", not TRUE. Memoised by tags, since a project's releases repeat the same few dozen
    combinations.
    """
    return _implied(wheel.python_tags, wheel.abi_tags, wheel.platform_tags)


def linux_platforms(libc: str, major: int, minor: int, machine: str) -> tuple[str, ...]:
    """List the platform tags of a Linux system with `libc` ("glibc" or "musl") of a version, best first.

    glibc tags run down to 2.5 on x86 and to 2.17 elsewhere (PEP 600), each followed by its legacy alias. The bare
    `linux` tag comes last, as in uv.
    """
    if libc == "musl":
        return (*(f"musllinux_{major}_{older}_{machine}" for older in range(minor, -1, -1)), f"linux_{machine}")
    oldest = 5 if machine in _X86_MACHINES else 17
    tags = []
    for older in range(minor, oldest - 1, -1):
        tags.append(f"manylinux_{major}_{older}_{machine}")
        if (major, older) in _LEGACY:
            tags.append(f"{_LEGACY[major, older]}_{machine}")
    return (*tags, f"linux_{machine}")


def glibc_of(tag: str) -> tuple[int, int] | None:
    """The glibc that a platform tag asks for at least; None where it is for something else (PEP 600)."""
    match = _GLIBC.fullmatch(tag)
    if match is not None:
        return int(match[1]), int(match[2])
    old = tag.partition("_")[0]
    return next((version for version, name in _LEGACY.items() if name == old), None)


_GLIBC = re.compile(r"manylinux_([0-9]{1,4})_([0-9]{1,4})_[a-z0-9_]+", re.ASCII)
_X86_MACHINES = frozenset({"x86_64", "i686"})
_LEGACY = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}

_PYTHON = re.compile(r"(py|cp|pp|graalpy|pyston)([0-9])([0-9]{0,3})", re.ASCII)
_LINUX = re.compile(r"(?:manylinux(?:1|2010|2014|_[0-9]+_[0-9]+)|musllinux_[0-9]+_[0-9]+|linux)_([a-z0-9_]+)", re.ASCII)
_MACOS = re.compile(r"macosx_([0-9]+)_([0-9]+)_([a-z0-9_]+)", re.ASCII)
_ANDROID = re.compile(r"android_[0-9]+_([a-z0-9_]+)", re.ASCII)

_MAJOR_ALONE = frozenset({"py", "cp"})
_IMPLEMENTATIONS = {"cp": "CPython", "pp": "PyPy", "graalpy": "GraalPy", "pyston": "Pyston"}
_LINUX_MACHINES = {
    "aarch64": "aarch64",
    "armv5tel": "armv5tel",
    "armv6l": "armv6l",
    "armv7l": "armv7l",
    "armv8l": "armv7l",
    "i686": "i686",
    "loongarch64": "loongarch64",
    "ppc": "ppc",
    "ppc64": "ppc64",
    "ppc64le": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
    "x86_64": "x86_64",
}
_MACOS_MACHINES = {
    "arm64": ("arm64",),
    "fat": ("x86_64", "ppc"),
    "fat32": ("x86_64", "i386", "ppc", "ppc64"),
    "fat64": ("x86_64", "ppc64"),
    "i386": ("i386",),
    "intel": ("x86_64", "i386"),
    "ppc": ("ppc",),
    "ppc64": ("ppc64",),
    "universal": ("x86_64", "i386", "ppc64", "ppc"),
    "universal2": ("x86_64", "arm64"),
    "x86_64": ("x86_64",),
}
_OLDEST_KERNELS = {0: (1, 3), 1: (1, 4, 1)}
_ANDROID_MACHINES = {"arm64_v8a": "aarch64", "armeabi_v7a": "armv7l", "x86": "i686", "x86_64": "x86_64"}
_WINDOWS_MACHINES = {"win32": "x86", "win_amd64": "AMD64", "win_arm64": "ARM64"}


@lru_cache(maxsize=16384)
def _implied(python_tags: tuple[str, ...], abi_tags: tuple[str, ...], platform_tags: tuple[str, ...]) -> Marker:
    is_stable = "abi3" in abi_tags or "abi3t" in abi_tags
    return _platforms_marker(platform_tags) & _pythons_marker(python_tags, is_stable=is_stable)


@lru_cache(maxsize=4096)
def _platforms_marker(platform_tags: tuple[str, ...]) -> Marker:
    marker = FALSE
    for tag in platform_tags:
        marker |= _platform_marker(tag)
    return marker


@lru_cache(maxsize=4096)
def _platform_marker(tag: str) -> Marker:
    if tag == "any":
        return TRUE
    if tag in _WINDOWS_MACHINES:
        return _system("win32", _WINDOWS_MACHINES[tag])
    if match := _LINUX.fullmatch(tag):
        return _system("linux", _LINUX_MACHINES.get(match[1]))
    if match := _MACOS.fullmatch(tag):
        return _macos(int(match[1]), int(match[2]), match[3])
    if match := _ANDROID.fullmatch(tag):
        return _system("android", _ANDROID_MACHINES.get(match[1]))
    return FALSE


def _macos(major: int, minor: int, architecture: str) -> Marker:
    marker = FALSE
    for machine in _MACOS_MACHINES.get(architecture, ()):
        # No Mac with an arm64 processor runs anything older than macOS 11.
        release = _kernel(max((major, minor), (11, 0)) if machine == "arm64" else (major, minor))
        if release is not None:
            marker |= _system("darwin", machine) & interval(version_variable("platform_release"), (release, 0), None)
    return marker


def _kernel(macos: tuple[int, int]) -> Release | None:
    """The release of the Darwin kernel that a macOS came with; None for a version that no wheel should be tagged with.

    The last rule, one number for both, is a guess of uv's about what is yet to come.
    """
    major, minor = macos
    if major == 10:
        return _OLDEST_KERNELS.get(minor) or ((minor + 4,) if minor <= 16 else None)
    if minor:
        return None
    if 11 <= major <= 15:
        return (major + 9,)
    return (25,) if major == 26 else (major,) if major > 26 else None


def _system(sys_platform: str, *machines: str | None) -> Marker:
    marker = FALSE
    for machine in machines:
        if machine is not None:
            marker |= string_equals("platform_machine", machine)
    return string_equals("sys_platform", sys_platform) & marker


@lru_cache(maxsize=4096)
def _pythons_marker(python_tags: tuple[str, ...], *, is_stable: bool) -> Marker:
    marker = FALSE
    for tag in python_tags:
        marker |= _python_marker(tag, is_stable=is_stable)
    return marker


@lru_cache(maxsize=4096)
def _python_marker(tag: str, *, is_stable: bool) -> Marker:
    if tag == "none":
        return TRUE
    match = _PYTHON.fullmatch(tag)
    if match is None:
        return FALSE
    kind, major, digits = match[1], int(match[2]), match[3]
    if not digits and kind not in _MAJOR_ALONE:
        return FALSE
    lower = (major, int(digits)) if digits.strip("0") else (major,)
    # `py310` is for any Python 3 from 3.10 on, `cp310` for that one only.
    upper = (major, int(digits) + 1) if digits and kind != "py" else (major + 1,)
    marker = python_range_marker(PythonRange(lower=lower, upper=None if is_stable else upper))
    implementation = _IMPLEMENTATIONS.get(kind)
    return (
        marker if implementation is None else marker & string_equals("platform_python_implementation", implementation)
    )
