"""The cases of tests/golden, loaded: a project, the index it is locked against, and the lock that must come out."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pytest

from support.git_host import answer_from_folder, build_repositories, git_from_folder
from support.index_content import PUBLIC, Hosts, IndexContent, one_origin
from support.index_server import MemoryTransport

GOLDEN = Path(__file__).parent.parent / "golden"
NOT_YET = GOLDEN / "not-yet.txt"
MEMORY = one_origin("http://golden.example")


@dataclass(frozen=True, slots=True)
class GoldenCase:
    """One folder of tests/golden.

    `args` are those of uv; the command runs in `cwd` inside the project and writes `lock` there. `hosts` are those to
    lock against in memory: the public ones, or one origin for all where pages link across hosts relatively.
    """

    name: str
    folder: Path
    description: str
    args: tuple[str, ...]
    cwd: str
    lock: str
    python: str
    hosts: Hosts
    table: Mapping[str, Any] = field(repr=False)

    @property
    def expected(self) -> str:
        return (self.folder / "uv.lock").read_bytes().decode()

    def content(self, hosts: Hosts | None = None, *, git_root: Path | None = None) -> IndexContent:
        """What is served; with `git_root` also the git repositories, which are built there."""
        if git_root is None or "git" not in self.table:
            return IndexContent(self.table, hosts or self.hosts)
        build_repositories(self.table, git_root)
        return IndexContent(self.table, hosts or self.hosts, git=partial(answer_from_folder, git_root))

    def copy_project(self, target: Path, hosts: Hosts | None = None) -> Path:
        """Write the project below `target` with these hosts in its files; return the folder to run in.

        Raises OSError where the file system cannot hold an awkward name.
        """
        hosts = hosts or self.hosts
        for source in sorted((self.folder / "project").rglob("*")):
            copy = target / source.relative_to(self.folder / "project")
            if source.is_dir():
                copy.mkdir(parents=True, exist_ok=True)
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                text = source.read_bytes().decode()
            except UnicodeDecodeError:
                shutil.copyfile(source, copy)
            else:
                copy.write_bytes(hosts.localise(text).encode())
        for file in self.table.get("project-file", ()):
            copy = target / file["path"]
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(hosts.localise(file["text"]).encode())
        return target / self.cwd


def play(case: GoldenCase, folder: Path) -> tuple[Path, MemoryTransport, dict[str, str]]:
    """A case below `folder`: where to run, who answers in place of the network, and variables for git."""
    try:
        project = case.copy_project(folder / "project")
    except OSError as error:
        pytest.skip(f"this file system cannot hold the project: {error}")
    git_root = folder / "git"
    transport = MemoryTransport(case.content(git_root=git_root).answer, case.hosts)
    return project, transport, git_from_folder(case.hosts.git, git_root)


@lru_cache
def load_case(name: str) -> GoldenCase:
    folder = GOLDEN / name
    table = tomllib.loads((folder / "index.toml").read_text(encoding="utf-8"))
    case = table["case"]
    urls = [file.get("url", "https:") for release in table.get("release", ()) for file in release.get("file", ())]
    return GoldenCase(
        name=case["name"],
        folder=folder,
        description=case["description"],
        args=tuple(case.get("args", ["lock"])),
        cwd=case.get("cwd", "."),
        lock=case.get("lock", "uv.lock"),
        python=case["python"],
        hosts=PUBLIC if all(url.startswith("https:") for url in urls) else MEMORY,
        table=table,
    )


def case_names() -> list[str]:
    return sorted(path.parent.name for path in GOLDEN.glob("*/index.toml"))


def not_yet() -> dict[str, str]:
    """Cases that are known not to be identical, with the reason; see the head of not-yet.txt."""
    lines = (line.partition("#") for line in NOT_YET.read_text(encoding="utf-8").splitlines())
    return {name.strip(): reason.strip() for name, _, reason in lines if name.strip()}
