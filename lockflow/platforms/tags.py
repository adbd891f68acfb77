"""A platform and a Python version to the tags that the interpreter there accepts, best first (PEP 425)."""

from __future__ import annotations

from functools import lru_cache

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
    platforms = platform_tags(platform)
    return tuple(
        [
            Tag(interpreter, abi, name)
            for interpreter, abi, is_any in _kinds(minor_of(python))
            for name in (("any",) if is_any else platforms)
        ]
    )


@lru_cache(maxsize=256)
def _kinds(minor: str) -> tuple[tuple[str, str, bool], ...]:
    """List interpreter and ABI tags of a CPython in order, and whether for any platform; else for each, best first.

    The generators make the same for every platform, with an object each time: asked about one, they tell the order.
    """
    major, minor_number = (int(part) for part in minor.split("."))
    interpreter = f"cp{major}{minor_number}"
    # Given everything, these generators look at nothing of the machine they run on.
    accepted = [
        *cpython_tags((major, minor_number), [interpreter], ["platform"]),
        *compatible_tags((major, minor_number), interpreter, ["platform"]),
    ]
    return tuple([(tag.interpreter, tag.abi, tag.platform == "any") for tag in accepted])


class TagRanks:
    """The place of a tag in `ordered_tags`, without making all of these: a lock asks for dozens of thousands."""

    __slots__ = ("_anywhere", "_here", "_platforms", "_stated")

    def __init__(self, platform: Platform, python: str) -> None:
        self._stated = {tag: rank for rank, tag in enumerate(platform.tags)}
        self._platforms: dict[str, int] = {}
        self._here: dict[tuple[str, str], int] = {}
        self._anywhere: dict[tuple[str, str], int] = {}
        if self._stated:
            return
        self._platforms = {name: place for place, name in enumerate(platform_tags(platform))}
        rank = 0
        for interpreter, abi, is_any in _kinds(minor_of(python)):
            (self._anywhere if is_any else self._here)[interpreter, abi] = rank
            rank += 1 if is_any else len(self._platforms)

    def has(self, python: str, abi: str) -> bool:
        """False where no tag of this interpreter and ABI is accepted."""
        return bool(self._stated) or (python, abi) in self._here or (python, abi) in self._anywhere

    def of(self, tag: Tag) -> int | None:
        """0 for the best; None for a tag that is not accepted."""
        if self._stated:
            return self._stated.get(tag)
        python, abi, platform = tag
        if platform == "any":
            return self._anywhere.get((python, abi))
        first, place = self._here.get((python, abi)), self._platforms.get(platform)
        return None if first is None or place is None else first + place


def platform_tags(platform: Platform) -> list[str]:
    """List the platform tags of `platform`, best first, without `any`."""
    if platform.tags:
        return [*dict.fromkeys(tag.platform for tag in platform.tags if tag.platform != "any")]
    if platform.libc is not None:
        return [*linux_platforms(platform.libc.name, platform.libc.major, platform.libc.minor, platform.machine)]
    if platform.macos is not None:
        return [*mac_platforms((platform.macos.major, platform.macos.minor), platform.machine)]
    return [_WINDOWS_PLATFORMS[platform.machine]]
