"""Debian's docker-registry on this machine, for tests that push."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IS_INSTALLED = shutil.which("docker-registry") is not None
BCRYPT = "$2b$05$aaaaaaaaaaaaaaaaaaaaaOjOHCcGZ1ZydhnG2lX11qSmiRJbsbsA."
"""`secret`, as registries keep it; the user is `pusher`."""


@dataclass
class RunningRegistry:
    address: str
    user: str = ""
    password: str = ""

    def document(self, path: str, kinds: str) -> tuple[dict[str, Any], str]:
        """A manifest of the registry, and its digest."""
        request = urllib.request.Request(f"http://{self.address}/v2/{path}", headers={"Accept": kinds})
        if self.user:
            token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer), answer.headers["Docker-Content-Digest"]


@contextmanager
def running_registry(folder: Path, *, is_closed: bool = False) -> Iterator[RunningRegistry]:
    """A registry that keeps its images in `folder`; a closed one is open to `pusher` alone."""
    folder.mkdir()
    process, found = _start(folder, is_closed=is_closed)
    try:
        yield found
    finally:
        process.terminate()
        process.wait(20)


def _start(folder: Path, *, is_closed: bool) -> tuple[subprocess.Popen[bytes], RunningRegistry]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    auth = ""
    if is_closed:
        (folder / "users").write_text(f"pusher:{BCRYPT}\n")
        auth = f"auth:\n  htpasswd:\n    realm: tests\n    path: {folder}/users\n"
    (folder / "registry.yml").write_text(
        f"version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {folder}/data\n"
        f"http:\n  addr: 127.0.0.1:{port}\n{auth}"
    )
    argv = ["docker-registry", "serve", str(folder / "registry.yml")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)
    found_registry = RunningRegistry(f"127.0.0.1:{port}", *(("pusher", "secret") if is_closed else ()))
    until = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=2).close()
        except urllib.error.HTTPError:
            break
        except OSError:
            assert time.monotonic() < until, (folder / "log").read_text()
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        else:
            break
    return process, found_registry
