"""The walk that only compares: every package of a lock with the page and the metadata that its index has of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct

from lockflow import steps
from lockflow.errors import AnswerIsNo, LockflowError
from lockflow.index.client import IndexClient
from lockflow.index.model import Absent, File, Listing, Metadata
from lockflow.inputs.model import Index, Manifest
from lockflow.lock.model import Lock, Package
from lockflow.lock.verify import (
    Difference,
    edge_differences,
    file_differences,
    missing_nodes,
    reach,
    release_of,
)
from lockflow.resolve.dependencies import specialise
from lockflow.resolve.policy import Policy
from lockflow.resolve.preferences import Preferences
from lockflow.standards.markers.tree import FALSE
from lockflow.standards.requirements import Registry, Requirement

_MOST_AT_ONCE = 40


class Verification(Struct, frozen=True, kw_only=True):
    """What a comparison found. `unanswered` says of packages in words why they could not be compared, by name.

    `compared` counts packages of indexes, `others` those from elsewhere, of which no index knows.
    """

    compared: int
    others: int
    differences: tuple[Difference, ...]
    unanswered: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...] = ()


class _Answer(Struct):
    """What was learnt of one package: its page, and what it requires; texts where that could not be had."""

    package: Package
    listing: Listing | Absent | None = None
    requirements: tuple[Requirement, ...] | None = None
    failure: str = ""


def verify(
    target: steps.Target,
    *,
    network: steps.Network | None = None,
    on_done: Callable[[str], None] | None = None,
) -> Verification:
    """Compare the lock of a project with the indexes it names.

    Raises AnswerIsNo where there is no lock, LockFileError where it cannot be read. Where an index does not answer,
    or the network is off and the cache has nothing, the packages concerned are `unanswered`.
    """
    walk = steps.Walk(target, network or steps.Network())
    lock = walk.old_lock()
    read = walk.read
    if lock is None:
        where = str(read.lock_path)
        raise AnswerIsNo("there is no lock to verify", where=where, next="run `lockflow lock` first")
    packages = [package for package in lock.packages if isinstance(package.source, Registry)]
    answers = asyncio.run(_ask(walk.connect, packages, read.manifest, on_done))
    found = [
        entry
        for answer in answers
        if answer.listing is not None
        for entry in file_differences(answer.package, answer.listing)
    ]
    found += _edges(lock, read.manifest, answers)
    return Verification(
        compared=sum(not answer.failure for answer in answers),
        others=len(lock.packages) - len(packages),
        differences=tuple(sorted(found, key=lambda entry: (entry.package, entry.version))),
        unanswered=tuple((answer.package.name, answer.failure) for answer in answers if answer.failure),
        warnings=read.warnings,
    )


# What is asked ------------------------------------------------------------------------------------------------------


async def _ask(
    connect: Callable[[], IndexClient],
    packages: list[Package],
    manifest: Manifest,
    on_done: Callable[[str], None] | None,
) -> list[_Answer]:
    client = connect()
    bound = asyncio.Semaphore(_MOST_AT_ONCE)

    async def one(package: Package) -> _Answer:
        async with bound:
            answer = _Answer(package=package)
            try:
                await _learn(client, answer, manifest)
            except LockflowError as error:
                answer.failure = error.what
            if on_done is not None:
                on_done(f"{package.name} {package.version}")
            return answer

    try:
        return list(await asyncio.gather(*map(one, packages)))
    finally:
        await client.aclose()


async def _learn(client: IndexClient, answer: _Answer, manifest: Manifest) -> None:
    package = answer.package
    index = _index_of(package, manifest)
    listing = await client.listing(package.name, index)
    if isinstance(listing, Absent) and listing.kind in ("offline", "unauthorized"):
        answer.failure = listing.reason or listing.kind
        return
    answer.listing = listing
    release = None if isinstance(listing, Absent) else release_of(package, listing)
    if release is None or package.version is None:
        return
    for entry in manifest.static_metadata:
        if entry.name == package.name and entry.version in (None, package.version):
            answer.requirements = entry.requires_dist
            return
    file = _telling_file(package, release.files)
    if file is None:
        return
    metadata = await client.built(package.name, package.version, file, index)
    if isinstance(metadata, Metadata):
        answer.requirements = metadata.requires_dist
    else:
        answer.failure = metadata.reason or metadata.kind


def _index_of(package: Package, manifest: Manifest) -> Index:
    assert isinstance(package.source, Registry)
    url = package.source.index or ""
    settings = manifest.settings
    return next((index for index in (*settings.indexes, *settings.find_links) if index.url == url), Index(url=url))


def _telling_file(package: Package, files: tuple[File, ...]) -> File | None:
    """A wheel that the lock lists, else another wheel, else whatever there is."""
    locked = {file.name for file in package.wheels}
    ranked = sorted(files, key=lambda file: (not file.is_wheel, file.filename not in locked))
    return next(iter(ranked), None)


# What is compared ---------------------------------------------------------------------------------------------------


def _edges(lock: Lock, manifest: Manifest, answers: list[_Answer]) -> list[Difference]:
    policy = Policy(manifest, Preferences())
    within = reach(lock, manifest)
    found = list(missing_nodes(lock, within))
    known = {(entry.package.name, entry.package.version, entry.package.source): entry.requirements for entry in answers}
    for at, package in enumerate(lock.packages):
        requirements = known.get((package.name, package.version, package.source))
        if requirements is None:
            continue
        for extra in ("", *(extra for extra, _ in package.optional_dependencies)):
            place = within.get((at, extra), FALSE)
            own = specialise(requirements, policy, package.name, package.version, extra=extra or None)
            found += edge_differences(lock, package, extra, own, place)
    return found
