"""An sdist to its metadata, where that is written in it and binding (PEP 517, 625, 643, 621)."""

from __future__ import annotations

import gzip
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from lockflow.index.metadata import CoreMetadata, InvalidMetadata, parse_pkg_info, parse_project_table
from lockflow.standards.filenames import sdist_extension
from lockflow.standards.versions import Version

_LARGEST_FILE = 16 << 20
_LARGEST_ARCHIVE = 4 << 30
_READABLE = (".tar.gz", ".tgz", ".zip")


class InvalidSdist(ValueError):
    """Bytes are no archive that can be read; the message says why."""


def static_metadata(
    archive: IO[bytes], filename: str, name: str, version: Version | None, subdirectory: str | None = None
) -> CoreMetadata | None:
    """What an sdist tells of itself without a build; None where only a build could tell.

    `[project]` goes before PKG-INFO. What contradicts the file name is not believed; `version` is None where that
    says none. Raises InvalidSdist.
    """
    if not filename.endswith(_READABLE) and sdist_extension(filename) is not None and version is None:
        return None
    found = _files(archive, filename, subdirectory)
    project_table = found.get("pyproject.toml")
    if project_table is not None:
        core = parse_project_table(project_table.decode("utf-8", "replace"), version)
        if core is not None and _agrees(core, name, version):
            return core
    if "PKG-INFO" in found:
        try:
            core = parse_pkg_info(found["PKG-INFO"])
        except InvalidMetadata:
            return None
        if core is not None and _agrees(core, name, version):
            return core
    return None


def _agrees(core: CoreMetadata, name: str, version: Version | None) -> bool:
    return core.name == name and (version is None or Version.parse(core.version) == version)


def _files(archive: IO[bytes], filename: str, subdirectory: str | None) -> dict[str, bytes]:
    """`pyproject.toml` and `PKG-INFO` of the one folder at the top of the archive, or of a folder in that."""
    below = "" if subdirectory is None else re.escape(subdirectory.strip("/")) + "/"
    place = re.compile(rf"(?:\./)?[^/]+/{below}(pyproject\.toml|PKG-INFO)")
    if not filename.endswith(_READABLE):
        raise InvalidSdist("it is neither .tar.gz nor .zip")
    found: dict[str, bytes] = {}
    try:
        for name, content in (_zip_files if filename.endswith(".zip") else _tar_files)(archive, place):
            found.setdefault(name, content)
            if len(found) == 2:
                break
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError) as error:
        raise InvalidSdist(f"it cannot be unpacked: {error}") from error
    return found


class _Gzip(gzip.GzipFile):
    """Refuses to hand out more at once than metadata can have, whatever lengths an archive claims."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _LARGEST_FILE:
            raise InvalidSdist("its table of contents is too large")
        return super().read(size)


def _tar_files(archive: IO[bytes], place: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    with _Gzip(fileobj=archive, mode="rb") as unpacked, tarfile.TarFile(fileobj=unpacked, mode="r") as members:
        for member in members:
            if member.offset_data + member.size > _LARGEST_ARCHIVE:
                raise InvalidSdist(f"it unpacks to more than {_LARGEST_ARCHIVE >> 30} GiB")
            match = place.fullmatch(member.name)
            if match is None or not member.isreg() or member.size > _LARGEST_FILE:
                continue
            content = members.extractfile(member)
            if content is not None:
                yield match[1], content.read()


def _zip_files(archive: IO[bytes], place: re.Pattern[str]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as members:
        for member in members.infolist():
            match = place.fullmatch(member.filename)
            if match is not None and member.file_size <= _LARGEST_FILE:
                yield match[1], members.read(member)
