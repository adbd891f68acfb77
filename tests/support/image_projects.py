"""A small project whose images tests build: it is installed, and has a dependency with real machine code."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from lockflow.engines.docker_images import BASE, UNVERIFIED
from lockflow.engines.owner import OWNER, is_orphan, is_orphan_tag
from support.archives import tar_gz
from support.containers import ARCHES, PROJECT, carry_wheels
from support.house import ANY, House

COMPILED = ("markupsafe", "3.0.3")
"""A project on the real index with a shared object for each platform; its wheels are kept in the checkout."""
_SETTINGS = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[tool.lockflow]
platforms = ["linux/amd64", "linux/arm64"]
python-versions = ["3.11"]
{settings}

[tool.lockflow.image]
name = "{name}"
base = "lockflow-test/python:{{arch}}"
{image}
"""
# As small as a backend can be, so that nothing has to be fetched to build a project.
BACKEND = """\
import base64, hashlib, pathlib, tomllib, zipfile

def get_requires_for_build_wheel(config_settings=None):
    return []

def build_wheel(directory, config_settings=None, metadata_directory=None):
    project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    info = f"{name}-{version}.dist-info"
    sources = sorted(pathlib.Path("src").rglob("*.py"))
    files = {path.relative_to("src").as_posix(): path.read_bytes() for path in sources}
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    record = ""
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(content)}\\n"
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\\n").encode()
    wheel = f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(directory, wheel), "w") as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return wheel
"""
_START = "import sys; from lockflow.cli.main import main; sys.exit(main())"


@dataclass
class ImageProject:
    """The project in `folder`, its packages on `index`; `name` is the repository of its images."""

    folder: Path
    index: House
    name: str

    def write(self, *dependencies: str, settings: str = "", image: str = "") -> None:
        text = (PROJECT + _SETTINGS).format(
            dependencies=list(dependencies), extra="extra-one", name=self.name, settings=settings, image=image
        )
        (self.folder / "pyproject.toml").write_text(text)
        (self.folder / "backend.py").write_text(BACKEND)
        (self.folder / "src" / "app").mkdir(parents=True, exist_ok=True)
        self.say("hello")

    def say(self, word: str) -> None:
        """Edit the source."""
        (self.folder / "src" / "app" / "__init__.py").write_text(f"word = {word!r}\n")

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "LOCKFLOW_CACHE_DIR": str(self.folder.parent / "cache"),
            "UV_DEFAULT_INDEX": f"{self.index.origin}/simple",
        }

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start lockflow in a process of its own."""
        argv = [sys.executable, "-c", _START, *words, "--directory", str(self.folder)]
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, env={**self.environment, **environment}, text=True, stdout=pipe, stderr=pipe)

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=280)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def locked(self) -> ImageProject:
        run = self.run("lock")
        assert run.returncode == 0, run.stderr
        return self

    def built(self, *words: str, **environment: str) -> list[dict[str, Any]]:
        """Build images, which succeeds; what is told of each."""
        run = self.run("image", *words, "--json", **environment)
        assert run.returncode == 0, run.stderr
        found: list[dict[str, Any]] = json.loads(run.stdout)["images"]
        return found


@contextlib.contextmanager
def image_project(index: House, folder: Path, client: docker.DockerClient) -> Iterator[ImageProject]:
    """A project below `folder`; in the end none of its images, and nothing else of lockflow's, is there."""
    (folder / "work").mkdir()
    index.offer("plain", "1.0")
    index.offer("extra-one", "1.0")
    index.offer("tool", "2.0", wheels=[ANY])
    carry_wheels(index, *COMPILED, python="3.11")
    found = ImageProject(folder / "work", index, f"lockflow-test/app-{os.getpid()}-{time.monotonic_ns()}")
    found.write(COMPILED[0], "plain")
    yield found
    for image in client.images.list(found.name):
        for tag in image.tags:
            client.images.remove(tag, force=True)
    assert left_over(client) == []


def source_archive(name: str, version: str) -> bytes:
    """A source distribution that any machine with Python 3.11 builds, without anything from an index."""
    head = f'[project]\nname = "{name}"\nversion = "{version}"\n'
    backend = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    files = {
        "PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n",
        "pyproject.toml": head + backend,
        "backend.py": BACKEND,
        f"src/{name}/__init__.py": "",
    }
    return tar_gz({f"{name}-{version}/{path}": text.encode() for path, text in files.items()})


def run_in(client: docker.DockerClient, reference: str, *argv: str) -> str:
    """What a command says in an image, as whoever the image names."""
    platform = client.images.get(reference).attrs["Architecture"]
    said: bytes = client.containers.run(
        reference, list(argv), remove=True, network_mode="none", platform=f"linux/{platform}", stderr=True
    )
    return said.decode()


def layers(client: docker.DockerClient, reference: str) -> list[str]:
    found: list[str] = client.images.get(reference).attrs["RootFS"]["Layers"]
    return found


def left_over(client: docker.DockerClient) -> list[str]:
    """Containers, and names of images, that lockflow made and whose process is no more: others may be at work."""
    containers = client.containers.list(all=True, filters={"label": OWNER}, ignore_removed=True)
    tags = [tag for image in client.images.list() for tag in image.tags]
    ours = [tag for tag in tags if tag.startswith((f"{UNVERIFIED}:", f"{BASE}:"))]
    return [
        *(container.name for container in containers if is_orphan(container.labels)),
        *(tag for tag in ours if is_orphan_tag(tag.partition(":")[2].rpartition(".")[2])),
    ]


def saved(client: docker.DockerClient, reference: str) -> Iterator[tuple[str, bytes]]:
    """All files of a saved image, those inside of its layers included."""
    with io.BytesIO() as whole:
        for chunk in client.images.get(reference).save():
            whole.write(chunk)
        whole.seek(0)
        with tarfile.open(fileobj=whole) as archive:
            for entry in archive:
                content = archive.extractfile(entry)
                if content is None:
                    continue
                body = content.read()
                yield entry.name, body
                if entry.name.endswith("layer.tar") or "blobs/" in entry.name:
                    yield from _inside(entry.name, body)


def _inside(name: str, body: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        layer = tarfile.open(fileobj=io.BytesIO(body))  # noqa: SIM115  closed below
    except tarfile.TarError:
        return
    with layer:
        for entry in layer:
            content = layer.extractfile(entry) if entry.isreg() else None
            yield f"{name}/{entry.name}", b"" if content is None else content.read()


PLATFORMS: Sequence[str] = tuple(ARCHES)
