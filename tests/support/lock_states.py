"""The states in which a lock can be found, and what makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from support.run import Run


class Bench(Protocol):
    """A project beside an index that lists apple, which depends on core, and core 1.0 and 2.0."""

    @property
    def lock(self) -> Path: ...

    def write(self, *dependencies: str) -> Path: ...

    def run(self, *arguments: str) -> Run: ...


UNREADABLE = {
    "garbage": "the lock is not valid TOML",
    "cut off": "the lock ends too early",
    "empty": "the file is not a lock",
    "version 2": "the lock has version 2, only version 1 is supported",
    "version 0": "the lock has version 0, only version 1 is supported",
    "dangling": "the lock is malformed",
}
STATES = ("missing", "fresh", "stale", "revision 9", "no revision", "other layout", *UNREADABLE)


def prepare(bench: Bench, state: str) -> None:
    """Put a lock in this state beside a project that depends on apple."""
    if state == "stale":
        bench.write("core<2")
    else:
        bench.write("apple")
    bench.run("lock")
    bench.write("apple")
    text = bench.lock.read_text(encoding="utf-8")
    match state:
        case "missing":
            bench.lock.unlink()
            return
        case "garbage":
            text = "\0\0"
        case "cut off":
            text = text[: text.index('{ name = "core" }') + 3]
        case "empty":
            text = ""
        case "version 2":
            text = text.replace("version = 1", "version = 2", 1)
        case "version 0":
            text = text.replace("version = 1", "version = 0", 1)
        case "dangling":
            text = text.replace('{ name = "core" }', '{ name = "nowhere" }')
        case "revision 9":
            text = text.replace("revision = 5", "revision = 9")
        case "no revision":
            text = text.replace("revision = 5\n", "")
        case "other layout":
            text = "# mine\r\n" + text.replace("\n", "\r\n")
        case _:
            assert state in ("fresh", "stale")
    bench.lock.write_bytes(text.encode())
