"""A project beside a small index whose files can be installed, and what `lockflow sync` and `run` make of it."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lockflow.cli.main import main
from support.house import House
from support.run import Run
from support.wheels import wheel_bytes

PROJECT = """\
[project]
name = "{name}"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = {dependencies}

[[tool.uv.index]]
url = "{origin}/simple"
default = true
"""


@dataclass
class Installation:
    """`project` is the folder, `house` the index; everything else of this machine is out of sight."""

    project: Path
    cache: Path
    house: House = field(default_factory=House)

    def offer(
        self,
        name: str,
        version: str,
        *requires: str,
        files: Mapping[str, bytes] | None = None,
        entry_points: str = "",
        tags: Iterable[str] = ("py3-none-any",),
    ) -> Installation:
        """Put a release on the index; by default its wheel holds a module that knows its version."""
        module = name.replace("-", "_")
        contents = {f"{module}/__init__.py": f"version = {version!r}\n".encode()} if files is None else files
        for tag in tags:
            content = wheel_bytes(module, version, contents, requires=requires, entry_points=entry_points, tag=tag)
            self.house.carry(name, f"{module}-{version}-{tag}.whl", content)
        return self

    def write(self, *dependencies: str, more: str = "", name: str = "demo", folder: str = ".") -> Path:
        path = self.project / folder / "pyproject.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = PROJECT.format(name=name, dependencies=list(dependencies), origin=self.house.origin)
        path.write_text(text + more, encoding="utf-8")
        return path

    def run(self, *arguments: str, folder: str = ".", is_online: bool = True) -> Run:
        """Do in this process what `lockflow ARGUMENTS` does in the project."""
        options = ["--directory", str(self.project / folder), "--cache-dir", str(self.cache)]
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            command, *rest = arguments
            code = main([command, *options, *rest], transport=self.house if is_online else House())
        return Run(code, said.getvalue())

    @property
    def lock(self) -> Path:
        return self.project / "uv.lock"

    @property
    def environment(self) -> Path:
        return self.project / ".venv"

    @property
    def library(self) -> Path:
        return self.environment / "lib" / f"python3.{sys.version_info[1]}" / "site-packages"

    @property
    def packages(self) -> set[str]:
        """Names and versions that are installed."""
        return {path.name.removesuffix(".dist-info") for path in self.library.glob("*.dist-info")}

    def python(self, program: str) -> str:
        """What a program says that the environment's Python runs."""
        command = [str(self.environment / "bin" / "python"), "-I", "-c", program]
        return subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": os.defpath}).stdout
