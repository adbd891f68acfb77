"""Which revision of the format a uv release writes, and a Lock as that revision has it.

A revision adds keys, so an older one is the latest without them. Releases also changed what they write without a new
revision: `era_of` tells what of that is known here, found by locking the golden cases with old releases.
"""

from __future__ import annotations

from msgspec import Struct, structs

from lockflow.errors import InputError
from lockflow.lock.model import Lock, LockedFile, Package, PackageMetadata
from lockflow.lock.prune import ALL_KNOWN, Known
from lockflow.standards.versions import InvalidVersion, Version

LATEST_REVISION = 5

_FIRST_RELEASES = (("0.12.22", 5), ("0.8.4", 3), ("0.6.15", 2), ("0.6.0", 1), ("0", 0))
_FIRST_TO_KNOW: dict[str, str] = {
    "processors": "0.9.22",
    "cp3": "0.10.12",
    "abi3t": "0.11.4",
    "windows-on-arm": "0.12.23",
}
"""The release from which a rule for tags is known to hold; where it began may be a few releases earlier."""
_FIRST_TO_SHORTEN = "0.11.26"
_FIRST_WITHOUT_METADATA = ("0.11.33", 4)
"""The release from which a lock without metadata has a revision of its own, until the latest one took it in."""
_EXTRAS = 1
_UPLOAD_TIMES = 2
"""The revisions that added these keys; those of groups came with the latest."""


class Era(Struct, frozen=True, kw_only=True):
    """How a release of uv writes locks. `known` is what it knows of the tags of wheels.

    `shortens_edges` tells whether the marker of an edge leaves out what its parent and the lock's environments say.
    """

    revision: int = LATEST_REVISION
    revision_without_metadata: int = LATEST_REVISION
    known: Known = ALL_KNOWN
    shortens_edges: bool = True


NOW = Era()


def era_of(uv: str | None) -> Era:
    """Return the era of a release of uv; the present one for None. Raises InputError for no version."""
    if uv is None:
        return NOW
    revision = revision_of(uv)
    release = Version.parse(uv)
    known = frozenset(name for name, first in _FIRST_TO_KNOW.items() if release >= Version.parse(first))
    first, own = _FIRST_WITHOUT_METADATA
    return Era(
        revision=revision,
        revision_without_metadata=max(own, revision) if release >= Version.parse(first) else revision,
        known=known,
        shortens_edges=release >= Version.parse(_FIRST_TO_SHORTEN),
    )


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
