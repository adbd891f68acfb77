"""The event loop of the index client, in a thread of its own: needs go in, answers come out through a queue.

Loaded when the first fact is not at hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from msgspec.structs import replace

from lockflow.errors import LockflowError
from lockflow.index.model import Absent, Listing, Metadata, Release, SourceMetadata
from lockflow.inputs.model import Index
from lockflow.resolve.facts import IndexSource, ListingNeed, MetadataNeed, Need, SourceNeed
from lockflow.resolve.policy import Policy
from lockflow.resolve.preferences import Preferences
from lockflow.standards.requirements import Git, Source, repository_of

_T = TypeVar("_T")

Answer = tuple[Need, Listing | Metadata | Absent | BaseException | None]
"""A need and its fact, or what went wrong; None where only a build could tell, and none was begun."""


class Loop:
    """Asks the client of one resolution."""

    def __init__(self, client: IndexSource, policy: Policy, preferences: Preferences) -> None:
        self._client = client
        self._policy = policy
        self._commits = dict(preferences.git_commits)
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="lockflow-index", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread.start()

    def start(self, needs: Sequence[Need], *, may_build: bool) -> None:
        """Ask for facts; their answers come in any order."""
        self._loop.call_soon_threadsafe(lambda: self._start(needs, may_build=may_build))

    def wait(self) -> Answer:
        """The next answer, however long it takes."""
        while True:
            try:
                # A bounded wait lets Ctrl-C through on every platform.
                return self._answers.get(timeout=1.0)
            except Empty:
                continue

    def arrived(self) -> list[Answer]:
        """The answers that are there by now."""
        answers: list[Answer] = []
        while True:
            try:
                answers.append(self._answers.get_nowait())
            except Empty:
                return answers

    def flat_listings(self, indexes: Sequence[Index]) -> dict[str, dict[str, Listing]]:
        """All that flat indexes and find-links list, by URL and name."""
        return self._run(self._read_flat(indexes))

    def close(self) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[object, object, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    async def _read_flat(self, indexes: Sequence[Index]) -> dict[str, dict[str, Listing]]:
        found = await asyncio.gather(*(self._client.flat(index) for index in indexes))
        return {index.url: listings for index, listings in zip(indexes, found, strict=True)}

    def _start(self, needs: Sequence[Need], *, may_build: bool) -> None:
        for need in needs:
            task = self._loop.create_task(self._fetch(need, may_build=may_build))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _fetch(self, need: Need, *, may_build: bool) -> None:
        try:
            self._answers.put((need, await self._ask(need, may_build=may_build)))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  whatever broke is the answer to this need
            self._answers.put((need, error))

    async def _ask(self, need: Need, *, may_build: bool) -> Listing | Metadata | Absent | None:
        if isinstance(need, ListingNeed):
            return await self._client.listing(need.name, self._policy.index(need.index))
        if isinstance(need, MetadataNeed):
            index = self._policy.index(need.index)
            if may_build:
                return await self._client.built(need.name, need.version, need.file, index)
            known = await self._client.metadata(need.name, need.version, need.file, index)
            return None if isinstance(known, Absent) and known.kind == "needs-build" else known
        assert isinstance(need, SourceNeed)
        return await self._client.source(need.name, self._pinned(need.source))

    def _pinned(self, source: Source) -> Source:
        """A git source at the commit of the older lock, where that has one for the same reference."""
        if isinstance(source, Git) and source.commit is None:
            return replace(source, commit=self._commits.get(repository_of(source)))
        return source


def gather_listings(
    connect: Callable[[], IndexSource], names: Sequence[str], indexes: Sequence[Index]
) -> list[Listing]:
    """The pages of some projects, each from the first index that has it; what cannot be had is left out."""

    async def first(client: IndexSource, name: str) -> Listing | None:
        for index in indexes:
            try:
                found = await client.listing(name, index)
            except LockflowError:
                return None
            if isinstance(found, Listing):
                return found
        return None

    async def fetch() -> list[Listing | None]:
        client = connect()
        try:
            return await asyncio.gather(*(first(client, name) for name in names))
        finally:
            await client.aclose()

    return [listing for listing in asyncio.run(fetch()) if listing is not None]


def gather_reached(
    connect: Callable[[], IndexSource], wanted: Sequence[tuple[str, Index]]
) -> list[LockflowError | None]:
    """What went wrong when each index was asked for one project; None where it answers, also that it has none."""

    async def reached(client: IndexSource, name: str, index: Index) -> LockflowError | None:
        try:
            await (client.flat(index) if index.is_flat else client.listing(name, index))
        except LockflowError as error:
            return error
        return None

    async def fetch() -> list[LockflowError | None]:
        client = connect()
        try:
            return await asyncio.gather(*(reached(client, name, index) for name, index in wanted))
        finally:
            await client.aclose()

    return asyncio.run(fetch())


def gather_metadata(
    connect: Callable[[], IndexSource], releases: Sequence[tuple[Listing, Release]], indexes: Sequence[Index]
) -> list[Metadata]:
    """What a file of each of these releases says; what cannot be had is left out."""
    by_url = {index.url: index for index in indexes}

    async def of(client: IndexSource, listing: Listing, release: Release) -> Metadata | None:
        index = by_url.get(listing.index)
        file = next((file for file in release.files if file.is_wheel), next(iter(release.files), None))
        if index is None or file is None:
            return None
        try:
            found = await client.metadata(listing.name, release.version, file, index)
        except LockflowError:
            return None
        return None if isinstance(found, Absent) else found

    async def fetch() -> list[Metadata | None]:
        client = connect()
        try:
            return await asyncio.gather(*(of(client, listing, release) for listing, release in releases))
        finally:
            await client.aclose()

    return [metadata for metadata in asyncio.run(fetch()) if metadata is not None]


def gather_sources(
    connect: Callable[[], IndexSource], wanted: Sequence[tuple[str, Source]]
) -> list[SourceMetadata | Absent]:
    """What stands behind some sources, in their order."""

    async def fetch() -> list[SourceMetadata | Absent]:
        client = connect()
        try:
            return await asyncio.gather(*(client.source(name, source) for name, source in wanted))
        finally:
            await client.aclose()

    return asyncio.run(fetch())
