"""Real uv, asked what it would install from the golden locks: the same packages, each from a wheel where we see one."""

from __future__ import annotations

import platform as machine
import re
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from lockflow.lock.decode import decode
from lockflow.platforms.coverage import Policy, cover
from lockflow.platforms.model import MacOS, Platform, Status
from lockflow.platforms.read import read_platforms
from lockflow.platforms.selection import graph_of
from support.golden import case_names, load_case
from support.reference import run_uv, uv_path

pytestmark = [pytest.mark.uv, pytest.mark.skipif(uv_path() is None, reason="uv is not installed beside this Python")]

TARGETS = {
    "linux/amd64": "x86_64-manylinux_2_36",
    "linux/arm64/musl": "aarch64-unknown-linux-musl",
    "darwin": "aarch64-apple-darwin",
    "windows/amd64": "x86_64-pc-windows-msvc",
}
EVERYTHING = [
    "sync",
    "--frozen",
    "--dry-run",
    "--offline",
    "--no-build",
    "--all-extras",
    "--all-groups",
    "--all-packages",
]
WITHOUT_SCRIPTS = [name for name in case_names() if load_case(name).lock == "uv.lock"]


def as_uv_sees(platform: Platform) -> Platform:
    """For a foreign platform uv takes macOS to be 13.0, and knows no kernel."""
    if platform.macos is None:
        return platform
    environment = tuple((key, "0" if key == "platform_release" else value) for key, value in platform.environment)
    return replace(platform, macos=MacOS(major=13, minor=0), environment=environment)


@pytest.mark.parametrize("name", WITHOUT_SCRIPTS)
def test_reference_installs_what_applies(name: str, tmp_path: Path) -> None:
    case = load_case(name)
    lock = decode(case.expected, "uv.lock")
    if lock.conflicts or any(package.group_requires_python for package in lock.packages):
        # uv installs no two conflicting items, and no group that excludes this Python.
        pytest.skip("no single command installs all extras and groups")
    folder = case.copy_project(tmp_path / "project")
    (folder / case.lock).write_text(case.expected, encoding="utf-8")
    graph = graph_of(lock)
    python = machine.python_version()
    for defined in read_platforms(TARGETS):
        coverage = cover(graph, as_uv_sees(defined.platform), python, Policy())
        built = [finding.package for finding in coverage.findings if finding.status is not Status.WHEEL]
        target = ["--python", sys.executable, "--python-platform", TARGETS[defined.platform.name]]
        done = run_uv(
            [*EVERYTHING, *target, *(f"--no-install-package={one}" for one in built)], folder, tmp_path / "cache"
        )
        assert (done.returncode == 0) is (coverage.refusal == ""), done.stderr
        installed = set(re.findall(r"^ \+ ([^=\s]+)", done.stderr, re.MULTILINE))
        assert installed == {finding.package for finding in coverage.findings} - set(built), done.stderr
