"""The first bytes of a file to the machine that it runs on (the ELF header: Tool Interface Standard 1.2, page 1-3)."""

from __future__ import annotations

HEAD_BYTES = 20

_MACHINES = {
    0x03: "i686",
    0x14: "ppc",
    0x15: "ppc64le",
    0x16: "s390x",
    0x28: "armv7l",
    0x3E: "x86_64",
    0xB7: "aarch64",
    0xF3: "riscv64",
    0x102: "loongarch64",
}
_RUNS = (2, 3)
"""Programs and shared objects; objects that are still to be linked, and dumps, run nowhere."""


def machine_of(head: bytes) -> str | None:
    """The machine that a program or shared object is for, as `platform.machine()` says it; None for any other file."""
    if len(head) < HEAD_BYTES or head[:4] != b"\x7fELF":
        return None
    kind, number = head[16:18], head[18:20]
    if head[5] != 1:
        kind, number = kind[::-1], number[::-1]
    if int.from_bytes(kind, "little") not in _RUNS:
        return None
    machine = int.from_bytes(number, "little")
    return _MACHINES.get(machine, f"machine {machine:#x}")
