"""Looks at what lockflow needs around it: the project, its lock, the indexes, uv, the cache and an engine.

Each finding is fine, or says what to do; nothing is changed, nothing is downloaded but an index page for each index.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from lockflow.before_build import before_build
from lockflow.engines.model import Engine
from lockflow.engines.process import run_here
from lockflow.errors import EngineError, LockflowError
from lockflow.inputs.model import Index, Settings
from lockflow.inputs.read import ReadResult
from lockflow.keeping import cache_folder, held, size_text
from lockflow.lock.modes import Mode
from lockflow.platforms.probing import place_of
from lockflow.platforms.pythons import pythons_to_check
from lockflow.platforms.read import read_platforms
from lockflow.proving import OpenEngine
from lockflow.standards.requirements import Registry
from lockflow.steps import Network, Target, Walk, inputs, lock

_SECONDS = 20.0
_VERSION = re.compile(r"uv ([0-9][0-9.]*)", re.ASCII)


class Finding(Struct, frozen=True, kw_only=True):
    """What was looked at, whether it is fine, what was found, and what to do where it is not."""

    subject: str
    is_fine: bool
    what: str
    next: str = ""


def examine(target: Target, network: Network, open_engine: OpenEngine) -> Iterator[Finding]:
    """Look at one thing after the other; each is looked at whatever became of those before."""
    try:
        read = inputs(target)
    except LockflowError as error:
        yield _failed("project", error)
        yield from _uv(target, None)
        yield _cache(target, network)
        yield from _engine(None, open_engine)
        return
    yield Finding(subject="project", is_fine=True, what=str(read.root))
    yield _lock(target, network)
    yield from _drift(target, read)
    yield from _indexes(target, network)
    yield from _uv(target, read.manifest.settings.uv)
    yield _cache(target, network)
    yield from _engine(read, open_engine)


# The lock ------------------------------------------------------------------------------------------------------------


def _lock(target: Target, network: Network) -> Finding:
    try:
        result = lock(target, Mode.LOCKED, flag="lockflow doctor", network=network)
    except LockflowError as error:
        return _failed("lock", error)
    return Finding(subject="lock", is_fine=True, what=f"up to date, {result.packages} packages")


def _drift(target: Target, read: ReadResult) -> Iterator[Finding]:
    """What the uvs that take part in a build would make of the lock; a lock that is stale was told before."""
    if not read.lock_path.is_file():
        return
    try:
        found = [drift for drift in before_build(target) if drift.concern != "lock"]
    except LockflowError as error:
        yield _failed("drift", error)
        return
    for drift in found:
        yield Finding(subject="drift", is_fine=False, what=f"{drift.what}: {drift.why}", next="\n".join(drift.advice))
    if not found:
        pinned = read.manifest.settings.uv
        builder = f"uv {pinned}" if pinned else "the newest uv known here, as no release is pinned,"
        yield Finding(subject="drift", is_fine=True, what=f"none: {builder} reads this lock as it is meant")


# Indexes -------------------------------------------------------------------------------------------------------------


def _indexes(target: Target, network: Network) -> Iterator[Finding]:
    """Ask every index for one page: of a package that the lock has from there, else of any."""
    try:
        walk = Walk(target, network)
        known = walk.old_lock()
    except LockflowError as error:
        yield _failed("index", error)
        return
    settings = walk.read.manifest.settings
    sources = [(package.name, package.source) for package in ([] if known is None else known.packages)]
    names = [(name, source.index) for name, source in sources if isinstance(source, Registry)]
    wanted = []
    for index in (*settings.indexes, *settings.find_links):
        own = [name for name, url in names if url == index.url]
        wanted.append((own[0] if own else names[0][0] if names else "lockflow", index))
    if network.offline:
        yield Finding(subject="index", is_fine=True, what="not asked: the network is off")
    elif not wanted:
        yield Finding(subject="index", is_fine=True, what="the project names none")
    else:
        for (_, index), trouble in zip(wanted, walk.reached(wanted), strict=True):
            yield _index(index, trouble)


def _index(index: Index, error: LockflowError | None) -> Finding:
    where = f"{index.name} ({index.url})" if index.name else index.url
    if error is None:
        return Finding(subject="index", is_fine=True, what=f"{where} answers")
    why = f": {error.why.splitlines()[0]}" if error.why else ""
    advice = error.next or "check the network, proxies and credentials"
    return Finding(subject="index", is_fine=False, what=f"{where}: {error.what}{why}", next=advice)


# Tools ---------------------------------------------------------------------------------------------------------------


def _uv(target: Target, wanted: str | None) -> Iterator[Finding]:
    """Every uv that a shell could find; the first is the one that runs. None is fine too where none is asked for."""
    found = list(_uvs(target))
    if not found and wanted is None:
        yield Finding(subject="uv", is_fine=True, what="not installed, and not needed")
    elif not found:
        yield Finding(subject="uv", is_fine=False, what="not found", next=f"install uv {wanted}")
    for number, (path, version) in enumerate(found):
        if not version:
            yield Finding(subject="uv", is_fine=False, what=f"{path} does not run", next="install uv anew")
        elif number:
            text = f"{version} at {path}, behind the first"
            yield Finding(subject="uv", is_fine=True, what=text)
        elif wanted is not None and version != wanted:
            text = f"{version} at {path}, while the project is locked for {wanted}"
            advice = f"install uv {wanted}, or set [tool.lockflow] uv to what everybody has"
            yield Finding(subject="uv", is_fine=False, what=text, next=advice)
        else:
            yield Finding(subject="uv", is_fine=True, what=f"{version} at {path}")


def _uvs(target: Target) -> Iterator[tuple[Path, str]]:
    """Path and version, empty where it does not say; each program once, whatever names lead to it."""
    seen = set()
    for folder in target.environment.get("PATH", os.defpath).split(os.pathsep):
        path = Path(folder or ".") / ("uv.exe" if os.name == "nt" else "uv")
        if not os.access(path, os.X_OK) or not path.is_file() or path.resolve() in seen:
            continue
        seen.add(path.resolve())
        try:
            outcome = run_here(
                [str(path), "--version"],
                folder=target.directory,
                environment=target.environment,
                timeout_seconds=_SECONDS,
            )
        except EngineError:
            outcome = None
        match = None if outcome is None else _VERSION.match(outcome.stdout)
        yield path, match[1] if match is not None else ""


def _cache(target: Target, network: Network) -> Finding:
    folder = cache_folder(None if network.cache_dir is None else str(network.cache_dir), target.environment)
    place = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    if not (place.is_dir() and os.access(place, os.W_OK)):
        advice = "make it writable, or name another with --cache-dir or LOCKFLOW_CACHE_DIR"
        return Finding(subject="cache", is_fine=False, what=f"{folder} cannot be written", next=advice)
    found = held(folder)
    return Finding(subject="cache", is_fine=True, what=f"{folder}, {found.files} files, {size_text(found.size)}")


# Engines -------------------------------------------------------------------------------------------------------------


def _engine(read: ReadResult | None, open_engine: OpenEngine) -> Iterator[Finding]:
    """An engine is needed for evidence and images, so that none is there is fine unless the project asks for one."""
    settings = None if read is None else read.manifest.settings
    is_wanted = settings is not None and settings.executor in ("docker", "swarm")
    try:
        engine = open_engine({} if settings is None else dict(settings.engines))
    except LockflowError as error:
        why = f": {error.why.splitlines()[0]}" if error.why else ""
        if is_wanted:
            yield _failed("engine", error)
        else:
            text = f"none, so checks read tags and no image can be built ({error.what}{why})"
            yield Finding(subject="engine", is_fine=True, what=text)
        return
    try:
        yield Finding(subject="engine", is_fine=True, what=f"answers, {engine.native()}")
        if read is not None and settings is not None:
            yield from _places(engine, read, settings)
    except LockflowError as error:
        yield _failed("engine", error)
    finally:
        engine.close()


def _places(engine: Engine, read: ReadResult, settings: Settings) -> Iterator[Finding]:
    """Whether the containers of each platform can be had; a foreign one runs a program, for want of a better sign."""
    pythons = pythons_to_check(read.manifest.requires_python, settings.python_versions)
    for entry in read_platforms(settings.platforms, read.root):
        platform = entry.platform
        places = [place for python in reversed(pythons) if (place := place_of(platform, python)) is not None]
        place = next((place for place in places if engine.has(place)), None)
        if not places:
            yield Finding(subject=platform.name, is_fine=True, what="has no container; its tags decide")
        elif place is None:
            text = f"{places[0].image} is not here yet; the first check that asks for containers pulls it"
            yield Finding(subject=platform.name, is_fine=True, what=text)
        else:
            try:
                engine.prepare(place)
            except LockflowError as error:
                yield _failed(platform.name, error)
            else:
                how = "natively" if place.platform == engine.native() else "emulated, or on an engine of its own"
                yield Finding(subject=platform.name, is_fine=True, what=f"{place.image} runs {how}")


def _failed(subject: str, error: LockflowError) -> Finding:
    why = f": {error.why.splitlines()[0]}" if error.why else ""
    return Finding(subject=subject, is_fine=False, what=f"{error.what}{why}", next=error.next)
