"""A real engine with the images of .ci/start-engine, and an index that containers reach."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from lockflow.engines.docker import DockerEngine
from support.containers import ARCHES, left_behind
from support.house import House
from support.old_uv import wheel_of

UV = "0.13.8"
SHIPPED = Path(__file__).parent.parent.parent / "platforms"


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    opened = docker.from_env()
    yield opened
    opened.close()


@pytest.fixture
def engine(client: docker.DockerClient) -> Iterator[DockerEngine]:
    opened = DockerEngine()
    yield opened
    opened.close()
    assert left_behind(client) == []


@pytest.fixture
def bridge(client: docker.DockerClient) -> str:
    """The address of this machine on the bridge, where containers reach it as well."""
    network = client.networks.get("bridge").attrs["IPAM"]["Config"][0]
    # Engines that have not run a container yet do not say the gateway, which is the first address.
    return network.get("Gateway") or str(next(ipaddress.ip_network(network["Subnet"]).hosts()))


@pytest.fixture
def house(bridge: str) -> Iterator[House]:
    """An index on the bridge, which this machine and containers reach by one address; it has the pinned uv."""
    found = House()
    for platform in ("manylinux2014_x86_64", "manylinux2014_aarch64"):
        wheel = wheel_of("uv", UV, platform)
        found.carry("uv", wheel.name, wheel.read_bytes())
    with found.served(bridge):
        yield found


PROJECT = """\
[project]
name = "app"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = {dependencies}

[project.optional-dependencies]
more = ["plain"]

[dependency-groups]
dev = ["tool"]

[tool.lockflow]
python-versions = ["3.11"]
{settings}
"""


@pytest.fixture
def project(tmp_path: Path, _nobodys_settings: None) -> Callable[..., Path]:
    """Writes a project whose Linux platforms are the images at hand; `settings` are lines of `[tool.lockflow]`."""

    def write(*dependencies: str, settings: str = "", **replaced: str) -> Path:
        folder = tmp_path / "work"
        (folder / "platforms").mkdir(parents=True)
        text = PROJECT.format(dependencies=list(dependencies), settings=settings)
        (folder / "pyproject.toml").write_text(text)
        for arch in ARCHES.values():
            shipped = (SHIPPED / f"linux-{arch}.toml").read_text()
            definition = shipped.replace("python:{python}-slim-bookworm", f"lockflow-test/python:{arch}")
            for old, new in replaced.items():
                definition = definition.replace(f'{old} = "2.36"', f'{old} = "{new}"')
            (folder / "platforms" / f"linux-{arch}.toml").write_text(definition)
        return folder

    return write
