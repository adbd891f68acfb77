"""Real flytekit, a project that depends on something of that name, and an engine that only notes what it is asked."""

from __future__ import annotations

import functools
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lockflow.building import build_images
from lockflow.cli.main import main
from support.containers import bridge_of, carry_wheels
from support.fake_images import FakeImages
from support.house import House

UV = "0.13.8"
PROJECT = """\
[project]
name = "flows"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = {dependencies}

[tool.lockflow]
python-versions = ["3.11"]
{settings}"""


@pytest.fixture
def house() -> Iterator[House]:
    """An index on loopback with an invented flytekit, and with something that goes by the name of uv."""
    found = House()
    found.offer("flytekit", "1.16.31", "click")
    found.offer("click", "8.2.0")
    found.offer("native", "1.0", wheels=["cp311-cp311-manylinux_2_17_x86_64"])
    for machine in ("x86_64", "aarch64"):
        wheel = io.BytesIO()
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"uv-{UV}.data/scripts/uv", f"uv for {machine}")
        found.carry("uv", f"uv-{UV}-py3-none-manylinux_2_17_{machine}.whl", wheel.getvalue())
    with found.served():
        yield found


@pytest.fixture
def project(
    tmp_path: Path, house: House, monkeypatch: pytest.MonkeyPatch, _nobodys_settings: None
) -> Callable[..., Path]:
    """Writes a project, locks it, and makes its folder the current one, as when pyflyte runs there."""

    def write(*dependencies: str, settings: str = "", is_locked: bool = True) -> Path:
        folder = tmp_path / "work"
        folder.mkdir(exist_ok=True)
        text = PROJECT.format(dependencies=list(dependencies or ("flytekit",)), settings=settings)
        (folder / "pyproject.toml").write_text(text)
        monkeypatch.chdir(folder)
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"{house.origin}/simple")
        monkeypatch.setenv("LOCKFLOW_CACHE_DIR", str(tmp_path / "cache"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        if is_locked:
            assert main(["lock", "--quiet"]) == 0
        return folder

    return write


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> FakeImages:
    """The engine that builds; flytekit finds in it what was named, without one of its own."""
    from flytekit.image_spec.image_spec import ImageBuildEngine, ImageSpec

    fake = FakeImages(installed=(("flytekit", "1.16.31"), ("click", "8.2.0")))

    def exists(spec: Any) -> bool | None:
        return spec.image_name() in {*fake.names, *fake.joined}

    build = functools.partial(build_images, open_images=lambda addresses: fake)
    monkeypatch.setattr("lockflow.flyte_images.build_images", build)
    monkeypatch.setattr(ImageSpec, "exist", exists)
    ImageBuildEngine.build.cache_clear()
    ImageBuildEngine._IMAGE_NAME_TO_REAL_NAME.clear()
    return fake


@pytest.fixture
def client() -> Iterator[Any]:
    docker = pytest.importorskip("docker")
    try:
        opened = docker.from_env()
    except docker.errors.DockerException as error:
        pytest.skip(f"no engine answers: {error}")
    yield opened
    opened.close()


@pytest.fixture
def reachable(client: Any) -> Iterator[House]:
    """An index that containers reach, with an invented flytekit and the real uv."""
    found = House()
    found.offer("flytekit", "1.16.31", "click")
    found.offer("click", "8.2.0")
    carry_wheels(found, "uv", UV)
    with found.served(bridge_of(client)):
        yield found
