from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from lockflow.errors import CacheError, InputError, NetworkError
from lockflow.index.client import IndexClient
from lockflow.index.model import Absent, File, Listing, Metadata
from lockflow.index.network import HttpOptions
from lockflow.index.options import ClientOptions
from lockflow.inputs.model import Index
from lockflow.standards.versions import Version
from support.archives import core_metadata, tar_gz, wheel
from support.web import AsyncWeb, Page, Reply, Web

T = TypeVar("T")

INDEX = Index(url="https://index.example/simple")
PAGE = "https://index.example/simple/demo/"
JSON = {"content-type": "application/vnd.pypi.simple.v1+json"}
ONE = Version.parse("1.0")
NOW = 1_700_000_000

METADATA = core_metadata("demo", "1.0", "Requires-Dist: a")
WHEEL = wheel("demo", "1.0", METADATA)
WHEEL_URL = "https://files.example/demo-1.0-py3-none-any.whl"


class World:
    """An index in memory and a cache on disk, seen by one client after another."""

    def __init__(self, folder: Path, web: Web | None = None) -> None:
        self.folder = folder
        self.web = web or AsyncWeb()
        self.now = NOW
        self.warnings: list[str] = []

    def ask(self, question: Callable[[IndexClient], Awaitable[T]], **options: Any) -> T:
        chosen: dict[str, Any] = {
            "root": self.folder,
            "cache_folder": self.folder / "cache",
            "http": HttpOptions(retries=0, environment={"NETRC": "/nowhere"}),
        }

        async def run() -> T:
            client = IndexClient(
                ClientOptions(**(chosen | options)), self.web, warn=self.warnings.append, clock=lambda: self.now
            )
            try:
                return await question(client)
            finally:
                await client.aclose()

        return asyncio.run(run())

    def listing(self, name: str = "demo", index: Index = INDEX, **options: Any) -> Listing | Absent:
        return self.ask(lambda client: client.listing(name, index), **options)

    def metadata(self, file: File, name: str = "demo", **options: Any) -> Metadata | Absent:
        return self.ask(lambda client: client.metadata(name, ONE, file, INDEX), **options)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def page(*filenames: str, **headers: str) -> Reply:
    files = [{"filename": name, "url": f"https://files.example/{name}", "hashes": {}} for name in filenames]
    return Reply(
        200, json.dumps({"files": files}).encode(), JSON | {k.replace("_", "-"): v for k, v in headers.items()}
    )


def versions(listing: Listing | Absent) -> list[str]:
    assert isinstance(listing, Listing), listing
    return [release.version.text for release in listing.releases]


def file(url: str = WHEEL_URL, content: bytes | None = None, **more: Any) -> File:
    hashes = () if content is None else (("sha256", hashlib.sha256(content).hexdigest()),)
    return File(filename=url.rpartition("/")[2], url=url, hashes=hashes, **more)


def names(metadata: Metadata | Absent) -> list[str]:
    assert isinstance(metadata, Metadata), metadata
    return [requirement.name for requirement in metadata.requires_dist]


# Listings -------------------------------------------------------------------------------------------------------


def test_listing_is_asked_for_as_json_before_html(world: World) -> None:
    world.web.pages[PAGE] = page("demo-1.0.tar.gz")
    listing = world.listing()
    assert versions(listing) == ["1.0"]
    assert isinstance(listing, Listing)
    assert (listing.name, listing.index, listing.is_flat) == ("demo", INDEX.url, False)
    assert world.web.requests[0].headers["accept"].startswith("application/vnd.pypi.simple.v1+json, ")


@pytest.mark.parametrize(
    ("index_url", "page_url"),
    [
        ("https://index.example/simple/", "https://index.example/simple/demo/"),
        ("https://index.example/simple?x=1#y", "https://index.example/simple/demo/?x=1"),
    ],
)
def test_page_lies_below_the_index(world: World, index_url: str, page_url: str) -> None:
    world.web.pages[page_url] = page("demo-1.0.tar.gz")
    assert versions(world.listing(index=Index(url=index_url))) == ["1.0"]


def test_fresh_listing_is_not_asked_for_again(world: World) -> None:
    world.web.pages[PAGE] = page("demo-1.0.tar.gz", cache_control="max-age=600")
    world.listing()
    world.now += 599
    assert versions(world.listing()) == ["1.0"]
    assert len(world.web.requests) == 1
    world.now += 1
    world.listing()
    assert len(world.web.requests) == 2


def test_listing_from_the_cache_never_suspends(world: World) -> None:
    world.web.pages[PAGE] = page("demo-1.0.tar.gz", cache_control="max-age=600")
    world.listing()

    async def question(client: IndexClient) -> Listing | Absent:
        coroutine = client.listing("demo", INDEX)
        with pytest.raises(StopIteration) as done:
            coroutine.send(None)
        assert client.statistics.cache_hits == 1
        assert client.statistics.requests == 0
        return done.value.value  # type: ignore[no-any-return]

    assert versions(world.ask(question)) == ["1.0"]


def test_stale_listing_is_confirmed_by_its_etag(world: World) -> None:
    world.web.pages[PAGE] = [page("demo-1.0.tar.gz", etag='"a"'), Reply(304, headers={"cache-control": "max-age=60"})]
    world.listing()
    assert versions(world.listing()) == ["1.0"]
    assert world.web.requests[1].headers["if-none-match"] == '"a"'
    assert versions(world.listing()) == ["1.0"]
    assert len(world.web.requests) == 2


def test_changed_listing_replaces_the_stored_one(world: World) -> None:
    world.web.pages[PAGE] = [page("demo-1.0.tar.gz", etag='"a"'), page("demo-2.0.tar.gz", etag='"b"')]
    assert versions(world.listing()) == ["1.0"]
    assert versions(world.listing()) == ["2.0"]
    assert versions(world.listing(offline=True)) == ["2.0"]


def test_same_page_without_validator_is_not_read_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.web.pages[PAGE] = [page("demo-1.0.tar.gz"), page("demo-1.0.tar.gz"), page("demo-2.0.tar.gz")]
    world.listing()
    with monkeypatch.context() as patch:
        patch.setattr("lockflow.index.asking.parse_listing", None)
        assert versions(world.listing()) == ["1.0"]
    assert versions(world.listing()) == ["2.0"]


def test_what_may_not_be_stored_is_not(world: World) -> None:
    world.web.pages[PAGE] = page("demo-1.0.tar.gz", cache_control="no-store, max-age=600")
    world.listing()
    world.listing()
    assert len(world.web.requests) == 2
    assert not (world.folder / "cache").exists()


def test_damaged_cache_is_asked_for_again_without_conditions(world: World) -> None:
    world.web.pages[PAGE] = page("demo-1.0.tar.gz", cache_control="max-age=600", etag='"a"')
    world.listing()
    (entry,) = (world.folder / "cache/listings-3").rglob("demo")
    entry.write_bytes(entry.read_bytes()[:-3])
    assert versions(world.listing()) == ["1.0"]
    assert "if-none-match" not in world.web.requests[1].headers


def test_a_file_list_that_was_damaged_is_found_when_it_is_read_and_made_anew(world: World) -> None:
    world.web.pages[PAGE] = page("demo-1.0.tar.gz", cache_control="max-age=600", etag='"a"')
    world.listing()
    (entry,) = (world.folder / "cache/listings-3").rglob("demo")
    entry.write_bytes(entry.read_bytes()[:-3] + b"XXX")
    listing = world.listing()
    assert versions(listing) == ["1.0"]
    assert isinstance(listing, Listing)
    with pytest.raises(CacheError):
        _ = listing.releases[0].files
    again = world.listing()
    assert isinstance(again, Listing)
    assert [file.filename for file in again.releases[0].files] == ["demo-1.0.tar.gz"]
    assert len(world.web.requests) == 2


@pytest.mark.parametrize("refresh", [True, frozenset({"demo"})])
def test_refresh_asks_again_for_what_is_fresh(world: World, refresh: bool | frozenset[str]) -> None:
    world.web.pages[PAGE] = page("demo-1.0.tar.gz", cache_control="max-age=600", etag='"a"')
    world.listing()
    world.listing(refresh=refresh)
    assert world.web.requests[1].headers["if-none-match"] == '"a"'
    world.listing(refresh=frozenset({"other"}))
    assert len(world.web.requests) == 2


def test_no_cache_neither_reads_nor_writes(world: World) -> None:
    world.web.pages[PAGE] = page("demo-1.0.tar.gz", cache_control="max-age=600")
    world.listing(no_cache=True)
    assert not (world.folder / "cache").exists()
    world.listing()
    world.listing(no_cache=True)
    assert len(world.web.requests) == 3


def test_offline_uses_entries_of_any_age_and_asks_nobody(world: World) -> None:
    world.web.pages[PAGE] = page("demo-1.0.tar.gz")
    world.listing()
    world.now += 10**9
    assert versions(world.listing(offline=True)) == ["1.0"]
    absent = world.listing("other", offline=True)
    assert isinstance(absent, Absent)
    assert absent.kind == "offline"
    assert len(world.web.requests) == 1


def test_listing_is_asked_for_once_however_many_wait(world: World) -> None:
    world.web.pages[PAGE] = page("demo-1.0.tar.gz")

    async def question(client: IndexClient) -> list[Listing | Absent]:
        first = asyncio.ensure_future(client.listing("demo", INDEX))
        await asyncio.sleep(0)
        others = [client.listing("demo", INDEX) for _ in range(5)]
        first.cancel()
        answers = await asyncio.gather(*others)
        return [*answers, await client.listing("demo", INDEX)]

    answers = world.ask(question)
    assert [versions(answer) for answer in answers] == [["1.0"]] * 6
    assert len(world.web.requests) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_project_that_an_index_does_not_know_is_a_finding(world: World, status: int) -> None:
    world.web.pages[PAGE] = Reply(status)
    assert world.listing() == Absent(kind="not-found")


def test_not_found_is_stored_where_the_server_says_how_long(world: World) -> None:
    world.web.pages[PAGE] = Reply(404, headers={"cache-control": "max-age=60"})
    assert world.listing() == world.listing() == Absent(kind="not-found")
    assert len(world.web.requests) == 1
    world.now += 60
    world.web.pages[PAGE] = page("demo-1.0.tar.gz")
    assert versions(world.listing()) == ["1.0"]


@pytest.mark.parametrize("status", [401, 403])
def test_refused_listing_is_unauthorized_unless_the_index_ignores_the_status(world: World, status: int) -> None:
    world.web.pages[PAGE] = Reply(status)
    absent = world.listing()
    assert isinstance(absent, Absent)
    assert (absent.kind, absent.reason) == ("unauthorized", f"{PAGE} answers {status}")
    lenient = Index(url=INDEX.url, ignore_error_codes=(status,))
    assert world.listing(index=lenient) == Absent(kind="not-found")


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (Reply(500), "index.example answers 500"),
        (Reply(418), "index.example answers 418"),
        (Reply(200, b"<html>", JSON), "index.example answers with something that is no index page"),
        (httpx.ConnectError("refused"), "index.example could not be asked"),
    ],
)
def test_index_that_gives_no_usable_answer_is_an_error_in_four_parts(world: World, answer: Page, what: str) -> None:
    world.web.pages[PAGE] = answer
    with pytest.raises(NetworkError) as caught:
        world.listing()
    assert (caught.value.what, caught.value.where) == (what, PAGE)
    assert caught.value.why
    assert caught.value.next


def test_threads_and_loop_give_the_same_listing(world: World, tmp_path: Path) -> None:
    threaded = World(tmp_path / "b", Web())
    for each in (world, threaded):
        each.web.pages[PAGE] = page("demo-1.0.tar.gz", "demo-2.0-py3-none-any.whl")
    assert versions(world.listing()) == versions(threaded.listing()) == ["1.0", "2.0"]


# Metadata of wheels ---------------------------------------------------------------------------------------------


def test_announced_metadata_file_is_read_and_stored_for_ever(world: World) -> None:
    world.web.pages[WHEEL_URL + ".metadata"] = Reply(200, METADATA, {"cache-control": "no-store"})
    digest = hashlib.sha256(METADATA).hexdigest()
    announced = file(content=WHEEL, has_metadata=True, metadata_hash=("sha256", digest))
    assert names(world.metadata(announced)) == ["a"]
    world.now += 10**9
    assert names(world.metadata(announced, refresh=True)) == ["a"]
    assert names(world.metadata(announced, offline=True)) == ["a"]
    assert len(world.web.requests) == 1


def test_metadata_file_with_another_hash_is_refused(world: World) -> None:
    world.web.pages[WHEEL_URL + ".metadata"] = Reply(200, METADATA)
    with pytest.raises(NetworkError, match="not the file that the index announces"):
        world.metadata(file(has_metadata=True, metadata_hash=("sha256", "00" * 32)))


def test_wheel_is_read_by_ranges_where_no_metadata_file_is(world: World) -> None:
    content = wheel("demo", "1.0", METADATA, padding=200_000)
    world.web.pages[WHEEL_URL] = Reply(200, content)
    assert names(world.metadata(file(content=content))) == ["a"]
    ranges = [request.headers["range"] for request in world.web.requests]
    assert ranges[0] == "bytes=-32768"
    assert len(ranges) == 2
    assert world.web.requests[0].headers["accept-encoding"] == "identity"


def test_announced_metadata_file_that_is_missing_is_cut_out_of_the_wheel(world: World) -> None:
    world.web.pages[WHEEL_URL] = Reply(200, WHEEL)
    assert names(world.metadata(file(has_metadata=True))) == ["a"]
    assert world.web.asked == [WHEEL_URL + ".metadata", WHEEL_URL]


@pytest.mark.parametrize(("ranges", "requests"), [("ignored", 1), (416, 2), (501, 2)])
def test_server_without_ranges_is_asked_for_whole_wheels(world: World, ranges: str | int, requests: int) -> None:
    world.web.ranges = ranges
    other = WHEEL_URL.replace("demo-1.0", "demo-2.0")
    world.web.pages |= {WHEEL_URL: Reply(200, WHEEL), other: Reply(200, WHEEL)}

    async def question(client: IndexClient) -> list[Metadata | Absent]:
        files = (file(content=WHEEL), file(other))
        return [await client.metadata("demo", ONE, each, INDEX) for each in files]

    assert [names(answer) for answer in world.ask(question)] == [["a"], ["a"]]
    assert len(world.web.requests) == requests + 1
    assert "range" not in world.web.requests[-1].headers


def test_whole_wheel_with_another_hash_is_refused(world: World) -> None:
    world.web.ranges = "ignored"
    world.web.pages[WHEEL_URL] = Reply(200, WHEEL)
    with pytest.raises(NetworkError) as caught:
        world.metadata(file(content=b"other"))
    assert hashlib.sha256(WHEEL).hexdigest() in caught.value.why


def test_metadata_without_a_hash_is_stored_by_url_as_long_as_http_allows(world: World) -> None:
    world.web.pages[WHEEL_URL + ".metadata"] = Reply(200, METADATA, {"cache-control": "max-age=60"})
    world.metadata(file(has_metadata=True))
    world.metadata(file(has_metadata=True))
    assert len(world.web.requests) == 1
    world.now += 60
    world.metadata(file(has_metadata=True))
    assert len(world.web.requests) == 2
    assert names(world.metadata(file(has_metadata=True), offline=True)) == ["a"]


def test_metadata_of_another_project_is_inconsistent_and_of_another_version_overlooked(world: World) -> None:
    world.web.pages[WHEEL_URL + ".metadata"] = Reply(200, core_metadata("demo", "2.0", "Requires-Dist: a"))
    metadata = world.metadata(file(has_metadata=True))
    assert isinstance(metadata, Metadata)
    assert metadata.version == ONE
    world.web.pages[WHEEL_URL + ".metadata"] = Reply(200, core_metadata("other", "1.0"))
    absent = world.metadata(file(has_metadata=True))
    assert isinstance(absent, Absent)
    assert (absent.kind, absent.reason) == ("inconsistent-metadata", "its metadata is that of other")


@pytest.mark.parametrize(
    "content", [b"<html>", core_metadata("demo", "1.0", "Requires-Dist: a b"), core_metadata("demo", "one")]
)
def test_metadata_that_cannot_be_read_is_a_finding(world: World, content: bytes) -> None:
    world.web.pages[WHEEL_URL + ".metadata"] = Reply(200, content)
    absent = world.metadata(file(has_metadata=True))
    assert isinstance(absent, Absent)
    assert absent.kind == "invalid-metadata"
    assert absent.reason.startswith("demo-1.0-py3-none-any.whl: ")


def test_listed_file_that_is_gone_is_an_error_and_a_refused_one_a_finding(world: World) -> None:
    with pytest.raises(NetworkError, match="answers 404"):
        world.metadata(file())
    world.web.pages[WHEEL_URL] = Reply(403)
    absent = world.metadata(file())
    assert isinstance(absent, Absent)
    assert absent.kind == "unauthorized"


def test_offline_without_an_entry_is_a_finding(world: World) -> None:
    absent = world.metadata(file(), offline=True)
    assert isinstance(absent, Absent)
    assert absent.kind == "offline"
    assert world.web.requests == []


# Metadata of sdists ---------------------------------------------------------------------------------------------

SDIST_URL = "https://files.example/demo-1.0.tar.gz"
SDIST = tar_gz({"demo-1.0/PKG-INFO": core_metadata("demo", "1.0", "Requires-Dist: a", metadata_version="2.2")})
SETUP_ONLY = tar_gz({"demo-1.0/setup.py": b""})


def test_sdist_that_tells_is_downloaded_and_stored_for_ever(world: World) -> None:
    world.web.pages[SDIST_URL] = Reply(200, SDIST)
    for _ in range(2):
        assert names(world.metadata(file(SDIST_URL, SDIST))) == ["a"]
    assert len(world.web.requests) == 1


def test_sdist_that_only_a_build_can_tell_of_is_downloaded_once(world: World) -> None:
    world.web.pages[SDIST_URL] = Reply(200, SETUP_ONLY)
    for _ in range(2):
        absent = world.metadata(file(SDIST_URL, SETUP_ONLY))
        assert isinstance(absent, Absent)
        assert absent.kind == "needs-build"
    assert len(world.web.requests) == 1


def test_sdist_with_another_hash_is_refused(world: World) -> None:
    world.web.pages[SDIST_URL] = Reply(200, SDIST)
    with pytest.raises(NetworkError, match="not the file that the index announces"):
        world.metadata(file(SDIST_URL, b"other"))


def test_sdist_that_cannot_be_unpacked_is_a_finding(world: World) -> None:
    world.web.pages[SDIST_URL] = Reply(200, b"<html>")
    absent = world.metadata(file(SDIST_URL))
    assert isinstance(absent, Absent)
    assert absent.kind == "invalid-metadata"


# Flat indexes and this machine ----------------------------------------------------------------------------------


def flat(world: World, url: str, **options: Any) -> dict[str, Listing]:
    index = Index(url=url, is_flat=True)
    return world.ask(lambda client: client.flat(index), **options)


def test_flat_page_is_read_and_stored(world: World) -> None:
    body = b'<a href="demo-1.0.tar.gz#sha256=ab">x</a><a href="../other-2.0-py3-none-any.whl">y</a>'
    url = "https://index.example/flat/links.html"
    world.web.pages[url] = Reply(200, body, {"content-type": "text/html", "cache-control": "max-age=60"})
    for _ in range(2):
        listings = flat(world, url)
        assert {name: versions(listing) for name, listing in listings.items()} == {"demo": ["1.0"], "other": ["2.0"]}
        (release,) = listings["demo"].releases
        assert release.files == (
            File(
                filename="demo-1.0.tar.gz",
                url="https://index.example/flat/demo-1.0.tar.gz",
                hashes=(("sha256", "ab"),),
            ),
        )
        assert listings["demo"].is_flat
    assert len(world.web.requests) == 1
    assert versions(world.listing(index=Index(url=url, is_flat=True))) == ["1.0"]
    assert world.listing("third", index=Index(url=url, is_flat=True)) == Absent(kind="not-found")


def test_flat_page_that_is_missing_is_an_error_and_offline_a_warning(world: World) -> None:
    with pytest.raises(NetworkError, match="answers 404"):
        flat(world, "https://index.example/flat")
    assert flat(world, "https://index.example/flat", offline=True) == {}
    assert len(world.warnings) == 1


def put(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("form", ["relative", "absolute", "url"])
def test_folder_is_a_flat_index_and_its_wheels_are_read(world: World, form: str) -> None:
    path = put(world.folder / "my whl/demo-1.0-py3-none-any.whl", WHEEL)
    put(world.folder / "my whl/demo-1.0.tar.gz", SDIST)
    put(world.folder / "my whl/readme.txt")
    put(world.folder / "my whl/sub/demo-2.0.tar.gz")
    url = {"relative": "my whl", "absolute": str(path.parent), "url": path.parent.as_uri()}[form]
    listing = flat(world, url)["demo"]
    assert (listing.index, listing.is_flat) == (url, True)
    (release,) = listing.releases
    assert [(each.filename, each.url) for each in release.files] == [
        ("demo-1.0.tar.gz", (path.parent / "demo-1.0.tar.gz").as_uri()),
        ("demo-1.0-py3-none-any.whl", path.as_uri()),
    ]
    for each in release.files:
        assert names(world.metadata(each, offline=True)) == ["a"]
    assert world.web.requests == []


def test_metadata_of_a_local_file_that_was_replaced_is_read_again(world: World) -> None:
    path = put(world.folder / "whl/demo-1.0-py3-none-any.whl", WHEEL)
    assert names(world.metadata(file(path.as_uri()))) == ["a"]
    put(path, wheel("demo", "1.0", core_metadata("demo", "1.0", "Requires-Dist: b")))
    assert names(world.metadata(file(path.as_uri()))) == ["b"]


def test_file_with_links_is_a_flat_index(world: World) -> None:
    links = put(world.folder / "links.html", b'<a href="whl/demo-1.0.tar.gz">x</a>')
    (release,) = flat(world, "links.html")["demo"].releases
    assert release.files[0].url == (links.parent / "whl/demo-1.0.tar.gz").as_uri()


def test_folder_may_be_a_simple_repository(world: World) -> None:
    put(world.folder / "index/demo/index.html", b'<a href="../../files/demo-1.0.tar.gz">x</a>')
    put(world.folder / "index/other/other-2.0.tar.gz")
    index = Index(url="index")
    listing = world.listing(index=index)
    assert versions(listing) == ["1.0"]
    assert isinstance(listing, Listing)
    assert listing.releases[0].files[0].url == (world.folder / "files/demo-1.0.tar.gz").as_uri()
    other = world.listing("other", index=index)
    assert versions(other) == ["2.0"]
    assert isinstance(other, Listing)
    assert not other.is_flat
    assert world.listing("third", index=index) == Absent(kind="not-found")


@pytest.mark.parametrize("url", ["missing", "ftp://index.example/simple"])
def test_index_that_cannot_be_is_an_error_of_the_input(world: World, url: str) -> None:
    for question in (
        lambda: world.listing(index=Index(url=url)),
        lambda: flat(world, url),
    ):
        with pytest.raises(InputError) as caught:
            question()
        assert caught.value.next
