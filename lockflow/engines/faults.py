"""What can go wrong with an engine, each as an error that says what to do."""

from __future__ import annotations

from lockflow.engines.model import Command, Place
from lockflow.errors import EngineError, Interrupted


def absent(address: str, why: str) -> EngineError:
    return EngineError(
        "no container engine answers",
        where=address,
        why=next((words for text, words in _SILENCES.items() if text in why), why),
        next="start the engine, or name its address in DOCKER_HOST; `--executor process` judges by tags without one",
    )


_SILENCES = {
    "FileNotFoundError": "there is no such socket",
    "ConnectionRefusedError": "nothing listens there",
    "Connection refused": "nothing listens there",
    "NameResolutionError": "there is no host of this name",
    "timed out": "it takes the connection and says nothing",
}
"""What the SDK says of an engine that does not answer, in plain words."""


def no_sdk(why: str) -> EngineError:
    return EngineError(
        "the docker executor needs the Docker SDK for Python",
        where="--executor docker",
        why=why,
        next="install lockflow[docker]; `--executor process` judges by tags without it",
    )


def no_swarm() -> EngineError:
    return EngineError(
        "the executor swarm is not there yet",
        where="--executor, or executor in [tool.lockflow]",
        why="this lockflow runs containers on one engine, or on one for each platform",
        next="take docker; engines in [tool.lockflow] names an engine on another machine for a platform",
    )


def forbidden(address: str, why: str) -> EngineError:
    return EngineError(
        "the container engine does not let you in",
        where=address,
        why=why,
        next="join the group that may use its socket, or name an engine of yours in DOCKER_HOST",
    )


def no_ssh(address: str, why: str) -> EngineError:
    return EngineError(
        "an engine over ssh needs paramiko",
        where=address,
        why=why,
        next="install docker[ssh] beside lockflow, or reach the engine by tcp://",
    )


def not_pulled(place: Place, found: str, why: str) -> EngineError:
    """An image that is not there, or only for the platform `found`, and that no registry gives."""
    if found:
        return wrong_architecture(place, found, f"no other can be pulled: {why}")
    if "no matching manifest" in why:
        return wrong_architecture(place, "other platforms", why)
    if any(text in why for text in _UNKNOWN):
        return missing_image(place, why)
    if any(text in why for text in _UNREACHED):
        return pull_failed(place, "its registry cannot be reached", why, "check the network of the engine")
    return pull_failed(place, "it could not be pulled", why, "see what the engine says of it")


_UNKNOWN = ("not found", "manifest unknown", "denied", "unauthorized", "does not exist", "authentication required")
_UNREACHED = ("dial tcp", "no such host", "i/o timeout", "connection refused", "TLS", "x509", "EOF", "Client.Timeout")


def missing_image(place: Place, why: str) -> EngineError:
    return EngineError(
        f"there is no image {place.image} for {place.platform}",
        where=f"image {place.image}",
        why=why,
        next="check its name in [container] of the platform's definition, or log the engine in (`docker login`)",
    )


def pull_failed(place: Place, what: str, why: str, then: str) -> EngineError:
    return EngineError(
        f"the image {place.image} for {place.platform} is not there, and {what}",
        where=f"image {place.image}",
        why=why,
        next=f"{then}, or bring the image there by `docker load`",
    )


def wrong_architecture(place: Place, found: str, why: str) -> EngineError:
    return EngineError(
        f"the image {place.image} is for {found}, not for {place.platform}",
        where=f"image {place.image}",
        why=why,
        next=f"name an image that exists for {place.platform} in [container] of the platform's definition",
    )


def no_emulation(place: Place, native: str, why: str) -> EngineError:
    return EngineError(
        f"the engine cannot run programs for {place.platform}",
        where=f"an engine on {native}, image {place.image}",
        why=why,
        next=(
            "install qemu-user-static there (or run the image tonistiigi/binfmt once), or name an engine that is "
            f'{place.platform} itself: engines = {{ "{place.platform}" = "ssh://user@host" }} in [tool.lockflow]'
        ),
    )


def timed_out(command: Command) -> EngineError:
    return EngineError(
        f"{command.purpose} did not end within {command.limits.timeout_seconds:g} seconds",
        where=_where(command.place),
        why="it was ended then",
        next="run it again when the machine is less busy; an engine of that platform itself is faster than emulation",
    )


def out_of_memory(command: Command) -> EngineError:
    return EngineError(
        f"{command.purpose} needed more memory than it may have",
        where=_where(command.place),
        why=f"the limit is {command.limits.memory_bytes >> 20} MiB",
        next="please report it: the limit is meant to suffice",
    )


def ended_from_outside(command: Command) -> EngineError:
    return EngineError(
        f"{command.purpose} was ended from outside",
        where=_where(command.place),
        why="its container was killed or removed",
        next="run it again",
    )


def not_started(command: Command, why: str) -> EngineError:
    return EngineError(
        f"{command.purpose} could not be started",
        where=_where(command.place),
        why=why,
        next=f"the image must have {command.argv[0]}; check it in [container] of the platform's definition",
    )


def went_away(address: str, why: str) -> EngineError:
    return EngineError(
        "the container engine went away",
        where=address,
        why=why,
        next="start it again, and run this again; what was left is removed then",
    )


def refused(command: Command, why: str) -> EngineError:
    return EngineError(
        f"the engine refuses {command.purpose}",
        where=_where(command.place),
        why=why,
        next="mend that on the engine's machine (`docker system df` shows what fills its disk), and run it again",
    )


def stopped() -> Interrupted:
    return Interrupted("the run was interrupted")


def _where(place: Place) -> str:
    return f"image {place.image}, {place.platform}"
