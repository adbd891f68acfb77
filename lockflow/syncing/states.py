"""Names the state of a source tree on disk, so that what was built from another state is built again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

DECISIVE = ("pyproject.toml", "setup.py", "setup.cfg")
"""What an editable installation is made of: code and data are read from the tree itself."""
_OTHERS = frozenset(
    (".git", ".hg", ".lockflow", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache", ".svn", ".tox", ".venv",
     "__pycache__", "node_modules")
)  # fmt: skip
_LARGEST_BYTES = 16 << 20


def state_of(folder: Path, *, is_editable: bool) -> str:
    """A digest of what an installation of the tree depends on.

    For an editable one these are the files that declare it, by content; for a copy all files, by size and time.
    """
    digest = hashlib.blake2b(b"editable" if is_editable else b"copy", digest_size=16)
    for line in _declaring(folder) if is_editable else _all(folder):
        digest.update(line)
    return digest.hexdigest()


def _declaring(folder: Path) -> Iterator[bytes]:
    for name in DECISIVE:
        try:
            content = (folder / name).read_bytes()[:_LARGEST_BYTES]
        except OSError:
            continue
        yield f"{name}\0{len(content)}\0".encode() + content
    # A package that appears or goes away changes what an editable one leads to.
    for place in (folder, folder / "src"):
        try:
            with os.scandir(place) as entries:
                names = sorted(entry.name for entry in entries if entry.is_dir() and entry.name.isidentifier())
        except OSError:
            continue
        yield "\0".join([place.name, *(name for name in names if name not in _OTHERS)]).encode(errors="surrogateescape")


def _all(folder: Path) -> Iterator[bytes]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _OTHERS
            and not name.endswith(".egg-info")
            and not os.path.exists(os.path.join(place, name, "pyvenv.cfg"))  # noqa: PTH110, PTH118
        )
        for name in sorted(names):
            if name.endswith((".pyc", ".pyo")):
                continue
            try:
                status = os.lstat(os.path.join(place, name))  # noqa: PTH118  asked for each of thousands
            except OSError:
                continue
            shown = os.path.relpath(place, folder)
            yield f"{shown}\0{name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode(errors="surrogateescape")
