"""What a refresh looks at: platforms and Pythons on the one side, what the indexes list on the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockflow.index.model import Listing, Release
from lockflow.lock.model import Lock, Package
from lockflow.platforms.coverage import Policy, best_wheel, cover
from lockflow.platforms.model import Coverage, Finding, Platform
from lockflow.platforms.pythons import minor_of, pythons_to_check
from lockflow.platforms.read import read_platforms
from lockflow.platforms.selection import graph_of
from lockflow.refreshing.limits import Spot
from lockflow.standards.filenames import InvalidFilename, WheelName, parse_wheel_name
from lockflow.standards.requirements import Registry
from lockflow.standards.specifiers import InvalidSpecifier, Specifiers
from lockflow.standards.versions import Version
from lockflow.steps import Walk


class Outlook:
    """The platforms of a project with their Pythons and policy, and listings, each asked for once."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.manifest = walk.read.manifest
        settings = self.manifest.settings
        self.policy = Policy(allow_sdist=settings.allow_sdist)
        self.pythons = pythons_to_check(self.manifest.requires_python, settings.python_versions)
        self.platforms = tuple(entry.platform for entry in read_platforms(settings.platforms, walk.read.root))
        self.listings: dict[str, Listing | None] = {}

    def look(self, names: Iterable[str], *, afresh: bool = False) -> None:
        """Ask the indexes for what is not known yet; `afresh` past the cache."""
        missing = [name for name in dict.fromkeys(names) if name not in self.listings]
        if missing:
            found = self.walk.listings(missing, afresh=afresh)
            self.listings.update({name: found.get(name) for name in missing})

    def releases(self, name: str) -> tuple[Release, ...]:
        self.look([name])
        listing = self.listings[name]
        return () if listing is None else listing.releases

    def coverage(self, lock: Lock, platforms: Sequence[Platform] | None = None) -> dict[Spot, Coverage]:
        """The coverage of every platform and Python."""
        graph = graph_of(lock)
        return {
            (platform.name, minor_of(python)): cover(graph, platform, python, self.policy)
            for platform in (self.platforms if platforms is None else platforms)
            for python in self.pythons
        }

    def yanked(self, lock: Lock) -> dict[tuple[str, Version], str]:
        """The locked releases all of whose files are yanked, with the reason."""
        yanked = {}
        for package in lock.packages:
            listing = self.listings.get(package.name)
            if listing is None or package.version is None or package.source != Registry(index=listing.index):
                continue
            release = next((entry for entry in listing.releases if entry.version == package.version), None)
            files = () if release is None else release.files
            if files and all(file.yanked is not False for file in files):
                reason = next((file.yanked for file in files if isinstance(file.yanked, str) and file.yanked), "")
                yanked[package.name, package.version] = reason or "no reason given"
        return yanked

    def links(self, packages: Iterable[Package]) -> dict[tuple[str, Version], tuple[tuple[str, str], ...]]:
        """What releases of an index say where to read on: pairs of kind and URL."""
        wanted = []
        for package in packages:
            listing = self.listings.get(package.name)
            releases = () if listing is None or not isinstance(package.source, Registry) else listing.releases
            found = next((release for release in releases if release.version == package.version), None)
            if listing is not None and found is not None:
                wanted.append((listing, found))
        return {(found.name, found.version): found.links for found in self.walk.metadata(wanted)} if wanted else {}

    def holds(self, release: Release, platform: Platform, python: str, name: str) -> bool:
        """Whether an installer finds a wheel of the release there, or a source distribution that it may build."""
        wheels: list[tuple[str, WheelName]] = []
        for file in release.files:
            if file.yanked is not False or not _admits(file.requires_python, python):
                continue
            if not file.is_wheel:
                if name in self.policy.allow_sdist:
                    return True
                continue
            try:
                wheels.append((file.filename, parse_wheel_name(file.filename)))
            except InvalidFilename:
                continue
        return best_wheel(wheels, platform, python) is not None


def findings_of(coverage: Coverage | None) -> tuple[Finding, ...]:
    return () if coverage is None else coverage.findings


def names_on_an_index(lock: Lock) -> list[str]:
    return list(dict.fromkeys(package.name for package in lock.packages if isinstance(package.source, Registry)))


def _admits(requires_python: str | None, python: str) -> bool:
    try:
        return requires_python is None or Specifiers.parse(requires_python).range.contains(Version.parse(python))
    except InvalidSpecifier:
        return True


def uploaded(package: Package) -> str:
    """When the first file of a locked release was uploaded, as the lock says it; empty where it does not."""
    files = (*package.wheels, *(() if package.sdist is None else (package.sdist,)))
    return min((file.upload_time for file in files if file.upload_time), default="")


def plain(versions: Iterable[str]) -> tuple[str, ...]:
    return tuple(text.removeprefix("v") for text in versions)
