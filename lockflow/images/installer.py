"""A program that runs in the builder of an image, on the Python there: installs by uv, then lays out what is new.

    python3 installer.py UV-VERSION OUT [uv's arguments]

What the network takes (credentials, proxies, authorities) comes in by secrets; no file of a layer ever holds it. The
environment is made in /opt/venv; what this step added to it is put below OUT, byte-compiled, all times zero, so that
the same files are the same layer. It is sent into the builder as it is: it imports nothing but the standard library,
of any Python from 3.8 on.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import importlib.util
import json
import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

VENV = Path("/opt/venv")
UV = "/lockflow/uv"
SECRETS = Path("/run/secrets")
WRONG_UV = 64
_LEFT_BY_UV = (".lock", ".gitignore", "CACHEDIR.TAG")


def main(version: str, out: Path, arguments: list[str]) -> int:
    """Do as the recipe says; returns uv's exit status where it is not 0."""
    said = subprocess.run([UV, "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    if said.split()[:2] != ["uv", version]:
        sys.stderr.write(f"the builder has {said or 'something that says nothing'}, not uv {version}\n")
        return WRONG_UV
    before = listing()
    code = subprocess.run([UV, *arguments], env=surroundings(), check=False).returncode
    if code == 0:
        clean()
        compile_all()
        lay_out(before, out)
    return code


def surroundings() -> dict[str, str]:
    """The environment of uv: what holds for every build, then what the secrets say."""
    environment = {
        **os.environ,
        "UV_CACHE_DIR": "/var/cache/lockflow",
        "UV_LINK_MODE": "copy",
        "UV_NO_PROGRESS": "1",
        "UV_PROJECT_ENVIRONMENT": str(VENV),
        "UV_PYTHON": os.path.realpath(sys.executable),
        "UV_PYTHON_DOWNLOADS": "never",
        # The oldest time that a zip file can state: archives that backends make are the same each time.
        "SOURCE_DATE_EPOCH": "315532800",
    }
    given = SECRETS / "environment"
    if given.exists():
        environment.update(json.loads(given.read_text(encoding="utf-8")))
    for name, variable in (("netrc", "NETRC"), ("authorities", "SSL_CERT_FILE")):
        if (SECRETS / name).exists():
            environment[variable] = str(SECRETS / name)
    return environment


def files_of(root: Path) -> list[Path]:
    """All files and links below a folder, by path."""
    found: list[Path] = []
    for folder, folders, files in os.walk(root):
        found += [Path(folder, name) for name in files]
        found += [Path(folder, name) for name in folders if Path(folder, name).is_symlink()]
    return sorted(found)


def listing() -> dict[Path, object]:
    """What is in the environment: files with size, time and mode, links with their target."""
    return {path: identity(path) for path in files_of(VENV)}


def identity(path: Path) -> object:
    status = path.lstat()
    return path.readlink() if path.is_symlink() else (status.st_size, status.st_mtime_ns, status.st_mode)


def clean() -> None:
    """Take away what uv leaves for itself, and byte code that was not made here."""
    for path in files_of(VENV):
        is_foreign = path.suffix in (".pyc", ".pyo") and path.lstat().st_mtime_ns != 0
        if is_foreign or (path.parent == VENV and path.name in _LEFT_BY_UV):
            path.unlink()


def compile_all() -> None:
    """Byte code depends on the version of Python alone, so that it is made here for any machine.

    It is never compared with its source: the files of a layer do not change. What has some keeps it.
    """
    sources = [path for path in files_of(VENV) if path.suffix == ".py"]
    waiting = [path for path in sources if not Path(importlib.util.cache_from_source(str(path))).exists()]
    if waiting:
        with concurrent.futures.ProcessPoolExecutor() as pool:
            list(pool.map(compile_one, waiting, chunksize=32))


def compile_one(path: Path) -> None:
    """Compile a file; one that is no valid Python (a template, the test of a parser) has no byte code."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    with contextlib.suppress(py_compile.PyCompileError, OSError, ValueError, RecursionError):
        py_compile.compile(str(path), doraise=True, invalidation_mode=mode)


def lay_out(before: dict[Path, object], out: Path) -> None:
    """Put what is new below `out`, in the place that it has, with all times zero."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    if not before:
        # The folder that images work in; made by them, it would have the time of the build.
        (out / "app").mkdir()
    for path in files_of(VENV):
        # What is as it was is not touched: that alone would make it part of this layer.
        if before.get(path) == identity(path):
            continue
        if not path.is_symlink():
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (0, 0), follow_symlinks=False)
        there = out / path.relative_to("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, there, follow_symlinks=False)
    for folder, _, _ in os.walk(out, topdown=False):
        Path(folder).chmod(0o755)
        os.utime(folder, (0, 0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
