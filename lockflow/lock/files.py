"""Read a lock from disk, replace it whole or not at all, and let one process at a time work on a project."""

from __future__ import annotations

import os
import secrets
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lockflow.errors import LockFileError

TIMEOUT_SECONDS = 300.0
_PAUSE_SECONDS = 0.05
_held: dict[tuple[str, int], None] = {}
"""The files that threads of this process hold."""


def read_lock_text(path: Path) -> str | None:
    """Return the text of a lock, None where there is no file; raises LockFileError for what cannot be read."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise LockFileError(
            "the lock is not UTF-8 text",
            where=f"{path}, byte {error.start}",
            why=error.reason,
            next="restore the file from version control, or delete it and lock again",
        ) from error
    except OSError as error:
        raise LockFileError("the lock cannot be read", where=str(path), why=_reason(error)) from error


def write_lock_text(path: Path, text: str) -> None:
    """Put `text` in the place of the lock at `path`, as `replace_text` does. Raises LockFileError."""
    try:
        replace_text(path, text)
    except OSError as error:
        raise LockFileError(
            "the lock cannot be written",
            where=str(path),
            why=_reason(error),
            next="make room or give permission; the old lock is untouched",
        ) from error


def replace_text(path: Path, text: str) -> None:
    """Put `text` in the place of the file at `path`, at once.

    A reader sees the old file or the new one. A symbolic link stays one, the file it leads to is replaced; the mode
    of the file is kept. Raises OSError, and then the old file is as it was.
    """
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
    try:
        _write_draft(draft, text, _mode(target))
        draft.replace(target)
    except BaseException:
        _remove(draft)
        raise
    _settle(target.parent)


def _mode(target: Path) -> int | None:
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return None


def _write_draft(draft: Path, text: str, mode: int | None) -> None:
    # Made with the mode that any new file would get, which a temporary file of the library would not have.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode())
        file.flush()
        if mode is not None:
            draft.chmod(mode)
        os.fsync(file.fileno())


def _remove(draft: Path) -> None:
    with suppress(OSError):
        draft.unlink()


def _settle(folder: Path) -> None:
    """Make the new name last through a power cut, where folders can be synchronised."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


# One process at a time ----------------------------------------------------------------------------------------------


@contextmanager
def only_one_process(path: Path, *, timeout_seconds: float = TIMEOUT_SECONDS) -> Iterator[bool]:
    """Hold the file at `path` while the block runs; another process that asks for it waits.

    A block inside of the block, in the same thread, has it already. The system gives the file free when its holder
    ends, however it ends. Yields False where no such file can be made (a read-only checkout, a file system without
    locks): then nobody is kept out. Raises LockFileError when it has waited for `timeout_seconds`.
    """
    key = (os.path.realpath(path), threading.get_ident())
    if key in _held:
        yield True
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        yield False
        return
    try:
        is_held = _wait(descriptor, path, timeout_seconds)
        _held[key] = None
        yield is_held
    finally:
        _held.pop(key, None)
        os.close(descriptor)


def _wait(descriptor: int, path: Path, timeout_seconds: float) -> bool:
    """Wait until the file is held; False where this file system has no such locks."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            if _try_to_hold(descriptor):
                os.truncate(descriptor, 0)
                os.write(descriptor, f"{os.getpid()}\n".encode())
                return True
        except OSError:
            return False
        if time.monotonic() >= deadline:
            raise LockFileError(
                "another process works on this project",
                where=str(path),
                why=f"it has held the file for {timeout_seconds:g} seconds{_holder(path)}",
                next="wait for it or end it, then try again",
            )
        time.sleep(_PAUSE_SECONDS)


def _holder(path: Path) -> str:
    try:
        number = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return f" (process {number})" if number.isdecimal() else ""


if sys.platform == "win32":
    import msvcrt

    def _try_to_hold(descriptor: int) -> bool:
        # A byte far behind the text, so that the holder's number can be read meanwhile.
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _try_to_hold(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
