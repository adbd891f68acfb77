"""Turn a lock in the layout in which locks are written into JSON, for a reader much faster than that of TOML.

Only that one layout is understood, and not checked: duplicate keys and the like pass. So the caller compares what
came out, written again, with the text, and reads anything else as TOML. A lock of 2000 wheels takes a
quarter of the time.
"""

from __future__ import annotations

import re

from lockflow.lock.encode import SPAN_COMMENT

_BEYOND_THIS_LAYOUT = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\\]")
_KEY_OF_LINE = re.compile(r"(^|\n)([A-Za-z0-9_-]+) = ")
_KEYS_IN_LINES = (
    "url", "hash", "size", "upload-time", "name", "version", "source", "registry", "marker", "extra", "specifier",
    "extras", "path", "filename", "package", "group", "index", "conflict", "directory", "editable", "virtual", "git",
    "subdirectory", "groups", "dependencies", "timestamp", "span", "zstd",
)  # fmt: skip
"""The keys of inline tables; replacing a fixed text is several times faster than a pattern."""


def as_json(text: str) -> str | None:
    """Return the tables of `text` as one JSON object, None where they are not laid out as expected.

    Strings stand between quotes without escapes, so that every second piece of the text is one; the pieces between
    are few and plain, and become JSON by replacing.
    """
    if _BEYOND_THIS_LAYOUT.search(text) is not None:
        return None
    pieces = text.split('"')
    strings = pieces[1::2]
    if len(pieces) % 2 == 0 or "\n" in "".join(strings):
        return None
    structure = "\0".join(pieces[::2]).replace(SPAN_COMMENT, "").removesuffix("\n")
    structure = _KEY_OF_LINE.sub(r'\1"\2":', structure.replace(",\n]", "]")).replace('\n"', ',"')
    for key in _KEYS_IN_LINES:
        structure = structure.replace(f" {key} = ", f' "{key}":')
    json = _nested(structure.split("\n\n["))
    if json is None:
        return None
    slots = json.split("\0")
    if len(slots) != len(strings) + 1:
        return None
    filled = [""] * (2 * len(strings) + 1)
    filled[::2] = slots
    filled[1::2] = strings
    return '"'.join(filled)


def _nested(blocks: list[str]) -> str | None:
    """Put the tables, which a lock lists one after the other, into one another."""
    parts = [f"{{{blocks[0]}"]
    opened: list[str] = []
    is_in_package = False
    for block in blocks[1:]:
        header, _, members = block.partition("]")
        if header == "[package":
            parts.append(_close(opened, 0))
            parts.append("},{" if is_in_package else ',"package":[{')
            opened, is_in_package = [], True
            parts.append(members.removeprefix("],"))
            continue
        path = header.split(".")
        if (path[0] == "package") is not is_in_package or path[0].startswith("["):
            return None
        path = path[1:] if is_in_package else path
        depth = 0
        while depth < min(len(opened), len(path)) and opened[depth] == path[depth]:
            depth += 1
        if depth < len(opened):
            parts.append(_close(opened, depth))
        for name in path[depth:]:
            parts.append(f'"{name}":{{' if parts[-1].endswith("{") else f',"{name}":{{')
        if members:
            parts.append(members.removeprefix(","))
        opened = path
    parts.append(_close(opened, 0))
    parts.append("}]}" if is_in_package else "}")
    return "".join(parts)


def _close(opened: list[str], depth: int) -> str:
    return "}" * (len(opened) - depth)
