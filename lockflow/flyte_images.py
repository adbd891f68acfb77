"""An ImageSpec of Flyte to the images that are asked of lockflow, and back to the name that tasks get.

The name follows from everything that goes in: the lock, pyproject.toml and the other files it is judged by, the uv, the
base, and what the ImageSpec says. flytekit's own follows from the lock and the ImageSpec only, so that an edit of
pyproject.toml would find the image of before.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lockflow.before_build import before_build, require_ready
from lockflow.building import ImageAsk, ImageResult, PlannedImage, build_images, plan_images
from lockflow.cli.console import Console
from lockflow.cli.jobs import Jobs
from lockflow.errors import AnswerIsNo, EngineError, InputError
from lockflow.image_plans import Wishes
from lockflow.steps import Target

HOME = "/home/flyte"
"""Where tasks begin: code that comes with a run is put there, so that it can be written to and imported from."""

Spec = Any
"""An ImageSpec: flytekit is not there where this is checked for types."""

_TAG_DIGITS = 24
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_MINOR = re.compile(r"(3\.[0-9]{1,2})(?:\.[0-9]+)?", re.ASCII)
_RELEASE = re.compile(r":([0-9]+\.[0-9]+\.[0-9]+)", re.ASCII)
_IN_BASE = "build it into an image of your own, and name that as base_image"
_INDEX = "write the index into [[tool.uv.index]] of pyproject.toml, and lock"
_ELSEWHERE = {
    "packages": "add them to the project (`lockflow add NAME`), so that they are locked",
    "conda_packages": _IN_BASE,
    "conda_channels": _IN_BASE,
    "apt_packages": _IN_BASE,
    "cuda": _IN_BASE,
    "cudnn": _IN_BASE,
    "commands": _IN_BASE,
    "python_exec": "name a base_image whose python3 it is",
    "pip_index": _INDEX,
    "pip_extra_index_url": _INDEX,
    "pip_extra_args": "write what uv is to do into [tool.uv] of pyproject.toml",
    "pip_secret_mounts": "give credentials by UV_INDEX_NAME_USERNAME and UV_INDEX_NAME_PASSWORD, or by netrc",
    "registry_config": "log in with `docker login`",
    "runtime_packages": "add them to the project: what is installed later is not what was locked and checked",
    "builder_options": 'name the uv by builder_config={"uv": "0.13.8"}; all else is in [tool.lockflow.image]',
}
"""What flytekit's own builder takes and this one does not, and where it belongs instead."""


def image_for(spec: Spec) -> str:
    """Return the name of the image for an ImageSpec, with its digest where it was pushed.

    Raises InputError for what cannot be asked, AnswerIsNo where the lock does not hold, EngineError and NetworkError
    where that or the build could not be done.
    """
    folder = _project(spec)
    target = Target(directory=folder, environment=os.environ)
    ask = _asked(spec)
    remedy = 'say builder_config={"uv": "RELEASE"} or newer, or pin that by uv in [tool.lockflow]'
    require_ready(before_build(target, builder_uv=ask.uv, with_machine=False, remedy=remedy))
    repository = f"{spec.registry}/{spec.name}" if spec.registry else spec.name
    # What is in an image does not depend on its name, which follows from that.
    planned = plan_images(target, replace(ask, tag=f"{repository}:unnamed"))
    _require_flytekit(planned, folder)
    tag = _tag(spec, planned)
    console = Console(os.environ)
    if _is_there(spec, tag):
        console.say(f"Image {repository}:{tag} is there, built from the same lock and project")
        return f"{repository}:{tag}"
    with Jobs(console) as jobs:
        result = build_images(target, replace(ask, tag=f"{repository}:{tag}"), watch=jobs)
    for note in result.notes:
        console.warn(note)
    console.say(f"Built {repository}:{tag} for {', '.join(ask.platforms)}{', and pushed it' if ask.push else ''}")
    return _name(result, repository)


# What is asked -------------------------------------------------------------------------------------------------------


def _project(spec: Spec) -> Path:
    lock = None if spec.requirements is None else Path(spec.requirements)
    if lock is None or lock.name != "uv.lock":
        raise InputError(
            "the builder lockflow builds from a lock",
            where=f"requirements={spec.requirements!r} of the ImageSpec {spec.name}",
            why="it is no uv.lock",
            next='write requirements="uv.lock", the path of the one that `lockflow lock` writes',
        )
    if not lock.is_file():
        raise InputError(
            "there is no such lock",
            where=f"requirements={spec.requirements!r} of the ImageSpec {spec.name}",
            why=f"{lock.absolute()} is not there; paths start from where pyflyte runs",
            next="run `lockflow lock` in the project, or correct the path",
        )
    return lock.absolute().parent


def _asked(spec: Spec) -> ImageAsk:
    """All faults are told at once."""
    faults = [f"{name} is not taken: {advice}" for name, advice in _ELSEWHERE.items() if getattr(spec, name, None)]
    uv = _uv(spec.builder_config or {}, faults)
    python = "" if spec.python_version is None else str(spec.python_version)
    minor = _MINOR.fullmatch(python)
    if python and minor is None:
        faults.append(f"python_version cannot be {python!r}: write a version of Python, like 3.12")
    variables = {str(name): str(value) for name, value in (spec.env or {}).items()}
    for name, value in variables.items():
        if not _NAME.fullmatch(name) or not value.isprintable():
            faults.append(f"env cannot hold {name!r}: write a name of letters, and a value of one line")
    platforms = tuple(name.strip() for name in (spec.platform or "linux/amd64").split(",") if name.strip())
    is_pushed = bool(spec.registry) and os.environ.get("FLYTE_PUSH_IMAGE_SPEC", "true").lower() in ("true", "1")
    if len(platforms) > 1 and not is_pushed:
        faults.append(
            "several platforms share a name in a registry only: name one by registry, and leave FLYTE_PUSH_IMAGE_SPEC "
            "alone, or ask for one platform"
        )
    if spec.base_image is not None and not isinstance(spec.base_image, str):
        faults.append("base_image is an ImageSpec that was not built: build it first, or name an image")
    copies = _copies(spec, faults)
    if faults:
        raise InputError(
            "the ImageSpec asks for what is not built from a lock",
            where=f"the ImageSpec {spec.name}",
            why="\n".join(faults),
            next='see docs/flyte.md; builder="default" is flytekit\'s own, which checks nothing before it builds',
        )
    return ImageAsk(
        platforms=platforms,
        python="" if minor is None else minor[1],
        push=is_pushed,
        uv=uv,
        base=spec.base_image or "",
        wishes=Wishes(
            environment=_environment(spec, variables),
            home=HOME,
            copies=copies,
            has_project=False,
            entrypoint=None if spec.entrypoint is None else tuple(spec.entrypoint),
        ),
    )


def _uv(config: dict[str, Any], faults: list[str]) -> str:
    """The release of uv that is asked for; empty for that of the project."""
    for name in config.keys() - {"uv"}:
        found = _RELEASE.search(str(config[name])) if name == "uv_image" else None
        meant = f'say builder_config={{"uv": "{found[1]}"}}' if found else "builder_config takes uv, a release"
        faults.append(f"builder_config has {name}, which is for flytekit's own builder: {meant}")
    uv = config.get("uv", "")
    if not isinstance(uv, str):
        faults.append(f'the uv of builder_config cannot be {uv!r}: write a release, like "0.13.8"')
        return ""
    return uv


def _environment(spec: Spec, variables: dict[str, str]) -> tuple[tuple[str, str], ...]:
    from flytekit.image_spec.image_spec import _F_IMG_ID

    found = {"HOME": HOME, "PYTHONPATH": HOME, "FLYTE_SDK_RICH_TRACEBACKS": "0", **variables}
    # By this a task tells whether it runs in the image of an ImageSpec (`is_container`).
    return (*found.items(), (_F_IMG_ID, spec.id))


def _copies(spec: Spec, faults: list[str]) -> tuple[tuple[str, Path], ...]:
    """The files that lie in the image: those of `copy`, and the code itself where it does not come with each run."""
    found: dict[str, Path] = {}
    for name in spec.copy or ():
        path = Path(name)
        if path.is_absolute() or ".." in path.parts or not path.exists():
            faults.append(f"copy cannot be {name!r}: name a file or folder below where pyflyte runs")
        elif path.is_dir():
            found.update((file.as_posix(), file) for file in sorted(path.rglob("*")) if file.is_file())
        else:
            found[path.as_posix()] = path
    found.update(_source(spec))
    return tuple((name, path.absolute()) for name, path in found.items())


def _source(spec: Spec) -> Iterable[tuple[str, Path]]:
    from flytekit.constants import CopyFileDetection
    from flytekit.tools.ignore import DockerIgnore, GitIgnore, IgnoreGroup, StandardIgnore
    from flytekit.tools.script_mode import ls_files

    if spec.source_copy_mode in (None, CopyFileDetection.NO_COPY) or not spec.source_root:
        return ()
    root = str(spec.source_root)
    ignored = IgnoreGroup(root, [GitIgnore, DockerIgnore, StandardIgnore])
    files, _ = ls_files(root, spec.source_copy_mode, deref_symlinks=False, ignore_group=ignored)
    return ((Path(os.path.relpath(file, root)).as_posix(), Path(file)) for file in files)


# What came of it -----------------------------------------------------------------------------------------------------


def _require_flytekit(planned: Sequence[PlannedImage], folder: Path) -> None:
    if "flytekit" not in planned[0].packages:
        raise AnswerIsNo(
            "the lock has no flytekit",
            where=str(folder / "uv.lock"),
            why="Flyte starts tasks by pyflyte-execute, which flytekit brings; nothing is installed beside the lock",
            next="run `lockflow add flytekit`; where an extra or a group has it, name that in [tool.lockflow.image]",
        )


def _tag(spec: Spec, planned: Sequence[PlannedImage]) -> str:
    """A tag that changes with anything that goes in, in the form that the ImageSpec asks for."""
    text = "\n".join(f"{image.platform} {image.content}" for image in planned)
    digits = hashlib.sha256(text.encode()).hexdigest()[:_TAG_DIGITS]
    return spec.tag_format.format(spec_hash=digits) if spec.tag_format else digits


def _is_there(spec: Spec, tag: str) -> bool:
    """Whether an image of that tag is in the registry (or engine, without one); where that is not known it is not."""
    if spec._is_force_push:
        return False
    found = dataclasses.replace(spec, tag_format=tag).exist()
    if found is None and spec._fast_fail:
        raise EngineError(
            f"whether {spec.name}:{tag} is there could not be found out",
            where=spec.registry or "the engine",
            why="FLYTE_IMG_FAST_FAIL asks to stop then; flytekit has said why above",
            next="log in to the registry, start the engine, or unset FLYTE_IMG_FAST_FAIL to build it",
        )
    return bool(found)


def _name(result: ImageResult, repository: str) -> str:
    """The digest names one image whatever becomes of tags; what was not pushed has none."""
    return f"{repository}@{result.digest}" if result.digest else result.reference
