"""Requirements added to and removed from what people wrote, with the lock following: all of it or nothing.

What files would hold is tried as drafts. Only when the lock for them is written do they replace the files, and what
goes wrong then puts the lock back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from itertools import chain

from msgspec.structs import replace

from lockflow.editing.addition import Addition
from lockflow.editing.file import EditedFile
from lockflow.editing.model import AddAsk, Done, Place
from lockflow.editing.requirements import Gathered, gather, gather_constraints
from lockflow.errors import InputError
from lockflow.inputs.dependency_lists import Bounds, bounds
from lockflow.inputs.edit import with_index
from lockflow.lock.modes import Mode
from lockflow.resolve.drive import Progress
from lockflow.standards.names import normalize_name
from lockflow.standards.requirements import InvalidRequirement, Requirement, parse_requirement
from lockflow.steps import Network, Target, alone

__all__ = ["AddAsk", "Bounds", "Done", "Mode", "Place", "add", "remove"]

_USUAL = Network()
_DEPENDENCIES = Place()


def add(
    target: Target, ask: AddAsk, mode: Mode = Mode.WRITE, *, network: Network = _USUAL, progress: Progress | None = None
) -> Done:
    """Add requirements and lock; new ones of an index get bounds after the versions that were locked.

    `mode` FROZEN edits only, DRY_RUN leaves all files as they are, LOCKED refuses what would change the lock.
    """
    files = _Files(ask)
    with alone(target):
        file = EditedFile(replace(target, limits=(*target.limits, *files.limits)), ask.place)
        if not files.requirements:
            file.make_list()
        added = [Addition(text, asked, file) for text, asked in files.requirements]
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
        return replace(file.settled(mode, network, progress), warnings=files.warnings)


def remove(
    target: Target,
    names: Sequence[str],
    place: Place = _DEPENDENCIES,
    mode: Mode = Mode.WRITE,
    *,
    network: Network = _USUAL,
    progress: Progress | None = None,
) -> Done:
    """Remove requirements by name, with their sources where nobody else needs them, and lock. Modes as of `add`."""
    with alone(target):
        file = EditedFile(target, place)
        for name in map(normalize_name, names):
            file.remove(name)
        return file.settled(mode, network, progress)


class _Files:
    """All that is asked to be added, word by word and by files, with what bounds it and what is left out."""

    def __init__(self, ask: AddAsk) -> None:
        self.requirements: list[tuple[str, AddAsk]] = [(text, ask) for text in ask.requirements]
        self.limits: list[Requirement] = []
        warnings: list[str] = []
        for item in (*chain(*map(gather, ask.files)), *chain(*map(gather_constraints, ask.constraints))):
            if item.entry.kind in ("option", "unknown"):
                text = f"{item.where}: {item.entry.option or item.entry.text} is left out"
                hint = "; give --index, so that it holds for everybody" if "index" in item.entry.option else ""
                warnings.append(text + hint)
            elif item.is_constraint:
                self.limits.append(_limit(item))
            else:
                is_editable = item.entry.kind == "editable"
                self.requirements.append((item.requirement, replace(ask, editable=ask.editable or is_editable)))
        if not self.requirements:
            warnings.append(f"{' and '.join(path.name for path in ask.files)} holds no requirements")
        self.warnings = tuple(warnings)


def _limit(item: Gathered) -> Requirement:
    try:
        return parse_requirement(item.entry.text)
    except InvalidRequirement as error:
        raise InputError("the constraint cannot be read", where=item.where, why=str(error)) from error


def _with_index(text: str, *, line: str, where: str) -> str:
    match = re.fullmatch(r"([A-Za-z0-9._-]+)=(.+)", line)
    name, url = match.groups() if match is not None else ("", line)
    return with_index(text, name, url, where=where)
