"""The task graph for doit: inputs, resolve, check of each platform, report, and `lock`, which is all of them.

    inputs > resolve > check:darwin, check:linux/amd64, ... > report > lock
                       check:linux/arm64 > image:linux/arm64

A project's `dodo.py` imports the creators and DOIT_CONFIG from here; `doit PROJECT=path lock` works on another
project. Drawing the graph costs next to nothing: what the actions do is imported when one of them runs. State lies in
`.lockflow/` of the project.

`resolve` depends on the canonical inputs and not on pyproject.toml itself, so an edit that no lock depends on ends
there. A platform on which the lock does not hold fails its check; but where the report is made in the same run, it
speaks for all of them, so that one bad platform keeps nobody from hearing of the others.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from doit import get_var
from doit.exceptions import BaseFail, TaskError, TaskFailed

from lockflow.cli.task_run import RUN, Reporter
from lockflow.cli.task_state import Codec
from lockflow.cli.version import VERSION
from lockflow.errors import InputError, LockflowError
from lockflow.remember import Doubt, input_facts, same_facts, state_folder
from lockflow.unchanged import STATE, question

__all__ = [
    "DOIT_CONFIG",
    "task_check",
    "task_image",
    "task_inputs",
    "task_lock",
    "task_refresh",
    "task_report",
    "task_resolve",
]

PROJECT = Path(get_var("PROJECT") or ".")
LOCK = PROJECT / "uv.lock"
REPORTS = PROJECT / "reports"
SUMMARIES = ("summary.md", "index.html", "junit.xml")
INPUTS = PROJECT / STATE / "inputs.json"
SEEN = PROJECT / STATE / "inputs.seen"

Values = Mapping[str, Any]
"""What doit keeps of a task's last success."""
Task = Any
"""doit ships no types."""


# The graph -----------------------------------------------------------------------------------------------------------


def task_inputs() -> dict[str, Any]:
    """Read what the lock depends on."""
    return {
        "actions": [read_inputs],
        "file_dep": _input_files(),
        "targets": [str(INPUTS)],
        "uptodate": [inputs_are_as_seen],
        "clean": [_clean_inputs],
        "io": {"capture": False},
    }


def task_resolve() -> dict[str, Any]:
    """Bring uv.lock up to date, resolving only what changed."""
    return {
        "actions": [resolve],
        "file_dep": [str(INPUTS)],
        # No `clean`: a lock is kept in version control, and the versions in it cannot be made again.
        "targets": [str(LOCK)],
        "uptodate": [lock_is_as_left],
        "io": {"capture": False},
    }


def task_check() -> Iterable[dict[str, Any]]:
    """Check the lock for every platform."""
    settings = _check_settings()
    for name, definition in _platforms():
        report = _report_of(name)
        yield {
            "name": name,
            "doc": f"Check the lock for {name}.",
            "actions": [(check, [name, settings])],
            "file_dep": [str(LOCK), *definition],
            "targets": [report],
            "uptodate": [(verdict_stands, [report, settings])],
            "clean": True,
            "io": {"capture": False},
        }


def task_report() -> dict[str, Any]:
    """Say on which platforms the lock holds; write summary.md, index.html, junit.xml."""
    names = [name for name, _ in _platforms()]
    return {
        "actions": [(report, [names])],
        "file_dep": [_report_of(name) for name in names],
        "task_dep": [f"check:{name}" for name in names],
        "targets": [str(REPORTS / name) for name in SUMMARIES],
        "clean": True,
        "io": {"capture": False},
    }


def task_lock() -> dict[str, Any]:
    """Lock the project and check the lock for every platform."""
    return {"actions": None, "task_dep": ["report"]}


def task_image() -> Iterable[dict[str, Any]]:
    """Build an image from the checked lock: doit image:linux/arm64 [PYTHON=3.12] [TAG=1.4] [PUSH=1]."""
    checked = dict(_platforms())
    names = [name for name, definition in checked.items() if _has_container(definition)]
    # Platforms that are asked for together have a task of their own: they are pushed under one name.
    asked = get_var("PLATFORM") or ""
    yield {"name": None, "doc": "Build an image from the checked lock (PYTHON=, TAG=, PUSH=1)."}
    for name in dict.fromkeys([*names, *([asked] if asked else [])]):
        parts = [part.strip() for part in name.split(",") if part.strip()]
        found = [_defined(part) or (part, []) for part in parts]
        settings = _image_settings()
        yield {
            "name": name,
            "doc": f"Build the image for {' and '.join(parts)}.",
            "actions": [(image, [parts, settings])],
            "file_dep": [str(LOCK), *(path for _, definition in found for path in definition)],
            "task_dep": [f"check:{part}" for part, _ in found if part in checked],
            "targets": [str(_image_record(parts))],
            "uptodate": [(images_stand, [parts, settings])],
            "clean": True,
            "io": {"capture": False},
        }


def task_refresh() -> dict[str, Any]:
    """Take newer versions that hold on every platform (AT_MOST=5, ONLY=minor)."""
    return {"actions": [refresh], "uptodate": [False], "io": {"capture": False}}


# What is up to date ---------------------------------------------------------------------------------------------------


def inputs_are_as_seen() -> bool:
    """Whether all that had a say in the inputs, environment variables included, is as it was when they were read."""
    try:
        asked, *facts = SEEN.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return False
    return asked == _asked() and same_facts(facts)


def lock_is_as_left(task: Task, values: Values) -> bool:  # noqa: ARG001  doit passes both by name
    """Whether the lock is the one that was made or found right; one from elsewhere is validated first."""
    return values.get("lock") == _digest(LOCK)


def verdict_stands(task: Task, values: Values, report: str, settings: str) -> bool:  # noqa: ARG001  as above
    """Whether a check may rest. A bad verdict may where the report repeats it; one that could not be given may not."""
    verdict = _verdict(Path(report))
    return values.get("settings") == settings and (verdict == "good" or (verdict == "bad" and RUN.has_report))


def images_stand(task: Task, values: Values, platforms: Sequence[str], settings: str) -> bool:  # noqa: ARG001  as above
    """Whether nothing that goes into images changed, and they are still there."""
    if values.get("settings") != settings:
        return False
    from lockflow.cli.task_image import stand

    return stand(_target(), _image_ask(platforms), _image_record(platforms), str(values.get("content")))


# Actions --------------------------------------------------------------------------------------------------------------


def read_inputs(task: Task) -> BaseFail | None:
    """Write the canonical inputs, where they changed, and note what had a say in them."""

    def act() -> None:
        from lockflow import steps

        read = steps.inputs(_target())
        if read.root != _root():
            raise InputError(
                "this project is a member of a workspace, which has one lock for all of them",
                where=str(_root()),
                why=f"the root of the workspace is {read.root}",
                next=f"run doit there, or with PROJECT={os.path.relpath(read.root)}",
            )
        for warning in read.warnings:
            _console().warn(warning)
        try:
            facts = input_facts(read.root, _root(), read.input_files, os.environ)
        except Doubt:
            facts = ["-"]
        state_folder(_root())
        # Where this cannot be noted, the next run reads once more.
        with suppress(OSError):
            SEEN.write_text("\n".join([_asked(), *facts, ""]), encoding="utf-8")
        steps.write_inputs(_target(), INPUTS)
        # So that the next drawing, which finds the same files noted, sees nothing new in them.
        task.file_dep = set(_input_files())

    return _answer(act)


def resolve() -> BaseFail | dict[str, str] | None:
    """Validate the lock, and make it anew where it does not state the inputs."""

    def act() -> dict[str, str]:
        from time import perf_counter

        from lockflow import steps
        from lockflow.cli.lock import say_result

        started = perf_counter()
        console = _console()
        with console.progress("Resolving") as progress:
            result = steps.lock(_target(), network=_network(), progress=progress)
        say_result(result, console, perf_counter() - started)
        return {"lock": _digest(LOCK)}

    return _answer(act)


def check(name: str, settings: str) -> BaseFail | dict[str, str] | None:
    """Check one platform and write the report on it."""

    def act() -> dict[str, str] | TaskFailed:
        from lockflow import checking
        from lockflow.cli.check import exit_code, say_report

        found = checking.check(_target(), (name,), network=_network(), open_engine=RUN.open_engine, watch=RUN.watch())
        if RUN.has_report or exit_code(found) == 0:
            return {"settings": settings}
        say_report(found, _console())
        return _silent_failure(exit_code(found))

    return _answer(act)


def report(names: Sequence[str]) -> BaseFail | None:
    """Join the reports of all checks; fails where a platform does."""

    def act() -> TaskFailed | None:
        from lockflow import checking
        from lockflow.cli.check import exit_code, say_report

        found = checking.report(_target(), names)
        say_report(found, _console())
        return _silent_failure(exit_code(found)) if exit_code(found) else None

    return _answer(act)


def image(platforms: Sequence[str], settings: str) -> BaseFail | dict[str, str] | None:
    """Build images, and note which."""

    def act() -> dict[str, str]:
        from lockflow.cli.task_image import build

        state_folder(_root())
        content = build(_target(), _image_ask(platforms), _image_record(platforms), _network(), _console())
        return {"settings": settings, "content": content}

    return _answer(act)


def refresh() -> BaseFail | None:
    """Refresh the lock; what doit knows of it is looked at afresh in the next run."""

    def act() -> None:
        from lockflow.cli.refresh import ask_of, say_refresh
        from lockflow.refresh import refresh

        console = _console()
        ask = ask_of(get_var("AT_MOST") or "", get_var("ONLY") or "")
        with console.progress("Refreshing") as progress:
            say_refresh(refresh(_target(), ask, network=_network(), progress=progress), console)

    return _answer(act)


def _answer(act: Callable[[], Any]) -> Any:  # noqa: ANN401  what doit takes from an action
    """Run an action; what stops it becomes a failure that the reporter prints as a message of four parts."""
    try:
        return act()
    except LockflowError as error:
        kind = TaskFailed if error.exit_code == 1 else TaskError
        return kind(str(error))
    except KeyboardInterrupt:
        _console().say("interrupted")
        raise SystemExit(130) from None
    except Exception as error:  # noqa: BLE001  the last line of defence against tracebacks
        from lockflow.cli.faults import our_fault

        return TaskError(str(our_fault(error)))


def _silent_failure(code: int) -> BaseFail:
    """A failure about which all has been said."""
    kind = TaskFailed if code == 1 else TaskError
    return kind("", report=False)


# What there is --------------------------------------------------------------------------------------------------------


def _root() -> Path:
    return Path(os.path.abspath(PROJECT))  # noqa: PTH100  resolve() would follow links


def _asked() -> str:
    return question(VERSION, str(_root()), (), os.environ)


def _input_files() -> list[str]:
    """The files that were read last time, and those of the project that would be read in any case."""
    files = {str(PROJECT / name) for name in ("pyproject.toml", "uv.toml")}
    try:
        lines = SEEN.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        lines = []
    for line in lines:
        if line.startswith("file ") and not line.startswith("file - "):
            files.add(os.path.relpath(line.split(" ", 2)[2]))
    return sorted(file for file in files if Path(file).is_file())


def _clean_inputs(dryrun: bool) -> None:  # noqa: FBT001  doit asks for it by this name
    for path in (INPUTS, SEEN):
        if path.exists():
            sys.stdout.write(f"inputs - removing file '{path}'\n")
            if not dryrun:
                path.unlink()


def _settings() -> Mapping[str, Any]:
    """`[tool.lockflow]`; a file that cannot be read is the affair of `inputs`, which says so."""
    try:
        document: Any = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
        settings = document["tool"]["lockflow"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return settings if isinstance(settings, dict) else {}


def _check_settings() -> str:
    """What besides lock and definition decides a check, as text."""
    keys = ("python-versions", "allow-sdist", "executor", "level", "modules", "engines")
    variables = [os.environ.get(f"LOCKFLOW_{key.upper().replace('-', '_')}") for key in keys]
    return json.dumps([VERSION, *(_settings().get(key) for key in keys), *variables])


def _image_settings() -> str:
    """What besides lock, definitions and files decides an image, as text; the files are looked at when it matters."""
    asked = [get_var(name) or "" for name in ("PYTHON", "TAG", "PUSH")]
    return json.dumps([_check_settings(), _settings().get("image"), _settings().get("uv"), *asked], default=str)


def _image_ask(platforms: Sequence[str]) -> Any:  # noqa: ANN401  an ImageAsk, whose type is not to be imported here
    from lockflow.building import ImageAsk
    from lockflow.cli.faults import flag

    push = flag({"PUSH": str(get_var("PUSH") or "")}, "PUSH")
    tag, python = get_var("TAG") or "", get_var("PYTHON") or ""
    return ImageAsk(platforms=tuple(platforms), python=python, tag=tag, push=push)


def _image_record(platforms: Sequence[str]) -> Path:
    """Where it is noted which images were built."""
    return PROJECT / STATE / f"image-{'+'.join(platforms).replace('/', '-')}.json"


def _has_container(definition: Sequence[str]) -> bool:
    try:
        return any("container" in tomllib.loads(Path(path).read_text(encoding="utf-8")) for path in definition)
    except (OSError, ValueError):
        return False


def _platforms() -> list[tuple[str, list[str]]]:
    """Name and definition file of each platform to check; a name that nothing defines has no file."""
    text = os.environ.get("LOCKFLOW_PLATFORMS", "").strip()
    names = [name.strip() for name in text.split(",")] if text else _settings().get("platforms")
    if not isinstance(names, list):
        names = ["darwin", "linux/amd64", "linux/arm64"]
    found: dict[str, list[str]] = {}
    for name in names:
        if isinstance(name, str) and name:
            defined = _defined(name)
            found.setdefault(*(defined if defined is not None else (name, [])))
    return list(found.items())


def _defined(name: str) -> tuple[str, list[str]] | None:
    file = f"{name.replace('/', '-')}.toml"
    folders = [PROJECT / "platforms", *_shipped()]
    for folder in folders:
        if (folder / file).is_file():
            return name, [_shown(folder / file)]
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                definition = tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if name in definition.get("aliases", ()) and isinstance(definition.get("name"), str):
                return definition["name"], [_shown(path)]
    return None


def _shipped() -> list[Path]:
    """Where definitions that come with lockflow are: in the package, or beside it in a checkout."""
    package = Path(__file__).parent
    return [folder for folder in (package / "_platforms", package.parent / "platforms") if folder.is_dir()][:1]


def _shown(path: Path) -> str:
    """A path as doit should know and show it: relative to this folder where it is inside."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _report_of(name: str) -> str:
    return str(REPORTS / f"{name.replace('/', '-')}.json")


def _verdict(path: Path) -> str:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(report.get("verdict")) if isinstance(report, dict) else ""


def _digest(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _target() -> Any:  # noqa: ANN401  a steps.Target, whose type is not to be imported here
    from lockflow.steps import Target

    return Target(directory=_root(), environment=os.environ, on_wait=RUN.on_wait())


def _network() -> Any:  # noqa: ANN401  a steps.Network
    from lockflow.cli.faults import flag
    from lockflow.steps import Network

    return Network(offline=flag(os.environ, "UV_OFFLINE"), no_cache=flag(os.environ, "UV_NO_CACHE"))


def _console() -> Any:  # noqa: ANN401  a Console of this moment's stderr
    from lockflow.cli.console import Console

    return Console(os.environ)


def _config() -> dict[str, Any]:
    """Settings of doit: what `doit` alone does, and where its state lies.

    `continue` lets all checks run. Checks by tags take milliseconds, so they run one after the other; those that wait
    for containers run side by side, in threads, so that they share an engine with its bound and one view.
    """
    folder = PROJECT / STATE
    if PROJECT.is_dir() and os.access(PROJECT, os.W_OK):
        folder = state_folder(PROJECT)
    executor = os.environ.get("LOCKFLOW_EXECUTOR") or _settings().get("executor")
    return {
        "num_process": len(_platforms()) if executor in ("docker", "auto") else 0,
        "par_type": "thread",
        "default_tasks": ["lock"],
        "backend": "json",
        "codec_cls": Codec,
        "dep_file": str(folder / "doit.json"),
        "continue": True,
        "reporter": Reporter,
        "verbosity": 2,
    }


DOIT_CONFIG = _config()
