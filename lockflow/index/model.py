"""What the world offers: the files of a project on an index, and the metadata of one of them.

Sources: PEP 503, 691, 700 (listings), PEP 592 (yanking), PEP 658/714 (metadata files), core metadata.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import Struct

from lockflow.inputs.model import Group, Index
from lockflow.standards.requirements import Requirement, Source
from lockflow.standards.versions import Version


class File(Struct, frozen=True, array_like=True, gc=False):
    """One distribution file as an index lists it (wheel or sdist, told apart by `filename`).

    `url` is absolute and exactly what a lock stores (fragment removed, credentials removed). `hashes` are
    (algorithm, hex digest) pairs, lower case. `upload_time_ns` is nanoseconds since the epoch, UTC.
    `yanked` is False, or the reason, or True where no reason is given. `requires_python` is text that
    Specifiers.parse accepts. `has_metadata` tells whether the index announces a metadata file beside it,
    `metadata_hash` with which digest.
    """

    filename: str
    url: str
    hashes: tuple[tuple[str, str], ...] = ()
    size: int | None = None
    upload_time_ns: int | None = None
    requires_python: str | None = None
    yanked: bool | str = False
    has_metadata: bool = False
    metadata_hash: tuple[str, str] | None = None

    @property
    def is_wheel(self) -> bool:
        return self.filename.endswith(".whl")


Piece = tuple[int, int, int]
"""Bytes that lie elsewhere: where they begin, how many there are, and their checksum (CRC-32)."""

_FILES = msgspec.msgpack.Decoder(tuple[File, ...])


class Release:
    """One version of a project on one index: its files, sdists first, each kind by file name.

    Files are read when first asked for, since of hundreds of listed versions a resolution looks at a few: either
    `files` is given, or `raw` with the function that reads it, which may be where they lie in a cache.
    `earliest_upload_ns` is the smallest upload time of its files (0 where some file has none), so that a cut-off can be
    applied without reading them.
    """

    __slots__ = ("_decode", "_files", "_raw", "earliest_upload_ns", "version")

    def __init__(
        self,
        version: Version,
        earliest_upload_ns: int,
        *,
        files: tuple[File, ...] | None = None,
        raw: bytes | Piece = b"",
        decode: Callable[[Any], tuple[File, ...]] = _FILES.decode,
    ) -> None:
        self.version = version
        self.earliest_upload_ns = earliest_upload_ns
        self._files = files
        self._raw = raw
        self._decode = decode

    @property
    def files(self) -> tuple[File, ...]:
        if self._files is None:
            self._files = self._decode(self._raw)
        return self._files

    @property
    def raw(self) -> bytes:
        """The encoded files, empty where the release was made from `files`."""
        assert isinstance(self._raw, bytes), "what lies in a cache is not stored again"
        return self._raw

    def unload(self, raw: Piece, decode: Callable[[Piece], tuple[File, ...]]) -> None:
        """Keep in place of the encoded files where they lie now, to save the memory."""
        self._raw = raw
        self._decode = decode


class Listing(Struct, frozen=True, kw_only=True):
    """A project as one index lists it. `releases` ascend by version; empty means "known, but no files".

    `index` is the URL of the index without credentials, as a lock stores it. `is_flat` tells that it came from
    a flat index, whose files a cut-off never hides.
    """

    name: str
    index: str
    releases: tuple[Release, ...]
    is_flat: bool = False


class Metadata(Struct, frozen=True, kw_only=True):
    """Core metadata of one distribution, as far as a resolution needs it.

    `requires_dist` keeps the file's order. `requires_python` is the text, None where absent. `links` are of no use to
    a resolution: pairs of kind (changelog, source, homepage) and URL, for people.
    """

    name: str
    version: Version
    requires_dist: tuple[Requirement, ...] = ()
    requires_python: str | None = None
    provides_extras: tuple[str, ...] = ()
    is_version_dynamic: bool = False
    links: tuple[tuple[str, str], ...] = ()


class SourceMetadata(Metadata, frozen=True, kw_only=True):
    """What stands behind a requirement that comes from elsewhere than an index.

    `source` is the one asked for, with its commit where it is of git. `hash` is `sha256:…` of a file. `groups` are
    the dependency groups of a source tree.
    """

    source: Source
    hash: str | None = None
    groups: tuple[Group, ...] = ()


class BuildPackage(Struct, frozen=True, kw_only=True):
    """One package of a build environment; `files` are those of its version that may be used."""

    name: str
    version: Version
    index: Index
    files: tuple[File, ...]


class Absent(Struct, frozen=True, kw_only=True):
    """Why a listing or metadata could not be had, where that is a finding and not an error.

    kind: `not-found` (no such project on the index), `offline`, `unauthorized`, `invalid-metadata`,
    `inconsistent-metadata`, `needs-build` (only a source build could tell), `build-disabled`,
    `build-failed`, `requires-python` (an sdist that this interpreter cannot build).
    """

    kind: Literal[
        "not-found",
        "offline",
        "unauthorized",
        "invalid-metadata",
        "inconsistent-metadata",
        "needs-build",
        "build-disabled",
        "build-failed",
        "requires-python",
    ]
    reason: str = ""
