"""Finds the Pythons of this machine and asks them what they are; what they said is kept until their file changes."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from lockflow.environments import questions
from lockflow.environments.requests import Request, fits
from lockflow.errors import InputError
from lockflow.standards.interpreter import Answers, Interpreter, interpreter_of

_TIMEOUT_SECONDS = 30.0
_PROGRAM = Path(questions.__file__)
_NAMES = re.compile(r"python3(?:\.[0-9]+)?(?:\.exe)?")
_ANSWERS = msgspec.json.Decoder(Answers)


class Kept(Protocol):
    """Where answers are kept; `lockflow.index.cache` has it."""

    def read(self, path: str) -> bytes | None: ...

    def write(self, path: str, body: bytes) -> None: ...


class Pythons:
    """The Pythons of this machine, each asked once.

    `environment` has PATH and the variables of uv about Pythons; without `kept` every one is asked anew.
    """

    def __init__(self, environment: Mapping[str, str], kept: Kept | None) -> None:
        self._environment = environment
        self._kept = kept
        self._asked: dict[str, Interpreter | None] = {}

    def find(self, request: Request, admits: Callable[[Interpreter], bool]) -> Interpreter | None:
        """The first Python that fits the request and is admitted: of uv's own the newest, then by PATH, then ours.

        A Python that was asked for by its place is returned whether `admits` or not. Raises InputError where there
        is none at that place.
        """
        if request.place:
            return self._at(request)
        for path in self._candidates(request):
            found = self.ask(path)
            if found is not None and fits(found, request) and admits(found):
                return found
        return None

    def known(self) -> list[Interpreter]:
        """All that are found, for messages; each base interpreter once."""
        found = (self.ask(path) for path in self._candidates(Request()))
        return list({entry.executable: entry for entry in found if entry is not None}.values())

    def ask(self, path: Path) -> Interpreter | None:
        """What the interpreter at `path` is; None where it is none, or does not run."""
        place = str(path)
        if place not in self._asked:
            self._asked[place] = self._answered(path)
        return self._asked[place]

    def _at(self, request: Request) -> Interpreter:
        text = request.place
        path = Path(text).expanduser()
        if os.sep not in text and not path.exists():
            places = (Path(folder, text) for folder in self._path())
            path = next((place for place in places if os.access(place, os.X_OK) and place.is_file()), path)
        if path.is_dir():
            names = ("Scripts/python.exe", "python.exe") if os.name == "nt" else ("bin/python3", "bin/python")
            path = next((path / name for name in names if (path / name).exists()), path / names[0])
        found = self.ask(path) if path.exists() else None
        if found is None:
            raise InputError(
                f"there is no Python at {text!r}",
                where=request.where,
                why="it does not answer as a Python does" if path.exists() else "there is no such file",
                next='name a version like "3.12", or the path of an interpreter',
            )
        return found

    def _candidates(self, request: Request) -> Iterator[Path]:
        yield from self._managed()
        exact = ".".join(map(str, request.release[:2])) if len(request.release) > 1 else ""
        for folder in self._path():
            try:
                names = {name for name in os.listdir(folder) if _NAMES.fullmatch(name)}  # noqa: PTH208  PATH is long
            except OSError:
                continue
            first = [name for name in (f"python{exact}", "python3", "python3.exe") if name in names]
            for name in [*first, *sorted(names.difference(first), key=_minor, reverse=True)]:
                yield Path(folder, name)
        yield Path(getattr(sys, "_base_executable", "") or sys.executable)

    def _managed(self) -> Iterator[Path]:
        """The Pythons that uv downloaded, newest first."""
        given = self._environment.get("UV_PYTHON_INSTALL_DIR")
        data = self._environment.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")  # noqa: PTH111
        folder = Path(given) if given else Path(data, "uv", "python")
        try:
            names = [entry.name for entry in folder.iterdir() if entry.name.startswith(("cpython-3", "pypy-3"))]
        except OSError:
            return
        for name in sorted(names, key=_numbers, reverse=True):
            yield folder / name / ("python.exe" if os.name == "nt" else "bin/python3")

    def _path(self) -> list[str]:
        return [folder for folder in self._environment.get("PATH", os.defpath).split(os.pathsep) if folder]

    # Asking -----------------------------------------------------------------------------------------------------

    def _answered(self, path: Path) -> Interpreter | None:
        entry = self._entry(path)
        stored = None if entry is None or self._kept is None else self._kept.read(entry)
        if stored is not None:
            try:
                return interpreter_of(_ANSWERS.decode(stored))
            except (msgspec.MsgspecError, ValueError, KeyError):
                pass
        said = self._said(path)
        try:
            found = interpreter_of(_ANSWERS.decode(said))
        except (msgspec.MsgspecError, ValueError, KeyError):
            return None
        if entry is not None and self._kept is not None:
            self._kept.write(entry, said)
        return found

    def _entry(self, path: Path) -> str | None:
        """Under which name the answers are kept; None for what forwards to another Python, which may change."""
        try:
            real = path.resolve(strict=True)
            status = real.stat()
            with real.open("rb") as file:
                if file.read(2) == b"#!":
                    return None
            program = _PROGRAM.read_bytes()
        except OSError:
            return None
        here = (str(real), status.st_size, status.st_mtime_ns, platform.release(), platform.version())
        digest = hashlib.blake2b(json.dumps(here).encode() + program, digest_size=20).hexdigest()
        return f"pythons-1/{digest}"

    def _said(self, path: Path) -> bytes:
        command = [str(path), "-I", "-B", str(_PROGRAM)]
        kept = {name: value for name, value in self._environment.items() if not name.startswith("PYTHON")}
        try:
            done = subprocess.run(
                command,
                env=kept,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=_TIMEOUT_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            return b""
        return done.stdout if done.returncode == 0 else b""


def _minor(name: str) -> int:
    found = re.search(r"\.([0-9]+)", name)
    return int(found[1]) if found else -1


def _numbers(name: str) -> list[int]:
    return [int(part) for part in re.findall(r"[0-9]+", name)]
