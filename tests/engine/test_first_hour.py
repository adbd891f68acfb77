"""The whole of docs/first-hour.md, the image too, with an engine and an index that it reaches."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest

from support.containers import define_platforms
from support.house import House
from support.pages import Reader
from support.worlds import ARM, EVERYWHERE, LINUX, MAC

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("_nobodys_settings")]


def a_week_later(house: House) -> None:
    house.offer("geonum", "1.5")
    house.offer("fastgeo", "2.9", "geonum>=1", wheels=(LINUX, MAC))


def test_the_first_hour_ends_with_an_image(
    tmp_path: Path, client: docker.DockerClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.offer("geonum", "1.4")
    house.offer("fastgeo", "2.8", "geonum>=1", wheels=EVERYWHERE)
    house.offer("oldmaps", "0.2", wheels=(LINUX, ARM, MAC))
    house.offer("oldmaps", "0.3", wheels=(LINUX,))
    folder = tmp_path / "trainer"
    define_platforms(folder)
    monkeypatch.setenv("LOCKFLOW_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_NO_PROGRESS", "1")
    monkeypatch.chdir(folder)
    reader = Reader(folder, {"A week later": lambda: a_week_later(house)})
    reader.replaced = {"https://index.example": house.origin}
    try:
        reader.follow("first-hour.md")
    finally:
        for image in client.images.list(filters={"reference": "trainer"}):
            client.images.remove(image.id, force=True)
    assert reader.commands > 10
