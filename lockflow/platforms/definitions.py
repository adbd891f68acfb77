"""The text of one platform definition (`platforms/*.toml`) to a Platform."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Literal

from lockflow.errors import InputError
from lockflow.platforms.model import Libc, MacOS, Platform

System = Literal["linux", "darwin", "win32"]

_KEYS: Mapping[str, tuple[str, ...]] = {
    "": ("name", "aliases", "environment", "tags", "python", "container"),
    "environment": (
        "os_name",
        "sys_platform",
        "platform_system",
        "platform_machine",
        "platform_release",
        "platform_version",
    ),
    "tags": ("implementation", "glibc", "musl", "macos"),
    "container": ("image", "platform"),
}
_SYSTEMS: Mapping[System, tuple[str, str]] = {
    "linux": ("posix", "Linux"),
    "darwin": ("posix", "Darwin"),
    "win32": ("nt", "Windows"),
}
_MACHINES: Mapping[System, tuple[str, ...]] = {
    "linux": ("x86_64", "aarch64", "i686", "armv7l", "ppc64le", "s390x", "riscv64", "loongarch64"),
    "darwin": ("arm64", "x86_64"),
    "win32": ("AMD64", "ARM64", "x86"),
}
_NAME = re.compile(r"[a-z0-9][a-z0-9._]*(?:/[a-z0-9][a-z0-9._]*)*", re.ASCII)
_TWO_NUMBERS = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})", re.ASCII)
_DARWIN = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){0,2}", re.ASCII)
_MINOR = re.compile(r"[0-9]{1,2}\.[0-9]{1,3}", re.ASCII)


def definition(text: str, where: str) -> Platform:
    """Read one definition; `where` names the file in messages.

    Raises one InputError that names every fault: TOML that is none, keys that are unknown, missing or of the wrong
    type, and values that contradict each other.
    """
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"the platform definition {where} is no TOML", where=where, why=str(error), next="mend its syntax"
        ) from error
    reader = _Reader(table)
    platform = _platform(reader)
    if platform is None or reader.faults:
        raise InputError(
            f"the platform definition {where} cannot be used",
            where=where,
            why="\n".join(dict.fromkeys(reader.faults)),
            next="mend these keys; the definitions that come with lockflow show the form",
        )
    return platform


class _Reader:
    """Takes typed values out of the tables of one definition and collects what is wrong with them."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.faults: list[str] = []
        self._tables = {"": table}
        for key in ("environment", "tags", "container", "python"):
            value = table.get(key, {})
            if isinstance(value, dict):
                self._tables[key] = value
            else:
                self.faults.append(f"{key} is no table")
                self._tables[key] = {}
        for place, known in _KEYS.items():
            self._report_unknown(place, known)

    def text(self, place: str, key: str, *, required: bool = False) -> str | None:
        value = self._tables[place].get(key)
        if value is None and required:
            self.faults.append(f"{_path(place, key)} is missing")
        if value is not None and not isinstance(value, str):
            self.faults.append(f"{_path(place, key)} is no string")
            return None
        return value

    def texts(self, place: str, key: str) -> tuple[str, ...]:
        value = self._tables[place].get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.faults.append(f"{_path(place, key)} is no list of strings")
            return ()
        return tuple(value)

    def numbers(self, place: str, key: str) -> tuple[int, int] | None:
        """Return a version of two numbers, "2.36"."""
        value = self.text(place, key)
        if value is None:
            return None
        match = _TWO_NUMBERS.fullmatch(value)
        if match is None:
            self.faults.append(f'{_path(place, key)} is {value!r}, not two numbers like "2.36"')
            return None
        return int(match[1]), int(match[2])

    def pairs(self, place: str) -> Iterable[tuple[str, Any]]:
        return self._tables[place].items()

    def _report_unknown(self, place: str, known: tuple[str, ...]) -> None:
        for key in self._tables[place]:
            if key not in known:
                meant = get_close_matches(key, known, n=1)
                hint = f" (did you mean {meant[0]}?)" if meant else ""
                self.faults.append(f"{_path(place, key)} is unknown{hint}")


def _path(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _platform(reader: _Reader) -> Platform | None:
    name = reader.text("", "name", required=True)
    aliases = reader.texts("", "aliases")
    for text in (name, *aliases):
        if text is not None and _NAME.fullmatch(text) is None:
            reader.faults.append(f'{text!r} is no name of a platform; use lower case and slashes, as in "linux/arm64"')
    system, machine, environment = _environment(reader)
    implementation = reader.text("tags", "implementation")
    if implementation not in {None, "cpython"}:
        reader.faults.append(f"tags.implementation is {implementation!r}; known is cpython")
    libc = _libc(reader, system)
    macos = _macos(reader, system, machine)
    environment = _with_kernel(reader, environment, macos)
    pythons = _pythons(reader)
    image, engine_platform = _container(reader)
    if name is None or system is None or machine is None:
        return None
    return Platform(
        name=name,
        aliases=aliases,
        system=system,
        machine=machine,
        environment=environment,
        libc=libc,
        macos=macos,
        pythons=pythons,
        image=image,
        engine_platform=engine_platform,
    )


def _environment(reader: _Reader) -> tuple[System | None, str | None, tuple[tuple[str, str], ...]]:
    values = {}
    for key in _KEYS["environment"]:
        is_free = key in {"platform_release", "platform_version"}
        values[key] = reader.text("environment", key, required=not is_free) or ""
    system = next((system for system in _SYSTEMS if system == values["sys_platform"]), None)
    machine = values["platform_machine"] or None
    if system is None:
        if values["sys_platform"]:
            known = ", ".join(_SYSTEMS)
            reader.faults.append(f"environment.sys_platform is {values['sys_platform']!r}; known are {known}")
        return None, machine, ()
    for key, expected in zip(("os_name", "platform_system"), _SYSTEMS[system], strict=True):
        if values[key] and values[key] != expected:
            reader.faults.append(f"environment.{key} is {values[key]!r}, but {expected!r} wherever it is {system}")
    if machine is not None and machine not in _MACHINES[system]:
        known = ", ".join(_MACHINES[system])
        reader.faults.append(f"environment.platform_machine is {machine!r}; known on {system} are {known}")
    return system, machine, tuple(values.items())


def _libc(reader: _Reader, system: System | None) -> Libc | None:
    glibc, musl = reader.numbers("tags", "glibc"), reader.numbers("tags", "musl")
    has_one = reader.text("tags", "glibc") is not None or reader.text("tags", "musl") is not None
    if system == "linux" and not has_one:
        reader.faults.append("tags says neither glibc nor musl, one of which every Linux has")
    if system in {"darwin", "win32"} and has_one:
        reader.faults.append(f"tags has a Linux libc, but sys_platform is {system}")
    if glibc is not None and musl is not None:
        reader.faults.append("tags has both glibc and musl")
    if glibc is not None and (glibc[0] != 2 or glibc[1] < 5):
        reader.faults.append(f"tags.glibc is {glibc[0]}.{glibc[1]}; tags exist from 2.5 on (PEP 600)")
    if musl is not None and musl[0] != 1:
        reader.faults.append(f"tags.musl is {musl[0]}.{musl[1]}; tags exist for musl 1 (PEP 656)")
    if glibc is not None:
        return Libc(name="glibc", major=glibc[0], minor=glibc[1])
    if musl is not None:
        return Libc(name="musl", major=musl[0], minor=musl[1])
    return None


def _macos(reader: _Reader, system: System | None, machine: str | None) -> MacOS | None:
    numbers = reader.numbers("tags", "macos")
    is_given = reader.text("tags", "macos") is not None
    if system == "darwin" and not is_given:
        reader.faults.append("tags.macos is missing, the macOS version that bounds the wheels accepted")
    if system in {"linux", "win32"} and is_given:
        reader.faults.append(f"tags.macos is given, but sys_platform is {system}")
    if numbers is None:
        return None
    oldest = (11, 0) if machine == "arm64" else (10, 4)
    if numbers < oldest:
        reader.faults.append(
            f"tags.macos is {numbers[0]}.{numbers[1]}; on {machine} it is {oldest[0]}.{oldest[1]} at least"
        )
    return MacOS(major=numbers[0], minor=numbers[1])


def _with_kernel(
    reader: _Reader, environment: tuple[tuple[str, str], ...], macos: MacOS | None
) -> tuple[tuple[str, str], ...]:
    """Give macOS its Darwin version where the definition does not say it: uv compares it as a version there."""
    if macos is None:
        return environment
    values = dict(environment)
    release = values.get("platform_release", "")
    if not release:
        # macOS 11 to 15 run Darwin 20 to 24; macOS 26, the next one, runs Darwin 25.
        values["platform_release"] = f"{macos.major + 9 if macos.major < 26 else macos.major - 1}.0.0"
    elif _DARWIN.fullmatch(release) is None:
        reader.faults.append(f'environment.platform_release is {release!r}; on darwin it is a version like "23.0.0"')
    return tuple(values.items())


def _pythons(reader: _Reader) -> tuple[tuple[str, str], ...]:
    pythons = []
    for minor, full in reader.pairs("python"):
        is_version = isinstance(full, str) and re.fullmatch(r"[0-9]{1,2}\.[0-9]{1,3}\.[0-9]{1,3}", full) is not None
        if _MINOR.fullmatch(minor) is None or not is_version or not full.startswith(f"{minor}."):
            reader.faults.append(f'python."{minor}" is {full!r}; it maps a minor to a version of it, "3.11" = "3.11.2"')
        else:
            pythons.append((minor, full))
    return tuple(pythons)


def _container(reader: _Reader) -> tuple[str | None, str | None]:
    image = reader.text("container", "image")
    if image is not None and ("{" in image.replace("{python}", "") or "}" in image.replace("{python}", "")):
        reader.faults.append(f"container.image is {image!r}; the only placeholder is {{python}}")
    platform = reader.text("container", "platform")
    if image is not None and platform is None:
        reader.faults.append('container.platform is missing, as the engine names it ("linux/arm64")')
    return image, platform
