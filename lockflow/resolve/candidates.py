"""From listings to the version to try next: which versions exist, which of their files may be used, in what order.

No file is judged by the platform of this machine: a universal resolution asks only whether some Python of the
project could use it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal

from msgspec import Struct

from lockflow.index.model import File, Listing, Release
from lockflow.inputs.model import Cutoff, Prerelease
from lockflow.standards.filenames import InvalidFilename, parse_wheel_name
from lockflow.standards.markers.tree import FALSE, TRUE, Marker
from lockflow.standards.python_range import PythonRange
from lockflow.standards.reach import is_reachable_by_python
from lockflow.standards.tags import implied_marker
from lockflow.standards.versions import Key, Version, VersionRange

Trouble = Literal["no-binary", "no-build", "cutoff", "yanked", "python-tag", "extension", "none"]


class Unusable(Struct, frozen=True):
    """A version that exists but has no file that may be used; `detail` says more (the reason of a yank)."""

    version: Version
    trouble: Trouble
    detail: str = ""


class Candidate(Struct, frozen=True):
    """A version with the file to install (`file`) and the one to read metadata from.

    `wheels` are the usable ones, empty where a source distribution is usable: then no platform is left out.
    """

    version: Version
    index: str
    release: Release
    file: File
    metadata_file: File
    wheels: tuple[File, ...]

    def implied(self) -> Marker:
        """Where it can be installed, as far as markers can say it; TRUE with a usable source distribution."""
        if not self.wheels:
            return TRUE
        marker = FALSE
        for file in self.wheels:
            marker = marker | implied_marker(parse_wheel_name(file.filename))
        return marker


class FileRules(Struct, frozen=True):
    """What the settings say of the files of one project on one index."""

    python: PythonRange
    no_build: bool
    no_binary: bool
    cutoff: Cutoff | None
    yanked_allowed: frozenset[Version]


class VersionList:
    """The versions of one project on one index (pooled with find-links), as far as the cut-off shows them.

    `hidden` are those that it does not; `keys` are those of `versions`.
    """

    __slots__ = ("_judged", "_pooled", "_rules", "_single", "_stable", "hidden", "index", "keys", "versions")

    def __init__(self, listings: Sequence[Listing], rules: FileRules) -> None:
        self.index = listings[0].index
        self._rules = rules
        self.hidden: list[Version] = []
        shown = [self._shown(listing) for listing in listings]
        self._single: tuple[Listing, Sequence[Release]] | None = None
        self._pooled: list[list[tuple[Listing, Release]]] = []
        if len(listings) == 1:
            # Its releases ascend already. Most projects are of this kind.
            self._single = (listings[0], shown[0])
            self.versions = [release.version for release in shown[0]]
        else:
            self._pooled = _by_version(listings, shown)
            self.versions = [found[0][1].version for found in self._pooled]
        self.keys = [version.key for version in self.versions]
        self._stable: tuple[list[Version], list[Key]] | None = None
        self._judged: dict[Key, Candidate | Unusable] = {}

    def __contains__(self, version: Version) -> bool:
        place = bisect_left(self.keys, version.key)
        return place < len(self.keys) and self.keys[place] == version.key

    def has_locals(self, version: Version) -> bool:
        """Whether there are local variants of a public version."""
        place = bisect_right(self.keys, version.key)
        return place < len(self.keys) and self.keys[place][:6] == version.key[:6]

    def _shown(self, listing: Listing) -> Sequence[Release]:
        if self._rules.cutoff is None or listing.is_flat:
            return listing.releases
        shown = []
        for release in listing.releases:
            if _is_visible(release, self._rules.cutoff):
                shown.append(release)
            else:
                self.hidden.append(release.version)
        return shown

    def within(self, allowed: VersionRange, *, descending: bool, is_stable: bool = False) -> Iterator[Version]:
        """The versions of a set in the direction asked for, on request without pre-releases."""
        versions, keys = self._stable_ones() if is_stable else (self.versions, self.keys)
        bounds = allowed.bounds
        starts = range(0, len(bounds), 2)
        for i in reversed(starts) if descending else starts:
            first, last = bisect_left(keys, bounds[i]), bisect_left(keys, bounds[i + 1])
            places = range(first, last)
            for place in reversed(places) if descending else places:
                yield versions[place]

    def _stable_ones(self) -> tuple[list[Version], list[Key]]:
        # Kept, since some projects have a hundred pre-releases for each release and are searched hundreds of times.
        if self._stable is None:
            versions = [version for version in self.versions if not version.is_prerelease]
            self._stable = (versions, [version.key for version in versions])
        return self._stable

    def judge(self, version: Version) -> Candidate | Unusable:
        """Which file of a listed version to use. Files of all pooled listings compete."""
        judged = self._judged.get(version.key)
        if judged is None:
            place = bisect_left(self.keys, version.key)
            if self._single is None:
                releases = self._pooled[place]
            else:
                listing, shown = self._single
                releases = [(listing, shown[place])]
            judged = self._judged[version.key] = _judge(releases[0][1].version, releases, self._rules)
        return judged


def _key_of(entry: tuple[Listing, Release]) -> Key:
    return entry[1].version.key


def _by_version(listings: Sequence[Listing], shown: Sequence[Sequence[Release]]) -> list[list[tuple[Listing, Release]]]:
    """The releases of several listings by version, those of one in the order of the listings."""
    pairs = [(listing, release) for listing, own in zip(listings, shown, strict=True) for release in own]
    return [list(group) for _, group in groupby(sorted(pairs, key=_key_of), _key_of)]


def search(
    lists: Sequence[VersionList],
    allowed: VersionRange,
    *,
    prerelease: Prerelease,
    descending: bool,
    best_match: bool = False,
) -> Candidate | Unusable | None:
    """The first version of `allowed` in the direction, stable ones before pre-releases unless all are allowed.

    The lists are searched one after the other; `best_match` merges them by version instead. An unusable version
    is returned too, so that the caller can rule it out explicitly; one hidden by the cut-off alone is passed over.
    """
    if best_match:
        return _search_merged(lists, allowed, prerelease, descending=descending)
    for versions in lists:
        found = _search_one(versions, allowed, prerelease, descending=descending)
        if found is not None:
            return found
    return None


def _search_one(
    versions: VersionList, allowed: VersionRange, prerelease: Prerelease, *, descending: bool
) -> Candidate | Unusable | None:
    is_free = prerelease is Prerelease.ALLOW
    found = _first_shown(versions, versions.within(allowed, descending=descending, is_stable=not is_free))
    if found is None and prerelease is Prerelease.IF_NECESSARY:
        found = _first_shown(versions, versions.within(allowed, descending=descending))
    return found


def _first_shown(versions: VersionList, order: Iterator[Version]) -> Candidate | Unusable | None:
    for version in order:
        judged = versions.judge(version)
        if not isinstance(judged, Unusable) or judged.trouble != "cutoff":
            return judged
    return None


def _search_merged(
    lists: Sequence[VersionList], allowed: VersionRange, prerelease: Prerelease, *, descending: bool
) -> Candidate | Unusable | None:
    entries = [(version, versions) for versions in lists for version in versions.within(allowed, descending=descending)]
    # A stable sort in either direction leaves the earlier index first among equal versions.
    entries.sort(key=lambda entry: entry[0].key, reverse=descending)
    passes = [False, True] if prerelease is Prerelease.IF_NECESSARY else [prerelease is Prerelease.ALLOW]
    for admits_early in passes:
        unusable: Unusable | None = None
        for version, versions in entries:
            if unusable is not None and unusable.version != version:
                break
            if version.is_prerelease and not admits_early:
                continue
            judged = versions.judge(version)
            if isinstance(judged, Candidate):
                return judged
            if judged.trouble != "cutoff" and unusable is None:
                unusable = judged
        if unusable is not None:
            return unusable
    return None


def _is_visible(release: Release, cutoff: Cutoff | None) -> bool:
    if cutoff is None or 0 < release.earliest_upload_ns < cutoff.timestamp_ns:
        return True
    if release.earliest_upload_ns >= cutoff.timestamp_ns:
        return False
    return any(not _is_hidden(file, cutoff) for file in release.files)


def _is_hidden(file: File, cutoff: Cutoff | None) -> bool:
    return cutoff is not None and (file.upload_time_ns is None or file.upload_time_ns >= cutoff.timestamp_ns)


def _judge(version: Version, releases: list[tuple[Listing, Release]], rules: FileRules) -> Candidate | Unusable:
    """The best wheel (greatest build number, PEP 427, else first by file name), else the first usable sdist."""
    is_yank_allowed = version in rules.yanked_allowed
    wheel: tuple[str, Release, File] | None = None
    wheel_build: tuple[int, str] | None = None
    usable_wheels: list[File] = []
    bad_wheel: tuple[Trouble, File] | None = None
    sdist: tuple[str, Release, File] | None = None
    bad_sdist: tuple[Trouble, File] | None = None
    for listing, release in releases:
        cutoff = None if listing.is_flat else rules.cutoff
        for file in release.files:
            trouble = _trouble(file, rules, cutoff, is_yank_allowed=is_yank_allowed)
            if not file.is_wheel:
                if trouble is None:
                    sdist = sdist or (listing.index, release, file)
                elif bad_sdist is None or _RANK[trouble] > _RANK[bad_sdist[0]]:
                    bad_sdist = (trouble, file)
                continue
            try:
                name = parse_wheel_name(file.filename)
            except InvalidFilename:
                continue
            if trouble is None and not is_reachable_by_python(name, rules.python):
                trouble = "python-tag"
            if trouble is not None:
                if bad_wheel is None or _RANK[trouble] > _RANK[bad_wheel[0]]:
                    bad_wheel = (trouble, file)
                continue
            usable_wheels.append(file)
            if wheel is None or (name.build is not None and (wheel_build is None or name.build > wheel_build)):
                wheel, wheel_build = (listing.index, release, file), name.build
    chosen = wheel or sdist
    if chosen is None:
        bad = bad_sdist or bad_wheel
        if bad is None:
            return Unusable(version, "none")
        return Unusable(version, bad[0], bad[1].yanked if isinstance(bad[1].yanked, str) else "")
    index, release, file = chosen
    # A wheel that must not be installed can still be read, which is cheaper than unpacking the sdist.
    read = bad_wheel[1] if wheel is None and bad_wheel is not None and bad_wheel[0] != "cutoff" else file
    wheels = () if sdist is not None else tuple(usable_wheels)
    return Candidate(version=version, index=index, release=release, file=file, metadata_file=read, wheels=wheels)


def usable_files(release: Release, rules: FileRules) -> list[File]:
    """The files of a release that may be used, those of its wheels included that some other Python needs."""
    is_yank_allowed = release.version in rules.yanked_allowed
    return [
        file for file in release.files if _trouble(file, rules, rules.cutoff, is_yank_allowed=is_yank_allowed) is None
    ]


_RANK: dict[Trouble, int] = {
    "none": 0,
    "cutoff": 1,
    "python-tag": 2,
    "extension": 3,
    "yanked": 4,
    "no-binary": 5,
    "no-build": 6,
}
"""Of several troubles the greatest is nearest to being usable, and so the most useful to report."""


def _trouble(file: File, rules: FileRules, cutoff: Cutoff | None, *, is_yank_allowed: bool) -> Trouble | None:
    if file.is_wheel:
        if rules.no_binary:
            return "no-binary"
    elif rules.no_build:
        return "no-build"
    if _is_hidden(file, cutoff):
        return "cutoff"
    if file.yanked is not False and not is_yank_allowed:
        return "yanked"
    if not file.is_wheel and not file.filename.endswith((".tar.gz", ".zip")):
        return "extension"
    return None
