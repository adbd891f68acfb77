"""What whoever makes an index client decides: places, how hosts are reached, whether and with what is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from lockflow.index.model import BuildPackage
from lockflow.index.network import HttpOptions
from lockflow.inputs.model import ExtraBuild, Settings, StaticMetadata, Tree
from lockflow.standards.interpreter import Interpreter
from lockflow.standards.requirements import Requirement

ReadTree = Callable[[Path, Path], Tree | None]


class Builds(Struct, frozen=True, kw_only=True):
    """Whether and with what source trees are built.

    `resolve` turns build requirements into packages for this interpreter; it is told the builds that wait for it.
    `extra` are requirements that builds do not declare themselves.
    `environment` are the variables of which a few reach a backend; `under_way` names the builds that this one is a
    part of, outermost first. `digest` stands for all that changes what a build says apart from the source itself.
    `interpreter` is the Python to build for, by default the one that runs; `unisolated` the path of the one that builds
    what is to be built without isolation.
    """

    settings: Settings
    resolve: Callable[[tuple[Requirement, ...], tuple[str, ...]], tuple[BuildPackage, ...]]
    extra: tuple[ExtraBuild, ...] = ()
    environment: Mapping[str, str] = {}
    under_way: tuple[str, ...] = ()
    digest: str = ""
    timeout_seconds: float = 1200.0
    interpreter: Interpreter | None = None
    unisolated: str = ""

    def is_disabled(self, name: str) -> bool:
        return self.settings.forbids_build(name)


class ClientOptions(Struct, frozen=True, kw_only=True):
    """What the caller decides. `root` is the folder from which paths of local indexes count (that of the lock).

    `cache_folder` None, or `no_cache`, means that nothing is stored or used. `refresh` asks again for what is
    stored: for everything, or for the projects named. Without `builds` no source tree is built.
    `read_tree` reads what the files of a source tree declare, with paths seen from another folder.
    """

    root: Path
    cache_folder: Path | None = None
    no_cache: bool = False
    offline: bool = False
    refresh: bool | frozenset[str] = False
    http: HttpOptions = HttpOptions()
    builds: Builds | None = None
    read_tree: ReadTree = lambda folder, seen_from: None  # noqa: ARG005
    static_metadata: tuple[StaticMetadata, ...] = ()
