"""A list of requirements and one more, or one fewer: where it goes, what it replaces (PEP 508, 621, 735).

A list that was sorted stays sorted, in the way it was; another gets the new requirement at its end, before groups
that it includes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

from lockflow.inputs.arrays import ArrayText, Entry, array_text, parse_array
from lockflow.inputs.toml_text import quoted
from lockflow.standards.markers.render import render
from lockflow.standards.markers.tree import TRUE, Marker
from lockflow.standards.requirements import InvalidRequirement, Registry, parse_requirement
from lockflow.standards.versions import Version

Bounds = Literal["lower", "major", "minor", "exact"]
_URL = re.compile(r"[^@;]*@\s*(\S+)")
_SPECIFIERS = re.compile(r"[><=~!@]")


class Written(Struct, frozen=True, kw_only=True):
    """A requirement as it is written down; `specifiers` or `url` or neither is set."""

    name: str
    extras: tuple[str, ...] = ()
    specifiers: str = ""
    url: str = ""
    marker: Marker = TRUE

    @property
    def text(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        condition = render(self.marker)
        return (
            f"{self.name}{extras}"
            + (f" @ {self.url}" if self.url else self.specifiers)
            + ("" if condition is None else f" ; {condition}")
        )


class Ambiguous(Exception):
    """Several entries of a list could be meant."""


def parse_written(text: str) -> Written:
    """Read a requirement; raises InvalidRequirement."""
    found = parse_requirement(text)
    if isinstance(found.source, Registry):
        specifiers = str(found.source.specifiers)
        return Written(name=found.name, extras=found.extras, specifiers=specifiers, marker=found.marker)
    match = _URL.match(text)
    assert match is not None
    return Written(name=found.name, extras=found.extras, url=match[1], marker=found.marker)


def with_requirement(array: str, new: Written, *, has_source: bool) -> tuple[str, int, bool]:
    """Add `new` to the text of a list, or renew the entry of its name and marker.

    Returns the text, the entry's number and whether it is a new one. Raises Ambiguous where several entries match.
    """
    found = parse_array(array)
    texts = _texts(found)
    same = [
        (number, old)
        for number, text in enumerate(texts)
        if (old := _parsed(text)) is not None and (old.name, old.marker) == (new.name, new.marker)
    ]
    if len(same) > 1:
        raise Ambiguous(", ".join(old.text for _, old in same))
    if same:
        number, old = same[0]
        found.entries[number].value = quoted(_renewed(old, new, has_source=has_source).text)
        return array_text(found), number, False
    number = _number(texts, new.text)
    _insert(found, number, quoted(new.text))
    return array_text(found), number, True


def with_string(array: str, text: str) -> str:
    """Add a string at the end of a list."""
    found = parse_array(array)
    _insert(found, len(found.entries), quoted(text))
    return array_text(found)


def with_specifiers(array: str, number: int, specifiers: str) -> str:
    """Give one entry of a list other specifiers; the layout stays."""
    found = parse_array(array)
    old = _parsed(_texts(found)[number])
    assert old is not None
    entry = found.entries[number]
    entry.value = quoted(Written(name=old.name, extras=old.extras, specifiers=specifiers, marker=old.marker).text)
    return array_text(found)


def without_requirement(array: str, name: str) -> tuple[str, int]:
    """Remove all entries of a name; returns the text and how many there were."""
    found = parse_array(array)
    numbers = [number for number, text in enumerate(_texts(found)) if (_parsed(text) or _NOBODY).name == name]
    for number in reversed(numbers):
        entry = found.entries.pop(number)
        # A comment at the end of the line above stands before the removed entry.
        if number < len(found.entries):
            found.entries[number].before = entry.before + found.entries[number].before
        else:
            found.rest = entry.before + found.rest
    return (array_text(found) if numbers else array), len(numbers)


def bounds(version: Version, kind: Bounds) -> str:
    """The specifiers for a new requirement on `version`; leading zeros count as in semantic versions of 0.x."""
    version = version.without_local()
    if kind == "exact":
        return f"=={version}"
    if kind == "lower":
        return f">={version}"
    release = version.release
    zeros = next((number for number, part in enumerate(release) if part), len(release))
    if zeros == len(release):
        first = (0, 1) if kind == "major" else (0, 0, 1)
        upper = (*first, *(0 for _ in release[len(first) :]))
    elif kind == "major" or zeros >= 2:
        upper = (*(0 for _ in range(zeros)), release[zeros] + 1, *(0 for _ in release[zeros + 1 :]))
    else:
        minor = release[1] if len(release) > 1 else 0
        if zeros == 1:
            upper = (0, minor, (release[2] if len(release) > 2 else 0) + 1, *(0 for _ in release[3:]))
        else:
            upper = (release[0], minor + 1, *(0 for _ in release[2:]))
    return f">={version},<{'.'.join(map(str, upper))}"


_NOBODY = Written(name="")


def _texts(array: ArrayText) -> list[str | None]:
    """The strings of a list; None for what is none, as a group that is included."""
    values = (tomllib.loads(f"x = {entry.value}")["x"] for entry in array.entries)
    return [value if isinstance(value, str) else None for value in values]


def _parsed(text: str | None) -> Written | None:
    if text is None:
        return None
    try:
        return parse_written(text)
    except InvalidRequirement:
        return None


def _renewed(old: Written, new: Written, *, has_source: bool) -> Written:
    url = "" if has_source else old.url
    specifiers = old.specifiers
    if new.url or new.specifiers:
        url, specifiers = new.url, new.specifiers
    return Written(
        name=old.name,
        extras=tuple(sorted({*old.extras, *new.extras})),
        specifiers=specifiers,
        url=url,
        marker=old.marker if new.marker is TRUE else new.marker,
    )


def _number(texts: Sequence[str | None], new: str) -> int:
    strings = [text for text in texts if text is not None]
    orders: tuple[Callable[[str], object], ...] = (
        lambda text: _name_first(text.lower()),
        _name_first,
        str.lower,
        lambda text: text,
    )
    order = next((order for order in orders if _is_sorted([order(text) for text in strings])), None)
    if order is not None:
        key: Callable[[str], str] = order  # type: ignore[assignment]  # its results are compared with one another only
        later = next((at for at, text in enumerate(texts) if text is not None and key(text) > key(new)), None)
        if later is not None:
            return later
    return max((at + 1 for at, text in enumerate(texts) if text is not None), default=len(texts))


def _name_first(text: str) -> tuple[str, str]:
    match = _SPECIFIERS.search(text)
    at = len(text) if match is None else match.start()
    return text[:at].strip(), text[at:].strip()


def _is_sorted(keys: Sequence[object]) -> bool:
    return list(keys) == sorted(keys)  # type: ignore[type-var]  # of one kind


def _insert(array: ArrayText, number: int, value: str) -> None:
    """Insert a value so that comments at the ends of lines stay on their lines."""
    entries = array.entries
    entry = Entry("", value)
    if number == len(entries):
        entry.before, array.rest = array.rest, ""
        if entries and not array.has_comma:
            # What follows the last value without a comma stays with it.
            entries[-1].after, entry.before = "", entries[-1].after if "#" in entries[-1].after else entry.before
    elif number:
        entry.before, entries[number].before = entries[number].before, ""
    else:
        first, newline, others = entries[0].before.partition("\n")
        if newline:
            indent = others.rpartition("\n")[2]
            entry.before, entries[0].before = f"{first}\n{indent}", f"\n{others}"
        else:
            entry.before = first
    entries.insert(number, entry)
    array.has_comma = array.has_comma or number == len(entries) - 1
