"""Opens a virtual environment, and makes one with the standard library's `venv`, on the terms of uv's."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from lockflow.environments.model import Environment
from lockflow.errors import InputError
from lockflow.standards.interpreter import Interpreter

_CONFIG = "pyvenv.cfg"
_TAG = "Signature: 8a477f597d28d172789f06886806bc55"
_FORMAT = 1
"""Of what lockflow notes in an environment, as pyvenv.cfg states it."""
_LAST_LINES = 12
_TIMEOUT_SECONDS = 120


class Found(StrEnum):
    """What is where an environment should be."""

    NOTHING = "nothing"
    USABLE = "usable"
    BROKEN = "broken"
    """An environment whose Python is gone or does not answer."""


def look(root: Path, ask: Callable[[Path], Interpreter | None]) -> tuple[Found, Environment | None]:
    """Look what is at `root`. Raises InputError for what is no environment, since it must not be replaced."""
    if not root.exists() and not root.is_symlink():
        return Found.NOTHING, None
    if not root.is_dir():
        raise _not_one(root, "there is a file in its place" if root.exists() else "it is a link that leads nowhere")
    config = _config(root)
    if config is None:
        if any(root.iterdir()):
            raise _not_one(root, f"the folder is not empty, and has no {_CONFIG}")
        return Found.NOTHING, None
    names = ("Scripts/python.exe",) if os.name == "nt" else ("bin/python", "bin/python3")
    python = next((root / name for name in names if (root / name).exists()), None)
    interpreter = None if python is None else ask(python)
    if interpreter is None:
        return Found.BROKEN, None
    is_bare = "lockflow" in config or ("uv" in config and config.get("seed", "false") != "true")
    return Found.USABLE, Environment(root=root, interpreter=interpreter, is_bare=is_bare)


def _config(root: Path) -> Mapping[str, str] | None:
    try:
        lines = (root / _CONFIG).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    pairs = (line.partition("=") for line in lines)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _not_one(root: Path, why: str) -> InputError:
    return InputError(
        f"{root.name} cannot be used as the environment of the project",
        where=str(root),
        why=why,
        next="move it away, or name another place in UV_PROJECT_ENVIRONMENT",
    )


def remove(root: Path) -> None:
    """Remove an environment, the Python of which goes first: what is left of it is never taken for one that works."""
    try:
        for name in ("bin", "Scripts"):
            shutil.rmtree(root / name, ignore_errors=True)
        if root.is_symlink():
            for entry in root.iterdir():
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        else:
            shutil.rmtree(root)
    except OSError as error:
        raise InputError(
            "the environment cannot be removed",
            where=str(error.filename or root),
            why=error.strerror or str(error),
            next="end what uses it, or delete it by hand",
        ) from error


class Making:
    """An environment that is being made, without pip, in a process beside this one; `finish` waits for it."""

    def __init__(self, root: Path, interpreter: Interpreter, *, prompt: str) -> None:
        self._root = root
        self._interpreter = interpreter
        self._prompt = re.sub(r"[^ -~]", "", prompt)
        command = [interpreter.executable, "-I", "-m", "venv", "--without-pip", "--prompt", self._prompt]
        if os.name != "nt":
            command.append("--symlinks")
        try:
            root.parent.mkdir(parents=True, exist_ok=True)
            # In a session of its own: Ctrl-C must not leave a folder that is half an environment.
            self._process = subprocess.Popen(
                [*command, str(root)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=os.name == "posix",
            )
        except OSError as error:
            raise _failed(root, interpreter, str(error)) from error

    def finish(self) -> None:
        """Wait until it is made. Raises InputError where that failed."""
        try:
            said, _ = self._process.communicate(timeout=_TIMEOUT_SECONDS)
            lines = said.decode("utf-8", "replace").strip().splitlines()[-_LAST_LINES:]
            code = self._process.returncode
            if code != 0:
                raise _failed(self._root, self._interpreter, "\n".join(lines) or f"venv ended with code {code}")
            _finish(self._root, self._interpreter, prompt=self._prompt)
        except (OSError, subprocess.TimeoutExpired) as error:
            self._process.kill()
            raise _failed(self._root, self._interpreter, str(error)) from error


def _finish(root: Path, interpreter: Interpreter, *, prompt: str) -> None:
    """Say in pyvenv.cfg who made it and of what, in the words of uv; mark it as nothing to keep or to commit."""
    config = root / _CONFIG
    home = _config(root) or {}
    lines = [
        f"home = {home.get('home') or Path(interpreter.executable).parent}",
        f"implementation = {interpreter.environment['platform_python_implementation']}",
        f"lockflow = {_FORMAT}",
        f"version_info = {interpreter.version}",
        "include-system-site-packages = false",
        f"prompt = {prompt}",
    ]
    draft = config.with_suffix(".tmp")
    draft.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    draft.replace(config)
    (root / ".gitignore").write_text("*", encoding="ascii")
    (root / "CACHEDIR.TAG").write_text(_TAG, encoding="ascii")
    with contextlib.suppress(OSError):
        (root / "include" / f"python{interpreter.environment['python_version']}").rmdir()
        (root / "include").rmdir()


def _failed(root: Path, interpreter: Interpreter, why: str) -> InputError:
    return InputError(
        "the environment cannot be made",
        where=f"{root}, with {interpreter.executable}",
        why=why,
        next="make room or give permission; where the module venv is missing, install it (Debian: python3-venv)",
    )


def compile_bytecode(environment: Environment) -> str:
    """Compile all modules of an environment; returns what Python said where that failed, which spoils nothing."""
    folders = dict.fromkeys((str(environment.purelib), str(environment.platlib)))
    command = [str(environment.python), "-I", "-m", "compileall", "-q", "-j", "0", *folders]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    said = (done.stdout or done.stderr).decode("utf-8", "replace").strip()
    return said if done.returncode != 0 else ""
