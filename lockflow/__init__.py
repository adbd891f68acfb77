"""Lock a Python project once for all platforms, prove the lock on each of them, and build from exactly that lock.

The walk, in the order in which data moves; each room takes the structs of rooms before it and hands on its own:

1. `inputs` reads what people wrote (pyproject.toml, uv.toml, scripts) into a Manifest.
2. `index` reads what the world offers: a Listing of files for each project, Metadata for each file.
3. `resolve` finds what fits together on every platform and Python at once: a Resolution, or why there is none.
4. `lock` writes it down as a Lock in the format of uv.lock, byte for byte as uv does, and tells whether an old one
   is still right.
5. `platforms` works out, platform by platform, which file of each package an installer would take: a Coverage.
6. `report` tells people, as a page, JSON, Markdown, JUnit and rows for a terminal.
7. `images` compares, before a build, what would make it fail, says how an image is built, and whether it is right.
8. `environments` makes a virtual environment hold what the lock says: a Plan, and what becomes of it.

Below them lie the words of the field (`standards`), the hands that run commands (`engines`) and the exceptions
(`errors`); above them `steps` and the other stairs walk through the rooms, and `cli` and `tasks` ask for that. As a
library, a step is a function:

    >>> import os
    >>> from pathlib import Path
    >>> import lockflow
    >>> target = lockflow.Target(directory=Path("project"), environment=os.environ)
    >>> result = lockflow.lock(target)
    >>> report = lockflow.check(target)
    >>> built = lockflow.build_images(target, lockflow.ImageAsk(platforms=("linux/arm64",))).images
    >>> refreshed = lockflow.refresh(target, lockflow.Ask(at_most=5)).refreshed
    >>> names = [package.name for package in lockflow.read_lock(Path("project", "uv.lock")).packages]

They are loaded when first used, so that `import lockflow` costs nothing. None of them prints or exits; what goes
wrong is a `LockflowError` (see `lockflow.errors`), progress is told to a callback.
"""

from __future__ import annotations

import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lockflow.building import BuiltImage, ImageAsk, ImageResult, build_images
    from lockflow.checking import check, report
    from lockflow.dependencies import AddAsk, Done, Place, add, remove
    from lockflow.engines.watch import Job, Watch
    from lockflow.errors import AnswerIsNo, EngineError, InputError, LockFileError, LockflowError, NetworkError
    from lockflow.inputs.model import SettingsOverrides
    from lockflow.lock.export.model import Wish
    from lockflow.lock.model import Change, Lock, Waiting
    from lockflow.refresh import Ask, RefreshResult, refresh
    from lockflow.report.model import PlatformReport, Report, Verdict
    from lockflow.steps import LockResult, Mode, Network, Status, Target, lock, read_lock
    from lockflow.syncing.model import Listener, SyncAsk, SyncResult
    from lockflow.syncing.walk import sync

__all__ = [
    "AddAsk",
    "AnswerIsNo",
    "Ask",
    "BuiltImage",
    "Change",
    "Done",
    "EngineError",
    "ImageAsk",
    "ImageResult",
    "InputError",
    "Job",
    "Listener",
    "Lock",
    "LockFileError",
    "LockResult",
    "LockflowError",
    "Mode",
    "Network",
    "NetworkError",
    "Place",
    "PlatformReport",
    "RefreshResult",
    "Report",
    "SettingsOverrides",
    "Status",
    "SyncAsk",
    "SyncResult",
    "Target",
    "Verdict",
    "Waiting",
    "Watch",
    "Wish",
    "add",
    "build_images",
    "check",
    "lock",
    "read_lock",
    "refresh",
    "remove",
    "report",
    "sync",
]

_PLACES = {
    "building": "BuiltImage ImageAsk ImageResult build_images",
    "checking": "check report",
    "dependencies": "AddAsk Done Place add remove",
    "engines.watch": "Job Watch",
    "errors": "AnswerIsNo EngineError InputError LockFileError LockflowError NetworkError",
    "inputs.model": "SettingsOverrides",
    "lock.export.model": "Wish",
    "lock.model": "Change Lock Waiting",
    "refresh": "Ask RefreshResult refresh",
    "report.model": "PlatformReport Report Verdict",
    "steps": "LockResult Mode Network Status Target lock read_lock",
    "syncing.model": "Listener SyncAsk SyncResult",
    "syncing.walk": "sync",
}
"""Module to the names that it is loaded for."""


def __getattr__(name: str) -> object:
    """Load the library's functions when one is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _find(name)


def __dir__() -> list[str]:
    """What `dir()` and completion show, whatever is loaded by now."""
    return sorted({*globals(), *__all__})


def _find(name: str) -> object:
    from importlib import import_module  # noqa: PLC0415  the point of this module is to load all of it late

    module = next(module for module, names in _PLACES.items() if name in names.split())
    return getattr(import_module(f"lockflow.{module}"), name)


def _ignore(_: object, room: object) -> None:
    """Take no notice of a submodule that was loaded."""


class _Library(ModuleType):
    """A module where `lock`, `refresh` and `report` are the functions although modules have the same names.

    The import system sets a package's attribute for every submodule that is loaded; for these three that is ignored.
    """

    lock = property(lambda _: _find("lock"), _ignore)
    refresh = property(lambda _: _find("refresh"), _ignore)
    report = property(lambda _: _find("report"), _ignore)


sys.modules[__name__].__class__ = _Library
