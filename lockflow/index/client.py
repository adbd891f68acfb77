"""Answers what a resolution asks of indexes: the listing of a project, the metadata of a file, what lies in a folder.

What is stored is used as long as HTTP allows, what a hash names for ever. What is at hand so is answered at once, by
plain functions; for the rest `asking` is loaded, with the event loop and all that reaches out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

from msgspec import Struct

from lockflow.index.entries import metadata_path
from lockflow.index.model import Absent, File, Listing, Metadata, SourceMetadata
from lockflow.index.network import Network, Transport
from lockflow.index.options import ClientOptions
from lockflow.index.stored import Stored, answer_of
from lockflow.inputs.model import Index
from lockflow.standards.requirements import Source
from lockflow.standards.versions import Version

if TYPE_CHECKING:
    from lockflow.index.asking import Asking
    from lockflow.index.wheels import Wheels


class Statistics(Struct):
    """What a client did so far."""

    requests: int = 0
    received_bytes: int = 0
    cache_hits: int = 0


class IndexClient:
    """Answers questions about indexes. What is awaited belongs to one event loop; what is at hand needs none."""

    def __init__(
        self,
        options: ClientOptions,
        transport: Transport | None = None,
        *,
        warn: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.warnings: list[str] = []
        self._warn = warn or self.warnings.append
        self._options = options
        self._http = Network(options.http, transport)
        self._stored = Stored(options, self._warn, clock)
        self._asking: Asking | None = None
        self._listings: dict[tuple[str, str], Listing | Absent] = {}
        self._metadata: dict[str, Metadata | Absent] = {}

    @property
    def statistics(self) -> Statistics:
        return Statistics(
            requests=self._http.request_count,
            received_bytes=self._http.received_bytes,
            cache_hits=self._stored.hits,
        )

    def listing_at_hand(self, name: str, index: Index) -> Listing | Absent | None:
        """As `listing`, if it is known or stored; None where it would have to be asked for."""
        key = (index.url, name)
        known = self._listings.get(key)
        if known is None and not index.is_flat and _is_far(index.url):
            known = self._stored.listing(name, index.url)
            if known is None and self._options.offline:
                known = Absent(kind="offline", reason="it is not in the cache, and the network is off")
            if known is not None:
                self._listings[key] = known
        return known

    def metadata_at_hand(self, name: str, version: Version, file: File) -> Metadata | Absent | None:
        """As `metadata`, if it is known or stored; None where it would have to be asked for."""
        path, is_immutable = metadata_path(file)
        known = self._metadata.get(path)
        if known is None:
            stored = self._stored.metadata(name, path, is_immutable=is_immutable)
            if stored is not None:
                core = stored.core
                if core is None and self._options.builds is not None:
                    core = self._far().known_build(name, file)
                known = self._metadata[path] = answer_of(core, name, version)
        return known

    async def listing(self, name: str, index: Index) -> Listing | Absent:
        """The project as this index lists it. `name` is normalised. Raises NetworkError where no answer comes."""
        known = self.listing_at_hand(name, index)
        if known is None:
            known = await self._far().listing(name, index)
            if not index.is_flat:
                self._listings[index.url, name] = known
        return known

    async def metadata(self, name: str, version: Version, file: File, index: Index) -> Metadata | Absent:
        """The metadata of one file: a wheel's always, an sdist's where it tells without a build.

        Raises NetworkError where the file cannot be had, or is not the one that the index announced.
        """
        known = self.metadata_at_hand(name, version, file)
        if known is None:
            known = await self._far().metadata(name, version, file, index)
            self._metadata[metadata_path(file)[0]] = known
        return known

    async def built(self, name: str, version: Version, file: File, index: Index) -> Metadata | Absent:
        """As `metadata`, and asks the build backend where only that can tell.

        Raises AnswerIsNo where the build fails, with the last that it said.
        """
        known = await self.metadata(name, version, file, index)
        if not isinstance(known, Absent) or known.kind != "needs-build":
            return known
        built = await self._far().built(name, version, file, index)
        if isinstance(built, Metadata):
            self._metadata[metadata_path(file)[0]] = built
        return known if built is None else built

    async def source(self, name: str, source: Source) -> SourceMetadata | Absent:
        """What stands behind a requirement that comes from elsewhere than an index, built where it has to be.

        Raises AnswerIsNo where it is not there or its build fails, NetworkError where no answer comes, InputError.
        """
        return await self._far().source(name, source)

    async def flat(self, index: Index) -> dict[str, Listing]:
        """All that a flat index or a find-links location lists, by normalised name."""
        return await self._far().flat(index)

    async def whole(self, file: File, index: Index) -> IO[bytes]:
        """All of a file, checked against its hash where it comes over the network."""
        return await self._far().whole(file, index)

    @property
    def wheels(self) -> Wheels:
        """Wheels on disk, over the same connections."""
        return self._far().wheels

    async def aclose(self) -> None:
        """Give up what is under way and close connections; of no effect where all was at hand."""
        if self._asking is not None:
            await self._asking.aclose()
        self._http.close()

    def _far(self) -> Asking:
        if self._asking is None:
            # A run that is answered from the cache needs neither an event loop nor what builds and unpacks: a quarter
            # of the time of such a run.
            from lockflow.index.asking import Asking  # noqa: PLC0415

            self._asking = Asking(self._options, self._http, self._stored, self._warn)
        return self._asking


def _is_far(url: str) -> bool:
    """Whether a URL is asked over the network, so that what it says may be stored."""
    return url.startswith(("https://", "http://"))
