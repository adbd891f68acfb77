"""Debian's docker-registry on this machine, for tests that push."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IS_INSTALLED = shutil.which("docker-registry") is not None
SECONDS = 60
"""What its start and its end may take on a busy machine."""
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
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return json.load(answer), answer.headers["Docker-Content-Digest"]


@contextmanager
def running_registry(folder: Path, *, is_closed: bool = False) -> Iterator[RunningRegistry]:
    """A registry that keeps its images in `folder`; a closed one is open to `pusher` alone."""
    folder.mkdir()
    auth = ""
    if is_closed:
        (folder / "users").write_text(f"pusher:{BCRYPT}\n")
        auth = f"auth:\n  htpasswd:\n    realm: tests\n    path: {folder}/users\n"
    (folder / "registry.yml").write_text(
        f"version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: {folder}/data\n"
        f"http:\n  addr: 127.0.0.1:0\n{auth}"
    )
    argv = ["docker-registry", "serve", str(folder / "registry.yml")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)
    try:
        yield RunningRegistry(_address(process, folder / "log"), *(("pusher", "secret") if is_closed else ()))
    finally:
        process.terminate()
        process.wait(SECONDS)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where it listens, which it says once it does: a free port that somebody else finds might be taken by then."""
    until = time.monotonic() + SECONDS
    while True:
        said = log.read_text()
        if found := re.search(r"listening on (127\.0\.0\.1:\d+)", said):
            return found[1]
        assert process.poll() is None, said
        assert time.monotonic() < until, said
        time.sleep(0.05)
