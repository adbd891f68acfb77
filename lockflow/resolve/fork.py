"""When to split an environment: on markers, conflicts, Python bounds, missing wheels and local versions.

The order in which parts are made, and in which they are solved, decides the lock: the first fork solved hands
its versions to the others as preferences.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from lockflow.inputs.model import ForkStrategy, Resolution
from lockflow.resolve.dependencies import Dependency
from lockflow.resolve.environment import ForkEnvironment
from lockflow.resolve.policy import Bound, bound_of
from lockflow.standards.markers.simplify import python_interval, restrict
from lockflow.standards.markers.tree import TRUE, Marker, is_disjoint, python_range_marker, string_equals
from lockflow.standards.python_range import PythonRange
from lockflow.standards.requirements import ConflictItem
from lockflow.standards.versions import Version


class DependencyFork(Struct):
    """One part of a split, with the dependencies that apply in it."""

    environment: ForkEnvironment
    dependencies: list[Dependency]

    def narrowed(self, marker: Marker) -> DependencyFork:
        environment = self.environment.narrow(marker)
        kept = [dependency for dependency in self.dependencies if environment.overlaps(dependency.marker)]
        return DependencyFork(environment, kept)


class VersionFork(Struct, frozen=True):
    """One part of a split found while choosing a version; `version` is taken there without a search."""

    environment: ForkEnvironment
    version: Version | None = None


class VersionSplit(Struct, frozen=True):
    """The environment must be split before this package can be chosen."""

    parts: list[VersionFork]


def split(
    dependencies: Sequence[Dependency], environment: ForkEnvironment, conflicts: Sequence[Sequence[ConflictItem]]
) -> list[DependencyFork]:
    """Split by the markers of the dependencies, then by declared conflicts; one part means no split.

    Dependencies come out grouped by package name in alphabetical order.
    """
    groups: dict[str, list[Dependency]] = {}
    for dependency in dependencies:
        groups.setdefault(dependency.name, []).append(dependency)
    forks = [DependencyFork(environment, [])]
    for name in sorted(groups):
        group = groups[name]
        if len(group) == 1 and group[0].marker is TRUE and not environment.marker.is_false:
            for fork in forks:  # most dependencies, for which no environment is to be compared
                fork.dependencies.append(group[0])
        else:
            forks = _split_by_name(forks, group, environment)
    if not forks:
        # An environment outside the supported Pythons, as a local version may leave: nothing is needed there.
        return [DependencyFork(environment, [])]
    if len(forks) == 1 and not conflicts:
        # A marker of a single part holds nowhere else either: the environment is not narrowed.
        return [DependencyFork(environment, forks[0].dependencies)]
    for items in conflicts:
        forks = _split_by_conflict(forks, items, conflicts)
    if len(forks) == 1:
        return [DependencyFork(environment, forks[0].dependencies)]
    return forks


def solve_order(forks: list[DependencyFork], strategy: ForkStrategy, resolution: Resolution) -> list[DependencyFork]:
    """The order in which to push the parts; the last is solved first.

    Newest Pythons are solved first, so that they get the newest versions, and among equals the part with most
    upper bounds, whose versions suit the others most likely. `fewest` and `lowest` begin with the oldest Python.
    """
    ordered = sorted(forks, key=lambda fork: sum(entry.range.has_upper_bound for entry in fork.dependencies))
    is_oldest_first = strategy is ForkStrategy.FEWEST or resolution is Resolution.LOWEST
    return sorted(ordered, key=lambda fork: python_order(fork.environment.marker), reverse=is_oldest_first)


def python_order(marker: Marker) -> tuple[int, Bound]:
    """A key by the lower Python bound of a marker, unbounded first."""
    interval = python_interval(marker)
    bound = None if interval is None else bound_of(interval)
    return (0, ((), False)) if bound is None else (1, bound)


def stays_in_order(forks: Sequence[Marker], strategy: ForkStrategy, resolution: Resolution) -> bool:
    """Whether a resolution that begins with these forks ends with them in the same order, if none is split."""
    is_oldest_first = strategy is ForkStrategy.FEWEST or resolution is Resolution.LOWEST
    pushed = list(forks)[::-1]
    pushed.sort(key=python_order, reverse=is_oldest_first)
    return pushed[::-1] == list(forks)


def split_by_python(environment: ForkEnvironment, bound: Bound) -> list[VersionFork]:
    """Split at the lower Python bound of a file; empty where one side would be."""
    release, is_open = bound
    low = environment.python.intersect(PythonRange(upper=release, upper_closed=is_open))
    high = environment.python.intersect(PythonRange(lower=release, lower_closed=not is_open))
    if low.is_empty or high.is_empty:
        return []
    markers = [python_range_marker(low), python_range_marker(high)]
    return [VersionFork(environment.narrow(marker)) for marker in markers if environment.overlaps(marker)]


def split_by_platform(environment: ForkEnvironment, required: Marker, covered: Marker) -> list[VersionFork]:
    """Split off the part of `required` that a version does not cover; empty where one side would be."""
    part = restrict(required, required | covered)
    inside, outside = environment.narrow(part), environment.narrow(~part)
    if inside.marker.is_false or outside.marker.is_false:
        return []
    return [VersionFork(inside), VersionFork(outside)]


def split_by_local(
    environment: ForkEnvironment, base: Version, base_covers: Marker, local: Version, local_covers: Marker
) -> list[VersionFork] | Version | None:
    """Share an environment between `1.0` and `1.0+cpu`; a Version means "take that", None "the local one"."""
    rest = base_covers & ~local_covers
    if rest.is_false or is_disjoint(rest, environment.marker):
        return None
    if is_disjoint(local_covers, environment.marker):
        return base
    for platform in ("darwin", "linux", "win32"):
        whole = string_equals("sys_platform", platform)
        if is_disjoint(local_covers, whole) and not is_disjoint(rest, whole):
            rest = rest | whole
    return [VersionFork(environment.narrow(rest), base), VersionFork(environment.narrow(~rest), local)]


def _split_by_name(
    forks: list[DependencyFork], dependencies: list[Dependency], whole: ForkEnvironment
) -> list[DependencyFork]:
    first = dependencies[0].marker
    if all(dependency.marker is first for dependency in dependencies) and not _raises_python(first, whole):
        for fork in forks:
            if fork.environment.overlaps(first):
                fork.dependencies.extend(dependencies)
        return forks
    for dependency in dependencies:
        marker = dependency.marker
        if not whole.overlaps(marker):
            continue
        if marker.is_true:
            for fork in forks:
                fork.dependencies.append(dependency)
            continue
        forks = _split_by_marker(forks, dependency, whole)
    return forks


def _split_by_marker(
    forks: list[DependencyFork], dependency: Dependency, whole: ForkEnvironment
) -> list[DependencyFork]:
    remaining = dependency.marker
    result: list[DependencyFork] = []
    for fork in forks:
        if not fork.environment.overlaps(remaining):
            result.append(fork)
            continue
        parts = [fork.narrowed(~remaining)] if fork.environment.overlaps(~remaining) else []
        parts.append(fork.narrowed(remaining))
        remaining = remaining & ~fork.environment.marker
        for part in parts:
            if part.environment.overlaps(dependency.marker):
                part.dependencies.append(dependency)
            if part.environment.overlaps(whole.python_marker):
                result.append(part)
    return result


def _raises_python(marker: Marker, environment: ForkEnvironment) -> bool:
    interval = python_interval(marker)
    bound = None if interval is None else bound_of(interval)
    if bound is None:
        return False
    own = bound_of(environment.python)
    return own is None or bound > own


def _split_by_conflict(
    forks: list[DependencyFork], items: Sequence[ConflictItem], conflicts: Sequence[Sequence[ConflictItem]]
) -> list[DependencyFork]:
    result: list[DependencyFork] = []
    for fork in forks:
        if not any(entry.conflict_item in items for entry in fork.dependencies):
            result.append(fork)
            continue
        possible = [item for item in items if not _is_excluded(item, fork.environment)]
        if len(possible) < 2 and not any(_is_live(item, items, conflicts, fork.environment) for item in possible):
            impossible = frozenset(items) - frozenset(possible)
            settled = fork.environment.with_conflicts(frozenset(), impossible)
            if settled is not None:
                result.append(_without_excluded(fork, settled))
            continue
        everything = frozenset(items)
        choices = [frozenset[ConflictItem](), *(frozenset([item]) for item in items)]
        for included in choices:
            environment = fork.environment.with_conflicts(included, everything - included)
            if environment is not None:
                result.append(_without_excluded(fork, environment))
    return result


def _is_excluded(item: ConflictItem, environment: ForkEnvironment) -> bool:
    extra, group = (item.name if item.kind == kind else None for kind in ("extra", "group"))
    return environment.excludes(item.package, extra, group)


def _is_live(
    item: ConflictItem,
    own: Sequence[ConflictItem],
    conflicts: Sequence[Sequence[ConflictItem]],
    environment: ForkEnvironment,
) -> bool:
    """Whether the item may still conflict with one of another set."""
    return any(
        items is not own
        and item in items
        and any(other != item and not _is_excluded(other, environment) for other in items)
        for items in conflicts
    )


def _without_excluded(fork: DependencyFork, environment: ForkEnvironment) -> DependencyFork:
    kept = []
    for dependency in fork.dependencies:
        is_mere_package = dependency.conflict_item is None
        if is_mere_package or not environment.excludes(dependency.name, dependency.extra, dependency.group):
            kept.append(dependency)
    return DependencyFork(environment, kept)
