"""An engine that makes images as far as those who ask it can tell: it notes what it is asked to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lockflow.engines.images import Build, FileHead, ImageFacts, OnNews, Pushed
from lockflow.engines.model import Command, Outcome, Place
from lockflow.images.witness import MARK

MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}


@dataclass
class FakeImages:
    """`installed` are the names and versions that every image is found to have, under Python `python`."""

    installed: tuple[tuple[str, str], ...] = ()
    python: str = "3.11.2"
    builds: list[Build] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    pushed: list[str] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)

    def native(self, platform: str) -> str:
        return platform

    def prepare(self, place: Place) -> ImageFacts:
        return ImageFacts(id=f"sha256:{place.image}", platform=place.platform, user="")

    def build(self, build: Build, on_news: OnNews) -> str:
        self.builds.append(build)
        return f"sha256:{hashlib.sha256(build.recipe.encode()).hexdigest()}"

    def facts(self, image: str, platform: str) -> ImageFacts:
        return ImageFacts(id=image, platform=platform, user="1000:1000", bytes=1000)

    def heads(self, image: str, platform: str) -> Iterator[FileHead]:
        return iter(())

    def run(self, command: Command) -> Outcome:
        """Answer as the witness in an image does that has what it should."""
        seen = {
            "environment": {
                "implementation_name": "cpython",
                "implementation_version": self.python,
                "os_name": "posix",
                "platform_machine": MACHINES[command.place.platform],
                "platform_python_implementation": "CPython",
                "platform_release": "6.1",
                "platform_system": "Linux",
                "platform_version": "",
                "python_full_version": self.python,
                "python_version": self.python.rpartition(".")[0],
                "sys_platform": "linux",
            },
            "distributions": [(name, version, "/opt/venv/lib") for name, version in self.installed],
            "owners": {},
            "prefix": "/opt/venv",
            "user": [1000, 1000],
            "libc": "glibc",
            "libc_version": "2.36",
        }
        return Outcome(exit_code=0, stdout=f"{MARK}{json.dumps(seen)}\n", stderr="")

    def name(self, image: str, platform: str, reference: str) -> None:
        self.names[reference] = image

    def push(self, reference: str, platform: str, on_news: Callable[[str], None]) -> Pushed:
        self.pushed.append(reference)
        return Pushed(reference=reference, digest=f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}")

    def join(self, reference: str, parts: tuple[Pushed, ...]) -> Pushed:
        self.joined.append(reference)
        return Pushed(reference=reference, digest=f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}")

    def stop(self) -> None:
        pass

    def close(self) -> None:
        pass
