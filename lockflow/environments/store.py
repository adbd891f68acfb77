"""Keeps wheels unpacked, by the digest of the file they came from, for environments to link from.

An entry is unpacked beside its place and renamed there when it is complete, so that processes share the folder and a
killed one leaves only what is swept away later. Environments may hold hard links to what lies in an entry: what was
edited there is noticed by its size and time, and the wheel is unpacked anew.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import secrets
import shutil
import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO

import msgspec

from lockflow.environments.contents import (
    OVERWRITTEN,
    Contents,
    Item,
    Member,
    UnusableWheel,
    check_archive,
    commands,
    info_folder,
    placed,
    recorded,
    root_scheme,
)
from lockflow.standards.filenames import parse_wheel_name

FOLDER = "unpacked-1"
_CONTENTS = "contents.msgpack"
_FILES = "files"
_BLOCK = 1 << 18
_LARGEST_TEXT = 64 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_DECODER = msgspec.msgpack.Decoder(Contents)


class Unpacked(msgspec.Struct, frozen=True, kw_only=True):
    """A wheel in the store: `files` is the folder of its files, by their paths in the wheel."""

    files: Path
    contents: Contents


class Store:
    """Unpacked wheels below `folder`. Safe to use from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, digest: str) -> Unpacked | None:
        """The wheel whose file has this SHA-256 (hex digits); None where it is not here, or not whole any more."""
        entry = self._entry(digest)
        try:
            contents = _DECODER.decode((entry / _CONTENTS).read_bytes())
        except (OSError, msgspec.MsgspecError):
            return None
        files = entry / _FILES
        if _is_whole(str(files), contents):
            return Unpacked(files=files, contents=contents)
        self._discard(entry)
        return None

    def add(self, wheel: IO[bytes], filename: str, digest: str) -> Unpacked:
        """Unpack a wheel whose bytes were checked against `digest` before. Raises UnusableWheel, OSError."""
        entry = self._entry(digest)
        entry.parent.mkdir(parents=True, exist_ok=True)
        work = entry.parent / f".{entry.name}.{secrets.token_hex(6)}.tmp"
        try:
            (work / _FILES).mkdir(parents=True)
            contents = _unpacked(wheel, filename, work / _FILES)
            (work / _CONTENTS).write_bytes(msgspec.msgpack.encode(contents))
            try:
                work.rename(entry)
            except OSError:
                # Another process was first, with the same files.
                known = self.find(digest)
                if known is None:
                    work.rename(entry)
                else:
                    return known
        except _BROKEN as error:
            if isinstance(error, UnusableWheel):
                raise
            raise UnusableWheel(f"it cannot be unpacked: {error}") from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return Unpacked(files=entry / _FILES, contents=contents)

    def _entry(self, digest: str) -> Path:
        return self.folder / FOLDER / digest[:2] / digest

    @staticmethod
    def _discard(entry: Path) -> None:
        """Take an entry away at once, so that nobody finds half of it."""
        gone = entry.with_name(f".{entry.name}.{secrets.token_hex(6)}.tmp")
        with contextlib.suppress(OSError):
            entry.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)


def _is_whole(files: str, contents: Contents) -> bool:
    try:
        for item in contents.items:
            status = os.lstat(f"{files}/{item.path}")
            if status.st_size != item.size or status.st_mtime_ns != item.mtime_ns or not stat.S_ISREG(status.st_mode):
                return False
    except OSError:
        return False
    return True


# Unpacking ----------------------------------------------------------------------------------------------------------


def _unpacked(wheel: IO[bytes], filename: str, folder: Path) -> Contents:
    with zipfile.ZipFile(wheel) as archive:
        entries = archive.infolist()
        members = [
            Member(
                path=entry.orig_filename,
                size=entry.file_size,
                packed_size=entry.compress_size,
                offset=entry.header_offset,
                mode=entry.external_attr >> 16,
                is_encrypted=bool(entry.flag_bits & 1),
            )
            for entry in entries
        ]
        check_archive(members)
        info = info_folder(members, filename)
        root = root_scheme(_text(archive, f"{info}/WHEEL"))
        digests = recorded(_text(archive, f"{info}/RECORD"), info)
        _text(archive, f"{info}/METADATA")
        has_commands = any(member.path == f"{info}/entry_points.txt" for member in members)
        scripts = commands(_text(archive, f"{info}/entry_points.txt")) if has_commands else ()
        items = placed(members, info, root)
        sources = {entry.orig_filename: entry for entry in entries}
        left_out = {f"{info}/{name}" for name in (*OVERWRITTEN, "RECORD")}
        made: set[str] = set()
        written = []
        for item in items:
            if item.path in left_out:
                continue
            target = f"{folder}/{item.path}"
            parent = target.rpartition("/")[0]
            if parent not in made:
                os.makedirs(parent, exist_ok=True)
                made.add(parent)
            with archive.open(sources[item.path]) as content:
                written.append(_written(content, target, item, digests.get(item.path, "")))
    name = parse_wheel_name(filename)
    version = info.removesuffix(".dist-info").partition("-")[2]
    return Contents(
        name=name.name,
        version=version,
        info=info,
        root=root,
        items=tuple(written),
        scripts=scripts,
        is_record_executable=any(item.path == f"{info}/RECORD" and item.is_executable for item in items),
    )


def _text(archive: zipfile.ZipFile, path: str) -> str:
    try:
        entry = archive.getinfo(path)
    except KeyError as error:
        raise UnusableWheel(f"it has no {path}") from error
    if entry.file_size > _LARGEST_TEXT:
        raise UnusableWheel(f"its {path} has {entry.file_size} bytes")
    return archive.read(entry).decode("utf-8", "replace")


def _written(content: IO[bytes], target: str, item: Item, expected: str) -> Item:
    """Write one file, checked against what RECORD says of it."""
    algorithm, _, digest = expected.partition("=")
    hasher = _hasher(algorithm or "sha256", item.path)
    mode = 0o777 if item.is_executable else 0o666
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        size = 0
        while block := content.read(_BLOCK):
            hasher.update(block)
            size += len(block)
            view = memoryview(block)
            while view:
                view = view[os.write(descriptor, view) :]
        status = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if size != item.size:
        raise UnusableWheel(f"{item.path} has {size} bytes, the archive says {item.size}")
    actual = base64.urlsafe_b64encode(hasher.digest()).rstrip(b"=").decode("ascii")
    if digest and digest.rstrip("=") != actual:
        raise UnusableWheel(f"{item.path} is not the file that its RECORD states")
    text = expected or f"sha256={actual}"
    return Item(item.path, item.scheme, item.place, size, item.is_executable, text, status.st_mtime_ns)


def _hasher(algorithm: str, path: str) -> hashlib._Hash:
    if algorithm not in hashlib.algorithms_guaranteed or algorithm.startswith("shake"):
        raise UnusableWheel(f"its RECORD states a digest of {path} that nobody can check ({algorithm})")
    return hashlib.new(algorithm, usedforsecurity=False)
