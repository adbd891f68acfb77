"""Edits of a TOML text that people wrote: text in, text out, with comments, order and layout kept (TOML 1.0).

Nothing but the value in question changes; a list of several lines gets a line more. tomlkit shows here only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array

from lockflow.errors import InputError

_MARK = "\ufeff"

Path = Sequence[str]
"""The names of nested tables, from the outside: ("tool", "uv")."""


def with_item(text: str, tables: Path, key: str, item: str, *, where: str) -> str:
    """Append `item` to the list of strings at `key` of a table, both made where they are not there.

    An item that the list holds already gives the same text. Raises InputError, naming the file `where`, for what is no
    TOML and where something else than a list stands there.
    """

    def change(array: Array) -> None:
        if item in array.unwrap():
            return
        if _spans_lines(array):
            array.add_line(item, indent=_indent(array), newline=True, add_comma=True)
            _close_on_own_line(array)
        else:
            array.append(item)

    return _with_list(text, tables, key, change, where=where)


def with_changed_items(text: str, tables: Path, key: str, change: Callable[[str], str | None], *, where: str) -> str:
    """Replace each string of a list by what `change` makes of it, where that is not None. Raises as `with_item`."""
    document = _parsed(text, where)
    table = _table(document, tables, where, is_made=False)
    if table is None or key not in table:
        return text
    array = table[key]
    if not isinstance(array, Array):
        raise _unexpected(tables, key, "a list", where)
    for index, item in enumerate(array.unwrap()):
        replaced = change(item) if isinstance(item, str) else None
        if replaced is not None and replaced != item:
            array[index] = replaced
    return _text(document, text)


def with_value(text: str, tables: Path, key: str, value: str, *, where: str) -> str:
    """Set the string at `key` of a table, which is made where it is not there. Raises as `with_item`."""
    document = _parsed(text, where)
    table = _table(document, tables, where, is_made=True)
    assert table is not None
    table[key] = value
    return _text(document, text)


def _with_list(text: str, tables: Path, key: str, change: Callable[[Array], None], *, where: str) -> str:
    document = _parsed(text, where)
    table = _table(document, tables, where, is_made=True)
    assert table is not None
    if key not in table:
        table[key] = tomlkit.array()
    array = table[key]
    if not isinstance(array, Array):
        raise _unexpected(tables, key, "a list", where)
    change(array)
    return _text(document, text)


def _parsed(text: str, where: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text.removeprefix(_MARK))
    except (TOMLKitError, RecursionError) as error:
        raise InputError(
            f"{where} cannot be edited", where=where, why=f"it is no TOML: {error}", next="correct the file"
        ) from error


def _text(document: tomlkit.TOMLDocument, before: str) -> str:
    """Print the document, with the line ends of the text before and the mark that some editors put in front."""
    text = document.as_string()
    if "\r\n" in before:
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    return _MARK + text if before.startswith(_MARK) else text


def _table(document: tomlkit.TOMLDocument, tables: Path, where: str, *, is_made: bool) -> Any:  # noqa: ANN401  tomlkit's containers have no common type
    table: Any = document
    for depth, name in enumerate(tables):
        if name not in table:
            if not is_made:
                return None
            # Tables above the last need no heading of their own.
            table[name] = tomlkit.table(is_super_table=depth + 1 < len(tables))
        table = table[name]
        if isinstance(table, AoT) or not hasattr(table, "unwrap") or not isinstance(table.unwrap(), dict):
            raise _unexpected(tables[:depth], name, "a table", where)
    return table


def _spans_lines(array: Array) -> bool:
    return "\n" in array.as_string()


def _indent(array: Array) -> str:
    """The white space before the first item that stands on a line of its own."""
    for line in array.as_string().splitlines()[1:]:
        if line.strip() and not line.strip().startswith("]"):
            return line[: len(line) - len(line.lstrip())]
    return "    "


def _close_on_own_line(array: Array) -> None:
    if not array.as_string().rstrip("]").endswith("\n"):
        array.add_line(indent="", add_comma=False)


def _unexpected(tables: Path, key: str, expected: str, where: str) -> InputError:
    place = ".".join((*tables, key))
    return InputError(f"{where} cannot be edited", where=f"{where}, {place}", why=f"it is not {expected}")
