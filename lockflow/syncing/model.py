"""What an installation is asked for, what it says on the way, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from lockflow.environments.model import Environment, LinkMode, Plan, Wanted
from lockflow.lock.export.model import Wish
from lockflow.lock.model import Lock
from lockflow.steps import LockResult


class SyncAsk(Struct, frozen=True, kw_only=True):
    """What is to be installed, and how.

    `wish` names projects, extras and groups; those of `default-groups` count where `has_defaults`. `python` asks for an
    interpreter (`3.12`, `>=3.11`, a path), `python_flag` says what did. Where `is_exact`, what is not asked for is
    removed. `again` are names to install anew, True for all. `not_editable` are projects that are installed as copies,
    True for all. `place` is the environment's folder in place of the project's own; `is_active` takes the one that
    VIRTUAL_ENV names. Where `is_dry_run`, nothing is
    done.
    """

    wish: Wish = Wish()
    has_defaults: bool = True
    python: str = ""
    python_flag: str = "--python"
    is_exact: bool = True
    again: frozenset[str] | bool = False
    not_editable: frozenset[str] | bool = False
    place: Path | None = None
    is_active: bool = False
    link_mode: LinkMode | None = None
    compiles: bool = False
    is_dry_run: bool = False


class Listener(Protocol):
    """Told, from the calling thread, what goes on.

    `say` gets lines that stay, `warn` warnings, `step` how far the bringing of wheels is, which the next step replaces.
    `resolved` is told the outcome of the lock operation before anything is installed.
    """

    def say(self, line: str) -> None: ...

    def warn(self, text: str) -> None: ...

    def step(self, text: str) -> None: ...

    def resolved(self, result: LockResult) -> None: ...


class Silent:
    """Listens to nothing."""

    def say(self, line: str) -> None:
        """Take no notice."""

    warn = step = say

    def resolved(self, result: LockResult) -> None:
        """Take no notice."""


class SyncResult(Struct, frozen=True, kw_only=True):
    """What came of it.

    `made` tells how the environment came about, or would; `plan` what was done, or would be; `wanted` all that belongs
    there; `versions` are those of what was installed, by name. `is_python_placed` tells that a Python was asked for by
    a path or by the name of a program. `downloads` counts wheels that were not in the cache. Seconds are the wall time
    that it took to bring, to remove and to install. `environment` is None where a dry run found none.
    """

    result: LockResult | None
    lock: Lock
    root: Path
    environment: Environment | None
    made: Literal["used", "created", "replaced"]
    plan: Plan
    wanted: tuple[Wanted, ...] = ()
    is_python_placed: bool = False
    versions: dict[str, str] = {}
    downloads: int = 0
    prepare_seconds: float = 0.0
    remove_seconds: float = 0.0
    install_seconds: float = 0.0
