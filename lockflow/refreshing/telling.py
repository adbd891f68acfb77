"""What a refresh did, as data: what moved and how old it is, what each platform lost and gained, what was yanked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Literal

from lockflow.inputs.model import Manifest
from lockflow.lock.diff import changes, other_differences
from lockflow.lock.encode import encode
from lockflow.lock.model import Change, Lock, Package
from lockflow.platforms.floors import floor_of
from lockflow.platforms.model import Coverage, Status
from lockflow.platforms.read import known_platforms
from lockflow.platforms.selection import graph_of
from lockflow.refreshing.limits import Spot
from lockflow.refreshing.outlook import findings_of, uploaded
from lockflow.refreshing.rounds import Rounds
from lockflow.report.refreshed import Failing, Link, MovedFloor, PackageChange, Refreshed, Released, Shift, Yanked
from lockflow.standards.versions import Version
from lockflow.steps import digest


def told(rounds: Rounds, old: Lock | None, new: Lock, cool_down: str, now_ns: int) -> Refreshed:
    found = changes(old, new)
    notes = () if old is None else other_differences(old, new)
    kind: Literal["none", "versions", "details", "format"] = "versions" if found else "details"
    if old is not None and not found:
        kind = "none" if old == new else "format" if old.packages == new.packages and len(notes) <= 1 else "details"
        if kind == "format" and old.revision == new.revision:
            kind = "details"
    yanked = rounds.outlook.yanked(new) if rounds.outlook.listings else {}
    return Refreshed(
        kind=kind,
        file=rounds.walk.read.lock_path.name,
        lock=digest(encode(new).encode()),
        cool_down=cool_down,
        changes=_changes(rounds, found, old, new, now_ns),
        held_back=rounds.held_back(new),
        waiting=rounds.waiting,
        yanked=tuple(Yanked(name=name, version=str(version), reason=text) for (name, version), text in yanked.items()),
        failing=_failing(rounds, new),
        floors=_floors(rounds, old, new),
        notes=notes,
    )


def _changes(
    rounds: Rounds, found: Sequence[Change], old: Lock | None, new: Lock, now_ns: int
) -> tuple[PackageChange, ...]:
    platforms = [entry.platform for entry in known_platforms(rounds.walk.read.root)]
    before = {} if old is None or not found else rounds.outlook.coverage(old, platforms)
    after = rounds.outlook.coverage(new, platforms) if found else {}
    direct = _direct(rounds.outlook.manifest)
    requirers = _requirers(new)
    yanked = {(name, f"v{version}"): text for (name, version), text in rounds.yanked.items()}
    packages, earlier = _by_name(new), {} if old is None else _by_name(old)
    moved = [package for change in found for package in packages.get(change.name, ())]
    rounds.outlook.look(package.name for package in moved)
    links = rounds.outlook.links(moved)
    result = []
    for change in found:
        lost, gained = _shifts(change.name, before, after)
        entry = PackageChange(
            name=change.name,
            old=tuple(_released(package, now_ns) for package in earlier.get(change.name, ())),
            new=tuple(_released(package, now_ns) for package in packages.get(change.name, ())),
            is_direct=change.name in direct,
            required_by=tuple(sorted(requirers.get(change.name, ()))),
            lost=lost,
            gained=gained,
            yanked=next((yanked[change.name, text] for text in change.old if (change.name, text) in yanked), ""),
            links=_links(packages.get(change.name, ()), links),
        )
        result.append(entry)
    return tuple(result)


def _by_name(lock: Lock) -> dict[str, list[Package]]:
    packages: dict[str, list[Package]] = {}
    for package in lock.packages:
        packages.setdefault(package.name, []).append(package)
    return packages


def _links(
    packages: Sequence[Package], links: Mapping[tuple[str, Version], tuple[tuple[str, str], ...]]
) -> tuple[Link, ...]:
    """Those of the newest version that has any."""
    known = (links.get((package.name, package.version), ()) for package in reversed(packages) if package.version)
    return tuple(Link(kind=kind, url=url) for kind, url in next(filter(None, known), ()))


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


def _released(package: Package, now_ns: int) -> Released:
    version = "(dynamic)" if package.version is None else str(package.version)
    day = uploaded(package)[:10]
    try:
        released = date.fromisoformat(day)
    except ValueError:
        return Released(version=version)
    today = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).date()
    return Released(version=version, date=day, age_days=max((today - released).days, 0))


def _shifts(
    name: str, before: Mapping[Spot, Coverage], after: Mapping[Spot, Coverage]
) -> tuple[tuple[Shift, ...], tuple[Shift, ...]]:
    lost: dict[str, list[str]] = {}
    gained: dict[str, list[str]] = {}
    for spot, coverage in after.items():
        old = [entry.status is Status.WHEEL for entry in findings_of(before.get(spot)) if entry.package == name]
        new = [entry.status is Status.WHEEL for entry in coverage.findings if entry.package == name]
        if old and new and all(old) != all(new):
            (lost if all(old) else gained).setdefault(spot[0], []).append(spot[1])
    return _as_shifts(lost), _as_shifts(gained)


def _as_shifts(found: Mapping[str, Sequence[str]]) -> tuple[Shift, ...]:
    return tuple(Shift(platform=platform, pythons=tuple(pythons)) for platform, pythons in found.items())


def _failing(rounds: Rounds, lock: Lock) -> tuple[Failing, ...]:
    """What each platform goes without; of several Pythons with the reason of the first."""
    failing: dict[tuple[str, str, str, str], tuple[str, list[str]]] = {}
    for (platform, minor), coverage in rounds.outlook.coverage(lock).items():
        if coverage.refusal:
            failing.setdefault(("the lock", "", platform, ""), (coverage.refusal, []))[1].append(minor)
        for entry in coverage.findings:
            if not entry.is_good:
                key = entry.package, str(entry.version), platform, entry.status.value
                failing.setdefault(key, (entry.reason, []))[1].append(minor)
    return tuple(
        Failing(name=name, version=version, platform=platform, pythons=tuple(minors), reason=reason)
        for (name, version, platform, _), (reason, minors) in failing.items()
    )


def _floors(rounds: Rounds, old: Lock | None, new: Lock) -> tuple[MovedFloor, ...]:
    if old is None:
        return ()
    before, after = graph_of(old), graph_of(new)
    floors = []
    for platform in rounds.outlook.platforms:
        floor = floor_of(after, platform, rounds.outlook.pythons, before)
        if floor is not None and floor.previous not in ("", floor.version):
            floors.append(
                MovedFloor(
                    platform=platform.name,
                    kind=floor.kind,
                    old=floor.previous,
                    new=floor.version,
                    has_risen=floor.has_risen,
                    packages=floor.packages,
                )
            )
    return tuple(floors)
