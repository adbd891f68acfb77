"""The cache as a whole: where it lies, how much it holds, and how it is emptied."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from lockflow.errors import InputError
from lockflow.index.cache import default_cache_folder

_TAG = "CACHEDIR.TAG"


_SECTIONS = {
    "listings": "index pages",
    "metadata": "metadata",
    "archives": "archives",
    "builds": "what builds said",
    "git": "git repositories",
    "programs": "programs for containers",
    "unpacked": "unpacked wheels",
    "environments": "environments of scripts",
    "overlays": "environments of runs",
    "pythons": "Pythons of this machine",
    "built-wheels": "wheels that were built",
    "git-trees": "trees of git repositories",
}
_WHOLE = ("unpacked", "environments", "overlays", "git-trees")
"""Sections of which a folder one or two levels down goes whole or not at all."""


class Held(Struct, frozen=True, kw_only=True):
    """Files and their bytes; of a section of the cache, or of all of it."""

    files: int
    size: int
    section: str = ""


def cache_folder(named: str | None, environment: Mapping[str, str]) -> Path:
    return Path(named).absolute() if named else default_cache_folder(environment)


def held(folder: Path) -> Held:
    found = [status.st_size for _, status in _entries(folder)]
    return Held(files=len(found), size=sum(found))


def sections(folder: Path) -> tuple[Held, ...]:
    """What each section of the cache holds, in words, the largest first."""
    found: dict[str, list[int]] = {}
    for path, status in _entries(folder):
        found.setdefault(_section(path, folder), []).append(status.st_size)
    held = [Held(files=len(sizes), size=sum(sizes), section=_SECTIONS.get(name, name)) for name, sizes in found.items()]
    return tuple(sorted(held, key=lambda entry: (-entry.size, entry.section)))


def _section(path: Path, folder: Path) -> str:
    """The name of the folder below the cache's, without the number of its format."""
    first = path.relative_to(folder).parts[0]
    return first.rpartition("-")[0] or first


def remove(folder: Path, *, older_than_days: int | None) -> Held:
    """Remove entries, all or those that were not written for so long; returns what is gone.

    Raises InputError for a folder that no cache is in: nothing else is ever removed.
    """
    if not folder.is_dir():
        return Held(files=0, size=0)
    if not (folder / _TAG).is_file() and any(folder.iterdir()):
        raise InputError(
            "this folder does not look like a cache",
            where=str(folder),
            why=f"it has no {_TAG}",
            next="check --cache-dir and LOCKFLOW_CACHE_DIR",
        )
    limit = None if older_than_days is None else time.time() - older_than_days * 86400
    gone = []
    for unit in _units(folder):
        if limit is None or max(status.st_mtime for _, status in unit) < limit:
            gone += [status.st_size for path, status in unit if _is_gone(path)]
    for inner, _, _ in sorted(os.walk(folder), reverse=True):
        if Path(inner) != folder and not any(Path(inner).iterdir()):
            Path(inner).rmdir()
    return Held(files=len(gone), size=sum(gone))


def _units(folder: Path) -> Iterator[list[tuple[Path, os.stat_result]]]:
    """Files that go together: an unpacked wheel, an environment; any other file by itself."""
    wholes: dict[Path, list[tuple[Path, os.stat_result]]] = {}
    for path, status in _entries(folder):
        section = _section(path, folder)
        if section not in _WHOLE:
            yield [(path, status)]
            continue
        depth = 3 if section in ("unpacked", "git-trees") else 2
        wholes.setdefault(Path(*path.relative_to(folder).parts[:depth]), []).append((path, status))
    yield from wholes.values()


def _is_gone(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise InputError("the cache cannot be emptied", where=str(path), why=error.strerror or "") from error
    return True


def size_text(size: int) -> str:
    """`812 B`, `1.4 MiB`."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """List the files and links below, without following links out of the folder."""
    for inner, folders, names in os.walk(folder):
        links = [name for name in folders if Path(inner, name).is_symlink()]
        for name in [*names, *links]:
            path = Path(inner, name)
            if name == _TAG and Path(inner) == folder:
                continue
            try:
                yield path, path.lstat()
            except OSError:
                continue
