"""Virtual environments: what is installed in one, what should be, and the plan that leads from the one to the other."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

from msgspec import Struct

from lockflow.lock.model import LockedFile, Package
from lockflow.standards.interpreter import Interpreter

LinkMode = Literal["clone", "hardlink", "copy"]
"""How a file of the cache comes into an environment."""


class DirInfo(Struct, frozen=True, kw_only=True):
    """`dir_info` of a direct_url.json."""

    editable: bool = False


class VcsInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`vcs_info` of a direct_url.json."""

    vcs: str
    commit_id: str = ""
    requested_revision: str | None = None


class ArchiveInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`archive_info` of a direct_url.json; `hash` is the old way to say it."""

    hash: str | None = None
    hashes: dict[str, str] | None = None


class Origin(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """direct_url.json (PEP 610): where a package was taken from that is of no index. `url` has no credentials."""

    url: str
    dir_info: DirInfo | None = None
    vcs_info: VcsInfo | None = None
    archive_info: ArchiveInfo | None = None
    subdirectory: str | None = None


class Installed(Struct, frozen=True, kw_only=True):
    """A package in an environment.

    `name` is normalised, `version` as its folder has it. `info` is that folder's name (`attrs-24.1.0.dist-info`),
    `folder` the site-packages it lies in. `state` names the sources it was built from, as lockflow noted them.
    """

    name: str
    version: str
    info: str
    folder: PurePath
    origin: Origin | None = None
    state: str = ""


class Wanted(Struct, frozen=True, kw_only=True):
    """A package that should be there.

    `kind` says what it is made of: a `wheel` or an `sdist`, which is `file` where the lock has one, or a source
    `tree`. `state` names the sources of a tree on disk as they are now; empty for what never changes.
    """

    package: Package
    kind: Literal["wheel", "sdist", "tree"]
    file: LockedFile | None = None
    origin: Origin | None = None
    is_editable: bool = False
    state: str = ""

    @property
    def name(self) -> str:
        return self.package.name

    @property
    def version(self) -> str:
        """Empty where only a build tells it."""
        return "" if self.package.version is None else str(self.package.version)


class Environment(Struct, frozen=True, kw_only=True):
    """A virtual environment on disk; `is_bare` tells that whoever made it put no pip into it."""

    root: PurePath
    interpreter: Interpreter
    is_bare: bool = True

    @property
    def python(self) -> PurePath:
        name = "python.exe" if self.interpreter.environment["os_name"] == "nt" else "python"
        return self.scripts / name

    @property
    def scripts(self) -> PurePath:
        return self.root / self.interpreter.layout.scripts

    @property
    def purelib(self) -> PurePath:
        return self.root / self.interpreter.layout.purelib

    @property
    def platlib(self) -> PurePath:
        return self.root / self.interpreter.layout.platlib


class Plan(Struct, frozen=True, kw_only=True):
    """What to remove and what to add, each by name; `kept` counts what is right already."""

    remove: tuple[Installed, ...] = ()
    add: tuple[Wanted, ...] = ()
    kept: int = 0

    @property
    def is_empty(self) -> bool:
        return not self.remove and not self.add
