"""The table of contents of a wheel to where each of its files goes (binary distribution format, PEP 427, 491).

Wheels are written by strangers. Whatever would land outside of its scheme, or in the place of another file or of the
environment's own, is no wheel here.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from configparser import Error as ConfigError

from msgspec import Struct

from lockflow.standards.filenames import InvalidFilename, parse_wheel_name
from lockflow.standards.names import normalize_name
from lockflow.standards.versions import InvalidVersion, Version

SCHEMES = ("purelib", "platlib", "headers", "scripts", "data")
LARGEST_BYTES = 64 << 30
MOST_FILES = 500_000
OVERWRITTEN = frozenset(("INSTALLER", "REQUESTED", "direct_url.json"))
"""Files of a `.dist-info` that an installer writes, whatever a wheel has under these names."""
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")
_LINK, _FILE_KINDS = 0o120000, 0o170000
_WHEEL_VERSION = re.compile(r"^Wheel-Version:\s*([0-9]+)\.[0-9]+\s*$", re.MULTILINE | re.ASCII)
_PURE = re.compile(r"^Root-Is-Purelib:\s*true\s*$", re.MULTILINE | re.IGNORECASE | re.ASCII)
_OWN = re.compile(
    r"(?:pythonw?[0-9.]*(?:\.exe)?|(?:de)?activate(?:\.(?:bat|csh|fish|nu|ps1|xsh))?|activate_this\.py)",
    re.IGNORECASE | re.ASCII,
)
"""Names that the environment itself has among its scripts."""


class UnusableWheel(ValueError):
    """A file is no wheel that may be installed; the message says why."""


class Member(Struct, frozen=True, kw_only=True):
    """One entry of the archive: sizes in bytes, `mode` as Unix has it, 0 where the archive does not say."""

    path: str
    size: int
    packed_size: int = 0
    offset: int = 0
    mode: int = 0
    is_encrypted: bool = False


class Item(Struct, frozen=True, array_like=True):
    """One file: its `path` in the wheel, and its `place` below the folder of its scheme.

    `digest` is as RECORD has it (`sha256=…`), `mtime_ns` the time of the unpacked file.
    """

    path: str
    scheme: str
    place: str
    size: int
    is_executable: bool
    digest: str = ""
    mtime_ns: int = 0


class Script(Struct, frozen=True, array_like=True):
    """A command that calls a function: `attribute` of `module`."""

    name: str
    module: str
    attribute: str
    is_gui: bool = False


class Contents(Struct, frozen=True, kw_only=True):
    """A wheel taken apart.

    `info` is its `.dist-info`; `root` the scheme of what lies in no `.data` folder.

    Some wheels have all of their files executable, RECORD not excepted, and it stays so.
    """

    name: str
    version: str
    info: str
    root: str
    items: tuple[Item, ...]
    scripts: tuple[Script, ...] = ()
    is_record_executable: bool = False


def info_folder(members: Iterable[Member], filename: str) -> str:
    """The one `.dist-info` of a wheel, whose name and version are those of the file's name."""
    folders = sorted({member.path.partition("/")[0] for member in members if ".dist-info/" in member.path})
    folders = [folder for folder in folders if folder.endswith(".dist-info")]
    if len(folders) != 1:
        raise UnusableWheel(f"it has {len(folders)} .dist-info folders, a wheel has one")
    name, _, version = folders[0].removesuffix(".dist-info").partition("-")
    try:
        named = parse_wheel_name(filename)
        if normalize_name(name) != named.name or Version.parse(version) != named.version:
            raise UnusableWheel(f"it holds {name} {version}, its file name says otherwise")
    except (InvalidFilename, InvalidVersion) as error:
        raise UnusableWheel(str(error)) from error
    return folders[0]


def check_archive(members: Iterable[Member]) -> None:
    """Refuse archives that hide, repeat or inflate: encrypted or overlapping entries, links, too much of anything."""
    seen: set[str] = set()
    total, end = 0, 0
    for member in sorted(members, key=lambda member: member.offset):
        if member.path in seen:
            raise UnusableWheel(f"{member.path} is in it twice")
        seen.add(member.path)
        if member.is_encrypted:
            raise UnusableWheel(f"{member.path} is encrypted")
        if member.mode & _FILE_KINDS == _LINK:
            raise UnusableWheel(f"{member.path} is a link")
        if member.offset < end:
            raise UnusableWheel(f"{member.path} overlaps with what stands before it")
        end = member.offset + member.packed_size
        total += member.size
        if total > LARGEST_BYTES or len(seen) > MOST_FILES:
            raise UnusableWheel("it unpacks to more than any wheel has")


def root_scheme(wheel: str) -> str:
    """Where the files of a wheel go by what its WHEEL says: `purelib` or `platlib`."""
    found = _WHEEL_VERSION.search(wheel)
    if found is None:
        raise UnusableWheel("its WHEEL states no version of the format")
    if found[1] != "1":
        raise UnusableWheel(f"it is of version {found[1]} of the format, only version 1 is known")
    return "purelib" if _PURE.search(wheel) else "platlib"


def placed(members: Iterable[Member], info: str, root: str) -> tuple[Item, ...]:
    """Where each file goes, in the archive's order."""
    data = f"{info.removesuffix('.dist-info')}.data"
    items: list[Item] = []
    taken: dict[tuple[str, str], str] = {}
    for member in members:
        parts = _parts(member.path)
        if member.path.endswith("/"):
            continue
        scheme = root
        if parts[0] == data or (parts[0].endswith(".data") and _is_same_folder(parts[0], data)):
            if len(parts) < 3 or parts[1] not in SCHEMES:
                raise UnusableWheel(f"{member.path} is in no scheme (known are {', '.join(SCHEMES)})")
            scheme, parts = parts[1], parts[2:]
        place = "/".join(parts)
        if (scheme, place) in (("data", "pyvenv.cfg"), ("data", ".lock")):
            raise UnusableWheel(f"{member.path} would replace a file of the environment itself")
        if scheme == "scripts" or (scheme == "data" and parts[0].lower() in ("bin", "scripts")):
            _check_command(parts[-1], member.path)
        # Where pure and compiled code share a folder, which they nearly always do, the two schemes are one.
        key = ("lib" if scheme in ("purelib", "platlib") else scheme, place)
        if key in taken:
            raise UnusableWheel(f"{taken[key]} and {member.path} go to the same place")
        taken[key] = member.path
        is_executable = scheme == "scripts" or bool(member.mode & 0o111)
        items.append(Item(member.path, scheme, place, member.size, is_executable))
    return tuple(items)


def _is_same_folder(one: str, other: str) -> bool:
    """Whether two `.data` folders are of one package: some tools write its name in another spelling."""
    (name, _, version), (other_name, _, other_version) = (
        text.removesuffix(".data").partition("-") for text in (one, other)
    )
    return normalize_name(name) == normalize_name(other_name) and version == other_version


def _parts(path: str) -> list[str]:
    if "\\" in path or "\0" in path or path.startswith("/") or not path:
        raise UnusableWheel(f"{path!r} is no path of a wheel")
    parts = path.removesuffix("/").split("/")
    if any(part in ("", ".", "..") or part.endswith(":") or part[1:2] == ":" for part in parts):
        raise UnusableWheel(f"{path!r} does not stay in its folder")
    return parts


def _check_command(name: str, where: str) -> None:
    if _OWN.fullmatch(name):
        raise UnusableWheel(f"{where} would replace {name} of the environment itself")


# RECORD and entry points ----------------------------------------------------------------------------------------------


def recorded(record: str, info: str) -> dict[str, str]:
    """The digests that RECORD states, by path; empty ones are left out. Raises UnusableWheel for what is no RECORD."""
    found: dict[str, str] = {}
    try:
        for row in csv.reader(record.splitlines(), strict=True):
            if not row:
                continue
            if len(row) != 3:
                raise UnusableWheel(f"its RECORD has {len(row)} fields in a row in place of 3")
            path = row[0].replace("\\", "/").removeprefix("./")
            _parts(path)
            if row[1] and path not in (f"{info}/RECORD", *(f"{info}/{name}" for name in _SIGNATURES)):
                found[path] = row[1]
    except csv.Error as error:
        raise UnusableWheel(f"its RECORD cannot be read: {error}") from error
    return found


def commands(entry_points: str) -> tuple[Script, ...]:
    """The commands that entry_points.txt declares, in its order."""
    from installer.utils import parse_entrypoints  # noqa: PLC0415  it loads the whole of `email`

    try:
        found = tuple(
            Script(name, module, attribute, section == "gui")
            for name, module, attribute, section in parse_entrypoints(entry_points)
        )
    except (ConfigError, AssertionError, ValueError, KeyError) as error:
        raise UnusableWheel(f"its entry_points.txt cannot be read: {error}") from error
    for script in found:
        if not script.name.strip() or any(character in "/\\\0\n\r:" for character in script.name):
            raise UnusableWheel(f"its command {script.name!r} has no name that a file can have")
        if script.name in (".", ".."):
            raise UnusableWheel(f"its command {script.name!r} leads elsewhere")
        _check_command(script.name, "entry_points.txt")
    return found


def record_lines(rows: Mapping[str, tuple[str, int | None]]) -> Iterator[str]:
    """The lines of a RECORD, sorted by path: digest and size of each file, none for RECORD itself."""
    for path in sorted(rows):
        digest, size = rows[path]
        shown = f'"{path.replace(chr(34), chr(34) * 2)}"' if any(mark in path for mark in ',"\n\r') else path
        yield f"{shown},{digest},{'' if size is None else size}\n"
