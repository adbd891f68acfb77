"""Whose something in an engine is: the labels that say it, and whether anybody is left who would remove it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

RUN = "io.lockflow.run"
OWNER = "io.lockflow.owner"
UNTIL = "io.lockflow.until"

_EXTRA_SECONDS = 600
"""How long after its time limit something of another machine's run counts as left behind."""


def labels(run: str, seconds: float) -> dict[str, str]:
    """The labels of what this process makes in `run` and means to remove within `seconds`."""
    pid = os.getpid()
    until = int(time.time() + seconds + _EXTRA_SECONDS)
    return {RUN: run, OWNER: f"{machine()} {pid} {_began(pid)}", UNTIL: str(until)}


def is_orphan(found: Mapping[str, str]) -> bool:
    """Whether nobody is left who would remove what has these labels.

    Its process here is gone; or, where it is another machine's, its time is long over.
    """
    try:
        where, pid, began = found.get(OWNER, "").split(" ")
        if where != machine():
            return time.time() > int(found.get(UNTIL, "0"))
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, ValueError):
        return False
    return _began(int(pid)) != began


def _began(pid: int) -> str:
    """When a process began, where the system tells: it may have another's number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "0"


def owned_tag(run: str, seconds: float) -> str:
    """A tag that says the same of an image, whose own labels are to stay as they are for whoever gets it."""
    return "-".join([machine(), str(os.getpid()), _began(os.getpid()), str(int(time.time() + seconds)), run])


def is_orphan_tag(tag: str) -> bool:
    """As `is_orphan`, for a tag of `owned_tag`; one that says something else is nobody's."""
    parts = tag.split("-")
    if len(parts) != 5 or not (parts[1].isdecimal() and parts[3].isdecimal()):
        return True
    where, pid, began, until, _ = parts
    if where != machine():
        return time.time() > int(until) + _EXTRA_SECONDS
    return _began(int(pid)) != began


def machine() -> str:
    """A name for where numbers of processes mean what they mean here: a machine since it was started, or a container.

    Two containers may have one host name, and use one engine.
    """
    parts = [socket.gethostname()]
    for read in (_boot, _namespace):
        with contextlib.suppress(OSError):
            parts.append(read())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _namespace() -> str:
    return str(Path("/proc/self/ns/pid").readlink())


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
