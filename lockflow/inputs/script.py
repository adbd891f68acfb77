"""The text of a Python script to the block of metadata in it (PEP 723)."""

from __future__ import annotations

from msgspec import Struct, field

from lockflow.inputs.durations import Clock
from lockflow.inputs.lockflow_options import LockflowOptions, parse_lockflow
from lockflow.inputs.model import Index
from lockflow.inputs.options import (
    PROJECT_KEYS,
    RESOLVER_KEYS,
    ROOT_KEYS,
    Credential,
    Options,
    Place,
    parse_indexes,
    parse_options,
)
from lockflow.inputs.pyproject import RootTables, parse_root_tables, requires_python
from lockflow.inputs.sources import SourceEntry, parse_sources
from lockflow.inputs.tables import Faults, Table, parse_document
from lockflow.standards.requirements import Requirement

_OPENING = "# /// script"
_CLOSING = "# ///"
_FORBIDDEN = PROJECT_KEYS - {"sources"}


class Script(Struct, frozen=True):
    """The metadata of a script; all empty where it has no block."""

    has_block: bool = False
    requires_python: str | None = None
    dependencies: tuple[Requirement, ...] = ()
    sources: dict[str, tuple[SourceEntry, ...]] | None = None
    indexes: tuple[Index, ...] = ()
    root: RootTables = field(default_factory=RootTables)
    options: Options = field(default_factory=Options)
    lockflow: LockflowOptions = field(default_factory=LockflowOptions)
    credentials: tuple[Credential, ...] = ()


def has_block(text: str) -> bool:
    """Whether a text begins a block of metadata somewhere, sound or not."""
    return any(line.rstrip("\r") == _OPENING for line in text.removeprefix("\ufeff").split("\n"))


def parse_script(text: str, file: str, place: Place, clock: Clock, faults: Faults) -> Script:
    """Read the block `# /// script` of a script; faults are noted with the line they are in."""
    block = _block(text, file, faults)
    table = None if block is None else parse_document(block[1], file, faults, first_line=block[0])
    if table is None:
        return Script(has_block=block is not None)
    tool = table.table("tool") or Table(table.document, "tool", {})
    uv = tool.table("uv") or Table(table.document, "tool.uv", {})
    lockflow = tool.table("lockflow")
    table.warn_unknown(("requires-python", "dependencies", "tool"))
    uv.warn_unknown(RESOLVER_KEYS | ROOT_KEYS | PROJECT_KEYS, "and uv refuses the script because of it")
    for key in uv.values:
        if key in _FORBIDDEN:
            uv.fault(key, f"{key} cannot be set for a script", next="remove it; it belongs into a pyproject.toml")
    credentials: list[Credential] = []
    return Script(
        has_block=True,
        requires_python=requires_python(table),
        dependencies=tuple(table.requirements("dependencies") or ()),
        sources=parse_sources(uv.table("sources") or Table(table.document, "tool.uv.sources", {})),
        indexes=parse_indexes(uv, place, clock, []),
        root=parse_root_tables(uv),
        options=parse_options(uv, place, clock, credentials),
        lockflow=LockflowOptions() if lockflow is None else parse_lockflow(lockflow),
        credentials=tuple(credentials),
    )


def _block(text: str, file: str, faults: Faults) -> tuple[int, str] | None:
    """The number of the block's first line of TOML, and its TOML; None where there is no block."""
    found: tuple[int, str] | None = None
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    number = 0
    while number < len(lines):
        if lines[number] != _OPENING:
            number += 1
            continue
        start = number + 1
        end = start
        while end < len(lines) and (lines[end] == "#" or lines[end].startswith("# ")):
            end += 1
        # The block ends at its last closing line: a line `# ///` before it is content.
        closing = next((place for place in range(end - 1, start - 1, -1) if lines[place] == _CLOSING), None)
        if closing is None:
            _fault_unclosed(lines[start:end], file, number + 1, faults)
            return None
        if found is not None:
            faults.add(f"{file} has two blocks of metadata", where=f"{file}, line {number + 1}", next="merge them")
            return None
        found = (start + 1, "".join(f"{line[2:]}\n" for line in lines[start:closing]))
        number = closing + 1
    return found


def _fault_unclosed(lines: list[str], file: str, number: int, faults: Faults) -> None:
    trailing = any(line.startswith(f"{_CLOSING} ") for line in lines)
    faults.add(
        f"the metadata of {file} has no end",
        where=f"{file}, line {number}",
        why="the closing line has more in it than '# ///'" if trailing else "",
        next="end the block by a line '# ///', and begin each line before it with '#'",
    )
