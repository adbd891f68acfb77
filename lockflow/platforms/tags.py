"""A platform and a Python version to the tags that the interpreter there accepts, best first (PEP 425)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from packaging.tags import compatible_tags, cpython_tags, mac_platforms

from lockflow.platforms.model import Platform
from lockflow.platforms.pythons import minor_of
from lockflow.standards.tags import Tag, linux_platforms

_WINDOWS_PLATFORMS = {"AMD64": "win_amd64", "ARM64": "win_arm64", "x86": "win32"}


@lru_cache(maxsize=256)
def ordered_tags(platform: Platform, python: str) -> tuple[Tag, ...]:
    """List the tags of CPython `python` (`3.12` or `3.12.16`) on `platform`, from most to least specific."""
    if platform.tags:
        return platform.tags
    major, minor = (int(part) for part in minor_of(python).split("."))
    interpreter = f"cp{major}{minor}"
    platforms = platform_tags(platform)
    # Given everything, these generators look at nothing of the machine they run on.
    accepted = [
        *cpython_tags((major, minor), [interpreter], platforms),
        *compatible_tags((major, minor), interpreter, platforms),
    ]
    return tuple([Tag(tag.interpreter, tag.abi, tag.platform) for tag in accepted])


@lru_cache(maxsize=256)
def tag_ranks(platform: Platform, python: str) -> Mapping[Tag, int]:
    """Map each accepted tag to its place in `ordered_tags`, 0 being the best."""
    return MappingProxyType({tag: rank for rank, tag in enumerate(ordered_tags(platform, python))})


def platform_tags(platform: Platform) -> list[str]:
    """List the platform tags of `platform`, best first, without `any`."""
    if platform.tags:
        return [*dict.fromkeys(tag.platform for tag in platform.tags if tag.platform != "any")]
    if platform.libc is not None:
        return [*linux_platforms(platform.libc.name, platform.libc.major, platform.libc.minor, platform.machine)]
    if platform.macos is not None:
        return [*mac_platforms((platform.macos.major, platform.macos.minor), platform.machine)]
    return [_WINDOWS_PLATFORMS[platform.machine]]
