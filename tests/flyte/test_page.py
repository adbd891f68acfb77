"""docs/flyte.md is followed: pyflyte packages a task, for which an image is built, looked at and pushed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.containers import define_platforms
from support.house import House
from support.pages import Reader
from support.registry import IS_INSTALLED, running_registry

pytestmark = [pytest.mark.flyte, pytest.mark.engine, pytest.mark.usefixtures("_nobodys_settings")]
pytest.importorskip("flytekit")


class Installed(Reader):
    """Has installed what the page asks to be installed."""

    def run(self, line: str) -> tuple[int, str]:
        return (0, "") if line.startswith("pip install ") else super().run(line)


@pytest.mark.skipif(not IS_INSTALLED, reason="docker-registry is not installed")
def test_a_task_is_packaged_with_an_image_for_both_platforms(
    client: Any, reachable: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reachable.offer("plum", "2.0")
    folder = tmp_path / "work"
    define_platforms(folder)
    monkeypatch.setenv("LOCKFLOW_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_NO_PROGRESS", "1")
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.chdir(folder)
    reader = Installed(folder)
    with running_registry(tmp_path / "registry") as registry:
        reader.replaced = {"https://index.example": reachable.origin, "registry.example": registry.address}
        try:
            reader.follow("flyte.md")
            assert (folder / "flows.tgz").exists()
        finally:
            for image in client.images.list(filters={"reference": f"{registry.address}/*/*"}):
                client.images.remove(image.id, force=True)
    assert reader.commands == 3
