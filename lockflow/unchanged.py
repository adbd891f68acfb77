"""Tells from digests alone that the last lock still stands, so that nothing to do costs next to nothing.

`remember.py` notes what a lock was found right for: the question that was asked, and each file and folder that had a
say. This file asks whether all of that is as it was. It runs before anything else, so it imports next to nothing and
parses nothing; any doubt is a "no", and then the lock is looked at in full.
"""

from __future__ import annotations

import os
import sys
from hashlib import sha256

# The constant of `typing`, without its import: that would cost a fifth of a run with nothing to do.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

HEAD = "lockflow unchanged 1"
END = "end"
STATE = ".lockflow"
RECORD = "unchanged"
SYNCED = "synced-"
ABSENT = "-"

_DECIDING = frozenset(("HOME", "USERPROFILE", "APPDATA", "PROGRAMDATA", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "TZ"))
_DECIDING_PREFIXES = ("UV_", "LOCKFLOW_")
_HARMLESS = frozenset(
    ("UV_LOCKED", "UV_OFFLINE", "UV_NO_CACHE", "UV_CACHE_DIR", "LOCKFLOW_CACHE_DIR", "LOCKFLOW_RUN_DEPTH",
     "UV_NO_PROGRESS")
)  # fmt: skip
_CREDENTIALS = ("_USERNAME", "_PASSWORD")


class Standing:
    """What there is to say about a lock that still stands, and of an environment that holds `kept` packages of it."""

    __slots__ = ("environment", "kept", "lock", "packages", "warnings")

    def __init__(self) -> None:
        self.lock = ""
        self.packages = 0
        self.warnings: list[str] = []
        self.environment = ""
        self.kept = 0


def question(version: str, start: str, arguments: Iterable[str], environment: Mapping[str, str]) -> str:
    """Digest what was asked: where (`start`, absolute), with which arguments and variables, of which lockflow.

    Variables that name a user or password have no say in what a lock is, and are left out.
    """
    parts = [version, f"{sys.version_info[0]}.{sys.version_info[1]}", start, *arguments, ""]
    for name in sorted(environment):
        has_say = name in _DECIDING or (name.startswith(_DECIDING_PREFIXES) and name not in _HARMLESS)
        if has_say and not name.endswith(_CREDENTIALS):
            parts.append(f"{name}={environment[name]}")
    return sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def still_stands(start: str, asked: str, record: str = RECORD) -> Standing | None:
    """Look for what was remembered at `start` (absolute) or above; None unless nothing that has a say has changed."""
    folder = start
    while True:
        try:
            with open(f"{folder}/{STATE}/{record}", encoding="utf-8", newline="\n") as file:
                lines = file.read().split("\n")
        except (FileNotFoundError, NotADirectoryError):
            above = os.path.dirname(folder)
            if above == folder:
                return None
            folder = above
        except (OSError, UnicodeDecodeError):
            return None
        else:
            return _compare(lines, asked)


def _compare(lines: list[str], asked: str) -> Standing | None:
    if lines[0] != HEAD or lines[-2:] != [END, ""]:
        return None
    standing = Standing()
    for line in lines[1:-2]:
        kind, _, rest = line.partition(" ")
        value, _, path = rest.partition(" ")
        if kind in FACTS:
            if FACTS[kind](path) != value:
                return None
            if kind == "lock":
                standing.lock = path
        elif kind == "question":
            if value != asked:
                return None
        elif kind == "packages":
            standing.packages = int(value)
        elif kind == "kept":
            standing.kept = int(value)
        elif kind == "environment":
            standing.environment = rest
        elif kind == "warning":
            standing.warnings.append(rest.replace("\r", "\n"))
        else:
            return None
    return standing if standing.lock else None


def synced_record(asked: str) -> str:
    """The name of the file that notes for which question an environment was found right."""
    return f"{SYNCED}{asked[:20]}"


# What can be noted about a path; None never equals what was noted -----------------------------------------------------


def file_fact(path: str) -> str | None:
    """Digest the bytes of a file; `-` where there is none."""
    try:
        with open(path, "rb") as file:
            return sha256(file.read()).hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except OSError:
        return None


def lock_fact(path: str) -> str | None:
    """Digest the bytes of a lock and which file on this disk it is.

    A record that came with a checkout or an archive would know the bytes, but not the file and when it last changed:
    nobody can send a project along that claims to have been checked here.
    """
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            content = file.read()
    except OSError:
        return None
    return f"{sha256(content).hexdigest()}:{status.st_dev:x}:{status.st_ino:x}:{status.st_ctime_ns:x}"


def python_fact(path: str) -> str | None:
    """Which file on this disk an interpreter is in the end."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return f"{status.st_dev:x}:{status.st_ino:x}:{status.st_size:x}:{status.st_mtime_ns:x}"


def folders_fact(path: str) -> str | None:
    """Digest the names of the folders in a folder; `-` where there is no such folder."""
    return _names_fact(path, lambda entry: entry.is_dir())


def names_fact(path: str) -> str | None:
    """Digest all names in a folder; `-` where there is no such folder."""
    return _names_fact(path, lambda _: True)


def _names_fact(path: str, has_say: Callable[[os.DirEntry[str]], bool]) -> str | None:
    try:
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries if has_say(entry))
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except OSError:
        return None
    return sha256("\0".join(names).encode("utf-8", "surrogateescape")).hexdigest()


FACTS: dict[str, Callable[[str], str | None]] = {
    "lock": lock_fact,
    "file": file_fact,
    "python": python_fact,
    "folders": folders_fact,
    "names": names_fact,
}
