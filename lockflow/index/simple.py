"""Index pages, JSON and HTML, to Listing; and Listing to the form in which it is stored (PEP 503, 592, 658, 691, 700).

Files whose names cannot be read are left out, as are files of another version scheme: they are of no use to anyone.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any, NoReturn, Protocol

import msgspec
from msgspec import Struct

from lockflow.index.anchors import ENCODER, LINKS, NO_HASHES, Hashes, Link, decode_files
from lockflow.index.html import html_links
from lockflow.index.metadata import mended_specifiers
from lockflow.index.model import File, Listing, Piece, Release
from lockflow.index.times import timestamp_ns
from lockflow.index.urls import join
from lockflow.standards.filenames import InvalidFilename, parse_sdist_name, parse_wheel_name
from lockflow.standards.names import is_valid_name
from lockflow.standards.versions import InvalidVersion, Key, Version

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"


class InvalidPage(ValueError):
    """A body is no index page."""


def parse_listing(body: bytes, content_type: str, page_url: str, project: str, index_url: str) -> Listing:
    """Read the page of one project; raises InvalidPage.

    `page_url` is where the page came from in the end, since its relative links count from there. `project` is
    normalised. Of two files with one name both are kept, as uv does.
    """
    links = _links(body, content_type, page_url)
    return Listing(name=project, index=index_url, releases=_releases(links, project))


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
        name: Listing(name=name, index=index_url, releases=_releases(group, name), is_flat=True)
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


# Releases -------------------------------------------------------------------------------------------------------


class _Group:
    """The links of one version while they are collected. `version` may be spelled in several ways (1.0, 1.0.0)."""

    __slots__ = ("is_mixed", "sdists", "version", "wheels")

    def __init__(self, version: Version) -> None:
        self.version = version
        self.sdists: list[Link] = []
        self.wheels: list[Link] = []
        self.is_mixed = False


_filename = attrgetter("filename")


def _releases(links: list[Link], project: str) -> tuple[Release, ...]:
    """Links grouped by version: versions ascending, in each the sdists before the wheels, both by file name."""
    groups: dict[Key, _Group] = {}
    by_prefix: dict[str, _Group | None] = {}
    readable: set[str | None] = {None}
    for link in links:
        filename = link.filename
        if link.requires_python not in readable:
            if mended_specifiers(link.requires_python or "") is None:
                continue
            readable.add(link.requires_python)
        if filename.endswith(".whl"):
            # Name and version are validated once for all wheels that begin alike.
            dashes = filename.count("-")
            if dashes != 4 and (dashes != 5 or not filename.split("-", 3)[2][:1].isdigit()):
                continue
            prefix = filename[: filename.find("-", filename.find("-") + 1)]
            try:
                group = by_prefix[prefix]
            except KeyError:
                group = by_prefix[prefix] = _group(_wheel_version(prefix), groups)
            if group is not None:
                group.wheels.append(link)
        else:
            sdist = parse_sdist_name(filename, project)
            group = None if sdist is None else _group(sdist.version, groups)
            if group is not None:
                group.sdists.append(link)
    return tuple([_release(group, project) for _, group in sorted(groups.items(), key=_first)])


_first = itemgetter(0)


def _wheel_version(prefix: str) -> Version | None:
    name, _, version = prefix.partition("-")
    try:
        return Version.parse(version) if is_valid_name(name) else None
    except InvalidVersion:
        return None


def _group(version: Version | None, groups: dict[Key, _Group]) -> _Group | None:
    if version is None:
        return None
    group = groups.get(version.key)
    if group is None:
        group = groups[version.key] = _Group(version)
    elif group.version.text != version.text:
        group.is_mixed = True
    return group


def _release(group: _Group, project: str) -> Release:
    if len(group.sdists) > 1:
        group.sdists.sort(key=_filename)
    if len(group.wheels) > 1:
        group.wheels.sort(key=_filename)
    links = group.sdists + group.wheels
    version = _first_spelling(links, project) if group.is_mixed else group.version
    return Release(version, _earliest_ns(links), raw=ENCODER.encode(links), decode=decode_files)


def _first_spelling(links: list[Link], project: str) -> Version:
    """Of spellings that are equal, the one of the first file by name."""
    filename = min(link.filename for link in links)
    if filename.endswith(".whl"):
        return parse_wheel_name(filename).version
    sdist = parse_sdist_name(filename, project)
    assert sdist is not None, "only readable names were collected"
    return sdist.version


def _earliest_ns(links: list[Link]) -> int:
    texts = [link.upload_time for link in links]
    if None in texts:
        return 0
    times = [text for text in texts if text is not None]
    if len({(len(text), text[-1:]) for text in times}) == 1 and times[0][-1:] == "Z":
        # Written alike and in UTC, they sort as text; most releases are so.
        times = [min(times)]
    parsed = [timestamp_ns(text) for text in times]
    return min((time or 0 for time in parsed), default=0)


# JSON -----------------------------------------------------------------------------------------------------------


class _JsonFile(Struct, rename="kebab", gc=False):
    filename: str
    url: str
    hashes: Hashes | None = None
    requires_python: str | None = None
    size: int | None = None
    upload_time: str | None = None
    yanked: bool | str | None = None
    core_metadata: bool | Hashes | None = None
    dist_info_metadata: bool | Hashes | None = None


class _Page(Struct):
    files: list[_JsonFile]


class _LoosePage(Struct):
    files: list[msgspec.Raw]


_PAGE = msgspec.json.Decoder(_Page)
_LOOSE_PAGE = msgspec.json.Decoder(_LoosePage)
_JSON_FILE = msgspec.json.Decoder(_JsonFile)
_LARGEST_SIZE = 1 << 63


def _json_links(body: bytes, page_url: str) -> list[Link]:
    try:
        files = _PAGE.decode(body).files
    except msgspec.ValidationError:
        files = _readable_files(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidPage(f"it is not the JSON of an index: {error}") from error
    return [_json_link(file, page_url) for file in files]


def _readable_files(body: bytes) -> list[_JsonFile]:
    """The files of a page of which some are not as they should be."""
    try:
        page = _LOOSE_PAGE.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidPage(f"it is not the JSON of an index: {error}") from error
    readable = []
    for raw in page.files:
        try:
            readable.append(_JSON_FILE.decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    return readable


def _json_link(file: _JsonFile, page_url: str) -> Link:
    url = file.url
    if not url.startswith(("https://", "http://")):
        url = join(page_url, url)
    size, metadata = file.size, file.core_metadata
    if metadata is None:
        metadata = file.dist_info_metadata
    return Link(
        file.filename,
        url,
        file.hashes or NO_HASHES,
        file.requires_python or None,
        size if size is None or 0 <= size < _LARGEST_SIZE else None,
        file.upload_time,
        True if file.yanked == "" else file.yanked or False,
        metadata or False,
    )


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
        forms.append((release.version.text, _storable(release.version.key), release.earliest_upload_ns, piece))
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
        raw = ENCODER.encode(links)
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
        (release.version.text, _storable(release.version.key), release.earliest_upload_ns, release.raw)
        for release in listing.releases
    ]
    return listing.name, listing.index, listing.is_flat, forms


def _storable(key: Key) -> Key | None:
    """The key, or None where a number in it is larger than msgpack can hold."""
    largest = (key[0], *key[1], key[3], key[4], key[5], *(part for _, part in key[6] if isinstance(part, int)))
    return key if max(largest) < 1 << 63 else None


def _from_form(form: _ListingForm | _HeadForm, decode: Callable[[Any], tuple[File, ...]]) -> Listing:
    name, index, is_flat, forms = form
    releases = [
        Release(Version.parse(text) if key is None else Version(text, key), earliest, raw=raw, decode=decode)
        for text, key, earliest, raw in forms
    ]
    return Listing(name=name, index=index, releases=tuple(releases), is_flat=is_flat)
