"""A TOML array's text to its entries with the space and comments around them, and back in one layout (TOML 1.0).

The layout is the one that uv leaves behind: an entry a line, a comma after each, comments where they were.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[^,\]}#\s]*")
_QUOTES = ('"""', "'''", '"', "'")
_DEFAULT_INDENT = "    "


@dataclass
class Entry:
    """One value with what stands before it and between it and its comma."""

    before: str
    value: str
    after: str = ""


@dataclass
class ArrayText:
    """`rest` is what follows the last comma."""

    entries: list[Entry]
    rest: str
    has_comma: bool


def parse_array(text: str) -> ArrayText:
    """Take the text of a valid array apart, brackets included."""
    found = ArrayText([], "", has_comma=False)
    at = 1
    while True:
        start = at
        at = _after_space(text, at)
        if text[at] == "]":
            found.rest = text[start:at]
            return found
        end = after_value(text, at)
        close = _after_space(text, end)
        found.entries.append(Entry(text[start:at], text[at:end], text[end:close]))
        found.has_comma = text[close] == ","
        if not found.has_comma:
            return found
        at = close + 1


def array_text(array: ArrayText) -> str:
    """Print an array with an entry a line; an empty one without comments is `[]`."""
    entries = array.entries
    rest = array.rest
    if entries and not array.has_comma and "#" in entries[-1].after:
        # A comma is about to follow the last value, and its comment belongs behind that.
        rest, entries[-1].after = entries[-1].after + rest, ""
    indent = "\n" + (_indent(entries[0].before) if entries else _DEFAULT_INDENT)
    lines = ["["]
    for entry in entries:
        comments = [*_comments(entry.before, indent)]
        comments += _comments(entry.after, indent, is_alone=not comments)
        lines += [*comments, indent, entry.value, ","]
    left = [*_comments(rest, indent)]
    return "".join([*lines, *left, "\n" if left or entries else "", "]"])


def after_value(text: str, at: int) -> int:
    """Where the value that begins at `at` ends."""
    quote = next((quote for quote in _QUOTES if text.startswith(quote, at)), None)
    if quote is not None:
        return _after_string(text, at, quote)
    if text[at] not in "[{":
        match = _BARE.match(text, at)
        assert match is not None
        return match.end()
    at += 1
    while True:
        at = _after_space(text, at)
        if text[at] in "]}":
            return at + 1
        at = at + 1 if text[at] in ",=" else max(after_value(text, at), at + 1)


def _after_string(text: str, at: int, quote: str) -> int:
    at += len(quote)
    while not text.startswith(quote, at):
        at += 2 if text[at] == "\\" and '"' in quote else 1
    at += len(quote)
    # Up to two more quotes may belong to the end of a long string.
    while len(quote) == 3 and text.startswith(quote[0], at):
        at += 1
    return at


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()


def _indent(before: str) -> str:
    lines = before.splitlines()
    return (lines[-1].partition("#")[0] if lines else "") or _DEFAULT_INDENT


def _comments(text: str, indent: str, *, is_alone: bool = True) -> Iterator[str]:
    """The comments in the space around a value: one at the end of a line stays there where it `is_alone` on it."""
    has_line_before = not is_alone
    for line in text.splitlines():
        before, sharp, comment = line.partition("#")
        if sharp:
            space = before[len(before.rstrip()) :]
            yield (indent if has_line_before else space) + f"#{comment.rstrip()}"
        has_line_before = bool(sharp) or not line.strip()
