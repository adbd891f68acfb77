"""Images pushed to a real registry (Debian's docker-registry on this machine), pulled back, and run."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from support.house import House
from support.image_projects import ImageProject, image_project, run_in

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(shutil.which("docker-registry") is None, reason="docker-registry is not installed"),
]
BCRYPT = "$2b$05$aaaaaaaaaaaaaaaaaaaaaOjOHCcGZ1ZydhnG2lX11qSmiRJbsbsA."
"""`secret`, as registries keep it; the user is `pusher`."""


@pytest.fixture
def project(
    house: House, tmp_path: Path, client: docker.DockerClient, _nobodys_settings: None
) -> Iterator[ImageProject]:
    with image_project(house, tmp_path, client) as found:
        yield found


@dataclass
class RunningRegistry:
    address: str
    user: str = ""
    password: str = ""

    def document(self, path: str, kinds: str) -> tuple[dict[str, Any], str]:
        """A manifest of the registry, and its digest."""
        request = urllib.request.Request(f"http://{self.address}/v2/{path}", headers={"Accept": kinds})
        if self.user:
            token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer), answer.headers["Docker-Content-Digest"]


def start(folder: Path, *, is_closed: bool) -> tuple[subprocess.Popen[bytes], RunningRegistry]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    auth = ""
    if is_closed:
        (folder / "users").write_text(f"pusher:{BCRYPT}\n")
        auth = f"auth:\n  htpasswd:\n    realm: tests\n    path: {folder}/users\n"
    (folder / "registry.yml").write_text(
        f"version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {folder}/data\n"
        f"http:\n  addr: 127.0.0.1:{port}\n{auth}"
    )
    argv = ["docker-registry", "serve", str(folder / "registry.yml")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)
    found_registry = RunningRegistry(f"127.0.0.1:{port}", *(("pusher", "secret") if is_closed else ()))
    until = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=2).close()
        except urllib.error.HTTPError:
            break
        except OSError:
            assert time.monotonic() < until, (folder / "log").read_text()
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        else:
            break
    return process, found_registry


@pytest.fixture
def registry(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RunningRegistry]:
    folder = tmp_path / "registry"
    folder.mkdir()
    process, found = start(folder, is_closed=getattr(request, "param", False))
    yield found
    process.terminate()
    process.wait(20)


KINDS = "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.index.v1+json"


def test_make_pushes_both_platforms_as_one_list_that_is_pulled_and_run(
    registry: RunningRegistry, project: ImageProject, client: docker.DockerClient
) -> None:
    project.name = f"{registry.address}/team/app"
    project.write("plain")
    (project.folder / "dodo.py").write_text("from lockflow.tasks import *  # noqa: F403\n")
    root = Path(__file__).parent.parent.parent
    argv = [
        "make", "--no-print-directory", "-C", str(root), "image", f"PROJECT={project.folder}", "TAG=1",
        "PLATFORM=linux/amd64,linux/arm64", "PUSH=1",
    ]  # fmt: skip
    run = subprocess.run(argv, env=project.environment, capture_output=True, text=True, timeout=280, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    listed, digest = registry.document("team/app/manifests/1", KINDS)
    assert f"{project.name}:1@{digest}" in run.stderr
    assert [entry["platform"]["architecture"] for entry in listed["manifests"]] == ["amd64", "arm64"]
    ids = {client.images.get(f"{project.name}:1-linux-{arch}").id for arch in ("amd64", "arm64")}
    for arch in ("amd64", "arm64"):
        client.images.remove(f"{project.name}:1-linux-{arch}", force=True)
    for arch, machine in (("amd64", "x86_64"), ("arm64", "aarch64")):
        pulled = client.images.pull(project.name, tag="1", platform=f"linux/{arch}")
        assert pulled.id in ids
        program = "import app, platform; print(app.word, platform.machine())"
        assert run_in(client, f"{project.name}:1", "python", "-c", program) == f"hello {machine}\n"
    for image in ids:
        client.images.remove(image, force=True)


@pytest.mark.parametrize("registry", [True], indirect=True)
def test_credentials_of_the_docker_command_are_used_and_never_shown(
    registry: RunningRegistry, project: ImageProject, client: docker.DockerClient
) -> None:
    project.name = f"{registry.address}/team/app"
    project.write("plain")
    project.locked()
    run = project.run("image", "linux/amd64", "--tag", "1", "--push")
    assert run.returncode == 2, run.stderr
    assert f"the registry does not let you push {project.name}:1" in run.stderr
    assert "docker login" in run.stderr
    configuration = project.folder.parent / "home" / ".docker"
    configuration.mkdir()
    token = base64.b64encode(b"pusher:secret").decode()
    (configuration / "config.json").write_text(json.dumps({"auths": {registry.address: {"auth": token}}}))
    run = project.run("image", "linux/amd64,linux/arm64", "--tag", "1", "--push", "-v", "--json")
    assert run.returncode == 0, run.stderr
    assert token not in run.stdout + run.stderr
    assert "secret" not in run.stdout + run.stderr
    listed, digest = registry.document("team/app/manifests/1", KINDS)
    assert json.loads(run.stdout)["digest"] == digest
    assert len(listed["manifests"]) == 2
