"""Images built by a real engine with real uv: linux/amd64 as this machine may be, linux/arm64 without emulation."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import docker
import pytest

from support.image_projects import (
    COMPILED,
    ImageProject,
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


def test_images_for_both_platforms_hold_what_the_lock_selects_and_nothing_else(
    app: ImageProject, client: docker.DockerClient
) -> None:
    images = app.locked().built("linux/amd64,linux/arm64", "--tag", "1")
    assert [image["reference"] for image in images] == [
        f"{app.name}:1-linux-amd64",
        f"{app.name}:1-linux-arm64",
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
    app: ImageProject, client: docker.DockerClient
) -> None:
    first, again = (app.locked().built("linux/amd64")[0] for _ in range(2))
    assert again["id"] == first["id"]
    before = layers(client, first["reference"])
    app.say("goodbye")
    edited = app.built("linux/amd64")[0]
    assert edited["reference"] != first["reference"], "the tag follows from what goes in"
    after = layers(client, edited["reference"])
    assert [one != other for one, other in zip(before, after, strict=True)].count(True) == 1
    assert json.loads(run_in(client, edited["reference"], "python", "-c", LOOK))[0] == "goodbye"


def test_extras_groups_files_and_an_entry_point_are_in_the_image_where_they_are_named(
    app: ImageProject, client: docker.DockerClient
) -> None:
    image = (
        'extras = ["more"]\ngroups = ["dev"]\nfiles = ["etc/serve.py"]\nentrypoint = ["python", "/app/etc/serve.py"]'
    )
    app.write("plain", image=image)
    (app.folder / "etc").mkdir()
    (app.folder / "etc" / "serve.py").write_text("import extra_one, tool, sys; print('served', sys.argv[1:])")
    reference = app.locked().built("linux/amd64")[0]["reference"]
    assert run_in(client, reference, "now") == "served ['now']\n"


# What is refused -----------------------------------------------------------------------------------------------------


def refused(app: ImageProject, client: docker.DockerClient, *words: str, code: int = 1) -> str:
    """What is said of a build that comes to nothing; no image has its name."""
    run = app.run("image", *words)
    assert run.returncode == code, run.stderr
    assert client.images.list(app.name) == []
    return run.stderr


def test_a_shared_object_of_another_machine_is_found_in_the_finished_image(
    app: ImageProject, client: docker.DockerClient
) -> None:
    x86, arm = sorted(app.index.files[COMPILED[0]], key=lambda name: "aarch64" in name)
    # As it happens where a file is copied across stages: the name says one thing, the machine code another.
    app.index.files[COMPILED[0]][arm] = app.index.files[COMPILED[0]][x86]
    said = refused(app.locked(), client, "linux/arm64")
    assert "the image for linux/arm64 is not what the lock says" in said
    assert "is for x86_64, not for aarch64, of markupsafe" in said
    assert "_speedups" in said


def test_a_platform_on_which_the_lock_does_not_hold_is_refused_before_anything_is_built(
    app: ImageProject, client: docker.DockerClient
) -> None:
    app.index.offer("half", "1.0", wheels=["cp311-cp311-manylinux_2_17_x86_64"])
    app.write("half")
    said = refused(app.locked(), client, "linux/arm64")
    assert "no distribution of half 1.0 fits linux/arm64" in said


def test_a_stale_lock_is_refused_before_anything_is_built(app: ImageProject, client: docker.DockerClient) -> None:
    app.locked().write(COMPILED[0], "plain>=1")
    assert "the lock does not state the project any more" in refused(app, client, "linux/amd64")


def test_what_uv_refuses_is_told_in_its_own_words(app: ImageProject, client: docker.DockerClient) -> None:
    app.index.offer("late", "1.0")
    app.index.offer("other", "1.0")
    app.write("late")
    app.locked()
    app.index.files["late"] = dict.fromkeys(app.index.files["late"], *app.index.files["other"].values())
    said = refused(app, client, "linux/amd64")
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
    base: str, says: str, app: ImageProject, client: docker.DockerClient
) -> None:
    path = app.folder / "pyproject.toml"
    path.write_text(path.read_text().replace("lockflow-test/python:{arch}", base))
    assert says in refused(app.locked(), client, "linux/arm64", code=2)


# Credentials ---------------------------------------------------------------------------------------------------------


def test_credentials_of_an_index_are_in_no_layer_label_or_line(app: ImageProject, client: docker.DockerClient) -> None:
    app.locked()
    # Both ways in which people give them: in a netrc file, which also serves names without credentials of their own.
    secret = f"hidden-{time.monotonic_ns()}"
    app.index.password = secret
    home = app.folder.parent / "home"
    host = app.index.origin.partition("//")[2].partition(":")[0]
    (home / ".netrc").write_text(f"machine {host} login reader password {secret}\n")
    run = app.run("image", "linux/amd64", "-v", "--json")
    assert run.returncode == 0, run.stderr
    assert app.index.was_asked_with_password
    assert secret not in run.stdout + run.stderr
    (image,) = json.loads(run.stdout)["images"]
    files = [(name, body) for name, body in saved(client, image["reference"])]
    assert len(files) > 500
    assert [name for name, body in files if secret.encode() in body] == []


# The task graph ------------------------------------------------------------------------------------------------------


def test_doit_builds_what_changed_and_rests_otherwise(app: ImageProject, client: docker.DockerClient) -> None:
    (app.folder / "dodo.py").write_text("from lockflow.tasks import *  # noqa: F403\n")

    def doit(*words: str) -> str:
        argv = [sys.executable, "-m", "doit", *words]
        run = subprocess.run(
            argv, cwd=app.folder, env=app.environment, capture_output=True, text=True, timeout=200, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def built(said: str) -> list[str]:
        return [line for line in said.splitlines() if line.startswith(".") and "image:" in line]

    assert len(built(doit("image:linux/amd64"))) == 1
    rested = doit("image:linux/amd64")
    assert all(line.startswith("--") for line in rested.splitlines()), rested
    app.say("goodbye")
    assert len(built(doit("image:linux/amd64"))) == 1
    (image,) = client.images.list(app.name)[:1]
    for tag in image.tags:
        client.images.remove(tag, force=True)
    assert len(built(doit("image:linux/amd64"))) == 1, "an image that is gone is built again"
    assert len(built(doit("image:linux/amd64", "TAG=9"))) == 1, "another tag is another image"
