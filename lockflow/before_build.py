"""The step before a build: tells whether the uvs that take part will read this lock as it was meant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from lockflow.engines.process import run_here
from lockflow.errors import AnswerIsNo, EngineError, InputError, four_parts
from lockflow.images.model import Drift, Tool, Written
from lockflow.images.preflight import preflight
from lockflow.images.written import written
from lockflow.inputs.model import Manifest
from lockflow.inputs.read import ReadResult
from lockflow.inputs.settings import NEWEST_UV
from lockflow.lock.decode import decode
from lockflow.lock.files import read_lock_text
from lockflow.lock.model import Lock
from lockflow.lock.validate import validate
from lockflow.standards.requirements import Directory
from lockflow.standards.versions import InvalidVersion, Version
from lockflow.steps import Target, inputs

_UPDATE = "update the uv of this machine to RELEASE or newer"
_VERSION = re.compile(r"uv ([0-9]+\.[0-9]+\.[0-9]+)", re.ASCII)


def before_build(
    target: Target,
    *,
    builder_uv: str = "",
    with_machine: bool = True,
    only_if_pinned: bool = False,
    remedy: str = "",
) -> tuple[Drift, ...]:
    """List why a build of this project would end otherwise than its lock promises; empty where it would not.

    `builder_uv` is the release in the builder, by default the one pinned for images, else for the project; with
    `only_if_pinned` no release is asked about where none is named, and what is left is whether the lock, if there is
    one, states its project. `with_machine` looks at the uv of this machine too, if it has one. `remedy` says how the
    builder gets another uv (see `Tool`).

    Raises AnswerIsNo where there is no lock, InputError where the release is none.
    """
    missing = _missing_trees(target)
    if missing:
        # Without them the project cannot even be read.
        return missing
    read = inputs(target)
    settings = read.manifest.settings
    pinned = builder_uv or settings.image.uv or settings.uv
    text = read_lock_text(read.lock_path)
    if text is None:
        if only_if_pinned:
            return ()
        raise AnswerIsNo("there is no lock to build from", where=str(read.lock_path), next="run `lockflow lock` first")
    lock = decode(text, str(read.lock_path))
    tools = [] if only_if_pinned and not pinned else [_builder(pinned or NEWEST_UV, remedy)]
    if with_machine:
        tools += _machine(read.root, target.environment)
    return preflight(
        lock,
        written(_files(read)),
        tools,
        place=read.lock_path.name,
        stale=_stale(lock, read.manifest),
        today=_today(read.manifest),
    )


def drift_message(drift: Drift) -> str:
    """Print what was found as a message of four parts."""
    return four_parts(drift.what, where=drift.where, why=drift.why, next="\n".join(drift.advice))


def require_ready(drifts: Sequence[Drift]) -> None:
    """Raise AnswerIsNo with everything that was found, where something was."""
    if not drifts:
        return
    first, *others = drifts
    why = "\n".join([first.why, *(f"also: {other.what}: {other.why}" for other in others)])
    advice = "\n".join(dict.fromkeys(line for drift in drifts for line in drift.advice))
    raise AnswerIsNo(first.what, where=first.where, why=why, next=advice)


def _builder(version: str, remedy: str) -> Tool:
    try:
        Version.parse(version)
    except InvalidVersion as error:
        raise InputError(
            f"{version!r} is no release of uv", where="--uv", why=str(error), next='write one, like "0.13.8"'
        ) from error
    tool = Tool(version=version, role="the builder's")
    return replace(tool, remedy=remedy) if remedy else tool


def _machine(root: Path, environment: Mapping[str, str]) -> list[Tool]:
    """The uv that a person here would run; one that cannot say its version is nobody's."""
    try:
        outcome = run_here(["uv", "--version"], folder=root, environment=environment, timeout_seconds=20)
    except EngineError:
        return []
    match = None if outcome is None else _VERSION.match(outcome.stdout)
    return [] if match is None else [Tool(version=match[1], role="this machine's", remedy=_UPDATE)]


def _stale(lock: Lock, manifest: Manifest) -> tuple[str, ...]:
    """Why a lock does not state its project; nothing where only a build backend knows what the project requires."""
    if any(member.dynamic - {"version"} for member in manifest.members):
        return ()
    return tuple(reason.text for reason in validate(lock, manifest).reasons)


def _files(read: ReadResult) -> dict[str, str]:
    files = {}
    for path in read.input_files:
        try:
            files[path.relative_to(read.root).as_posix()] = path.read_text(encoding="utf-8")
        except ValueError:
            # Outside of the project: no build has it. (A UnicodeDecodeError is one too: the reader has complained.)
            continue
        except OSError as error:
            raise InputError("an input of the lock cannot be read", where=str(path), why=str(error)) from error
    return files


def _missing_trees(target: Target) -> tuple[Drift, ...]:
    """What the lock names and a copy of the project left behind: as in an image that got two files only."""
    path = target.directory / "uv.lock"
    text = None if target.script is not None else read_lock_text(path)
    if text is None:
        return ()
    lock = decode(text, str(path))
    paths = {package.source.path for package in lock.packages if isinstance(package.source, Directory)}
    absent = sorted(path for path in paths if not (target.directory / path).is_dir())
    return preflight(lock, Written(), (), absent=absent)


def _today(manifest: Manifest) -> str:
    """The moment that a relative cut-off means now, to the second."""
    cutoff = manifest.settings.cutoff
    if cutoff is None:
        return ""
    return datetime.fromtimestamp(cutoff.timestamp_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
