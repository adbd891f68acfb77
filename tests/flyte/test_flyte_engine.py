"""An ImageSpec, built for good: real flytekit, real uv, a real engine; the image then runs as Flyte would run it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lockflow.cli.main import main
from support.containers import ARCHES, define_platforms
from support.house import House

pytestmark = [pytest.mark.flyte, pytest.mark.engine]
pytest.importorskip("flytekit")

from flytekit.image_spec.image_spec import ImageBuildEngine, ImageSpec  # noqa: E402  only where it is installed

UV = "0.13.8"
PROJECT = """\
[project]
name = "flows"
version = "0.1.0"
requires-python = ">=3.11,<3.12"
dependencies = ["flytekit"]
"""
LOOK = """\
import os, pathlib, sys, flytekit
pathlib.Path("workflow.py").write_text("found = True")
import workflow
print(os.getuid(), os.getcwd(), os.environ["HOME"], os.environ["_F_IMG_ID"], os.uname().machine, workflow.found)
"""


@pytest.mark.usefixtures("_nobodys_settings")
@pytest.mark.parametrize("platform", ARCHES)
def test_an_image_spec_becomes_an_image_that_runs_tasks(
    platform: str,
    client: Any,
    reachable: House,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "work"
    define_platforms(folder)
    (folder / "pyproject.toml").write_text(PROJECT)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{reachable.origin}/simple")
    monkeypatch.setenv("LOCKFLOW_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    assert main(["lock", "--quiet"]) == 0

    spec = ImageSpec(
        name="lockflow-test/flows",
        builder="lockflow",
        requirements="uv.lock",
        platform=platform,
        builder_config={"uv": UV},
    )
    ImageBuildEngine.build(spec)
    name = spec.image_name()
    try:
        image = client.images.get(name)
        assert image.attrs["Architecture"] == ARCHES[platform]
        container = client.containers.create(image.id, ["python", "-c", LOOK], network_mode="none", platform=platform)
        try:
            container.start()
            status = container.wait(timeout=120)["StatusCode"]
            said = container.logs().decode()
        finally:
            container.remove(force=True)
        machine = {"amd64": "x86_64", "arm64": "aarch64"}[ARCHES[platform]]
        assert (status, said.split()) == (0, ["1000", "/home/flyte", "/home/flyte", spec.id, machine, "True"]), said
    finally:
        client.images.remove(name, force=True)
