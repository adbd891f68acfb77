"""What is to be edited, and what came of it."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from lockflow.inputs.dependency_lists import Bounds
from lockflow.steps import LockResult


class Place(Struct, frozen=True, kw_only=True):
    """Which list of which file: of a dependency group, an extra, the `dev` group, or the dependencies themselves."""

    group: str = ""
    extra: str = ""
    is_dev: bool = False
    package: str = ""


class AddAsk(Struct, frozen=True, kw_only=True):
    """What is to be added, and how it is written down.

    `requirements` are PEP 508 texts, URLs or paths; `extras`, `marker` and the references hold for each of them.
    `files` are requirements files whose entries are added too, `constraints` those that bound this run only.
    `indexes` are `NAME=URL` or URL, for the project. `workspace` None lets a path inside of the project decide.
    """

    requirements: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    constraints: tuple[Path, ...] = ()
    place: Place = Place()
    bounds: Bounds | None = None
    marker: str = ""
    extras: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    rev: str = ""
    tag: str = ""
    branch: str = ""
    editable: bool = False
    raw: bool = False
    workspace: bool | None = None


class Done(Struct, frozen=True, kw_only=True):
    """What came of it: the file edited, its text before and after, and the lock operation where there was one.

    `warnings` say what of requirements files was left out.
    """

    path: Path
    before: str
    after: str
    result: LockResult | None = None
    warnings: tuple[str, ...] = ()
