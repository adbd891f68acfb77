"""Brings a program that is published in wheels (uv) from an index: hash-checked once, then kept in the cache."""

from __future__ import annotations

import asyncio
import hashlib
import zipfile
from collections.abc import Callable, Sequence
from typing import IO

from lockflow.errors import LockflowError, NetworkError
from lockflow.index.cache import Cache
from lockflow.index.client import IndexClient
from lockflow.index.model import File, Listing
from lockflow.inputs.model import Index
from lockflow.standards.hashes import strongest_hash
from lockflow.standards.versions import Version

_LARGEST = 512 << 20

Choose = Callable[[Sequence[File]], File | None]
"""Chooses the wheel of a release; None where none fits."""


def fetch_program(
    connect: Callable[[], IndexClient],
    name: str,
    version: Version,
    indexes: Sequence[Index],
    choose: Choose,
    cache: Cache | None,
    *,
    purpose: str,
) -> bytes:
    """The program `name` of that release, out of the wheel that `choose` takes from the first index that has some.

    `purpose` tells choices apart: what was chosen for it before, of these indexes, is taken from the cache without
    asking them again. The page of a project with thousands of files costs more than the check that it is for.

    Raises NetworkError where no index has it, where the wheel has no hash to check it by, or is another file.
    """
    chosen = f"programs/{name}/{version}/for-{_digest(purpose, *(index.url for index in indexes))}"
    if cache is not None:
        known = _remembered(cache, chosen)
        if known is not None:
            return known

    async def fetch() -> bytes:
        client = connect()
        try:
            file, index = await _find(client, name, version, indexes, choose)
            digest = strongest_hash(file.hashes)
            if digest is None:
                raise _unusable(file, "the index has no hash for it, so nobody could tell it from another file")
            path = f"programs/{name}/{version}/{digest[0]}-{digest[1]}"
            known = None if cache is None else cache.read(path)
            content = known
            if content is None:
                with await client.whole(file, index) as archive:
                    content = _program(archive, file, name)
            if cache is not None:
                if known is None:
                    cache.write(path, content)
                cache.write(chosen, path.encode())
            return content
        finally:
            await client.aclose()

    return asyncio.run(fetch())


def _remembered(cache: Cache, chosen: str) -> bytes | None:
    path = cache.read(chosen)
    return None if path is None else cache.read(path.decode("ascii", "replace"))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


async def _find(
    client: IndexClient, name: str, version: Version, indexes: Sequence[Index], choose: Choose
) -> tuple[File, Index]:
    reasons = []
    for index in indexes:
        try:
            found = await client.listing(name, index)
        except LockflowError as error:
            reasons.append(f"{index.url}: {error.what}")
            continue
        if not isinstance(found, Listing):
            reasons.append(f"{index.url}: {found.reason or 'not there'}")
            continue
        files = next((release.files for release in found.releases if release.version == version), ())
        file = choose(files)
        if file is not None:
            return file, index
        reasons.append(f"{index.url}: no wheel of {version} that fits" if files else f"{index.url}: no {version}")
    raise NetworkError(
        f"{name} {version} cannot be had for a container",
        where="the indexes of the project",
        why="\n".join(reasons) or "the project has no index",
        next=f"let an index of the project carry the wheels of {name}, or go online once: they are kept in the cache",
    )


def _program(archive: IO[bytes], file: File, name: str) -> bytes:
    wanted = (f".data/scripts/{name}", f".data/scripts/{name}.exe")
    try:
        with zipfile.ZipFile(archive) as members:
            entry = next((entry for entry in members.infolist() if entry.filename.endswith(wanted)), None)
            if entry is None:
                raise _unusable(file, f"it holds no program {name}")
            if entry.file_size > _LARGEST:
                raise _unusable(file, f"its program has {entry.file_size} bytes")
            return members.read(entry)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise _unusable(file, str(error)) from error


def _unusable(file: File, why: str) -> NetworkError:
    return NetworkError(f"{file.filename} cannot be used", where=file.url, why=why)
