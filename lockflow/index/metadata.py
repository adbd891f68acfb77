"""Core metadata bytes to Metadata: headers of METADATA and PKG-INFO, `[project]` of an sdist (PEP 566, 643, 621).

Published metadata is not always well formed. What uv mends in requirements and specifiers is mended here, and
nothing else, so that both read the same releases as usable.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from lockflow.index.links import well_known_links
from lockflow.index.model import Metadata
from lockflow.standards.markers.parse import MarkerSyntaxError, parse_marker
from lockflow.standards.names import is_valid_name, normalize_name
from lockflow.standards.requirements import InvalidRequirement, Requirement, parse_requirement
from lockflow.standards.specifiers import InvalidSpecifier, Specifiers
from lockflow.standards.versions import InvalidVersion, Version


class InvalidMetadata(ValueError):
    """Bytes are no usable core metadata; the message says which field is at fault."""


class CoreMetadata(Struct, frozen=True, array_like=True):
    """Metadata as text, checked and mended: the form in which it is stored."""

    name: str
    version: str
    requires_dist: tuple[str, ...] = ()
    requires_python: str | None = None
    provides_extras: tuple[str, ...] = ()
    is_version_dynamic: bool = False
    links: tuple[tuple[str, str], ...] = ()


def as_metadata(core: CoreMetadata, version: Version) -> Metadata:
    """Metadata of a file of `version`, requirements parsed. Each requirement text is parsed but once in a process."""
    return Metadata(
        name=core.name,
        version=version,
        requires_dist=tuple([parse_requirement(text) for text in core.requires_dist]),
        requires_python=core.requires_python,
        provides_extras=core.provides_extras,
        is_version_dynamic=core.is_version_dynamic,
        links=core.links,
    )


# Headers --------------------------------------------------------------------------------------------------------

_LINE_END = re.compile(r"\r\n|\r|\n")
_HEADER_NAME = re.compile(r"[!-9;-~]*", re.ASCII)
_WANTED = frozenset(
    {
        "metadata-version",
        "name",
        "version",
        "requires-dist",
        "requires-python",
        "provides-extra",
        "dynamic",
        "project-url",
        "home-page",
    }
)


def parse_core_metadata(content: bytes) -> CoreMetadata:
    """Read METADATA of a wheel, or a metadata file of an index; raises InvalidMetadata."""
    return _core_metadata(_headers(content))


def parse_pkg_info(content: bytes) -> CoreMetadata | None:
    """Read PKG-INFO of an sdist; None where it does not bind what a build would say (PEP 643) or is invalid."""
    headers = _headers(content)
    version = re.fullmatch(r"2\.([0-9]{1,4})", _first(headers, "metadata-version") or "")
    if version is None or int(version[1]) < 2:
        return None
    dynamic = {field.lower() for field in headers.get("dynamic", ())}
    if dynamic & {"requires-dist", "requires-python", "provides-extra"}:
        return None
    try:
        core = _core_metadata(headers)
    except InvalidMetadata:
        return None
    return msgspec.structs.replace(core, is_version_dynamic=True) if "version" in dynamic else core


def _headers(content: bytes) -> dict[str, list[str]]:
    """The wanted headers, names in lower case, in order.

    As in a mail, a line that is no header ends them; a folded line belongs to the one before (RFC 5322).
    """
    text = _header_block(content).decode("utf-8", "replace")
    lines = _LINE_END.split(text) if "\r" in text else text.split("\n")
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for number, line in enumerate(lines):
        if line[:1] in (" ", "\t"):
            if current is not None:
                current[-1] += "\n" + line
            continue
        written, colon, value = line.partition(":")
        name = _wanted(written)
        if not colon or name is None:
            if number == 0 and line.startswith("From "):
                continue
            break
        current = None
        if name:
            current = found.setdefault(name, [])
            current.append(value)
    return {name: [" ".join(value.split()) for value in values] for name, values in found.items()}


@lru_cache(maxsize=1 << 10)
def _wanted(name: str) -> str | None:
    """The name of a header in lower case, empty where nobody wants it; None where it is no such name."""
    if _HEADER_NAME.fullmatch(name) is None:
        return None
    return name.lower() if name.lower() in _WANTED else ""


def _header_block(content: bytes) -> bytes:
    # A description can be a megabyte; the first empty line is before it.
    end = content.find(b"\n\n")
    if b"\r" in content[:4096]:
        crlf = content.find(b"\r\n\r\n")
        end = crlf if end < 0 or 0 <= crlf < end else end
    return content if end < 0 else content[: end + 1]


def _first(headers: dict[str, list[str]], name: str) -> str | None:
    values = headers.get(name)
    return values[0] if values else None


def _core_metadata(headers: dict[str, list[str]]) -> CoreMetadata:
    name, version = _first(headers, "name"), _first(headers, "version")
    if not name or not is_valid_name(name):
        raise InvalidMetadata(f"its name is {name!r}" if name else "it has no name")
    try:
        checked_version = Version.parse(version or "")
    except InvalidVersion as error:
        raise InvalidMetadata(f"its version is {version!r}" if version else "it has no version") from error
    requires_python = _first(headers, "requires-python") or None
    if requires_python is not None:
        mended = mended_specifiers(requires_python)
        if mended is None:
            raise InvalidMetadata(f"Requires-Python is {requires_python!r}")
        requires_python = mended
    extras = [extra for extra in headers.get("provides-extra", ()) if is_valid_name(extra)]
    return CoreMetadata(
        name=normalize_name(name),
        version=checked_version.text,
        requires_dist=tuple([_mended_requirement(text) for text in headers.get("requires-dist", ())]),
        requires_python=requires_python,
        provides_extras=tuple(dict.fromkeys(map(normalize_name, extras))),
        links=well_known_links(headers.get("project-url", ()), _first(headers, "home-page")),
    )


# What is mended -------------------------------------------------------------------------------------------------

_MENDINGS = tuple(
    (re.compile(pattern), replacement)
    for _example, pattern, replacement in (
        (">= '2.7'", r"""['"](?=[0-9*])|(?<=[0-9*])['"]""", ""),
        (">=1.0<2.0", r"(?<=[0-9*])(?=[<>=~!^])", ","),
        ("!=~5.0", r"!=~\s*([0-9]+(?:\.[0-9]+)*)(?![0-9.*])", r"!=\1.*"),
        ("!=3.0*", r"(?<=[0-9])\*", ".*"),
        (">=1.9.*", r"(?<![=!~<>])(<=|>=|<|>)(\s*[0-9]+(?:\.[0-9]+)*)\.\*", r"\1\2"),
        (">dev", r">\s*dev\b", ">0.0.0dev"),
        (">=9.0.0a1.0", r"([0-9](?:a|b|rc|\.?post|\.?dev)[0-9]+)\.0(?![0-9.])", r"\1"),
        ("(>=3.6,)", r",\s*\)", ")"),
    )
)


@lru_cache(maxsize=1 << 14)
def mended_specifiers(text: str) -> str | None:
    """The text itself where Specifiers.parse accepts it, else mended so that it does, None where that fails."""
    for mend in (str, _mend):
        attempt = mend(text)
        try:
            Specifiers.parse(attempt)
        except InvalidSpecifier:
            continue
        return attempt
    return None


def _mended_requirement(text: str) -> str:
    try:
        parse_requirement(text)
    except InvalidRequirement as error:
        requirement, separator, marker = text.partition(";")
        mended = _mend(requirement) + separator + marker
        try:
            parse_requirement(mended)
        except InvalidRequirement:
            raise InvalidMetadata(f"Requires-Dist is {text!r}: {error}") from error
        return mended
    return text


def _mend(text: str) -> str:
    if len(text) > 4096:
        return text
    for pattern, replacement in _MENDINGS:
        text = pattern.sub(replacement, text)
    return text


# [project] ------------------------------------------------------------------------------------------------------


def parse_project_table(text: str, version: Version | None) -> CoreMetadata | None:
    """Read `[project]` of an sdist of `version`, if that is known; None where it does not tell all or is invalid.

    A version declared dynamic is the one of the file name. A `[project]` without dependencies beside Poetry's own
    table is taken for an oversight: Poetry's are the dependencies.
    """
    try:
        document = tomllib.loads(text)
        return _project_metadata(document, version)
    except (
        tomllib.TOMLDecodeError, RecursionError, InvalidMetadata, InvalidRequirement, InvalidVersion, MarkerSyntaxError
    ):  # fmt: skip
        return None


def _project_metadata(document: dict[str, Any], version: Version | None) -> CoreMetadata | None:
    project, tool = document.get("project"), document.get("tool")
    if not isinstance(project, dict):
        return None
    name, declared = project.get("name"), project.get("version")
    dynamic = _texts(project.get("dynamic"))
    if not isinstance(name, str) or not is_valid_name(name) or not isinstance(declared, str | None):
        return None
    if {"dependencies", "optional-dependencies", "requires-python"} & set(dynamic):
        return None
    if "dependencies" not in project and isinstance(tool, dict) and "poetry" in tool:
        return None
    if declared is None and ("version" not in dynamic or version is None):
        return None
    requires_python = project.get("requires-python")
    if requires_python is not None:
        if not isinstance(requires_python, str):
            return None
        requires_python = mended_specifiers(requires_python)
        if requires_python is None:
            return None
    extras = project.get("optional-dependencies", {})
    if not isinstance(extras, dict) or not all(map(is_valid_name, extras)):
        return None
    requires_dist = [_checked(text) for text in _texts(project.get("dependencies"))]
    for extra, texts in extras.items():
        requires_dist += [_under_extra(text, normalize_name(extra)) for text in _texts(texts)]
    return CoreMetadata(
        name=normalize_name(name),
        version=Version.parse(declared).text if declared is not None else "" if version is None else version.text,
        requires_dist=tuple(requires_dist),
        requires_python=requires_python,
        provides_extras=tuple(dict.fromkeys(map(normalize_name, extras))),
        is_version_dynamic=declared is None,
    )


def _texts(value: object) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidMetadata("a list of texts is something else")
    return value


def _checked(text: str) -> str:
    parse_requirement(text)
    return text


def _under_extra(text: str, extra: str) -> str:
    """The requirement text with `extra == "…"` added to its marker, as core metadata has it."""
    requirement: Requirement = parse_requirement(text)
    # In a direct reference a semicolon may be part of the URL; a marker follows a blank there (PEP 508).
    head, _, marker = text.partition(" ;" if "@" in text.partition(";")[0] else ";")
    joined = f"{head.rstrip()} ; " + (f"({marker.strip()}) and " if marker.strip() else "") + f"extra == '{extra}'"
    checked = parse_requirement(joined)
    if checked.marker != requirement.marker & parse_marker(f"extra == '{extra}'"):
        raise InvalidMetadata(f"the marker of {text!r} cannot be told")
    return joined
