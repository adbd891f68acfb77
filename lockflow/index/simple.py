"""Index pages, JSON and HTML, to Listing; and Listing to the form in which it is stored (PEP 503, 592, 658, 691, 700).

Files whose names cannot be read are left out, as are files of another version scheme: they are of no use to anyone.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NoReturn, Protocol

import msgspec
from msgspec import Struct

from lockflow.index.anchors import ENCODER, LINKS, Link, decode_files, encode_links
from lockflow.index.html import html_links
from lockflow.index.model import File, Listing, Piece, Release
from lockflow.index.releases import releases_of
from lockflow.index.urls import join
from lockflow.standards.filenames import InvalidFilename, parse_sdist_name, parse_wheel_name
from lockflow.standards.versions import Key, Version

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"


class InvalidPage(ValueError):
    """A body is no index page."""


def parse_listing(body: bytes, content_type: str, page_url: str, project: str, index_url: str) -> Listing:
    """Read the page of one project; raises InvalidPage.

    `page_url` is where the page came from in the end, since its relative links count from there. `project` is
    normalised. Of two files with one name both are kept, as uv does.
    """
    links = _links(body, content_type, page_url)
    return Listing(name=project, index=index_url, releases=releases_of(links, project))


def parse_flat(body: bytes, content_type: str, page_url: str, index_url: str) -> dict[str, Listing]:
    """Read one page that links to files of many projects; raises InvalidPage."""
    return _flat_listings(_links(body, content_type, page_url), index_url)


def flat_listings(files: Iterable[tuple[str, str]], index_url: str) -> dict[str, Listing]:
    """Listings by normalised name, for (file name, URL) of files of many projects in any order."""
    return _flat_listings([Link(filename, url) for filename, url in files], index_url)


def _flat_listings(links: list[Link], index_url: str) -> dict[str, Listing]:
    by_project: dict[str, list[Link]] = {}
    for link in links:
        name = _project_of(link.filename)
        if name is not None:
            by_project.setdefault(name, []).append(link)
    return {
        name: Listing(name=name, index=index_url, releases=releases_of(group, name), is_flat=True)
        for name, group in by_project.items()
    }


def _project_of(filename: str) -> str | None:
    if filename.endswith(".whl"):
        try:
            return parse_wheel_name(filename).name
        except InvalidFilename:
            return None
    sdist = parse_sdist_name(filename)
    return None if sdist is None else sdist.name


def _links(body: bytes, content_type: str, page_url: str) -> list[Link]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith("json") or (not kind.endswith("html") and body.lstrip()[:1] == b"{"):
        return _json_links(body, page_url)
    return list(html_links(body.decode("utf-8", "replace"), page_url))


# JSON -----------------------------------------------------------------------------------------------------------


class _Page(Struct):
    files: list[Link]


class _LoosePage(Struct):
    files: list[msgspec.Raw]


_PAGE = msgspec.json.Decoder(_Page)
_LOOSE_PAGE = msgspec.json.Decoder(_LoosePage)
_LINK = msgspec.json.Decoder(Link)


def _json_links(body: bytes, page_url: str) -> list[Link]:
    try:
        links = _PAGE.decode(body).files
    except msgspec.ValidationError:
        links = _readable_links(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidPage(f"it is not the JSON of an index: {error}") from error
    for link in links:
        if not link.url.startswith(("https://", "http://")):
            link.url = join(page_url, link.url)
    return links


def _readable_links(body: bytes) -> list[Link]:
    """The links of a page of which some are not as they should be."""
    try:
        page = _LOOSE_PAGE.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidPage(f"it is not the JSON of an index: {error}") from error
    readable = []
    for raw in page.files:
        try:
            readable.append(_LINK.decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    return readable


# The stored form ------------------------------------------------------------------------------------------------

# Of a release: the version's text, its key, the earliest upload, and its links: still encoded, or where they lie.
_KeyForm = tuple[int, tuple[int, ...], int, int, int, int, tuple[tuple[int, int | str], ...]]
_ListingForm = tuple[str, str, bool, list[tuple[str, _KeyForm | None, int, bytes]]]
_HeadForm = tuple[str, str, bool, list[tuple[str, _KeyForm | None, int, Piece]]]

_HEAD = msgspec.msgpack.Decoder(_HeadForm)
_FLAT = msgspec.msgpack.Decoder(list[_ListingForm])


class Pieces(Protocol):
    """What holds the second part of a stored listing; both functions raise where it turns out to be damaged."""

    def piece(self, start: int, length: int, checksum: int) -> bytes: ...

    def refuse(self) -> NoReturn: ...


def encode_listing(listing: Listing) -> tuple[bytes, bytes, list[Piece]]:
    """The stored form of a listing that this module made: its versions; the files of all of them; where those lie.

    Whoever reads it needs the versions and the files of a few.
    """
    forms: list[tuple[str, Key | None, int, Piece]] = []
    place = 0
    for release in listing.releases:
        raw = release.raw
        piece = (place, len(raw), zlib.crc32(raw))
        forms.append((release.version.text, _storable(release.version), release.earliest_upload_ns, piece))
        place += len(raw)
    head = ENCODER.encode((listing.name, listing.index, listing.is_flat, forms))
    return head, b"".join([release.raw for release in listing.releases]), [form[3] for form in forms]


def unload(listing: Listing, places: Iterable[Piece], pieces: Pieces) -> None:
    """Let the releases of a listing that was stored read their files from there, when they are asked for."""
    decode = partial(_decode_piece, pieces)
    for release, place in zip(listing.releases, places, strict=True):
        release.unload(place, decode)


def _decode_piece(pieces: Pieces, piece: Piece) -> tuple[File, ...]:
    try:
        return decode_files(pieces.piece(*piece))
    except (msgspec.DecodeError, UnicodeDecodeError):
        pieces.refuse()


def with_urls(listing: Listing, exchange: Callable[[str], str]) -> Listing:
    """A listing that this module made, with other URLs of its files."""
    releases = []
    for release in listing.releases:
        links = LINKS.decode(release.raw)
        for link in links:
            url, mark, fragment = link.url.partition("#")
            link.url = f"{exchange(url)}{mark}{fragment}"
        raw = encode_links(links)
        releases.append(Release(release.version, release.earliest_upload_ns, raw=raw, decode=decode_files))
    return msgspec.structs.replace(listing, releases=tuple(releases))


def decode_listing(content: bytes, pieces: Pieces) -> Listing:
    """Inverse of encode_listing; raises msgspec.DecodeError for other bytes. Half a microsecond a release."""
    return _from_form(_HEAD.decode(content), partial(_decode_piece, pieces))


def encode_flat(listings: Mapping[str, Listing]) -> bytes:
    """The stored form of what a flat index lists."""
    return ENCODER.encode([_listing_form(listing) for listing in listings.values()])


def decode_flat(content: bytes) -> dict[str, Listing]:
    """Inverse of encode_flat; raises msgspec.DecodeError for other bytes."""
    return {form[0]: _from_form(form, decode_files) for form in _FLAT.decode(content)}


def _listing_form(listing: Listing) -> tuple[str, str, bool, list[tuple[str, Key | None, int, bytes]]]:
    forms = [
        (release.version.text, _storable(release.version), release.earliest_upload_ns, release.raw)
        for release in listing.releases
    ]
    return listing.name, listing.index, listing.is_flat, forms


def _storable(version: Version) -> Key | None:
    """The key, or None where a number in it is larger than msgpack can hold."""
    key = version.key
    if len(version.text) < _DIGITS:
        return key
    largest = (key[0], *key[1], key[3], key[4], key[5], *(part for _, part in key[6] if isinstance(part, int)))
    return key if max(largest) < 1 << 63 else None


_DIGITS = len(str(1 << 63))
"""What is shorter holds no number of so many digits."""


def _from_form(form: _ListingForm | _HeadForm, decode: Callable[[Any], tuple[File, ...]]) -> Listing:
    name, index, is_flat, forms = form
    releases = [
        Release(Version.parse(text) if key is None else Version(text, key), earliest, raw=raw, decode=decode)
        for text, key, earliest, raw in forms
    ]
    return Listing(name=name, index=index, releases=tuple(releases), is_flat=is_flat)
