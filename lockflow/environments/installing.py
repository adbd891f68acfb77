"""Puts an unpacked wheel into an environment, and takes an installed package out again by its RECORD.

Our own in place of the library `installer`, which copies every file through Python and knows no cache to link from:
files are linked here, and their digests are those that were checked when the wheel was unpacked.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import hashlib
import os
import secrets
import shlex
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import msgspec

from lockflow.environments.contents import Item, Script, record_lines
from lockflow.environments.links import Linker
from lockflow.environments.model import Environment, Installed, Origin
from lockflow.environments.store import Unpacked
from lockflow.errors import InputError, LockflowError

if TYPE_CHECKING:
    from installer.scripts import LauncherKind

INSTALLER = b"lockflow"
STATE = "lockflow_sources.json"
"""Beside direct_url.json: which state of its sources a package was built from."""
_LONGEST_SHEBANG = 127
_COMPILED = "__pycache__"
_HASH_BANG = b"#!python"


class State(msgspec.Struct, frozen=True):
    """What STATE holds."""

    state: str


class Installation:
    """Installs into and removes from one environment."""

    def __init__(self, environment: Environment, linker: Linker) -> None:
        self._environment = environment
        self._root = Path(environment.root)
        self._linker = linker
        self._real_root = os.path.realpath(self._root)
        self._folders: set[str] = {str(self._root)}
        self._inside: dict[str, bool] = {}

    # Installing -------------------------------------------------------------------------------------------------

    def install(self, wheel: Unpacked, *, origin: Origin | None = None, state: str = "") -> None:
        """Install one wheel. RECORD comes first, so that what an interruption leaves can be taken out again."""
        contents = wheel.contents
        environment = self._environment
        library = str(environment.purelib if contents.root == "purelib" else environment.platlib)
        places = {
            "purelib": str(environment.purelib),
            "platlib": str(environment.platlib),
            "scripts": str(environment.scripts),
            "headers": str(environment.root / environment.interpreter.layout.headers / contents.name),
            "data": str(environment.root),
        }
        written = _written(origin, state)
        links: list[tuple[str, str]] = []
        rows: dict[str, tuple[str, int | None]] = {}
        texts: dict[str, tuple[bytes, bool]] = {}
        for item in contents.items:
            target = f"{places[item.scheme]}/{item.place}"
            source = f"{wheel.files}/{item.path}"
            content = self._rewritten(source, item)
            if content is None:
                links.append((source, target))
                rows[_row(target, library)] = (item.digest, item.size)
            else:
                texts[target] = (content, True)
        for script in contents.scripts:
            name, content = self._launcher(script)
            texts[f"{places['scripts']}/{name}"] = (content, True)
        for name, content in written.items():
            texts[f"{library}/{contents.info}/{name}"] = (content, False)
        for target, (content, _) in texts.items():
            rows[_row(target, library)] = (_digest(content), len(content))
        rows[f"{contents.info}/RECORD"] = ("", None)
        record = "".join(record_lines(rows)).encode()
        self._write(f"{library}/{contents.info}/RECORD", record, is_executable=contents.is_record_executable)
        for target, (content, is_executable) in texts.items():
            self._write(target, content, is_executable=is_executable)
        for source, target in links:
            self._make_folder(os.path.dirname(target))
            self._linker.put(source, target)

    def _rewritten(self, source: str, item: Item) -> bytes | None:
        """A script of the wheel that asks for the interpreter of the environment; None where a link does."""
        if item.scheme != "scripts" or item.size < len(_HASH_BANG):
            return None
        with open(source, "rb") as file:
            if file.read(len(_HASH_BANG)) != _HASH_BANG:
                return None
            file.seek(0)
            first = file.readline()
            rest = file.read()
        name = "pythonw" if first.startswith(b"#!pythonw") and os.name == "nt" else ""
        python = self._environment.python.with_name(f"{name}.exe") if name else self._environment.python
        return shebang(python) + rest

    def _launcher(self, script: Script) -> tuple[str, bytes]:
        from installer.scripts import Script as Launcher  # noqa: PLC0415  see `contents.commands`

        launcher = Launcher(script.name, script.module, script.attribute, "gui" if script.is_gui else "console")
        return launcher.generate(str(self._environment.python), _kind(self._environment))

    def _make_folder(self, folder: str) -> None:
        """Make a folder and those above it. One that is there already must not lead out of the environment."""
        if folder in self._folders:
            return
        self._make_folder(os.path.dirname(folder))
        try:
            os.mkdir(folder)
        except FileExistsError:
            if os.path.islink(folder) and not self._is_inside(folder):
                raise _outside(folder, self._root) from None
        self._folders.add(folder)

    def _write(self, target: str, content: bytes, *, is_executable: bool) -> None:
        self._make_folder(os.path.dirname(target))
        draft = f"{target}.{secrets.token_hex(6)}.tmp"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o777 if is_executable else 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.replace(draft, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(draft)
            raise

    # Removing ---------------------------------------------------------------------------------------------------

    def remove(self, package: Installed) -> tuple[str, ...]:
        """Remove what RECORD names and what was compiled of it, RECORD last; returns what it names outside.

        Nothing outside of the environment is touched, whatever RECORD says. Raises InputError for a package that
        states nowhere what it is made of.
        """
        folder = Path(package.folder)
        info = folder / package.info
        listed = _recorded(info)
        outside: list[str] = []
        emptied: set[str] = set()
        last: list[str] = []
        for name in listed:
            target = os.path.normpath(os.path.join(folder, name))
            if not self._is_mine(target):
                outside.append(name)
                continue
            if target.startswith(f"{info}{os.sep}"):
                last.append(target)
                continue
            _unlink(target)
            emptied.add(os.path.dirname(target))
            if target.endswith(".py"):
                emptied.update(_remove_compiled(target))
        for target in sorted(last, key=lambda target: target.endswith("RECORD")):
            _unlink(target)
        # What others put there, as tools do with marks of their own, goes with it.
        if info.is_dir() and not info.is_symlink():
            shutil.rmtree(info, ignore_errors=True)
        elif info.exists():
            _unlink(str(info))
        self._remove_empty(emptied)
        return tuple(outside)

    def _is_mine(self, target: str) -> bool:
        """Whether a path lies in the environment, and is none of the files that make it one."""
        root = str(self._root)
        if not target.startswith(f"{root}{os.sep}"):
            return False
        relative = target[len(root) + 1 :]
        if relative in ("pyvenv.cfg", ".lock", ".gitignore", "CACHEDIR.TAG"):
            return False
        return self._is_inside(os.path.dirname(target))

    def _is_inside(self, folder: str) -> bool:
        """Whether a folder is in the environment once links are followed."""
        known = self._inside.get(folder)
        if known is None:
            real = os.path.realpath(folder)
            known = self._inside[folder] = real == self._real_root or real.startswith(f"{self._real_root}{os.sep}")
        return known

    def _remove_empty(self, folders: set[str]) -> None:
        environment = self._environment
        stay = {str(place) for place in (environment.root, environment.purelib, environment.platlib)}
        stay |= {str(environment.scripts), str(environment.root / "include")}
        for folder in sorted(folders, key=len, reverse=True):
            while folder not in stay and self._is_mine(folder):
                try:
                    os.rmdir(folder)
                except FileNotFoundError:
                    pass
                except OSError:
                    break
                folder = os.path.dirname(folder)
        self._folders = {str(self._root)}


def _written(origin: Origin | None, state: str) -> dict[str, bytes]:
    """The files that an installer adds to a `.dist-info`."""
    written = {"INSTALLER": INSTALLER, "REQUESTED": b""}
    if origin is not None:
        written["direct_url.json"] = msgspec.json.encode(origin)
    if state:
        written[STATE] = msgspec.json.encode(State(state))
    return written


def _recorded(info: Path) -> Iterator[str]:
    """The paths in the RECORD of a `.dist-info`, or in the list that an `.egg-info` may have."""
    record, old = info / "RECORD", info / "installed-files.txt"
    try:
        if record.is_file():
            text = record.read_bytes().decode("utf-8", "surrogateescape")
            rows = [row[0] for row in csv.reader(text.splitlines()) if row and row[0]]
            return iter(rows)
        if old.is_file():
            lines = old.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
            return iter([str(PurePath(info.name, line)) for line in lines if line])
    except (OSError, csv.Error) as error:
        raise _without_record(info, str(error)) from error
    if info.suffix == ".dist-info":
        # An interrupted removal or one by hand: nothing else can be known of it.
        return iter(())
    raise _without_record(info, "it was installed by a tool that lists no files")


def _without_record(info: Path, why: str) -> LockflowError:
    return InputError(
        f"{info.stem} cannot be removed from the environment",
        where=str(info),
        why=why,
        next="delete the environment and sync again",
    )


def _outside(folder: str, root: Path) -> LockflowError:
    return InputError(
        "a folder of the environment leads out of it",
        where=folder,
        why=f"it is a link to a place that is not below {root}",
        next="delete the environment and sync again",
    )


def _unlink(target: str) -> None:
    try:
        os.unlink(target)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (IsADirectoryError, PermissionError):
        # A RECORD should list files alone; folders go where they are empty.
        if not _is_folder(target):
            raise
        with contextlib.suppress(OSError):
            os.rmdir(target)


def _is_folder(target: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(target).st_mode)
    except OSError:
        return False


def _remove_compiled(source: str) -> Iterator[str]:
    """Remove what Python compiled of a file, and name the folder it was in."""
    folder, name = os.path.split(source)
    compiled = f"{folder}/{_COMPILED}"
    try:
        names = os.listdir(compiled)
    except OSError:
        return
    stem = name.removesuffix(".py")
    for entry in names:
        if entry.startswith(f"{stem}.") and entry.endswith(".pyc"):
            _unlink(f"{compiled}/{entry}")
    yield compiled


def shebang(python: PurePath) -> bytes:
    """The first line of a script that `python` runs; where kernels could not read it, the shell is asked."""
    path = os.fsencode(python)
    if b" " not in path and len(path) + 3 <= _LONGEST_SHEBANG:
        return b"#!" + path + b"\n"
    quoted = os.fsencode(shlex.quote(str(python)))
    return b"#!/bin/sh\n'''exec' " + quoted + b' "$0" "$@"\n' + b"' '''\n"


def _kind(environment: Environment) -> LauncherKind:
    values = environment.interpreter.environment
    if values["os_name"] != "nt":
        return "posix"
    return "win-arm64" if values["platform_machine"].upper() == "ARM64" else "win-amd64"


def _row(target: str, library: str) -> str:
    """A path as RECORD has it: from the folder that the `.dist-info` is in."""
    if target.startswith(f"{library}/"):
        return target[len(library) + 1 :]
    return os.path.relpath(target, library).replace(os.sep, "/")


def _digest(content: bytes) -> str:
    text = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode("ascii")
    return f"sha256={text}"
