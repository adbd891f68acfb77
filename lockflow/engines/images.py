"""What an engine that makes images is asked for, and what every such engine can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from msgspec import Struct

from lockflow.engines.buildkit_trace import StepNews
from lockflow.engines.model import Command, Outcome, Place

OnNews = Callable[[StepNews], None]
"""Hears what becomes known of a build while it goes on; called from the thread that builds."""


class ContextFile(Struct, frozen=True, kw_only=True):
    """A file that a build is given, at `path` relative to the root of its context.

    What it holds is `content`, or is read from `source` (a path on this machine) when it is sent; a symbolic link has
    a `link` instead.
    """

    path: str
    content: bytes = b""
    source: str = ""
    link: str = ""
    is_executable: bool = False


class Build(Struct, frozen=True, kw_only=True):
    """One build: a recipe (the text of a Dockerfile) with the files and arguments that it asks for.

    `bases` maps names of arguments to places whose images are put in for them. `secrets` are mounted by the steps
    that ask for them and are never part of a layer or a label; `hidden` are the words of theirs that are left out of
    what is said. `purpose` names it in messages ("the image for linux/arm64").
    """

    recipe: str
    files: tuple[ContextFile, ...]
    bases: tuple[tuple[str, Place], ...]
    platform: str
    purpose: str
    secrets: tuple[tuple[str, bytes], ...] = ()
    hidden: tuple[str, ...] = ()


class ImageFacts(Struct, frozen=True, kw_only=True):
    """What an engine says of an image it has: its id, platform (`linux/arm64`), user and labels."""

    id: str
    platform: str
    user: str
    labels: tuple[tuple[str, str], ...] = ()
    bytes: int = 0


class FileHead(Struct, frozen=True, kw_only=True):
    """A regular file of an image: its absolute path and its first 20 bytes."""

    path: str
    head: bytes


class Pushed(Struct, frozen=True, kw_only=True):
    """What a registry took: the full reference, and the digest by which it can be pulled whatever becomes of tags."""

    reference: str
    digest: str


class ImageEngine(Protocol):
    """Something that builds, looks into, runs and pushes images. Methods may be called from several threads at once.

    All raise EngineError where the engine cannot do what it is asked, with what to do about it.
    """

    def native(self, platform: str) -> str:
        """The platform that the engine for `platform` runs without emulation."""
        ...

    def prepare(self, place: Place) -> ImageFacts:
        """Make sure that a base image is there, pulling it if need be, and that its programs run."""
        ...

    def build(self, build: Build, on_news: OnNews) -> str:
        """Build an image; returns its id. It has no name that people see until it is given one.

        Raises AnswerIsNo, with the last lines of its output, where a step of the recipe fails.
        """
        ...

    def facts(self, image: str, platform: str) -> ImageFacts:
        """What is said of an image by its id."""
        ...

    def heads(self, image: str, platform: str) -> Iterator[FileHead]:
        """The beginning of every regular file of an image, without running anything of it."""
        ...

    def run(self, command: Command) -> Outcome:
        """Run a command in a container (see `Engine.run`)."""
        ...

    def name(self, image: str, platform: str, reference: str) -> None:
        """Give an image a name that people see, taking it from another that has it."""
        ...

    def push(self, reference: str, platform: str, on_news: Callable[[str], None]) -> Pushed:
        """Push the image of that name to its registry, with the credentials that the engine's client knows."""
        ...

    def join(self, reference: str, parts: tuple[Pushed, ...]) -> Pushed:
        """Put a list of images that were pushed to one repository under one name in its registry."""
        ...

    def stop(self) -> None:
        """End all that is under way and remove what is not finished."""
        ...

    def close(self) -> None:
        """Stop, and let go of the connection."""
        ...
