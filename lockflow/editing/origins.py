"""Where a requirement comes from that names a place: a repository, an archive, a folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from lockflow.editing.replacing import read_text
from lockflow.errors import InputError
from lockflow.inputs.edit import document, inner
from lockflow.inputs.paths import is_url
from lockflow.inputs.toml_text import inline_table
from lockflow.standards.filenames import InvalidFilename, parse_sdist_name, parse_wheel_name

_REFERENCE = re.compile(r"(.+/[^@]*)@([^@/]+(?:/[^@]+)?)$")


def from_git(url: str, references: Sequence[tuple[str, str]]) -> str:
    """The source of a `git+` URL, with references that were named beside it."""
    base, _, fragment = url.removeprefix("git+").partition("#")
    folder = dict(part.partition("=")[::2] for part in fragment.split("&")).get("subdirectory", "")
    match = _REFERENCE.fullmatch(base)
    if match is not None:
        base, own = match.groups()
        if references:
            raise InputError("the reference is given twice", where="command line", why=f"{own} and {references[0][1]}")
        references = [("rev", own)]
    if len(references) > 1:
        raise InputError("give one of --rev, --tag and --branch", where="command line")
    return inline_table(("git", base), ("subdirectory", folder), *references)


def bare_place(text: str, base: Path) -> tuple[str, str]:
    """Name and place where a path or URL stands alone; empty where it is a requirement."""
    if text.startswith("git+"):
        name = _egg(text)
        if name:
            return name, text
        raise InputError(
            "a repository needs the name of the package in it", where="command line", next=f"write NAME @ {text}"
        )
    file = text.partition("#")[0].rpartition("/")[2]
    is_place = text.startswith(("./", "../", "/", "~")) or text in (".", "..") or is_url(text)
    if not is_place and "@" not in text:
        is_place = ("/" in text or file.endswith((".whl", ".tar.gz", ".zip"))) and (base / text).exists()
    if not is_place:
        return "", ""
    return _name_of(text, file, base), text


def _egg(text: str) -> str:
    """The name that pip's old way of writing has in the fragment: `git+https://.../pear#egg=pear`."""
    fragment = text.partition("#")[2]
    return dict(part.partition("=")[::2] for part in fragment.split("&")).get("egg", "").partition("[")[0]


def _name_of(text: str, file: str, base: Path) -> str:
    with suppress(InvalidFilename):
        return parse_wheel_name(file).name
    sdist = parse_sdist_name(file)
    if sdist is not None:
        return sdist.name
    project = base / text / "pyproject.toml"
    if not is_url(text) and project.is_file():
        name = inner(document(read_text(project), str(project)), "project").get("name")
        if isinstance(name, str):
            return name
    if not is_url(text) and not (base / text).exists():
        raise InputError(f"there is nothing at {text}", where="command line", why=f"looked for {base / text}")
    raise InputError(f"the name of the package at {text} is unknown", where="command line", next=f"write NAME @ {text}")
