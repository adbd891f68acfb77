"""The Python versions a project supports, as one interval of release numbers.

uv reads `requires-python` with release segments only and keeps, besides the specifiers for printing, a single
bounding interval; holes (`!=3.10.*`) are ignored by every decision. Releases are compared without trailing zeros.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from msgspec import Struct

from lockflow.standards.versions import InvalidVersion, Version

Release = tuple[int, ...]


class PythonRange(Struct, frozen=True, kw_only=True):
    """A bounding interval: None as a bound means unbounded; `..._closed` tells whether the bound belongs to it.

    Bounds carry no trailing zeros, except that 0 itself is `(0,)`.
    """

    lower: Release | None = None
    lower_closed: bool = True
    upper: Release | None = None
    upper_closed: bool = False


class ReleasePattern(Struct, frozen=True):
    """The release numbers of a version as written; `star` when it ends in `.*`, `local` when it has a local part."""

    release: Release
    star: bool = False
    local: bool = False

    def suits(self, operator: str) -> bool:
        """Whether `operator` may stand before such a version (PEP 440, "Version specifiers")."""
        if operator in {"==", "!="}:
            return True
        return not self.star and not self.local and (operator != "~=" or len(self.release) > 1)


_PLAIN: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})*")
_PREFIX: Final = re.compile(r"[vV]?(?:[0-9]+!)?([0-9]+(?:\.[0-9]+)*)\.\*")
# uv keeps each number in 64 bits and needs one more for the end of a prefix.
_TOO_LARGE: Final = 2**64 - 1


@lru_cache(maxsize=4096)
def read_release(text: str) -> ReleasePattern | None:
    """Read the release numbers of a version or of a prefix `3.9.*`; None when it is neither."""
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return ReleasePattern(tuple([int(number) for number in text.split(".")]))
    prefix = _PREFIX.fullmatch(text)
    plain = prefix[1] if prefix else text
    try:
        release = Version.parse(plain).release
    except InvalidVersion:
        return None
    if any(number >= _TOO_LARGE for number in release):
        return None
    return ReleasePattern(release, star=prefix is not None, local="+" in plain)
