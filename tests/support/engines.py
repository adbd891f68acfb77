"""Engines for tests: one that records commands and answers as a probe would, and a Docker client that has no engine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import docker.errors
import requests

from lockflow.engines.model import Command, Outcome, Place
from lockflow.errors import EngineError
from lockflow.platforms.environment import environment
from lockflow.platforms.model import Platform
from lockflow.platforms.probing import MARK
from lockflow.platforms.tags import ordered_tags

Answer = Outcome | Exception


def probed(platform: Platform, python: str, **more: Any) -> Outcome:
    """What a probe says on an image that is just as its definition declares; `more` are plan, install and so on."""
    return said({"interpreter": interpreter(platform, python), **more})


def interpreter(platform: Platform, python: str) -> dict[str, Any]:
    values = dict(environment(platform, python))
    return {
        "version": values["python_full_version"],
        "environment": values,
        "tags": [[*tag] for tag in ordered_tags(platform, python)],
    }


def planned(*packages: str, refused: Mapping[str, str] | None = None, error: str = "") -> dict[str, Any]:
    """A plan that installs `name==version` of each."""
    return {
        "refused": [{"package": name, "words": words} for name, words in (refused or {}).items()],
        "packages": [text.split("==") for text in packages],
        "error": error,
        "code": 1 if error else 0,
    }


def said(findings: object, **more: Any) -> Outcome:
    return Outcome(exit_code=0, stdout=f"noise\n{MARK}{json.dumps(findings)}\n", stderr="", **more)


@dataclass
class RecordingEngine:
    """Remembers what it was asked; `answer` decides what comes of a command."""

    answer: Callable[[Command], Answer]
    unusable: dict[str, EngineError] = field(default_factory=dict)
    """Images that cannot be used, and why."""
    absent: frozenset[str] = frozenset()
    """Images that would have to be downloaded."""
    at_once: int = 4
    commands: list[Command] = field(default_factory=list)
    prepared: list[Place] = field(default_factory=list)
    is_stopped: bool = False
    is_closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def native(self) -> str:
        return "linux/amd64"

    def has(self, place: Place) -> bool:
        return place.image not in self.absent

    def prepare(self, place: Place) -> None:
        with self._lock:
            self.prepared.append(place)
        if place.image in self.unusable:
            raise self.unusable[place.image]

    def run(self, command: Command, on_start: Callable[[], None] | None = None) -> Outcome:
        if on_start is not None:
            on_start()
        with self._lock:
            self.commands.append(command)
        answer = self.answer(command)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def stop(self) -> None:
        self.is_stopped = True

    def close(self) -> None:
        self.is_closed = True


# A Docker client without Docker --------------------------------------------------------------------------------------


def api_error(status: int, explanation: str) -> docker.errors.APIError:
    """The SDK's error for an answer of the engine."""
    response = requests.Response()
    response.status_code = status
    kind = docker.errors.ImageNotFound if "No such image" in explanation else docker.errors.APIError
    return kind("refused", response=response, explanation=explanation)


@dataclass
class FakeImage:
    id: str
    platform: str

    @property
    def attrs(self) -> dict[str, str]:
        system, architecture, *_ = self.platform.split("/")
        return {"Os": system, "Architecture": architecture}


@dataclass
class Life:
    """What becomes of a container: an exception at create, put, start or wait, else a status and what it says."""

    create: Exception | None = None
    start: Exception | None = None
    wait: Exception | Callable[[], None] | None = None
    code: int = 0
    stdout: str = ""
    stderr: str = ""
    is_out_of_memory: bool = False


@dataclass
class FakeContainer:
    engine: FakeDocker
    life: Life
    labels: dict[str, str]
    options: dict[str, Any]
    archive: bytes = b""
    is_started: bool = False
    attrs: dict[str, Any] = field(default_factory=dict)

    def put_archive(self, path: str, content: bytes) -> None:
        assert path == "/lockflow"
        self.archive = content

    def start(self) -> None:
        if self.life.start is not None:
            raise self.life.start
        self.is_started = True

    def wait(self, timeout: float) -> dict[str, Any]:
        self.options["wait"] = timeout
        if isinstance(self.life.wait, Exception):
            raise self.life.wait
        if self.life.wait is not None:
            self.life.wait()
        return {"StatusCode": self.life.code}

    def reload(self) -> None:
        self.attrs = {"State": {"OOMKilled": self.life.is_out_of_memory}}

    def logs(self, *, stdout: bool = True, stderr: bool = True) -> bytes:
        return ((self.life.stdout if stdout else "") + (self.life.stderr if stderr else "")).encode()

    def remove(self, *, force: bool, v: bool) -> None:
        assert force
        assert v
        if self in self.engine.standing:
            self.engine.standing.remove(self)


class FakeDocker:
    """As much of docker.DockerClient as the engine uses; `standing` are the containers that are there."""

    def __init__(self, *, architecture: str = "x86_64", cpus: int = 2) -> None:
        self.information = {"Architecture": architecture, "NCPU": cpus}
        self.local: dict[str, FakeImage] = {}
        self.registry: dict[tuple[str, str], FakeImage] = {}
        self.pull_error = "Get https://registry.example/v2/: dial tcp: lookup registry.example: no such host"
        self.is_pull_begun = False
        """Whether the engine's answer had begun when it found out."""
        self.is_pull_heard = False
        """Whether that answer was heard to its end."""
        self.lives: list[Life] = []
        self.standing: list[FakeContainer] = []
        self.created: list[FakeContainer] = []
        self.pulled: list[tuple[str, str | None, str]] = []
        self.is_closed = False
        self.images = _Images(self)
        self.api = _Api(self)
        self.containers = _Containers(self)

    def info(self) -> dict[str, Any]:
        return self.information

    def close(self) -> None:
        self.is_closed = True


class _Images:
    def __init__(self, engine: FakeDocker) -> None:
        self._engine = engine

    def get(self, name: str) -> FakeImage:
        if name not in self._engine.local:
            raise api_error(404, f"No such image: {name}")
        return self._engine.local[name]


class _Api:
    def __init__(self, engine: FakeDocker) -> None:
        self._engine = engine

    def pull(
        self, name: str, *, tag: str | None, platform: str, stream: bool, decode: bool
    ) -> Iterator[dict[str, Any]]:
        assert stream
        assert decode
        self._engine.pulled.append((name, tag, platform))
        found = self._engine.registry.get((f"{name}:{tag}", platform))
        if found is None and not self._engine.is_pull_begun:
            raise api_error(500, self._engine.pull_error)
        return self._messages(f"{name}:{tag}", found)

    def _messages(self, name: str, found: FakeImage | None) -> Iterator[dict[str, Any]]:
        yield {"status": "Pulling from library"}
        if found is None:
            yield {"errorDetail": {"message": self._engine.pull_error}, "error": self._engine.pull_error}
        else:
            # One tag is one image: that of the platform which was pulled last.
            self._engine.local[name] = found
        self._engine.is_pull_heard = True


class _Containers:
    def __init__(self, engine: FakeDocker) -> None:
        self._engine = engine

    def create(self, image: str, argv: list[str], **options: Any) -> FakeContainer:
        life = self._engine.lives.pop(0) if self._engine.lives else Life()
        if life.create is not None:
            raise life.create
        container = FakeContainer(self._engine, life, options["labels"], {"image": image, "argv": argv, **options})
        self._engine.standing.append(container)
        self._engine.created.append(container)
        return container

    def list(self, *, all: bool, filters: Mapping[str, str], ignore_removed: bool) -> list[FakeContainer]:
        key, _, value = filters["label"].partition("=")
        return [
            container
            for container in self._engine.standing
            if key in container.labels and (not value or container.labels[key] == value)
        ]
