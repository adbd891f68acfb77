"""Which revision of the format a uv release writes, and a Lock as that revision has it.

A revision adds keys, so an older one is the latest without them. Releases also changed what they write without a new
revision; that is not copied here.
"""

from __future__ import annotations

from msgspec import structs

from lockflow.errors import InputError
from lockflow.lock.model import Lock, LockedFile, Package, PackageMetadata
from lockflow.standards.versions import InvalidVersion, Version

LATEST_REVISION = 5

_FIRST_RELEASES = (("0.12.22", 5), ("0.8.4", 3), ("0.6.15", 2), ("0.6.0", 1), ("0", 0))
_EXTRAS = 1
_UPLOAD_TIMES = 2
"""The revisions that added these keys; those of groups came with the latest."""


def revision_of(uv: str | None) -> int:
    """Return the revision that a release of uv writes; the latest for None. Raises InputError for no version."""
    if uv is None:
        return LATEST_REVISION
    try:
        release = Version.parse(uv)
    except InvalidVersion as error:
        raise InputError(
            f"{uv!r} is not a release of uv", why=str(error), next='write one such as uv = "0.8.22"'
        ) from error
    return next((revision for first, revision in _FIRST_RELEASES if release >= Version.parse(first)), 0)


def in_revision(lock: Lock, revision: int) -> Lock:
    """Return `lock` with the keys that `revision` knows."""
    if revision >= LATEST_REVISION:
        return lock if lock.revision == revision else structs.replace(lock, revision=revision)
    manifest = structs.replace(
        lock.manifest,
        default_groups=None,
        groups=tuple(group for group in lock.manifest.groups if group.requirements),
        group_requires_python=(),
    )
    packages = tuple(_package(package, revision) for package in lock.packages)
    return structs.replace(lock, revision=revision, manifest=manifest, packages=packages)


def _package(package: Package, revision: int) -> Package:
    changed = structs.replace(package, default_groups=None, group_requires_python=())
    if revision < _UPLOAD_TIMES:
        sdist = None if package.sdist is None else _without_time(package.sdist)
        changed = structs.replace(changed, sdist=sdist, wheels=tuple(map(_without_time, package.wheels)))
    if revision < _EXTRAS and package.metadata is not None:
        changed = structs.replace(changed, metadata=_without_extras(package.metadata))
    return changed


def _without_time(file: LockedFile) -> LockedFile:
    return structs.replace(file, upload_time=None)


def _without_extras(metadata: PackageMetadata) -> PackageMetadata | None:
    groups = tuple((name, requirements) for name, requirements in metadata.requires_dev if requirements)
    if not metadata.requires_dist and not groups:
        return None
    return PackageMetadata(requires_dist=metadata.requires_dist, requires_dev=groups)
