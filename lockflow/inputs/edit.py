"""Edits of a TOML text that people wrote: text in, text out, with comments, order and layout kept (TOML 1.0).

Nothing but the value in question changes; a list of several lines gets a line more. tomlkit shows here only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, InlineTable

from lockflow.errors import InputError
from lockflow.inputs import places

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


# Requirements --------------------------------------------------------------------------------------------------------


def with_array(
    text: str, tables: Path, key: str, change: Callable[[str], str], *, where: str, is_sorted: bool = False
) -> str:
    """Replace the text of a list, brackets included, by what `change` makes of it; one that is not there is `[]`.

    A new key stands at the end of its table, or in order with `is_sorted` where the keys are; a new table where its
    siblings end. Raises as `with_item`.
    """
    document = _parsed(text, where)
    table = _table(document, tables, where, is_made=False)
    if table is not None and key in table:
        array = table[key]
        if not isinstance(array, Array):
            raise _unexpected(tables, key, "a list", where)
        raw = array.as_string()
        changed = change(raw)
        if changed == raw:
            return text
        table[key] = tomlkit.parse(f"x = {changed}\n")["x"]
        return _text(document, text)
    plain = _plain(text)
    value = change("[]")
    if table is None:
        return _like(places.with_table(plain, (*tables,), f"{_bare(key)} = {value}\n"), text, where)
    made = places.with_key(plain, tables, key, value, is_sorted=is_sorted)
    if made is not None:
        return _like(made, text, where)
    return _with_inline(text, tables, key, value, where)


def with_entry(text: str, tables: Path, key: str, value: str, *, where: str) -> str:
    """Set `key` of a table to a TOML value given as text, at the table's end where it is not there."""
    document = _parsed(text, where)
    table = _table(document, tables, where, is_made=False)
    if table is not None and key in table:
        text = without_entry(text, tables, key, where=where)
    plain = _plain(text)
    made = places.with_key(plain, tables, key, value)
    if made is None:
        if _table(_parsed(text, where), tables, where, is_made=False) is not None:
            return _with_inline(text, tables, key, value, where)
        made = places.with_table(plain, (*tables,), f"{_bare(key)} = {value}\n")
    return _like(made, text, where)


def without_entry(text: str, tables: Path, key: str, *, where: str) -> str:
    """Remove a key of a table; what is not there is no fault."""
    document = _parsed(text, where)
    table = _table(document, tables, where, is_made=False)
    if table is None or key not in table:
        return text
    plain = _plain(text)
    found = places.statements(plain)
    inside: tuple[str, ...] | None = ()
    for entry in found:
        if entry.is_heading:
            inside = None if entry.is_array else entry.names
        elif inside == (*tables,) and entry.names == (key,):
            return _like(plain[: entry.start] + plain[entry.end :], text, where)
    del table[key]
    return _text(document, text)


def without_table(text: str, tables: Path, *, where: str) -> str:
    """Remove a table that has no keys, with the empty lines before its heading."""
    plain = _plain(text)
    found = places.statements(plain)
    for number, entry in enumerate(found):
        if entry.is_heading and entry.names == (*tables,):
            before = found[number - 1].end if number else 0
            comments = [line for line in plain[before : entry.start].splitlines(keepends=True) if line.strip()]
            return _like(plain[:before] + "".join(comments) + plain[entry.end :], text, where)
    document = _parsed(text, where)
    parent = _table(document, tables[:-1], where, is_made=False)
    if parent is not None and tables[-1] in parent:
        del parent[tables[-1]]
    return _text(document, text)


def with_index(text: str, name: str, url: str, *, where: str) -> str:
    """Put an index before all others of `[tool.uv]`; one with that URL gets the name, empty for none.

    Raises InputError where another index has the name.
    """
    indexes = document(text, where).get("tool", {}).get("uv", {}).get("index", [])
    same = next((number for number, entry in enumerate(indexes) if entry.get("url") == url), None)
    if any(name and entry.get("name") == name and number != same for number, entry in enumerate(indexes)):
        raise InputError(
            f"there is an index {name} with another URL", where=where, next="edit it, or take another name"
        )
    plain = _plain(text)
    found = places.statements(plain)
    names = ("tool", "uv", "index")
    own = [number for number, entry in enumerate(found) if entry.is_heading and entry.names == names]
    if same is not None:
        if not name or indexes[same].get("name") == name:
            return text
        if "name" in indexes[same]:
            raise InputError(
                f"the index has the name {indexes[same]['name']} already", where=where, next="use it, or edit the file"
            )
        if same < len(own):
            keys = places.keys_after(found, own[same])
            place = keys[-1].end
            return _like(plain[:place] + f"name = {_string(name)}\n" + plain[place:], text, where)
        return text
    lines = (f"name = {_string(name)}\n" if name else "") + f"url = {_string(url)}\n"
    if not own:
        made = places.with_table(plain, names, lines, is_array=True, position=places.key_count(plain))
        return _like(made, text, where)
    place = found[own[0]].start
    return _like(f"{plain[:place]}[[tool.uv.index]]\n{lines}\n{plain[place:]}", text, where)


def _string(value: str) -> str:
    return tomlkit.string(value).as_string()


def document(text: str, where: str) -> dict[str, Any]:
    """The whole text as plain values. Raises InputError for what is no TOML."""
    found: dict[str, Any] = _parsed(text, where).unwrap()
    return found


def inner(found: object, *names: str) -> dict[str, Any]:
    """The table under these names; an empty one where there is none, or something else."""
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _with_inline(text: str, tables: Path, key: str, value: str, where: str) -> str:
    document = _parsed(text, where)
    table = _table(document, tables, where, is_made=True)
    assert table is not None
    table[key] = tomlkit.parse(f"x = {value}\n")["x"]
    if isinstance(table, InlineTable):
        # tomlkit leaves no space before the brace.
        entries = [
            f"{name.as_string().strip()} = {item.as_string().strip()}" for name, item in table.value.body if name
        ]
        parent = _table(document, tables[:-1], where, is_made=False)
        parent[tables[-1]] = tomlkit.parse(f"x = {{ {', '.join(entries)} }}\n")["x"]
    return _text(document, text)


def _plain(text: str) -> str:
    return text.removeprefix(_MARK).replace("\r\n", "\n")


def _like(made: str, before: str, where: str) -> str:
    """Give a text that was put together the line ends of the one before; it must still be TOML."""
    _parsed(made, where)
    if "\r\n" in before:
        made = made.replace("\n", "\r\n")
    return _MARK + made if before.startswith(_MARK) else made


def _bare(key: str) -> str:
    return tomlkit.key(key).as_string()
