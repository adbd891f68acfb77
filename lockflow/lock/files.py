"""Read a lock from disk, replace it whole or not at all, and let one process at a time work on a project."""

from __future__ import annotations

import os
import re
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lockflow.errors import LockFileError
from lockflow.lock.model import Waiting

TIMEOUT_SECONDS = 300.0
TOLD_EVERY_SECONDS = 1.0
_PAUSE_SECONDS = 0.05
_COMMAND = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,39}(?: [a-z][a-z-]{0,39})?")
"""A program and its first word. No more of a command line is told: what follows may hold a password."""
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
    of the file is kept. Raises OSError, and then the old file is as it was. What is there and is no file (`/dev/null`,
    a pipe) is written to, not replaced.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(text.encode())
        return
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{target.name}.{os.urandom(6).hex()}.tmp")
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
def only_one_process(
    path: Path, on_wait: Callable[[Waiting], None] | None = None, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> Iterator[bool]:
    """Hold the file at `path` while the block runs; another process that asks for it waits.

    `on_wait` is called for every second of waiting, by the thread that waits; what it raises ends the wait. A block
    inside of the block, in the same thread, has the file already. The system gives it free when its holder ends,
    however it ends. Yields False where no such file can be made (a read-only checkout, a file system without locks):
    then nobody is kept out. Raises LockFileError when it has waited for `timeout_seconds`.
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
        is_held = _wait(descriptor, path, on_wait, timeout_seconds)
        _held[key] = None
        try:
            yield is_held
        finally:
            del _held[key]
            if is_held:
                # Whoever has the file next and writes nothing into it, as uv does, shall not be taken for this one.
                _leave(descriptor, "")
    finally:
        os.close(descriptor)


def _wait(descriptor: int, path: Path, on_wait: Callable[[Waiting], None] | None, timeout_seconds: float) -> bool:
    """Wait until the file is held; False where this file system has no such locks."""
    began = time.monotonic()
    told_at = began + TOLD_EVERY_SECONDS
    while True:
        try:
            if _try_to_hold(descriptor):
                _leave(descriptor, f"{os.getpid()}\n{_own_command()}\n")
                return True
        except OSError:
            return False
        now = time.monotonic()
        if now >= began + timeout_seconds:
            raise LockFileError(
                "another process works on this project",
                where=str(path),
                why=f"{_waiting(path, now - began).holder} has held the file for {timeout_seconds:g} seconds",
                next="wait for it or end it, then try again",
            )
        if on_wait is not None and now >= told_at:
            told_at = now + TOLD_EVERY_SECONDS
            on_wait(_waiting(path, now - began))
        time.sleep(_PAUSE_SECONDS)


def _waiting(path: Path, seconds: float) -> Waiting:
    """What the holder wrote into the file, where it can still be the one that wrote it."""
    try:
        with path.open("rb") as file:
            number, _, command = file.read(200).decode("ascii", "replace").partition("\n")
    except OSError:
        number = command = ""
    command = command.strip()
    process = int(number) if number.isascii() and number.isdecimal() and _is_alive(int(number)) else 0
    is_known = bool(process) and _COMMAND.fullmatch(command) is not None
    return Waiting(path=str(path), seconds=seconds, process=process, command=command if is_known else "")


def _is_alive(process: int) -> bool:
    if sys.platform == "win32":
        return True  # there, signal 0 is one that ends a process
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _own_command() -> str:
    """What this process was started as: a program's name and, where the first argument is a plain word, that."""
    path, word = Path(sys.argv[0]), "".join(sys.argv[1:2])
    # `python -m lockflow` has the path of its file here.
    program = path.parent.name if path.name == "__main__.py" else path.stem
    return next((text for text in (f"{program} {word}", program) if _COMMAND.fullmatch(text)), "")


def _leave(descriptor: int, text: str) -> None:
    """Leave `text` in the file that is held; where it cannot be (a full disk), nobody is told who holds it."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, text.encode("ascii", "replace"))


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
