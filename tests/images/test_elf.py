from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lockflow.images.elf import HEAD_BYTES, machine_of


def header(machine: int, kind: int = 3, order: str = "little") -> bytes:
    byte_order = "little" if order == "little" else "big"
    ident = b"\x7fELF\x02" + (b"\x01" if order == "little" else b"\x02") + b"\x01" + bytes(9)
    return ident + kind.to_bytes(2, byte_order) + machine.to_bytes(2, byte_order)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("head", "machine"),
    [
        (header(0x3E), "x86_64"),
        (header(0xB7, kind=2), "aarch64"),
        (header(0x16, order="big"), "s390x"),
        (header(0xF3), "riscv64"),
        (header(0x1234), "machine 0x1234"),
        (header(0x3E, kind=1), None),
        (header(0x3E, kind=4), None),
        (header(0x3E)[:19], None),
        (b"#!/bin/sh\n" + bytes(20), None),
        (b"", None),
    ],
)
def test_the_machine_of_programs_and_shared_objects_is_read(head: bytes, machine: str | None) -> None:
    assert machine_of(head) == machine


@pytest.mark.skipif(sys.platform != "linux", reason="programs elsewhere have another format")
def test_the_machine_of_the_python_that_runs_here_is_its_own() -> None:
    import platform

    assert machine_of(Path(sys.executable).resolve().read_bytes()[:HEAD_BYTES]) == platform.machine()
