"""What is not at hand: asked for over the network, read from this machine, or built; and stored for the next time.

All of it is asked for once, however many wait for it. Loaded by the client when the first such thing is wanted.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Hashable
from pathlib import Path
from typing import IO, TypeVar, cast
from urllib.parse import unquote

import msgspec

from lockflow.errors import InputError, NetworkError
from lockflow.index.building import Building, SourceTree, digest_of_file, is_python_admitted
from lockflow.index.entries import FOR_EVER, StoredMetadata, StoredPage, flat_path, listing_path, metadata_path
from lockflow.index.freshness import conditions, confirmed, is_fresh, policy_of
from lockflow.index.git import Repositories
from lockflow.index.metadata import CoreMetadata, InvalidMetadata, parse_core_metadata
from lockflow.index.mirrors import canonical
from lockflow.index.model import Absent, File, Listing, Metadata, SourceMetadata
from lockflow.index.network import Answer, Network
from lockflow.index.options import ClientOptions
from lockflow.index.reading import FORBIDDEN, NOT_FOUND, Found, Reading, metadata_of_archive, opened, unexpected_status
from lockflow.index.sdist import InvalidSdist, static_metadata
from lockflow.index.simple import (
    ACCEPT,
    InvalidPage,
    decode_flat,
    encode_flat,
    encode_listing,
    flat_listings,
    parse_flat,
    parse_listing,
    unload,
    with_urls,
)
from lockflow.index.sources import SourceOptions, SourceReader
from lockflow.index.stored import Stored, answer_of, listing_of
from lockflow.index.unpack import unpack
from lockflow.index.urls import host_of
from lockflow.index.wheel_tail import InvalidWheel
from lockflow.index.wheels import Wheels
from lockflow.inputs.model import Index
from lockflow.standards.hashes import digest_of
from lockflow.standards.requirements import Source
from lockflow.standards.versions import Version

_T = TypeVar("_T")

_LARGEST_PAGE = 256 << 20


class Asking:
    """Asks, for one client; belongs to the event loop in which it is first awaited."""

    def __init__(self, options: ClientOptions, http: Network, stored: Stored, warn: Callable[[str], None]) -> None:
        self._options = options
        self._http = http
        self._stored = stored
        self._warn = warn
        self._flat: dict[str, dict[str, Listing]] = {}
        self._sourced: dict[tuple[str, Source], SourceMetadata | Absent] = {}
        self._under_way: dict[Hashable, asyncio.Task[object]] = {}
        self._without_ranges: set[str] = set()
        self._building: Building | None = None
        if options.builds is not None:
            self._building = Building(options.builds, stored.cache, self.whole)
        kept = None if stored.cache is None else options.cache_folder
        self._repositories = Repositories(
            kept, options.http.environment, credentials=options.http.credentials, offline=options.offline
        )
        self._sources = SourceReader(
            SourceOptions(
                root=options.root,
                read_tree=options.read_tree,
                static_metadata=options.static_metadata,
                offline=options.offline,
            ),
            self._http,
            stored.cache,
            self._repositories,
            self._building,
            stored.now,
        )

    @property
    def wheels(self) -> Wheels:
        """Wheels on disk."""
        return Wheels(self._http, self._repositories, self._building, self._stored.cache, offline=self._options.offline)

    async def listing(self, name: str, index: Index) -> Listing | Absent:
        """The project as this index lists it. Raises NetworkError where no answer comes."""
        if index.is_flat:
            return (await self.flat(index)).get(name) or Absent(kind="not-found")
        folder = self._folder(index.url)
        if folder is not None:
            return _local_listing(folder, name, index.url)
        return await self._once((index.url, name), lambda: self._fetch_listing(name, index))

    async def metadata(self, name: str, version: Version, file: File, index: Index) -> Metadata | Absent:
        """The metadata of one file: a wheel's always, an sdist's where it tells without a build."""
        if self._options.offline and self._folder(file.url) is None:
            return Absent(kind="offline", reason=f"{file.filename} is not in the cache, and the network is off")
        path, _ = metadata_path(file)
        return await self._once(path, lambda: self._fetch_metadata(name, version, file, index))

    def known_build(self, name: str, file: File) -> CoreMetadata | None:
        """What a build of this file said before."""
        path, is_immutable = metadata_path(file)
        if self._building is None or not is_immutable:
            return None
        return self._building.known(name, _content_of(path))

    async def built(self, name: str, version: Version, file: File, index: Index) -> Metadata | Absent | None:
        """What a build of this file says; None where nothing is built. Raises AnswerIsNo where the build fails."""
        if self._building is None:
            return None
        if self._building.builds.is_disabled(name):
            return Absent(kind="build-disabled", reason=f"{file.filename} tells its dependencies only when it is built")
        if not is_python_admitted(file.requires_python):
            return Absent(kind="requires-python", reason=f"{file.filename} requires Python {file.requires_python}")
        path, _ = metadata_path(file)
        try:
            return await self._once(("built", path), lambda: self._build(name, version, file, index))
        except Found as found:
            return found.absent

    async def source(self, name: str, source: Source) -> SourceMetadata | Absent:
        """What stands behind a requirement that comes from elsewhere than an index, built where it has to be."""
        key = (name, source)
        known = self._sourced.get(key)
        if known is None:
            known = self._sourced[key] = await self._once(key, lambda: self._sources.read(name, source))
        return known

    async def flat(self, index: Index) -> dict[str, Listing]:
        """All that a flat index or a find-links location lists, by normalised name."""
        known = self._flat.get(index.url)
        if known is None:
            folder = self._folder(index.url)
            if folder is not None:
                known = _local_flat(folder, index.url)
            else:
                page = self._stored.page(flat_path(index.url))
                if page is not None and self._stored.may_use(page.policy, None):
                    known = _flat_of(page)
                if known is not None:
                    self._stored.hits += 1
                elif self._options.offline:
                    self._warn(f"{index.url} is not in the cache, and the network is off; its files are left out")
                    known = {}
                else:
                    known = await self._once(index.url, lambda: self._fetch_flat(index, page))
            self._flat[index.url] = known
        return known

    async def whole(self, file: File, index: Index) -> IO[bytes]:
        """All of a file, checked against its hash where it comes over the network."""
        local = self._folder(file.url)
        if local is not None:
            return opened(local)
        return await Reading(self._http, index, file, "", self._without_ranges).whole()

    async def aclose(self) -> None:
        """Give up what is under way, and end what was begun for it."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        if self._building is not None:
            self._building.close()
        self._repositories.close()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _once(self, key: Hashable, fetch: Callable[[], Coroutine[object, object, _T]]) -> _T:
        """Wait for what is fetched under `key`; it goes on when one who waits gives up."""
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.get_running_loop().create_task(fetch())
            task.add_done_callback(lambda done: self._is_done(key, done))
        return cast("_T", await asyncio.shield(task))

    def _is_done(self, key: Hashable, task: asyncio.Task[object]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # seen, even where all who waited have given up

    # Pages ------------------------------------------------------------------------------------------------------

    async def _fetch_listing(self, name: str, index: Index) -> Listing | Absent:
        path = listing_path(index.url, name)
        stored = self._stored.listing_page(path)
        answer = await self._get_page(_page_url(index.url, name), index, None if stored is None else stored[0])
        if answer.status == 304 and stored is not None:
            known = listing_of(*stored)
            if known is not None:
                page = _confirmed(stored[0], answer, self._stored.now())
                self._stored.store_listing(path, page, stored[1].whole())
                return known
            answer = await self._get_page(_page_url(index.url, name), index, None)
        absent = _absence(answer, index)
        if absent is not None:
            policy = policy_of(answer.headers, self._stored.now()) if answer.status in NOT_FOUND else None
            if policy is not None and is_fresh(policy, self._stored.now()):
                self._stored.store_listing(path, StoredPage(policy, answer.url, "", None), b"")
            return absent
        _check_page(answer)
        digest = _digest(answer)
        policy = policy_of(answer.headers, self._stored.now())
        if stored is not None and digest and (stored[0].digest, stored[0].url) == (digest, answer.url):
            known = listing_of(*stored)
            if isinstance(known, Listing):
                if policy is not None:
                    page = StoredPage(policy, answer.url, digest, stored[0].body)
                    self._stored.store_listing(path, page, stored[1].whole())
                return known
        try:
            content_type = answer.headers.get("content-type", "")
            listing = parse_listing(answer.body, content_type, answer.url, name, index.url)
        except InvalidPage as error:
            raise _unusable_page(answer, str(error)) from error
        listing = self._at_home({name: listing})[name]
        if policy is not None:
            body, files, places = encode_listing(listing)
            tail = self._stored.store_listing(path, StoredPage(policy, answer.url, digest, body), files)
            if tail is not None:
                unload(listing, places, tail)
        return listing

    async def _fetch_flat(self, index: Index, stored: StoredPage | None) -> dict[str, Listing]:
        path = flat_path(index.url)
        answer = await self._get_page(index.url.partition("#")[0], index, stored)
        if answer.status == 304 and stored is not None:
            known = _flat_of(stored)
            if known is not None:
                self._stored.store(path, _confirmed(stored, answer, self._stored.now()))
                return known
            answer = await self._get_page(index.url.partition("#")[0], index, None)
        if answer.status in index.ignore_error_codes:
            return {}
        _check_page(answer)
        try:
            known = parse_flat(answer.body, answer.headers.get("content-type", ""), answer.url, index.url)
        except InvalidPage as error:
            raise _unusable_page(answer, str(error)) from error
        known = self._at_home(known)
        policy = policy_of(answer.headers, self._stored.now())
        if policy is not None:
            self._stored.store(path, StoredPage(policy, answer.url, "", encode_flat(known)))
        return known

    def _at_home(self, listings: dict[str, Listing]) -> dict[str, Listing]:
        """Listings of a mirror with the URLs that a lock has; they are stored like that, for use with any mirror."""
        if not self._options.http.mirrors:
            return listings
        mirrors = self._options.http.mirrors
        return {name: with_urls(listing, lambda url: canonical(url, mirrors)) for name, listing in listings.items()}

    async def _get_page(self, url: str, index: Index, stored: StoredPage | None) -> Answer:
        headers = [("accept", ACCEPT)]
        if stored is not None and stored.body is not None:
            headers += conditions(stored.policy)
        return await self._http.get(url, index=index, headers=headers, limit_bytes=_LARGEST_PAGE)

    # Metadata ---------------------------------------------------------------------------------------------------

    async def _fetch_metadata(self, name: str, version: Version, file: File, index: Index) -> Metadata | Absent:
        reading = Reading(self._http, index, file, name, self._without_ranges)
        try:
            if file.is_wheel:
                core: CoreMetadata | None = parse_core_metadata(await self._of_wheel(reading, name, file))
            else:
                core = await self._of_sdist(reading, name, version, file)
        except Found as found:
            return found.absent
        except (InvalidMetadata, InvalidWheel, InvalidSdist) as error:
            return Absent(kind="invalid-metadata", reason=f"{file.filename}: {error}")
        path, is_immutable = metadata_path(file)
        if is_immutable:
            self._stored.store(path, StoredMetadata(FOR_EVER, core))
        else:
            policy = policy_of(reading.headers, self._stored.now()) if reading.headers else None
            if policy is not None:
                self._stored.store(path, StoredMetadata(max(policy.fresh_until, 1), core))
        return answer_of(core, name, version)

    async def _of_wheel(self, reading: Reading, name: str, file: File) -> bytes:
        local = self._folder(file.url)
        if local is None:
            return await reading.of_wheel()
        with opened(local) as archive:
            return metadata_of_archive(archive, name)

    async def _of_sdist(self, reading: Reading, name: str, version: Version, file: File) -> CoreMetadata | None:
        local = self._folder(file.url)
        with await reading.whole() if local is None else opened(local) as archive:
            return static_metadata(archive, file.filename, name, version)

    # Builds -----------------------------------------------------------------------------------------------------

    async def _build(self, name: str, version: Version, file: File, index: Index) -> Metadata | Absent:
        assert self._building is not None
        label = f"{name} {version}"
        with await self.whole(file, index) as archive:
            path, is_immutable = metadata_path(file)
            digest = _content_of(path) if is_immutable else digest_of_file(archive)
            core = self._building.known(name, digest)
            if core is None:

                def unpacked(folder: Path) -> SourceTree:
                    tree = unpack(archive, file.filename, folder)
                    return SourceTree(name=name, label=label, folder=tree, where=file.url)

                try:
                    core = await self._building.metadata(name, digest, unpacked)
                except InvalidSdist as error:
                    return Absent(kind="invalid-metadata", reason=f"{file.filename}: {error}")
        if Version.parse(core.version) != version:
            return Absent(kind="inconsistent-metadata", reason=f"{file.filename} becomes {core.version} when built")
        return answer_of(core, name, version)

    def _folder(self, url: str) -> Path | None:
        """The place on this machine that a path or file URL means, None for one on the network."""
        if url.startswith(("https://", "http://")):
            return None
        if url[:5].lower() == "file:":
            path = unquote(url[5:].partition("#")[0].partition("?")[0])
            path = path.removeprefix("//").removeprefix("localhost")
            return Path(path[1:] if re.match(r"/[A-Za-z]:", path) else path)
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", url):
            raise InputError(
                f"the index {url} cannot be asked",
                where=url,
                why=f"{url.partition(':')[0]} is not a way to ask an index; https, http and file are",
                next="correct the URL of the index",
            )
        return self._options.root / url


def _content_of(path: str) -> str:
    """Algorithm and digest of the file whose metadata lies at `path` by its hash."""
    return path.partition("/")[2]


# Pages ----------------------------------------------------------------------------------------------------------


def _page_url(index_url: str, name: str) -> str:
    """The page of a project: its name and a slash below the index, before a query (PEP 503)."""
    path, mark, query = index_url.partition("#")[0].partition("?")
    return f"{path.rstrip('/')}/{name}/{mark}{query}"


def _flat_of(stored: StoredPage) -> dict[str, Listing] | None:
    try:
        return None if stored.body is None else decode_flat(stored.body)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return None


def _confirmed(stored: StoredPage, answer: Answer, now: int) -> StoredPage:
    return msgspec.structs.replace(stored, policy=confirmed(stored.policy, answer.headers, now))


def _digest(answer: Answer) -> str:
    """Names the bytes of a page that comes without validator; empty where the server can say "not modified"."""
    return "" if "etag" in answer.headers else digest_of(answer.body, "sha256")


def _absence(answer: Answer, index: Index) -> Absent | None:
    status = answer.status
    if status in NOT_FOUND or status in index.ignore_error_codes:
        return Absent(kind="not-found")
    if status in FORBIDDEN:
        return Absent(kind="unauthorized", reason=answer.refusal)
    return None


def _check_page(answer: Answer) -> None:
    if answer.status != 200:
        raise unexpected_status(answer)


def _unusable_page(answer: Answer, why: str) -> NetworkError:
    return NetworkError(
        f"{host_of(answer.url)} answers with something that is no index page",
        where=answer.url,
        why=why,
        next="check the URL of the index: it is the one to which `/PROJECT/` is appended",
    )


# This machine ---------------------------------------------------------------------------------------------------


def _local_files(folder: Path) -> list[tuple[str, str]]:
    """Names and URLs of the files in a folder, sorted; what lies in folders below is not looked at."""
    return [(path.name, path.as_uri()) for path in sorted(folder.iterdir()) if path.is_file()]


def _local_page(path: Path) -> bytes:
    with opened(path) as page:
        return page.read()


def _local_listing(folder: Path, name: str, index_url: str) -> Listing | Absent:
    """A simple repository on disk: a page, or plain files, in a folder named after the project."""
    project = (folder / name).resolve()
    page = project / "index.html"
    if page.is_file():
        try:
            return parse_listing(_local_page(page), "text/html", page.as_uri(), name, index_url)
        except InvalidPage as error:
            return Absent(kind="not-found", reason=str(error))
    if not project.is_dir():
        if folder.is_dir():
            return Absent(kind="not-found")
        raise _no_folder(folder, index_url)
    found = flat_listings(_local_files(project), index_url).get(name)
    return Absent(kind="not-found") if found is None else msgspec.structs.replace(found, is_flat=False)


def _local_flat(folder: Path, index_url: str) -> dict[str, Listing]:
    folder = folder.resolve()
    if folder.is_file():
        return parse_flat(_local_page(folder), "text/html", folder.as_uri(), index_url)
    if not folder.is_dir():
        raise _no_folder(folder, index_url)
    return flat_listings(_local_files(folder), index_url)


def _no_folder(folder: Path, index_url: str) -> InputError:
    return InputError(
        f"the index {index_url} does not exist",
        where=str(folder),
        why="there is no such folder",
        next="correct the path, which counts from the folder of the lock",
    )
