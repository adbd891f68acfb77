"""Locks that are written nowhere: for a script that has none, and for what a run adds to an environment."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from lockflow.inputs.read import ReadResult
from lockflow.lock.as_preferences import preferences_from_lock
from lockflow.lock.model import Lock, Reuse
from lockflow.resolve.drive import Progress
from lockflow.resolve.for_build import marker_of
from lockflow.resolve.preferences import Preferences
from lockflow.standards.interpreter import Interpreter
from lockflow.standards.requirements import Requirement
from lockflow.steps import LockResult, Network, Status, Target, Walk


def lock_here(
    target: Target, interpreter: Interpreter, network: Network, progress: Progress | None
) -> tuple[ReadResult, LockResult]:
    """Resolve a script for one interpreter alone, as uv does where it has no lock. Raises AnswerIsNo."""
    walk = Walk(target, network)
    manifest = replace(walk.read.manifest, environments=(marker_of(interpreter.environment),))
    walk.read = replace(walk.read, manifest=manifest)
    return walk.read, _result(walk.read, walk.resolved(Preferences(), progress=progress))


def lock_beside(
    target: Target,
    requirements: Sequence[Requirement],
    base: Lock | None,
    interpreter: Interpreter,
    network: Network,
    progress: Progress | None,
) -> tuple[ReadResult, LockResult]:
    """Resolve requirements for one interpreter, with the versions of `base` where they fit. Raises AnswerIsNo."""
    walk = Walk(target, network)
    manifest = replace(
        walk.read.manifest,
        is_script=True,
        members=(),
        requirements=tuple(requirements),
        groups=(),
        default_groups=None,
        conflicts=(),
        environments=(marker_of(interpreter.environment),),
        required_environments=None,
    )
    walk.read = replace(walk.read, manifest=manifest, upgrade_packages=())
    preferences = Preferences() if base is None else preferences_from_lock(base, reuse=Reuse.VERSIONS)
    return walk.read, _result(walk.read, walk.resolved(preferences, progress=progress))


def _result(read: ReadResult, lock: Lock) -> LockResult:
    return LockResult(
        status=Status.CREATED,
        lock_path=read.lock_path,
        root=read.root,
        packages=len(lock.packages),
        warnings=read.warnings,
        input_files=read.input_files,
        lock=lock,
    )
