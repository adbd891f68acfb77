"""A requirements file of pip to its entries (pip's documentation, "Requirements File Format").

The text is taken apart and nothing more: requirements stay text, files that it includes are named and not read.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

Kind = Literal["requirement", "editable", "include", "constraints", "option", "unknown"]
_COMMENT = re.compile(r"(^|\s+)#.*$")
_OWN_OPTION = re.compile(r"\s--(?=[a-z])")
_KINDS: dict[str, Kind] = {"--requirement": "include", "--constraint": "constraints", "--editable": "editable"}
_SHORT = {"-r": "--requirement", "-c": "--constraint", "-e": "--editable", "-i": "--index-url", "-f": "--find-links"}
_NAMES = {"--pypi-url": "--index-url"}
_WITH_VALUE = frozenset((
    *_KINDS, "--index-url", "--extra-index-url", "--find-links", "--no-binary", "--only-binary", "--trusted-host",
    "--use-feature", "--config-settings",
))  # fmt: skip
_WITHOUT = frozenset(("--no-index", "--pre", "--prefer-binary", "--require-hashes"))


class FileEntry(Struct, frozen=True, kw_only=True):
    """One entry: the text of a requirement or path, the name of a file, or the value of an `option`.

    `line` counts from 1 and is that on which the entry begins; hashes and other options of a requirement are gone,
    `own_options` has their names. What is no line of a requirements file is `unknown`.
    """

    line: int
    kind: Kind
    text: str
    option: str = ""
    own_options: tuple[str, ...] = ()


def parse_requirements_file(text: str) -> tuple[FileEntry, ...]:
    """Return the entries in the order of the file; an empty text has none."""
    return tuple(_entry(number, line) for number, line in _logical_lines(text) if line)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Join lines that end with a backslash, and drop comments as pip does: after joining, a comment ends what was."""
    begun, parts = 0, list[str]()
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        begun = begun or number
        is_comment = raw.lstrip().startswith("#")
        if raw.endswith("\\") and not is_comment:
            parts.append(raw[:-1].strip())
            continue
        # A comment line among continued ones ends them.
        parts.append("" if is_comment else raw.strip())
        yield begun, _COMMENT.sub("", " ".join(filter(None, parts))).strip()
        begun, parts = 0, []
    if parts:
        yield begun, _COMMENT.sub("", " ".join(parts)).strip()


def _entry(number: int, line: str) -> FileEntry:
    if not line.startswith("-"):
        requirement, *options = _OWN_OPTION.split(line)
        names = tuple(dict.fromkeys(f"--{re.split('[= ]', option, maxsplit=1)[0]}" for option in options))
        return FileEntry(line=number, kind="requirement", text=requirement.strip(), own_options=names)
    name, value = _option(line)
    if name in _WITHOUT and not value:
        return FileEntry(line=number, kind="option", text="", option=name)
    if name not in _WITH_VALUE or not value:
        return FileEntry(line=number, kind="unknown", text=line)
    kind = _KINDS.get(name, "option")
    return FileEntry(line=number, kind=kind, text=value, option="" if kind != "option" else name)


def _option(line: str) -> tuple[str, str]:
    """The long name of the option that begins a line, and its value: `-rx`, `-r x`, `--requirement=x` are the same."""
    if line.startswith("--"):
        name, value = (*re.split(r"\s*=\s*|\s+", line, maxsplit=1), "")[:2]
    else:
        name, value = _SHORT.get(line[:2], line[:2]), line[2:].strip().removeprefix("=").strip()
    return _NAMES.get(name, name), _unquoted(value)


def _unquoted(value: str) -> str:
    if value[:1] in ("'", '"'):
        try:
            return " ".join(shlex.split(value))
        except ValueError:
            return value
    return value
