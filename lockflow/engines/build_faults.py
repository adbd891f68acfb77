"""What can go wrong with a build or a push, each as an error that says what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from lockflow.errors import AnswerIsNo, EngineError, LockflowError, MissingImage


def no_sdk(why: str) -> EngineError:
    return EngineError(
        "images need the Docker SDK for Python", where="lockflow image", why=why, next="install lockflow[docker]"
    )


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is said of a build or a push where its output has one of `texts`; `{}` is what was built or pushed."""

    texts: re.Pattern[str]
    what: str
    next: str
    where: str = "the builder of the engine"
    why: Callable[[str, str], str] = lambda _, said: said


def build_failed(purpose: str, said: str, lines: tuple[str, ...]) -> LockflowError:
    """A build that ended without an image. What a step of the recipe refuses is an answer; all else is none."""
    output = "\n".join(lines)
    for fault in _BUILD_FAULTS:
        if fault.texts.search(f"{said}\n{output}"):
            what = f"{purpose} could not be built: {fault.what}"
            return EngineError(what, where=fault.where, why=fault.why(output, said), next=fault.next)
    if not _is_of_step(said):
        return EngineError(
            f"{purpose} could not be built", where="the builder of the engine", why=_last(output or said, said)
        )
    return AnswerIsNo(
        f"{purpose} could not be built",
        where=_step(said),
        why=output or said,
        next="correct what the builder says above; `lockflow image --dry-run` prints the whole recipe",
    )


def push_failed(reference: str, why: str) -> EngineError:
    """A registry that does not take an image; who may not push is told apart from a registry that is not there."""
    for fault in _PUSH_FAULTS:
        if fault.texts.search(why):
            advice = fault.next.format(reference.partition("/")[0])
            return EngineError(fault.what.format(reference), where=reference, why=why, next=advice)
    return EngineError(f"{reference} could not be pushed", where=reference, why=why)


def _last(output: str, said: str) -> str:
    return "\n".join(dict.fromkeys(line for line in (*output.splitlines()[-8:], said) if line))


_BUILD_FAULTS = (
    _Fault(
        re.compile(r"[Nn]o space left on device|os error 28"),
        "the engine's disk is full",
        "make room there (`docker system df` shows what takes it, `docker builder prune` frees caches of builds)",
        why=_last,
    ),
    _Fault(
        re.compile(r"context cancell?ed|graceful_stop"),
        "the build was cancelled",
        "run it again; steps that were done are not repeated",
    ),
    _Fault(
        re.compile(r"failed to create endpoint|OCI runtime create failed|failed to create shim"),
        "the engine cannot start a container for a step",
        "mend the engine (its log says more), and run it again: steps that were done are not repeated",
        why=lambda _, said: said.rpartition("]: ")[2] or said,
    ),
    _Fault(
        re.compile(r"failed to resolve source metadata|pull access denied|failed to do request"),
        "its base image cannot be had",
        "check base in [tool.lockflow.image], and the network or login of the engine",
    ),
    _Fault(
        re.compile(r"error sending request|dns error|Connection refused \(os error 111\)|tcp connect error|timed out"),
        "the builder does not reach an index",
        "let containers of the engine reach the index (this machine's loopback is not theirs), or try again",
        where="a container of the build",
        why=_last,
    ),
)
_PUSH_FAULTS = (
    _Fault(
        re.compile(r"unauthorized|denied|authentication required|no basic auth credentials|forbidden", re.IGNORECASE),
        "the registry does not let you push {}",
        "log in with `docker login {}` as somebody who may push there",
    ),
    _Fault(
        re.compile(r"connection refused|no such host|i/o timeout|dial tcp|\bEOF\b", re.IGNORECASE),
        "the registry of {} cannot be reached",
        "check the name of the registry, and that the engine reaches it",
    ),
)


def _is_of_step(said: str) -> bool:
    return "executor failed running" in said or "did not complete successfully" in said


def _step(said: str) -> str:
    """The command that failed, without what the builder puts around it."""
    command = said.partition("[")[2].rpartition("]")[0] or said
    return f"a step of the recipe: {command.removeprefix('/bin/sh -c ')[:400]}"


def gone(image: str, why: str) -> MissingImage:
    return MissingImage(f"the image {image} is not there", where="the engine", why=why, next="build it again")


def no_context(purpose: str, error: OSError) -> EngineError:
    return EngineError(
        f"the files for {purpose} cannot be put together",
        where=str(error.filename or "the folder for temporary files (TMPDIR)"),
        why=str(error.strerror or error),
        next="make the file readable, or room in the folder for temporary files",
    )


def not_done(address: str, why: str) -> EngineError:
    return EngineError("the engine does not do what it is asked", where=address, why=why)
