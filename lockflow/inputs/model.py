"""What people wrote, after reading: projects, groups, sources and the settings that reach a lock.

Requirements in here are *lowered*: `tool.uv.sources` has been applied, so each says where it comes from
(`Requirement.source`). Paths are relative to the folder of the lock, with `/` separators, unless the user
gave an absolute one.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from lockflow.standards.markers.tree import Marker
from lockflow.standards.requirements import ConflictItem, Requirement, RequiresPython
from lockflow.standards.versions import Version


class Resolution(StrEnum):
    """Which end of a version range is preferred."""

    HIGHEST = "highest"
    LOWEST = "lowest"
    LOWEST_DIRECT = "lowest-direct"


class Prerelease(StrEnum):
    """When pre-releases are candidates."""

    IF_NECESSARY = "if-necessary"
    ALLOW = "allow"
    DISALLOW = "disallow"
    EXPLICIT = "explicit"


class ForkStrategy(StrEnum):
    """Whether each Python gets the newest version, or all Pythons the fewest versions."""

    REQUIRES_PYTHON = "requires-python"
    FEWEST = "fewest"


class IndexStrategy(StrEnum):
    """How candidates of several indexes are combined."""

    FIRST_INDEX = "first-index"
    UNSAFE_FIRST_MATCH = "unsafe-first-match"
    UNSAFE_BEST_MATCH = "unsafe-best-match"


class Cutoff(Struct, frozen=True, kw_only=True):
    """`exclude-newer`: files uploaded at `timestamp_ns` or later do not exist.

    `timestamp_ns` is nanoseconds since the epoch, UTC. `span` is the ISO 8601 duration a relative cut-off was
    given as (`P7D`); then the timestamp was computed from the clock by the edge that read the setting.
    """

    timestamp_ns: int
    span: str | None = None


class Index(Struct, frozen=True, kw_only=True):
    """One package index. `url` has no credentials; they are kept apart, by the edge that authenticates.

    A local index has a path for a `url`: relative to the folder of the lock unless the user gave an absolute one.
    """

    url: str
    name: str | None = None
    is_default: bool = False
    is_explicit: bool = False
    is_flat: bool = False
    authenticate: Literal["auto", "always", "never"] = "auto"
    ignore_error_codes: tuple[int, ...] = ()
    cutoff: Cutoff | Literal[False] | None = None
    cutoff_package: tuple[tuple[str, Cutoff | Literal[False]], ...] = ()
    hash_algorithm: str | None = None


PREVIEWS = frozenset(("lock-without-metadata", "lockfile-format-check"))
"""The preview features of uv that concern a lock and are known here: one leaves out what local packages declare, the
other makes a check refuse a lock in another layout."""

Executor = Literal["auto", "process", "docker", "swarm"]
"""Where platforms are checked: in this process, in containers, in containers where an engine answers (`auto`), or in
those of many machines (`swarm`, of which there is only the name yet)."""

Evidence = Literal["tags", "probe", "install"]


class ImageSettings(Struct, frozen=True, kw_only=True):
    """`[tool.lockflow.image]`: what images are made of; None where the platform or the project decides.

    `base` and `builder` are names of images in which `{python}` and `{arch}` are replaced; `name` is the repository,
    `files` (relative to the root) are copied into the working folder of the image.
    """

    name: str | None = None
    base: str | None = None
    builder: str | None = None
    uv: str | None = None
    python: str | None = None
    package: str | None = None
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    user: str = "1000:1000"
    entrypoint: tuple[str, ...] = ()


class Settings(Struct, frozen=True, kw_only=True):
    """The options that influence a resolution, after merging command line, environment and files.

    `indexes` run from first to last consulted and contain the default index unless switched off;
    `find_links` are flat indexes searched beside them. Names are normalised.
    """

    indexes: tuple[Index, ...] = ()
    find_links: tuple[Index, ...] = ()
    index_strategy: IndexStrategy = IndexStrategy.FIRST_INDEX
    resolution: Resolution = Resolution.HIGHEST
    prerelease: Prerelease = Prerelease.IF_NECESSARY
    prerelease_package: tuple[tuple[str, Prerelease], ...] = ()
    fork_strategy: ForkStrategy = ForkStrategy.REQUIRES_PYTHON
    cutoff: Cutoff | None = None
    cutoff_package: tuple[tuple[str, Cutoff | Literal[False]], ...] = ()
    no_build: bool = False
    no_build_package: frozenset[str] = frozenset()
    no_binary: bool = False
    no_binary_package: frozenset[str] = frozenset()
    no_build_isolation: bool = False
    no_build_isolation_package: frozenset[str] = frozenset()
    config_settings: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """PEP 517 settings for every build, sorted by key; one value or several."""
    config_settings_package: tuple[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], ...] = ()
    build_variables: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    """Environment variables for the builds of packages, by package, both sorted."""
    keyring_provider: Literal["disabled", "subprocess"] = "disabled"
    previews: frozenset[str] = frozenset()
    """Which of `PREVIEWS` are on."""
    uv: str | None = None
    """The uv release whose lock revision is written (`[tool.lockflow] uv`), None for the newest known."""
    python_versions: tuple[str, ...] = ()
    """`[tool.lockflow] python-versions`: minors to check, empty for those that requires-python admits."""
    platforms: tuple[str, ...] = ("darwin", "linux/amd64", "linux/arm64")
    """`[tool.lockflow] platforms`: names of the platforms to check."""
    allow_sdist: frozenset[str] = frozenset()
    """`[tool.lockflow] allow-sdist`: packages that may be built from source in an image."""
    require_wheels: Literal["no", "prefer", "insist"] = "no"
    """`[tool.lockflow] require-wheels`: whether versions must have wheels for all platforms and Pythons to check."""
    executor: Executor = "process"
    """`[tool.lockflow] executor`: where platforms are checked."""
    level: Evidence | None = None
    """`[tool.lockflow] level`: which evidence is asked for, None for what the executor usually gives."""
    modules: tuple[str, ...] = ()
    """`[tool.lockflow] modules`: what must be importable where the lock was installed."""
    engines: tuple[tuple[str, str], ...] = ()
    """`[tool.lockflow.engines]`: platforms as engines name them, each with the address of an engine of its own."""
    image: ImageSettings = ImageSettings()
    """`[tool.lockflow.image]`: what images are made of."""

    @property
    def records_metadata(self) -> bool:
        """Whether a lock states what local packages declare."""
        return "lock-without-metadata" not in self.previews

    def forbids_build(self, name: str) -> bool:
        """Whether `name` must not be built from source; wheels forbidden for it by name lift a general ban."""
        if self.no_build:
            return self.no_binary or name not in self.no_binary_package
        return name in self.no_build_package

    def forbids_wheels(self, name: str) -> bool:
        """Whether wheels of `name` must not be used; builds forbidden for it by name lift a general ban."""
        if self.no_binary:
            return self.no_build or name not in self.no_build_package
        return name in self.no_binary_package


class SettingsOverrides(Struct, frozen=True, kw_only=True):
    """What the command line says about the settings, as typed there; None where a flag was not given.

    Fields are named after the flags of `uv lock`. `base` is the folder against which relative paths in flags and
    environment variables are resolved, None for the folder where reading starts.
    """

    index: tuple[str, ...] | None = None
    default_index: str | None = None
    index_url: str | None = None
    extra_index_url: tuple[str, ...] | None = None
    find_links: tuple[str, ...] | None = None
    no_index: bool | None = None
    index_strategy: str | None = None
    keyring_provider: str | None = None
    upgrade: bool | None = None
    upgrade_package: tuple[str, ...] | None = None
    upgrade_group: tuple[str, ...] | None = None
    resolution: str | None = None
    prerelease: str | None = None
    prerelease_package: tuple[str, ...] | None = None
    fork_strategy: str | None = None
    exclude_newer: str | None = None
    exclude_newer_package: tuple[str, ...] | None = None
    no_sources: bool | None = None
    no_sources_package: tuple[str, ...] | None = None
    config_setting: tuple[str, ...] | None = None
    config_settings_package: tuple[str, ...] | None = None
    no_build_isolation: bool | None = None
    no_build_isolation_package: tuple[str, ...] | None = None
    no_build: bool | None = None
    no_build_package: tuple[str, ...] | None = None
    no_binary: bool | None = None
    no_binary_package: tuple[str, ...] | None = None
    preview: bool | None = None
    preview_features: tuple[str, ...] | None = None
    config_file: str | None = None
    no_config: bool | None = None
    base: str | None = None


class Scope(Struct, frozen=True, kw_only=True):
    """The parent to which a scoped override or exclusion applies."""

    name: str
    version: Version | None = None


class Override(Struct, frozen=True, kw_only=True):
    """`override-dependencies`: one global entry (scope None, one requirement) or one scoped table."""

    scope: Scope | None = None
    requirements: tuple[Requirement, ...]


class Exclusion(Struct, frozen=True, kw_only=True):
    """`exclude-dependencies`: one global name (scope None) or the names one parent loses, in the user's order."""

    scope: Scope | None = None
    names: tuple[str, ...]


class StaticMetadata(Struct, frozen=True, kw_only=True):
    """One entry of `tool.uv.dependency-metadata`, used instead of reading or building."""

    name: str
    version: Version | None = None
    requires_dist: tuple[Requirement, ...] = ()
    requires_python: str | None = None
    provides_extras: tuple[str, ...] = ()


class ExtraBuild(Struct, frozen=True, kw_only=True):
    """One entry of `tool.uv.extra-build-dependencies`: what the build of `package` needs beside what it declares.

    With `matches_runtime` at the version with which the package is locked, which no build for its metadata can know.
    """

    package: str
    requirement: Requirement
    matches_runtime: bool = False


class Group(Struct, frozen=True, kw_only=True):
    """A dependency group with its includes expanded (PEP 735).

    `requires_python` is the combined `tool.uv.dependency-groups.NAME.requires-python`, as specifier text
    joined by `,`, or None; its marker is already part of every requirement.
    """

    name: str
    requirements: tuple[Requirement, ...]
    requires_python: str | None = None


class Member(Struct, frozen=True, kw_only=True):
    """A project of the workspace. `path` is `.` for the root.

    `version` is None where the project declares it dynamic. `requires_dist` holds the dependencies of the
    project and then those of each extra with `extra == 'x'` in the marker, as core metadata has them;
    `provides_extras` keeps the declared order. `default_groups` is None where the setting is absent. `dynamic`
    names those of `version`, `dependencies`, `optional-dependencies` and `requires-python` that only the build
    backend knows; what the fields here say about them is not the whole truth.
    """

    name: str
    path: str
    version: Version | None
    install: Literal["editable", "virtual", "directory"]
    requires_python: RequiresPython | None
    requires_dist: tuple[Requirement, ...]
    provides_extras: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    default_groups: tuple[str, ...] | Literal["all"] | None = None
    dynamic: frozenset[str] = frozenset()


class Tree(Struct, frozen=True, kw_only=True):
    """A source tree that is no member of the workspace, as its own files declare it.

    `declared` is None where there is no `[project]`. `is_complete` tells that nothing in it has to be asked of the
    build backend, the version apart. `lower` applies the tree's own sources to a requirement that its backend states.
    """

    declared: Member | None
    is_complete: bool
    lower: Callable[[Requirement], tuple[Requirement, ...]]


class WheelTarget(Struct, frozen=True, kw_only=True):
    """A platform and Python for which versions shall have wheels: its `marker`, and the tags accepted there.

    `name` is for people. A marker cannot tell libc and macOS versions apart, tags can.
    """

    name: str
    marker: Marker
    tags: frozenset[tuple[str, str, str]]


class Manifest(Struct, frozen=True, kw_only=True):
    """Everything a lock depends on.

    A workspace has `members` (sorted by name); a script or a root without `[project]` has `requirements` and
    `groups` of its own. `conflicts` are in declared order, items sorted by package, kind, name.
    `environments` is None where not declared (an empty tuple cannot occur). `wheel_targets` are not read but worked
    out from the definitions of platforms, where the settings ask for wheels.
    """

    is_script: bool = False
    members: tuple[Member, ...] = ()
    has_project_root: bool = True
    requirements: tuple[Requirement, ...] = ()
    groups: tuple[Group, ...] = ()
    default_groups: tuple[str, ...] | Literal["all"] | None = None
    requires_python: RequiresPython
    constraints: tuple[Requirement, ...] = ()
    overrides: tuple[Override, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    build_constraints: tuple[Requirement, ...] = ()
    static_metadata: tuple[StaticMetadata, ...] = ()
    extra_builds: tuple[ExtraBuild, ...] = ()
    environments: tuple[Marker, ...] | None = None
    required_environments: tuple[Marker, ...] | None = None
    conflicts: tuple[tuple[ConflictItem, ...], ...] = ()
    settings: Settings = Settings()
    wheel_targets: tuple[WheelTarget, ...] = ()
