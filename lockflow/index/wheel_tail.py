"""Which byte ranges of a wheel to ask for until its METADATA is in hand (PEP 427; APPNOTE.TXT of the ZIP format).

A wheel keeps its `.dist-info` at the end, right before the table of contents, so the first range mostly holds all.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from lockflow.standards.names import normalize_name

FIRST_LENGTH = 1 << 15
"""Bytes to ask for at first, from the end; of wheels on a large index nine in ten need no more."""

_END_LENGTH = 22
_END_LONGEST = _END_LENGTH + 0xFFFF
_LOCATOR_LENGTH = 20
_LOCAL_LENGTH = 30
_LOCAL_EXTRA = 256
"""Allowed for the extra field of a local header, whose length only the header itself tells."""
_LARGEST_CONTENTS = 64 << 20
_LARGEST_METADATA = 16 << 20
_METADATA_NAME = re.compile(rb"([^/]*)-[^/-]*\.dist-info/METADATA")

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")


class InvalidWheel(ValueError):
    """Bytes are no wheel whose metadata can be read; the message says why."""


class Span(NamedTuple):
    """Bytes from `start` up to but not including `stop`."""

    start: int
    stop: int


class Piece(NamedTuple):
    """Bytes of a wheel that are in hand, and where they begin in it."""

    start: int
    content: bytes


def metadata_in(pieces: Sequence[Piece], size: int, project: str) -> bytes | Span:
    """The content of METADATA, or the span that is still missing to read it.

    `size` is that of the whole wheel, `project` the normalised name of whom it is. Ask again with the span added
    to `pieces`; after at most five spans there is an answer. Raises InvalidWheel.
    """
    wheel = _Wheel(pieces, size)
    try:
        return _metadata(wheel, project)
    except _Missing as missing:
        return missing.span
    except struct.error as error:
        raise InvalidWheel("its table of contents is cut off") from error


class _Missing(Exception):
    def __init__(self, span: Span) -> None:
        super().__init__(span)
        self.span = span


class _Wheel:
    __slots__ = ("pieces", "size")

    def __init__(self, pieces: Sequence[Piece], size: int) -> None:
        self.pieces = pieces
        self.size = size

    def read(self, start: int, stop: int) -> bytes:
        if not 0 <= start <= stop <= self.size:
            raise InvalidWheel("its table of contents points outside of it")
        for piece in self.pieces:
            if piece.start <= start and stop <= piece.start + len(piece.content):
                return piece.content[start - piece.start : stop - piece.start]
        raise _Missing(Span(start, stop))


class _Entry(NamedTuple):
    name: bytes
    flags: int
    method: int
    checksum: int
    packed: int
    unpacked: int
    offset: int


def _metadata(wheel: _Wheel, project: str) -> bytes:
    start, stop, shift = _contents_span(wheel)
    entry = _metadata_entry(wheel.read(start, stop), project)
    if entry.flags & 1:
        raise InvalidWheel("its METADATA is encrypted")
    if entry.unpacked > _LARGEST_METADATA or entry.packed > _LARGEST_METADATA:
        raise InvalidWheel(f"its METADATA is said to have {entry.unpacked} bytes")
    offset = entry.offset + shift
    # One span for header and content: what lies behind the header is not needed but costs no second request.
    behind = offset + _LOCAL_LENGTH + len(entry.name) + _LOCAL_EXTRA + entry.packed
    header = wheel.read(offset, max(offset, min(behind, start)))
    signature, *_, name_length, extra_length = _LOCAL.unpack_from(header)
    if signature != b"PK\x03\x04":
        raise InvalidWheel("its table of contents does not point at its METADATA")
    begin = offset + _LOCAL_LENGTH + name_length + extra_length
    return _unpacked(wheel.read(begin, begin + entry.packed), entry)


def _contents_span(wheel: _Wheel) -> tuple[int, int, int]:
    """Where the table of contents lies, and by how much offsets in it are off (a stub may stand before a ZIP)."""
    tail_start = max(0, wheel.size - FIRST_LENGTH)
    tail = wheel.read(tail_start, wheel.size)
    place = _end_in(tail)
    if place is None and tail_start > 0:
        tail_start = max(0, wheel.size - _END_LONGEST)
        tail = wheel.read(tail_start, wheel.size)
        place = _end_in(tail)
    if place is None:
        raise InvalidWheel("it is no ZIP archive")
    _, _, _, _, _, length, offset, _ = _END.unpack_from(tail, place)
    stop = tail_start + place
    if offset == 0xFFFFFFFF or length == 0xFFFFFFFF:
        return _contents_span_64(wheel, stop)
    return _checked_span(stop - length, stop, offset)


def _contents_span_64(wheel: _Wheel, end: int) -> tuple[int, int, int]:
    signature, _, offset, _ = _LOCATOR.unpack(wheel.read(max(0, end - _LOCATOR_LENGTH), end))
    if signature != b"PK\x06\x07":
        raise InvalidWheel("its table of contents cannot be found (ZIP64)")
    signature, *_, length, contents = _END_64.unpack(wheel.read(offset, offset + _END_64.size))
    if signature != b"PK\x06\x06":
        raise InvalidWheel("its table of contents cannot be found (ZIP64)")
    return _checked_span(contents, contents + length, contents)


def _checked_span(start: int, stop: int, offset: int) -> tuple[int, int, int]:
    if stop - start > _LARGEST_CONTENTS:
        raise InvalidWheel(f"its table of contents has {stop - start} bytes")
    return start, stop, start - offset


def _end_in(tail: bytes) -> int | None:
    """Where the end record begins: the last signature whose comment reaches exactly to the end."""
    place = tail.rfind(b"PK\x05\x06")
    while place >= 0:
        if place + _END_LENGTH <= len(tail):
            comment = int.from_bytes(tail[place + 20 : place + 22], "little")
            if place + _END_LENGTH + comment == len(tail):
                return place
        place = tail.rfind(b"PK\x05\x06", 0, place)
    return None


def _metadata_entry(contents: bytes, project: str) -> _Entry:
    found: list[_Entry] = []
    place = 0
    while place < len(contents):
        fields = _ENTRY.unpack_from(contents, place)
        if fields[0] != b"PK\x01\x02":
            raise InvalidWheel("its table of contents is damaged")
        name_length, extra_length, comment_length = fields[10], fields[11], fields[12]
        begin = place + _ENTRY.size
        name = contents[begin : begin + name_length]
        if name.endswith(b".dist-info/METADATA") and _METADATA_NAME.fullmatch(name):
            extra = contents[begin + name_length : begin + name_length + extra_length]
            found.append(_entry(name, fields, extra))
        place = begin + name_length + extra_length + comment_length
    own = [entry for entry in found if _project_of(entry.name) == project]
    candidates = own or found
    if len({entry.name for entry in candidates}) != 1:
        raise InvalidWheel("it has several METADATA files" if candidates else "it has no METADATA file")
    return candidates[-1]


def _project_of(name: bytes) -> str:
    match = _METADATA_NAME.fullmatch(name)
    return "" if match is None else normalize_name(match[1].decode("utf-8", "replace"))


def _entry(name: bytes, fields: tuple[int, ...], extra: bytes) -> _Entry:
    flags, method, checksum = fields[3], fields[4], fields[7]
    packed, unpacked, offset = fields[8], fields[9], fields[16]
    large = _large_fields(extra)
    if unpacked == 0xFFFFFFFF and large:
        unpacked = large.pop(0)
    if packed == 0xFFFFFFFF and large:
        packed = large.pop(0)
    if offset == 0xFFFFFFFF and large:
        offset = large.pop(0)
    return _Entry(name, flags, method, checksum, packed, unpacked, offset)


def _large_fields(extra: bytes) -> list[int]:
    """The 64-bit values that stand for fields of 32 bits which are full."""
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, place)
        if kind == 1:
            content = extra[place + 4 : place + 4 + length]
            return [value for (value,) in struct.iter_unpack("<Q", content[: len(content) // 8 * 8])]
        place += 4 + length
    return []


def _unpacked(packed: bytes, entry: _Entry) -> bytes:
    if entry.method == 0:
        content = packed
    elif entry.method == 8:
        try:
            content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, entry.unpacked + 1)
        except zlib.error as error:
            raise InvalidWheel(f"its METADATA cannot be unpacked: {error}") from error
    else:
        raise InvalidWheel(f"its METADATA is packed by method {entry.method}")
    if len(content) != entry.unpacked or zlib.crc32(content) != entry.checksum:
        raise InvalidWheel("its METADATA is damaged")
    return content
