from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from support.installation import Installation


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _nobodys_settings: None) -> Installation:
    """A project without requirements beside an index without packages, on a machine with one Python."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setenv("PATH", f"{Path(sys.base_prefix, 'bin')}{os.pathsep}{os.defpath}")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    project = tmp_path / "project"
    project.mkdir()
    return Installation(project=project, cache=tmp_path / "cache")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An empty environment, and a cache that knows the Python of it: made once, since that takes a while."""
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "project").mkdir()
    made = Installation(project=folder / "project", cache=folder / "cache")
    made.write()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.base_prefix, 'bin')}{os.pathsep}{os.defpath}")
        patch.setenv("HOME", str(folder))
        assert made.run("sync").code == 0
    return made


@pytest.fixture
def ready(desk: Installation, prepared: Installation) -> Installation:
    """A desk with an empty environment."""
    shutil.copytree(prepared.environment, desk.environment, symlinks=True)
    shutil.copytree(prepared.cache, desk.cache)
    return desk
