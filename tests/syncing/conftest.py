from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from support.installation import Installation


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """A project without requirements beside an index without packages, on a machine with one Python."""
    for name in [name for name in os.environ if name.startswith(("UV_", "LOCKFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setenv("PATH", f"{Path(sys.base_prefix, 'bin')}{os.pathsep}{os.defpath}")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    project = tmp_path / "project"
    project.mkdir()
    return Installation(project=project, cache=tmp_path / "cache")
