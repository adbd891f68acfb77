"""What can go wrong with a build or a push, each as an error that says what to do."""

from __future__ import annotations

from lockflow.errors import AnswerIsNo, EngineError, LockflowError, MissingImage


def no_sdk(why: str) -> EngineError:
    return EngineError(
        "images need the Docker SDK for Python", where="lockflow image", why=why, next="install lockflow[docker]"
    )


def build_failed(purpose: str, said: str, lines: tuple[str, ...]) -> LockflowError:
    """A build that ended without an image. What a step of the recipe refuses is an answer; all else is none."""
    output = "\n".join(lines)
    for texts, make in _BUILD_FAULTS:
        if any(text in f"{said}\n{output}" for text in texts):
            return make(purpose, said, output)
    why = output or said
    if not _is_of_step(said):
        return EngineError(f"{purpose} could not be built", where="the builder of the engine", why=_last(why, said))
    return AnswerIsNo(
        f"{purpose} could not be built",
        where=_step(said),
        why=why,
        next="correct what the builder says above; `lockflow image --dry-run` prints the whole recipe",
    )


def _disk_full(purpose: str, said: str, output: str) -> LockflowError:
    return EngineError(
        f"{purpose} could not be built: the engine's disk is full",
        where="the builder of the engine",
        why=_last(output, said),
        next="make room there (`docker system df` shows what takes it, `docker builder prune` frees caches of builds)",
    )


def _cancelled(purpose: str, said: str, output: str) -> LockflowError:  # noqa: ARG001  one of _BUILD_FAULTS
    return EngineError(
        f"{purpose} could not be built: the build was cancelled",
        where="the builder of the engine",
        why=said,
        next="run it again; steps that were done are not repeated",
    )


def _no_network(purpose: str, said: str, output: str) -> LockflowError:
    return EngineError(
        f"{purpose} could not be built: the builder does not reach an index",
        where="a container of the build",
        why=_last(output, said),
        next="let containers of the engine reach the index (this machine's loopback is not theirs), or try again",
    )


def _no_base(purpose: str, said: str, output: str) -> LockflowError:  # noqa: ARG001  one of _BUILD_FAULTS
    return EngineError(
        f"{purpose} could not be built: its base image cannot be had",
        where="the builder of the engine",
        why=said,
        next="check base in [tool.lockflow.image], and the network or login of the engine",
    )


def _no_container(purpose: str, said: str, output: str) -> LockflowError:  # noqa: ARG001  one of _BUILD_FAULTS
    return EngineError(
        f"{purpose} could not be built: the engine cannot start a container for a step",
        where="the builder of the engine",
        why=said.rpartition("]: ")[2] or said,
        next="mend the engine (its log says more), and run it again: steps that were done are not repeated",
    )


_BUILD_FAULTS = (
    (("no space left on device", "No space left on device", "os error 28"), _disk_full),
    (("context canceled", "context cancelled", "graceful_stop"), _cancelled),
    (("failed to create endpoint", "OCI runtime create failed", "failed to create shim"), _no_container),
    (("failed to resolve source metadata", "pull access denied", "failed to do request"), _no_base),
    (
        ("error sending request", "dns error", "Connection refused (os error 111)", "tcp connect error", "timed out"),
        _no_network,
    ),
)


def _is_of_step(said: str) -> bool:
    return "executor failed running" in said or "did not complete successfully" in said


def _step(said: str) -> str:
    """The command that failed, without what the builder puts around it."""
    command = said.partition("[")[2].rpartition("]")[0] or said
    return f"a step of the recipe: {command.removeprefix('/bin/sh -c ')[:400]}"


def _last(output: str, said: str) -> str:
    return "\n".join(dict.fromkeys(line for line in (*output.splitlines()[-8:], said) if line))


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


def push_failed(reference: str, why: str) -> EngineError:
    """A registry that does not take an image; who may not push is told apart from a registry that is not there."""
    refused = ("unauthorized", "denied", "authentication required", "no basic auth credentials", "forbidden")
    absent = ("connection refused", "no such host", "i/o timeout", "dial tcp", "EOF")
    if any(word in why.lower() for word in refused):
        what = f"the registry does not let you push {reference}"
        advice = f"log in with `docker login {reference.partition('/')[0]}` as somebody who may push there"
    elif any(word.lower() in why.lower() for word in absent):
        what = f"the registry of {reference} cannot be reached"
        advice = "check the name of the registry, and that the engine reaches it"
    else:
        what, advice = f"{reference} could not be pushed", ""
    return EngineError(what, where=reference, why=why, next=advice)
