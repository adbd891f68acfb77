"""From a reading of the inputs to a lock: what the old one is good for, and what a resolution makes of them."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from lockflow.errors import AnswerIsNo, InputError
from lockflow.index.client import IndexClient
from lockflow.index.model import Absent
from lockflow.inputs.model import Manifest
from lockflow.inputs.read import ReadResult
from lockflow.lock.declarations import undeclared
from lockflow.lock.from_resolution import lock_from_resolution
from lockflow.lock.model import Lock, Request, Validation
from lockflow.lock.restate import restated
from lockflow.lock.validate import validate
from lockflow.platforms.support import doubts as doubts_of
from lockflow.required_wheels import promised, refuse_lacking_wheels, targets_of
from lockflow.resolve.drive import Progress, fetch_sources, resolve
from lockflow.resolve.explain import explain
from lockflow.resolve.fork import stays_in_order
from lockflow.resolve.policy import Policy as ResolvePolicy
from lockflow.resolve.preferences import Preferences
from lockflow.resolve.resolution import Resolution
from lockflow.resolve.solve import Failure
from lockflow.standards.requirements import Archive, Directory
from lockflow.standards.versions import Version
from lockflow.target import Network
from lockflow.unrecorded import with_unrecorded


def restated_lock(
    old: Lock, manifest: Manifest, validation: Validation, network: Network, connect: Callable[[], IndexClient]
) -> Lock | None:
    """The lock that a resolution would give, where that is known without one."""
    settings = manifest.settings
    forks = [fork.environment for fork in old.fork_markers]
    if old.fork_markers and (old.conflicts or not stays_in_order(forks, settings.fork_strategy, settings.resolution)):
        return None
    new = restated(old, manifest, validation.reasons)
    if new is None or validated(new, manifest, Request(), network, connect).reasons:
        return None
    return new


def request_of(read: ReadResult, network: Network) -> Request:
    """What the run asks for beside the inputs, with groups replaced by the names in them."""
    if read.upgrade:
        return Request(upgrade="all", refresh=bool(network.refresh))
    names = {requirement.name for requirement in read.upgrade_packages}
    for group in read.upgrade_groups:
        names |= _names_in_group(read.manifest, group)
    return Request(upgrade=frozenset(names), refresh=bool(network.refresh))


def _names_in_group(manifest: Manifest, name: str) -> set[str]:
    groups = [*manifest.groups, *(group for member in manifest.members for group in member.groups)]
    chosen = [group for group in groups if group.name == name]
    if not chosen:
        known = ", ".join(sorted({group.name for group in groups})) or "none"
        raise InputError(
            f"there is no dependency group {name}",
            where="--upgrade-group",
            why=f"the groups of the project are: {known}",
        )
    return {requirement.name for group in chosen for requirement in group.requirements}


def with_built_members(read: ReadResult, connect: Callable[[], IndexClient]) -> ReadResult:
    """Ask the build backends of members for what their own files leave to them."""
    sources = {
        member.name: Directory(path=member.path, install=member.install)
        for member in read.manifest.members
        if member.dynamic - {"version"}
    }
    if not sources:
        return read
    found = fetch_sources(connect, list(sources.items()))
    members = []
    for member in read.manifest.members:
        if member.name not in sources:
            members.append(member)
            continue
        built = found[member.name, sources[member.name]]
        if isinstance(built, Absent):
            raise AnswerIsNo(
                f"the dependencies of {member.name} are known to its build backend alone",
                where=member.path,
                why=built.reason or built.kind,
                next="declare them in [project], or allow it to be built",
            )
        members.append(replace(member, requires_dist=built.requires_dist, provides_extras=built.provides_extras))
    return replace(read, manifest=replace(read.manifest, members=tuple(members)))


def validated(
    old: Lock, manifest: Manifest, request: Request, network: Network, connect: Callable[[], IndexClient]
) -> Validation:
    """Validate a lock, looking into local packages that are no members only where nothing else is wrong."""
    validation = validate(old, manifest, request)
    wanted = [(package.name, package.source) for package in undeclared(old, manifest)]
    if network.offline:
        wanted = [(name, source) for name, source in wanted if not isinstance(source, Archive)]
    if not validation.reasons and wanted:
        current = fetch_sources(connect, wanted)
        return with_unrecorded(validate(old, manifest, request, current), old, manifest, current)
    return with_unrecorded(validation, old, manifest, {})


def resolved(
    read: ReadResult,
    preferences: Preferences,
    connect: Callable[[], IndexClient],
    progress: Progress | None,
) -> tuple[Lock, tuple[str, ...]]:
    """The lock, and what it promises that it cannot keep, in words."""
    manifest = read.manifest
    # "-P name<2" limits this run only, so it is not part of what the lock records.
    limited = replace(manifest, constraints=(*manifest.constraints, *read.upgrade_packages, *read.limits))
    limited = replace(limited, wheel_targets=targets_of(read))
    outcome = resolve(limited, preferences, connect, progress)
    if isinstance(outcome, Failure):
        raise _no_solution(outcome, limited, preferences, read)
    lock = lock_from_resolution(outcome, manifest)
    refuse_lacking_wheels(lock, read)
    return lock, _doubts(lock, outcome, read)


def _doubts(lock: Lock, resolution: Resolution, read: ReadResult) -> tuple[str, ...]:
    stated: dict[tuple[str, Version], str] = {}
    for found in resolution.distributions:
        metadata, release = found.metadata, found.release
        texts = [metadata.requires_python] if metadata is not None else []
        texts += [file.requires_python for file in release.files] if release is not None else []
        text = next((text for text in texts if text), None)
        if text is not None and found.version is not None:
            stated[found.name, found.version] = text
    try:
        platforms, pythons = promised(read)
    except InputError:
        # A platform or Python that is not known is the affair of a check; it stops no lock.
        return ()
    return doubts_of(lock, platforms, pythons, stated)


def _no_solution(failure: Failure, manifest: Manifest, preferences: Preferences, read: ReadResult) -> AnswerIsNo:
    explanation = explain(failure, ResolvePolicy(manifest, preferences))
    files = [path for path in read.input_files if path.name == "pyproject.toml" or path.suffix == ".py"]
    return AnswerIsNo(
        explanation.headline,
        where=str(files[0] if files else read.root),
        why="\n".join(explanation.reasons),
        next="\n".join(explanation.hints),
    )
