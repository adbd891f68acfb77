"""Images of what is more than one project: members, trees beside, archives on disk, and what is built from source."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import docker
import pytest

from support.image_projects import BACKEND, ImageProject, run_in, source_archive

pytestmark = pytest.mark.engine

BUILDABLE = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
LOOK = """
import api, beside, json, ondisk, platform, pure, shared
from importlib.metadata import distributions
print(json.dumps([platform.machine(), sorted(d.name for d in distributions()), shared.__file__]))
"""


def write(folder: Path, name: str, text: str) -> None:
    (folder / "src" / name).mkdir(parents=True)
    (folder / "src" / name / "__init__.py").write_text("")
    (folder / "backend.py").write_text(BACKEND)
    head = f'[project]\nname = "{name}"\nversion = "1"\nrequires-python = ">=3.11"\n'
    (folder / "pyproject.toml").write_text(head + textwrap.dedent(text) + BUILDABLE)


def test_a_member_of_a_workspace_comes_with_all_that_it_depends_on(
    app: ImageProject, client: docker.DockerClient
) -> None:
    root, index = app.folder, app.index
    index.offer("ondisk", "1.0")
    (root / "vendor").mkdir()
    for name, content in index.files.pop("ondisk").items():
        (root / "vendor" / name).write_bytes(content)
    index.carry("pure", "pure-1.0.tar.gz", source_archive("pure", "1.0"))
    (root / "pyproject.toml").write_text(
        textwrap.dedent(
            f"""\
            [tool.uv.workspace]
            members = ["libs/*", "apps/*"]

            [tool.lockflow]
            platforms = ["linux/amd64", "linux/arm64"]
            python-versions = ["3.11"]
            allow-sdist = ["pure"]

            [tool.lockflow.image]
            name = "{app.name}"
            base = "lockflow-test/python:{{arch}}"
            package = "api"
            """
        )
    )
    sources = """\
        dependencies = ["shared", "beside", "ondisk", "pure"]

        [tool.uv.sources]
        shared = { workspace = true }
        beside = { path = "../../../beside", editable = true }
        ondisk = { path = "../../vendor/ondisk-1.0-py3-none-any.whl" }

        """
    write(root / "apps" / "api", "api", sources)
    write(root / "apps" / "other", "other", 'dependencies = ["plain"]\n')
    write(root / "libs" / "shared", "shared", "")
    write(root.parent / "beside", "beside", "")
    images = app.locked().built("linux/amd64", "linux/arm64", "--tag", "1")
    for image, machine in zip(images, ("x86_64", "aarch64"), strict=True):
        found, names, place = json.loads(run_in(client, image["reference"], "python", "-c", LOOK))
        assert found == machine
        assert names == ["api", "beside", "ondisk", "pure", "shared"]
        assert place.startswith("/opt/venv/"), "an editable install would lead to a source that is not there"
