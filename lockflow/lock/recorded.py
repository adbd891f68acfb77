"""What a lock records of the inputs themselves: options, resolver inputs, and what local packages declare.

The writer puts this down, and validation compares it with what an older lock has, so both speak of the same form.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

from lockflow.inputs.model import Cutoff, Exclusion, Group, Manifest, Member, Override, Settings
from lockflow.lock.model import LockedCutoff, LockManifest, Options, PackageMetadata
from lockflow.lock.order import exclusion_key, override_key, requirement_key, static_metadata_key
from lockflow.standards.markers.simplify import complexify_python, simplify_python
from lockflow.standards.markers.tree import TRUE, Marker
from lockflow.standards.python_range import PythonRange
from lockflow.standards.requirements import Requirement

_DEFAULT_GROUPS = ("dev",)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def recorded_options(settings: Settings) -> Options:
    """Return the settings that a lock states where they differ from their defaults."""
    return Options(
        resolution=settings.resolution,
        prerelease=settings.prerelease,
        fork_strategy=settings.fork_strategy,
        cutoff=None if settings.cutoff is None else _cutoff(settings.cutoff),
        prerelease_package=tuple(sorted(settings.prerelease_package)),
        cutoff_package=tuple(
            (name, cutoff if cutoff is False else _cutoff(cutoff))
            for name, cutoff in sorted(settings.cutoff_package, key=lambda item: item[0])
        ),
    )


def _cutoff(cutoff: Cutoff) -> LockedCutoff:
    if cutoff.span is not None:
        return LockedCutoff(span=cutoff.span)
    return LockedCutoff(timestamp=timestamp_text(cutoff.timestamp_ns))


def timestamp_text(nanoseconds: int) -> str:
    """Return RFC 3339 text in UTC, with as many digits of the fraction as are needed."""
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    minutes, seconds = divmod(seconds, 60)
    text = f"{_minute_text(minutes)}:{seconds:02d}"
    return f"{text}.{fraction:09d}".rstrip("0") + "Z" if fraction else f"{text}Z"


@lru_cache(maxsize=1024)
def _minute_text(minutes: int) -> str:
    # Files of a release are uploaded within the same minutes.
    text = (_EPOCH + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M")
    return text.rjust(16, "0")  # strftime leaves years before 1000 unpadded on some systems


def recorded_manifest(manifest: Manifest) -> LockManifest:
    """Return the resolver inputs that belong to no package entry."""
    has_own_groups = not manifest.has_project_root and not manifest.is_script
    lists_members = len(manifest.members) > 1 or not manifest.has_project_root
    return LockManifest(
        members=tuple(sorted(member.name for member in manifest.members)) if lists_members else (),
        default_groups=recorded_default_groups(manifest.default_groups) if has_own_groups else None,
        requirements=recorded_requirements(manifest.requirements),
        constraints=recorded_requirements(manifest.constraints),
        overrides=recorded_overrides(manifest.overrides),
        exclusions=recorded_exclusions(manifest.exclusions),
        build_constraints=recorded_requirements(manifest.build_constraints),
        groups=tuple(
            Group(name=group.name, requirements=recorded_requirements(group.requirements))
            for group in sorted(manifest.groups, key=lambda group: group.name)
        ),
        group_requires_python=recorded_group_pythons(manifest.groups),
        static_metadata=tuple(sorted(manifest.static_metadata, key=static_metadata_key)),
    )


def recorded_requirements(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """Return declared requirements sorted, each once."""
    return tuple(sorted(dict.fromkeys(requirements), key=requirement_key))


def recorded_overrides(overrides: Iterable[Override]) -> tuple[Override, ...]:
    """Return overrides sorted, each once, those of one parent first."""
    return tuple(sorted(dict.fromkeys(overrides), key=override_key))


def recorded_exclusions(exclusions: Iterable[Exclusion]) -> tuple[Exclusion, ...]:
    """Return exclusions sorted, each once, those of one parent first."""
    return tuple(sorted(dict.fromkeys(exclusions), key=exclusion_key))


def recorded_default_groups(groups: Sequence[str] | Literal["all"] | None) -> tuple[str, ...] | Literal["all"] | None:
    """Return the groups installed by default, None where they are the usual ones."""
    if groups is None or groups == "all":
        return groups
    names = tuple(sorted(groups))
    return None if names == _DEFAULT_GROUPS else names


def recorded_group_pythons(groups: Iterable[Group]) -> tuple[tuple[str, str], ...]:
    """Return the Python versions that groups ask for, by name."""
    return tuple(sorted((group.name, group.requires_python) for group in groups if group.requires_python is not None))


def member_metadata(member: Member) -> PackageMetadata | None:
    """Return what a member declares; None where it declares nothing."""
    return package_metadata(member.requires_dist, member.provides_extras, member.groups)


def package_metadata(
    requires_dist: Iterable[Requirement], provides_extras: Iterable[str], groups: Iterable[Group] = ()
) -> PackageMetadata | None:
    """Return what a package declares in the form of a lock; None where it declares nothing."""
    metadata = PackageMetadata(
        requires_dist=recorded_requirements(requires_dist),
        provides_extras=tuple(provides_extras),
        requires_dev=tuple(
            (group.name, recorded_requirements(group.requirements))
            for group in sorted(groups, key=lambda group: group.name)
        ),
    )
    return metadata if metadata.requires_dist or metadata.provides_extras or metadata.requires_dev else None


def recorded_environments(markers: Sequence[Marker] | None, python: PythonRange) -> tuple[Marker, ...] | None:
    """Return declared environments within `python`, without those that hold for all of it."""
    if markers is None:
        return None
    simplified = (simplify_python(marker, python) for marker in markers)
    return tuple(complexify_python(marker, python) for marker in simplified if marker is not TRUE)
