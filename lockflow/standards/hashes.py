"""Digests of files: their text form `algorithm:hexdigest`, which of several counts, and bytes checked against them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

STRENGTH = {"md5": 0, "sha256": 1, "sha384": 2, "sha512": 3, "blake2b": 4}
"""The algorithms a lock may name, with their rank; what an index says in others is ignored."""

_DIGITS = frozenset("0123456789abcdef")


class InvalidHash(ValueError):
    """A text is no `algorithm:hexdigest` of a known algorithm."""


def parse_hash(text: str) -> tuple[str, str]:
    """Read `algorithm:hexdigest` into its two parts, lower case; raises InvalidHash."""
    algorithm, separator, digest = text.strip().lower().partition(":")
    if not separator:
        raise InvalidHash(f"{text!r} is not of the form algorithm:hexdigest")
    if algorithm not in STRENGTH:
        raise InvalidHash(f"{text!r} names no known algorithm (known are {', '.join(STRENGTH)})")
    if not digest or not _DIGITS.issuperset(digest):
        raise InvalidHash(f"{text!r} has no hexadecimal digest")
    return algorithm, digest


def strongest_hash(hashes: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """The pair that a lock stores: the strongest algorithm, of equal ones the greater digest; None for no hash."""
    known = [pair for pair in hashes if pair[0] in STRENGTH]
    return max(known, key=lambda pair: (STRENGTH[pair[0]], pair[1]), default=None)


def hash_text(pair: tuple[str, str]) -> str:
    """`algorithm:hexdigest`, as a lock stores it."""
    return f"{pair[0]}:{pair[1]}"


def digest_of(content: bytes, algorithm: str) -> str:
    """The hex digest of `content` by one of STRENGTH."""
    return hashlib.new(algorithm, content, usedforsecurity=algorithm != "md5").hexdigest()


def new_hasher(algorithm: str) -> hashlib._Hash:
    """A hasher by one of STRENGTH, for content that comes in pieces."""
    return hashlib.new(algorithm, usedforsecurity=algorithm != "md5")
