"""Where in a TOML text a new key or table goes: after its siblings, as uv puts it (TOML 1.0)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lockflow.inputs.arrays import after_value

Names = tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """A heading or a `key = value`, from the start of its line to that of the next."""

    start: int
    end: int
    names: Names
    is_heading: bool
    is_array: bool = False


def statements(text: str) -> list[Statement]:
    """Take the text of a valid document apart; comments and empty lines are between statements."""
    found = []
    at = 0
    while at < len(text):
        line_end = _line_end(text, at)
        start = at + len(text[at:line_end]) - len(text[at:line_end].lstrip())
        if start == line_end or text[start] == "#" or not text[at:line_end].strip():
            at = line_end
        elif text[start] == "[":
            found.append(_heading(text, at, start, line_end))
            at = line_end
        else:
            equals = _equals(text, start)
            value = equals + 1
            while text[value] in " \t":
                value += 1
            end = _line_end(text, after_value(text, value))
            found.append(Statement(at, end, _names(text[start:equals]), is_heading=False))
            at = end
    return found


def with_key(text: str, tables: Sequence[str], key: str, value: str, *, is_sorted: bool = False) -> str | None:
    """Put `key = value` at the end of a table, or in order where its keys are; None where no heading names it."""
    own = _of_table(statements(text), tuple(tables))
    if own is None:
        return None
    keys = [statement for statement in own if not statement.is_heading]
    place = own[-1].end if own else 0
    names = [statement.names[0] for statement in keys]
    if is_sorted and names == sorted(names):
        later = next((number for number, name in enumerate(names) if name > key), None)
        if later is not None:
            place = keys[later - 1].end if later else own[0].end
    return _inserted(text, place, f"{_key(key)} = {value}\n")


def with_table(
    text: str, names: Sequence[str], body: str, *, is_array: bool = False, position: int | None = None
) -> str:
    """Put a new table with these lines where its siblings end, or at a `position` among the headings."""
    heading = ".".join(map(_key, names))
    lines = f"[[{heading}]]\n{body}" if is_array else f"[{heading}]\n{body}"
    found = statements(text)
    place = _place(found, tuple(names), position)
    return _inserted(text, place, f"\n{lines}" if place else lines)


def keys_after(found: Sequence[Statement], heading: int) -> list[Statement]:
    """A heading and the keys below it."""
    end = next((number for number, entry in enumerate(found) if number > heading and entry.is_heading), len(found))
    return [*found[heading:end]]


def key_count(text: str) -> int:
    """How many names a document has at its root."""
    return len({statement.names[0] for statement in _roots(statements(text))})


def _roots(found: Sequence[Statement]) -> Iterator[Statement]:
    in_root = True
    for statement in found:
        in_root = in_root and not statement.is_heading
        if statement.is_heading or in_root:
            yield statement


def _of_table(found: Sequence[Statement], tables: Names) -> list[Statement] | None:
    """The heading of a table and its keys; for the root its keys alone."""
    if not tables:
        first = next((number for number, entry in enumerate(found) if entry.is_heading), len(found))
        return [*found[:first]]
    start = next((number for number, entry in enumerate(found)
                  if entry.is_heading and not entry.is_array and entry.names == tables), None)  # fmt: skip
    if start is None:
        return None
    return keys_after(found, start)


@dataclass
class _Table:
    number: int | None = None
    children: dict[str, list[_Table]] = field(default_factory=dict)


def _place(found: Sequence[Statement], names: Names, position: int | None) -> int:
    """After which statement a new table is printed: tables are in the order of headings, a new one after its elders."""
    headings = [statement for statement in found if statement.is_heading]
    root = _Table(0)
    for number, heading in enumerate(headings, 1):
        _made(root, heading.names, is_array=heading.is_array).number = number
    new = _made(root, names, is_array=True)
    order = sorted(_visited(root, new, position), key=lambda entry: entry[0])
    tables = [table for _, table in order if table is new or table.number is not None]
    before = tables[tables.index(new) - 1]
    assert before.number is not None
    following = headings[before.number] if before.number < len(headings) else None
    body = [entry for entry in found if following is None or entry.start < following.start]
    return body[-1].end if body else 0


def _made(root: _Table, names: Names, *, is_array: bool) -> _Table:
    table = root
    for depth, name in enumerate(names):
        tables = table.children.setdefault(name, [])
        if not tables or (is_array and depth + 1 == len(names)):
            tables.append(_Table())
        table = tables[-1]
    return table


def _visited(root: _Table, new: _Table, position: int | None) -> Iterator[tuple[int, _Table]]:
    last = 0
    waiting = [root]
    while waiting:
        table = waiting.pop()
        number = position if table is new else table.number
        last = last if number is None else number
        yield last, table
        waiting += [child for tables in reversed(table.children.values()) for child in reversed(tables)]


def _heading(text: str, line: int, start: int, end: int) -> Statement:
    is_array = text.startswith("[[", start)
    document = tomllib.loads(text[start:end])
    return Statement(line, end, _walk(document), is_heading=True, is_array=is_array)


def _names(key: str) -> Names:
    return _walk(tomllib.loads(f"{key.strip()} = {{}}"))


def _walk(document: Mapping[str, object]) -> Names:
    names = []
    value: object = document
    while isinstance(value, dict | list) and value:
        value = value[0] if isinstance(value, list) else value
        if not isinstance(value, dict) or not value:
            break
        name, value = next(iter(value.items()))
        names.append(name)
    return tuple(names)


def _equals(text: str, at: int) -> int:
    while text[at] != "=":
        at = after_value(text, at) if text[at] in "\"'" else at + 1
    return at


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _inserted(text: str, place: int, lines: str) -> str:
    before = text[:place]
    if before and not before.endswith("\n"):
        before += "\n"
    return before + lines + text[place:]


def _key(name: str) -> str:
    is_bare = name.isascii() and bool(name) and all(letter.isalnum() or letter in "-_" for letter in name)
    return name if is_bare else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
