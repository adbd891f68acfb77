"""A link to a file as a page has it, and what it says once somebody looks (PEP 503, 592, 658, 700).

A page of a large project names ten thousand files, of which a resolution looks at a few. So a link is kept as it
was written, and what it says is read when its release is asked for: that is a fifth of the cost of reading all.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from lockflow.index.metadata import mended_specifiers
from lockflow.index.model import File
from lockflow.index.times import timestamp_ns
from lockflow.index.urls import without_credentials
from lockflow.standards.hashes import STRENGTH, strongest_hash


class Hashes(Struct, omit_defaults=True, gc=False):
    sha256: str | None = None
    sha512: str | None = None
    sha384: str | None = None
    blake2b: str | None = None
    md5: str | None = None


class Link(Struct, rename="kebab", omit_defaults=True, gc=False):
    """One link of a page, by the names of PEP 691, as it came and as it is stored; only `url` has been made absolute.

    So a page of JSON is decoded into links and its links are encoded again without a look at each of them.
    """

    filename: str
    url: str
    hashes: Hashes | None = None
    requires_python: str | None = None
    size: int | None = None
    upload_time: str | None = None
    yanked: bool | str | None = False
    core_metadata: bool | Hashes | None = None
    dist_info_metadata: bool | Hashes | None = None


ENCODER = msgspec.msgpack.Encoder()

LINKS = msgspec.msgpack.Decoder(list[Link])


def encode_links(links: list[Link]) -> bytes:
    """The links of one release, for decode_files."""
    try:
        return ENCODER.encode(links)
    except OverflowError:
        for link in links:
            link.size = _honest(link.size)
        return ENCODER.encode(links)


def decode_files(raw: bytes) -> tuple[File, ...]:
    return tuple([_file(link) for link in LINKS.decode(raw)])


def _file(link: Link) -> File:
    url = link.url.partition("#")[0]
    announced = link.dist_info_metadata if link.core_metadata is None else link.core_metadata
    return File(
        filename=link.filename,
        url=without_credentials(url) if "@" in url else url,
        hashes=() if link.hashes is None else _pairs(link.hashes),
        size=_honest(link.size),
        upload_time_ns=None if link.upload_time is None else timestamp_ns(link.upload_time),
        requires_python=mended_specifiers(link.requires_python) if link.requires_python else None,
        yanked=True if link.yanked == "" else link.yanked or False,
        has_metadata=bool(announced),
        metadata_hash=strongest_hash(_pairs(announced)) if isinstance(announced, Hashes) else None,
    )


def _honest(size: int | None) -> int | None:
    return size if size is None or 0 <= size < 1 << 63 else None


def _pairs(hashes: Hashes) -> tuple[tuple[str, str], ...]:
    if hashes.md5 is hashes.sha384 is hashes.sha512 is hashes.blake2b is None:  # as of nearly every file
        digest = hashes.sha256
        return (("sha256", digest.lower()),) if digest and is_digest(digest) else ()
    named = ((algorithm, getattr(hashes, algorithm)) for algorithm in STRENGTH)
    return tuple([(algorithm, digest.lower()) for algorithm, digest in named if digest and is_digest(digest)])


def is_digest(text: str) -> bool:
    # Whether the digits are hexadecimal shows when a file is compared; here nothing may pass that needs quoting.
    return text.isalnum() and text.isascii()


def fragment_hashes(text: str) -> Hashes:
    """What `algorithm=digest` says; no hash for anything else, as for `egg=…`."""
    algorithm, _, digest = text.strip().partition("=")
    return Hashes(**{algorithm: digest}) if algorithm in STRENGTH else Hashes()


NO_HASHES = Hashes()
