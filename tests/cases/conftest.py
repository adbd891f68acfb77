"""The projects of this folder, each of which failed for somebody in a build, over an index with files like the real."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.house import House

HERE = Path(__file__).parent
LINUX_AMD64 = "manylinux_2_17_x86_64.manylinux2014_x86_64"
LINUX_ARM64 = "manylinux_2_17_aarch64.manylinux2014_aarch64"


@pytest.fixture
def house() -> House:
    """What the projects depend on: names, versions and kinds of files as on the public index, contents invented."""
    found = House()
    everywhere = [LINUX_AMD64, LINUX_ARM64, "macosx_12_0_arm64", "win_amd64"]
    found.offer(
        "tensorflow",
        "2.18.0",
        "nvidia-nccl-cu12==2.21.5 ; extra == 'and-cuda'",
        wheels=[f"cp311-cp311-{platform}" for platform in everywhere],
    )
    found.offer("tensorflow-cpu", "2.18.0", wheels=[f"cp311-cp311-{tag}" for tag in (LINUX_AMD64, "win_amd64")])
    found.offer("tensorflow-macos", "2.15.0", wheels=["cp311-cp311-macosx_12_0_arm64"])
    found.offer("tensorflow-io-gcs-filesystem", "0.37.1", wheels=[f"cp311-cp311-{tag}" for tag in everywhere])
    found.offer("nvidia-nccl-cu12", "2.21.5", wheels=["py3-none-manylinux2014_x86_64"])
    found.offer("mlx", "0.10.0", wheels=["cp311-cp311-macosx_13_0_arm64", "cp311-cp311-macosx_14_0_arm64"])
    found.offer("docopt", "0.6.2", wheels=(), sdist=True)
    found.offer("pandas", "2.2.3", "numpy>=1.26")
    for name, version in (
        ("numpy", "1.26.4"),
        ("numpy", "2.1.0"),
        ("idna", "3.10"),
        ("iniconfig", "2.0.0"),
        ("requests", "2.32.3"),
    ):
        found.offer(name, version)
    return found


@pytest.fixture
def project(tmp_path: Path, _nobodys_settings: None) -> Callable[[str], Path]:
    """Copies the project of a case."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(HERE / name, tmp_path / "work" / name))

    return copy
