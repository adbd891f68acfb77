"""The wire format of protobuf: messages taken apart into fields, and fields put together (encoding of proto3).

Builders speak in messages of two or three fields, for which generated code and its runtime would be a large guest.
"""

from __future__ import annotations

from collections.abc import Iterator


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message, by number: integers, and bytes for what has a length. Raises ValueError."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield number, value
        elif kind == 2:
            length, at = _varint(message, at)
            if at + length > len(message):
                raise ValueError("it ends early")
            yield number, message[at : at + length]
            at += length
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError(f"a field of kind {kind}")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("it ends early")


def field(number: int, value: bytes) -> bytes:
    """A field that has a length: text, bytes or a message."""
    size, length = b"", len(value)
    while length > 0x7F:
        size += bytes([length & 0x7F | 0x80])
        length >>= 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + value


def text_of(message: bytes, number: int) -> str:
    """The first field of that number as text; empty where there is none, or no message."""
    try:
        values = (value for found, value in fields(message) if found == number and isinstance(value, bytes))
        return next(values, b"").decode("utf-8", "replace")
    except ValueError:
        return ""
