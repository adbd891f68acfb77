"""The walk repeated: newer versions for a lock, with packages held back that would lose a platform.

Every round walks from the front door: a resolution under limits, a look at every platform, and where a package lost
one, a tighter limit on it. Limits never exclude the version that the lock has now, so the rounds end. They bound a
run and are not recorded, which is why `lock --check` accepts the outcome anywhere.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from msgspec import Struct

from lockflow.engines.model import Outcome
from lockflow.engines.process import run_here
from lockflow.errors import AnswerIsNo, EngineError, InputError
from lockflow.index.model import Listing, Release
from lockflow.inputs.durations import Clock, InvalidCutoff, parse_cutoff
from lockflow.inputs.model import Manifest
from lockflow.lock.as_preferences import preferences_from_lock
from lockflow.lock.diff import changes, other_differences
from lockflow.lock.encode import encode
from lockflow.lock.files import write_lock_text
from lockflow.lock.model import Change, Lock, Package
from lockflow.platforms.advice import chain_to
from lockflow.platforms.coverage import Policy, best_wheel, cover
from lockflow.platforms.environment import environment
from lockflow.platforms.floors import floor_of
from lockflow.platforms.model import Coverage, Finding, Platform, Status
from lockflow.platforms.pythons import minor_of, pythons_to_check
from lockflow.platforms.read import known_platforms, read_platforms
from lockflow.platforms.selection import Graph, graph_of
from lockflow.report.refreshed import (
    Failing,
    HeldBack,
    PackageChange,
    Refreshed,
    Released,
    RisenFloor,
    Shift,
    Waiting,
    Yanked,
    refreshed_as_json,
)
from lockflow.report.refreshed_as_markdown import refreshed_as_markdown
from lockflow.report.write import write_refreshed
from lockflow.resolve.drive import Progress
from lockflow.resolve.preferences import Preferences
from lockflow.standards.filenames import InvalidFilename, WheelName, parse_wheel_name
from lockflow.standards.names import normalize_name
from lockflow.standards.requirements import Registry, Requirement, parse_requirement
from lockflow.standards.versions import InvalidSpecifier, Specifiers, Version
from lockflow.steps import Network, Target, Walk, digest

__all__ = ["Ask", "Ceiling", "Outcome", "RefreshResult", "Refreshed", "refresh", "refreshed_as_json",
           "refreshed_as_markdown"]  # fmt: skip

Ceiling = Literal["patch", "minor", "major"]
_MOST_ROUNDS = 60
_MORE_TRIES = 20
_NANOSECONDS_PER_DAY = 86_400_000_000_000
_USUAL = Network()

Spot = tuple[str, str]
"""A platform and a Python minor."""


class Ask(Struct, frozen=True, kw_only=True):
    """What a refresh is to do: everything, or `packages` alone; at most so many updates; within a ceiling.

    `cool_down` has to agree with the project's own cut-off. `branch` is made for the commit.
    """

    packages: tuple[str, ...] = ()
    at_most: int | None = None
    only: Ceiling = "major"
    cool_down: str = ""
    is_dry_run: bool = False
    report_folder: Path | None = None
    commits: bool = False
    branch: str = ""


class RefreshResult(Struct, frozen=True, kw_only=True):
    """The outcome; `reports` are the files that tell it, `commit` the commit that holds it."""

    refreshed: Refreshed
    lock_path: Path
    warnings: tuple[str, ...] = ()
    reports: tuple[Path, ...] = ()
    commit: str = ""

    @property
    def is_changed(self) -> bool:
        return self.refreshed.kind != "none"


def refresh(target: Target, ask: Ask, *, network: Network = _USUAL, progress: Progress | None = None) -> RefreshResult:
    """Bring the packages of a lock to newer versions that hold on every platform; write the lock, tell what changed.

    Raises AnswerIsNo where nothing that holds can be had; then the lock is as it was.
    """
    walk = Walk(target, network)
    now_ns = time.time_ns()
    cool_down = _cool_down(walk.read.manifest, ask.cool_down, now_ns)
    repository = _Repository(walk.read.root, target, ask.branch) if ask.commits and not ask.is_dry_run else None
    with nullcontext() if ask.is_dry_run else walk.alone():
        old = walk.old_lock()
        rounds = _Rounds(walk, old, ask, progress)
        new = rounds.refreshed()
        held = rounds.told(new)
        is_changed = new != old
        told = _told(rounds, old, new, held, cool_down, now_ns)
        if ask.is_dry_run:
            return RefreshResult(refreshed=told, lock_path=walk.read.lock_path, warnings=walk.read.warnings)
        if repository is not None and is_changed:
            repository.prepare()
        if is_changed:
            write_lock_text(walk.read.lock_path, encode(new))
    reports = write_refreshed(ask.report_folder or walk.read.root / "reports", told)
    commit = ""
    if repository is not None and is_changed:
        commit = repository.commit(walk.read.lock_path, _message(told))
    return RefreshResult(
        refreshed=told, lock_path=walk.read.lock_path, warnings=walk.read.warnings, reports=reports, commit=commit
    )


def _cool_down(manifest: Manifest, asked: str, now_ns: int) -> str:
    """The span of the project's cut-off. A cut-off from elsewhere would give a lock that others find outdated."""
    cutoff = manifest.settings.cutoff
    found = "" if cutoff is None else cutoff.span or ""
    if not asked:
        return found
    try:
        wanted = parse_cutoff(asked, Clock(now_ns, lambda _: 0)).span
    except InvalidCutoff as error:
        raise InputError("the cool-down cannot be used", where="--cool-down", why=str(error)) from error
    if wanted is None:
        raise InputError("the cool-down is no span of time", where="--cool-down", next='write it like "7 days"')
    if wanted == found:
        return found
    has = "it has none" if cutoff is None else f"there it is {found or 'a fixed time'}"
    raise InputError(
        f"the project's own cut-off is not {asked}",
        where="--cool-down",
        why=f"{has}; a lock made with another one is outdated for everybody else",
        next=f'set exclude-newer = "{asked}" in [tool.uv] of pyproject.toml (or in uv.toml where that is used)',
    )


# The rounds ----------------------------------------------------------------------------------------------------------


class _Limit(Struct, frozen=True, kw_only=True):
    """No version of `name` above `upper`, nor one of `excluded`."""

    name: str
    upper: Version
    excluded: tuple[Version, ...] = ()

    def requirement(self) -> Requirement:
        clauses = [f"<={self.upper.without_local()}", *(f"!={version.without_local()}" for version in self.excluded)]
        return parse_requirement(f"{self.name}{','.join(clauses)}")


class _Loss(Struct, frozen=True, kw_only=True):
    """A bad finding that the lock before had not, and what to limit because of it (None: nothing helps)."""

    finding: Finding
    spot: Spot
    limit: _Limit | None
    held: str
    version: Version | None
    reason: str


class _Rounds:
    """Resolves until every platform holds that held before."""

    def __init__(self, walk: Walk, old: Lock | None, ask: Ask, progress: Progress | None) -> None:
        self.walk = walk
        self.ask = ask
        self.progress = progress
        self.manifest = walk.read.manifest
        settings = self.manifest.settings
        self.policy = Policy(allow_sdist=settings.allow_sdist)
        self.pythons = pythons_to_check(self.manifest.requires_python, settings.python_versions)
        self.platforms = tuple(entry.platform for entry in read_platforms(settings.platforms, walk.read.root))
        self.listings: dict[str, Listing | None] = {}
        self.limits: dict[str, _Limit] = {}
        self.reasons: dict[str, list[_Loss]] = {}
        self.helpless: set[tuple[str, Version | None]] = set()
        self.waiting: tuple[Waiting, ...] = ()
        self.base = self._base(old)
        names = [] if self.base is None else _names_on_an_index(self.base)
        self._look(names, afresh=True)
        self.yanked = {} if self.base is None else self._yanked(self.base)
        self.before = {} if self.base is None else self.found(self.base)

    def _base(self, old: Lock | None) -> Lock | None:
        """The lock that versions are compared with: the old one, where need be brought up to date with the inputs."""
        if old is None:
            return None
        validation = self.walk.validation(old)
        if not validation.reasons:
            return old
        return self.walk.resolved(preferences_from_lock(old, reuse=validation.reuse), (), self.progress)

    def refreshed(self) -> Lock:
        """The lock after the refresh."""
        base = self.base
        named = self._named()
        if base is None:
            return self.holding(Preferences())
        if self.ask.at_most is not None:
            return self._gradually(base, named, self.ask.at_most)
        if named is None:
            return self.holding(Preferences())
        return self.holding(preferences_from_lock(base, upgrade=named | {name for name, _ in self.yanked}))

    def _named(self) -> frozenset[str] | None:
        """The packages asked for, None for all."""
        if not self.ask.packages:
            return None
        known = set() if self.base is None else {package.name for package in self.base.packages}
        names = [normalize_name(name) for name in self.ask.packages]
        unknown = [name for name in names if name not in known]
        if unknown:
            close = [match for name in unknown for match in difflib.get_close_matches(name, sorted(known), n=1)]
            raise InputError(
                f"the lock has no package {', '.join(unknown)}",
                where=str(self.walk.read.lock_path),
                next=f"did you mean {', '.join(close)}?" if close else "`lockflow tree` shows what it has",
            )
        return frozenset(names)

    def _gradually(self, base: Lock, named: frozenset[str] | None, at_most: int) -> Lock:
        """Move as many packages as allowed: those that were yanked first, then those that have waited longest."""
        upgrade = Preferences() if named is None else preferences_from_lock(base, upgrade=named)
        whole = self.holding(upgrade)
        wanted = [change for change in changes(base, whole) if change.old and change.new]
        uploaded = {package.name: _uploaded(package) for package in base.packages}
        yanked = {name for name, _ in self.yanked}
        wanted.sort(key=lambda change: (change.name not in yanked, uploaded.get(change.name, ""), change.name))
        chosen: frozenset[str] = frozenset()
        best, reasons, tries = base, dict[str, str](), at_most + _MORE_TRIES
        for change in wanted:
            if len(chosen) >= at_most or not tries:
                break
            if change.name in chosen:
                continue
            tries -= 1
            lock = self.holding(preferences_from_lock(base, upgrade=chosen | {change.name}))
            moved = frozenset(entry.name for entry in changes(base, lock) if entry.old and entry.new)
            if len(moved) > at_most:
                reasons[change.name] = f"it would move {len(moved)} packages"
            elif change.name in moved:
                best, chosen = lock, moved
            else:
                reasons[change.name] = "it moves only together with others"
        usual = f"at most {at_most} at a time"
        self.waiting = tuple(
            Waiting(
                name=change.name, old=_plain(change.old), new=_plain(change.new), reason=reasons.get(change.name, usual)
            )
            for change in wanted
            if change.name not in chosen
        )
        return best

    def holding(self, preferences: Preferences) -> Lock:
        """Resolve until no platform is lost, or nothing more can be done about it."""
        untried: list[_Loss] = []
        for _ in range(_MOST_ROUNDS):
            try:
                lock = self.walk.resolved(preferences, self._requirements(), self.progress)
            except AnswerIsNo:
                if not untried:
                    raise
                for loss in untried:
                    self._take_back(loss)
                # One of several at fault: the others come back in the next round.
                self.helpless.add((untried[0].finding.package, untried[0].finding.version))
                untried = []
                continue
            untried = self._new_limits(self._losses(lock))
            if not untried:
                return lock
        raise AnswerIsNo(
            "no set of newer versions holds on every platform",
            where=str(self.walk.read.lock_path),
            why=f"after {_MOST_ROUNDS} rounds, {', '.join(sorted(self.limits))} were held back and others still fail",
            next="refresh a few packages by name, or fewer at a time with --at-most",
        )

    def _requirements(self) -> list[Requirement]:
        return [*self._ceilings(), *(limit.requirement() for limit in self.limits.values())]

    def _ceilings(self) -> Iterable[Requirement]:
        if self.ask.only == "major" or self.base is None:
            return
        yanked = {name for name, _ in self.yanked}
        newest: dict[str, Version] = {}
        for package in self.base.packages:
            if package.version is not None and isinstance(package.source, Registry) and package.name not in yanked:
                newest[package.name] = max(package.version, newest.get(package.name, package.version))
        for name, version in newest.items():
            yield parse_requirement(f"{name}<{_ceiling(version, self.ask.only)}")

    def _new_limits(self, losses: Sequence[_Loss]) -> list[_Loss]:
        """Tighten limits; return the losses by which they became tighter."""
        tightened = []
        for loss in losses:
            if loss.limit is None:
                self.helpless.add((loss.finding.package, loss.finding.version))
                continue
            known = self.limits.get(loss.held)
            if known is None or loss.limit.upper < known.upper:
                self.limits[loss.held] = loss.limit
                tightened.append(loss)
            elif set(loss.limit.excluded) - set(known.excluded):
                excluded = tuple(sorted({*known.excluded, *loss.limit.excluded}))
                self.limits[loss.held] = _Limit(name=loss.held, upper=known.upper, excluded=excluded)
                tightened.append(loss)
            told = self.reasons.setdefault(loss.held, [])
            if not any((entry.version, entry.spot) == (loss.version, loss.spot) for entry in told):
                told.append(loss)
        return tightened

    def _take_back(self, loss: _Loss) -> None:
        self.limits.pop(loss.held, None)
        self.reasons.pop(loss.held, None)

    # What a lock loses

    def found(self, lock: Lock, platforms: Sequence[Platform] | None = None) -> dict[Spot, Coverage]:
        """The coverage of every platform and Python."""
        graph = graph_of(lock)
        return {
            (platform.name, minor_of(python)): cover(graph, platform, python, self.policy)
            for platform in (self.platforms if platforms is None else platforms)
            for python in self.pythons
        }

    def _bad(self, lock: Lock) -> Iterable[tuple[Finding, Platform, str]]:
        """Bad findings on spots where the same package was not bad before."""
        graph = graph_of(lock)
        for platform in self.platforms:
            for python in self.pythons:
                before = self.before.get((platform.name, minor_of(python)))
                if before is not None and before.refusal:
                    continue
                was_bad = {entry.package for entry in _findings(before) if not entry.is_good}
                for finding in cover(graph, platform, python, self.policy).findings:
                    if not finding.is_good and finding.package not in was_bad:
                        yield finding, platform, python

    def _losses(self, lock: Lock) -> list[_Loss]:
        graph = graph_of(lock)
        found: dict[str, _Loss] = {}
        for finding, platform, python in self._bad(lock):
            if (finding.package, finding.version) not in self.helpless:
                loss = self._loss(finding, platform, python, graph)
                known = found.get(loss.held)
                if known is None or known.limit is None:
                    found[loss.held] = loss
        return list(found.values())

    def _loss(self, finding: Finding, platform: Platform, python: str, graph: Graph) -> _Loss:
        """What to hold back: the package itself, or who brought it in."""
        spot = platform.name, minor_of(python)
        limit = self._own_limit(finding, graph)
        if limit is not None:
            return _Loss(finding=finding, spot=spot, limit=limit, held=finding.package, version=finding.version,
                         reason=finding.reason)  # fmt: skip
        for link in reversed(chain_to(graph, finding.package, finding.version, environment(platform, python))[:-1]):
            version = next((entry.version for entry in graph.lock.packages
                            if entry.name == link.name and str(entry.version) == link.version), None)  # fmt: skip
            floor = self._version_before(link.name, spot)
            if version is None or floor is None or floor >= version:
                continue
            upper = self._next_lower(link.name, floor, version)
            reason = f"it brings in {finding.package} {finding.version}: {finding.reason}"
            limit = _Limit(name=link.name, upper=upper)
            return _Loss(finding=finding, spot=spot, limit=limit, held=link.name, version=version, reason=reason)
        return _Loss(finding=finding, spot=spot, limit=None, held=finding.package, version=finding.version,
                     reason=finding.reason)  # fmt: skip

    def _own_limit(self, finding: Finding, graph: Graph) -> _Limit | None:
        """The newest version of the package that has what every platform needs; None where there is none."""
        name, version = finding.package, finding.version
        if version is None:
            return None
        floors = [entry.version for entry in ([] if self.base is None else self.base.packages)
                  if entry.name == name and entry.version is not None and entry.version < version]  # fmt: skip
        floor = min(floors, default=None)
        needed = self._needed(name, graph)
        below = [release for release in self._releases(name) if release.version < version]
        fitting = [
            release.version
            for release in below
            if (floor is None or release.version >= floor)
            and (version.is_prerelease or not release.version.is_prerelease)
            and all(_holds(release, platform, python, self.policy, name) for platform, python in needed)
        ]
        upper = max(fitting, default=floor)
        if upper is None:
            return None
        others = [release.version for release in below if floor is not None and floor < release.version < upper]
        kept = {*fitting, *(version for version in others if version.is_prerelease and not upper.is_prerelease)}
        return _Limit(name=name, upper=upper, excluded=tuple(sorted(set(others) - kept)))

    def _needed(self, name: str, graph: Graph) -> list[tuple[Platform, str]]:
        """Where the package is wanted, and was not missing before."""
        needed = []
        for platform in self.platforms:
            for python in self.pythons:
                before = _findings(self.before.get((platform.name, minor_of(python))))
                was_bad = any(entry.package == name and not entry.is_good for entry in before)
                applies = any(entry.package == name for entry in cover(graph, platform, python, self.policy).findings)
                if applies and not was_bad:
                    needed.append((platform, python))
        return needed

    def _version_before(self, name: str, spot: Spot) -> Version | None:
        return next((entry.version for entry in _findings(self.before.get(spot)) if entry.package == name), None)

    def _next_lower(self, name: str, floor: Version, version: Version) -> Version:
        between = [release.version for release in self._releases(name) if floor < release.version < version]
        return max((entry for entry in between if not entry.is_prerelease or version.is_prerelease), default=floor)

    # What the index says

    def _releases(self, name: str) -> tuple[Release, ...]:
        self._look([name])
        listing = self.listings[name]
        return () if listing is None else listing.releases

    def _look(self, names: Iterable[str], *, afresh: bool = False) -> None:
        missing = [name for name in dict.fromkeys(names) if name not in self.listings]
        if missing:
            found = self.walk.listings(missing, afresh=afresh)
            self.listings.update({name: found.get(name) for name in missing})

    def _yanked(self, lock: Lock) -> dict[tuple[str, Version], str]:
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

    # What is told

    def told(self, lock: Lock) -> tuple[HeldBack, ...]:
        """Who was held back. Raises AnswerIsNo where a platform is lost all the same."""
        left = [] if self.base is None else self._left(lock)
        if left:
            raise AnswerIsNo(
                "the refresh would lose a platform",
                where=str(self.walk.read.lock_path),
                why="\n".join(left),
                next="refresh other packages by name; `lockflow check` says more once the lock has them",
            )
        versions: dict[str, list[str]] = {}
        for package in lock.packages:
            versions.setdefault(package.name, []).append(str(package.version))
        held: dict[tuple[str, str, str, str], list[str]] = {}
        for name, losses in self.reasons.items():
            for loss in losses:
                held.setdefault((name, str(loss.version), loss.spot[0], loss.reason), []).append(loss.spot[1])
        return tuple(
            HeldBack(
                name=name,
                version=version,
                kept=tuple(versions.get(name, ())),
                platform=platform,
                pythons=tuple(dict.fromkeys(pythons)),
                reason=reason,
            )
            for (name, version, platform, reason), pythons in sorted(held.items())
            if version not in versions.get(name, ())
        )

    def _left(self, lock: Lock) -> list[str]:
        """What is bad now and was not before, after all that could be done."""
        refused = [
            f"{platform}, Python {minor}: {coverage.refusal}"
            for (platform, minor), coverage in self.found(lock).items()
            if coverage.refusal and not self.before[platform, minor].refusal
        ]
        bad = [
            f"{finding.package} {finding.version} on {platform.name}, Python {minor_of(python)}: {finding.reason}"
            for finding, platform, python in self._bad(lock)
        ]
        return [*refused, *bad]


def _findings(coverage: Coverage | None) -> tuple[Finding, ...]:
    return () if coverage is None else coverage.findings


def _names_on_an_index(lock: Lock) -> list[str]:
    return list(dict.fromkeys(package.name for package in lock.packages if isinstance(package.source, Registry)))


def _holds(release: Release, platform: Platform, python: str, policy: Policy, name: str) -> bool:
    """Whether an installer finds a wheel of the release there, or a source distribution that it may build."""
    wheels: list[tuple[str, WheelName]] = []
    for file in release.files:
        if file.yanked is not False or not _admits(file.requires_python, python):
            continue
        if not file.is_wheel:
            if name in policy.allow_sdist:
                return True
            continue
        try:
            wheels.append((file.filename, parse_wheel_name(file.filename)))
        except InvalidFilename:
            continue
    return best_wheel(wheels, platform, python) is not None


def _admits(requires_python: str | None, python: str) -> bool:
    try:
        return requires_python is None or Specifiers.parse(requires_python).range.contains(Version.parse(python))
    except InvalidSpecifier:
        return True


def _ceiling(version: Version, only: Ceiling) -> str:
    """The first version above what `only` allows: 1.4.2 may go below 1.5 (patch) or below 2 (minor)."""
    major, minor = (*version.release, 0)[:2]
    bound = f"{major}.{minor + 1}" if only == "patch" else f"{major + 1}"
    return f"{version.epoch}!{bound}" if version.epoch else bound


# What is told --------------------------------------------------------------------------------------------------------


def _told(
    rounds: _Rounds, old: Lock | None, new: Lock, held: tuple[HeldBack, ...], cool_down: str, now_ns: int
) -> Refreshed:
    found = changes(old, new)
    notes = () if old is None else other_differences(old, new)
    kind: Literal["none", "versions", "details", "format"] = "versions" if found else "details"
    if old is not None and not found:
        kind = "none" if old == new else "format" if old.packages == new.packages and len(notes) <= 1 else "details"
        if kind == "format" and old.revision == new.revision:
            kind = "details"
    yanked = rounds._yanked(new) if rounds.listings else {}
    return Refreshed(
        kind=kind,
        lock=digest(encode(new).encode()),
        cool_down=cool_down,
        changes=_changes(rounds, found, old, new, now_ns),
        held_back=held,
        waiting=rounds.waiting,
        yanked=tuple(Yanked(name=name, version=str(version), reason=text) for (name, version), text in yanked.items()),
        failing=_failing(rounds, new),
        floors=_floors(rounds, old, new),
        notes=notes,
    )


def _changes(
    rounds: _Rounds, found: Sequence[Change], old: Lock | None, new: Lock, now_ns: int
) -> tuple[PackageChange, ...]:
    platforms = [entry.platform for entry in known_platforms(rounds.walk.read.root)]
    before = {} if old is None or not found else rounds.found(old, platforms)
    after = rounds.found(new, platforms) if found else {}
    direct = _direct(rounds.manifest)
    requirers = _requirers(new)
    yanked = {(name, f"v{version}"): text for (name, version), text in rounds.yanked.items()}
    packages: dict[str, list[Package]] = {}
    for package in new.packages:
        packages.setdefault(package.name, []).append(package)
    result = []
    for change in found:
        lost, gained = _shifts(change.name, before, after)
        entry = PackageChange(
            name=change.name,
            old=_plain(change.old),
            new=tuple(_released(package, now_ns) for package in packages.get(change.name, ())),
            is_direct=change.name in direct,
            required_by=tuple(sorted(requirers.get(change.name, ()))),
            lost=lost,
            gained=gained,
            yanked=next((yanked[change.name, text] for text in change.old if (change.name, text) in yanked), ""),
        )
        result.append(entry)
    return tuple(result)


def _plain(versions: Iterable[str]) -> tuple[str, ...]:
    return tuple(text.removeprefix("v") for text in versions)


def _direct(manifest: Manifest) -> set[str]:
    groups = [*manifest.groups, *(group for member in manifest.members for group in member.groups)]
    lists = [manifest.requirements, *(member.requires_dist for member in manifest.members)]
    return {entry.name for entries in (*lists, *(group.requirements for group in groups)) for entry in entries}


def _requirers(lock: Lock) -> dict[str, set[str]]:
    """Who requires a package, the project's own members apart."""
    found: dict[str, set[str]] = {}
    for package in lock.packages:
        if package.metadata is not None:
            continue
        groups = (*package.optional_dependencies, *package.dev_dependencies)
        for edge in (*package.dependencies, *(edge for _, edges in groups for edge in edges)):
            if edge.name != package.name:
                found.setdefault(edge.name, set()).add(package.name)
    return found


def _uploaded(package: Package) -> str:
    """When the first file of a locked release was uploaded, as the lock says it; empty where it does not."""
    files = (*package.wheels, *(() if package.sdist is None else (package.sdist,)))
    return min((file.upload_time for file in files if file.upload_time), default="")


def _released(package: Package, now_ns: int) -> Released:
    day = _uploaded(package)[:10]
    try:
        released = date.fromisoformat(day)
    except ValueError:
        return Released(version=str(package.version))
    today = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).date()
    return Released(version=str(package.version), date=day, age_days=max((today - released).days, 0))


def _shifts(
    name: str, before: Mapping[Spot, Coverage], after: Mapping[Spot, Coverage]
) -> tuple[tuple[Shift, ...], tuple[Shift, ...]]:
    lost: dict[str, list[str]] = {}
    gained: dict[str, list[str]] = {}
    for spot, coverage in after.items():
        old = [entry.status is Status.WHEEL for entry in _findings(before.get(spot)) if entry.package == name]
        new = [entry.status is Status.WHEEL for entry in coverage.findings if entry.package == name]
        if old and new and all(old) != all(new):
            (lost if all(old) else gained).setdefault(spot[0], []).append(spot[1])
    return _as_shifts(lost), _as_shifts(gained)


def _as_shifts(found: Mapping[str, Sequence[str]]) -> tuple[Shift, ...]:
    return tuple(Shift(platform=platform, pythons=tuple(pythons)) for platform, pythons in found.items())


def _failing(rounds: _Rounds, lock: Lock) -> tuple[Failing, ...]:
    failing: dict[tuple[str, str, str, str], list[str]] = {}
    for (platform, minor), coverage in rounds.found(lock).items():
        if coverage.refusal:
            failing.setdefault(("the lock", "", platform, coverage.refusal), []).append(minor)
        for entry in coverage.findings:
            if not entry.is_good:
                failing.setdefault((entry.package, str(entry.version), platform, entry.reason), []).append(minor)
    return tuple(
        Failing(name=name, version=version, platform=platform, pythons=tuple(minors), reason=reason)
        for (name, version, platform, reason), minors in failing.items()
    )


def _floors(rounds: _Rounds, old: Lock | None, new: Lock) -> tuple[RisenFloor, ...]:
    if old is None:
        return ()
    before, after = graph_of(old), graph_of(new)
    floors = []
    for platform in rounds.platforms:
        floor = floor_of(after, platform, rounds.pythons, before)
        if floor is not None and floor.has_risen:
            floors.append(
                RisenFloor(
                    platform=platform.name,
                    kind=floor.kind,
                    old=floor.previous,
                    new=floor.version,
                    packages=floor.packages,
                )
            )
    return tuple(floors)


# The commit ----------------------------------------------------------------------------------------------------------


def _message(told: Refreshed) -> str:
    lines = [f"- {change.name} {', '.join(change.old) or '(new)'} -> "
             f"{', '.join(entry.version for entry in change.new) or '(removed)'}"
             for change in told.changes]  # fmt: skip
    lines += [f"- {held.name} stays at {', '.join(held.kept)}: {held.version} on {held.platform}: {held.reason}"
              for held in told.held_back]  # fmt: skip
    return "\n".join([told.headline, *(["", *lines] if lines else [])]) + "\n"


class _Repository:
    """The git repository of the project, asked in time whether it can take a commit."""

    def __init__(self, root: Path, target: Target, branch: str) -> None:
        self.root = root
        self.environment = target.environment
        self.branch = branch
        self._git("rev-parse", "--show-toplevel", what=f"{root} is in no git repository")
        if branch and not self._is_here():
            self._git("check-ref-format", "--branch", branch, what=f"{branch!r} is no name of a branch")
            if self._run("show-ref", "--verify", "--quiet", f"refs/heads/{branch}").exit_code == 0:
                raise InputError(
                    f"there is a branch {branch} already",
                    where="--branch",
                    next="switch to it, delete it, or name another",
                )

    def prepare(self) -> None:
        """Go to the branch; nothing was written yet, and files that were edited stay as they are."""
        if self.branch and not self._is_here():
            self._git("switch", "--quiet", "--create", self.branch, what=f"the branch {self.branch} cannot be made")

    def commit(self, path: Path, message: str) -> str:
        """Commit the lock alone; return the commit."""
        what = "the lock was written, but not committed"
        self._git("add", "--", str(path), what=what)
        self._git("commit", "--quiet", "-m", message, "--", str(path), what=what)
        return self._git("rev-parse", "HEAD", what=what).strip()

    def _is_here(self) -> bool:
        return self._run("symbolic-ref", "--quiet", "--short", "HEAD").stdout.strip() == self.branch

    def _git(self, *words: str, what: str) -> str:
        outcome = self._run(*words)
        if outcome.exit_code:
            raise EngineError(what, where=f"git {words[0]} in {self.root}", why=outcome.stderr.strip())
        return outcome.stdout

    def _run(self, *words: str) -> Outcome:
        outcome = run_here(("git", *words), folder=self.root, environment=self.environment)
        if outcome is None:
            raise EngineError(
                "there is no git on this machine", where="--commit", next="install it, or commit yourself"
            )
        return outcome
