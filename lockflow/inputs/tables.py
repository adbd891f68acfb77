"""TOML text to tables that are read by type, every fault of an input kept until all are known (TOML 1.0).

A fault names file, line where it can be told, table and key. `Faults.raise_if_any` makes one InputError of them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from lockflow.errors import InputError
from lockflow.standards.names import is_valid_name, normalize_name
from lockflow.standards.requirements import InvalidRequirement, Requirement, parse_requirement

_POSITION = re.compile(r" ?\(at (?:line (\d+), column (\d+)|end of document)\)$")
_TYPE_NAMES = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    list: "an array",
    dict: "a table",
}


class Fault(Struct, frozen=True):
    what: str
    where: str
    why: str = ""
    next: str = ""


class Faults(Struct):
    """What is wrong with an input, and what is merely worth a warning."""

    faults: list[Fault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, what: str, *, where: str, why: str = "", next: str = "") -> None:
        fault = Fault(what, where, why, next)
        if fault not in self.faults:
            self.faults.append(fault)

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def raise_if_any(self) -> None:
        """Raise one InputError that holds all faults, in the order in which they were found."""
        if not self.faults:
            return
        if len(self.faults) == 1:
            (fault,) = self.faults
            raise InputError(fault.what, where=fault.where, why=fault.why, next=fault.next)
        lines: list[str] = []
        for number, fault in enumerate(self.faults, 1):
            lines.append(f"{number}. {fault.what} ({fault.where})")
            lines.extend(f"   {line}" for line in fault.why.splitlines())
        raise InputError(
            f"the project cannot be read: {len(self.faults)} faults",
            where="\n".join(dict.fromkeys(fault.where.partition(", ")[0] for fault in self.faults)),
            why="\n".join(lines),
            next="\n".join(dict.fromkeys(fault.next for fault in self.faults if fault.next)),
        )


class Document(Struct, frozen=True):
    """One file (or the block in a script): its name in messages, its text, its root table's values."""

    file: str
    text: str
    faults: Faults
    first_line: int = 1

    def where(self, place: str, needle: str = "") -> str:
        """File, line (where `needle` stands in exactly one) and place within the file."""
        line = ""
        if needle and self.text.count(needle) == 1:
            line = f", line {self.text[: self.text.index(needle)].count(chr(10)) + self.first_line}"
        return f"{self.file}{line}, {place}" if place else f"{self.file}{line}"


def parse_document(text: str, file: str, faults: Faults, *, first_line: int = 1) -> Table | None:
    """The root table of a TOML text; None after noting a fault where it is not TOML."""
    text = text.removeprefix("\ufeff")
    document = Document(file, text, faults, first_line)
    try:
        return Table(document, "", tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        faults.add(
            f"{file} is not valid TOML", where=_position(str(error), document), why=_caret(str(error), document),
            next="correct the marked place",
        )  # fmt: skip
    except (ValueError, RecursionError) as error:
        why = "tables or arrays are nested too deeply" if isinstance(error, RecursionError) else str(error)
        faults.add(f"{file} is not valid TOML", where=file, why=why, next="correct the file")
    return None


def _place(message: str, text: str) -> tuple[int, int]:
    match = _POSITION.search(message)
    if match is not None and match[1] is not None:
        return int(match[1]), int(match[2])
    body = text.rstrip("\n")
    return body.count("\n") + 1, len(body) - body.rfind("\n")


def _position(message: str, document: Document) -> str:
    line, column = _place(message, document.text)
    return f"{document.file}, line {line + document.first_line - 1}, column {column}"


def _caret(message: str, document: Document) -> str:
    line, column = _place(message, document.text)
    lines = document.text.splitlines() or [""]
    shown = lines[min(line, len(lines)) - 1]
    start = max(0, column - 60)
    reason = _POSITION.sub("", message)
    marked = "".join("\t" if character == "\t" else " " for character in shown[start : column - 1])
    return f"{reason}\n{shown[start : start + 100]}\n{marked}^"


class Table(Struct, frozen=True):
    """A TOML table whose readers return None, after noting a fault, where a value has the wrong type."""

    document: Document
    name: str
    values: Mapping[str, Any]

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def place(self, key: str = "") -> str:
        if not key:
            return f"[{self.name}]"
        return f"[{self.name}] {key}" if self.name else key

    def fault(self, key: str, what: str, *, needle: str = "", why: str = "", next: str = "") -> None:
        where = self.document.where(self.place(key), needle)
        self.document.faults.add(what, where=where, why=why, next=next)

    def warn(self, key: str, text: str) -> None:
        needle = f"{key} " if f"\n{key} " in self.document.text else ""
        self.document.faults.warn(f"{self.document.where(self.place(key), needle)}: {text}")

    def _typed(self, key: str, kind: type) -> Any:  # noqa: ANN401  the caller names the type
        value = self.values.get(key)
        if value is None or type(value) is kind:
            return value
        self.fault(key, f"{key} must be {_TYPE_NAMES[kind]}", why=f"it is {_type_name(value)}: {_shown(value)}")
        return None

    def text(self, key: str) -> str | None:
        value: str | None = self._typed(key, str)
        return value

    def flag(self, key: str) -> bool | None:
        value: bool | None = self._typed(key, bool)
        return value

    def table(self, key: str) -> Table | None:
        value = self._typed(key, dict)
        return None if value is None else Table(self.document, f"{self.name}.{key}" if self.name else key, value)

    def array(self, key: str) -> list[Any] | None:
        value: list[Any] | None = self._typed(key, list)
        return value

    def tables(self, key: str) -> list[Table]:
        """The tables of an array, faulty entries left out; each is named `key[index]`."""
        found = []
        for index, value in enumerate(self.array(key) or ()):
            if isinstance(value, dict):
                found.append(
                    Table(self.document, f"{self.name}.{key}[{index}]" if self.name else f"{key}[{index}]", value)
                )
            else:
                self.fault(f"{key}[{index}]", f"an entry of {key} must be a table", why=f"it is {_type_name(value)}")
        return found

    def texts(self, key: str) -> tuple[str, ...] | None:
        """An array of strings."""
        values = self.array(key)
        if values is None:
            return None
        return tuple(value for index, value in enumerate(values) if self.is_text(f"{key}[{index}]", value))

    def is_text(self, key: str, value: object) -> bool:
        if isinstance(value, str):
            return True
        self.fault(key, f"{key} must be a string", why=f"it is {_type_name(value)}: {_shown(value)}")
        return False

    def choice(self, key: str, choices: Iterable[str]) -> str | None:
        value = self.text(key)
        choices = tuple(choices)
        if value is None or value in choices:
            return value
        self.fault(key, f"{key} cannot be {value!r}", needle=value, next=f"use one of {', '.join(choices)}")
        return None

    def names(self, key: str) -> tuple[str, ...] | None:
        """An array of project names, normalised."""
        values = self.texts(key)
        if values is None:
            return None
        return tuple(
            normalize_name(value) for index, value in enumerate(values) if self.is_name(f"{key}[{index}]", value)
        )

    def is_name(self, key: str, value: str) -> bool:
        if is_valid_name(value):
            return True
        self.fault(
            key, f"{value!r} is not a valid name", needle=value,
            why="a name starts and ends with a letter or digit and has only letters, digits, '-', '_' and '.'",
        )  # fmt: skip
        return False

    def requirements(self, key: str) -> list[Requirement] | None:
        """An array of requirements (PEP 508)."""
        values = self.texts(key)
        if values is None:
            return None
        found = [self.requirement(f"{key}[{index}]", value) for index, value in enumerate(values)]
        return [requirement for requirement in found if requirement is not None]

    def requirement(self, key: str, text: str) -> Requirement | None:
        try:
            return parse_requirement(text)
        except InvalidRequirement as error:
            self.fault(
                key, f"the requirement {_shown(text)} is invalid", needle=text, why=str(error),
                next="write it like 'name[extra]>=1.0 ; marker'",
            )  # fmt: skip
            return None

    def warn_unknown(self, known: Iterable[str], consequence: str = "it has no effect") -> None:
        """Warn about each key that is not in `known`, with the key that was probably meant."""
        known = frozenset(known)
        for key in self.values:
            if key not in known:
                meant = nearest(key, known)
                hint = f"; did you mean {meant}?" if meant else ""
                self.warn(key, f"unknown key {key!r}, {consequence}{hint}")


def _type_name(value: object) -> str:
    return _TYPE_NAMES.get(type(value), "a date or time")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is at most a third of its letters away, the first in alphabetical order of the nearest."""
    best, best_distance = None, max(1, len(word) // 3) + 1
    for candidate in sorted(known):
        if abs(len(candidate) - len(word)) < best_distance:
            distance = _distance(word.replace("_", "-"), candidate)
            if distance < best_distance:
                best, best_distance = candidate, distance
    return best


def _distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]
