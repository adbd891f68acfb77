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

Below them lie the words of the field (`standards`), the hands that run commands (`engines`) and the exceptions
(`errors`); above them `steps` and the other stairs walk through the rooms, and `cli` and `tasks` ask for that. As a
library, a step is a function:

    >>> import lockflow
    >>> target = lockflow.Target(directory=Path("project"), environment=os.environ)
    >>> result = lockflow.lock(target)
    >>> report = lockflow.check(target)
    >>> built = lockflow.build_images(target, lockflow.ImageAsk(platforms=("linux/arm64",))).images
    >>> refreshed = lockflow.refresh(target, lockflow.Ask(at_most=5)).refreshed

They are loaded when first used, so that `import lockflow` costs nothing. None of them prints or exits; what goes
wrong is a `LockflowError` (see `lockflow.errors`), progress is told to a callback.
"""

from __future__ import annotations

import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lockflow.building import BuiltImage, ImageAsk, ImageResult, build_images
    from lockflow.errors import AnswerIsNo, LockflowError
    from lockflow.refresh import Ask, RefreshResult, refresh
    from lockflow.steps import LockResult, Mode, Network, Status, Target, check, lock, report

__all__ = [
    "AnswerIsNo",
    "Ask",
    "BuiltImage",
    "ImageAsk",
    "ImageResult",
    "LockResult",
    "LockflowError",
    "Mode",
    "Network",
    "RefreshResult",
    "Status",
    "Target",
    "build_images",
    "check",
    "lock",
    "refresh",
    "report",
]


_PLACES = {
    **dict.fromkeys(("Ask", "RefreshResult", "refresh"), ("refresh",)),
    **dict.fromkeys(("BuiltImage", "ImageAsk", "ImageResult", "build_images"), ("building",)),
}
"""Where what is neither a step nor an error is."""


def __getattr__(name: str) -> object:
    """Load the library's functions when one is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _find(name)


def _find(name: str) -> object:
    from importlib import import_module  # noqa: PLC0415  the point of this module is to load all of it late

    places = (import_module(f"lockflow.{module}") for module in _PLACES.get(name, ("errors", "steps")))
    return next(getattr(place, name) for place in places if hasattr(place, name))


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
