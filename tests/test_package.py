"""What a build puts into the wheel."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        yield archive


def test_wheel_holds_every_platform_definition(wheel: zipfile.ZipFile) -> None:
    declared = {path.name for path in (ROOT / "platforms").glob("*.toml")}
    shipped = {name.removeprefix("lockflow/_platforms/") for name in wheel.namelist() if "/_platforms/" in name}
    assert declared
    assert shipped == declared


def test_wheel_holds_the_default_index_and_the_type_marker(wheel: zipfile.ZipFile) -> None:
    assert {"lockflow/_default_index.py", "lockflow/py.typed"} <= set(wheel.namelist())
    assert "DEFAULT_INDEX = " in wheel.read("lockflow/_default_index.py").decode()


def test_wheel_holds_nothing_beside_the_package(wheel: zipfile.ZipFile) -> None:
    roots = {name.partition("/")[0] for name in wheel.namelist()}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"lockflow"}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only a checkout knows which files are the tree's")
def test_default_index_is_named_nowhere_else() -> None:
    """The index's address comes from a library at build time; no file of the tree carries it."""
    from urllib.parse import urlsplit

    from lockflow._default_index import DEFAULT_INDEX

    host = str(urlsplit(DEFAULT_INDEX).hostname).encode()
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    found = [
        name.decode()
        for name in listed.split(b"\0")
        if name and (path := ROOT / name.decode()).is_file() and host in path.read_bytes()
    ]
    assert found == []
