"""Edited files and the lock that follows them: replaced together, and put back together where something goes wrong.

To put a file back may fail too, on a disk that is full. Then the error says what is new and what is old.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lockflow.errors import InputError, LockFileError, LockflowError
from lockflow.lock.files import replace_text, write_lock_text


def read_text(path: Path) -> str:
    """The text of a file that people wrote. Raises InputError."""
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} cannot be read", where=str(path), why=str(error)) from error


def replace_all(texts: Mapping[Path, str]) -> None:
    """Put each text in the place of its file, at once; where one cannot be, those before it are put back.

    Raises InputError, also for a file that is not there any more.
    """
    done: list[tuple[Path, str]] = []
    try:
        for path, text in texts.items():
            before = read_text(path)
            if before != text:
                replace_file(path, text)
                done.append((path, before))
    except BaseException as error:
        for path, before in reversed(done):
            try:
                replace_file(path, before)
            except InputError:
                _tell(error, f"{path.name} is new already, and could not be put back")
        raise


def replace_file(path: Path, text: str) -> None:
    """Put `text` in the place of a file at once. Raises InputError, and then it is as it was."""
    try:
        replace_text(path, text)
    except OSError as error:
        raise InputError(
            f"{path.name} cannot be written",
            where=str(path),
            why=error.strerror or str(error),
            next="make room or give permission; the old file is untouched",
        ) from error


@contextmanager
def lock_put_back(path: Path) -> Iterator[None]:
    """Put the lock back where the block fails after it was written."""
    before = path.read_bytes() if path.is_file() else None
    try:
        yield
    except BaseException as error:
        if (path.read_bytes() if path.is_file() else None) != before:
            try:
                if before is None:
                    path.unlink()
                else:
                    write_lock_text(path, before.decode())
                _tell(error, f"{path.name} was put back as it was")
            except (OSError, LockFileError):
                _tell(error, f"{path.name} is new already, and could not be put back: lock again")
        raise


def _tell(error: BaseException, text: str) -> None:
    if isinstance(error, LockflowError):
        error.next = f"{error.next}\n{text}".lstrip()
