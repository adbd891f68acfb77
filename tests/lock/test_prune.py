from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockflow.lock.decode import decode
from lockflow.lock.model import Lock
from lockflow.lock.prune import is_reachable_by_platform
from lockflow.standards.filenames import parse_wheel_name
from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.tree import FALSE, TRUE, Marker
from lockflow.standards.python_range import python_range
from lockflow.standards.reach import is_reachable_by_python
from support.golden import GOLDEN

# One package, or packages that the root requires directly, so that an edge's marker is the package's.
CASES = (
    "arm64-windows",
    "environments",
    "environments-python",
    "environments-single",
    "tags-platform",
    "tags-python-marker",
    "tags-rp-310-312",
    "tags-rp-39",
    "tags-rp-eq-311",
    "tags-rp-gt",
    "tags-rp-lt-3125",
    "wheels-all-pruned",
)


def read_lock(case: str) -> Lock:
    return decode((GOLDEN / case / "uv.lock").read_text(encoding="utf-8"), "uv.lock")


def offered_wheels(folder: Path) -> Iterator[tuple[str, str]]:
    table = tomllib.loads((folder / "index.toml").read_text(encoding="utf-8"))
    for release in table["release"]:
        for file in release["file"]:
            if file["filename"].endswith(".whl"):
                yield release["name"], file["filename"]


def markers_of_direct_dependencies(lock: Lock) -> dict[str, Marker]:
    markers: dict[str, Marker] = {}
    for package in lock.packages:
        for dependency in package.dependencies:
            known = markers.get(dependency.name, FALSE)
            markers[dependency.name] = known | dependency.marker.environment
    return markers


@pytest.mark.parametrize("case", CASES)
def test_kept_wheels_are_those_of_the_golden_lock(case: str) -> None:
    lock = read_lock(case)
    markers = markers_of_direct_dependencies(lock)
    expected = {wheel.name for package in lock.packages for wheel in package.wheels}
    locked = {package.name for package in lock.packages}
    kept = set()
    for name, filename in offered_wheels(GOLDEN / case):
        wheel = parse_wheel_name(filename)
        if name not in locked or not is_reachable_by_python(wheel, lock.requires_python.range):
            continue
        if is_reachable_by_platform(wheel, markers[name]):
            kept.add(filename)
    assert kept == expected


def python_ok(tags: str, requires_python: str) -> bool:
    return is_reachable_by_python(parse_wheel_name(f"a-1-{tags}-any.whl"), python_range(requires_python))


def platform_ok(tags: str, marker: str) -> bool:
    return is_reachable_by_platform(parse_wheel_name(f"a-1-py3-none-{tags}.whl"), parse_marker(marker))


@pytest.mark.parametrize(
    ("tags", "requires_python", "expected"),
    [
        ("py312-none", "<3.12", False),
        ("py312-none", "<=3.12", True),
        ("py312-none", "<3.12.1", True),
        ("py38-none", ">=3.12", True),
        ("cp38-none", ">=3.8.4", True),
        ("cp312-cp312", "<4", True),
        ("pyston38-pyston38_pyston_23", ">=3.12", True),
        ("cp312-unheard", ">=3.12", False),
        ("cp312-unheard.none", ">=3.12", True),
        ("pp3-none", ">=3.8", False),
        ("graalpy312-graalpy312_graalpy250_312_native", ">=3.11", True),
        ("py2-none", "", False),
        ("cp27-cp27mu", "", False),
    ],
)
def test_python_and_abi_tags_against_the_bounds(tags: str, requires_python: str, expected: bool) -> None:
    assert python_ok(tags, requires_python) is expected


@pytest.mark.parametrize(
    ("tags", "marker", "expected"),
    [
        ("macosx_11_0_universal2", "platform_machine == 'riscv64'", True),
        ("linux_x86_64.win_amd64", "platform_machine == 'aarch64' and sys_platform == 'linux'", False),
        ("linux_x86_64.win_amd64", "sys_platform == 'darwin'", True),
        ("win_amd64.win_arm64", "platform_machine == 'riscv64' and sys_platform == 'win32'", True),
        ("win_amd64.win_arm64", "sys_platform == 'linux'", False),
        ("win_amd64", "platform_machine == 'ARM64' and sys_platform == 'win32'", True),
        ("win32", "platform_machine == 'ARM64' and sys_platform == 'win32'", False),
        ("win_amd64", "os_name == 'posix'", False),
        ("manylinux_2_17_x86_64.manylinux2014_x86_64", "platform_system == 'Darwin'", False),
        ("manylinux_2_17_x86_64.foo_bar", "sys_platform == 'darwin'", False),
        ("foo_bar", "sys_platform == 'darwin'", True),
        ("ios_13_0_arm64_iphoneos", "platform_machine == 'x86_64'", False),
        ("ios_13_0_arm64_iphoneos", "sys_platform == 'linux'", True),
        ("android_21_x86_64", "platform_machine == 'aarch64' and sys_platform == 'android'", True),
        ("any", "sys_platform == 'nowhere'", True),
    ],
)
def test_platform_tags_against_the_marker(tags: str, marker: str, expected: bool) -> None:
    assert platform_ok(tags, marker) is expected


def test_a_package_that_is_needed_everywhere_keeps_every_platform() -> None:
    wheel = parse_wheel_name("a-1-py3-none-win_arm64.whl")
    assert is_reachable_by_platform(wheel, TRUE)
