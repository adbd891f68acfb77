"""Where the environment of a project or script is, and which Python it has: found, made, or made anew."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from lockflow.environments.making import Found, Making, look, remove
from lockflow.environments.model import Environment
from lockflow.environments.pythons import Pythons
from lockflow.environments.requests import Request, fits, parse_request, release_of
from lockflow.errors import InputError
from lockflow.inputs.read import ReadResult
from lockflow.standards.interpreter import Interpreter
from lockflow.standards.requirements import RequiresPython
from lockflow.syncing.model import Listener, Silent, SyncAsk

PINS = (".python-version", ".python-versions")
SCRIPTS = "environments-1"
"""The folder of the cache with the environments of scripts."""


class Choice(Struct, frozen=True, kw_only=True):
    """The environment to use: the one that is at `root`, or one of `interpreter` that is to be made.

    `made` tells what has to be done for it.
    """

    root: Path
    interpreter: Interpreter
    made: Literal["used", "created", "replaced"]
    environment: Environment | None = None


class Place(Struct, frozen=True, kw_only=True):
    """Where an environment belongs, and what a Python has to satisfy. `start` is where pins are looked for.

    One that `is_hidden` lies in the cache, and nobody asked for it by itself.
    """

    root: Path
    start: Path
    requires_python: RequiresPython
    origin: str
    prompt: str
    is_hidden: bool = False


def place_of(read: ReadResult, ask: SyncAsk, environment: Mapping[str, str], start: Path, cache: Path) -> Place:
    """The place of the environment of what was read: of a project beside its lock, of a script in the cache."""
    if read.manifest.is_script:
        # The lock of a script is named after it, whether there is one or not.
        script = read.lock_path.with_suffix("")
        digest = hashlib.blake2b(os.fsencode(script), digest_size=8).hexdigest()
        stem = re.sub(r"[^A-Za-z0-9._-]", "-", script.stem)[:60]
        root = ask.place or cache / SCRIPTS / f"{stem}-{digest}"
        prompt, origin = script.stem, f"requires-python of {script.name}"
    else:
        named = environment.get("UV_PROJECT_ENVIRONMENT", "")
        root = ask.place or (read.root / named if named else read.root / ".venv")
        if ask.is_active and environment.get("VIRTUAL_ENV"):
            root = Path(environment["VIRTUAL_ENV"])
        prompt = next((member.name for member in read.manifest.members if member.path == "."), read.root.name)
        origin = "requires-python of the project"
    return Place(
        root=Path(os.path.abspath(root)),  # noqa: PTH100  resolve() would follow links
        start=start,
        requires_python=read.manifest.requires_python,
        origin=origin,
        prompt=prompt,
        is_hidden=read.manifest.is_script,
    )


def request_of(ask: SyncAsk, environment: Mapping[str, str], place: Place, root: Path) -> Request:
    """The Python that is asked for: by a flag, by UV_PYTHON, or by the pin nearest to where reading started."""
    if ask.python:
        return parse_request(ask.python, ask.python_flag)
    if environment.get("UV_PYTHON"):
        return parse_request(environment["UV_PYTHON"], "UV_PYTHON")
    start = place.start.absolute()
    for folder in (start, *start.parents):
        for name in PINS:
            text = _pin(folder / name)
            if text:
                return parse_request(text, str(folder / name))
        if folder in (root, folder.parent):
            break
    return Request()


def _pin(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")), "")


def choose(place: Place, request: Request, pythons: Pythons) -> Choice:
    """Choose: the environment that is there, if its Python is right; else the first Python that is.

    Raises InputError where no Python fits, or something else is where the environment should be.
    """
    found, environment = look(place.root, pythons.ask)
    asked = pythons.find(request, lambda _: True) if request.place else None
    if environment is not None:
        is_asked_for = environment.interpreter.executable == asked.executable if asked else True
        if is_asked_for and fits(environment.interpreter, request) and _admits(place, environment.interpreter):
            return Choice(root=place.root, interpreter=environment.interpreter, made="used", environment=environment)
    interpreter = asked or pythons.find(request, lambda interpreter: _admits(place, interpreter))
    if interpreter is None or not _admits(place, interpreter):
        raise _no_python(place, request, pythons, interpreter)
    made: Literal["created", "replaced"] = "created" if found is Found.NOTHING else "replaced"
    return Choice(root=place.root, interpreter=interpreter, made=made)


def _admits(place: Place, interpreter: Interpreter) -> bool:
    release = release_of(interpreter).release
    return place.requires_python.range.contains(release)


def _no_python(place: Place, request: Request, pythons: Pythons, found: Interpreter | None) -> InputError:
    text = place.requires_python.text
    wanted = [f"Python {request.text}" if request.text else "", f"{place.origin} = {text!r}" if text else ""]
    if found is None:
        found = pythons.find(request, lambda _: True) if request.text else None
    if found is not None:
        why = f"{found.executable} is Python {found.version}, which {place.origin} = {text!r} excludes"
    else:
        known = sorted({entry.version for entry in pythons.known()})
        why = f"on this machine are: {', '.join(known)}" if known else "there is none on this machine"
    return InputError(
        "there is no Python for the environment",
        where=request.where or place.origin,
        why=f"wanted: {'; '.join(part for part in wanted if part)}\n{why}",
        next="install such a Python (lockflow downloads none), or name one with --python",
    )


def open_environment(choice: Choice, place: Place, listener: Listener, shown: Callable[[Path], str]) -> Environment:
    """The environment of a choice, made where it has to be."""
    making = begin_environment(choice, place, listener, shown)
    if making is not None:
        making.finish()
    return choice.environment or Environment(root=choice.root, interpreter=choice.interpreter)


def begin_environment(choice: Choice, place: Place, listener: Listener, shown: Callable[[Path], str]) -> Making | None:
    """Begin to make the environment of a choice; None where it is there."""
    if choice.environment is not None:
        return None
    if place.is_hidden:
        listener = Silent()
    listener.say(f"Using {choice.interpreter.label} interpreter at: {choice.interpreter.executable}")
    if choice.made == "replaced":
        remove(choice.root)
        listener.say(f"Removed virtual environment at: {shown(choice.root)}")
    listener.say(f"Creating virtual environment at: {shown(choice.root)}")
    return Making(choice.root, choice.interpreter, prompt=place.prompt)
