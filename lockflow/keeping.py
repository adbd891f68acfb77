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


class Held(Struct, frozen=True, kw_only=True):
    """Files and their bytes."""

    files: int
    size: int


def cache_folder(named: str | None, environment: Mapping[str, str]) -> Path:
    return Path(named).absolute() if named else default_cache_folder(environment)


def held(folder: Path) -> Held:
    found = [status.st_size for _, status in _entries(folder)]
    return Held(files=len(found), size=sum(found))


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
    for path, status in _entries(folder):
        if limit is None or status.st_mtime < limit:
            try:
                path.unlink()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise InputError("the cache cannot be emptied", where=str(path), why=error.strerror or "") from error
            gone.append(status.st_size)
    for inner, _, _ in sorted(os.walk(folder), reverse=True):
        if Path(inner) != folder and not any(Path(inner).iterdir()):
            Path(inner).rmdir()
    return Held(files=len(gone), size=sum(gone))


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """List the files below, without following links out of the folder."""
    for inner, _, names in os.walk(folder):
        for name in names:
            path = Path(inner, name)
            if name == _TAG and Path(inner) == folder:
                continue
            try:
                yield path, path.lstat()
            except OSError:
                continue
