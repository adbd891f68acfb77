"""The files of a project as a build is given them: what lies below its folders, as `.dockerignore` lets it through."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from lockflow.engines.images import ContextFile
from lockflow.errors import InputError
from lockflow.images.ignore import Ignored

IGNORE_FILE = ".dockerignore"


def files_below(folder: Path, prefix: str, *, ignored: Ignored | None = None) -> Iterator[ContextFile]:
    """List the files below `folder`, to be found below `prefix`, sorted; what its `.dockerignore` names is left out.

    Sockets and devices are passed over, and so are environments (folders with a `pyvenv.cfg`).
    """
    rules = ignored if ignored is not None else Ignored(_lines(folder / IGNORE_FILE))
    try:
        yield from _walk(folder, "", prefix, rules)
    except OSError as error:
        raise _unreadable(Path(error.filename or folder), error) from error


def file_at(path: Path, place: str) -> ContextFile:
    """One file of this machine, to be found at `place`."""
    return ContextFile(path=place, source=str(path), is_executable=os.access(path, os.X_OK))


def digests(files: Iterable[ContextFile]) -> Iterator[tuple[str, str]]:
    """The digest of each file, with its path; whether it can be executed and where a link leads count as well."""
    for file in files:
        digest = hashlib.sha256(f"{file.is_executable} {file.link}\n".encode())
        if file.source:
            try:
                with open(file.source, "rb") as content:  # noqa: PTH123  the source is text
                    while block := content.read(1 << 20):
                        digest.update(block)
            except OSError as error:
                raise _unreadable(Path(file.source), error) from error
        else:
            digest.update(file.content)
        yield file.path, digest.hexdigest()


def _walk(root: Path, inside: str, prefix: str, ignored: Ignored) -> Iterator[ContextFile]:
    with os.scandir(root / inside) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        path = f"{inside}/{entry.name}" if inside else entry.name
        is_out = ignored.leaves_out(path)
        place = f"{prefix}/{path}"
        if entry.is_symlink():
            if not is_out:
                yield ContextFile(path=place, link=str(Path(entry.path).readlink()))
        elif entry.is_dir():
            if (not is_out or ignored.may_hold(path)) and not Path(entry.path, "pyvenv.cfg").is_file():
                yield from _walk(root, path, prefix, ignored)
        elif entry.is_file() and not is_out:
            mode = entry.stat().st_mode
            yield ContextFile(path=place, source=entry.path, is_executable=bool(mode & 0o100))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the list of what builds leave out cannot be read", where=str(path), why=str(error)) from error


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(
        "a file of the project cannot be read",
        where=str(path),
        why=str(error.strerror or error),
        next=f"make it readable, or name it in {IGNORE_FILE}",
    )
