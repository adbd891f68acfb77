"""What a Python on this machine says of itself: version, marker values, tags, and the parts of an environment of it.

Markers: PEP 508; tags: PEP 425; parts of an environment: the scheme `venv` of the library `sysconfig`.
"""

from __future__ import annotations

from msgspec import Struct
from packaging.tags import compatible_tags, cpython_tags, generic_tags, mac_platforms

from lockflow.standards.tags import Tag, linux_platforms


class Layout(Struct, frozen=True, kw_only=True):
    """Where a virtual environment has its parts: paths from its root, with `/` between their parts.

    `headers` is for the headers of all packages, each in a folder with its name.
    """

    purelib: str
    platlib: str
    scripts: str
    headers: str


class Answers(Struct, frozen=True, kw_only=True):
    """What the program `environments/questions.py` says of the interpreter that runs it.

    `executable` is the one that an environment is made of, never one of an environment. `abis` run from the most to
    the least specific. `libc` is `glibc 2.36` or `musl 1.2` on Linux, `platform` what sysconfig calls the system.
    """

    executable: str
    version: str
    environment: dict[str, str]
    implementation: str
    abis: tuple[str, ...]
    libc: str
    macos: str
    platform: str
    bits: int
    layout: Layout


class Interpreter(Struct, frozen=True, kw_only=True):
    """A Python that environments are made of; `version` is full (`3.12.1`), `tags` run from best to worst.

    `environment` are all marker values.
    """

    executable: str
    version: str
    environment: dict[str, str]
    tags: tuple[Tag, ...]
    layout: Layout

    @property
    def label(self) -> str:
        """`CPython 3.12.1`."""
        return f"{self.environment['platform_python_implementation']} {self.version}"


def interpreter_of(answers: Answers) -> Interpreter:
    """Work out which tags an interpreter accepts."""
    major, minor = (int(part) for part in answers.environment["python_version"].split("."))
    platforms = _platforms(answers)
    if answers.implementation == "cpython":
        name = f"cp{major}{minor}"
        accepted = [*cpython_tags((major, minor), answers.abis, platforms)]
    else:
        short = {"pypy": "pp"}.get(answers.implementation, answers.implementation)
        name = f"{short}{major}{minor}"
        accepted = [*generic_tags(name, answers.abis, platforms)]
    accepted += compatible_tags((major, minor), name, platforms)
    return Interpreter(
        executable=answers.executable,
        version=answers.version,
        environment=answers.environment,
        tags=tuple([Tag(tag.interpreter, tag.abi, tag.platform) for tag in accepted]),
        layout=answers.layout,
    )


_NARROW = {"x86_64": "i686", "aarch64": "armv7l", "armv8l": "armv7l"}
"""What a Linux of 64 bits is to an interpreter of 32 bits."""


def _platforms(answers: Answers) -> list[str]:
    machine = answers.environment["platform_machine"]
    if answers.environment["sys_platform"] == "linux" and answers.libc:
        machine = _NARROW.get(machine, machine) if answers.bits == 32 else machine
        name, _, version = answers.libc.partition(" ")
        major, minor = (int(part) for part in version.split("."))
        return [*linux_platforms(name, major, minor, machine)]
    if answers.macos:
        major, minor = (int(part) for part in answers.macos.split(".")[:2])
        return [*mac_platforms((major, minor), machine)]
    return [answers.platform.replace("-", "_").replace(".", "_").replace(" ", "_").lower()]
