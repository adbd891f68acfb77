"""A project in a folder and a small index in memory, for tests that run whole commands."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from lockflow.cli.main import main
from support.index_content import PUBLIC, IndexContent
from support.index_server import MemoryTransport
from support.run import Run

WHEEL = "py3-none-any"
PROJECT = """\
[project]
name = "{name}"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = {dependencies}

[[tool.uv.index]]
url = "https://index.example/simple"
default = true

[tool.lockflow]
python-versions = ["3.12"]
"""


class NoNetwork(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """No host can be reached."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        message = "the network is unreachable"
        raise httpx.ConnectError(message, request=request)


@dataclass
class Workbench:
    """`project` is the folder, `releases` what the index lists; `run` starts lockflow there."""

    project: Path
    cache: Path
    releases: list[dict[str, Any]] = field(default_factory=list)
    is_online: bool = True

    def offer(
        self,
        name: str,
        version: str,
        *requires: str,
        wheels: Iterable[str] = (WHEEL,),
        has_sdist: bool = False,
        requires_python: str = ">=3.8",
    ) -> Workbench:
        """Put a release on the index, with one wheel for each tag triple."""
        metadata = f"Metadata-Version: 2.3\nName: {name}\nVersion: {version}\nRequires-Python: {requires_python}\n"
        metadata += "".join(f"Requires-Dist: {text}\n" for text in requires)
        stem = f"{name.replace('-', '_')}-{version}"
        files = []
        for filename in [*(f"{stem}-{tags}.whl" for tags in wheels), *([f"{stem}.tar.gz"] if has_sdist else [])]:
            digest = hashlib.sha256(filename.encode()).hexdigest()
            files.append({
                "filename": filename, "sha256": digest, "size": 1000, "requires-python": requires_python
            })  # fmt: skip
        self.releases.append({"name": name, "version": version, "metadata": metadata, "file": files})
        return self

    def write(self, *dependencies: str, name: str = "demo", more: str = "", folder: str = ".") -> Path:
        """Write a pyproject.toml that depends on these; `more` is appended."""
        path = self.project / folder / "pyproject.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PROJECT.format(name=name, dependencies=list(dependencies)) + more, encoding="utf-8")
        return path

    @property
    def lock(self) -> Path:
        return self.project / "uv.lock"

    @property
    def transport(self) -> httpx.BaseTransport:
        if not self.is_online:
            return NoNetwork()
        table: Mapping[str, Any] = {"index": [{"name": "simple"}], "release": self.releases}
        return MemoryTransport(IndexContent(table, PUBLIC).answer)

    def run(self, *arguments: str, folder: str = ".") -> Run:
        """Do in this process what `lockflow ARGUMENTS` does in the project."""
        options = ["--directory", str(self.project / folder), "--cache-dir", str(self.cache)]
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = main([*arguments, *options], transport=self.transport)
        return Run(code, said.getvalue())
