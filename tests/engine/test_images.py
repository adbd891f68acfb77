"""Images built by a real engine with real uv: linux/amd64 as this machine may be, linux/arm64 without emulation."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from support.house import House
from support.image_projects import (
    COMPILED,
    ImageProject,
    image_project,
    layers,
    run_in,
    saved,
)

pytestmark = pytest.mark.engine

LOOK = """
import app, json, markupsafe._speedups, os, platform
from importlib.metadata import distributions
print(json.dumps([app.word, platform.machine(), os.getuid(), sorted(d.name.lower() for d in distributions())]))
"""


@pytest.fixture
def project(
    house: House, tmp_path: Path, client: docker.DockerClient, _nobodys_settings: None
) -> Iterator[ImageProject]:
    with image_project(house, tmp_path, client) as found:
        yield found


def test_images_for_both_platforms_hold_what_the_lock_selects_and_nothing_else(
    project: ImageProject, client: docker.DockerClient
) -> None:
    images = project.locked().built("linux/amd64,linux/arm64", "--tag", "1")
    assert [image["reference"] for image in images] == [
        f"{project.name}:1-linux-amd64",
        f"{project.name}:1-linux-arm64",
    ]
    for image, machine in zip(images, ("x86_64", "aarch64"), strict=True):
        said = json.loads(run_in(client, image["reference"], "python", "-c", LOOK))
        assert said == ["hello", machine, 1000, ["app", "markupsafe", "plain"]]
        attributes = client.images.get(image["reference"]).attrs
        assert attributes["Config"]["User"] == "1000:1000"
        labels = attributes["Config"]["Labels"]
        assert labels["io.lockflow.platform"] == image["platform"]
        assert labels["io.lockflow.uv"] == "0.13.8"
        assert labels["io.lockflow.inputs"] == image["inputs"]
        assert labels["io.lockflow.lock"].startswith("sha256:")
        assert image["binaries"] > 50


def test_an_edit_of_a_source_makes_one_new_layer_and_no_edit_none(
    project: ImageProject, client: docker.DockerClient
) -> None:
    first, again = (project.locked().built("linux/amd64")[0] for _ in range(2))
    assert again["id"] == first["id"]
    before = layers(client, first["reference"])
    project.say("goodbye")
    edited = project.built("linux/amd64")[0]
    assert edited["reference"] != first["reference"], "the tag follows from what goes in"
    after = layers(client, edited["reference"])
    assert [one != other for one, other in zip(before, after, strict=True)].count(True) == 1
    assert json.loads(run_in(client, edited["reference"], "python", "-c", LOOK))[0] == "goodbye"


def test_extras_groups_files_and_an_entry_point_are_in_the_image_where_they_are_named(
    project: ImageProject, client: docker.DockerClient
) -> None:
    image = (
        'extras = ["more"]\ngroups = ["dev"]\nfiles = ["etc/serve.py"]\nentrypoint = ["python", "/app/etc/serve.py"]'
    )
    project.write("plain", image=image)
    (project.folder / "etc").mkdir()
    (project.folder / "etc" / "serve.py").write_text("import extra_one, tool, sys; print('served', sys.argv[1:])")
    reference = project.locked().built("linux/amd64")[0]["reference"]
    assert run_in(client, reference, "now") == "served ['now']\n"


# What is refused -----------------------------------------------------------------------------------------------------


def refused(project: ImageProject, client: docker.DockerClient, *words: str, code: int = 1) -> str:
    """What is said of a build that comes to nothing; no image has its name."""
    run = project.run("image", *words)
    assert run.returncode == code, run.stderr
    assert client.images.list(project.name) == []
    return run.stderr


def test_a_shared_object_of_another_machine_is_found_in_the_finished_image(
    project: ImageProject, client: docker.DockerClient
) -> None:
    x86, arm = sorted(project.index.files[COMPILED[0]], key=lambda name: "aarch64" in name)
    # As it happens where a file is copied across stages: the name says one thing, the machine code another.
    project.index.files[COMPILED[0]][arm] = project.index.files[COMPILED[0]][x86]
    said = refused(project.locked(), client, "linux/arm64")
    assert "the image for linux/arm64 is not what the lock says" in said
    assert "is for x86_64, not for aarch64, of markupsafe" in said
    assert "_speedups" in said


def test_a_platform_on_which_the_lock_does_not_hold_is_refused_before_anything_is_built(
    project: ImageProject, client: docker.DockerClient
) -> None:
    project.index.offer("half", "1.0", wheels=["cp311-cp311-manylinux_2_17_x86_64"])
    project.write("half")
    said = refused(project.locked(), client, "linux/arm64")
    assert "no distribution of half 1.0 fits linux/arm64" in said


def test_a_stale_lock_is_refused_before_anything_is_built(project: ImageProject, client: docker.DockerClient) -> None:
    project.locked().write(COMPILED[0], "plain>=1")
    assert "the lock does not state the project any more" in refused(project, client, "linux/amd64")


def test_what_uv_refuses_is_told_in_its_own_words(project: ImageProject, client: docker.DockerClient) -> None:
    project.index.offer("late", "1.0")
    project.index.offer("other", "1.0")
    project.write("late")
    project.locked()
    project.index.files["late"] = dict.fromkeys(project.index.files["late"], *project.index.files["other"].values())
    said = refused(project, client, "linux/amd64")
    assert "the image for linux/amd64 could not be built" in said
    assert "Hash mismatch" in said


@pytest.mark.parametrize(
    ("base", "says"),
    [
        ("registry.invalid/nothing:1", "the image registry.invalid/nothing:1 for linux/arm64 is not there"),
        ("lockflow-test/python:amd64", "is for linux/amd64, not for linux/arm64"),
    ],
)
def test_a_base_that_is_absent_or_of_another_architecture_has_its_own_words(
    base: str, says: str, project: ImageProject, client: docker.DockerClient
) -> None:
    path = project.folder / "pyproject.toml"
    path.write_text(path.read_text().replace("lockflow-test/python:{arch}", base))
    assert says in refused(project.locked(), client, "linux/arm64", code=2)


# Credentials ---------------------------------------------------------------------------------------------------------


def test_credentials_of_an_index_are_in_no_layer_label_or_line(
    project: ImageProject, client: docker.DockerClient
) -> None:
    project.locked()
    # Both ways in which people give them: in a netrc file, which also serves names without credentials of their own.
    secret = f"hidden-{time.monotonic_ns()}"
    project.index.password = secret
    home = project.folder.parent / "home"
    host = project.index.origin.partition("//")[2].partition(":")[0]
    (home / ".netrc").write_text(f"machine {host} login reader password {secret}\n")
    run = project.run("image", "linux/amd64", "-v", "--json")
    assert run.returncode == 0, run.stderr
    assert project.index.was_asked_with_password
    assert secret not in run.stdout + run.stderr
    (image,) = json.loads(run.stdout)["images"]
    files = [(name, body) for name, body in saved(client, image["reference"])]
    assert len(files) > 500
    assert [name for name, body in files if secret.encode() in body] == []


# The task graph ------------------------------------------------------------------------------------------------------


def test_doit_builds_what_changed_and_rests_otherwise(project: ImageProject, client: docker.DockerClient) -> None:
    (project.folder / "dodo.py").write_text("from lockflow.tasks import *  # noqa: F403\n")

    def doit(*words: str) -> str:
        argv = [sys.executable, "-m", "doit", *words]
        run = subprocess.run(
            argv, cwd=project.folder, env=project.environment, capture_output=True, text=True, timeout=200, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def built(said: str) -> list[str]:
        return [line for line in said.splitlines() if line.startswith(".") and "image:" in line]

    assert len(built(doit("image:linux/amd64"))) == 1
    rested = doit("image:linux/amd64")
    assert all(line.startswith("--") for line in rested.splitlines()), rested
    project.say("goodbye")
    assert len(built(doit("image:linux/amd64"))) == 1
    (image,) = client.images.list(project.name)[:1]
    for tag in image.tags:
        client.images.remove(tag, force=True)
    assert len(built(doit("image:linux/amd64"))) == 1, "an image that is gone is built again"
    assert len(built(doit("image:linux/amd64", "TAG=9"))) == 1, "another tag is another image"
