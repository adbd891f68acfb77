"""Runs inside a container, as a program: says what its interpreter is, and lets uv plan or install a lock there.

It is sent there together with the files of `packaging` that know tags, and runs on whatever Python the image has, so it
uses nothing else, and nothing newer than Python 3.8. The one argument is the JSON of a job (see `probing.py`); the last
line on stdout, after MARK, is that of a `probing.Findings`. It ends with status 0 whatever it finds: any other status
means that the probe itself broke.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from packaging import tags

MARK = "lockflow-probe:"
_REFUSED = re.compile(r"Distribution `([A-Za-z0-9._-]+)==\S+ @ [^`]*`")
_ADDED = re.compile(r"^ \+ ([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
_MOST_REFUSALS = 60
_WORDS = 4000
_PROJECT = "/lockflow/project"
_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR")
_IMPORT = "import importlib, sys; importlib.import_module(sys.argv[1])"


def main(argument: str) -> None:
    """Do the job, print the findings."""
    job = json.loads(argument)
    findings: dict[str, object] = {"interpreter": _interpreter()}
    if job["plan"]:
        findings["plan"] = _until_accepted(job["plan"])
    if job["verify"]:
        done = _run(job["verify"])
        findings["verified"] = {"code": done.returncode, "words": _words(done)}
    if job["install"]:
        findings["install"] = installed = _until_accepted(job["install"])
        if not installed["error"]:
            findings["imports"] = [failure for module in job["modules"] for failure in _import(module)]
    sys.stdout.write(f"\n{MARK}{json.dumps(findings)}\n")


def _interpreter() -> dict[str, object]:
    version = platform.python_version()
    return {
        "version": version,
        "environment": {
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
        },
        "tags": [[tag.interpreter, tag.abi, tag.platform] for tag in tags.sys_tags()],
    }


def _implementation_version() -> str:
    info = sys.implementation.version
    text = f"{info.major}.{info.minor}.{info.micro}"
    return text if info.releaselevel == "final" else f"{text}{info.releaselevel[0]}{info.serial}"


def _until_accepted(argv: list[str]) -> dict[str, object]:
    """Ask uv, and again without the package it refuses, since it names one at a time."""
    refused: list[dict[str, str]] = []
    while True:
        done = _run([*argv, *(f"--no-install-package={entry['package']}" for entry in refused)])
        if done.returncode == 0:
            return {"refused": refused, "packages": _ADDED.findall(done.stderr), "error": "", "code": 0}
        match = _REFUSED.search(done.stderr)
        known = {entry["package"] for entry in refused}
        if match is None or match.group(1) in known or len(refused) >= _MOST_REFUSALS:
            return {"refused": refused, "packages": [], "error": _words(done) or "no words", "code": done.returncode}
        refused.append({"package": match.group(1), "words": _words(done)})


def _run(argv: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "UV_PYTHON": sys.executable}
    return subprocess.run(
        argv,
        cwd=_PROJECT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _words(done: subprocess.CompletedProcess[str]) -> str:
    """What uv says of its failure, without what it says on the way there."""
    lines = done.stderr.splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith(("error:", "  × "))), 0)
    return "\n".join(lines[first:])[:_WORDS].strip()


def _import(module: str) -> list[dict[str, str]]:
    """Import a module in the environment that was installed; a process of its own, since it may crash.

    It is a stranger's: what uv needed to reach the indexes, credentials among it, is not in its environment.
    """
    python = Path(os.environ["UV_PROJECT_ENVIRONMENT"], "bin", "python")
    done = subprocess.run(
        [str(python), "-c", _IMPORT, module],
        env={name: value for name, value in os.environ.items() if name in _KEPT},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return []
    said = done.stderr.strip().splitlines()
    last = said[-1] if said else f"the interpreter ended with status {done.returncode}"
    return [{"module": module, "words": last[:_WORDS]}]


if __name__ == "__main__":
    main(sys.argv[1])
