"""Folders of the real file system as discovery asks for them, each file read once; drafts stand in for files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from lockflow.inputs.paths import join, relative
from lockflow.inputs.tables import Faults, Table, parse_document

_LEFTOVERS = frozenset(
    (".DS_Store", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".venv", "__pycache__", "build", "dist")
)
# Asking git which files it ignores would be exact, and cost a process and its import.


class Disk:
    """Folders of the real file system (see `Folders`), remembering what was read."""

    def __init__(self, faults: Faults, label_root: str) -> None:
        self.faults = faults
        self.label_root = label_root
        self.files: dict[str, None] = {}
        self.tables: dict[str, Table | None] = {}
        self.drafts: Mapping[str, str] = {}

    def text(self, path: str) -> str | None:
        """The text of a file; None where it is absent, or after noting why it cannot be read."""
        draft = self.drafts.get(path)
        try:
            data = Path(path).read_bytes() if draft is None else draft.encode()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self.faults.add(f"{self.label(path)} cannot be read", where=path, why=error.strerror or str(error))
            return None
        self.files[path] = None
        try:
            return data.decode("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            why = f"byte {data[error.start]:#04x} in line {line} cannot stand there"
            self.faults.add(f"{self.label(path)} is not UTF-8", where=path, why=why, next="save the file as UTF-8")
            return None

    def label(self, path: str) -> str:
        """A file's name in messages: relative to where reading started, unless that is far away."""
        label = relative(path, self.label_root)
        return path if label.count("../") > 2 else label

    def table(self, path: str) -> Table | None:
        """The root table of a TOML file, each parsed once."""
        if path not in self.tables:
            text = self.text(path)
            self.tables[path] = None if text is None else parse_document(text, self.label(path), self.faults)
        return self.tables[path]

    def pyproject(self, folder: str) -> Table | None:
        return self.table(join(folder, "pyproject.toml"))

    @lru_cache(maxsize=4096)  # noqa: B019  lives as long as one reading
    def kind_of(self, path: str) -> Literal["file", "directory"] | None:
        if os.path.isdir(path):  # noqa: PTH112  three times as fast as pathlib, and asked often
            return "directory"
        return "file" if os.path.exists(path) else None  # noqa: PTH110

    def folders_in(self, folder: str) -> Sequence[str]:
        try:
            with os.scandir(folder) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir() and not _is_loop(entry))
        except OSError:
            return ()

    def has_content(self, folder: str) -> bool:
        for _, folders, files in os.walk(folder):
            folders[:] = [name for name in folders if not _is_leftover(name)]
            if not all(map(_is_leftover, files)):
                return True
        return False


def _is_leftover(name: str) -> bool:
    """Whether tools make such a file or folder, and version control leaves it behind when its project goes."""
    return name in _LEFTOVERS or name.endswith((".egg-info", ".pyc"))


def _is_loop(entry: os.DirEntry[str]) -> bool:
    """Whether a link leads to a folder above itself, which `**` would follow for ever."""
    if not entry.is_symlink():
        return False
    target = os.path.realpath(entry.path)
    return os.path.realpath(os.path.dirname(entry.path)).startswith(target)  # noqa: PTH120
