"""Names of projects, extras and groups in their normalised form (PEP 503, PEP 685, PEP 735)."""

from __future__ import annotations

import re
from functools import lru_cache

_SEPARATORS = re.compile(r"[-_.]+")
_VALID = re.compile(r"[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]")


@lru_cache(maxsize=65536)
def normalize_name(name: str) -> str:
    """Lower-case `name` and fold runs of `-`, `_` and `.` into one `-` (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()


def is_valid_name(name: str) -> bool:
    """Whether `name` is a valid distribution, extra or group name (PEP 508 section "Names")."""
    return _VALID.fullmatch(name) is not None
