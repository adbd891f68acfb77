"""Links of a page to the releases of a project: versions ascending, in each the sdists before the wheels (PEP 440).

Large pages have ten thousand links, so that everything here counts: what a page answers as a whole is not asked of each
link, and what is written alike is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import cast

from lockflow.index.anchors import Link, decode_files, encode_links
from lockflow.index.metadata import mended_specifiers
from lockflow.index.model import Release
from lockflow.index.times import timestamp_ns
from lockflow.standards.filenames import parse_sdist_name, parse_wheel_name
from lockflow.standards.names import is_valid_name, normalize_name
from lockflow.standards.versions import InvalidVersion, Key, Version


def releases_of(links: list[Link], project: str) -> tuple[Release, ...]:
    """Links grouped by version; sdists and wheels each stand in the order of their file names."""
    unreadable = {text for text in {link.requires_python for link in links} if mended_specifiers(text or "") is None}
    if unreadable:
        links = [link for link in links if link.requires_python not in unreadable]
    earliest_ns = _first_as_text_ns if _are_alike([link.upload_time for link in links]) else _earliest_ns
    return tuple([_release(group, project, earliest_ns) for group in _groups(links, project)])


class _Group:
    """The links of one version while they are collected. `version` may be spelled in several ways (1.0, 1.0.0)."""

    __slots__ = ("is_mixed", "sdists", "version", "wheels")

    def __init__(self, version: Version) -> None:
        self.version = version
        self.sdists: list[Link] = []
        self.wheels: list[Link] = []
        self.is_mixed = False


def _groups(links: list[Link], project: str) -> list[_Group]:
    groups: dict[Key, _Group] = {}
    by_stem: dict[str, _Group | None] = {}
    """What stands before the second dash of wheels, and all of the stem of most sdists: read once for all of them."""
    prefix = "/"
    """The stem of the link before with its dash: the wheels of a version stand together on a page."""
    group: _Group | None = None
    for link in links:
        filename = link.filename
        if filename.endswith(".whl"):
            dashes = filename.count("-")
            if dashes != 4 and (dashes != 5 or not filename.split("-", 3)[2][:1].isdigit()):
                continue
            if not filename.startswith(prefix):
                stem = filename[: filename.find("-", filename.find("-") + 1)]
                prefix = f"{stem}-"
                try:
                    group = by_stem[stem]
                except KeyError:
                    group = by_stem[stem] = _group(_wheel_version(stem), groups)
            if group is not None:
                group.wheels.append(link)
        else:
            of_sdist = _group_of_sdist(filename, project, by_stem, groups)
            if of_sdist is not None:
                of_sdist.sdists.append(link)
    return [groups[key] for key in sorted(groups)]


def _wheel_version(stem: str) -> Version | None:
    name, _, version = stem.partition("-")
    try:
        return Version.parse(version) if is_valid_name(name) else None
    except InvalidVersion:
        return None


def _group_of_sdist(
    filename: str, project: str, by_stem: Mapping[str, _Group | None], groups: dict[Key, _Group]
) -> _Group | None:
    stem = filename.removesuffix(".tar.gz")
    if stem in by_stem and normalize_name(stem.partition("-")[0]) == project:
        return by_stem[stem]
    sdist = parse_sdist_name(filename, project)
    return None if sdist is None else _group(sdist.version, groups)


def _group(version: Version | None, groups: dict[Key, _Group]) -> _Group | None:
    if version is None:
        return None
    group = groups.get(version.key)
    if group is None:
        group = groups[version.key] = _Group(version)
    elif group.version.text != version.text:
        group.is_mixed = True
    return group


_filename = attrgetter("filename")


def _release(group: _Group, project: str, earliest_ns: Callable[[list[Link]], int]) -> Release:
    if len(group.sdists) > 1:
        group.sdists.sort(key=_filename)
    if len(group.wheels) > 1:
        group.wheels.sort(key=_filename)
    links = group.sdists + group.wheels
    version = _first_spelling(links, project) if group.is_mixed else group.version
    return Release(version, earliest_ns(links), raw=encode_links(links), decode=decode_files)


def _first_spelling(links: list[Link], project: str) -> Version:
    """Of spellings that are equal, the one of the first file by name."""
    filename = min(link.filename for link in links)
    if filename.endswith(".whl"):
        return parse_wheel_name(filename).version
    sdist = parse_sdist_name(filename, project)
    assert sdist is not None, "only readable names were collected"
    return sdist.version


def _are_alike(times: list[str | None]) -> bool:
    """Whether times are all there, of one length and in UTC, so that they sort as text; on most pages they are so."""
    if None in times:
        return False
    texts = cast("list[str]", times)
    lengths = set(map(len, texts))
    length = lengths.pop() if len(lengths) == 1 else 0
    return length > 0 and "".join(texts)[length - 1 :: length].count("Z") == len(texts)


def _first_as_text_ns(links: list[Link]) -> int:
    return timestamp_ns(min([link.upload_time or "" for link in links])) or 0


def _earliest_ns(links: list[Link]) -> int:
    times = [None if link.upload_time is None else timestamp_ns(link.upload_time) for link in links]
    return min([time or 0 for time in times], default=0)
