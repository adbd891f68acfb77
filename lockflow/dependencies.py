"""Requirements added to and removed from what people wrote, with the lock following: all of it or nothing.

What files would hold is tried as drafts. Only when the lock for them is written do they replace the files, and what
goes wrong then puts the lock back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from lockflow.editing.addition import Addition
from lockflow.editing.file import EditedFile
from lockflow.editing.model import AddAsk, Done, Place
from lockflow.inputs.dependency_lists import Bounds, bounds
from lockflow.inputs.edit import with_index
from lockflow.lock.modes import Mode
from lockflow.resolve.drive import Progress
from lockflow.standards.names import normalize_name
from lockflow.steps import Network, Target

__all__ = ["AddAsk", "Bounds", "Done", "Mode", "Place", "add", "remove"]

_USUAL = Network()


def add(
    target: Target, ask: AddAsk, mode: Mode = Mode.WRITE, *, network: Network = _USUAL, progress: Progress | None = None
) -> Done:
    """Add requirements and lock; new ones of an index get bounds after the versions that were locked.

    `mode` FROZEN edits only, DRY_RUN leaves all files as they are, LOCKED refuses what would change the lock.
    """
    file = EditedFile(target, ask.place)
    added = [Addition(text, ask, file) for text in ask.requirements]
    for addition in added:
        addition.apply()
    # Each goes before all others, so the last is put first.
    for line in reversed(ask.indexes):
        file.edit(partial(_with_index, line=line, where=file.label))
    wanting = [addition for addition in added if addition.wants_bounds]
    if wanting and not ask.raw and mode is not Mode.FROZEN:
        versions = file.locked_versions(file.tried(network, progress))
        kind = ask.bounds or file.usual_bounds()
        for addition in wanting:
            version = versions.get(addition.written.name)
            if version is not None:
                addition.apply_bounds(bounds(version, kind))
    return file.settled(mode, network, progress)


def remove(
    target: Target,
    names: Sequence[str],
    place: Place,
    mode: Mode = Mode.WRITE,
    *,
    network: Network = _USUAL,
    progress: Progress | None = None,
) -> Done:
    """Remove requirements by name, with their sources where nobody else needs them, and lock. Modes as of `add`."""
    file = EditedFile(target, place)
    for name in map(normalize_name, names):
        file.remove(name)
    return file.settled(mode, network, progress)


def _with_index(text: str, *, line: str, where: str) -> str:
    match = re.fullmatch(r"([A-Za-z0-9._-]+)=(.+)", line)
    name, url = match.groups() if match is not None else ("", line)
    return with_index(text, name, url, where=where)
