"""Builds for one index client: in threads beside its event loop, as many at once as there are processors."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar, TypeVarTuple

from msgspec import Struct

from lockflow.errors import AnswerIsNo
from lockflow.index.cache import Cache
from lockflow.index.entries import FOR_EVER, StoredMetadata, decode_metadata, encode_entry
from lockflow.index.metadata import CoreMetadata, InvalidMetadata, parse_core_metadata
from lockflow.index.model import File
from lockflow.index.options import Builds
from lockflow.inputs.model import Index
from lockflow.standards.hashes import new_hasher, strongest_hash
from lockflow.standards.requirements import InvalidRequirement, Requirement, parse_requirement
from lockflow.standards.versions import Version

if TYPE_CHECKING:
    from lockflow.index.backend import Backend

_LARGEST_KEPT_WHEEL = 64 << 20
_T = TypeVar("_T")
_Arguments = TypeVarTuple("_Arguments")


class SourceTree(Struct, frozen=True, kw_only=True):
    """A folder to build. `label` names it in messages (`jieba 0.42.1`), `where` says where it came from.

    `lower` turns a build requirement as written into where it comes from, since a project's own sources count.
    """

    name: str
    label: str
    folder: Path
    where: str
    lower: Callable[[Requirement], Sequence[Requirement]] | None = None


Fetch = Callable[[File, Index], Awaitable[IO[bytes]]]
"""Hands out a whole file, checked against its hash, to be closed by the caller."""


class Building:
    """Asks build backends. What they said is kept by the digest of the source, where there is a cache."""

    def __init__(self, builds: Builds, cache: Cache | None, fetch: Fetch) -> None:
        self.builds = builds
        self._cache = cache
        self._fetch = fetch
        self._backend: Backend | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._scratch: Path | None = None
        self._is_closed = False

    def known(self, name: str, source_digest: str) -> CoreMetadata | None:
        """What a build of this very source said before."""
        path = self._path(name, source_digest)
        stored = None if self._cache is None or path is None else decode_metadata(self._cache.read(path))
        return None if stored is None else stored.core

    async def metadata(
        self, name: str, source_digest: str | None, unpacked: Callable[[Path], SourceTree]
    ) -> CoreMetadata:
        """Build the tree that `unpacked` puts into the folder it is given. Raises AnswerIsNo where that fails.

        `source_digest` names the content; None where it cannot be named, and then nothing is kept.
        """
        core = await self._in_thread(self._build, unpacked)
        path = None if source_digest is None else self._path(name, source_digest)
        if self._cache is not None and path is not None:
            self._cache.write(path, encode_entry(StoredMetadata(FOR_EVER, core)))
        return core

    async def wheel(self, unpacked: Callable[[Path], SourceTree], folder: Path, *, is_editable: bool) -> Path:
        """Build the wheel of the tree that `unpacked` puts into the folder it is given, into `folder`.

        `is_editable` makes one that leads to the tree (PEP 660). Raises AnswerIsNo where that fails.
        """
        return await self._in_thread(self._build_wheel, unpacked, folder, is_editable)

    async def _in_thread(self, function: Callable[[*_Arguments], _T], *arguments: *_Arguments) -> _T:
        loop = self._loop = asyncio.get_running_loop()
        if self._threads is None:
            self._threads = ThreadPoolExecutor(os.cpu_count() or 1, "lockflow-build")
            self._backend = _backend(self.builds, self._download)
        return await loop.run_in_executor(self._threads, function, *arguments)

    def close(self) -> None:
        """End what runs and remove what was fetched for it."""
        self._is_closed = True
        if self._backend is not None:
            self._backend.close()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _path(self, name: str, source_digest: str) -> str | None:
        settings = self.builds.settings
        if settings.no_build_isolation or name in settings.no_build_isolation_package:
            return None  # what is installed here decides too, and that has no digest
        return f"built-1/{self.builds.digest}/{source_digest}"

    def wheel_path(self, key: str) -> str | None:
        """Under which name is kept what wheel the source named by `key` was built to; None where that varies."""
        return f"built-wheels-1/{self.builds.digest}/{key}"

    def _build(self, unpacked: Callable[[Path], SourceTree]) -> CoreMetadata:
        folder = Path(tempfile.mkdtemp(prefix="lockflow-source-"))
        try:
            tree = unpacked(folder)
            assert self._backend is not None
            try:
                return parse_core_metadata(self._backend.metadata(tree))
            except InvalidMetadata as error:
                raise AnswerIsNo(
                    f"{tree.label} cannot be used",
                    where=tree.where,
                    why=f"its build backend gives metadata that cannot be read: {error}",
                    next=f"give its metadata in [[tool.uv.dependency-metadata]], name = {tree.name!r}",
                ) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _build_wheel(self, unpacked: Callable[[Path], SourceTree], folder: Path, is_editable: bool) -> Path:  # noqa: FBT001
        source = Path(tempfile.mkdtemp(prefix="lockflow-source-"))
        try:
            assert self._backend is not None
            return self._backend.wheel(unpacked(source), folder, is_editable=is_editable)
        finally:
            shutil.rmtree(source, ignore_errors=True)

    def _download(self, file: File, index: Index) -> Path:
        """The file of an index on disk; called in the thread of a build."""
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="lockflow-files-"))
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        target = folder / file.filename
        best = strongest_hash(file.hashes)
        entry = None
        if file.is_wheel and best is not None and best[0] != "md5":
            entry = f"wheels-1/{best[0]}/{best[1]}"
            kept = None if self._cache is None else self._cache.read(entry)
            if kept is not None:
                target.write_bytes(kept)
                return target
        assert self._loop is not None
        content = self._waited(asyncio.run_coroutine_threadsafe(self._opened(file, index), self._loop))
        with content, target.open("wb") as copy:
            shutil.copyfileobj(content, copy, 1 << 20)
        if self._cache is not None and entry is not None and target.stat().st_size <= _LARGEST_KEPT_WHEEL:
            self._cache.write(entry, target.read_bytes())
        return target

    def _waited(self, coming: Future[IO[bytes]]) -> IO[bytes]:
        # A loop that is stopped never answers: look up now and then whether anybody still wants to know.
        while True:
            done, _ = wait((coming,), timeout=0.5)
            if done:
                return coming.result()
            if self._is_closed:
                raise AnswerIsNo("a build was given up")

    async def _opened(self, file: File, index: Index) -> IO[bytes]:
        return await self._fetch(file, index)


def _backend(builds: Builds, download: Callable[[File, Index], Path]) -> Backend:
    # What runs backends takes 15 ms to load, a tenth of a run, and few locks need it.
    from lockflow.index.backend import Backend  # noqa: PLC0415

    return Backend(builds, download)


def is_python_admitted(requires_python: str | None) -> bool:
    """Whether a source with this Requires-Python can be built by the running interpreter."""
    return requires_python is None or _admits(requires_python)


@lru_cache(maxsize=1024)
def _admits(requires_python: str) -> bool:
    major, minor, micro = sys.version_info[:3]
    requirement = f"python ({requires_python})"
    try:
        specifiers = parse_requirement(requirement).source.specifiers  # type: ignore[union-attr]
    except InvalidRequirement:
        return True
    return bool(specifiers.range.contains(Version.parse(f"{major}.{minor}.{micro}")))


def digest_of_file(content: IO[bytes]) -> str:
    """`sha256/…` of what is in a file, by which it is kept; leaves the file at its beginning."""
    hasher = new_hasher("sha256")
    content.seek(0)
    while block := content.read(1 << 20):
        hasher.update(block)
    content.seek(0)
    return f"sha256/{hasher.hexdigest()}"
