"""Brings wheels to disk: files that a lock names, checked against its hashes, and those that a source is built to."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from msgspec import Struct

from lockflow.errors import AnswerIsNo, NetworkError
from lockflow.index.building import Building, SourceTree
from lockflow.index.cache import Cache
from lockflow.index.git import Repositories
from lockflow.index.network import Network
from lockflow.index.reading import FORBIDDEN, NOT_FOUND, opened, unexpected_status
from lockflow.index.sdist import InvalidSdist
from lockflow.index.sources import inside
from lockflow.index.unpack import unpack
from lockflow.inputs.model import Index
from lockflow.standards.hashes import hash_text, new_hasher
from lockflow.standards.requirements import Git, Requirement

_LARGEST = 16 << 30
_BLOCK = 1 << 20


class LockedArchive(Struct, frozen=True, kw_only=True):
    """A file that a lock names, of the package `name`.

    It is at `url`, asked for with what is known of `index`; or at `path` on this machine. `hash` is (algorithm, hex
    digest), None where the lock states none; `size` in bytes, where it says so.
    """

    name: str
    filename: str
    url: str = ""
    path: Path | None = None
    index: Index | None = None
    hash: tuple[str, str] | None = None
    size: int | None = None

    @property
    def where(self) -> str:
        return self.url or str(self.path)


class TreeAsk(Struct, frozen=True, kw_only=True):
    """What a wheel is built of: a `folder` on this machine, an unpacked `archive`, or a commit of `git`.

    `label` names it in messages. `lower` is as in `SourceTree`.
    """

    name: str
    label: str
    where: str
    folder: Path | None = None
    archive: Path | None = None
    git: Git | None = None
    subdirectory: str | None = None
    is_editable: bool = False
    lower: Callable[[Requirement], tuple[Requirement, ...]] | None = None


class Wheels:
    """Fetches and builds, with the connections and caches of one index client."""

    def __init__(
        self,
        http: Network,
        repositories: Repositories,
        building: Building | None,
        cache: Cache | None,
        *,
        offline: bool,
    ) -> None:
        self._http = http
        self._repositories = repositories
        self._building = building
        self._cache = cache
        self._offline = offline

    async def save(self, archive: LockedArchive, target: Path) -> str:
        """Put a file at `target`, return its SHA-256 in hex digits.

        Raises AnswerIsNo where it is another file than the lock names, or cannot be had without the network;
        NetworkError where no answer comes.
        """
        with target.open("wb+") as file:
            sink = _Hashing(file, archive)
            if archive.path is not None:
                await asyncio.to_thread(self._copy, archive.path, sink)
            else:
                await self._fetch(archive, sink)
        actual = sink.digests()
        if archive.hash is not None and actual[archive.hash[0]] != archive.hash[1]:
            raise _other_file(archive, actual[archive.hash[0]])
        return actual["sha256"]

    async def _fetch(self, archive: LockedArchive, sink: _Hashing) -> None:
        if self._offline:
            raise AnswerIsNo(
                f"{archive.filename} is not in the cache, and the network is off",
                where=archive.where,
                next="sync without --offline once",
            )
        place = cast("IO[bytes]", sink)
        answer = await self._http.get(archive.url, index=archive.index, limit_bytes=_LARGEST, sink=place)
        if answer.status in FORBIDDEN or answer.status in NOT_FOUND:
            raise NetworkError(
                f"{archive.filename} cannot be had",
                where=archive.where,
                why=f"the server answers {answer.status}",
                next="check the credentials of the index"
                if answer.status in FORBIDDEN
                else "lock again: the file is gone from where the lock says it is",
            )
        if answer.status != 200:
            raise unexpected_status(answer)

    @staticmethod
    def _copy(path: Path, sink: _Hashing) -> None:
        with opened(path) as content:
            shutil.copyfileobj(content, sink, _BLOCK)

    # Building ---------------------------------------------------------------------------------------------------

    def known(self, key: str) -> str | None:
        """The SHA-256 of the wheel that the source named by `key` was built to before."""
        path = self._path(key)
        stored = None if self._cache is None or path is None else self._cache.read(path)
        return None if stored is None else stored.decode("ascii", "replace")

    def note(self, key: str, digest: str) -> None:
        """Keep which wheel came of a source."""
        path = self._path(key)
        if self._cache is not None and path is not None:
            self._cache.write(path, digest.encode("ascii"))

    async def build(self, ask: TreeAsk, folder: Path) -> Path:
        """Build a wheel into `folder`; raises AnswerIsNo where that fails or is not allowed."""
        building = self._building
        if building is None or building.builds.is_disabled(ask.name):
            raise AnswerIsNo(
                f"{ask.label} cannot be installed",
                where=ask.where,
                why="only a build would make a wheel of it, and building it is switched off",
                next="allow it to be built, or leave it out with --no-install-package",
            )
        git = None if ask.git is None else await asyncio.to_thread(self._repositories.tree, ask.git)

        def unpacked(scratch: Path) -> SourceTree:
            top = git or ask.folder
            if ask.archive is not None:
                with ask.archive.open("rb") as content:
                    try:
                        top = unpack(content, ask.archive.name, scratch)
                    except InvalidSdist as error:
                        raise AnswerIsNo(
                            f"{ask.label} cannot be built", where=ask.where, why=f"{ask.archive.name}: {error}"
                        ) from error
            assert top is not None
            if git is not None:
                # Backends write into the tree they build; that of the cache is for all.
                top = scratch / "tree"
                shutil.copytree(git, top, symlinks=True)
            place = inside(top, ask.subdirectory, ask.name)
            return SourceTree(name=ask.name, label=ask.label, folder=place, where=ask.where, lower=ask.lower)

        return await building.wheel(unpacked, folder, is_editable=ask.is_editable)

    async def tree(self, git: Git) -> Path:
        """The folder with the files of a commit, not to be changed."""
        return await asyncio.to_thread(self._repositories.tree, git)

    def _path(self, key: str) -> str | None:
        return None if self._building is None else self._building.wheel_path(key)


class _Hashing:
    """A file that is hashed as it is written, from the beginning again where the writer starts again."""

    def __init__(self, file: IO[bytes], archive: LockedArchive) -> None:
        self._file = file
        self._archive = archive
        self._left = 0
        self._algorithms = {"sha256", *(() if archive.hash is None else (archive.hash[0],))}
        self._hashers: dict[str, hashlib._Hash] = {}
        self._start()

    def _start(self) -> None:
        self._hashers = {algorithm: new_hasher(algorithm) for algorithm in self._algorithms}
        self._left = _LARGEST if self._archive.size is None else self._archive.size

    def write(self, block: bytes) -> int:
        self._left -= len(block)
        if self._left < 0:
            # Who sends more than the lock says sends another file: there is no need to wait for its end.
            raise _other_file(
                self._archive, "", f"it is larger than the {self._archive.size} bytes that the lock states"
            )
        for hasher in self._hashers.values():
            hasher.update(block)
        return self._file.write(block)

    def seek(self, offset: int) -> int:
        assert offset == 0
        self._start()
        return self._file.seek(offset)

    def truncate(self) -> int:
        return self._file.truncate()

    def digests(self) -> dict[str, str]:
        return {algorithm: hasher.hexdigest() for algorithm, hasher in self._hashers.items()}


def _other_file(archive: LockedArchive, actual: str, why: str = "") -> AnswerIsNo:
    if archive.hash is not None and not why:
        why = f"the lock states  {hash_text(archive.hash)}\nthe file has     {archive.hash[0]}:{actual}"
    return AnswerIsNo(
        f"{archive.filename} is not the file that the lock names",
        where=archive.where,
        why=why,
        next="do not use it; tell those who run the index, or lock again if they replaced the file on purpose",
    )
