"""Somebody new, in a container that has Debian and Python and nothing else, who types what a page prints."""

from __future__ import annotations

import gc
import io
import os
import re
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import docker

from support.pages import ADDED, Reader

ROOT = Path(__file__).parent.parent.parent
HOME = "/home/ada"
LABEL = "lockflow-newcomer"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
PAUSE_SECONDS = 2.0
_STAYS = re.compile(r"(?:cd|export|\.) ")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


@dataclass(frozen=True)
class Pause:
    """How long nothing was shown while `command` ran, and the last line that stood there."""

    command: str
    seconds: float
    shown: str

    def __str__(self) -> str:
        return f"{self.seconds:5.1f}s  {self.command}  after {self.shown[-60:]!r}"


@dataclass
class Newcomer(Reader):
    """Does what pages say in a container, on a terminal or (so that text can be compared) on none."""

    container: Any = None
    is_terminal: bool = False
    pauses: list[Pause] = field(default_factory=list)
    times: list[tuple[str, float]] = field(default_factory=list)
    _said_before: list[str] = field(default_factory=list)

    def go_to(self, folder: PurePosixPath) -> None:
        self.root = self.folder = folder

    def run(self, line: str) -> tuple[int, str]:
        """Type a line; what moves about or sets variables counts for the lines after it."""
        api = self.container.client.api
        # Both ways of speaking on one stream, or what is said at about the same time may come in another order.
        program = "\n".join(("exec 2>&1", *self._said_before, line))
        made = api.exec_create(
            self.container.id, ["bash", "-c", program], tty=self.is_terminal, user="1000", workdir=str(self.root)
        )
        began = last = time.monotonic()
        said, longest, before = "", 0.0, ""
        for chunk in api.exec_start(made["Id"], tty=self.is_terminal, stream=True):
            now = time.monotonic()
            if now - last > longest:
                longest, before = now - last, said
            said, last = said + chunk.decode(errors="replace"), now
        end = time.monotonic()
        if end - last > longest:
            longest, before = end - last, said
        command = line.partition("#")[0].strip()
        self.times.append((command, end - began))
        if longest > PAUSE_SECONDS:
            lines = [text for text in _ESCAPES.sub("\n", before).splitlines() if text.strip()]
            self.pauses.append(Pause(command, longest, lines[-1] if lines else ""))
        if _STAYS.match(line):
            self._said_before.append(line)
        return int(api.exec_inspect(made["Id"])["ExitCode"]), self._at_home(said)

    def _write(self, title: str, text: str) -> None:
        name = title.removesuffix(ADDED)
        sign = ">>" if title.endswith(ADDED) else ">"
        code, said = self.run(f"mkdir -p $(dirname {name}); cat {sign} {name} <<'END'\n{text}END")
        assert code == 0, said


@contextmanager
def empty_container(client: docker.DockerClient, environment: dict[str, str]) -> Iterator[Any]:
    """A container of the engine's Python image, with a copy of the last commit in ~/lockflow and nothing installed.

    The bundle of authorities and the settings of pip are those of this machine.
    """
    settings = {name: value for name, value in os.environ.items() if name in ("PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT")}
    container = client.containers.run(
        "lockflow-test/python:amd64",
        ["sleep", "3600"],
        detach=True,
        labels={LABEL: "1"},
        environment={
            "HOME": HOME, "TERM": "xterm-256color", "COLUMNS": "120", "SSL_CERT_FILE": AUTHORITIES,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1", **settings, **environment,
        },
        volumes={AUTHORITIES: {"bind": AUTHORITIES, "mode": "ro"}} if Path(AUTHORITIES).exists() else {},
    )  # fmt: skip
    try:
        container.put_archive("/", _home())
        yield container
    finally:
        container.remove(force=True, v=True)
        # The SDK leaves the sockets over which commands were heard to the collector. It had better come by while the
        # test says that this is known than at the end, where it fails the run.
        gc.collect()


def _home() -> bytes:
    """A home folder with a copy of the checkout, as a tar."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        names = [
            name
            for name in listed.decode().split("\0")
            if name and not name.startswith(("tests/", "benchmarks/")) and (ROOT / name).is_file()
        ]
        inner = {parent.as_posix() for name in names for parent in PurePosixPath("lockflow", name).parents}
        for folder in ("home", *(f"home/ada/{name}" for name in sorted(inner | {"readme", "trainer"}))):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, 0o755, 1000, 1000
            archive.addfile(entry)
        for name in names:
            archive.add(ROOT / name, f"home/ada/lockflow/{name}", filter=_owned)
    return buffer.getvalue()


def _owned(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 1000
    return entry
