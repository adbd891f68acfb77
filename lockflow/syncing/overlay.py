"""An environment on top of another for one run: what is added is in it, the rest is seen through it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from msgspec.structs import replace

from lockflow.environments.installing import shebang
from lockflow.environments.model import Environment
from lockflow.inputs.read import ReadResult
from lockflow.lock.export.model import Wish
from lockflow.steps import LockResult, Network, Target, cache_folder
from lockflow.syncing.model import Listener, SyncAsk
from lockflow.syncing.walk import install

FOLDER = "overlays-1"
"""The folder of the cache with them: each by what is below it and what is in it, so the next run finds it."""
_PATH_FILE = "lockflow_below.pth"
_LARGEST_SCRIPT = 1 << 20


def overlay(
    target: Target,
    read: ReadResult,
    result: LockResult,
    base: Environment,
    ask: SyncAsk,
    network: Network,
    listener: Listener,
) -> Environment:
    """Make or find the environment for the lock in `result`, on top of `base`."""
    names = "\n".join(
        f"{package.name} {package.version} {package.source} "
        f"{[file.hash for file in (*package.wheels, package.sdist) if file is not None]}"
        for package in result.lock.packages
    )
    digest = hashlib.blake2b(
        f"{base.root}\n{base.interpreter.executable}\n{names}".encode(), digest_size=12
    ).hexdigest()
    root = cache_folder(network, target.environment) / FOLDER / digest
    wanted = replace(
        ask, place=root, wish=Wish(), has_defaults=False, python=base.interpreter.executable, is_exact=True, again=False
    )
    done = install(target, wanted, read, result, network=network, listener=listener)
    assert done.environment is not None
    _see_through(done.environment, base)
    return done.environment


def _see_through(top: Environment, base: Environment) -> None:
    """Let the Python of `top` find what is in `base`, and give it the commands of `base`."""
    folders = dict.fromkeys((str(base.purelib), str(base.platlib)))
    lines = [f"import site; site.addsitedir({folder!r})\n" for folder in folders]
    _replace(Path(top.purelib) / _PATH_FILE, "".join(lines).encode(), 0o666)
    scripts = Path(top.scripts)
    first_lines = (shebang(base.python), shebang(base.python).rstrip(b"\n") + b"\r\n")
    for path in sorted(Path(base.scripts).iterdir()):
        target = scripts / path.name
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST_SCRIPT:
            continue
        content = path.read_bytes()
        head = next((line for line in first_lines if content.startswith(line)), None)
        if head is not None and (not target.exists() or _is_copied(target)):
            _replace(target, shebang(top.python) + _MARK + content[len(head) :], 0o777)


_MARK = b"# from the environment below\n"


def _is_copied(path: Path) -> bool:
    with path.open("rb") as file:
        return _MARK in file.read(4096)


def _replace(path: Path, content: bytes, mode: int) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)
