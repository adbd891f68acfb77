"""Platforms as declared, and what a lock holds for each of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from lockflow.standards.versions import Version


class Libc(Struct, frozen=True, kw_only=True):
    """The C library of a Linux platform and its newest version: glibc (PEP 600) or musl (PEP 656)."""

    name: Literal["glibc", "musl"]
    major: int
    minor: int


class MacOS(Struct, frozen=True, kw_only=True):
    """The macOS version a platform runs, which bounds the wheels it accepts."""

    major: int
    minor: int


class Platform(Struct, frozen=True, kw_only=True):
    """One platform definition (`platforms/NAME.toml`).

    `environment` are the PEP 508 marker values that do not depend on the Python version. `image` is a template
    with `{python}` for the container that stands for it, None where there is none.
    """

    name: str
    aliases: tuple[str, ...] = ()
    system: Literal["linux", "darwin", "win32"]
    machine: str
    environment: tuple[tuple[str, str], ...]
    libc: Libc | None = None
    macos: MacOS | None = None
    implementation: Literal["cpython"] = "cpython"
    image: str | None = None
    engine_platform: str | None = None


class Status(StrEnum):
    """What a platform and Python find for one package."""

    WHEEL = "wheel"
    SDIST = "sdist"
    MISSING = "missing"
    PYTHON = "python"


class ChainLink(Struct, frozen=True, kw_only=True):
    """One step of the path by which a package is required; `marker` as text, empty for "always"."""

    name: str
    version: str
    via: str = ""
    marker: str = ""


class Finding(Struct, frozen=True, kw_only=True):
    """The status of one package on one platform and Python.

    `file` and `tag` are the wheel chosen and the tag that matched. `chain` runs from the project to the
    package, for bad statuses only. `advice` are edits in words.
    """

    package: str
    version: Version | None
    status: Status
    file: str = ""
    tag: str = ""
    is_allowed: bool = False
    chain: tuple[ChainLink, ...] = ()
    advice: tuple[str, ...] = ()


class Coverage(Struct, frozen=True, kw_only=True):
    """All findings for one platform and one Python minor, sorted by package name and version."""

    platform: str
    python: str
    findings: tuple[Finding, ...]


class Check(Struct, frozen=True, kw_only=True):
    """The verdict on one platform: its coverage for every Python checked, and how it was proven."""

    platform: str
    level: Literal["tags", "probe", "install"]
    coverages: tuple[Coverage, ...]

    @property
    def is_good(self) -> bool:
        """Whether every package has a wheel there, or a source distribution that is allowed."""
        return all(
            finding.status is Status.WHEEL or finding.is_allowed
            for coverage in self.coverages
            for finding in coverage.findings
        )
