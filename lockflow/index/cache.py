"""Entries on disk that survive concurrent processes, crashes and full disks: bytes by a key, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import sys
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

_MAGIC = b"lfc1"
_HEAD = len(_MAGIC) + 4
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

    def write(self, path: str, body: bytes) -> None:
        """Store an entry; where that fails, warn once and go on without storing."""
        if not self._can_write:
            return
        target = f"{self._root}/{path}"
        self._serial += 1
        temporary = f"{target}.{os.getpid()}-{self._serial}.tmp"
        try:
            self._write(temporary, _MAGIC + zlib.crc32(body).to_bytes(4, "little"), body)
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
            remaining = memoryview(head + body)
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
