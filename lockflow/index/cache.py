"""Entries on disk that survive concurrent processes, crashes and full disks: bytes by a key, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

from lockflow.errors import CacheError

_MAGIC = b"lfc1"
_HEAD = len(_MAGIC) + 4
_SPLIT = struct.Struct("<4sIIQ")
_SPLIT_MAGIC = b"lfc2"
_FIRST_READ = 1 << 15
"""Bytes that hold the head of most split entries."""
_SMALL = 1 << 16
"""Bytes that cost less to copy than another call."""
_TAG = "CACHEDIR.TAG"
_TAG_TEXT = "Signature: 8a477f597d28d172789f06886806bc55\n# Entries of lockflow; may be deleted at any time.\n"


class Cache:
    """A folder of entries. Every entry carries a checksum, since a decoder must never see half of one.

    `path` of an entry is relative with `/` between its parts, made by the caller from digests and normalised names.
    """

    def __init__(self, root: Path, warn: Callable[[str], None]) -> None:
        self._root = str(root)
        self._warn = warn
        self._can_write = True
        self._serial = 0

    def read(self, path: str) -> bytes | None:
        """The bytes of an entry, None where there is none or it is damaged."""
        try:
            # os.open and os.read take a third of the time of open(): a warm run reads some hundred entries.
            handle = os.open(f"{self._root}/{path}", os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except (OSError, ValueError):
            return None
        try:
            content = _read_all(handle)
        except OSError:
            return None
        finally:
            os.close(handle)
        body = content[_HEAD:]
        if content[:_HEAD] != _MAGIC + zlib.crc32(body).to_bytes(4, "little"):
            return None
        return body

    def read_split(self, path: str) -> tuple[bytes, Tail] | None:
        """The head of an entry, and its tail unread; None where there is none, it is damaged, or it is not whole."""
        try:
            handle = os.open(f"{self._root}/{path}", os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except (OSError, ValueError):
            return None
        try:
            content = os.read(handle, _FIRST_READ)
            if len(content) < _SPLIT.size:
                return None
            magic, checksum, head_length, tail_length = _SPLIT.unpack_from(content)
            end = _SPLIT.size + head_length
            if magic != _SPLIT_MAGIC or os.fstat(handle).st_size != end + tail_length:
                return None
            while len(content) < end and (more := os.read(handle, end - len(content))):
                content += more
        except OSError:
            return None
        finally:
            os.close(handle)
        head = content[_SPLIT.size : end]
        return (head, Tail(f"{self._root}/{path}", end, tail_length)) if zlib.crc32(head) == checksum else None

    def write(self, path: str, body: bytes) -> None:
        """Store an entry; where that fails, warn once and go on without storing."""
        self._store(path, _MAGIC + zlib.crc32(body).to_bytes(4, "little"), body)

    def write_split(self, path: str, head: bytes, tail: bytes) -> Tail | None:
        """Store an entry that is read in pieces; gives its tail, None where it could not be stored."""
        start = _SPLIT.pack(_SPLIT_MAGIC, zlib.crc32(head), len(head), len(tail)) + head
        self._store(path, start, tail)
        return Tail(f"{self._root}/{path}", len(start), len(tail)) if self._can_write else None

    def _store(self, path: str, head: bytes, body: bytes) -> None:
        if not self._can_write:
            return
        target = f"{self._root}/{path}"
        self._serial += 1
        temporary = f"{target}.{os.getpid()}-{self._serial}.tmp"
        try:
            self._write(temporary, head, body)
            os.replace(temporary, target)  # noqa: PTH105  a Path costs more than the call
        except OSError as error:
            self._can_write = False
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108  as above
            self._warn(f"the cache in {self._root} cannot be written ({error.strerror}); going on without storing")

    def _write(self, temporary: str, head: bytes, body: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            handle = os.open(temporary, flags, 0o666)
        except FileNotFoundError:
            self._make_folder(Path(temporary).parent)
            handle = os.open(temporary, flags, 0o666)
        try:
            # Every write lets another thread run, who gives the interpreter back when it likes.
            for part in (head + body,) if len(body) <= _SMALL else (head, body):
                remaining = memoryview(part)
                while remaining:
                    remaining = remaining[os.write(handle, remaining) :]
        finally:
            os.close(handle)

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        tag = Path(self._root, _TAG)
        if not tag.exists():
            # Tells backup programs to leave the folder out (Cache Directory Tagging Specification).
            tag.write_text(_TAG_TEXT, encoding="ascii")


class Tail:
    """The second part of a split entry, of which a reader needs a piece here and there.

    Most of a listing is never looked at: the large benchmark project reads 3 of 80 MB. Pieces have checksums of their
    own, kept in the head, since only what is read can be checked.
    """

    __slots__ = ("_path", "_start", "length")

    def __init__(self, path: str, start: int, length: int) -> None:
        self._path = path
        self._start = start
        self.length = length

    def piece(self, start: int, length: int, checksum: int) -> bytes:
        """Some bytes of it. Raises CacheError where they are not there any more."""
        try:
            content = self._read(start, length)
        except OSError:
            content = b""
        if len(content) != length or zlib.crc32(content) != checksum:
            self.refuse()
        return content

    def whole(self) -> bytes:
        """All of it, as far as it is there."""
        try:
            return self._read(0, self.length)
        except OSError:
            return b""

    def refuse(self) -> NoReturn:
        """Remove the entry, since it is of no use, and say so."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)  # noqa: PTH108  a Path costs more than the call
        raise CacheError(
            "an entry of the cache was damaged",
            where=self._path,
            why="it does not hold what it was stored with",
            next="run the command again: the entry was removed and is made anew",
        )

    def _read(self, start: int, length: int) -> bytes:
        handle = os.open(self._path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            os.lseek(handle, self._start + start, os.SEEK_SET)
            content = os.read(handle, length)
            while len(content) < length and (more := os.read(handle, length - len(content))):
                content += more
            return content
        finally:
            os.close(handle)


def _read_all(handle: int) -> bytes:
    size = os.fstat(handle).st_size
    content = os.read(handle, size + 1)
    if len(content) >= size:
        return content
    parts = [content]
    while part := os.read(handle, size):
        parts.append(part)
    return b"".join(parts)


def default_cache_folder(environment: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Where entries go unless told otherwise: LOCKFLOW_CACHE_DIR, else the place each system has for caches."""
    chosen = environment.get("LOCKFLOW_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if platform == "darwin":
        return Path.home() / "Library" / "Caches" / "lockflow"
    if platform == "win32" and environment.get("LOCALAPPDATA"):
        return Path(environment["LOCALAPPDATA"], "lockflow", "Cache")
    xdg = environment.get("XDG_CACHE_HOME", "")
    return (Path(xdg) if Path(xdg).is_absolute() else Path.home() / ".cache") / "lockflow"
