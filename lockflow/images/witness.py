"""A program that runs in a finished image, on the Python there, and says what is in it, as one line of JSON.

    python -c PROGRAM [paths of files whose owner is asked for]

It imports nothing but the standard library, of any Python from 3.8 on.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib import metadata

MARK = "lockflow-image:"


def main(paths: list[str]) -> None:
    found, owners = distributions({os.path.realpath(path): path for path in paths})
    asked = ((entry.metadata["Name"] or "", libc_tags(entry.read_text("WHEEL") or "")) for entry in installed())
    answer = {
        "environment": environment(),
        "distributions": found,
        "owners": owners,
        "prefix": sys.prefix,
        "user": [os.getuid(), os.getgid()],
        "libc": platform.libc_ver()[0],
        "libc_version": platform.libc_ver()[1],
        "tags": {name: tags for name, tags in asked if tags},
    }
    sys.stdout.write(f"{MARK}{json.dumps(answer)}\n")


def environment() -> dict[str, str]:
    """The marker environment of this interpreter (PEP 508)."""
    info = sys.implementation.version
    full = f"{info.major}.{info.minor}.{info.micro}"
    if info.releaselevel != "final":
        full += info.releaselevel[0] + str(info.serial)
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": full,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


def distributions(wanted: dict[str, str]) -> tuple[list[list[str]], dict[str, list[object]]]:
    """Every distribution that can be imported from here, and which of the files asked for each of them brought."""
    found = []
    owners: dict[str, list[object]] = {}
    for distribution in installed():
        name = distribution.metadata["Name"] or ""
        found.append([name, distribution.version, os.path.realpath(str(distribution.locate_file("")))])
        for file in (distribution.files or ()) if wanted else ():
            path = os.path.realpath(str(distribution.locate_file(file)))
            if path in wanted:
                owners[wanted[path]] = [name, is_for_any_platform(distribution.read_text("WHEEL") or "")]
    return found, owners


def installed() -> list[metadata.Distribution]:
    return list(metadata.distributions())


def libc_tags(wheel: str) -> list[str]:
    """The platform tags of a wheel that are for some libc; none where one is for any platform."""
    tags = {line.strip().rpartition("-")[2] for line in wheel.splitlines() if line.startswith("Tag:")}
    named = sorted(tag for tag in tags if tag.startswith(("manylinux", "musllinux")))
    return named if len(named) == len(tags) else []


def is_for_any_platform(wheel: str) -> bool:
    tags = [line.partition(":")[2].strip() for line in wheel.splitlines() if line.startswith("Tag:")]
    return bool(tags) and all(tag.endswith("-any") for tag in tags)


if __name__ == "__main__":
    main(sys.argv[1:])
