"""What lies in the cache, as bytes: a page with what HTTP said about keeping it, or metadata with its last day."""

from __future__ import annotations

import hashlib
from typing import TypeVar

import msgspec
from msgspec import Struct

from lockflow.index.freshness import Policy
from lockflow.index.metadata import CoreMetadata
from lockflow.index.model import File
from lockflow.index.urls import without_credentials
from lockflow.standards.hashes import strongest_hash
from lockflow.standards.names import is_valid_name

FOR_EVER = 0

_LONGEST_DIGEST = 128


class StoredPage(Struct, frozen=True, array_like=True):
    """A page that was read. `body` is its listing encoded, None where the index said that there is none.

    Of a page of one project `body` is the first of the two parts in which listings are stored.

    `digest` is that of the page as it came, for servers that give no validator: the same bytes need no reading.
    """

    policy: Policy
    url: str
    digest: str
    body: bytes | None


class StoredMetadata(Struct, frozen=True, array_like=True):
    """Metadata of a file; `core` is None where only a build could tell. `fresh_until` may be FOR_EVER."""

    fresh_until: int
    core: CoreMetadata | None


class StoredArchive(Struct, frozen=True, array_like=True):
    """What an archive at a URL said. `hash` is `sha256:…` of its bytes."""

    policy: Policy
    hash: str
    core: CoreMetadata


Entry = TypeVar("Entry", StoredPage, StoredMetadata)

_ENCODER = msgspec.msgpack.Encoder()
_PAGE = msgspec.msgpack.Decoder(StoredPage)
_METADATA = msgspec.msgpack.Decoder(StoredMetadata)
_ARCHIVE = msgspec.msgpack.Decoder(StoredArchive)


def encode_entry(entry: StoredPage | StoredMetadata | StoredArchive) -> bytes:
    """An entry as it lies in the cache."""
    return _ENCODER.encode(entry)


def decode_page(content: bytes | None) -> StoredPage | None:
    """Inverse of encode_entry; None for nothing, and for what another version may have written."""
    try:
        return None if content is None else _PAGE.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def decode_metadata(content: bytes | None) -> StoredMetadata | None:
    """Inverse of encode_entry; None for nothing, and for what another version may have written."""
    try:
        return None if content is None else _METADATA.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def decode_archive(content: bytes | None) -> StoredArchive | None:
    """Inverse of encode_entry; None for nothing, and for what another version may have written."""
    try:
        return None if content is None else _ARCHIVE.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def archive_path(url: str, subdirectory: str | None) -> str:
    """Where that which an archive at a URL said lies in the cache."""
    return f"archives-1/{_short_digest(url)}" + ("" if subdirectory is None else f"-{_short_digest(subdirectory)}")


def listing_path(index_url: str, name: str) -> str:
    """Where the listing of a project on an index lies in the cache."""
    return f"listings-3/{_short_digest(index_url)}/{name if is_valid_name(name) else _short_digest(name)}"


def flat_path(index_url: str) -> str:
    """Where the listings of a flat index lie in the cache."""
    return f"flat-2/{_short_digest(index_url)}"


def metadata_path(file: File) -> tuple[str, bool]:
    """Where metadata of a file lies, and whether the place names its content, so that it can never be outdated."""
    best = strongest_hash(file.hashes)
    if best is None or best[0] == "md5" or len(best[1]) > _LONGEST_DIGEST:
        return f"metadata-1/url/{_short_digest(without_credentials(file.url))}", False
    return f"metadata-1/{best[0]}/{best[1]}", True


def _short_digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
