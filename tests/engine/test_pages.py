"""Pages of docs/ that need an engine are followed: images are built and pushed, containers start on two engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from support.containers import define_platforms, left_behind
from support.engine_proxy import EngineProxy
from support.house import House
from support.pages import Reader
from support.registry import IS_INSTALLED, running_registry
from support.worlds import EVERYWHERE, LINUX, MAC

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("_nobodys_settings")]


@pytest.fixture
def reader(
    house: House, tmp_path: Path, client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reader]:
    """Somebody in an empty folder who has platforms whose images are at hand; their images are gone in the end."""
    house.offer("geonum", "1.4")
    house.offer("plum", "2.0")
    house.offer("fastgeo", "2.8", "geonum>=1", wheels=EVERYWHERE)
    house.offer("oldmaps", "0.2", wheels=EVERYWHERE)
    house.offer("oldmaps", "0.3", wheels=(LINUX,))
    folder = tmp_path / "work"
    define_platforms(folder)
    monkeypatch.setenv("LOCKFLOW_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_NO_PROGRESS", "1")
    monkeypatch.chdir(folder)
    before = {image.id for image in client.images.list()}
    found = Reader(folder, set_variable=monkeypatch.setenv, replaced={"https://index.example": house.origin})
    yield found
    for name in ("app", "trainer", "*/team/app"):
        for image in client.images.list(filters={"reference": name}):
            if image.id not in before:
                client.images.remove(image.id, force=True)
    assert left_behind(client) == []


def test_the_first_hour_ends_with_an_image(reader: Reader, house: House) -> None:
    def a_week_later() -> None:
        house.offer("geonum", "1.5")
        house.offer("fastgeo", "2.9", "geonum>=1", wheels=(LINUX, MAC))

    reader.on_section = {"A week later": a_week_later}
    reader.follow("first-hour.md")
    assert reader.commands > 10


@pytest.mark.skipif(not IS_INSTALLED, reason="docker-registry is not installed")
def test_images(reader: Reader, tmp_path: Path) -> None:
    with running_registry(tmp_path / "registry") as registry:
        reader.replaced = {**reader.replaced, "registry.example": registry.address}
        reader.follow("images.md")
    assert reader.commands == 5


def test_a_native_host(reader: Reader, tmp_path: Path) -> None:
    proxy = EngineProxy(tmp_path / "arm.sock")
    # This machine stands for the one with an ARM processor, so it says "emulated", which that one would not.
    reader.replaced = {**reader.replaced, "ssh://builder@arm.example": proxy.address, "probe": "probe, emulated"}
    try:
        reader.follow("native-arm64.md")
        assert proxy.connections
    finally:
        proxy.close()
