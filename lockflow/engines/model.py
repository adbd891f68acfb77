"""What is run where, what came of it, and what every engine can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

WORK = "/lockflow/work"
"""The one folder of a container, besides its temporary one, that a command may write to."""


class Place(Struct, frozen=True, kw_only=True):
    """Where a command runs: an image, and the platform it is to have as engines name it (`linux/arm64`)."""

    image: str
    platform: str


class InputFile(Struct, frozen=True, kw_only=True):
    """A file that a command finds under an absolute path below `/lockflow`; it cannot write to it."""

    path: str
    content: bytes
    is_executable: bool = False


class Limits(Struct, frozen=True, kw_only=True):
    """What a command may use; `timeout_seconds` counts from its start."""

    timeout_seconds: float = 120
    memory_bytes: int = 512 << 20
    cpus: float = 1
    processes: int = 256


class Command(Struct, frozen=True, kw_only=True):
    """A command for a container that is made for it and removed after it.

    `purpose` names it in messages ("the probe of Python 3.12 on linux/arm64"). It runs in WORK as a user without
    rights (or the one that the image names), on a root that cannot be written to, and without network unless
    `has_network`.
    """

    argv: tuple[str, ...]
    place: Place
    purpose: str
    files: tuple[InputFile, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    has_network: bool = False
    is_as_image_user: bool = False
    limits: Limits = Limits()


class Outcome(Struct, frozen=True, kw_only=True):
    """What a command that came to its own end left behind; `is_emulated` where its platform is not the machine's."""

    exit_code: int
    stdout: str
    stderr: str
    is_emulated: bool = False


class Engine(Protocol):
    """Something that can run commands. Methods may be called from several threads at once."""

    @property
    def at_once(self) -> int:
        """How many commands side by side make use of it."""
        ...

    def native(self) -> str:
        """The platform that runs without emulation, as engines name it."""
        ...

    def has(self, place: Place) -> bool:
        """Whether the image is here already, so that preparing the place downloads nothing."""
        ...

    def prepare(self, place: Place) -> None:
        """Make sure that commands can run there. Raises EngineError with what to do where they cannot."""
        ...

    def run(self, command: Command, on_start: Callable[[], None] | None = None) -> Outcome:
        """Run a command to its end; `on_start` is called when its turn has come.

        Raises EngineError where it has no end of its own (time, memory, the engine).
        """
        ...

    def stop(self) -> None:
        """End all that is under way and remove it; nothing runs afterwards."""
        ...

    def close(self) -> None:
        """Stop, and let go of the connection."""
        ...
