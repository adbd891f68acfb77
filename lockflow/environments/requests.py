"""What people write for a Python (`--python`, `.python-version`) to what an interpreter is held against."""

from __future__ import annotations

import re

from msgspec import Struct

from lockflow.standards.interpreter import Interpreter
from lockflow.standards.specifiers import InvalidSpecifier, Specifiers
from lockflow.standards.versions import InvalidVersion, Version

_VERSION = re.compile(
    r"(?P<kind>cpython|python|pypy|graalpy)?[-@]?(?P<version>3(?:\.[0-9]+){0,2}(?:(?:a|b|rc)[0-9]+)?)(?P<free>t)?(?:-.*)?",
    re.IGNORECASE | re.ASCII,
)


class Request(Struct, frozen=True, kw_only=True):
    """A Python that was asked for by `text`, in `where` (`--python`, `.python-version`).

    `place` is a path or a program's name; else `kind` names the implementation, empty for any, and `release` is how
    the version begins, or `specifiers` admit it. All empty admits every Python.
    """

    text: str = ""
    where: str = ""
    place: str = ""
    kind: str = ""
    release: tuple[int, ...] = ()
    is_free_threaded: bool = False
    specifiers: Specifiers | None = None


def parse_request(text: str, where: str) -> Request:
    """Read a request; what is neither a version nor a range of them is a program or a path."""
    text = text.strip()
    if text.lower() in ("", "any", "default", "python", "python3", "cpython"):
        return Request(text=text, where=where)
    match = _VERSION.fullmatch(text)
    if match is not None:
        kind = (match["kind"] or "").lower()
        numbers = re.split(r"(?:a|b|rc)", match["version"], maxsplit=1)[0]
        return Request(
            text=text,
            where=where,
            kind="" if kind in ("python", "") else kind,
            release=tuple(int(part) for part in numbers.split(".")),
            is_free_threaded=match["free"] is not None,
        )
    if text[0] in "<>=!~":
        try:
            return Request(text=text, where=where, specifiers=Specifiers.parse(text))
        except InvalidSpecifier:
            pass
    return Request(text=text, where=where, place=text)


def fits(interpreter: Interpreter, request: Request) -> bool:
    """Whether an interpreter is one that was asked for, its place apart."""
    if request.kind and request.kind != interpreter.environment["implementation_name"]:
        return False
    version = release_of(interpreter)
    if request.specifiers is not None:
        return request.specifiers.range.contains(version)
    parts = tuple(int(part) for part in str(version).split("."))
    if parts[: len(request.release)] != request.release:
        return False
    has_no_lock = any(tag.abi.endswith("t") and tag.abi.startswith("cp") for tag in interpreter.tags)
    return has_no_lock == request.is_free_threaded if request.release else True


def release_of(interpreter: Interpreter) -> Version:
    """The release number of an interpreter: `3.14.0` of `3.14.0rc1+`."""
    found = re.match(r"[0-9]+(?:\.[0-9]+)*", interpreter.version)
    try:
        return Version.parse(found[0] if found else interpreter.environment["python_version"])
    except InvalidVersion as error:  # pragma: no cover  the pattern is that of a version
        raise AssertionError(interpreter.version) from error
