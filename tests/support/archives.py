"""Wheels and sdists made in memory, of the same content the same bytes whenever that is."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping


def core_metadata(name: str, version: str, *lines: str, metadata_version: str = "2.1") -> bytes:
    head = (f"Metadata-Version: {metadata_version}", f"Name: {name}", f"Version: {version}")
    return "\n".join([*head, *lines, "", "A description.", ""]).encode()


def zip_archive(files: Mapping[str, bytes], *, is_packed: bool = True, comment: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if is_packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0)), content, method)
        archive.comment = comment
    return buffer.getvalue()


def wheel(name: str, version: str, metadata: bytes, *, padding: int = 0, is_packed: bool = True) -> bytes:
    """A wheel; `padding` bytes that do not compress stand before its metadata, and as many behind."""
    noise = bytes((number * number * 31 + number // 7) & 0xFF for number in range(padding))
    folder = f"{name}-{version}.dist-info"
    files = {f"{name}/a.bin": noise, f"{folder}/METADATA": metadata, f"{folder}/sboms/b.bin": noise}
    files[f"{folder}/RECORD"] = b""
    return zip_archive(files, is_packed=is_packed and not padding)


def tar_gz(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    packed = gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0)
    with packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
