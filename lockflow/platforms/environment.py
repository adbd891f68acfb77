"""A platform and a Python version to the marker environment of the interpreter there (PEP 508)."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType

from lockflow.platforms.model import Platform
from lockflow.platforms.pythons import minor_of
from lockflow.standards.markers.evaluate import Environment

_IMPLEMENTATION_NAMES = {"cpython": "CPython"}


@lru_cache(maxsize=256)
def environment(platform: Platform, python: str) -> Environment:
    """Return all marker values of PEP 508 for `python` (a full version, `3.12.16`) on `platform`.

    Where the definition says which patch release runs there, that one replaces `python`.
    """
    minor = minor_of(python)
    full = dict(platform.pythons).get(minor, python)
    return MappingProxyType(
        {
            **dict(platform.environment),
            "implementation_name": platform.implementation,
            "implementation_version": full,
            "platform_python_implementation": _IMPLEMENTATION_NAMES[platform.implementation],
            "python_full_version": full,
            "python_version": minor,
        }
    )
