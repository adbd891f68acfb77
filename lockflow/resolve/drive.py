"""Drives a resolution: feeds facts to the solver, fetching what it needs concurrently and ahead.

The solver runs in the calling thread; one other thread runs the event loop of the index client. Facts come back
through a queue and are told to the solver between its steps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Protocol, Self, TypeVar

from msgspec.structs import replace

from lockflow.errors import AnswerIsNo, LockflowError
from lockflow.index.model import Absent, File, Listing, Metadata, SourceMetadata
from lockflow.inputs.model import Index, Manifest
from lockflow.resolve.facts import Facts, ListingNeed, MetadataNeed, Need, SourceNeed
from lockflow.resolve.policy import Policy
from lockflow.resolve.preferences import Preferences
from lockflow.resolve.resolution import Resolution
from lockflow.resolve.solve import Failure, Solver, SourceConflict, UndeclaredSource
from lockflow.standards.markers.render import render
from lockflow.standards.requirements import Directory, Git, Registry, Requirement, Source, repository_of, source_text
from lockflow.standards.versions import Version

_T = TypeVar("_T")

_BUSY = 24
"""Requests under way, of some thirty connections."""

_STEPS = 50
"""Solver steps between two looks at what has arrived: few enough to keep the network busy."""


class IndexSource(Protocol):
    """What the driver needs of an index client; `lockflow.index.client` has it."""

    async def listing(self, name: str, index: Index) -> Listing | Absent: ...

    async def metadata(self, name: str, version: Version, file: File, index: Index) -> Metadata | Absent: ...

    async def built(self, name: str, version: Version, file: File, index: Index) -> Metadata | Absent: ...

    async def source(self, name: str, source: Source) -> SourceMetadata | Absent: ...

    async def flat(self, index: Index) -> dict[str, Listing]: ...

    async def aclose(self) -> None: ...


class Progress(Protocol):
    """Told, from the calling thread, how far a resolution is."""

    def __call__(self, *, decided: int, fetched: int) -> None: ...


def resolve(
    manifest: Manifest,
    preferences: Preferences,
    connect: Callable[[], IndexSource],
    progress: Progress | None = None,
) -> Resolution | Failure:
    """Resolve `manifest`; `connect` makes the index client, inside the event loop that will use it.

    Raises NetworkError where a fact that is really needed cannot be had; what was only fetched ahead may fail. A
    build is never begun ahead: what only a build backend could tell is asked for when the solver waits for it.
    """
    policy = Policy(manifest, preferences)
    with _Fetcher(policy, preferences, connect) as fetcher:
        facts = Facts(fetcher.flat_listings())
        _look_ahead(policy, facts, fetcher)
        solver = Solver(policy, preferences, facts, fetcher.want)
        while True:
            outcome = _advanced(solver)
            fetcher.flush()
            if outcome is not None and not isinstance(outcome, Need):
                return outcome
            if outcome is not None:
                fetcher.want(outcome)
                while not facts.knows(outcome):
                    fetcher.build_if_needed(outcome)
                    _tell(solver, facts, fetcher.wait(), outcome, is_busy=fetcher.is_busy)
            for answer in fetcher.arrived():
                _tell(solver, facts, answer, None, is_busy=fetcher.is_busy)
            if progress is not None:
                progress(decided=solver.statistics.decisions, fetched=fetcher.fetched)


def _advanced(solver: Solver) -> Need | Resolution | Failure | None:
    try:
        return solver.advance(_STEPS)
    except SourceConflict as conflict:
        first, second = conflict.places
        marker = render(conflict.environment.marker)
        raise AnswerIsNo(
            f"{conflict.name} is asked for from two places",
            why=f"{first}\n{second}" + ("" if marker is None else f"\nboth where {marker}"),
            next="make the sources agree, or give each a marker that excludes the other",
        ) from conflict
    except UndeclaredSource as undeclared:
        place = source_text(undeclared.source)
        raise AnswerIsNo(
            f"{undeclared.name} is asked for from {place} by a package that is not of this project",
            why="a package of an index may not say where others come from",
            next=f"if you trust it, add {undeclared.name} from there to your dependencies or constraints",
        ) from undeclared


def _look_ahead(policy: Policy, facts: Facts, fetcher: _Fetcher) -> None:
    """Read all that people of this project take from elsewhere than an index, and what that takes from elsewhere.

    Only these sources are allowed: a package of an index cannot send the resolution to other places.
    """
    direct = _sources_in(policy.declared(), policy)
    todo, waiting, known = list(direct), set[SourceNeed](), dict[SourceNeed, list[SourceNeed]]()
    while todo or waiting:
        for need in todo:
            if need not in known:
                known[need] = []
                waiting.add(need)
                fetcher.want(need)
        todo.clear()
        if not waiting:
            break
        answered, fact = fetcher.wait()
        if isinstance(fact, BaseException):
            raise fact
        assert isinstance(answered, SourceNeed)
        assert isinstance(fact, Metadata | Absent)
        facts.add(answered, fact)
        waiting.discard(answered)
        if isinstance(fact, Metadata):
            known[answered] = _sources_in(fact.requires_dist, policy)
            todo = list(known[answered])
    facts.allowed = _allowed(direct, known, facts)


def _sources_in(requirements: Iterable[Requirement], policy: Policy) -> list[SourceNeed]:
    return [
        SourceNeed(name=requirement.name, source=requirement.source)
        for requirement in requirements
        if not isinstance(requirement.source, Registry) and policy.member(requirement.name, requirement.source) is None
    ]


def _allowed(
    direct: Sequence[SourceNeed], known: Mapping[SourceNeed, Sequence[SourceNeed]], facts: Facts
) -> dict[SourceNeed, Source]:
    """Every source with the one to use in its place: of several names for one thing the first, or an editable one.

    What sources ask for goes before what the project asks for, in the order in which one leads to the other.
    """
    order: dict[SourceNeed, None] = dict.fromkeys(direct)
    for need in (pending := list(order)):
        new = [entry for entry in known[need] if entry not in order]
        order |= dict.fromkeys(new)
        pending += new
    chosen: dict[object, Source] = {}
    things: dict[SourceNeed, object] = {}
    for need in (*(entry for parent in order for entry in known[parent]), *direct):
        thing = things[need] = _thing(need, facts)
        first = chosen.setdefault(thing, need.source)
        is_editable = isinstance(need.source, Directory) and need.source.install == "editable"
        if is_editable and isinstance(first, Directory) and first.install != "editable":
            chosen[thing] = need.source
    return {need: chosen[thing] for need, thing in things.items()}


def _thing(need: SourceNeed, facts: Facts) -> object:
    """What a source leads to: the same commit by branch or tag, the same folder editable or not, is the same."""
    found = facts.peek_source(need.name, need.source)
    source = found.source if isinstance(found, SourceMetadata) else need.source
    if isinstance(source, Git):
        source = replace(source, reference_kind=None, reference=None)
    elif isinstance(source, Directory):
        source = replace(source, install="directory")
    return (need.name, source)


def fetch_listings(
    connect: Callable[[], IndexSource], names: Sequence[str], indexes: Sequence[Index]
) -> dict[str, Listing]:
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

    return {listing.name: listing for listing in asyncio.run(fetch()) if listing is not None}


def fetch_sources(
    connect: Callable[[], IndexSource], wanted: Sequence[tuple[str, Source]]
) -> dict[tuple[str, Source], SourceMetadata | Absent]:
    """What stands behind some sources, built where it has to be. Raises as the client does."""

    async def fetch() -> list[SourceMetadata | Absent]:
        client = connect()
        try:
            return await asyncio.gather(*(client.source(name, source) for name, source in wanted))
        finally:
            await client.aclose()

    return dict(zip(wanted, asyncio.run(fetch()), strict=True))


Answer = tuple[Need, Listing | Metadata | Absent | BaseException | None]
"""A need and its fact, or what went wrong; None where only a build could tell, and none was begun."""


def _tell(solver: Solver, facts: Facts, answer: Answer, awaited: Need | None, *, is_busy: bool) -> None:
    need, fact = answer
    if isinstance(fact, BaseException):
        if awaited is not None and need == awaited:
            raise fact
        return
    if fact is None:
        return
    facts.add(need, fact)
    if isinstance(need, ListingNeed):
        solver.guess(need.name)
    elif isinstance(fact, Metadata):
        solver.expect(fact, with_pins=not is_busy)


class _Fetcher:
    """The event loop's thread, and the two ways across: wants go in, answers come out."""

    def __init__(self, policy: Policy, preferences: Preferences, connect: Callable[[], IndexSource]) -> None:
        self.fetched = 0
        self._commits = dict(preferences.git_commits)
        self._policy = policy
        self._connect = connect
        self._answers: SimpleQueue[Answer] = SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="lockflow-index", daemon=True)
        self._client: IndexSource | None = None
        self._wanted: dict[object, Need] = {}
        self._asked: set[object] = set()
        self._unbuilt: set[object] = set()
        self._failed: dict[object, BaseException] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._client = self._run(self._open())
        return self

    def __exit__(self, *exception: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def want(self, need: Need) -> None:
        """Fetch this, once; takes effect with the next `flush`."""
        key = need.key if isinstance(need, MetadataNeed) else need
        if key in self._failed:
            # Failed when it was fetched ahead, and now it is needed: this is the error to report.
            self._answers.put((need, self._failed[key]))
        elif key not in self._asked:
            self._asked.add(key)
            self._wanted[key] = need

    def build_if_needed(self, need: Need) -> None:
        """Ask the build backend for this, if it turned out that nothing else could tell."""
        if isinstance(need, MetadataNeed) and need.key in self._unbuilt:
            self._unbuilt.discard(need.key)
            self._start_soon([need], may_build=True)

    @property
    def is_busy(self) -> bool:
        """Whether so much is under way that guesses of the second order would only stand in the way."""
        return len(self._asked) - self.fetched > _BUSY

    def flush(self) -> None:
        if self._wanted:
            needs = list(self._wanted.values())
            self._wanted.clear()
            self._start_soon(needs, may_build=False)

    def wait(self) -> Answer:
        """The next answer, however long it takes."""
        self.flush()
        while True:
            try:
                # A bounded wait lets Ctrl-C through on every platform.
                return self._note(self._answers.get(timeout=1.0))
            except Empty:
                continue

    def arrived(self) -> list[Answer]:
        """The answers that are there by now."""
        answers: list[Answer] = []
        while True:
            try:
                answers.append(self._note(self._answers.get_nowait()))
            except Empty:
                return answers

    def flat_listings(self) -> dict[str, dict[str, Listing]]:
        """Read all flat indexes and find-links; few projects have any."""
        settings = self._policy.settings
        flat = [*settings.find_links, *(index for index in settings.indexes if index.is_flat)]
        return self._run(self._read_flat(flat)) if flat else {}

    def _note(self, answer: Answer) -> Answer:
        need, fact = answer
        self.fetched += 1
        key = need.key if isinstance(need, MetadataNeed) else need
        if isinstance(fact, BaseException):
            self._failed[key] = fact
        elif fact is None:
            self._unbuilt.add(key)
        return answer

    def _run(self, work: Coroutine[object, object, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> IndexSource:
        return self._connect()

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    async def _read_flat(self, indexes: list[Index]) -> dict[str, dict[str, Listing]]:
        assert self._client is not None
        found = await asyncio.gather(*(self._client.flat(index) for index in indexes))
        return {index.url: listings for index, listings in zip(indexes, found, strict=True)}

    def _start_soon(self, needs: Sequence[Need], *, may_build: bool) -> None:
        self._loop.call_soon_threadsafe(lambda: self._start(needs, may_build=may_build))

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
        assert self._client is not None
        if isinstance(need, ListingNeed):
            return await self._client.listing(need.name, self._policy.index(need.index))
        if isinstance(need, MetadataNeed):
            index = self._policy.index(need.index)
            if may_build:
                return await self._client.built(need.name, need.version, need.file, index)
            known = await self._client.metadata(need.name, need.version, need.file, index)
            return None if isinstance(known, Absent) and known.kind == "needs-build" else known
        return await self._client.source(need.name, self._pinned(need.source))

    def _pinned(self, source: Source) -> Source:
        """A git source at the commit of the older lock, where that has one for the same reference."""
        if isinstance(source, Git) and source.commit is None:
            return replace(source, commit=self._commits.get(repository_of(source)))
        return source
