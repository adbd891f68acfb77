"""A finished image, as it was found, and what the lock selects for it, to what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lockflow.images.model import Binary, Expected, Seen
from lockflow.standards.names import normalize_name
from lockflow.standards.tags import glibc_of
from lockflow.standards.versions import InvalidVersion, Version

VENV = "/opt/venv"
_MOST = 8


def verify(expected: Expected, seen: Seen, platform: str, user: str, foreign: Sequence[Binary]) -> tuple[str, ...]:
    """Say what is wrong, a line each; nothing where the image is what the lock says.

    `platform` and `user` are what the engine says of the image, `foreign` programs and shared objects of another
    machine. Those that a wheel for any platform carries are its own affair.
    """
    return (
        *_of_image(expected, seen, platform, user),
        *_of_python(expected, seen),
        *_of_packages(expected.packages, seen),
        *_of_libc(seen),
        *_of_binaries(expected.machine, seen, foreign),
    )


def foreign_binaries(machine: str, binaries: Iterable[Binary]) -> tuple[Binary, ...]:
    """List what runs on another machine than the platform's."""
    return tuple(binary for binary in binaries if binary.machine != machine)


def _of_image(expected: Expected, seen: Seen, platform: str, user: str) -> Iterable[str]:
    if platform.split("/")[:2] != expected.engine_platform.split("/")[:2]:
        yield f"the image is for {platform}, not for {expected.engine_platform}"
    if user.partition(":")[0] in ("", "root", "0") or seen.user[0] == 0:
        yield "it runs as root"


def _of_python(expected: Expected, seen: Seen) -> Iterable[str]:
    version, machine = seen.environment.get("python_version", ""), seen.environment.get("platform_machine", "")
    if version != expected.python:
        yield f"its Python is {seen.environment.get('python_full_version', 'unknown')}, not {expected.python}"
    if machine != expected.machine:
        yield f"its Python runs on {machine}, not on {expected.machine}"
    if seen.prefix != VENV:
        yield f"`python` there is that of {seen.prefix}, not of {VENV}"


def _of_packages(wanted: Iterable[tuple[str, str | None]], seen: Seen) -> Iterable[str]:
    """Compare what the lock selects with what is in the environment; what the base brings lies elsewhere."""
    here = [(normalize_name(name), version) for name, version, place in seen.distributions if _is_inside(place)]
    elsewhere = {normalize_name(name) for name, _, place in seen.distributions if not _is_inside(place)}
    found: dict[str, list[str]] = {}
    for name, installed in here:
        found.setdefault(name, []).append(installed)
    names = dict(wanted)
    for name, version in sorted(names.items()):
        versions = found.get(name, ())
        if not versions:
            yield f"{name} {version or ''}".rstrip() + " is not installed"
        elif len(versions) > 1:
            yield f"{name} is installed {len(versions)} times: {', '.join(sorted(versions))}"
        elif version is not None and not _is_same(version, versions[0]):
            yield f"{name} is installed as {versions[0]}, not as {version}"
    for name in sorted(found.keys() - names.keys()):
        yield f"{name} {found[name][0]} is installed, though the lock does not select it there"
    for name in sorted(elsewhere & (names.keys() - found.keys())):
        yield f"{name} is that of the base image"


def _of_libc(seen: Seen) -> Iterable[str]:
    """Compare what the installed wheels ask for with the libc of the base image (PEP 600)."""
    match = re.match(r"([0-9]{1,4})\.([0-9]{1,4})", seen.libc_version, re.ASCII)
    if seen.libc != "glibc" or match is None:
        return
    here = int(match[1]), int(match[2])
    lines = []
    for name, tags in sorted(seen.tags.items()):
        oldest = min((glibc_of(tag) or (999, 0) for tag in tags), default=(0, 0))
        if oldest > here:
            needs = "musl" if oldest == (999, 0) else f"glibc {oldest[0]}.{oldest[1]}"
            lines.append(f"{normalize_name(name)} needs {needs}, and the base has glibc {here[0]}.{here[1]}")
    yield from _first(lines, "packages need another libc")


def _of_binaries(machine: str, seen: Seen, foreign: Sequence[Binary]) -> Iterable[str]:
    lines = []
    for binary in foreign:
        owner, is_for_any = seen.owners.get(binary.path, ("", False))
        if not is_for_any:
            whose = f", of {normalize_name(owner)}" if owner else ""
            lines.append(f"{binary.path} is for {binary.machine}, not for {machine}{whose}")
    yield from _first(lines, "files are for another machine")


def _first(lines: Sequence[str], others: str) -> Iterable[str]:
    yield from lines[:_MOST]
    if len(lines) > _MOST:
        yield f"and {len(lines) - _MOST} more {others}"


def _is_inside(place: str) -> bool:
    return place == VENV or place.startswith(f"{VENV}/")


def _is_same(one: str, other: str) -> bool:
    try:
        return Version.parse(one) == Version.parse(other)
    except InvalidVersion:
        return one == other
