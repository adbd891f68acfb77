"""Brings the wheels that are to be installed into the store: from the cache, by download, or by a build."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct

from lockflow.environments.contents import UnusableWheel
from lockflow.environments.model import Wanted
from lockflow.environments.store import Store, Unpacked
from lockflow.errors import AnswerIsNo, InputError
from lockflow.index.client import IndexClient
from lockflow.index.wheels import LockedArchive, TreeAsk, Wheels
from lockflow.inputs.read import ReadResult
from lockflow.lock.model import LockedFile
from lockflow.standards.hashes import InvalidHash, parse_hash
from lockflow.standards.requirements import Archive, Directory, Git, LocalFile, Registry
from lockflow.standards.versions import Version
from lockflow.syncing.model import Listener

_AT_ONCE = 16
"""Downloads under way; more share the same line."""


class Brought(Struct, frozen=True, kw_only=True):
    """Unpacked wheels in the order of what was wanted, and how many had to be downloaded or built."""

    wheels: tuple[Unpacked, ...]
    downloads: int


def bring(
    wanted: Sequence[Wanted],
    store: Store,
    connect: Callable[[], IndexClient],
    read: ReadResult,
    listener: Listener,
) -> Brought:
    """Bring all of it. The first that cannot be had ends the rest; what was unpacked until then stays in the store."""
    bringer = _Bringer(store, read, listener, len(wanted))
    known: dict[int, Unpacked] = {}
    for place, want in enumerate(wanted):
        found = bringer.stored(want)
        if found is not None:
            known[place] = found
    missing = [(place, want) for place, want in enumerate(wanted) if place not in known]
    if missing:
        known |= asyncio.run(bringer.all(missing, connect))
    return Brought(wheels=tuple(known[place] for place in range(len(wanted))), downloads=bringer.downloads)


def count_missing(wanted: Sequence[Wanted], store: Store, read: ReadResult, listener: Listener) -> int:
    """How many of these are not in the store."""
    bringer = _Bringer(store, read, listener, len(wanted))
    return sum(bringer.stored(want) is None for want in wanted)


class _Bringer:
    def __init__(self, store: Store, read: ReadResult, listener: Listener, total: int) -> None:
        self._store = store
        self._read = read
        self._listener = listener
        self._total = total
        self._done = 0
        self._limit = asyncio.Semaphore(_AT_ONCE)
        self._threads: ThreadPoolExecutor | None = None
        self._scratch: Path | None = None
        self._indexes = {
            index.url: index for index in (*read.manifest.settings.indexes, *read.manifest.settings.find_links)
        }
        self.downloads = 0

    def stored(self, want: Wanted) -> Unpacked | None:
        """A wheel that was unpacked before: found by the hash that the lock states."""
        if want.kind != "wheel" or want.file is None or want.file.hash is None:
            return None
        algorithm, _, digest = want.file.hash.partition(":")
        return self._store.find(digest) if algorithm == "sha256" else None

    async def all(
        self, missing: Sequence[tuple[int, Wanted]], connect: Callable[[], IndexClient]
    ) -> dict[int, Unpacked]:
        self._done = self._total - len(missing)
        self._scratch = Path(tempfile.mkdtemp(prefix="lockflow-sync-"))
        client = connect()
        tasks: dict[asyncio.Task[Unpacked], int] = {}
        try:
            with ThreadPoolExecutor(os.cpu_count() or 1, "lockflow-unpack") as self._threads:
                # Large files first, so that none of them is left alone at the end.
                order = sorted(missing, key=lambda entry: -_size(entry[1]))
                for place, want in order:
                    tasks[asyncio.create_task(self._one(want, client.wheels))] = place
                try:
                    for task in asyncio.as_completed(tasks):
                        await task
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            await client.aclose()
            shutil.rmtree(self._scratch, ignore_errors=True)
        return {place: task.result() for task, place in tasks.items()}

    async def _one(self, want: Wanted, wheels: Wheels) -> Unpacked:
        assert self._scratch is not None
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        try:
            if want.kind == "wheel" and want.file is not None:
                found = await self._downloaded(want, want.file, wheels, folder)
            else:
                found = await self._built(want, wheels, folder)
        except OSError as error:
            raise InputError(
                f"the wheel of {want.name} cannot be stored",
                where=str(error.filename or f"{self._store.folder}, or {self._scratch} on the way there"),
                why=error.strerror or str(error),
                next="make room or give permission, then sync again: what is stored already is kept",
            ) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self._done += 1
        self._listener.step(f"{self._done} of {self._total}: {want.name}")
        return found

    async def _downloaded(self, want: Wanted, file: LockedFile, wheels: Wheels, folder: Path) -> Unpacked:
        archive = await self._archive(want, file, wheels)
        target = folder / "wheel.whl"
        async with self._limit:
            self._say_size("Downloading", want, file)
            digest = await wheels.save(archive, target)
            self.downloads += 1
        return await self._unpacked(target, archive.filename, digest, archive.where)

    async def _unpacked(self, wheel: Path, filename: str, digest: str, where: str) -> Unpacked:
        def unpack() -> Unpacked:
            with wheel.open("rb") as content:
                return self._store.add(content, filename, digest)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, unpack)
        except UnusableWheel as error:
            raise AnswerIsNo(
                f"{filename} cannot be installed",
                where=where,
                why=str(error),
                next="tell those who publish it; until then constrain the package to a version whose wheel is sound",
            ) from error

    async def _built(self, want: Wanted, wheels: Wheels, folder: Path) -> Unpacked:
        key = self._key(want)
        digest = None if key is None else await asyncio.to_thread(wheels.known, key)
        if digest is not None:
            known = self._store.find(digest)
            if known is not None:
                return known
        ask = await self._tree(want, wheels, folder)
        self._listener.step(f"building {ask.label}")
        output = folder / "wheel"
        output.mkdir()
        wheel = await wheels.build(ask, output)
        digest = await asyncio.to_thread(_sha256, wheel)
        self.downloads += 1
        unpacked = await self._unpacked(wheel, wheel.name, digest, ask.where)
        self._check_identity(want, unpacked, ask)
        if key is not None:
            await asyncio.to_thread(wheels.note, key, digest)
        return unpacked

    @staticmethod
    def _check_identity(want: Wanted, wheel: Unpacked, ask: TreeAsk) -> None:
        """See that a build gave what the lock says."""
        contents = wheel.contents
        if contents.name != want.name:
            why = f"its build made {contents.name} {contents.version}"
        elif (
            isinstance(want.package.source, Registry) and want.version and not _is_same(want.version, contents.version)
        ):
            why = f"its build made version {contents.version}, the lock has {want.version}"
        else:
            return
        raise AnswerIsNo(f"{ask.label} is not what it is called", where=ask.where, why=why, next="lock again")

    def _key(self, want: Wanted) -> str | None:
        """What names the source of a build; None where it cannot be named."""
        source = want.package.source
        form = "editable" if want.is_editable else "wheel"
        if want.kind == "sdist" and want.file is not None and want.file.hash is not None:
            subdirectory = source.subdirectory if isinstance(source, Archive) else None
            return f"{want.file.hash.replace(':', '/')}-{_short(subdirectory or '')}"
        if isinstance(source, Git):
            return f"git/{source.commit}-{_short(f'{source.url} {source.subdirectory or str()}')}"
        if isinstance(source, Directory):
            return f"tree/{want.state}-{form}-{_short(str((self._read.root / source.path).resolve()))}"
        return None

    async def _tree(self, want: Wanted, wheels: Wheels, folder: Path) -> TreeAsk:
        """What to build, with a source archive at hand."""
        source, name = want.package.source, want.name
        label = f"{name} {want.version}".rstrip()
        if isinstance(source, Directory):
            place = self._read.root / source.path
            tree = self._read.read_tree(place, self._read.root)
            return TreeAsk(
                name=name,
                label=label,
                where=str(place),
                folder=place,
                is_editable=want.is_editable,
                lower=None if tree is None else tree.lower,
            )
        if isinstance(source, Git) and source.path is None:
            return TreeAsk(name=name, label=label, where=source.url, git=source, subdirectory=source.subdirectory)
        assert want.file is not None
        archive = await self._archive(want, want.file, wheels)
        target = folder / archive.filename
        async with self._limit:
            self._say_size("Downloading", want, want.file)
            await wheels.save(archive, target)
        subdirectory = source.subdirectory if isinstance(source, Archive) else None
        return TreeAsk(name=name, label=label, where=archive.where, archive=target, subdirectory=subdirectory)

    async def _archive(self, want: Wanted, file: LockedFile, wheels: Wheels) -> LockedArchive:
        """A file of the lock with the place where it is."""
        source, root = want.package.source, self._read.root
        pair = None
        if file.hash is not None:
            try:
                pair = parse_hash(file.hash)
            except InvalidHash as error:
                raise InputError(f"the lock states no hash of {want.name}", where="uv.lock", why=str(error)) from error
        url, path, index = file.url or "", None, None
        match source:
            case Registry(index=place) if place is not None:
                index = self._indexes.get(place)
                if file.path is not None:
                    path = root / place / file.path
            case Archive(url=address):
                url = address
            case LocalFile(path=place):
                path = root / place
            case Git() as git:
                path = await wheels.tree(git) / (git.path or "")
            case _:
                pass
        filename = file.name or (url.partition("?")[0].rpartition("/")[2] if url else path.name if path else "")
        if path is not None and not filename:
            filename = path.name
        return LockedArchive(
            name=want.name,
            filename=filename,
            url="" if path is not None else url,
            path=path,
            index=index,
            hash=pair,
            size=file.size,
        )

    def _say_size(self, verb: str, want: Wanted, file: LockedFile) -> None:
        size = "" if file.size is None else f" ({file.size / (1 << 20):.1f} MiB)"
        self._listener.step(f"{self._done} of {self._total}; {verb.lower()} {want.name}{size}")


def _size(want: Wanted) -> int:
    return (want.file.size or 0) if want.file is not None else 1 << 40


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def _is_same(one: str, other: str) -> bool:
    return Version.parse(one) == Version.parse(other)
