"""What platforms would lose by a lock, and which limit gives it back."""

from __future__ import annotations

from collections.abc import Iterable

from lockflow.lock.model import Lock
from lockflow.platforms.chains import Chains
from lockflow.platforms.coverage import cover
from lockflow.platforms.environment import environment
from lockflow.platforms.model import Finding, Platform
from lockflow.platforms.pythons import minor_of
from lockflow.platforms.selection import Graph, graph_of
from lockflow.refreshing.limits import Limit, Loss, Spot
from lockflow.refreshing.outlook import Outlook, findings_of
from lockflow.standards.versions import Version


class Losses:
    """Compares locks with the one before the refresh, `base`; `helpless` is what no limit can mend."""

    def __init__(self, outlook: Outlook, base: Lock | None) -> None:
        self.outlook = outlook
        self.base = base
        self.before = {} if base is None else outlook.coverage(base)
        self.helpless: set[tuple[str, Version | None]] = set()

    def of(self, lock: Lock) -> list[Loss]:
        """A loss for each package, platform and Python; those that no limit helps have none."""
        graph = graph_of(lock)
        limits: dict[tuple[str, Version | None], Limit | None] = {}
        found = []
        for finding, platform, python in self._bad(lock):
            key = finding.package, finding.version
            if key not in self.helpless:
                if key not in limits:
                    limits[key] = self._own_limit(finding, graph)
                found.append(self._loss(finding, platform, python, graph, limits[key]))
        return found

    def left(self, lock: Lock) -> list[str]:
        """What is bad now and was not before, after all that could be done."""
        refused = [
            f"{platform}, Python {minor}: {coverage.refusal}"
            for (platform, minor), coverage in self.outlook.coverage(lock).items()
            if coverage.refusal and not self.before[platform, minor].refusal
        ]
        bad = [
            f"{finding.package} {finding.version} on {platform.name}, Python {minor_of(python)}: {finding.reason}"
            for finding, platform, python in self._bad(lock)
        ]
        return [*refused, *bad]

    def _bad(self, lock: Lock) -> Iterable[tuple[Finding, Platform, str]]:
        """Bad findings on spots where the same package was not bad before."""
        graph = graph_of(lock)
        for platform in self.outlook.platforms:
            for python in self.outlook.pythons:
                before = self.before.get((platform.name, minor_of(python)))
                if before is not None and before.refusal:
                    continue
                was_bad = {entry.package for entry in findings_of(before) if not entry.is_good}
                for finding in cover(graph, platform, python, self.outlook.policy).findings:
                    if not finding.is_good and finding.package not in was_bad:
                        yield finding, platform, python

    def _loss(self, finding: Finding, platform: Platform, python: str, graph: Graph, limit: Limit | None) -> Loss:
        """What to hold back: the package itself, by its own limit, or who brought it in."""
        spot = platform.name, minor_of(python)
        if limit is not None:
            return Loss(finding=finding, spot=spot, limit=limit, held=finding.package, version=finding.version,
                         reason=finding.reason)  # fmt: skip
        for link in reversed(Chains(graph, environment(platform, python)).to(finding.package, finding.version)[:-1]):
            version = next((entry.version for entry in graph.lock.packages
                            if entry.name == link.name and str(entry.version) == link.version), None)  # fmt: skip
            floor = self._version_before(link.name, spot)
            if version is None or floor is None or floor >= version:
                continue
            upper = self._next_lower(link.name, floor, version)
            reason = f"it brings in {finding.package} {finding.version}: {finding.reason}"
            limit = Limit(name=link.name, upper=upper)
            return Loss(finding=finding, spot=spot, limit=limit, held=link.name, version=version, reason=reason)
        return Loss(finding=finding, spot=spot, limit=None, held=finding.package, version=finding.version,
                     reason=finding.reason)  # fmt: skip

    def _own_limit(self, finding: Finding, graph: Graph) -> Limit | None:
        """The newest version of the package that has what every platform needs; None where there is none."""
        name, version = finding.package, finding.version
        if version is None:
            return None
        floors = [entry.version for entry in ([] if self.base is None else self.base.packages)
                  if entry.name == name and entry.version is not None and entry.version < version]  # fmt: skip
        floor = min(floors, default=None)
        needed = self._needed(name, graph)
        below = [release for release in self.outlook.releases(name) if release.version < version]
        fitting = [
            release.version
            for release in below
            if (floor is None or release.version >= floor)
            and (version.is_prerelease or not release.version.is_prerelease)
            and all(self.outlook.holds(release, platform, python, name) for platform, python in needed)
        ]
        upper = max(fitting, default=floor)
        if upper is None:
            return None
        others = [release.version for release in below if floor is not None and floor < release.version < upper]
        kept = {*fitting, *(version for version in others if version.is_prerelease and not upper.is_prerelease)}
        return Limit(name=name, upper=upper, excluded=tuple(sorted(set(others) - kept)))

    def _needed(self, name: str, graph: Graph) -> list[tuple[Platform, str]]:
        """Where the package is wanted, and was not missing before."""
        needed = []
        for platform in self.outlook.platforms:
            for python in self.outlook.pythons:
                before = findings_of(self.before.get((platform.name, minor_of(python))))
                was_bad = any(entry.package == name and not entry.is_good for entry in before)
                applies = any(
                    entry.package == name for entry in cover(graph, platform, python, self.outlook.policy).findings
                )
                if applies and not was_bad:
                    needed.append((platform, python))
        return needed

    def _version_before(self, name: str, spot: Spot) -> Version | None:
        return next((entry.version for entry in findings_of(self.before.get(spot)) if entry.package == name), None)

    def _next_lower(self, name: str, floor: Version, version: Version) -> Version:
        between = [release.version for release in self.outlook.releases(name) if floor < release.version < version]
        return max((entry for entry in between if not entry.is_prerelease or version.is_prerelease), default=floor)
