"""Looks through a folder for what other tools left there, and says what of it can be taken over."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lockflow.editing.replacing import read_text
from lockflow.errors import InputError
from lockflow.inputs.edit import inner
from lockflow.taking_over.model import Found, Include
from lockflow.taking_over.pdm import from_pdm
from lockflow.taking_over.pipfile import from_pipfile
from lockflow.taking_over.poetry import from_poetry
from lockflow.taking_over.requirements import compiled_files, from_requirements
from lockflow.taking_over.setup_cfg import from_setup_cfg

_CONDA = "packages of conda are none of an index; put those of pip into requirements.in"
_NOT_READ = {
    "setup.py": "setup.py is a program: what it requires has to be written down by hand",
    **{name: f"{name}: {_CONDA}" for name in ("environment.yml", "environment.yaml", "conda-lock.yml", "pixi.toml")},
}
_LOCKS = {
    "poetry.lock": "poetry.lock: uv.lock takes its place",
    "Pipfile.lock": "Pipfile.lock: uv.lock takes its place",
    "pdm.lock": "pdm.lock: uv.lock takes its place",
}


class Offer(Struct, frozen=True, kw_only=True):
    """What can be taken over, in words `can`, and what cannot (`cannot`). `found` is None where there is nothing."""

    found: Found | None
    can: tuple[str, ...]
    cannot: tuple[str, ...]


def look_through(folder: Path, pyproject: Mapping[str, Any]) -> Offer:
    """Read what lies in `folder`, of which `pyproject` is the pyproject.toml. Raises InputError for broken files."""
    candidates = [found for found in _candidates(folder, pyproject) if not found.is_empty or found.left]
    useful = [found for found in candidates if not found.is_empty]
    chosen = None
    for found in useful:
        # Whoever declares the project's own requirements first has the say; further files may add groups.
        chosen = found if chosen is None else _joined(chosen, found)
    cannot = [line for found in candidates for line in found.left]
    cannot += [text for name, text in (*_NOT_READ.items(), *_LOCKS.items()) if (folder / name).is_file()]
    cannot += [_compiled(path.relative_to(folder).as_posix()) for path in compiled_files(folder)]
    return told(chosen, tuple(dict.fromkeys(cannot)))


def told(found: Found | None, cannot: tuple[str, ...]) -> Offer:
    """The offer with what can be taken over in words."""
    return Offer(found=found, can=() if found is None else tuple(_lines(found)), cannot=cannot)


def _compiled(name: str) -> str:
    source = f"{name.removesuffix('.txt')}.in"
    return f"{name}: uv.lock takes its place; `lockflow add -r {source} -c {name}` keeps its versions"


def _candidates(folder: Path, pyproject: Mapping[str, Any]) -> Iterator[Found]:
    poetry = inner(pyproject, "tool", "poetry")
    if poetry:
        yield from_poetry(poetry)
    pdm = inner(pyproject, "tool", "pdm", "dev-dependencies")
    if pdm:
        yield from_pdm(pdm)
    environments = inner(pyproject, "tool", "hatch", "envs")
    names = [name for name, table in environments.items() if isinstance(table, Mapping) and "dependencies" in table]
    if names:
        yield Found(origin="[tool.hatch]", left=(f"[tool.hatch] environments are left out: {', '.join(names)}",))
    pipfile = folder / "Pipfile"
    if pipfile.is_file():
        yield from_pipfile(_toml(pipfile))
    config = folder / "setup.cfg"
    if config.is_file():
        yield from_setup_cfg(read_text(config))
    has_own = bool(poetry) or pipfile.is_file()
    if not has_own:
        yield from_requirements(folder, without_main=_declares(config))


def _declares(config: Path) -> bool:
    return config.is_file() and bool(from_setup_cfg(read_text(config)).dependencies)


def _toml(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path.name} is no TOML", where=str(path), why=str(error), next="correct the file") from error


def _joined(first: Found, more: Found) -> Found:
    return replace(
        first,
        origins=(*first.origins, *more.origins),
        dependencies=first.dependencies or more.dependencies,
        groups=(*first.groups, *(pair for pair in more.groups if pair[0] not in dict(first.groups))),
        sources=(*first.sources, *(pair for pair in more.sources if pair[0] not in dict(first.sources))),
        indexes=first.indexes or more.indexes,
        settings=(*first.settings, *(pair for pair in more.settings if pair[0] not in dict(first.settings))),
    )


def _lines(found: Found) -> Iterator[str]:
    if found.dependencies:
        yield f"{found.origin}: {_some(found.dependencies)}"
    for name, texts in found.extras:
        yield f"{found.origin}, extra {name}: {_some(texts)}"
    for name, entries in found.groups:
        texts = tuple(f"all of {entry.group}" if isinstance(entry, Include) else entry for entry in entries)
        yield f"{dict(found.origins).get(name, found.origin)}, group {name}: {_some(texts)}"
    if found.indexes:
        yield f"{found.origin}: {len(found.indexes)} {'index' if len(found.indexes) == 1 else 'indexes'}"
    for key, _ in found.settings:
        yield f"{found.origin}: [tool.uv] {key}"


def _some(found: tuple[str, ...]) -> str:
    if not found:
        return "nothing"
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return f"{', '.join(found[:5])}{more}"
