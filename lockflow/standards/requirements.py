"""Requirements: name, extras, and where the distribution comes from, under a marker (PEP 508).

The source kinds are words of their own because three rooms speak them: inputs (which lowers
`tool.uv.sources` into them), resolve and lock.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from lockflow.standards.markers.parse import MarkerSyntaxError, parse_marker
from lockflow.standards.markers.render import render
from lockflow.standards.markers.simplify import restrict
from lockflow.standards.markers.tree import TRUE, Marker, implies
from lockflow.standards.names import is_valid_name, normalize_name
from lockflow.standards.python_range import PythonRange
from lockflow.standards.specifiers import InvalidSpecifier, Specifiers

ANY = Specifiers.parse("")


class ConflictItem(Struct, frozen=True, kw_only=True, order=True):
    """An extra or group of a package, or the package itself, that may not be active beside others."""

    package: str
    kind: Literal["extra", "group", "project"]
    name: str | None = None


class Registry(Struct, frozen=True, kw_only=True):
    """From an index: any version within `specifiers`; `index` is a URL where one is assigned explicitly."""

    specifiers: Specifiers = ANY
    index: str | None = None
    conflict: ConflictItem | None = None


class Git(Struct, frozen=True, kw_only=True):
    """A tree (or with `path` an archive) in a git repository. `url` has no credentials, no `git+`."""

    url: str
    reference_kind: Literal["branch", "tag", "rev"] | None = None
    reference: str | None = None
    subdirectory: str | None = None
    path: str | None = None
    lfs: bool = False
    commit: str | None = None


def repository_of(source: Git) -> Git:
    """The repository and reference of a git source alone, by which all packages in it have the same commit."""
    return Git(url=source.url, reference_kind=source.reference_kind, reference=source.reference)


class Archive(Struct, frozen=True, kw_only=True):
    """A wheel or sdist at a URL; the fragment is removed, `subdirectory` kept apart."""

    url: str
    subdirectory: str | None = None


class LocalFile(Struct, frozen=True, kw_only=True):
    """A wheel or sdist on disk, relative to the folder of the lock."""

    path: str


class Directory(Struct, frozen=True, kw_only=True):
    """A source tree on disk, relative to the folder of the lock."""

    path: str
    install: Literal["directory", "editable", "virtual"] = "directory"


Source = Registry | Git | Archive | LocalFile | Directory


def source_text(source: Source) -> str:
    """Where a source leads, for a message."""
    match source:
        case Registry(index=index):
            return index or "an index"
        case Git(url=url, reference=reference):
            return f"git+{url}" if reference is None else f"git+{url}@{reference}"
        case Archive(url=url):
            return url
        case LocalFile(path=path) | Directory(path=path):
            return path


class Requirement(Struct, frozen=True, kw_only=True):
    """One requirement. `extras` keep the written order; names are normalised."""

    name: str
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    marker: Marker = TRUE
    source: Source = Registry()


class RequiresPython(Struct, frozen=True, kw_only=True):
    """`requires-python`: the specifiers as the lock prints them, and the bounding interval they mean."""

    text: str
    range: PythonRange


class InvalidRequirement(ValueError):
    """A text is no PEP 508 requirement."""


_HEAD = re.compile(
    r"""\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)
    \s*(?:\[\s*(?P<extras>[^\]]*)\])?
    \s*(?:@\s*(?P<url>\S+)|\((?P<parenthesised>[^)]*)\)|(?P<specifiers>[^;@(]*))
    \s*(?:;(?P<marker>.*))?""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_LONGEST = 1 << 16


@lru_cache(maxsize=1 << 16)
def parse_requirement(text: str) -> Requirement:
    """Read one requirement as PEP 508 has it; raises InvalidRequirement.

    A URL becomes `Git` where it starts with `git+`, else `Archive`; a local path (`file:`) stays an `Archive`
    for the reader of the file it stands in to place.
    """
    if len(text) > _LONGEST:
        raise InvalidRequirement(f"a requirement of {len(text)} characters")
    match = _HEAD.fullmatch(text)
    if match is None:
        raise InvalidRequirement(f"{text.strip()!r} is not a requirement (PEP 508)")
    try:
        specifiers = Specifiers.parse(match["parenthesised"] or match["specifiers"] or "")
        marker = TRUE if match["marker"] is None else parse_marker(match["marker"].strip())
    except InvalidSpecifier as error:
        raise InvalidRequirement(f"{text.strip()!r} is not a requirement: {error}") from error
    except MarkerSyntaxError as error:
        raise InvalidRequirement(f"{text.strip()!r} has an invalid marker: {error.message}") from error
    source: Source = Registry(specifiers=specifiers) if specifiers.clauses else _ANY_REGISTRY
    if match["url"] is not None:
        source = source_from_url(match["url"])
    return Requirement(
        name=normalize_name(match["name"]), extras=_extras(match["extras"], text), marker=marker, source=source
    )


def under_marker(text: str, marker: Marker) -> str:
    """Add a condition to a requirement as it is written; the same text where its own marker implies that already.

    What is written stays as it is, and of the condition only that is added which it does not imply. Raises
    InvalidRequirement.
    """
    own = parse_requirement(text).marker
    if implies(own, marker):
        return text
    added = render(restrict(marker, own)) or ""
    match = _HEAD.fullmatch(text)
    assert match is not None
    written = match["marker"]
    if written is None:
        # With a URL, the space in front of the semicolon is part of the syntax.
        return f"{text.rstrip()} ; {added}"
    head = text[: match.start("marker") - 1].rstrip()
    return f"{head} ; {_in_brackets(written.strip())} and {_in_brackets(added)}"


def _in_brackets(marker: str) -> str:
    return f"({marker})" if " or " in marker else marker


_ANY_REGISTRY = Registry()


def _extras(text: str | None, requirement: str) -> tuple[str, ...]:
    if text is None or not text.strip():
        return ()
    extras = [part.strip() for part in text.split(",")]
    for extra in extras:
        if not is_valid_name(extra):
            raise InvalidRequirement(f"{requirement.strip()!r} names the extra {extra!r}, which is not a valid name")
    return tuple(dict.fromkeys(map(normalize_name, extras)))


def source_from_url(url: str) -> Archive | Git:
    """The source that a direct reference names: `git+URL@REFERENCE#subdirectory=…`, or an archive (PEP 508, 610)."""
    base, _, fragment = url.partition("#")
    fields = dict(part.partition("=")[::2] for part in fragment.split("&") if part)
    subdirectory = fields.get("subdirectory") or None
    if not base.startswith("git+"):
        return Archive(url=base, subdirectory=subdirectory)
    base = base[len("git+") :]
    scheme, separator, rest = base.partition("://")
    path, at, reference = rest.rpartition("@")
    if at and "/" in path:
        return Git(
            url=f"{scheme}{separator}{path}", reference_kind="rev", reference=reference, subdirectory=subdirectory
        )
    return Git(url=base, subdirectory=subdirectory)
