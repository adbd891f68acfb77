"""An engine that makes images without making any: it remembers what it was asked, and answers as a test decides."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lockflow.engines.buildkit_trace import StepNews
from lockflow.engines.images import Build, FileHead, ImageFacts, OnNews, Pushed
from lockflow.engines.model import Command, Outcome, Place
from lockflow.errors import LockflowError, MissingImage
from lockflow.images.witness import MARK

MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
CODES = {"x86_64": 0x3E, "aarch64": 0xB7}
PLACE = "/opt/venv/lib/python3.12/site-packages"


def head(machine: str) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + (3).to_bytes(2, "little") + CODES[machine].to_bytes(2, "little")


@dataclass
class FakeImages:
    """`installed` are the distributions in every image that is built, `files` its files with their first bytes."""

    installed: dict[str, str]
    python: str = "3.12.9"
    user: str = "1000:1000"
    files: dict[str, str] = field(default_factory=dict)
    """Machine of each file of machine code."""
    owners: dict[str, tuple[str, bool]] = field(default_factory=dict)
    failure: Callable[[Build], LockflowError | None] = lambda _: None
    push_failure: LockflowError | None = None
    builds: list[Build] = field(default_factory=list)
    ran: list[Command] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    pushed: list[str] = field(default_factory=list)
    joined: list[tuple[str, tuple[Pushed, ...]]] = field(default_factory=list)
    is_stopped: bool = False
    is_closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def native(self, platform: str) -> str:
        return "linux/amd64"

    def prepare(self, place: Place) -> ImageFacts:
        return ImageFacts(id=f"sha256:{place.image}", platform=place.platform, user="")

    def build(self, build: Build, on_news: OnNews) -> str:
        with self._lock:
            self.builds.append(build)
        error = self.failure(build)
        if error is not None:
            raise error
        for step in ("[dependencies 3/3] RUN x", "[project 1/1] RUN y"):
            on_news(StepNews(name=step, kind="began"))
            on_news(StepNews(name=step, kind="line", line="Installed 3 packages"))
            on_news(StepNews(name=step, kind="ended", seconds=1.5))
        return f"sha256:built for {build.platform}"

    def facts(self, image: str, platform: str) -> ImageFacts:
        found = self.names.get(image, image)
        if found == image and not image.startswith("sha256:"):
            raise MissingImage(f"the image {image} is not there")
        return ImageFacts(id=found, platform=platform, user=self.user, bytes=1000)

    def heads(self, image: str, platform: str) -> Iterator[FileHead]:
        machine = MACHINES[platform]
        yield FileHead(path="/usr/bin/python3", head=head(machine))
        yield FileHead(path="/etc/passwd", head=b"root:x:0:0:root:/root")
        for path, other in self.files.items():
            yield FileHead(path=path, head=head(other))

    def run(self, command: Command) -> Outcome:
        with self._lock:
            self.ran.append(command)
        return Outcome(exit_code=0, stdout=f"noise\n{MARK}{json.dumps(self.seen(command))}\n", stderr="")

    def seen(self, command: Command) -> dict[str, Any]:
        return {
            "environment": {
                "implementation_name": "cpython",
                "implementation_version": self.python,
                "os_name": "posix",
                "platform_machine": MACHINES[command.place.platform],
                "platform_python_implementation": "CPython",
                "platform_release": "6",
                "platform_system": "Linux",
                "platform_version": "1",
                "python_full_version": self.python,
                "python_version": self.python.rpartition(".")[0],
                "sys_platform": "linux",
            },
            "distributions": [[name, version, PLACE] for name, version in self.installed.items()],
            "owners": {path: self.owners[path] for path in command.argv[3:] if path in self.owners},
            "prefix": "/opt/venv",
            "user": [1000, 1000],
            "libc": "glibc",
            "libc_version": "2.36",
        }

    def name(self, image: str, platform: str, reference: str) -> None:
        with self._lock:
            self.names[reference] = image

    def push(self, reference: str, platform: str, on_news: Callable[[str], None]) -> Pushed:
        if self.push_failure is not None:
            raise self.push_failure
        with self._lock:
            self.pushed.append(reference)
        return Pushed(reference=reference, digest=f"sha256:{reference}")

    def join(self, reference: str, parts: tuple[Pushed, ...]) -> Pushed:
        self.joined.append((reference, parts))
        return Pushed(reference=reference, digest="sha256:list")

    def stop(self) -> None:
        self.is_stopped = True

    def close(self) -> None:
        self.is_closed = True
