"""The Python versions a project supports, as one interval of release numbers.

uv reads `requires-python` with release segments only and keeps, besides the specifiers for printing, a single
bounding interval; holes (`!=3.10.*`) are ignored by every decision. Releases are compared without trailing zeros.
"""

from __future__ import annotations

from msgspec import Struct

Release = tuple[int, ...]


class PythonRange(Struct, frozen=True, kw_only=True):
    """A bounding interval: None as a bound means unbounded; `..._closed` tells whether the bound belongs to it.

    Bounds carry no trailing zeros, except that 0 itself is `(0,)`.
    """

    lower: Release | None = None
    lower_closed: bool = True
    upper: Release | None = None
    upper_closed: bool = False
