"""From what is to be run to a command and its variables: the environment made right, and what is added to it."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from lockflow.environments.making import look
from lockflow.environments.model import Environment
from lockflow.environments.pythons import Pythons
from lockflow.environments.requests import parse_request
from lockflow.errors import InputError, telling
from lockflow.inputs.env_file import parse_env_file
from lockflow.inputs.read import ReadResult
from lockflow.inputs.script import has_block
from lockflow.lock.model import Lock
from lockflow.lock.modes import Mode
from lockflow.standards.interpreter import Interpreter
from lockflow.standards.requirements import InvalidRequirement, Requirement, parse_requirement
from lockflow.steps import Network, Target, cache_folder, cache_of, inputs
from lockflow.syncing.model import Listener, Silent, SyncAsk, SyncResult
from lockflow.syncing.overlay import overlay
from lockflow.syncing.places import choose, open_environment, place_of, request_of
from lockflow.syncing.unlocked import lock_beside, lock_here
from lockflow.syncing.walk import install, sync

Kind = Literal["command", "module", "file", "stdin"]


class RunAsk(Struct, frozen=True, kw_only=True):
    """What is to be run: `command` with its arguments, a module where `is_module`, a script where `is_script`.

    `stdin` is the text of the script where the command is `-`. `additions` are requirements that go beside the
    environment for this run. Without `syncs` lock and environment are taken as they are; without `has_project` no
    project is looked for. `env_files` are read in their order.
    """

    command: tuple[str, ...]
    is_module: bool = False
    is_script: bool = False
    stdin: str = ""
    additions: tuple[str, ...] = ()
    syncs: bool = True
    has_project: bool = True
    env_files: tuple[str, ...] = ()


class Ready(Struct, frozen=True, kw_only=True):
    """A command that can be run: its words, its variables, and the folders in which commands are looked for first."""

    argv: tuple[str, ...]
    variables: dict[str, str]
    scripts: tuple[Path, ...]
    result: SyncResult | None = None


def prepare(
    target: Target,
    ask: RunAsk,
    sync_ask: SyncAsk,
    mode: Mode = Mode.WRITE,
    *,
    flag: str = "",
    network: Network = Network(),  # noqa: B008  frozen
    listener: Listener | None = None,
) -> Ready:
    """Make the environment right, and say what to run in it. Raises as `sync` does, and InputError for no command."""
    told = listener or Silent()
    folder = Path(os.path.abspath(target.directory))  # noqa: PTH100  resolve() would follow links
    kind, path = kind_of(ask, folder)
    walk = _Walk(target=target, ask=ask, sync_ask=sync_ask, mode=mode, flag=flag, network=network)
    script = _script(walk, kind, path, folder)
    result: SyncResult | None = None
    if script is not None:
        result, read = _scripted(replace(walk, target=script), told)
        environment = result.environment
    elif ask.has_project and _is_in_project(folder):
        result, environment, read = _projected(walk, told)
    else:
        environment, read = _without_project(walk, folder), None
    assert environment is not None
    layers = [environment]
    with telling(() if result is None or result.result is None else result.result.done):
        if ask.additions:
            layers.insert(0, _added(walk, environment, read, None if result is None else result.lock, told))
        return Ready(
            argv=_argv(ask, kind, layers[0]),
            variables=variables_of(layers, _with_env_files(ask, target.environment, folder)),
            scripts=tuple(Path(layer.scripts) for layer in layers),
            result=result,
        )


class _Walk(Struct, frozen=True, kw_only=True):
    """What every way to an environment is given."""

    target: Target
    ask: RunAsk
    sync_ask: SyncAsk
    mode: Mode
    flag: str
    network: Network


# What is run --------------------------------------------------------------------------------------------------------


def kind_of(ask: RunAsk, folder: Path) -> tuple[Kind, Path | None]:
    """How the first word is run, and the file it names where it is a script."""
    first = ask.command[0]
    if ask.is_module:
        return "module", None
    if first == "-":
        return "stdin", None
    if first.startswith(("https://", "http://")):
        raise InputError(
            "a script is not run from a URL",
            where=first,
            why="what is at a URL may be another program tomorrow",
            next="download it, read it, and run the file",
        )
    path = folder / first
    if ask.is_script:
        if not path.is_file():
            raise InputError("there is no such script", where=first, next="check its path")
        return "file", path
    if first.lower().endswith((".py", ".pyw", ".pyc")) and path.is_file():
        return "file", path
    if (path / "__main__.py").is_file() or (path.is_file() and zipfile.is_zipfile(path)):
        return "file", None
    return "command", None


def _script(walk: _Walk, kind: Kind, path: Path | None, folder: Path) -> Target | None:
    """The script with inline metadata that is to be run, as a target; None where it has none."""
    if kind == "file" and path is not None:
        try:
            text = path.read_bytes().decode("utf-8", "replace")
        except OSError as error:
            raise InputError("the script cannot be read", where=str(path), why=error.strerror or str(error)) from error
        return replace(walk.target, script=path) if has_block(text) else None
    if kind == "stdin" and has_block(walk.ask.stdin):
        digest = hashlib.blake2b(walk.ask.stdin.encode(), digest_size=8).hexdigest()
        place = folder / f".stdin-{digest}.py"
        return replace(walk.target, script=place, drafts={**walk.target.drafts, place: walk.ask.stdin})
    return None


def _argv(ask: RunAsk, kind: Kind, environment: Environment) -> tuple[str, ...]:
    python = str(environment.python)
    if kind == "module":
        return (python, "-m", *ask.command)
    if kind == "stdin":
        return (python, "-c", ask.stdin, *ask.command[1:])
    if kind == "file":
        return (python, *ask.command)
    return ask.command


# Where it is run ----------------------------------------------------------------------------------------------------


def _scripted(walk: _Walk, told: Listener) -> tuple[SyncResult, ReadResult]:
    """The environment of a script: from its lock where it has one, else resolved for its interpreter alone."""
    target, network = walk.target, walk.network
    read = inputs(target)
    if read.lock_path.is_file() or walk.flag.startswith("--"):
        done = sync(target, walk.sync_ask, walk.mode, flag=walk.flag, network=network, listener=told)
        return done, read
    if walk.flag:
        told.warn(f"{walk.flag} is ignored, since the script has no lock; `lockflow lock --script` makes one")
    interpreter = _interpreter(walk, read)
    read, result = lock_here(target, interpreter, network, getattr(told, "progress", None))
    return install(target, walk.sync_ask, read, result, network=network, listener=told), read


def _projected(walk: _Walk, told: Listener) -> tuple[SyncResult | None, Environment, ReadResult]:
    target = walk.target
    if walk.ask.syncs:
        result = sync(target, walk.sync_ask, walk.mode, flag=walk.flag, network=walk.network, listener=told)
        assert result.environment is not None
        return result, result.environment, inputs(target)
    read = inputs(target)
    cache = cache_folder(walk.network, target.environment)
    place = place_of(read, walk.sync_ask, target.environment, target.directory, cache)
    pythons = Pythons(target.environment, cache_of(walk.network, target.environment))
    choice = choose(place, request_of(walk.sync_ask, target.environment, place, read.root), pythons)
    return None, open_environment(choice, place, told, str), read


def _without_project(walk: _Walk, folder: Path) -> Environment:
    """The environment that is active or at hand; else the first Python, as if it were one."""
    variables, ask = walk.target.environment, walk.sync_ask
    pythons = Pythons(variables, cache_of(walk.network, variables))
    if not ask.python:
        active = variables.get("VIRTUAL_ENV", "")
        for root in ([Path(active)] if active else []) + [place / ".venv" for place in (folder, *folder.parents)]:
            if (root / "pyvenv.cfg").is_file():
                _, environment = look(root, pythons.ask)
                if environment is not None:
                    return environment
    request = parse_request(
        ask.python or variables.get("UV_PYTHON", ""), ask.python_flag if ask.python else "UV_PYTHON"
    )
    found = pythons.find(request, lambda _: True)
    if found is None:
        raise InputError("there is no such Python", where=request.where, why=f"asked for: {request.text}")
    root = Path(found.executable).parent.parent
    return Environment(root=root, interpreter=found)


def _interpreter(walk: _Walk, read: ReadResult) -> Interpreter:
    target = walk.target
    cache = cache_folder(walk.network, target.environment)
    place = place_of(read, walk.sync_ask, target.environment, target.directory, cache)
    pythons = Pythons(target.environment, cache_of(walk.network, target.environment))
    return choose(place, request_of(walk.sync_ask, target.environment, place, read.root), pythons).interpreter


def _is_in_project(folder: Path) -> bool:
    return any((place / "pyproject.toml").is_file() for place in (folder, *folder.parents))


def _added(walk: _Walk, base: Environment, read: ReadResult | None, lock: Lock | None, told: Listener) -> Environment:
    """An environment on top of `base` that holds the additions."""
    requirements = tuple(_requirement(text) for text in walk.ask.additions)
    target = walk.target
    if read is None:
        # Settings are those of no project: an empty script stands for it.
        place = Path(os.path.abspath(target.directory)) / ".additions.py"  # noqa: PTH100
        target = replace(target, script=place, drafts={place: "# /// script\n# dependencies = []\n# ///\n"})
    beside, result = lock_beside(
        target, requirements, lock, base.interpreter, walk.network, getattr(told, "progress", None)
    )
    return overlay(target, beside, result, base, walk.sync_ask, walk.network, told)


def _requirement(text: str) -> Requirement:
    try:
        return parse_requirement(text)
    except InvalidRequirement as error:
        raise InputError(
            "the requirement cannot be read",
            where=f"--with {text}",
            why=str(error),
            next='write it like "rich", "rich>=13" or "tool @ https://files.example/tool-1.0-py3-none-any.whl"',
        ) from error


# Variables ----------------------------------------------------------------------------------------------------------


def _with_env_files(ask: RunAsk, environment: Mapping[str, str], folder: Path) -> Mapping[str, str]:
    """The variables of env files, beaten by those that are set already."""
    found: dict[str, str] = {}
    for name in ask.env_files:
        path = folder / name
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                "the env file cannot be read", where=str(path), why=str(error), next="check --env-file and UV_ENV_FILE"
            ) from error
        found |= parse_env_file(text, name, {**environment, **found})
    return {**found, **environment}


def variables_of(layers: list[Environment], base: Mapping[str, str]) -> dict[str, str]:
    """The variables with which a command runs in environments of which the first is on top."""
    folders = [str(layer.scripts) for layer in layers]
    path = base.get("PATH", os.defpath)
    variables = {**base, "VIRTUAL_ENV": str(layers[0].root), "PATH": os.pathsep.join([*folders, path])}
    variables.pop("PYTHONHOME", None)
    return variables
