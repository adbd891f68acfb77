"""A lock, a platform and a Python to the status of each package there: wheel, sdist, missing or python.

Source trees (the project's own members, other directories, git) have no files in a lock: what they hold is built
where it is installed, because the project says so. They are findings of status `sdist` that are allowed. A virtual
member is never installed and is no finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import product
from urllib.parse import unquote

from msgspec import Struct, field

from lockflow.index.model import Listing
from lockflow.lock.model import Package
from lockflow.platforms.environment import environment
from lockflow.platforms.model import Coverage, Finding, Platform, Status
from lockflow.platforms.pythons import minor_of
from lockflow.platforms.selection import Graph, refusal, selected
from lockflow.platforms.tags import TagRanks, platform_tags
from lockflow.standards.filenames import InvalidFilename, WheelName, parse_wheel_name
from lockflow.standards.requirements import Directory, Git
from lockflow.standards.specifiers import InvalidSpecifier, Specifiers
from lockflow.standards.tags import Tag
from lockflow.standards.versions import Version

_VERSIONED = re.compile(r"(manylinux|musllinux|macosx)(?:1|2010|2014|_[0-9]+_[0-9]+)_([a-z0-9_]+)", re.ASCII)

Tags = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]


class Policy(Struct, frozen=True):
    """What a check is told besides lock and platform.

    `allow_sdist` are the normalised names that may be built from source. `requires_python` maps (name, version) to
    the package's own Requires-Python, as far as it is known: a lock does not have it. From `listings`, the pages of
    their indexes by normalised name, advice takes the versions that would do, and from `elsewhere`, those of other
    indexes of the project, by the index's name. `places` are the platforms and Pythons (full versions) at which a
    package is needed, all of which one version is to serve.
    """

    allow_sdist: frozenset[str] = frozenset()
    requires_python: Mapping[tuple[str, Version], str] = field(default_factory=dict)
    listings: Mapping[str, Listing] = field(default_factory=dict)
    elsewhere: Mapping[str, tuple[tuple[str, Listing], ...]] = field(default_factory=dict)
    places: Mapping[str, tuple[tuple[Platform, str], ...]] = field(default_factory=dict)


class Match(Struct, frozen=True):
    """A wheel that fits, by its tag of the best `rank` (0 is the most specific)."""

    file: str
    tag: Tag
    rank: int


def cover(
    graph: Graph, platform: Platform, python: str, policy: Policy, among: frozenset[int] | None = None
) -> Coverage:
    """Judge each package that applies on `platform` with `python` (a full version, `3.12.16`).

    Findings follow the lock's order. Bad ones have a reason, but neither chain nor advice yet: see
    `advice.with_advice`. `among` limits the question to some packages, by their indices in the lock.
    """
    values = environment(platform, python)
    refused = refusal(graph.lock, values)
    findings: list[Finding] = []
    if not refused:
        for index in selected(graph, values, among):
            package = graph.lock.packages[index]
            if not (isinstance(package.source, Directory) and package.source.install == "virtual"):
                findings.append(_finding(package, platform, values["python_full_version"], policy))
    return Coverage(platform=platform.name, python=minor_of(python), findings=tuple(findings), refusal=refused)


def best_wheel(wheels: Iterable[tuple[str, WheelName]], platform: Platform, python: str) -> Match | None:
    """Choose the wheel that an installer would choose among (file name, parsed name).

    The most specific tag wins (PEP 425), then the highest build number (PEP 427), then the first. None means that
    no wheel fits, which is a finding about the project, not an error.
    """
    ranks = _ranked(platform, minor_of(python))
    best: Match | None = None
    best_key: tuple[int, tuple[int, str]] | None = None
    for file, name in wheels:
        found = ranks.best((name.python_tags, name.abi_tags, name.platform_tags))
        if found is None:
            continue
        rank, tag = found
        build = name.build or (-1, "")
        if best_key is None or rank < best_key[0] or (rank == best_key[0] and build > best_key[1]):
            best, best_key = Match(file=file, tag=tag, rank=rank), (rank, build)
    return best


def wheels_of(package: Package) -> list[tuple[str, WheelName]]:
    """List a package's wheels with their names taken apart; names that are none are left out, as nothing takes them."""
    named = (_named(file.filename or file.path or file.url or "", file.url is not None) for file in package.wheels)
    return [found for found in named if found is not None]


def why_none_fits(wheels: Sequence[WheelName], platform: Platform, python: str) -> str:
    """Say in words why no wheel of a package fits, as near to the cause as the tags tell."""
    if not wheels:
        return "no wheels"
    count = "1 wheel" if len(wheels) == 1 else f"{len(wheels)} wheels"
    here = fitting_platform(wheels, platform)
    if here:
        pythons = sorted({tag for name in here for tag in name.python_tags}, key=_natural)
        return f"{count}, none for CPython {minor_of(python)} there (only {_list(pythons)})"
    floor = floor_above(wheels, platform)
    if floor:
        return f"{count}, none for a system as old as {_system(platform)} (the oldest needs {floor})"
    families = sorted({_family(tag) for name in wheels for tag in name.platform_tags})
    return f"{count}, none for {_system(platform)} (only {_list(families)})"


def fitting_platform(wheels: Iterable[WheelName], platform: Platform) -> list[WheelName]:
    """List the wheels whose platform tags fit, whatever Python they are for."""
    accepted = {"any", *platform_tags(platform)}
    return [name for name in wheels if not accepted.isdisjoint(name.platform_tags)]


def floor_above(wheels: Iterable[WheelName], platform: Platform) -> str:
    """Return the lowest system version that some wheel needs, where it is above the platform's; else empty."""
    if platform.libc is not None:
        kind, shown = ("manylinux", "glibc") if platform.libc.name == "glibc" else ("musllinux", "musl")
        pattern, here = rf"{kind}_([0-9]+)_([0-9]+)_{platform.machine}", (platform.libc.major, platform.libc.minor)
    elif platform.macos is not None:
        machine = rf"(?:{platform.machine}|universal2)"
        pattern, shown = rf"macosx_([0-9]+)_([0-9]+)_{machine}", "macOS"
        here = (platform.macos.major, platform.macos.minor)
    else:
        return ""
    matches = (re.fullmatch(pattern, tag, re.ASCII) for name in wheels for tag in name.platform_tags)
    floors = [(int(match[1]), int(match[2])) for match in matches if match is not None]
    if not floors or min(floors) <= here:
        return ""
    lowest = min(floors)
    return f"{shown} {lowest[0]}.{lowest[1]}"


def _finding(package: Package, platform: Platform, python: str, policy: Policy) -> Finding:
    wheels = wheels_of(package)
    match = best_wheel(wheels, platform, python)
    status, reason = Status.WHEEL, ""
    is_tree = isinstance(package.source, Directory) or (isinstance(package.source, Git) and not package.wheels)
    if match is None:
        why = "a source tree" if is_tree else why_none_fits([name for _, name in wheels], platform, python)
        if is_tree or package.sdist is not None:
            status, reason = Status.SDIST, why if is_tree else f"{why}; only a source distribution"
        else:
            status, reason = Status.MISSING, f"{why}; no source distribution"
    is_allowed = status is Status.SDIST and (is_tree or package.name in policy.allow_sdist)
    if status is not Status.MISSING and package.version is not None:
        text = policy.requires_python.get((package.name, package.version))
        if text is not None and not admits_python(text, python):
            status, is_allowed = Status.PYTHON, False
            reason = f"it requires Python {text.strip()}, which excludes {python}"
    return Finding(
        package=package.name,
        version=package.version,
        status=status,
        file="" if match is None else match.file,
        tag="" if match is None else str(match.tag),
        is_allowed=is_allowed,
        reason="" if status is Status.WHEEL else reason,
    )


def admits_python(requires_python: str, python: str) -> bool:
    """Whether a Requires-Python admits a full version; one that cannot be read admits all."""
    try:
        return Specifiers.parse(requires_python).range.contains(Version.parse(python))
    except InvalidSpecifier:
        # Published metadata has such texts; installers ignore what they cannot read.
        return True


class _Ranks:
    """The tags of one platform and Python, with the best match of every tag set seen.

    A lock has thousands of wheels and some dozens of tag sets.
    """

    def __init__(self, ranks: TagRanks) -> None:
        self._ranks = ranks
        self._seen: dict[Tags, tuple[int, Tag] | None] = {}

    def best(self, tags: Tags) -> tuple[int, Tag] | None:
        if tags not in self._seen:
            pythons, abis, platforms = tags
            # Most wheels of a release are for another Python: that is told before their many platforms are looked at.
            pairs = [pair for pair in product(pythons, abis) if self._ranks.has(*pair)]
            ranked = ((self._ranks.of(tag), tag) for pair in pairs for tag in (Tag(*pair, name) for name in platforms))
            self._seen[tags] = min(((rank, tag) for rank, tag in ranked if rank is not None), default=None)
        return self._seen[tags]


@lru_cache(maxsize=256)
def _ranked(platform: Platform, minor: str) -> _Ranks:
    return _Ranks(TagRanks(platform, minor))


@lru_cache(maxsize=1 << 14)
def _named(place: str, is_url: bool) -> tuple[str, WheelName] | None:  # noqa: FBT001  one key of a cache
    """The file name at the end of a path or URL, and what it says; asked again for each platform and Python."""
    text = place.partition("#")[0].partition("?")[0] if is_url else place
    text = text.rpartition("/")[2]
    name = unquote(text) if "%" in text else text
    try:
        return name, parse_wheel_name(name)
    except InvalidFilename:
        return None


def _system(platform: Platform) -> str:
    if platform.libc is not None:
        libc = platform.libc
        return f"{platform.machine} with {libc.name} {libc.major}.{libc.minor}"
    if platform.macos is not None:
        return f"{platform.machine} with macOS {platform.macos.major}.{platform.macos.minor}"
    return f"Windows on {platform.machine}"


def _family(tag: str) -> str:
    """Shorten a platform tag to what it is for: `manylinux_2_28_x86_64` to `manylinux x86_64`."""
    match = _VERSIONED.fullmatch(tag)
    return tag if match is None else f"{match[1]} {match[2]}"


def _natural(text: str) -> list[tuple[int, str]]:
    """Sort cp39 before cp310."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", text) if part]


def _list(words: Sequence[str], limit: int = 6) -> str:
    rest = len(words) - limit
    return ", ".join(words) if rest <= 0 else f"{', '.join(words[:limit])} and {rest} more"
