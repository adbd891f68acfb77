"""A lock as uv.lock holds it, typed (version 1, any revision), and how two of them differ.

Markers in here are self-contained: `requires-python` and the environments of the lock are part of them. An edge also
keeps its marker as the text has it, because what was shortened under the condition of its parent cannot be found
again from the long form.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import unquote

from msgspec import Meta, Struct

from lockflow.inputs.model import Exclusion, ForkStrategy, Group, Override, Prerelease, Resolution, StaticMetadata
from lockflow.standards.markers.tree import TRUE, Marker
from lockflow.standards.markers.universal import UniversalMarker
from lockflow.standards.requirements import ConflictItem, Requirement, RequiresPython, Source
from lockflow.standards.versions import Version

Size = Annotated[int, Meta(ge=0)]


class Recompressed(Struct, frozen=True, kw_only=True):
    """The same wheel compressed by Zstandard, where an index offers it."""

    hash: str
    size: Size | None = None


class LockedFile(Struct, frozen=True, kw_only=True, rename={"upload_time": "upload-time"}):
    """An sdist or wheel entry. Exactly one of `url`, `path`, `filename` is set, or none for a direct sdist.

    `hash` is `algorithm:digest`; `upload_time` is the text of the lock (`2024-01-02T03:04:05.678Z`). The fields have
    the names of the lock's keys, so that the thousands of files of a lock are read without a detour.
    """

    url: str | None = None
    path: str | None = None
    filename: str | None = None
    hash: str | None = None
    size: Size | None = None
    upload_time: str | None = None
    zstd: Recompressed | None = None

    @property
    def name(self) -> str:
        """The file's name (the last path segment, percent-decoded), empty for a direct sdist."""
        if self.filename is not None:
            return self.filename
        if self.path is not None:
            return self.path.rsplit("/", 1)[-1]
        if self.url is not None:
            path = self.url.partition("?")[0].partition("#")[0]
            return unquote(path.rsplit("/", 1)[-1])
        return ""


class Dependency(Struct, frozen=True, kw_only=True):
    """An edge: the target package's identity, the extras asked of it, and the condition.

    `printed` is the condition as the lock states it, `marker` the same within the lock's environments
    (`environments.widen` makes the one from the other).
    """

    name: str
    version: Version | None
    source: Source
    extras: tuple[str, ...] = ()
    printed: Marker = TRUE
    marker: UniversalMarker


class PackageMetadata(Struct, frozen=True, kw_only=True):
    """What a mutable package declared when it was locked."""

    requires_dist: tuple[Requirement, ...] = ()
    provides_extras: tuple[str, ...] = ()
    requires_dev: tuple[tuple[str, tuple[Requirement, ...]], ...] = ()


class Package(Struct, frozen=True, kw_only=True):
    """One `[[package]]`. `source` of an index package is `Registry(index=URL)`, of git it has the commit.

    `default_groups` is None where the key is absent.
    """

    name: str
    version: Version | None
    source: Source
    default_groups: tuple[str, ...] | Literal["all"] | None = None
    fork_markers: tuple[UniversalMarker, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    optional_dependencies: tuple[tuple[str, tuple[Dependency, ...]], ...] = ()
    dev_dependencies: tuple[tuple[str, tuple[Dependency, ...]], ...] = ()
    group_requires_python: tuple[tuple[str, str], ...] = ()
    sdist: LockedFile | None = None
    wheels: tuple[LockedFile, ...] = ()
    metadata: PackageMetadata | None = None


class LockedCutoff(Struct, frozen=True, kw_only=True):
    """`exclude-newer` as the lock states it: RFC 3339 text in UTC, or the span of a relative one."""

    timestamp: str | None = None
    span: str | None = None


class Options(Struct, frozen=True, kw_only=True):
    """`[options]`: settings that differ from their defaults."""

    resolution: Resolution = Resolution.HIGHEST
    prerelease: Prerelease = Prerelease.IF_NECESSARY
    fork_strategy: ForkStrategy = ForkStrategy.REQUIRES_PYTHON
    cutoff: LockedCutoff | None = None
    prerelease_package: tuple[tuple[str, Prerelease], ...] = ()
    cutoff_package: tuple[tuple[str, LockedCutoff | Literal[False]], ...] = ()


class LockManifest(Struct, frozen=True, kw_only=True):
    """`[manifest]`: resolver inputs that belong to no package entry."""

    members: tuple[str, ...] = ()
    default_groups: tuple[str, ...] | Literal["all"] | None = None
    requirements: tuple[Requirement, ...] = ()
    constraints: tuple[Requirement, ...] = ()
    overrides: tuple[Override, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    build_constraints: tuple[Requirement, ...] = ()
    groups: tuple[Group, ...] = ()
    group_requires_python: tuple[tuple[str, str], ...] = ()
    static_metadata: tuple[StaticMetadata, ...] = ()


class Lock(Struct, frozen=True, kw_only=True):
    """A whole lock. `packages` are sorted by (name, version, source)."""

    version: int = 1
    revision: int = 5
    requires_python: RequiresPython
    fork_markers: tuple[UniversalMarker, ...] = ()
    supported_environments: tuple[Marker, ...] | None = None
    required_environments: tuple[Marker, ...] | None = None
    conflicts: tuple[tuple[ConflictItem, ...], ...] = ()
    options: Options = Options()
    manifest: LockManifest = LockManifest()
    packages: tuple[Package, ...] = ()


class Change(Struct, frozen=True, kw_only=True):
    """How one package name differs between two locks; empty `old` means added, empty `new` removed."""

    name: str
    old: tuple[str, ...]
    new: tuple[str, ...]


class Reuse(StrEnum):
    """What an older lock is good for: all of it, its versions and forks, its versions alone, or nothing."""

    SATISFIED = "satisfied"
    PREFERABLE = "preferable"
    VERSIONS = "versions"
    UNUSABLE = "unusable"


class Reason(Struct, frozen=True, kw_only=True):
    """Why a lock does not state the inputs any more, in words. `check` is a short name for machines.

    `reuse` is what this reason alone leaves of the lock.
    """

    check: str
    text: str
    reuse: Reuse


class Validation(Struct, frozen=True, kw_only=True):
    """Whether a lock still states the inputs. `reasons` are in the order of the checks, empty where it does.

    `reuse` follows from the first reason. `unchecked` names local packages that are no members, whose own
    declarations were not at hand.
    """

    reasons: tuple[Reason, ...] = ()
    reuse: Reuse = Reuse.SATISFIED
    unchecked: tuple[str, ...] = ()


class Waiting(Struct, frozen=True, kw_only=True):
    """Another process has a file that only one may have; `process` is its number, `command` what it was started as.

    0 and empty where that is not known. `seconds` is how long this one has waited.
    """

    path: str
    seconds: float
    process: int = 0
    command: str = ""

    @property
    def holder(self) -> str:
        """Who has the file: `lockflow refresh (process 42)`, `process 42`, or `another process`."""
        if not self.process:
            return "another process"
        number = f"process {self.process}"
        return f"{self.command} ({number})" if self.command else number


class Request(Struct, frozen=True, kw_only=True):
    """What was asked for beside the inputs: names to upgrade, and whether to look at the index afresh."""

    upgrade: frozenset[str] | Literal["all"] = frozenset()
    refresh: bool = False
