"""Values as TOML text, in the layout that people write (TOML 1.0)."""

from __future__ import annotations

from collections.abc import Iterable


def quoted(text: str) -> str:
    """A string; a text with double quotes stands in single ones where it can, as a marker is easier to read so."""
    if '"' in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in escaped) + '"'


def inline_table(*entries: tuple[str, str], editable: bool = False) -> str:
    """A table of strings on one line, empty ones left out: `{ git = "https://...", tag = "v2" }`."""
    texts = [f"{key} = {quoted(value)}" for key, value in entries if value]
    return "{ " + ", ".join([*texts, *(["editable = true"] if editable else [])]) + " }"


def one_a_line(values: Iterable[str]) -> str:
    """A list of values that are TOML already, one a line; an empty one is `[]`."""
    lines = "".join(f"    {value},\n" for value in values)
    return f"[\n{lines}]" if lines else "[]"
