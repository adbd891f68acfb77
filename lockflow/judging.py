"""Who judges by tags, and asks index pages for advice only where something is bad.

A version that is advised is to serve all platforms of the project, so the places at which a package is needed are known
here, whichever of them is judged.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from lockflow.index.client import IndexClient
from lockflow.index.model import Listing
from lockflow.inputs.model import Index, Settings
from lockflow.platforms.checks import check_by_tags
from lockflow.platforms.coverage import Policy
from lockflow.platforms.environment import environment
from lockflow.platforms.floors import floor_of
from lockflow.platforms.model import Check, Coverage, Platform
from lockflow.platforms.run import Outcome
from lockflow.platforms.selection import Graph, selected
from lockflow.resolve.drive import fetch_listings
from lockflow.standards.requirements import Registry
from lockflow.standards.versions import Version

Places = Mapping[str, tuple[tuple[Platform, str], ...]]
"""Platforms and Pythons (full versions) at which a package is needed, by its name."""


def places_of(graph: Graph, platforms: Iterable[Platform], pythons: Sequence[str]) -> Places:
    """Find out where each package is needed; a platform that is named twice counts once."""
    found: dict[str, list[tuple[Platform, str]]] = {}
    for platform in {platform.name: platform for platform in platforms}.values():
        for python in pythons:
            names = {graph.lock.packages[index].name for index in selected(graph, environment(platform, python))}
            for name in names:
                found.setdefault(name, []).append((platform, python))
    return {name: tuple(places) for name, places in found.items()}


class Judge:
    """Judges one platform by tags; index pages are asked for only where something is missing there."""

    def __init__(
        self,
        graph: Graph,
        pythons: Sequence[str],
        settings: Settings,
        connect: Callable[[], IndexClient],
        before: Graph | None,
        stated: Mapping[tuple[str, Version], str],
        everywhere: Callable[[], Sequence[Platform]],
    ) -> None:
        """`everywhere` are all platforms that one version is to serve, asked for only where something is bad."""
        self._graph = graph
        self._pythons = pythons
        self._settings = settings
        self._connect = connect
        self._before = before
        self._stated = stated
        self._everywhere = everywhere
        self._pages: dict[str, list[tuple[Index, Listing]]] = {}
        self._lock = threading.Lock()

    def __call__(self, platform: Platform) -> Check:
        floor = floor_of(self._graph, platform, self._pythons, self._before)
        return replace(self._check(platform), floor=floor)

    def with_floor(self, outcome: Outcome, platform: Platform) -> Outcome:
        """The outcome of a check that was made elsewhere, with the floor of its platform."""
        if not isinstance(outcome, Check):
            return outcome
        return replace(outcome, floor=floor_of(self._graph, _as_seen(platform, outcome), self._pythons, self._before))

    @property
    def policy(self) -> Policy:
        """What is known without asking an index."""
        return Policy(allow_sdist=self._settings.allow_sdist, requires_python=self._stated)

    def informed(self, coverages: Iterable[Coverage]) -> Policy:
        """The policy with the index pages of what is bad in these; safe to ask from several threads."""
        bad = {entry.package for found in coverages for entry in found.findings if not entry.is_good}
        self._ask(bad)
        listings: dict[str, Listing] = {}
        elsewhere: dict[str, tuple[tuple[str, Listing], ...]] = {}
        for name in bad:
            own, others = self._apart(name, self._pages[name])
            if own is not None:
                listings[name] = own
            elsewhere[name] = others
        places = places_of(self._graph, self._everywhere(), self._pythons) if bad else {}
        return replace(self.policy, listings=listings, elsewhere=elsewhere, places=places)

    def _check(self, platform: Platform) -> Check:
        return check_by_tags(self._graph, platform, self._pythons, self.policy, self.informed)

    def _ask(self, names: set[str]) -> None:
        """Get the pages of these projects from every index; advice can do without those that cannot be had."""
        with self._lock:
            missing = sorted(names - self._pages.keys())
            if not missing:
                return
            self._pages.update((name, []) for name in missing)
            for index in self._settings.indexes:
                if not index.is_flat:
                    for name, listing in fetch_listings(self._connect, missing, [index]).items():
                        self._pages[name].append((index, listing))

    def _apart(
        self, name: str, pages: Sequence[tuple[Index, Listing]]
    ) -> tuple[Listing | None, tuple[tuple[str, Listing], ...]]:
        """The page of the index that the lock has the package from, else the first; those of other named ones."""
        sources = (package.source for package in self._graph.lock.packages if package.name == name)
        urls = {source.index for source in sources if isinstance(source, Registry)}
        own = next((entry for entry in pages if entry[0].url in urls), pages[0] if pages else None)
        if own is None:
            return None, ()
        others = tuple((index.name, listing) for index, listing in pages if index.name and index is not own[0])
        return own[1], others


def _as_seen(platform: Platform, check: Check) -> Platform:
    """The platform with the libc that its image was found to have, where one was looked into."""
    seen = next((coverage.evidence.libc for coverage in check.coverages if coverage.evidence.libc), "")
    name, _, version = seen.partition(" ")
    major, _, minor = version.partition(".")
    if platform.libc is None or name != platform.libc.name or not (major.isdecimal() and minor.isdecimal()):
        return platform
    return replace(platform, libc=replace(platform.libc, major=int(major), minor=int(minor)))
