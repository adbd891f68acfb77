"""Tell whether a Lock still states a Manifest, and if not, every reason in words.

The checks and their order are uv's, whose first finding decides what the old lock is still good for. Nothing is read
or asked for; what a lock says of immutable packages (from an index or a commit) is trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeVar

from msgspec import structs

from lockflow.index.model import Absent, Metadata
from lockflow.inputs.model import Exclusion, Index, Manifest, Override, Settings, StaticMetadata
from lockflow.lock.asked import asks_the_same
from lockflow.lock.declarations import (
    changed_declarations,
    changed_groups,
    changed_source,
    is_mutable,
    locked_members,
    reason,
    undeclared,
)
from lockflow.lock.differences import (
    comparable,
    declared_difference,
    requirement_words,
    requirements_difference,
    set_difference,
)
from lockflow.lock.environments import covered
from lockflow.lock.model import (
    Dependency,
    Lock,
    LockedCutoff,
    Package,
    Reason,
    Request,
    Reuse,
    Validation,
)
from lockflow.lock.recorded import recorded_default_groups, recorded_group_pythons, recorded_manifest, recorded_options
from lockflow.standards.markers.render import render
from lockflow.standards.markers.simplify import simplify_python
from lockflow.standards.markers.tree import FALSE, TRUE, Marker, implies, is_disjoint, python_range_marker
from lockflow.standards.python_range import PythonRange
from lockflow.standards.requirements import ConflictItem, Directory, Registry, Requirement, Source

_T = TypeVar("_T")
_Check = Callable[[Lock, Manifest, Request], Iterable[Reason]]

_LISTS_GROUP_SETTINGS = 5
"""The revision from which a lock states the settings of groups."""


def validate(
    lock: Lock,
    manifest: Manifest,
    request: Request | None = None,
    current: Mapping[tuple[str, Source], Metadata | Absent] | None = None,
) -> Validation:
    """Compare `lock` with the inputs of today and with what is asked for.

    `current` is what local packages that are no members say of themselves today, as far as that is at hand.
    """
    wanted = Request() if request is None else request
    reasons = [reason for check in _CHECKS for reason in check(lock, manifest, wanted)]
    known = current or {}
    unchecked = undeclared(lock, manifest)
    for package in unchecked:
        found = known.get((package.name, package.source))
        if found is not None:
            by_edges = not manifest.settings.records_metadata
            reasons += changed_source(lock, package, found, judged_by_edges=by_edges)
    return Validation(
        reasons=tuple(reasons),
        reuse=reasons[0].reuse if reasons else Reuse.SATISFIED,
        unchecked=tuple(package.name for package in unchecked if (package.name, package.source) not in known),
    )


# Settings -----------------------------------------------------------------------------------------------------------


def _resolution_mode(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    old, new = lock.options.resolution, manifest.settings.resolution
    if old != new:
        yield reason("resolution-mode", f"`resolution` changed from {old} to {new}", Reuse.UNUSABLE)


def _fork_strategy(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    old, new = lock.options.fork_strategy, manifest.settings.fork_strategy
    if old != new:
        yield reason("fork-strategy", f"`fork-strategy` changed from {old} to {new}", Reuse.UNUSABLE)


def _exclude_newer(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    changes = _cutoff_changes(lock, manifest)
    return (found for found, is_later in changes if not is_later)


def _later_exclude_newer(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    """A time moved onward gives more versions to choose from, so that what concerns forks counts before it."""
    changes = _cutoff_changes(lock, manifest)
    return (found for found, is_later in changes if is_later)


def _cutoff_changes(lock: Lock, manifest: Manifest) -> Iterator[tuple[Reason, bool]]:
    """Changes of cut-offs, each with whether a time was but moved onward."""
    old, new = lock.options, recorded_options(manifest.settings)
    if not _is_same_cutoff(old.cutoff, new.cutoff):
        text = f"`exclude-newer` changed from {_cutoff_text(old.cutoff)} to {_cutoff_text(new.cutoff)}"
        yield reason("exclude-newer", text), _is_later(old.cutoff, new.cutoff)
    before, after = dict(old.cutoff_package), dict(new.cutoff_package)
    names = {package.name for package in lock.packages}
    for name in sorted(before.keys() | after.keys()):
        known, wanted = before.get(name), after.get(name)
        # An exemption gives more versions to choose from and does not make the locked one wrong.
        if wanted is False or (name not in before and name not in names):
            continue
        if known is False or not _is_same_cutoff(known, wanted):
            text = f"`exclude-newer-package` of {name} changed from {_cutoff_text(known)} to {_cutoff_text(wanted)}"
            yield reason("exclude-newer-package", text), _is_later(known or None, wanted)


def _is_later(old: LockedCutoff | None, new: LockedCutoff | None) -> bool:
    if old is None or new is None or old.span is not None or new.span is not None:
        return False
    (known, known_digits), (wanted, wanted_digits) = _instant(old.timestamp), _instant(new.timestamp)
    if known is None or wanted is None:
        return False
    return (known, known_digits or "") < (wanted, wanted_digits or "")


def _is_same_cutoff(a: LockedCutoff | None, b: LockedCutoff | None) -> bool:
    if a is None or b is None or a.span is not None or b.span is not None:
        return a == b
    return a.timestamp == b.timestamp or _instant(a.timestamp) == _instant(b.timestamp)


def _instant(timestamp: str | None) -> tuple[datetime | None, str | None]:
    """Whole seconds and the digits of the fraction; of what is no time, the text itself."""
    whole, dot, rest = (timestamp or "").partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))] if dot else ""
    try:
        return datetime.fromisoformat(whole + rest[len(digits) :]), digits.rstrip("0")
    except ValueError:
        return None, timestamp


def _cutoff_text(cutoff: LockedCutoff | Literal[False] | None) -> str:
    if cutoff is None:
        return "nothing"
    if cutoff is False:
        return "an exemption"
    return cutoff.span or cutoff.timestamp or "nothing"


def _upgrade_of_all(_: Lock, __: Manifest, request: Request) -> Iterator[Reason]:
    if request.upgrade == "all":
        yield reason("upgrade", "an upgrade of all packages was asked for", Reuse.UNUSABLE)


def _prerelease_mode(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    old, new = lock.options, recorded_options(manifest.settings)
    if old.prerelease != new.prerelease:
        text = f"`prerelease` changed from {old.prerelease} to {new.prerelease}"
        yield reason("prerelease-mode", text)
    if old.prerelease_package != new.prerelease_package:
        before, after = (_modes_text(options.prerelease_package) for options in (old, new))
        yield reason("prerelease-package", f"`prerelease-package` changed from {before} to {after}")


def _modes_text(modes: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} = {mode}" for name, mode in modes) or "nothing"


def _upgrade_of_some(_: Lock, __: Manifest, request: Request) -> Iterator[Reason]:
    if request.upgrade and request.upgrade != "all":
        yield reason("upgrade-package", f"an upgrade was asked for of {', '.join(sorted(request.upgrade))}")


def _refresh(_: Lock, __: Manifest, request: Request) -> Iterator[Reason]:
    if request.refresh:
        yield reason("refresh", "a refresh was asked for")


def _hash_algorithms(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    demanded = {entry.url: entry.hash_algorithm for entry in _indexes(manifest.settings) if entry.hash_algorithm}
    for package in lock.packages if demanded else ():
        algorithm = demanded.get(package.source.index or "") if isinstance(package.source, Registry) else None
        if algorithm is None:
            continue
        files = (*package.wheels, *((package.sdist,) if package.sdist is not None else ()))
        if any(not (file.hash or "").startswith(f"{algorithm}:") for file in files):
            yield reason(
                "hash-algorithm", f"files of {package.name} have no {algorithm} hash, which their index asks for"
            )


# Environments and Pythons -------------------------------------------------------------------------------------------


def _fork_coverage(lock: Lock, _: Manifest, __: Request) -> Iterator[Reason]:
    declared = FALSE
    for environment in lock.supported_environments or (TRUE,):
        declared = declared | environment
    declared = declared & python_range_marker(lock.requires_python.range)
    if lock.fork_markers and not implies(declared, covered(lock.requires_python.range, lock.fork_markers)):
        text = "the forks of the lock (`resolution-markers`) leave out environments that it claims to cover"
        yield reason("fork-coverage", text, Reuse.VERSIONS)


def _fork_overlap(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    python = python_range_marker(manifest.requires_python.range)
    if is_disjoint(covered(lock.requires_python.range, lock.fork_markers), python):
        text = f"no fork of the lock is for a Python in {manifest.requires_python.text}"
        yield reason("fork-overlap", text, Reuse.VERSIONS)


def _environments(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    python = lock.requires_python.range
    for key, old, new in (
        ("environments", lock.supported_environments, manifest.environments),
        ("required-environments", lock.required_environments, manifest.required_environments),
    ):
        before, after = _within(old, python), _within(new, python)
        if before != after:
            text = f"`{key}` changed from {_markers_text(before)} to {_markers_text(after)}"
            yield reason(key, text, Reuse.VERSIONS)


def _within(markers: Sequence[Marker] | None, python: PythonRange) -> list[Marker] | None:
    if markers is None:
        return None
    return [marker for marker in (simplify_python(marker, python) for marker in markers) if marker is not TRUE]


def _markers_text(markers: Sequence[Marker] | None) -> str:
    if not markers:
        return "all" if markers is None else "all of requires-python"
    return "; ".join(f'"{render(marker)}"' for marker in markers)


def _conflicts(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    if lock.conflicts != manifest.conflicts:
        text = f"`conflicts` changed from {_conflicts_text(lock.conflicts)} to {_conflicts_text(manifest.conflicts)}"
        yield reason("conflicts", text, Reuse.VERSIONS)


def _conflicts_text(sets: Sequence[Sequence[ConflictItem]]) -> str:
    return "; ".join(" against ".join(map(_item_text, items)) for items in sets) or "none"


def _item_text(item: ConflictItem) -> str:
    match item.kind:
        case "extra":
            return f"{item.package}[{item.name}]"
        case "group":
            return f"{item.package}:{item.name}"
        case "project":
            return item.package


def _requires_python(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    old, new = lock.requires_python, manifest.requires_python
    if old.range != new.range:
        reuse = Reuse.VERSIONS if lock.fork_markers else Reuse.PREFERABLE
        yield reason("requires-python", f"requires-python changed from {old.text} to {new.text}", reuse)


# The manifest -------------------------------------------------------------------------------------------------------


def _members(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    text = set_difference(lock.manifest.members, recorded_manifest(manifest).members, str)
    if text:
        yield reason("members", f"the members of the workspace changed: {text}")


def _member_sources(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    for member, package in locked_members(lock, manifest):
        source = package.source
        if not isinstance(source, Directory):
            yield reason("source", f"{member.name} is a member now, the lock took it from elsewhere")
        elif source.install != member.install:
            text = f"{member.name} was locked as {source.install}, it is {member.install} now"
            yield reason("source", text)
        elif source.path != member.path:
            yield reason("source", f"{member.name} moved from {source.path} to {member.path}")


def _manifest_requirements(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    python = lock.requires_python.range
    old, new = lock.manifest, recorded_manifest(manifest)
    locked = {package.name for package in lock.packages}
    if text := declared_difference(old.requirements, new.requirements, python):
        yield reason("requirements", f"the requirements of the script changed: {text}")
    limits = (tuple(filter(_limits, old.constraints)), tuple(filter(_limits, new.constraints)))
    constraints = _effective(*limits, locked, lambda item: item.name)
    if text := declared_difference(*constraints, python):
        yield reason("constraints", f"`constraint-dependencies` changed: {text}")
    yield from _overrides(old.overrides, new.overrides, locked, python)
    yield from _exclusions(old.exclusions, new.exclusions, locked)
    if text := requirements_difference(old.build_constraints, new.build_constraints, python):
        yield reason("build-constraints", f"`build-constraint-dependencies` changed: {text}")
    before = {group.name: group.requirements for group in old.groups}
    after = {group.name: group.requirements for group in new.groups}
    yield from changed_groups("the project", before, after, python, forgives_empty=True)
    metadata = _effective(old.static_metadata, new.static_metadata, locked, lambda item: item.name)
    if text := set_difference(*metadata, _static_metadata_text):
        yield reason("static-metadata", f"`dependency-metadata` changed: {text}")


def _overrides(
    old: Sequence[Override], new: Sequence[Override], locked: set[str], python: PythonRange
) -> Iterator[Reason]:
    def reduced(override: Override) -> Override:
        requirements = tuple(comparable(requirement, python) for requirement in override.requirements)
        return structs.replace(override, requirements=requirements)

    def subject(override: Override) -> str:
        return (override.scope or override.requirements[0]).name

    overrides = _effective(list(map(reduced, old)), list(map(reduced, new)), locked, subject)
    everywhere, scoped = zip(*map(_by_scope, overrides), strict=True)
    if set(scoped[0]) == set(scoped[1]) and asks_the_same(*everywhere):
        return
    if text := set_difference(*overrides, _override_text):
        yield reason("overrides", f"`override-dependencies` changed: {text}")


def _limits(constraint: Requirement) -> bool:
    """Whether a constraint says anything; a name alone does not."""
    return not isinstance(constraint.source, Registry) or not constraint.source.specifiers.is_empty


def _by_scope(overrides: Iterable[Override]) -> tuple[list[Requirement], list[Override]]:
    """The requirements that replace others everywhere, and the overrides of single packages."""
    kept = list(overrides)
    everywhere = [requirement for override in kept if override.scope is None for requirement in override.requirements]
    return everywhere, [override for override in kept if override.scope is not None]


def _effective(
    old: Sequence[_T], new: Sequence[_T], locked: set[str], subject: Callable[[_T], str]
) -> tuple[Sequence[_T], Sequence[_T]]:
    """Leave out what was added for a name that is not locked: it cannot change the lock.

    It is recorded once there is another reason to write. What is gone always counts, as it may have kept a package
    out of the lock.
    """
    known = set(old)
    return old, [item for item in new if item in known or subject(item) in locked]


def _override_text(override: Override) -> str:
    requirements = ", ".join(map(requirement_words, override.requirements))
    return requirements if override.scope is None else f"{requirements} (of {override.scope.name})"


def _exclusions(old: Sequence[Exclusion], new: Sequence[Exclusion], locked: set[str]) -> Iterator[Reason]:
    def subject(exclusion: Exclusion) -> str:
        return exclusion.names[0] if exclusion.scope is None else exclusion.scope.name

    if text := set_difference(*_effective(old, new, locked, subject), _exclusion_text):
        yield reason("excludes", f"`exclude-dependencies` changed: {text}")


def _exclusion_text(exclusion: Exclusion) -> str:
    names = ", ".join(exclusion.names)
    return names if exclusion.scope is None else f"{names} (of {exclusion.scope.name})"


def _static_metadata_text(metadata: StaticMetadata) -> str:
    return metadata.name if metadata.version is None else f"{metadata.name} {metadata.version}"


def _group_settings(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    states_all = lock.revision >= _LISTS_GROUP_SETTINGS
    recorded = recorded_manifest(manifest)
    if lock.manifest.default_groups != recorded.default_groups and (
        states_all or lock.manifest.default_groups is not None
    ):
        yield _default_groups_reason("the project", lock.manifest.default_groups, recorded.default_groups)
    if lock.manifest.group_requires_python != recorded.group_requires_python:
        yield reason("group-requires-python", "requires-python of a dependency group of the project changed")
    for member, package in locked_members(lock, manifest):
        groups = recorded_default_groups(member.default_groups)
        if package.default_groups != groups and (states_all or package.default_groups is not None):
            yield _default_groups_reason(member.name, package.default_groups, groups)
        pythons = recorded_group_pythons(member.groups)
        if package.group_requires_python != pythons and (states_all or package.group_requires_python):
            text = f"requires-python of a dependency group of {member.name} changed"
            yield reason("group-requires-python", text)


def _default_groups_reason(
    owner: str, old: tuple[str, ...] | Literal["all"] | None, new: tuple[str, ...] | Literal["all"] | None
) -> Reason:
    def text(groups: tuple[str, ...] | Literal["all"] | None) -> str:
        if groups is None:
            return "dev"
        return groups if groups == "all" else ", ".join(groups) or "none"

    return reason("default-groups", f"`default-groups` of {owner} changed from {text(old)} to {text(new)}")


# Packages -----------------------------------------------------------------------------------------------------------


def _missing_members(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    names = {package.name for package in lock.packages}
    for member in manifest.members:
        if member.name not in names:
            yield reason("missing-member", f"the lock does not list the member {member.name}")


def _unknown_indexes(lock: Lock, manifest: Manifest, _: Request) -> Iterator[Reason]:
    known = {entry.url for entry in _indexes(manifest.settings)}
    if not known:
        return
    # Only what local packages and the script ask for themselves: the rest of an index package is not looked into.
    direct = [(edge.name, edge.source) for package in lock.packages if is_mutable(package) for edge in _edges(package)]
    named = {requirement.name for requirement in (*manifest.requirements, *_group_requirements(manifest))}
    direct += [(package.name, package.source) for package in lock.packages if package.name in named]
    for name, source in dict.fromkeys(direct):
        if isinstance(source, Registry) and source.index is not None and source.index not in known:
            yield reason("index", f"{name} was taken from {source.index}, which is not configured any more")


def _group_requirements(manifest: Manifest) -> Iterator[Requirement]:
    for group in manifest.groups:
        yield from group.requirements


def _edges(package: Package) -> Iterator[Dependency]:
    yield from package.dependencies
    for _, dependencies in (*package.optional_dependencies, *package.dev_dependencies):
        yield from dependencies


def _indexes(settings: Settings) -> tuple[Index, ...]:
    return (*settings.indexes, *settings.find_links)


_CHECKS: tuple[_Check, ...] = (
    _resolution_mode,
    _fork_strategy,
    _exclude_newer,
    _upgrade_of_all,
    _fork_coverage,
    _fork_overlap,
    _environments,
    _conflicts,
    _requires_python,
    _later_exclude_newer,
    _prerelease_mode,
    _upgrade_of_some,
    _hash_algorithms,
    _refresh,
    _members,
    _member_sources,
    _manifest_requirements,
    _group_settings,
    _missing_members,
    _unknown_indexes,
    changed_declarations,
)
