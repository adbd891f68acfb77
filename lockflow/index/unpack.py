"""A source archive to files in a folder; what would land outside of it, or is no file, is refused or left out."""

from __future__ import annotations

import lzma
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from lockflow.index.sdist import InvalidSdist

_LARGEST_TREE = 4 << 30
_MOST_FILES = 200_000
_BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError
)  # fmt: skip


def unpack(archive: IO[bytes], filename: str, folder: Path) -> Path:
    """Write the files of an sdist below `folder`, return the folder at its top. Raises InvalidSdist.

    Links are left out unless they lead to a file of the archive, whose content then stands in their place.
    """
    archive.seek(0)
    budget = _Budget()
    try:
        if filename.endswith(".zip"):
            _unpack_zip(archive, folder, budget)
        else:
            _unpack_tar(archive, folder, budget)
    except InvalidSdist:
        raise
    except _BROKEN as error:
        raise InvalidSdist(f"it cannot be unpacked: {error}") from error
    entries = list(folder.iterdir())
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else folder


class _Budget:
    """Keeps an archive that claims to be small from filling the disk."""

    def __init__(self) -> None:
        self.left_bytes = _LARGEST_TREE
        self.left_files = _MOST_FILES

    def spend(self, size: int) -> None:
        self.left_bytes -= size
        self.left_files -= 1
        if self.left_bytes < 0 or self.left_files < 0:
            raise InvalidSdist("it unpacks to more than a source distribution can have")


def _unpack_tar(archive: IO[bytes], folder: Path, budget: _Budget) -> None:
    links: list[tuple[Path, str]] = []
    with tarfile.open(fileobj=archive, mode="r:*") as members:
        for member in members:
            target = _place(folder, member.name)
            if target is None or member.isdir():
                continue
            budget.spend(max(member.size, 0))
            if member.issym() or member.islnk():
                base = PurePosixPath(member.name).parent if member.issym() else PurePosixPath()
                links.append((target, str(base / member.linkname)))
                continue
            content = members.extractfile(member) if member.isreg() else None
            if content is not None:
                with content:
                    _write(content, target, is_executable=bool(member.mode & 0o100))
    for target, linked in links:
        source = _place(folder, linked)
        if source is not None and source.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            budget.spend(source.stat().st_size)
            shutil.copyfile(source, target)


def _unpack_zip(archive: IO[bytes], folder: Path, budget: _Budget) -> None:
    with zipfile.ZipFile(archive) as members:
        for member in members.infolist():
            target = _place(folder, member.filename)
            if target is None or member.is_dir():
                continue
            budget.spend(member.file_size)
            with members.open(member) as content:
                _write(content, target, is_executable=bool(member.external_attr >> 16 & 0o100))


def _place(folder: Path, name: str) -> Path | None:
    """Where a member goes; None for the top itself. Raises InvalidSdist for a place outside."""
    parts: list[str] = []
    for part in name.replace("\\", "/").split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part == ".." or ":" in part or "\0" in part:
            raise InvalidSdist(f"its member {name!r} does not stay in its folder")
        elif part not in ("", "."):
            parts.append(part)
    return folder.joinpath(*parts) if parts else None


def _write(content: IO[bytes], target: Path, *, is_executable: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)
    if is_executable:
        target.chmod(0o755)
