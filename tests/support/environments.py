"""What is in a virtual environment, as data that two installers can be compared by.

What may differ is listed here, and is all that may: who made the environment and how it is activated, the name of the
installer, notes that an installer keeps for itself, and by which words a launcher calls its function.
"""

from __future__ import annotations

import csv
import json
import os
import re
import stat
from pathlib import Path

OWN = frozenset((".gitignore", ".lock", "CACHEDIR.TAG", "pyvenv.cfg"))
"""Who made the environment, at its top."""
ACTIVATION = re.compile(
    r"(?:[aA]ctivate(?:\.(?:bat|csh|fish|nu|ps1|xsh))?|activate_this\.py|(?:deactivate|pydoc)\.bat|Activate\.ps1)"
)
NOTES = frozenset(("INSTALLER", "uv_build.json", "uv_cache.json", "lockflow_sources.json"))
_IMPORT = re.compile(rb"^from (\S+) import (\S+)$", re.MULTILINE)
_CALL = re.compile(rb"^\s+sys\.exit\((\S+)\(\)\)$", re.MULTILINE)

Seen = dict[str, tuple[str, ...]]


def contents(root: Path) -> Seen:
    """Every file and link below `root`: kind, mode and content, by its path."""
    found: Seen = {}
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in (*names, *(folder for folder in folders if Path(place, folder).is_symlink())):
            path = Path(place, name)
            shown = path.relative_to(root).as_posix()
            if shown in OWN or name in NOTES or (path.parent.name in ("bin", "Scripts") and ACTIVATION.fullmatch(name)):
                continue
            found[shown] = _seen(path, root)
    return found


def _seen(path: Path, root: Path) -> tuple[str, ...]:
    if path.is_symlink():
        target = path.resolve()
        return ("link", str(target.relative_to(root)) if target.is_relative_to(root) else str(target))
    mode = oct(stat.S_IMODE(path.stat().st_mode))
    content = path.read_bytes()
    if path.name == "RECORD" and path.parent.name.endswith(".dist-info"):
        return ("record", mode, *_rows(content.decode(), path.parent.parent))
    if path.name == "direct_url.json":
        return ("origin", mode, json.dumps(json.loads(content), sort_keys=True))
    launched = _launched(content)
    if launched is not None:
        return ("launcher", mode, content.split(b"\n", 1)[0].decode(), launched)
    return ("file", mode, content.hex() if len(content) < 4096 else f"{len(content)} {hash(content)}")


def _rows(record: str, library: Path) -> list[str]:
    rows = []
    for path, digest, size in csv.reader(record.splitlines()):
        if path.rpartition("/")[2] in NOTES:
            continue
        place = library / path
        is_launcher = place.is_file() and _launched(place.read_bytes()) is not None
        rows.append(f"{path},,launcher" if is_launcher else f"{path},{digest},{size}")
    return rows


def _launched(content: bytes) -> str | None:
    """What a launcher calls; None for what is none."""
    if not content.startswith(b"#!") or len(content) > 4096:
        return None
    imported, called = _IMPORT.search(content), _CALL.search(content)
    if imported is None or called is None or b"sys.argv[0]" not in content:
        return None
    return f"{imported[1].decode()}:{called[1].decode()}"


def differences(one: Seen, other: Seen) -> list[str]:
    """Paths that are in one alone or differ, with how; empty for environments that are the same."""
    lines = []
    for path in sorted(one.keys() | other.keys()):
        if one.get(path) != other.get(path):
            first, second = one.get(path, ("absent",)), other.get(path, ("absent",))
            parts = [f"{a} != {b}" for a, b in zip(first, second, strict=False) if a != b]
            longer = len(first) - len(second)
            more = [f"{longer:+} parts"] if longer and not parts else []
            lines.append(f"{path}: {'; '.join([*parts, *more])[:400]}")
    return lines
