"""Runs on any Python, as a program: says in JSON what that interpreter is, as `standards.interpreter.Answers` has it.

It runs on whatever Python there is, so it uses nothing but the standard library, and nothing newer than Python 3.7.
"""

from __future__ import annotations

import json
import os
import platform
import re
import struct
import subprocess
import sys
import sysconfig
from pathlib import Path

_ROOT = "/lockflow-root" if os.name == "posix" else "C:\\lockflow-root"


def answers() -> dict[str, object]:
    """All of it, as plain data."""
    return {
        "executable": _base_executable(),
        "version": platform.python_version(),
        "environment": marker_values(),
        "implementation": sys.implementation.name,
        "abis": _abis(),
        "libc": _libc() if sys.platform == "linux" else "",
        "macos": _macos() if sys.platform == "darwin" else "",
        "platform": sysconfig.get_platform(),
        "bits": struct.calcsize("P") * 8,
        "layout": _layout(),
    }


def marker_values() -> dict[str, str]:
    """What markers say of this interpreter and the system below it (PEP 508)."""
    version = platform.python_version()
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": _implementation_version(),
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": version,
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    }


def _base_executable() -> str:
    """The interpreter below a virtual environment, else this one."""
    found = getattr(sys, "_base_executable", None) or sys.executable
    if sys.prefix == sys.base_prefix:
        return str(found)
    names = [f"python{sys.version_info[0]}.{sys.version_info[1]}", f"python{sys.version_info[0]}", "python"]
    for name in names:
        path = Path(sys.base_prefix, "bin", name)
        if path.is_file():
            return str(path)
    return str(found)


def _implementation_version() -> str:
    info = sys.implementation.version
    text = f"{info.major}.{info.minor}.{info.micro}"
    return text if info.releaselevel == "final" else f"{text}{info.releaselevel[0]}{info.serial}"


def _abis() -> list[str]:
    if sys.implementation.name == "cpython":
        name = f"cp{sys.version_info[0]}{sys.version_info[1]}"
        threading = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
        malloc = "m" if sys.version_info < (3, 8) else ""
        if hasattr(sys, "gettotalrefcount"):
            return [f"{name}{threading}d{malloc}", f"{name}{threading}"]
        return [f"{name}{threading}{malloc}"]
    # `.pypy310-pp73-x86_64-linux-gnu.so` is the ABI pypy310_pp73.
    parts = str(sysconfig.get_config_var("EXT_SUFFIX") or "").split(".")
    return ["_".join(parts[1].split("-")[:2])] if len(parts) > 2 else []


def _libc() -> str:
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, OSError, ValueError):
        name = version = ""
    if name == "glibc" and re.match(r"\d+\.\d+", version):
        return "glibc " + ".".join(version.split(".")[:2])
    for loader in sorted(Path("/lib").glob("ld-musl-*.so.1")):
        said = subprocess.run([str(loader)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False).stderr
        match = re.search(r"Version (\d+)\.(\d+)", said.decode("utf-8", "replace"))
        if match:
            return f"musl {match.group(1)}.{match.group(2)}"
    return ""


def _macos() -> str:
    version = platform.mac_ver()[0]
    if version.startswith("10.16"):
        # Said to programs that are thought to know no macOS after 10.
        command = [sys.executable, "-sS", "-c", "import platform; print(platform.mac_ver()[0])"]
        environment = dict(os.environ, SYSTEM_VERSION_COMPAT="0")
        done = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=False)
        version = done.stdout.decode().strip() or version
    parts = version.split(".")
    return ".".join([*parts, "0"][:2])


def _layout() -> dict[str, str]:
    scheme = "venv" if "venv" in sysconfig.get_scheme_names() else "nt" if os.name == "nt" else "posix_prefix"
    variables = {"base": _ROOT, "platbase": _ROOT, "installed_base": _ROOT, "installed_platbase": _ROOT}
    paths = sysconfig.get_paths(scheme, vars=variables)

    def inside(name: str) -> str:
        return os.path.relpath(paths[name], _ROOT).replace(os.sep, "/")

    minor = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return {
        "purelib": inside("purelib"),
        "platlib": inside("platlib"),
        "scripts": inside("scripts"),
        "headers": f"include/site/{minor}",
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(answers()))
