"""What the solver lacks (Need) and what it is told (Facts). It never fetches: it names a need and is resumed.

A need may be asked for ahead of time as a hint; facts that arrive unasked are kept and change nothing, so the
order of arrival has no effect on the answer.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from lockflow.index.model import Absent, File, Listing, Metadata, SourceMetadata
from lockflow.inputs.model import Index
from lockflow.standards.requirements import Source
from lockflow.standards.versions import Version


class ListingNeed(Struct, frozen=True, kw_only=True):
    """The listing of a project on one index (its URL as in Settings)."""

    name: str
    index: str


class MetadataNeed(Struct, frozen=True, kw_only=True):
    """The metadata of one file of one version on one index."""

    name: str
    version: Version
    index: str
    file: File

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.name, self.index, self.file.url)


class SourceNeed(Struct, frozen=True, kw_only=True):
    """The metadata of a requirement that comes from a URL, a path or a repository."""

    name: str
    source: Source


Need = ListingNeed | MetadataNeed | SourceNeed


class IndexSource(Protocol):
    """What the driver needs of an index client; `lockflow.index.client` has it.

    What is at hand, in memory or in a cache, is told without waiting; None means that it has to be awaited.
    """

    def listing_at_hand(self, name: str, index: Index) -> Listing | Absent | None: ...

    def metadata_at_hand(self, name: str, version: Version, file: File) -> Metadata | Absent | None: ...

    async def listing(self, name: str, index: Index) -> Listing | Absent: ...

    async def metadata(self, name: str, version: Version, file: File, index: Index) -> Metadata | Absent: ...

    async def built(self, name: str, version: Version, file: File, index: Index) -> Metadata | Absent: ...

    async def source(self, name: str, source: Source) -> SourceMetadata | Absent: ...

    async def flat(self, index: Index) -> dict[str, Listing]: ...

    async def aclose(self) -> None: ...


class Blocked(Exception):
    """Inside the solver only: a step cannot go on without this fact. Raised before anything is changed."""

    def __init__(self, need: Need) -> None:
        super().__init__(need)
        self.need = need


class Facts:
    """All that the solver was told so far. `flat` holds what flat indexes and find-links list, by index URL."""

    __slots__ = ("_listed", "_listings", "_metadata", "_sources", "allowed", "flat")

    def __init__(self, flat: dict[str, dict[str, Listing]] | None = None) -> None:
        self._listings: dict[tuple[str, str], Listing | Absent] = {}
        self._listed: set[str] = set()
        self._metadata: dict[tuple[str, str, str], Metadata | Absent] = {}
        self._sources: dict[SourceNeed, Metadata | Absent] = {}
        self.flat = flat or {}
        self.allowed: dict[SourceNeed, Source] | None = None
        """Where all sources were read beforehand: those that may be used, and which of several names for one is."""

    def add(self, need: Need, fact: Listing | Metadata | Absent) -> None:
        """Tell the solver the answer to `need`."""
        if isinstance(need, ListingNeed):
            assert not isinstance(fact, Metadata)
            self._listings[need.name, need.index] = fact
            self._listed.add(need.name)
        elif isinstance(need, MetadataNeed):
            assert not isinstance(fact, Listing)
            self._metadata[need.key] = fact
        else:
            assert not isinstance(fact, Listing)
            self._sources[need] = fact

    def knows(self, need: Need) -> bool:
        if isinstance(need, ListingNeed):
            return (need.name, need.index) in self._listings
        if isinstance(need, MetadataNeed):
            return need.key in self._metadata
        return need in self._sources

    def knows_some_listing(self, name: str) -> bool:
        """Whether any index has answered for this project, so that it is worth looking ahead."""
        return name in self._listed

    def peek_listing(self, name: str, index: str) -> Listing | Absent | None:
        """A listing if it is known already."""
        return self._listings.get((name, index))

    def peek_metadata(self, need: MetadataNeed) -> Metadata | None:
        """The metadata of a file if it is known already and can be read."""
        found = self._metadata.get(need.key)
        return found if isinstance(found, Metadata) else None

    def all_metadata(self) -> list[Metadata]:
        """The metadata of every file that is known by now."""
        return [fact for fact in self._metadata.values() if isinstance(fact, Metadata)]

    def listing(self, name: str, index: str) -> Listing | Absent:
        """The listing; raises Blocked where it is not known yet."""
        found = self._listings.get((name, index))
        if found is None:
            raise Blocked(ListingNeed(name=name, index=index))
        return found

    def metadata(self, need: MetadataNeed) -> Metadata | Absent:
        """The metadata; raises Blocked where it is not known yet."""
        found = self._metadata.get(need.key)
        if found is None:
            raise Blocked(need)
        return found

    def peek_source(self, name: str, source: Source) -> Metadata | Absent | None:
        """What stands behind a source if it is known already."""
        return self._sources.get(SourceNeed(name=name, source=source))

    def source(self, need: SourceNeed) -> Metadata | Absent:
        found = self._sources.get(need)
        if found is None:
            raise Blocked(need)
        return found
