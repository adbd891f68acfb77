from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lockflow.platforms import probe


def test_a_module_is_imported_without_the_credentials_of_indexes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "curious.py").write_text("import os\nraise ImportError(' '.join(sorted(os.environ)))\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", sys.prefix)
    for name in ("UV_INDEX_CORP_PASSWORD", "UV_DEFAULT_INDEX", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://me:s3cret@index.example")
    (failure,) = probe._import("curious")
    assert failure["words"].startswith("ImportError: ")
    assert not {name for name in failure["words"].split() if name.startswith("UV_") or "proxy" in name.lower()}
    assert "PATH" in failure["words"].split()
