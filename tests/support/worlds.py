"""Worlds in which pages of docs/ are read: an index for each, and what happens while somebody reads."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from lockflow.cli.main import main
from support.house import House
from support.index_content import Answer, Hosts, IndexContent, one_origin
from support.index_server import Answering
from support.wheels import wheel_bytes
from support.workbench import Workbench

LINUX, ARM, MAC, WINDOWS = (f"py3-none-{name}" for name in (
    "manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "macosx_11_0_arm64", "win_amd64",
))  # fmt: skip
EVERYWHERE = (LINUX, ARM, MAC)
TESTER = b"""\
import plum

def main():
    print(f"1 passed, with plum {plum.version}")
"""


@dataclass
class World:
    """An index on loopback that answers for https://index.example, and what happens while a page is read."""

    bench: Workbench
    origin: str = ""
    """Of the server on loopback."""
    indexes: list[str] = field(default_factory=lambda: ["simple"])
    sections: dict[str, Callable[[], object]] = field(default_factory=dict)
    refuses: Callable[[str, Mapping[str, str]], bool] = lambda target, headers: False
    is_mirrored: bool = True
    replaced: dict[str, str] = field(default_factory=dict)
    """What is typed otherwise than it is printed, where a page says itself how the index is reached."""
    house: House | None = None
    """An index whose files can be installed, in place of the other."""

    def offer(self, name: str, version: str, *requires: str, index: str = "simple", **more: Any) -> World:
        self.bench.offer(name, version, *requires, **more)
        self.bench.releases[-1]["index"] = index
        if index not in self.indexes:
            self.indexes.append(index)
        return self

    def at(self, origin: str) -> Answering:
        """What a server at `origin` answers."""
        return lambda method, target, headers: self.answer(one_origin(origin), method, target, headers)

    def mirrors(self, origin: str) -> str:
        """What LOCKFLOW_MIRRORS says, so that a server at `origin` is asked in place of the hosts in pages."""
        entries = (("index", "idx"), ("files", "fil"))
        return " ".join(f"https://{name}.example={origin}/{path}" for name, path in entries)

    def answer(self, hosts: Hosts, method: str, target: str, headers: Mapping[str, str]) -> Answer:
        if self.refuses(target, headers):
            return Answer(401, (("www-authenticate", "Basic"),))
        if self.house is not None:
            self.house.origin = hosts.index
            status, kind, body = self.house.answer(target.removeprefix(urlsplit(hosts.index).path))
            return Answer(status, (("content-type", kind),), body)
        table = {"index": [{"name": name} for name in self.indexes], "release": self.bench.releases}
        return IndexContent(table, hosts).answer(method, target, headers)


def first_hour(world: World) -> None:
    world.offer("geonum", "1.4").offer("fastgeo", "2.8", "geonum>=1", wheels=EVERYWHERE)
    world.offer("oldmaps", "0.2", wheels=EVERYWHERE).offer("oldmaps", "0.3", wheels=(LINUX,))
    world.sections["A week later"] = lambda: world.offer("geonum", "1.5").offer(
        "fastgeo", "2.9", "geonum>=1", wheels=(LINUX, MAC)
    )


def usual(world: World) -> None:
    world.offer("geonum", "1.4").offer("fastgeo", "2.8", "geonum>=1", wheels=EVERYWHERE)
    world.offer("plum", "1.2").offer("plum", "2.0").offer("pear", "3.1").offer("feijoa", "0.9", "plum<2").offer(
        "fig", "2.2"
    )


def private_index(world: World) -> None:
    """The index of the company answers only who is ada; over loopback itself, since a mirror gets no credentials."""
    world.offer("attrs", "25.1").offer("corp-auth", "2.0", index="corp").offer("corp-queue", "1.1", index="corp")
    expected = "Basic " + base64.b64encode(b"ada:lovelace").decode()
    world.refuses = lambda target, headers: "/corp/" in target and headers.get("authorization") != expected
    world.is_mirrored = False


def torch(world: World) -> None:
    nccl = 'nvidia-nccl-cu12==2.21.5 ; platform_system == "Linux" and platform_machine == "x86_64"'
    world.offer("torch", "2.5.1+cu124", nccl, index="cu124", wheels=(LINUX, WINDOWS))
    world.offer("torch", "2.5.1", index="cpu", wheels=(ARM, MAC)).offer(
        "torch", "2.5.1+cpu", index="cpu", wheels=(LINUX, WINDOWS)
    )
    world.offer("nvidia-nccl-cu12", "2.21.5", wheels=("py3-none-manylinux2014_x86_64",))


def known(world: World, *dependencies: str) -> None:
    """A project in git that has a lock."""
    usual(world)
    bench = world.bench
    bench.write(*dependencies, name="shop")
    assert main(["-q", "lock"]) == 0
    (bench.project / ".gitignore").write_text(".lockflow/\nreports/\n", encoding="utf-8")
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "a shop"]):
        subprocess.run(["git", *words], cwd=bench.project, check=True)


def add_remove(world: World) -> None:
    world.offer("httpx", "0.28.1").offer("numpy", "2.3").offer("pytest", "9.0").offer("pear", "1.0")
    known(world, "geonum")
    library = world.bench.project.parent / "lib" / "pyproject.toml"
    library.parent.mkdir()
    for name in ("in", "txt"):
        (world.bench.project / f"requirements.{name}").write_text("plum==1.2\n", encoding="utf-8")
    library.write_text('[project]\nname = "lib"\nversion = "1"\nrequires-python = ">=3.11"\n', encoding="utf-8")


def refresh(world: World) -> None:
    world.offer("httpx", "0.27").offer("numpy", "2.2")
    known(world, "httpx", "numpy")
    world.offer("httpx", "0.28.1").offer("numpy", "2.3")


def moving(world: World) -> None:
    usual(world)
    world.offer("geonum", "1.5").offer("fastgeo", "2.9", "geonum>=1", wheels=EVERYWHERE)


def sync(world: World) -> None:
    """An index whose files can be installed."""
    house = House()
    for name, version in (("plum", "2.0"), ("fastgeo", "2.8"), ("fig", "2.2"), ("pear", "3.1")):
        house.offer(name, version)
    tester = wheel_bytes(
        "tester", "9.0", {"tester.py": TESTER}, entry_points="[console_scripts]\ntester = tester:main\n"
    )
    house.carry("tester", "tester-9.0-py3-none-any.whl", tester)
    world.house = house


def forks(world: World) -> None:
    world.offer("numpy", "1.26").offer("numpy", "2.3")


def universal_lock(world: World) -> None:
    world.offer("tqdm", "4.67", "colorama ; sys_platform == 'win32'").offer("colorama", "0.4.6")
    world.offer("torch", "2.5.1", wheels=EVERYWHERE)


def wheels(world: World) -> None:
    world.offer("oldmaps", "0.2", wheels=EVERYWHERE).offer("oldmaps", "0.3", wheels=(LINUX,), has_sdist=True)


def drift(world: World) -> None:
    usual(world)
    for release in world.bench.releases:
        for file in release["file"]:
            file["upload-time"] = "2026-01-05T10:00:00Z"


def mirrors(world: World) -> None:
    """Only the mirror answers."""
    usual(world)
    world.is_mirrored = False
    world.replaced = {"https://mirror.example": world.origin}


def init(world: World) -> None:
    world.bench.write(name="shop")


PAGES: Mapping[str, Callable[[World], None]] = {
    "add-remove.md": add_remove,
    "init.md": init,
    "drift.md": drift,
    "first-hour.md": first_hour,
    "forks.md": forks,
    "library.md": usual,
    "merge-conflicts.md": usual,
    "mirrors.md": mirrors,
    "monorepo.md": usual,
    "moving.md": moving,
    "private-index.md": private_index,
    "refresh.md": refresh,
    "sync.md": sync,
    "torch.md": torch,
    "universal-lock.md": universal_lock,
    "wheels.md": wheels,
}
