"""Reading small projects written in a test: files in, manifest or message out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from lockflow.errors import InputError
from lockflow.inputs.model import SettingsOverrides
from lockflow.inputs.read import ReadResult, read_manifest
from lockflow.standards.markers.render import render
from lockflow.standards.requirements import Archive, Directory, Git, LocalFile, Registry, Requirement

NOW_NS = 1_750_000_000_000_000_000
DEFAULT_INDEX = "https://index.example/simple"
HEAD = '[project]\nname = "app"\nversion = "0.1.0"\nrequires-python = ">=3.11"\n'
"""The beginning of a pyproject.toml that needs nothing more."""


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")


def read(
    folder: Path,
    files: Mapping[str, str] | None = None,
    *,
    at: str = ".",
    script: str | None = None,
    environment: Mapping[str, str] | None = None,
    **flags: Any,
) -> ReadResult:
    """Write `files` below `folder` and read the project or script at `at`; `flags` are those of the command line."""
    write_files(folder, files or {})
    return read_manifest(
        folder / at,
        SettingsOverrides(**flags),
        {"HOME": str(folder / "home"), "UV_NO_SYSTEM_CONFIG": "1", **(environment or {})},
        now_ns=NOW_NS,
        default_index=DEFAULT_INDEX,
        script=None if script is None else Path(script),
        interpreter_minor=(3, 11),
    )


def refusal(folder: Path, files: Mapping[str, str], **more: Any) -> str:
    """The message with which the project is refused."""
    with pytest.raises(InputError) as caught:
        read(folder, files, **more)
    assert caught.value.exit_code == 2
    return str(caught.value)


def project(text: str = "", *, head: str = HEAD) -> dict[str, str]:
    """One pyproject.toml: the head and `text`."""
    return {"pyproject.toml": head + dedent(text)}


def as_lock_entry(requirement: Requirement) -> dict[str, Any]:
    """A requirement as the lock of the reference tool has it in `requires-dist`, after parsing."""
    entry: dict[str, Any] = {"name": requirement.name}
    if requirement.extras:
        entry["extras"] = list(requirement.extras)
    marker = render(requirement.marker)
    if marker is not None:
        entry["marker"] = marker
    match requirement.source:
        case Registry() as source:
            entry |= {"specifier": str(source.specifiers)} if source.specifiers.clauses else {}
            entry |= {"index": source.index} if source.index is not None else {}
            if source.conflict is not None:
                entry["conflict"] = {"package": source.conflict.package, source.conflict.kind: source.conflict.name}
        case Git() as source:
            pairs = {"subdirectory": source.subdirectory, "path": source.path}
            pairs |= {source.reference_kind: source.reference} if source.reference_kind is not None else {}
            query = "&".join(f"{key}={value.replace('/', '%2F')}" for key, value in pairs.items() if value is not None)
            entry["git"] = source.url + (f"?{query}" if query else "")
        case Archive() as source:
            entry |= {"url": source.url} | ({"subdirectory": source.subdirectory} if source.subdirectory else {})
        case LocalFile() as source:
            entry["path"] = source.path
        case Directory() as source:
            entry[source.install] = source.path
    return entry


def in_order(requirements: tuple[Requirement, ...]) -> list[dict[str, Any]]:
    """Entries in the order of the manifest."""
    return [as_lock_entry(requirement) for requirement in requirements]


def as_lock_entries(requirements: tuple[Requirement, ...]) -> list[dict[str, Any]]:
    """Entries without repetition, in an order that is comparable."""
    unique = {repr(sorted(entry.items())): entry for entry in map(as_lock_entry, requirements)}
    return [unique[key] for key in sorted(unique)]


def sorted_entries(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(entries, key=lambda entry: repr(sorted(entry.items())))
