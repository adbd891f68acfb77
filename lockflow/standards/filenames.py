"""File names of distributions taken apart: wheels (PEP 427, PEP 491) and sdists (PEP 625 and what came before it)."""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

from lockflow.standards.names import is_valid_name, normalize_name
from lockflow.standards.versions import InvalidVersion, Version

_BUILD = re.compile(r"([0-9]{1,18})(.*)", re.ASCII | re.DOTALL)
_SDIST_EXTENSIONS = (
    ".tar.gz",
    ".zip",
    ".tgz",
    ".tar.bz2",
    ".tbz",
    ".tar.xz",
    ".txz",
    ".tar.zst",
    ".tar.lzma",
    ".tar.lz",
    ".tlz",
    ".tar",
)
"""The commonest first; `.tar` last, though no order among them is needed to tell them apart."""


class InvalidFilename(ValueError):
    """A text is no wheel file name."""


class WheelName(Struct, frozen=True, kw_only=True):
    """What a wheel's file name says. `name` is normalised; tags are as written, `build` is (number, rest)."""

    name: str
    version: Version
    build: tuple[int, str] | None
    python_tags: tuple[str, ...]
    abi_tags: tuple[str, ...]
    platform_tags: tuple[str, ...]


class SdistName(Struct, frozen=True, kw_only=True):
    """What an sdist's file name says. `name` is normalised; `extension` begins with a dot (`.tar.gz`)."""

    name: str
    version: Version
    extension: str


@lru_cache(maxsize=1 << 16)
def parse_wheel_name(filename: str) -> WheelName:
    """Take a wheel's file name apart; raises InvalidFilename.

    Names and versions need not be normalised: old wheels have dots and upper case in them.
    """
    if not filename.endswith(".whl"):
        raise InvalidFilename(f"{filename!r} does not end in .whl")
    parts = filename[:-4].split("-")
    build: tuple[int, str] | None = None
    if len(parts) == 6:
        match = _BUILD.fullmatch(parts[2])
        if match is None:
            raise InvalidFilename(f"the build tag of {filename!r} does not begin with a number")
        build = (int(match[1]), match[2])
    elif len(parts) != 5:
        raise InvalidFilename(f"{filename!r} has {len(parts)} parts, a wheel's file name has five or six")
    if not is_valid_name(parts[0]):
        raise InvalidFilename(f"{parts[0]!r} in {filename!r} is no name of a project")
    try:
        version = Version.parse(parts[1])
    except InvalidVersion as error:
        raise InvalidFilename(f"{filename!r}: {error}") from error
    return WheelName(
        name=normalize_name(parts[0]),
        version=version,
        build=build,
        python_tags=_tags(parts[-3]),
        abi_tags=_tags(parts[-2]),
        platform_tags=_tags(parts[-1]),
    )


@lru_cache(maxsize=1 << 12)
def _tags(text: str) -> tuple[str, ...]:
    # Compressed tag sets (PEP 425). One tuple serves the many files that share them.
    return tuple(text.split("."))


def sdist_extension(filename: str) -> str | None:
    """The archive extension of an sdist's file name with its dot, None where it is no sdist."""
    for extension in _SDIST_EXTENSIONS:
        if filename.endswith(extension):
            return extension
    return None


def parse_sdist_name(filename: str, project_name: str | None = None) -> SdistName | None:
    """Take an sdist's file name apart; None where it is none, or none of this project.

    `project_name` is normalised. Where it is given, it tells how much of the file name is the name, for names and
    versions of old sdists may both contain `-`. Without it (a folder of mixed files) the last `-` separates them.
    """
    extension = sdist_extension(filename)
    if extension is None:
        return None
    stem = filename[: -len(extension)]
    if project_name is None:
        name, separator, version = stem.rpartition("-")
    else:
        length = len(project_name)
        name, separator, version = stem[:length], stem[length : length + 1], stem[length + 1 :]
    if separator != "-" or not is_valid_name(name):
        return None
    name = normalize_name(name)
    if project_name is not None and name != project_name:
        return None
    try:
        return SdistName(name=name, version=Version.parse(version), extension=extension)
    except InvalidVersion:
        return None
