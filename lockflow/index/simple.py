"""Index pages, JSON and HTML, to Listing; and Listing to the form in which it is stored (PEP 503, 592, 658, 691, 700).

Files whose names cannot be read are left out, as are files of another version scheme: they are of no use to anyone.
"""

from __future__ import annotations

import html
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from operator import attrgetter, itemgetter
from typing import Any, NoReturn, Protocol

import msgspec
from msgspec import Struct

from lockflow.index.freshness import days_from_civil
from lockflow.index.metadata import mended_specifiers
from lockflow.index.model import File, Listing, Piece, Release
from lockflow.index.urls import file_name_of, join, without_credentials
from lockflow.standards.filenames import InvalidFilename, parse_sdist_name, parse_wheel_name
from lockflow.standards.hashes import STRENGTH, strongest_hash
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
    return _flat_listings([_Link(filename, url) for filename, url in files], index_url)


def _flat_listings(links: list[_Link], index_url: str) -> dict[str, Listing]:
    by_project: dict[str, list[_Link]] = {}
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


# Links ----------------------------------------------------------------------------------------------------------

# A page of a large project names ten thousand files, of which a resolution looks at a few. So a link is kept as it
# was written, and what it says is read when its release is asked for: that is a fifth of the cost of reading all.


class _Hashes(Struct, omit_defaults=True, gc=False):
    sha256: str | None = None
    sha512: str | None = None
    sha384: str | None = None
    blake2b: str | None = None
    md5: str | None = None


class _Link(Struct, array_like=True, gc=False):
    """One link of a page. `url` is absolute and may carry a hash as fragment, which counts where `hashes` is None."""

    filename: str
    url: str
    hashes: _Hashes | None = None
    requires_python: str | None = None
    size: int | None = None
    upload_time: str | None = None
    yanked: bool | str = False
    metadata: bool | _Hashes = False


_ENCODER = msgspec.msgpack.Encoder()
_LINKS = msgspec.msgpack.Decoder(list[_Link])


def _links(body: bytes, content_type: str, page_url: str) -> list[_Link]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith("json") or (not kind.endswith("html") and body.lstrip()[:1] == b"{"):
        return _json_links(body, page_url)
    return list(_html_links(body.decode("utf-8", "replace"), page_url))


def _decode_files(raw: bytes) -> tuple[File, ...]:
    return tuple([_file(link) for link in _LINKS.decode(raw)])


def _file(link: _Link) -> File:
    url, _, fragment = link.url.partition("#")
    announced = link.metadata
    return File(
        filename=link.filename,
        url=without_credentials(url) if "@" in url else url,
        hashes=_pairs(_fragment_hashes(fragment) if link.hashes is None else link.hashes),
        size=link.size,
        upload_time_ns=None if link.upload_time is None else timestamp_ns(link.upload_time),
        requires_python=None if link.requires_python is None else mended_specifiers(link.requires_python),
        yanked=link.yanked,
        has_metadata=announced is not False,
        metadata_hash=strongest_hash(_pairs(announced)) if isinstance(announced, _Hashes) else None,
    )


def _pairs(hashes: _Hashes) -> tuple[tuple[str, str], ...]:
    named = ((algorithm, getattr(hashes, algorithm)) for algorithm in STRENGTH)
    return tuple([(algorithm, digest.lower()) for algorithm, digest in named if digest and _is_digest(digest)])


def _is_digest(text: str) -> bool:
    # Whether the digits are hexadecimal shows when a file is compared; here nothing may pass that needs quoting.
    return text.isalnum() and text.isascii()


def _fragment_hashes(text: str) -> _Hashes:
    """What `algorithm=digest` says; no hash for anything else, as for `egg=…`."""
    algorithm, _, digest = text.strip().partition("=")
    return _Hashes(**{algorithm: digest}) if algorithm in STRENGTH else _Hashes()


# Releases -------------------------------------------------------------------------------------------------------


class _Group:
    """The links of one version while they are collected. `version` may be spelled in several ways (1.0, 1.0.0)."""

    __slots__ = ("is_mixed", "sdists", "version", "wheels")

    def __init__(self, version: Version) -> None:
        self.version = version
        self.sdists: list[_Link] = []
        self.wheels: list[_Link] = []
        self.is_mixed = False


_filename = attrgetter("filename")


def _releases(links: list[_Link], project: str) -> tuple[Release, ...]:
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
    return Release(version, _earliest_ns(links), raw=_ENCODER.encode(links), decode=_decode_files)


def _first_spelling(links: list[_Link], project: str) -> Version:
    """Of spellings that are equal, the one of the first file by name."""
    filename = min(link.filename for link in links)
    if filename.endswith(".whl"):
        return parse_wheel_name(filename).version
    sdist = parse_sdist_name(filename, project)
    assert sdist is not None, "only readable names were collected"
    return sdist.version


def _earliest_ns(links: list[_Link]) -> int:
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
    hashes: _Hashes | None = None
    requires_python: str | None = None
    size: int | None = None
    upload_time: str | None = None
    yanked: bool | str | None = None
    core_metadata: bool | _Hashes | None = None
    dist_info_metadata: bool | _Hashes | None = None


class _Page(Struct):
    files: list[_JsonFile]


class _LoosePage(Struct):
    files: list[msgspec.Raw]


_PAGE = msgspec.json.Decoder(_Page)
_LOOSE_PAGE = msgspec.json.Decoder(_LoosePage)
_JSON_FILE = msgspec.json.Decoder(_JsonFile)
_NO_HASHES = _Hashes()
_LARGEST_SIZE = 1 << 63


def _json_links(body: bytes, page_url: str) -> list[_Link]:
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


def _json_link(file: _JsonFile, page_url: str) -> _Link:
    url = file.url
    if not url.startswith(("https://", "http://")):
        url = join(page_url, url)
    size, metadata = file.size, file.core_metadata
    if metadata is None:
        metadata = file.dist_info_metadata
    return _Link(
        file.filename,
        url,
        file.hashes or _NO_HASHES,
        file.requires_python or None,
        size if size is None or 0 <= size < _LARGEST_SIZE else None,
        file.upload_time,
        True if file.yanked == "" else file.yanked or False,
        metadata or False,
    )


# Times ----------------------------------------------------------------------------------------------------------

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?(?:[Zz]|([+-]\d\d):?(\d\d))(?:\[[^\]]*\])?",
    re.ASCII,
)


def timestamp_ns(text: str) -> int | None:
    """Nanoseconds since the epoch of a time with offset (RFC 3339); None for what is none.

    Nor for what 64 bits cannot hold (beyond 2262): no file was uploaded then.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, offset_hours, offset_minutes = match.groups()
    days = _days(year, month, day)
    if days is None or hour > "23" or minute > "59" or second > "60":
        return None
    seconds = days * 86400 + int(hour) * 3600 + int(minute) * 60 + int(second)
    if offset_hours is not None:
        sign = -1 if offset_hours[0] == "-" else 1
        seconds -= int(offset_hours) * 3600 + sign * int(offset_minutes) * 60
    nanoseconds = seconds * 1_000_000_000 + (int(fraction) * _SCALE[len(fraction)] if fraction else 0)
    return nanoseconds if abs(nanoseconds) < _TOO_FAR else None


_TOO_FAR = 1 << 63

_SCALE = tuple(10 ** (9 - digits) for digits in range(10))


@lru_cache(maxsize=8192)
def _days(year: str, month: str, day: str) -> int | None:
    if not ("01" <= month <= "12" and "01" <= day <= "31") or year < "0001":
        return None
    return days_from_civil(int(year), int(month), int(day))


# HTML -----------------------------------------------------------------------------------------------------------

# Where something starts that matters. Elements whose content is text, and comments, are skipped whole.
_START = re.compile(r"<(?:(!--)|(a|base)(?=[\s/])|(script|style|textarea|title)(?=[\s/>]))", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>][^\s>]*))?)?""", re.ASCII
)
_ANCHOR = re.compile(r"""<a\s+href="([^"]*)"((?:\s+[a-z-]+="[^"]*")*)\s*>""")
_PLAIN_ATTRIBUTE = re.compile(r"""\s+([a-z-]+)="([^"]*)\"""")


def _html_links(text: str, page_url: str) -> Iterator[_Link]:
    base: str | None = None
    for tag, attributes in _tags(text):
        href = attributes.get("href")
        if href is None:
            continue
        if tag != "base":
            link = _html_link(href, attributes, base or page_url)
            if link is not None:
                yield link
        elif base is None:
            base = join(page_url, href)


def _tags(text: str) -> Iterator[tuple[str, dict[str, str | None]]]:
    """The `a` and `base` tags with their attributes, names in lower case. Linear in the length of any text."""
    position = 0
    folded = ""
    while (start := _START.search(text, position)) is not None:
        if start[1]:
            position = text.find("-->", start.end())
            if position < 0:
                return
        elif start[3]:
            folded = folded or text.lower()
            # Lower case can be longer than the text (İ); then positions do not agree and nothing is skipped.
            position = folded.find(f"</{start[3].lower()}", start.end()) if len(folded) == len(text) else start.end()
            if position < 0:
                return
        else:
            anchor = _ANCHOR.match(text, start.start())
            if anchor is not None:
                attributes: dict[str, str | None] = dict(_PLAIN_ATTRIBUTE.findall(anchor[2]))
                attributes["href"] = anchor[1]
                if "&" in anchor[0]:
                    attributes = {name: html.unescape(value or "") for name, value in attributes.items()}
                position = anchor.end()
            else:
                attributes, position = _attributes(text, start.end())
            yield start[2].lower(), attributes


def _attributes(text: str, position: int) -> tuple[dict[str, str | None], int]:
    found: dict[str, str | None] = {}
    while (match := _ATTRIBUTE.match(text, position)) is not None:
        values = [value for value in match.groups()[1:] if value is not None]
        found.setdefault(match[1].lower(), html.unescape(values[0]) if values else None)
        position = match.end()
    return found, position


def _html_link(href: str, attributes: Mapping[str, str | None], base: str) -> _Link | None:
    target, _, fragment = href.partition("#")
    filename = file_name_of(target.rstrip())
    if not filename:
        return None
    url = target if target.startswith(("https://", "http://")) else join(base, target)
    announced = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    uploaded = attributes.get("data-upload-time")
    size = (attributes.get("data-size") or "").removeprefix("+")
    return _Link(
        filename,
        f"{url.rstrip()}#{fragment}" if fragment else url.rstrip(),
        None,
        (attributes.get("data-requires-python") or "").strip() or None,
        int(size) if size.isascii() and size.isdigit() and len(size) < 19 else None,
        # What is no time is as good as none here; uv reads JSON more strictly than HTML.
        uploaded if uploaded and timestamp_ns(uploaded) is not None else None,
        (attributes["data-yanked"] or True) if "data-yanked" in attributes else False,
        announced == "true" or (announced is not None and _announced_hash(announced)),
    )


def _announced_hash(text: str) -> bool | _Hashes:
    hashes = _fragment_hashes(text)
    return False if hashes == _NO_HASHES else hashes


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
    head = _ENCODER.encode((listing.name, listing.index, listing.is_flat, forms))
    return head, b"".join([release.raw for release in listing.releases]), [form[3] for form in forms]


def unload(listing: Listing, places: Iterable[Piece], pieces: Pieces) -> None:
    """Let the releases of a listing that was stored read their files from there, when they are asked for."""
    decode = partial(_decode_piece, pieces)
    for release, place in zip(listing.releases, places, strict=True):
        release.unload(place, decode)


def _decode_piece(pieces: Pieces, piece: Piece) -> tuple[File, ...]:
    try:
        return _decode_files(pieces.piece(*piece))
    except (msgspec.DecodeError, UnicodeDecodeError):
        pieces.refuse()


def with_urls(listing: Listing, exchange: Callable[[str], str]) -> Listing:
    """A listing that this module made, with other URLs of its files."""
    releases = []
    for release in listing.releases:
        links = _LINKS.decode(release.raw)
        for link in links:
            url, mark, fragment = link.url.partition("#")
            link.url = f"{exchange(url)}{mark}{fragment}"
        raw = _ENCODER.encode(links)
        releases.append(Release(release.version, release.earliest_upload_ns, raw=raw, decode=_decode_files))
    return msgspec.structs.replace(listing, releases=tuple(releases))


def decode_listing(content: bytes, pieces: Pieces) -> Listing:
    """Inverse of encode_listing; raises msgspec.DecodeError for other bytes. Half a microsecond a release."""
    return _from_form(_HEAD.decode(content), partial(_decode_piece, pieces))


def encode_flat(listings: Mapping[str, Listing]) -> bytes:
    """The stored form of what a flat index lists."""
    return _ENCODER.encode([_listing_form(listing) for listing in listings.values()])


def decode_flat(content: bytes) -> dict[str, Listing]:
    """Inverse of encode_flat; raises msgspec.DecodeError for other bytes."""
    return {form[0]: _from_form(form, _decode_files) for form in _FLAT.decode(content)}


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
