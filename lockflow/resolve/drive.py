"""Drives a resolution: feeds facts to the solver, fetching what it needs concurrently and ahead.

The solver runs in the calling thread. As soon as something has to be asked for, one other thread runs the event loop of
the index client; facts come back through a queue and are told to the solver between its steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, Self

from msgspec.structs import replace

from lockflow.errors import AnswerIsNo, CacheError, LockflowError
from lockflow.index.model import Absent, Listing, Metadata, Release, SourceMetadata
from lockflow.inputs.model import Index, Manifest
from lockflow.resolve.facts import Facts, IndexSource, ListingNeed, MetadataNeed, Need, SourceNeed
from lockflow.resolve.policy import Policy
from lockflow.resolve.preferences import Preferences
from lockflow.resolve.resolution import Resolution
from lockflow.resolve.solve import Failure, Solver, SourceConflict, UndeclaredSource
from lockflow.standards.markers.render import render
from lockflow.standards.requirements import Directory, Git, Registry, Requirement, Source, source_text

if TYPE_CHECKING:
    from lockflow.resolve.fetch import Answer, Loop

_BUSY = 24
"""Requests under way, of some thirty connections."""

_STEPS = 50
"""Solver steps between two looks at what has arrived: few enough to keep the network busy."""


class Progress(Protocol):
    """Told, from the calling thread, how far a resolution is."""

    def __call__(self, *, decided: int, fetched: int) -> None: ...


def resolve(
    manifest: Manifest,
    preferences: Preferences,
    connect: Callable[[], IndexSource],
    progress: Progress | None = None,
) -> Resolution | Failure:
    """Resolve `manifest`; `connect` makes the index client.

    Raises NetworkError where a fact that is really needed cannot be had; what was only fetched ahead may fail. A
    build is never begun ahead: what only a build backend could tell is asked for when the solver waits for it.
    """
    try:
        return _resolve(manifest, preferences, connect, progress)
    except CacheError:
        # The damaged entry is gone, so that a new client asks for it.
        return _resolve(manifest, preferences, connect, progress)


def _resolve(
    manifest: Manifest,
    preferences: Preferences,
    connect: Callable[[], IndexSource],
    progress: Progress | None,
) -> Resolution | Failure:
    policy = Policy(manifest, preferences)
    with _Fetcher(policy, preferences, connect) as fetcher:
        facts = Facts(fetcher.flat_listings())
        _look_ahead(policy, facts, fetcher)
        solver = Solver(policy, preferences, facts, fetcher.want)
        while True:
            outcome = _advanced(solver)
            if outcome is not None and not isinstance(outcome, Need):
                return outcome
            known = None if outcome is None or solver.ahead.is_on else fetcher.known(outcome)
            if outcome is not None and known is not None:
                facts.add(outcome, known)
            elif outcome is not None or solver.ahead.is_on:
                _ask(outcome, solver, facts, fetcher)
            if progress is not None:
                progress(decided=solver.statistics.decisions, fetched=fetcher.fetched)


def _ask(awaited: Need | None, solver: Solver, facts: Facts, fetcher: _Fetcher) -> None:
    """Ask for all that is wanted, wait for the fact that the solver waits for, and tell it all that has come."""
    if not solver.ahead.is_on:
        solver.ahead.begin()
    fetcher.flush()
    if awaited is not None:
        fetcher.want(awaited)
        while not facts.knows(awaited):
            fetcher.build_if_needed(awaited)
            _tell(solver, facts, fetcher.wait(), awaited, is_busy=fetcher.is_busy)
    for answer in fetcher.arrived():
        _tell(solver, facts, answer, None, is_busy=fetcher.is_busy)


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
    from lockflow.resolve.fetch import gather_listings  # noqa: PLC0415  see `_Fetcher`

    return {listing.name: listing for listing in gather_listings(connect, names, indexes)}


def fetch_reached(
    connect: Callable[[], IndexSource], wanted: Sequence[tuple[str, Index]]
) -> list[LockflowError | None]:
    """What went wrong when each index was asked for one project; None where it answers, also that it has none."""
    from lockflow.resolve.fetch import gather_reached  # noqa: PLC0415  see `_Fetcher`

    return gather_reached(connect, wanted)


def fetch_metadata(
    connect: Callable[[], IndexSource], releases: Sequence[tuple[Listing, Release]], indexes: Sequence[Index]
) -> list[Metadata]:
    """What a file of each of these releases says, its first wheel if there is one; what cannot be had is left out."""
    from lockflow.resolve.fetch import gather_metadata  # noqa: PLC0415  see `_Fetcher`

    return gather_metadata(connect, releases, indexes)


def fetch_sources(
    connect: Callable[[], IndexSource], wanted: Sequence[tuple[str, Source]]
) -> dict[tuple[str, Source], SourceMetadata | Absent]:
    """What stands behind some sources, built where it has to be. Raises as the client does."""
    from lockflow.resolve.fetch import gather_sources  # noqa: PLC0415  see `_Fetcher`

    return dict(zip(wanted, gather_sources(connect, wanted), strict=True))


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
        solver.ahead.listed(need.name)
    elif isinstance(fact, Metadata):
        solver.ahead.read(fact, with_pins=not is_busy)


class _Fetcher:
    """Hands out facts: those at hand at once, the rest by way of an event loop, which is begun for the first of them.

    As long as all is at hand, nothing is looked for ahead. So a run from the cache does without a second thread,
    without asyncio, and without facts that turn out not to be needed: together a third of its time.
    """

    def __init__(self, policy: Policy, preferences: Preferences, connect: Callable[[], IndexSource]) -> None:
        self.fetched = 0
        self._policy = policy
        self._preferences = preferences
        self._client = connect()
        self._loop: Loop | None = None
        self._at_hand: list[Answer] = []
        self._wanted: dict[object, Need] = {}
        self._asked: set[object] = set()
        self._unbuilt: set[object] = set()
        self._failed: dict[object, BaseException] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._loop is not None:
            self._loop.close()

    @property
    def is_busy(self) -> bool:
        """Whether so much is under way that guesses of the second order would only stand in the way."""
        return len(self._asked) - self.fetched > _BUSY

    def known(self, need: Need) -> Listing | Metadata | Absent | None:
        """A fact that is at hand, to be told at once; else None."""
        fact = self._at_hand_of(need)
        if fact is not None:
            self._asked.add(_key(need))
            self.fetched += 1
        return fact

    def want(self, need: Need) -> None:
        """Fetch this, once; takes effect with the next `flush`."""
        key = _key(need)
        if key in self._failed:
            # Failed when it was fetched ahead, and now it is needed: this is the error to report.
            self._at_hand.append((need, self._failed[key]))
        elif key not in self._asked:
            self._asked.add(key)
            self._wanted[key] = need

    def build_if_needed(self, need: Need) -> None:
        """Ask the build backend for this, if it turned out that nothing else could tell."""
        if isinstance(need, MetadataNeed) and need.key in self._unbuilt:
            self._unbuilt.discard(need.key)
            self._begun().start([need], may_build=True)

    def flush(self) -> None:
        """Fetch all that is wanted."""
        far: list[Need] = []
        for need in self._wanted.values():
            fact = self._at_hand_of(need)
            if fact is None:
                far.append(need)
            else:
                self._at_hand.append((need, fact))
        self._wanted.clear()
        if far:
            self._begun().start(far, may_build=False)

    def wait(self) -> Answer:
        """The next answer, however long it takes."""
        self.flush()
        return self._note(self._at_hand.pop() if self._at_hand else self._begun().wait())

    def arrived(self) -> list[Answer]:
        """The answers that are there by now."""
        answers = [*self._at_hand, *(() if self._loop is None else self._loop.arrived())]
        self._at_hand.clear()
        return [self._note(answer) for answer in answers]

    def flat_listings(self) -> dict[str, dict[str, Listing]]:
        """Read all flat indexes and find-links; few projects have any."""
        settings = self._policy.settings
        flat = [*settings.find_links, *(index for index in settings.indexes if index.is_flat)]
        return self._begun().flat_listings(flat) if flat else {}

    def _at_hand_of(self, need: Need) -> Listing | Metadata | Absent | None:
        """None where a fact must be asked for, or where only a build could tell."""
        if isinstance(need, ListingNeed):
            return self._client.listing_at_hand(need.name, self._policy.index(need.index))
        if isinstance(need, MetadataNeed):
            known = self._client.metadata_at_hand(need.name, need.version, need.file)
            return None if isinstance(known, Absent) and known.kind == "needs-build" else known
        return None

    def _note(self, answer: Answer) -> Answer:
        need, fact = answer
        self.fetched += 1
        if isinstance(fact, BaseException):
            self._failed[_key(need)] = fact
        elif fact is None:
            self._unbuilt.add(_key(need))
        return answer

    def _begun(self) -> Loop:
        if self._loop is None:
            from lockflow.resolve.fetch import Loop  # noqa: PLC0415

            self._loop = Loop(self._client, self._policy, self._preferences)
        return self._loop


def _key(need: Need) -> object:
    return need.key if isinstance(need, MetadataNeed) else need
