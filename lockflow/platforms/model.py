"""Platforms as declared, and what a lock holds for each of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from lockflow.standards.tags import Tag
from lockflow.standards.versions import Version

Level = Literal["tags", "probe", "install"]
"""How something was proven: by the definition's tag rules, by the real interpreter, by an install."""


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

    `system` and `machine` are its `sys_platform` and `platform_machine`; `environment` are the PEP 508 marker
    values that do not depend on the Python version. `pythons` maps a Python minor to the full version that runs
    there, where that is not the newest. `image` is a template with `{python}` for the container that stands for
    it, None where there is none. `tags` are those that a real interpreter accepts, best first; empty in a
    definition, where they follow from the rest.
    """

    name: str
    aliases: tuple[str, ...] = ()
    system: Literal["linux", "darwin", "win32"]
    machine: str
    environment: tuple[tuple[str, str], ...]
    libc: Libc | None = None
    macos: MacOS | None = None
    implementation: Literal["cpython"] = "cpython"
    pythons: tuple[tuple[str, str], ...] = ()
    image: str | None = None
    engine_platform: str | None = None
    tags: tuple[Tag, ...] = ()


def file_stem(name: str) -> str:
    """Return the name of a platform's files without extension: `linux/arm64` has `linux-arm64`."""
    return name.replace("/", "-")


class Status(StrEnum):
    """What a platform and Python find for one package."""

    WHEEL = "wheel"
    SDIST = "sdist"
    MISSING = "missing"
    PYTHON = "python"


class ChainLink(Struct, frozen=True, kw_only=True):
    """One step of the path by which a package is required.

    `via` is the extra or group of the step before that requires it (`extra gpu`, `group dev`), empty for a plain
    dependency; `marker` is the condition as text, empty for "always".
    """

    name: str
    version: str
    via: str = ""
    marker: str = ""


class Edit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An edit of a project that may mend a finding about `package`; what it is worth a resolution tells.

    `value` is the text to put in: an entry of constraint-dependencies, required-environments or override-dependencies
    in [tool.uv], one of allow-sdist in [tool.lockflow], requires-python, a marker for the requirement of the
    project `owner` on the package, in its dependencies or in `via` ("extra gpu", "group dev"), or (`index`) the
    package's value in [tool.uv.sources] of the project `owner`.
    """

    kind: Literal["constraint", "required-environment", "override", "allow-sdist", "requires-python", "marker", "index"]
    package: str
    value: str
    owner: str = ""
    via: str = ""


class Finding(Struct, frozen=True, kw_only=True):
    """The status of one package on one platform and Python.

    `file` and `tag` are the wheel chosen and the tag that matched. `is_allowed` tells that a source distribution
    may be built there. `chain` runs from the project to the package, for bad statuses only; `reason` says in words
    what is wrong, `advice` what would help; its first lines are `edits`, which can be applied as they are, in words.
    """

    package: str
    version: Version | None
    status: Status
    file: str = ""
    tag: str = ""
    is_allowed: bool = False
    reason: str = ""
    chain: tuple[ChainLink, ...] = ()
    advice: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether an installer has what it needs."""
        return self.status is Status.WHEEL or self.is_allowed


class Evidence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one platform and Python was judged.

    `python` and `libc` are those of the real interpreter in `image` (`3.12.16`, `glibc 2.36`), empty where the
    definition was asked. `uv` is the release that planned or installed the lock there; `target` the platform in its
    words where it only took a foreign machine for it. `says` are its own words where it refuses something.
    """

    level: Level
    image: str = ""
    python: str = ""
    libc: str = ""
    emulated: bool = False
    uv: str = ""
    target: str = ""
    says: str = ""


class Objection(Struct, frozen=True, kw_only=True):
    """Something that evidence says against a platform, beside what it says of single packages.

    `definition`: the image is not what the definition says; `uv`: uv plans another installation than the one judged
    here, or none; `install`: it could not be installed; `import`: a module cannot be imported after it.
    """

    kind: Literal["definition", "uv", "install", "import"]
    what: str
    why: str = ""
    advice: tuple[str, ...] = ()


class Coverage(Struct, frozen=True, kw_only=True):
    """All findings for one platform and one Python minor, sorted by package name and version.

    `refusal` is set where the lock as a whole does not cover this environment, so that an installer refuses it
    before it looks at packages; then there are no findings.
    """

    platform: str
    python: str
    findings: tuple[Finding, ...]
    refusal: str = ""
    evidence: Evidence = Evidence(level="tags")
    objections: tuple[Objection, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether the lock can be installed there."""
        return not self.refusal and not self.objections and all(finding.is_good for finding in self.findings)


class Floor(Struct, frozen=True, kw_only=True):
    """The oldest system that the locked wheels of one platform run on, and who asks for it.

    Versions are texts of two numbers ("2.28"). `limit` is what the definition says the platform has; `previous` the
    floor of the lock before this one, empty where there was none. `packages` are those that no older system can run,
    at most a few, by name.
    """

    kind: Literal["glibc", "musl", "macOS"]
    machine: str
    version: str
    limit: str
    previous: str = ""
    packages: tuple[str, ...] = ()

    @property
    def is_above_limit(self) -> bool:
        """Whether the platform is too old for a wheel of the lock, which it then builds or goes without."""
        return _numbers(self.version) > _numbers(self.limit)

    @property
    def has_risen(self) -> bool:
        """Whether systems that the previous lock could be installed on are left behind."""
        return bool(self.previous) and _numbers(self.version) > _numbers(self.previous)


class Check(Struct, frozen=True, kw_only=True):
    """The verdict on one platform: its coverage for every Python checked, and how it was proven."""

    platform: str
    level: Level
    coverages: tuple[Coverage, ...]
    floor: Floor | None = None

    @property
    def is_good(self) -> bool:
        """Whether every package has a wheel there, or a source distribution that is allowed."""
        return all(coverage.is_good for coverage in self.coverages)


class Broken(Struct, frozen=True, kw_only=True):
    """A check that could not be made, and why, in the four parts of a message.

    `coverages` are those of the Pythons that could be judged all the same.
    """

    platform: str
    level: Level
    what: str
    where: str = ""
    why: str = ""
    next: str = ""
    coverages: tuple[Coverage, ...] = ()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
