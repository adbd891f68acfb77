"""The reference tool, real uv, run over an index on loopback with nothing of this machine's configuration."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def uv_path() -> str | None:
    """The pinned uv beside this interpreter, not one that happens to be on PATH."""
    return shutil.which("uv", path=str(Path(sys.executable).parent))


def run_uv(
    args: Sequence[str], folder: Path, cache: Path, *, path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it in `folder`; programs are found in `path` first."""
    uv = uv_path()
    assert uv is not None, "uv is in the dependency group `test`"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}
    settings = {
        # not UV_PYTHON: a project that excludes this interpreter may find another
        "PATH": interpreters_path() if path is None else f"{path}{os.pathsep}{interpreters_path()}",
        "UV_CACHE_DIR": str(cache),
        "UV_PYTHON_DOWNLOADS": "never",
        "NO_PROXY": "127.0.0.1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    return subprocess.run(
        [uv, *args], cwd=folder, env=kept | settings, capture_output=True, text=True, timeout=120, check=False
    )


def interpreters_path() -> str:
    """PATH with this interpreter first, then those installed beside it, then the system's: nothing that forwards."""
    here = Path(sys.base_prefix)
    beside = sorted(here.parent.glob("*/bin/python3"), reverse=True) if here.name[0].isdigit() else []
    return os.pathsep.join([str(here / "bin"), *(str(python.parent) for python in beside), os.defpath])
