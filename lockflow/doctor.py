"""Looks at what lockflow needs around it: the project, its lock, the indexes, uv, the cache and an engine.

Each finding is fine, or says what to do; nothing is changed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator

from msgspec import Struct

from lockflow.errors import LockflowError
from lockflow.keeping import cache_folder, held
from lockflow.lock.modes import Mode
from lockflow.standards.requirements import Registry
from lockflow.steps import Network, Target, Walk, inputs, lock

_SECONDS = 20.0


class Finding(Struct, frozen=True, kw_only=True):
    """What was looked at, whether it is fine, what was found, and what to do where it is not."""

    subject: str
    is_fine: bool
    what: str
    next: str = ""


def examine(target: Target, network: Network) -> Iterator[Finding]:
    """Look at one thing after the other."""
    try:
        read = inputs(target)
    except LockflowError as error:
        yield _failed("project", error)
        yield _cache(target, network)
        yield _engine()
        return
    yield Finding(subject="project", is_fine=True, what=str(read.root))
    yield _drift(target, network)
    yield from _indexes(target, network)
    yield _uv(target, read.manifest.settings.uv)
    yield _cache(target, network)
    yield _engine()


def _drift(target: Target, network: Network) -> Finding:
    try:
        result = lock(target, Mode.LOCKED, flag="lockflow doctor", network=network)
    except LockflowError as error:
        return _failed("lock", error)
    return Finding(subject="lock", is_fine=True, what=f"up to date, {result.packages} packages")


def _indexes(target: Target, network: Network) -> Iterator[Finding]:
    """Ask the index for the page of the first package that the lock has from it."""
    try:
        walk = Walk(target, network)
        known = walk.old_lock()
        packages = [] if known is None else [item for item in known.packages if isinstance(item.source, Registry)]
        if not packages:
            yield Finding(subject="index", is_fine=True, what="no package of the lock comes from an index")
            return
        name = packages[0].name
        found = walk.listings([name], afresh=not network.offline)
    except LockflowError as error:
        yield _failed("index", error)
        return
    where = ", ".join(index.url for index in walk.read.manifest.settings.indexes) or "no index"
    if name in found:
        yield Finding(subject="index", is_fine=True, what=f"{where} answers")
    else:
        advice = "check the network, proxies and credentials; `lockflow lock -v` says more"
        yield Finding(subject="index", is_fine=False, what=f"{where}: no page of {name}", next=advice)


def _uv(target: Target, wanted: str | None) -> Finding:
    """Without uv all is well too, as long as the project asks for none."""
    path = shutil.which("uv", path=target.environment.get("PATH"))
    if path is None:
        if wanted is None:
            return Finding(subject="uv", is_fine=True, what="not installed, and not needed")
        return Finding(subject="uv", is_fine=False, what="not found", next=f"install uv {wanted}")
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(subject="uv", is_fine=False, what=f"{path} does not run: {error}", next="install uv anew")
    version = [*done.stdout.split(), "", ""][1]
    if wanted is not None and version != wanted:
        text = f"{version} at {path}, while the project is locked for {wanted}"
        advice = f"install uv {wanted}, or set [tool.lockflow] uv to what everybody has"
        return Finding(subject="uv", is_fine=False, what=text, next=advice)
    return Finding(subject="uv", is_fine=True, what=f"{version} at {path}")


def _cache(target: Target, network: Network) -> Finding:
    folder = cache_folder(None if network.cache_dir is None else str(network.cache_dir), target.environment)
    place = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    if not (place.is_dir() and os.access(place, os.W_OK)):
        advice = "make it writable, or name another with --cache-dir or LOCKFLOW_CACHE_DIR"
        return Finding(subject="cache", is_fine=False, what=f"{folder} cannot be written", next=advice)
    found = held(folder)
    return Finding(subject="cache", is_fine=True, what=f"{folder}, {found.files} files")


def _engine() -> Finding:
    """An engine is needed for evidence and images only, so its absence is fine."""
    if importlib.util.find_spec("docker") is None:
        return Finding(subject="engine", is_fine=True, what="none: checks read tags; lockflow[docker] adds containers")
    engine = shutil.which("docker")
    if engine is None:
        return Finding(subject="engine", is_fine=True, what="the library is here, the docker command is not")
    command = [engine, "version", "--format", "{{.Server.Version}}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(subject="engine", is_fine=False, what=f"{engine} does not run: {error}", next="start the engine")
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["it does not answer"])[-1]
        return Finding(subject="engine", is_fine=False, what=why, next="start the engine, or check with --level tags")
    return Finding(subject="engine", is_fine=True, what=f"docker {done.stdout.strip()}")


def _failed(subject: str, error: LockflowError) -> Finding:
    why = f": {error.why.splitlines()[0]}" if error.why else ""
    return Finding(subject=subject, is_fine=False, what=f"{error.what}{why}", next=error.next)
