"""What the cache says of listings and metadata: what may be used as it lies there, and the form it is stored in."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from lockflow.index.cache import Cache, Tail
from lockflow.index.entries import (
    FOR_EVER,
    StoredMetadata,
    StoredPage,
    decode_metadata,
    decode_page,
    encode_entry,
    listing_path,
)
from lockflow.index.freshness import Policy, is_fresh
from lockflow.index.metadata import CoreMetadata, as_metadata
from lockflow.index.model import Absent, Listing, Metadata
from lockflow.index.options import ClientOptions
from lockflow.index.simple import decode_listing
from lockflow.standards.versions import Version


class Stored:
    """The cache of one client, if it has one. `hits` counts what was found and used."""

    def __init__(self, options: ClientOptions, warn: Callable[[str], None], clock: Callable[[], float]) -> None:
        self.hits = 0
        self.cache: Cache | None = None
        if options.cache_folder is not None and not options.no_cache:
            self.cache = Cache(options.cache_folder, warn)
        self._offline = options.offline
        self._refresh = options.refresh
        self._clock = clock

    def now(self) -> int:
        """Seconds since the epoch."""
        return int(self._clock())

    def listing(self, name: str, index_url: str) -> Listing | Absent | None:
        """What the page of a project said, as long as HTTP allows; None where it has to be asked for."""
        found = self.listing_page(listing_path(index_url, name))
        if found is None or not self.may_use(found[0].policy, name):
            return None
        known = listing_of(*found)
        self.hits += known is not None
        return known

    def metadata(self, name: str, path: str, *, is_immutable: bool) -> StoredMetadata | None:
        """What was read of a file; None where it has to be asked for."""
        found = None if self.cache is None else decode_metadata(self.cache.read(path))
        if found is None or not (is_immutable or self._may_use_metadata(found, name)):
            return None
        self.hits += 1
        return found

    def listing_page(self, path: str) -> tuple[StoredPage, Tail] | None:
        """The entry of a project's page, however old."""
        found = None if self.cache is None else self.cache.read_split(path)
        page = None if found is None else decode_page(found[0])
        return None if found is None or page is None else (page, found[1])

    def store_listing(self, path: str, page: StoredPage, tail: bytes) -> Tail | None:
        """Store the page of a project; gives its second part as it lies in the cache, None where it does not."""
        return None if self.cache is None else self.cache.write_split(path, encode_entry(page), tail)

    def page(self, path: str) -> StoredPage | None:
        """The entry of a page of many projects, however old."""
        return None if self.cache is None else decode_page(self.cache.read(path))

    def store(self, path: str, entry: StoredPage | StoredMetadata) -> None:
        if self.cache is not None:
            self.cache.write(path, encode_entry(entry))

    def may_use(self, policy: Policy, name: str | None) -> bool:
        """Whether a page may be used without asking; `name` is the project, None for a page of many."""
        if self._offline:
            return True
        return is_fresh(policy, self.now()) and not self._is_refreshed(name)

    def _may_use_metadata(self, found: StoredMetadata, name: str) -> bool:
        if self._offline or found.fresh_until == FOR_EVER:
            return True
        return self.now() < found.fresh_until and not self._is_refreshed(name)

    def _is_refreshed(self, name: str | None) -> bool:
        refresh = self._refresh
        return refresh if isinstance(refresh, bool) else name in refresh


def listing_of(page: StoredPage, tail: Tail) -> Listing | Absent | None:
    """What a stored page says; None where its body cannot be read."""
    if page.body is None:
        return Absent(kind="not-found")
    try:
        return decode_listing(page.body, tail)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return None


def answer_of(core: CoreMetadata | None, name: str, version: Version) -> Metadata | Absent:
    """The metadata as an answer. Another version in it is overlooked, another name is not, as by uv."""
    if core is None:
        return Absent(kind="needs-build", reason="only a build of the source distribution could tell")
    if core.name != name:
        return Absent(kind="inconsistent-metadata", reason=f"its metadata is that of {core.name}")
    return as_metadata(core, version)
