"""A real engine with the images of .ci/start-engine, and an index that containers reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from lockflow.engines.docker import DockerEngine
from support.containers import PROJECT, bridge_of, carry_wheels, define_platforms, left_behind
from support.house import House
from support.image_projects import ImageProject, image_project

UV = "0.13.8"


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
    return bridge_of(client)


@pytest.fixture
def house(bridge: str) -> Iterator[House]:
    """An index on the bridge, which this machine and containers reach by one address; it has the pinned uv."""
    found = House()
    carry_wheels(found, "uv", UV)
    with found.served(bridge):
        yield found


SETTINGS = """
[tool.lockflow]
python-versions = ["3.11"]
{settings}
"""


@pytest.fixture
def project(tmp_path: Path, _nobodys_settings: None) -> Callable[..., Path]:
    """Writes a project whose Linux platforms are the images at hand; `settings` are lines of `[tool.lockflow]`."""

    def write(*dependencies: str, settings: str = "", **replaced: str) -> Path:
        folder = tmp_path / "work"
        define_platforms(folder, **replaced)
        text = (PROJECT + SETTINGS).format(dependencies=list(dependencies), extra="plain", settings=settings)
        (folder / "pyproject.toml").write_text(text)
        return folder

    return write


@pytest.fixture
def app(house: House, tmp_path: Path, client: docker.DockerClient, _nobodys_settings: None) -> Iterator[ImageProject]:
    """A project whose images are built."""
    with image_project(house, tmp_path, client) as found:
        yield found
