"""Metadata of what comes from elsewhere than an index: archives at URLs and on disk, source trees, git repositories."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, cast

from msgspec import Struct
from msgspec.structs import replace

from lockflow.errors import AnswerIsNo
from lockflow.index.building import Building, SourceTree, digest_of_file
from lockflow.index.cache import Cache
from lockflow.index.entries import StoredArchive, archive_path, decode_archive, encode_entry
from lockflow.index.freshness import conditions, confirmed, is_fresh, policy_of
from lockflow.index.git import Repositories
from lockflow.index.metadata import CoreMetadata, InvalidMetadata, as_metadata, parse_core_metadata
from lockflow.index.model import Absent, Metadata, SourceMetadata
from lockflow.index.network import Network
from lockflow.index.options import ReadTree
from lockflow.index.reading import FORBIDDEN, NOT_FOUND, metadata_of_archive, opened, unexpected_status
from lockflow.index.sdist import InvalidSdist, static_metadata
from lockflow.index.unpack import unpack
from lockflow.index.urls import file_name_of
from lockflow.index.wheel_tail import InvalidWheel
from lockflow.inputs.model import StaticMetadata, Tree
from lockflow.standards.filenames import parse_sdist_name
from lockflow.standards.requirements import Archive, Directory, Git, LocalFile, Registry, Requirement, Source
from lockflow.standards.versions import Version

_LARGEST_ARCHIVE = 16 << 30
_IN_MEMORY = 8 << 20
_LARGEST_KEY_FILE = 1 << 20
_KEY_SUFFIXES = frozenset({".cfg", ".in", ".py", ".toml", ".txt"})
"""Files beside a pyproject.toml from which backends are known to take what a project depends on."""


class SourceOptions(Struct, frozen=True, kw_only=True):
    """`root` is the folder from which paths count; `read_tree` reads what a tree declares, paths seen from another."""

    root: Path
    read_tree: ReadTree
    static_metadata: tuple[StaticMetadata, ...] = ()
    offline: bool = False


class SourceReader:
    """Reads sources; without `building` those that only a build could tell stay untold."""

    def __init__(
        self,
        options: SourceOptions,
        http: Network,
        cache: Cache | None,
        repositories: Repositories,
        building: Building | None,
        now: Callable[[], int],
    ) -> None:
        self._options = options
        self._http = http
        self._cache = cache
        self._repositories = repositories
        self._building = building
        self._now = now

    async def read(self, name: str, source: Source) -> SourceMetadata | Absent:
        """What stands behind a source. Raises AnswerIsNo where it cannot be had, NetworkError, InputError."""
        match source:
            case Archive():
                return await self._archive(name, source)
            case LocalFile(path=path):
                return await self._local_file(name, source, self._options.root / path, path)
            case Directory(path=path):
                return await self._tree(name, source, self._options.root / path, self._options.root, path)
            case Git():
                return await self._git(name, source)
            case Registry():
                raise AssertionError(source)

    # Archives ---------------------------------------------------------------------------------------------------

    async def _archive(self, name: str, source: Archive) -> SourceMetadata | Absent:
        path = archive_path(source.url, source.subdirectory)
        stored = None if self._cache is None else decode_archive(self._cache.read(path))
        if stored is not None and (self._options.offline or is_fresh(stored.policy, self._now())):
            return _sourced(stored.core, name, source, hash=stored.hash)
        if self._options.offline:
            return Absent(kind="offline", reason=f"{source.url} is not in the cache, and the network is off")
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as spooled:
            content = cast("IO[bytes]", spooled)
            asked = () if stored is None else conditions(stored.policy)
            answer = await self._http.get(source.url, headers=asked, limit_bytes=_LARGEST_ARCHIVE, sink=content)
            if answer.status == 304 and stored is not None:
                self._keep(path, replace(stored, policy=confirmed(stored.policy, answer.headers, self._now())))
                return _sourced(stored.core, name, source, hash=stored.hash)
            if answer.status in FORBIDDEN:
                return Absent(kind="unauthorized", reason=answer.refusal)
            if answer.status in NOT_FOUND:
                raise AnswerIsNo(
                    f"{name} is not where it should be",
                    where=source.url,
                    why=f"the server answers {answer.status}",
                    next="correct the URL of it in your requirements or [tool.uv.sources]",
                )
            if answer.status != 200:
                raise unexpected_status(answer)
            found = await self._archive_metadata(name, content, file_name_of(source.url), source.url, source)
        if isinstance(found, Absent):
            return found
        core, digest = found
        policy = policy_of(answer.headers, self._now())
        if policy is not None:
            self._keep(path, StoredArchive(policy, digest, core))
        return _sourced(core, name, source, hash=digest)

    def _keep(self, path: str, entry: StoredArchive) -> None:
        if self._cache is not None:
            self._cache.write(path, encode_entry(entry))

    async def _local_file(self, name: str, source: LocalFile | Git, path: Path, shown: str) -> SourceMetadata | Absent:
        if not path.is_file():  # noqa: ASYNC240  quicker than a thread
            raise _missing(name, shown)
        with opened(path) as content:
            found = await self._archive_metadata(name, content, path.name, shown, source)
        if isinstance(found, Absent):
            return found
        return _sourced(found[0], name, source, hash=found[1])

    async def _archive_metadata(
        self, name: str, content: IO[bytes], filename: str, where: str, source: Source
    ) -> tuple[CoreMetadata, str] | Absent:
        """Metadata and `sha256:…` of a wheel or sdist at hand."""
        digest = digest_of_file(content)
        subdirectory = source.subdirectory if isinstance(source, Archive) else None
        try:
            if filename.endswith(".whl"):
                core: CoreMetadata | None = parse_core_metadata(metadata_of_archive(content, name))
            else:
                named = parse_sdist_name(filename, name) if isinstance(source, LocalFile) else None
                version = None if named is None else named.version
                core = static_metadata(content, filename, name, version, subdirectory)
                if core is None:
                    core = self._given(name)
                if core is None:
                    core = await self._built(name, digest, content, filename, where, subdirectory)
        except (InvalidMetadata, InvalidWheel, InvalidSdist) as error:
            return Absent(kind="invalid-metadata", reason=f"{filename}: {error}")
        if core is None:
            return _untold(name, self._building)
        return core, digest.replace("/", ":", 1)

    async def _built(
        self, name: str, digest: str, content: IO[bytes], filename: str, where: str, subdirectory: str | None
    ) -> CoreMetadata | None:
        building = self._building
        if building is None or building.builds.is_disabled(name):
            return None
        key = digest if subdirectory is None else f"{digest}-{_short_digest(subdirectory.encode())}"
        known = building.known(name, key)
        if known is not None:
            return known

        def unpacked(folder: Path) -> SourceTree:
            tree = unpack(content, filename, folder)
            folder = inside(tree, subdirectory, name)
            return SourceTree(name=name, label=f"{name} ({where})", folder=folder, where=where)

        return await building.metadata(name, key, unpacked)

    # Trees ------------------------------------------------------------------------------------------------------

    async def _git(self, name: str, source: Git) -> SourceMetadata | Absent:
        pinned = await asyncio.to_thread(self._repositories.pinned, source)
        root = await asyncio.to_thread(self._repositories.tree, pinned)
        if pinned.path is not None:
            path = inside(root, pinned.path, name)
            return await self._local_file(name, pinned, path, f"{pinned.url}, {pinned.path}")
        folder = inside(root, pinned.subdirectory, name)
        found = await self._tree(name, pinned, folder, root, pinned.url)
        if isinstance(found, Absent):
            return found
        return replace(
            found,
            requires_dist=tuple(_within_git(entry, pinned) for entry in found.requires_dist),
            groups=tuple(
                replace(group, requirements=tuple(_within_git(entry, pinned) for entry in group.requirements))
                for group in found.groups
            ),
        )

    async def _tree(
        self, name: str, source: Directory | Git, folder: Path, seen_from: Path, shown: str
    ) -> SourceMetadata | Absent:
        """A source tree: what its files say where they say everything, else what its backend says."""
        if not folder.is_dir():  # noqa: ASYNC240  quicker than a thread
            raise _missing(name, shown)
        tree = self._options.read_tree(folder, seen_from)
        declared = None if tree is None else tree.declared
        groups = () if declared is None else declared.groups
        if tree is not None and declared is not None and tree.is_complete and declared.version is not None:
            if declared.name != name:
                return _other_name(declared.name)
            python = declared.requires_python
            return SourceMetadata(
                name=name,
                version=declared.version,
                requires_dist=declared.requires_dist,
                requires_python=None if python is None else python.text,
                provides_extras=declared.provides_extras,
                source=source,
                groups=groups,
            )
        core = self._given(name) or await self.built_tree(name, source, folder, tree, shown)
        if core is None:
            return _untold(name, self._building)
        found = _sourced(core, name, source, hash=None)
        if isinstance(found, Absent):
            return found
        requires_dist = found.requires_dist
        if tree is not None:
            requires_dist = tuple(lowered for entry in requires_dist for lowered in tree.lower(entry))
        # A version that is declared to be dynamic changes with the files of a folder, so a lock does not state it.
        is_dynamic = isinstance(source, Directory) and declared is not None and declared.version is None
        return replace(found, requires_dist=requires_dist, groups=groups, is_version_dynamic=is_dynamic)

    async def built_tree(
        self, name: str, source: Directory | Git, folder: Path, tree: Tree | None, shown: str
    ) -> CoreMetadata | None:
        """What the build backend of a tree says, None where builds are off. Raises AnswerIsNo."""
        building = self._building
        if building is None or building.builds.is_disabled(name):
            return None
        key = _tree_digest(source, folder)
        known = building.known(name, key)
        if known is not None:
            return known
        lower = None if tree is None else tree.lower
        target = SourceTree(name=name, label=f"{name} ({shown})", folder=folder, where=shown, lower=lower)
        return await building.metadata(name, key, lambda _: target)

    def _given(self, name: str) -> CoreMetadata | None:
        """Static metadata that the settings give for a source; the one entry with a version is meant."""
        entries = [entry for entry in self._options.static_metadata if entry.name == name and entry.version is not None]
        if len(entries) != 1:
            return None
        # What it requires is taken from the settings anyway; here only its version is missing.
        entry = entries[0]
        return CoreMetadata(
            name, str(entry.version), requires_python=entry.requires_python, provides_extras=entry.provides_extras
        )


def _sourced(core: CoreMetadata, name: str, source: Source, *, hash: str | None) -> SourceMetadata | Absent:
    if core.name != name:
        return _other_name(core.name)
    metadata: Metadata = as_metadata(core, Version.parse(core.version))
    return SourceMetadata(
        name=name,
        version=metadata.version,
        requires_dist=metadata.requires_dist,
        requires_python=metadata.requires_python,
        provides_extras=metadata.provides_extras,
        source=source,
        hash=hash,
    )


def _other_name(name: str) -> Absent:
    return Absent(kind="inconsistent-metadata", reason=f"its metadata is that of {name}")


def _untold(name: str, building: Building | None) -> Absent:
    if building is not None and building.builds.is_disabled(name):
        return Absent(kind="build-disabled", reason="only a build could tell what it depends on")
    return Absent(kind="needs-build", reason="only a build could tell what it depends on")


def _missing(name: str, shown: str) -> AnswerIsNo:
    return AnswerIsNo(
        f"{name} is not where it should be",
        where=shown,
        why="there is no such file or folder",
        next="correct the source of it in [tool.uv.sources], or put it there",
    )


def inside(root: Path, path: str | None, name: str) -> Path:
    """A place in an unpacked or checked out tree, which links must not lead out of."""
    if path is None:
        return root
    target = root / path
    if not target.resolve().is_relative_to(root.resolve()):
        raise AnswerIsNo(f"{name} is not where it should be", where=path, why="the path leads out of the source")
    return target


def _within_git(requirement: Requirement, git: Git) -> Requirement:
    """A path in a repository as a part of that repository, at the same commit."""
    source = requirement.source
    if not isinstance(source, Directory | LocalFile):
        return requirement
    path = PurePosixPath(source.path)
    if path.is_absolute() or ".." in path.parts:
        raise AnswerIsNo(
            f"{requirement.name} is not where it should be",
            where=git.url,
            why=f"its path {source.path} leads out of the repository",
        )
    if isinstance(source, LocalFile):
        return replace(requirement, source=replace(git, path=source.path, subdirectory=None))
    subdirectory = None if source.path == "." else source.path
    return replace(requirement, source=replace(git, path=None, subdirectory=subdirectory))


def _tree_digest(source: Directory | Git, folder: Path) -> str:
    """Names what a build of the tree depends on: a commit, or the files that backends read."""
    if isinstance(source, Git):
        return f"git/{source.commit}-{_short_digest((source.subdirectory or '').encode())}"
    digest = hashlib.blake2b(str(folder.resolve()).encode("utf-8", "surrogateescape"), digest_size=20)
    for path in sorted(folder.iterdir()):
        if path.suffix in _KEY_SUFFIXES and path.is_file() and path.stat().st_size <= _LARGEST_KEY_FILE:
            content = path.read_bytes()
            digest.update(f"\0{path.name}\0{len(content)}\0".encode("utf-8", "surrogateescape") + content)
    return f"tree/{digest.hexdigest()}"


def _short_digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()
