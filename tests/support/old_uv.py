"""Releases of real uv other than the pinned one, fetched with pip once and kept in the checkout.

Tests of several processes may want the same at once: each fetches for itself, and puts what it has in place whole.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

TOOLS = Path(__file__).parent.parent.parent / ".lockflow-bench" / "tools"


def uv_program(version: str) -> Path:
    """The program of that release for this machine."""
    program = TOOLS / f"uv-{version}"
    if not program.exists():
        TOOLS.mkdir(parents=True, exist_ok=True)
        fresh = TOOLS / f"uv-{version}.{os.getpid()}"
        fresh.write_bytes(program_in(wheel_of("uv", version), version))
        fresh.chmod(0o755)
        fresh.replace(program)
    return program


def program_in(wheel: Path, version: str) -> bytes:
    """The program in a wheel of uv."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"uv-{version}.data/scripts/uv")


def wheel_of(name: str, version: str, platform: str = "", *, python: str = "") -> Path:
    """The wheel of a release, for this machine or for `platform` as pip names it, and for that Python."""
    folder = TOOLS / "wheels" / (platform or "here")
    found = next(folder.glob(f"{name}-{version}-*.whl"), None)
    if found is None:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as fresh:
            argv = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", fresh]
            chosen = ["--platform", platform] if platform else []
            chosen += ["--python-version", python] if python else []
            subprocess.run([sys.executable, *argv, *chosen, f"{name}=={version}"], check=True, timeout=300)
            (wheel,) = Path(fresh).iterdir()
            found = wheel.replace(folder / wheel.name)
    return found
