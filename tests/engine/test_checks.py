"""Whole checks in real containers, with real uv in them: linux/amd64 as this machine may be, linux/arm64 emulated."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest

from lockflow.cli.main import main
from support.containers import ARCHES, left_behind
from support.house import ANY, House
from support.run import Run

pytestmark = pytest.mark.engine

Project = Callable[..., Path]
X86 = "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"
ARM = "cp311-cp311-manylinux_2_28_aarch64"
MAC = "cp311-cp311-macosx_13_0_arm64"


@pytest.fixture
def index(house: House) -> House:
    house.offer("plain", "1.0")
    house.offer("tool", "2.0", wheels=[ANY])
    house.offer("fast", "3.0", "plain", wheels=[X86, ARM, MAC])
    house.offer("half", "1.0", wheels=[X86, MAC])
    return house


def lockflow(house: House, folder: Path, *words: str) -> Run:
    places = ["--directory", str(folder), "--default-index", f"{house.origin}/simple"]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main([*words, *places, "--cache-dir", str(folder.parent / "cache")])
    return Run(code, said.getvalue())


def checked(house: House, folder: Path, *words: str) -> Run:
    run = lockflow(house, folder, "lock")
    assert run.code == 0, run.said
    return lockflow(house, folder, "check", "--executor", "docker", *words)


def report(folder: Path, platform: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "reports" / f"{platform.replace('/', '-')}.json").read_text())
    return found


def test_a_lock_is_proven_by_real_interpreters_and_real_uv(
    index: House, project: Project, client: docker.DockerClient
) -> None:
    folder = project("fast")
    run = checked(index, folder)
    assert run.code == 0, run.said
    for platform, arch in ARCHES.items():
        found = report(folder, platform)
        assert found["level"] == "probe"
        evidence = found["pythons"][0]["evidence"]
        assert evidence["image"] == f"lockflow-test/python:{arch}"
        assert evidence["python"].startswith("3.11.")
        assert evidence["libc"] == "glibc 2.36"
        assert evidence["uv"] == "0.13.8"
        assert [entry["package"] for entry in found["pythons"][0]["entries"]] == ["fast", "plain", "tool"]
    darwin = report(folder, "darwin")
    assert darwin["level"] == "tags"
    assert darwin["pythons"][0]["evidence"]["target"] == "aarch64-apple-darwin"
    assert left_behind(client) == []


def test_what_is_missing_is_told_with_advice_and_in_uvs_words(index: House, project: Project) -> None:
    folder = project("half", "fast")
    run = checked(index, folder)
    assert run.code == 1
    assert "no distribution of half 1.0 fits linux/arm64" in run.said
    assert [report(folder, platform)["verdict"] for platform in (*ARCHES, "darwin")] == ["good", "bad", "good"]
    evidence = report(folder, "linux/arm64")["pythons"][0]["evidence"]
    assert "Distribution `half==1.0" in evidence["says"]
    assert "sees the lock" not in run.said, "lockflow and uv agree"


def test_a_definition_that_its_image_belies_is_a_finding(index: House, project: Project) -> None:
    folder = project("plain", glibc="2.17")
    run = checked(index, folder, "linux/amd64")
    assert run.code == 1
    assert "the image of linux/amd64 is not what its definition says" in run.said
    assert "the libc is glibc 2.36 in the image, glibc 2.17 in the definition" in run.said


def test_a_python_that_the_image_does_not_have_cannot_be_judged_and_the_others_are(
    index: House, project: Project
) -> None:
    folder = project("plain")
    run = checked(index, folder, "linux/amd64", "--python", "3.11", "--python", "3.12")
    assert run.code == 2
    assert "the image has Python 3.11." in run.said
    assert [python["python"] for python in report(folder, "linux/amd64")["pythons"]] == ["3.11"]


@pytest.mark.parametrize("platform", ARCHES)
def test_a_lock_is_installed_and_its_modules_import(platform: str, index: House, project: Project) -> None:
    folder = project("fast", settings='modules = ["fast", "plain"]')
    run = checked(index, folder, platform, "--level", "install")
    assert run.code == 0, run.said
    assert report(folder, platform)["level"] == "install"


def test_a_module_that_is_not_there_is_a_finding(index: House, project: Project) -> None:
    folder = project("plain", settings='modules = ["plain", "plain.inner"]')
    run = checked(index, folder, "linux/amd64", "--level", "install")
    assert run.code == 1
    assert "the module plain.inner cannot be imported on linux/amd64" in run.said
    assert "No module named 'plain.inner'" in run.said


def test_a_file_that_is_another_than_locked_is_not_installed(index: House, project: Project) -> None:
    folder = project("plain")
    assert lockflow(index, folder, "lock").code == 0
    name = next(iter(index.files["plain"]))
    index.offer("other", "1.0")
    index.files["plain"][name] = next(iter(index.files["other"].values()))
    run = lockflow(index, folder, "check", "linux/amd64", "--executor", "docker", "--level", "install")
    assert run.code == 1
    assert "uv 0.13.8 cannot install the lock on linux/amd64" in run.said
    assert "Hash mismatch" in run.said


def test_a_stale_lock_is_refused_in_uvs_words(index: House, project: Project) -> None:
    folder = project("plain")
    assert lockflow(index, folder, "lock").code == 0
    path = folder / "pyproject.toml"
    path.write_text(path.read_text().replace("['plain']", "['plain>=1']"))
    run = lockflow(index, folder, "check", "linux/amd64", "--executor", "docker", "--level", "install")
    assert run.code == 1
    assert "uv 0.13.8 does not take the lock for that of the project" in run.said
    assert "lock again with `lockflow lock`" in run.said


def test_doit_checks_side_by_side_and_rests_when_nothing_changed(index: House, project: Project) -> None:
    folder = project("fast", settings='executor = "docker"')
    (folder / "dodo.py").write_text(
        "from lockflow.tasks import DOIT_CONFIG, task_check, task_inputs, task_lock, task_report, task_resolve\n"
    )

    def doit() -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "UV_DEFAULT_INDEX": f"{index.origin}/simple",
            "LOCKFLOW_CACHE_DIR": str(folder.parent / "cache"),
        }
        argv = [sys.executable, "-m", "doit", "lock"]
        return subprocess.run(
            argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    first = doit()
    assert first.returncode == 0, first.stdout + first.stderr
    assert "probe, emulated" in first.stderr or "probe" in first.stderr
    assert report(folder, "linux/arm64")["level"] == "probe"
    second = doit()
    assert second.returncode == 0
    assert all(line.startswith("--") for line in second.stdout.splitlines())
