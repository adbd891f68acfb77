"""Builds that are interrupted, killed, or whose engine goes away: nothing is left of them, and the next one works."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from support.containers import left_behind
from support.engine_proxy import EngineProxy
from support.image_projects import ImageProject, left_over, run_in
from support.second_engine import second_engine

pytestmark = pytest.mark.engine
SECONDS = 60
"""What an end may take on a busy machine; none of the tests waits for so long where all is well."""


def until(is_so: Callable[[], object]) -> None:
    limit = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < limit, "it did not come to be"
        time.sleep(0.05)


def a_build(app: ImageProject, **environment: str) -> subprocess.Popen[str]:
    """Another process whose build is under way: a package comes so slowly that it does not end by itself."""
    app.index.offer("slow", "1.0")
    app.write("slow")
    app.locked()
    app.index.delayed.add("slow")
    process = app.start("image", "linux/amd64", **environment)
    until(lambda: app.index.is_waiting or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    return process


def files(app: ImageProject) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in app.folder.rglob("*") if path.is_file()}


def dangling(client: docker.DockerClient) -> set[str]:
    return {image.id for image in client.images.list(filters={"dangling": True})}


def works(app: ImageProject, client: docker.DockerClient) -> None:
    """The package comes now, and an image is built."""
    app.index.delayed.clear()
    (image,) = app.built("linux/amd64")
    assert run_in(client, image["reference"], "python", "-c", "import slow; print(slow.version)") == "1.0\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_build_that_is_ended_leaves_nothing_that_the_next_does_not_take_away(
    number: signal.Signals, app: ImageProject, client: docker.DockerClient
) -> None:
    images_before = dangling(client)
    process = a_build(app)
    before = files(app)
    process.send_signal(number)
    process.communicate(timeout=SECONDS)
    assert process.returncode in (130, -number)
    assert files(app) == before
    if number is not signal.SIGKILL:
        assert left_over(client) == []
    until(lambda: not app.index.is_waiting)
    works(app, client)
    assert dangling(client) <= images_before


def test_an_engine_that_goes_away_during_a_build_is_told_and_the_next_run_works(
    app: ImageProject, client: docker.DockerClient, tmp_path: Path
) -> None:
    images_before = dangling(client)
    proxy = EngineProxy(tmp_path / "engine.sock")
    process = a_build(app, DOCKER_HOST=proxy.address)
    before = files(app)
    proxy.close()
    out, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 2, said
    assert "the container engine went away" in said
    assert proxy.address in said
    assert "Traceback" not in said
    assert out == ""
    assert files(app) == before
    assert left_behind(client, process.pid) == []
    # The engine itself is there, and has noticed that nobody waits for the build.
    until(lambda: not app.index.is_waiting)
    works(app, client)
    assert left_over(client) == []
    assert dangling(client) <= images_before


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("dockerd") is None, reason="no second engine can be started")
def test_an_engine_that_is_killed_during_a_build_is_told_and_builds_when_it_is_there_again(
    app: ImageProject, client: docker.DockerClient
) -> None:
    with second_engine(client) as engine:
        process = a_build(app, DOCKER_HOST=engine.address)
        before = files(app)
        engine.kill()
        out, said = process.communicate(timeout=SECONDS)
        assert process.returncode == 2, said
        assert "the container engine went away" in said
        assert "Traceback" not in said
        assert out == ""
        assert files(app) == before

        run = app.run("image", "linux/amd64", DOCKER_HOST=engine.address)
        assert run.returncode == 2, run.stderr
        assert "no container engine answers" in run.stderr

        app.index.delayed.clear()
        again = engine.start()
        try:
            (image,) = app.built("linux/amd64", DOCKER_HOST=engine.address)
            assert again.images.get(image["reference"]).id == image["id"]
            assert left_over(again) == []
        finally:
            again.close()
