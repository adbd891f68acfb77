"""Requirements files and what they include, in the order in which pip would meet their entries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from lockflow.editing.replacing import read_text
from lockflow.errors import InputError
from lockflow.inputs.paths import is_url
from lockflow.inputs.requirements_file import FileEntry, parse_requirements_file

_PLACES = ("./", "../", "/", "~", "file:")


class Gathered(Struct, frozen=True, kw_only=True):
    """An entry, the file that it stands in, and whether it only bounds what others require."""

    entry: FileEntry
    path: Path
    is_constraint: bool = False

    @property
    def where(self) -> str:
        """`dev.in, line 3`, for messages."""
        return f"{self.path.name}, line {self.entry.line}"

    @property
    def requirement(self) -> str:
        """The text of the requirement, a path in it seen from where this process runs."""
        text = self.entry.text
        if text.startswith(_PLACES) or text == "." or (self.entry.kind == "editable" and not is_url(text)):
            return str(self.path.parent / text.removeprefix("file:"))
        return text


def gather(path: Path) -> Iterator[Gathered]:
    """Every entry of a file and of those it includes, each file once. Raises InputError for what cannot be read."""
    yield from _gather(path, set(), is_constraint=False)


def gather_constraints(path: Path) -> Iterator[Gathered]:
    """The same of a file whose requirements only bound others (`-c`)."""
    yield from _gather(path, set(), is_constraint=True)


def _gather(path: Path, seen: set[tuple[Path, bool]], *, is_constraint: bool) -> Iterator[Gathered]:
    # A file may include itself in a circle, and be included from two sides.
    if (path.resolve(), is_constraint) in seen:
        return
    seen.add((path.resolve(), is_constraint))
    for entry in parse_requirements_file(read_text(path)):
        if entry.kind in ("include", "constraints"):
            if is_url(entry.text):
                raise InputError(
                    "a requirements file on the network is not read",
                    where=f"{path.name}, line {entry.line}",
                    why=entry.text.rpartition("@")[2],
                    next="download it, and name the file",
                )
            inner = path.parent / entry.text
            yield from _gather(inner, seen, is_constraint=is_constraint or entry.kind == "constraints")
        else:
            yield Gathered(entry=entry, path=path, is_constraint=is_constraint)
