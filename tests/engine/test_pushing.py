"""Images pushed to a real registry (Debian's docker-registry on this machine), pulled back, and run."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from support.image_projects import ImageProject, run_in
from support.registry import IS_INSTALLED, RunningRegistry, running_registry

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not IS_INSTALLED, reason="docker-registry is not installed"),
]


@pytest.fixture
def registry(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RunningRegistry]:
    with running_registry(tmp_path / "registry", is_closed=getattr(request, "param", False)) as found:
        yield found


KINDS = "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.index.v1+json"


def test_make_pushes_both_platforms_as_one_list_that_is_pulled_and_run(
    registry: RunningRegistry, app: ImageProject, client: docker.DockerClient
) -> None:
    app.name = f"{registry.address}/team/app"
    app.write("plain")
    (app.folder / "dodo.py").write_text("from lockflow.tasks import *  # noqa: F403\n")
    root = Path(__file__).parent.parent.parent
    argv = [
        "make", "--no-print-directory", "-C", str(root), "image", f"PROJECT={app.folder}", "TAG=1",
        "PLATFORM=linux/amd64,linux/arm64", "PUSH=1",
    ]  # fmt: skip
    run = subprocess.run(argv, env=app.environment, capture_output=True, text=True, timeout=280, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    listed, digest = registry.document("team/app/manifests/1", KINDS)
    assert f"{app.name}:1@{digest}" in run.stderr
    assert [entry["platform"]["architecture"] for entry in listed["manifests"]] == ["amd64", "arm64"]
    ids = {client.images.get(f"{app.name}:1-linux-{arch}").id for arch in ("amd64", "arm64")}
    for arch in ("amd64", "arm64"):
        client.images.remove(f"{app.name}:1-linux-{arch}", force=True)
    for arch, machine in (("amd64", "x86_64"), ("arm64", "aarch64")):
        pulled = client.images.pull(app.name, tag="1", platform=f"linux/{arch}")
        assert pulled.id in ids
        program = "import app, platform; print(app.word, platform.machine())"
        assert run_in(client, f"{app.name}:1", "python", "-c", program) == f"hello {machine}\n"
    for image in ids:
        client.images.remove(image, force=True)


@pytest.mark.parametrize("registry", [True], indirect=True)
def test_credentials_of_the_docker_command_are_used_and_never_shown(
    registry: RunningRegistry, app: ImageProject, client: docker.DockerClient
) -> None:
    app.name = f"{registry.address}/team/app"
    app.write("plain")
    app.locked()
    run = app.run("image", "linux/amd64", "--tag", "1", "--push")
    assert run.returncode == 2, run.stderr
    assert f"the registry does not let you push {app.name}:1" in run.stderr
    assert "docker login" in run.stderr
    configuration = app.folder.parent / "home" / ".docker"
    configuration.mkdir()
    token = base64.b64encode(b"pusher:secret").decode()
    (configuration / "config.json").write_text(json.dumps({"auths": {registry.address: {"auth": token}}}))
    run = app.run("image", "linux/amd64,linux/arm64", "--tag", "1", "--push", "-v", "--json")
    assert run.returncode == 0, run.stderr
    assert token not in run.stdout + run.stderr
    assert "secret" not in run.stdout + run.stderr
    listed, digest = registry.document("team/app/manifests/1", KINDS)
    assert json.loads(run.stdout)["digest"] == digest
    assert len(listed["manifests"]) == 2
