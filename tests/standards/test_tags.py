from __future__ import annotations

import pytest
from packaging import tags as packaging_tags

from lockflow.standards.filenames import parse_wheel_name
from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.tree import FALSE, TRUE, Marker
from lockflow.standards.tags import implied_marker, linux_platforms

WINDOWS = "sys_platform == 'win32' and platform_machine == 'AMD64'"
LINUX = "sys_platform == 'linux' and platform_machine == 'x86_64'"
CPYTHON = "platform_python_implementation == 'CPython'"

MAC = "sys_platform == 'darwin' and platform_machine == 'x86_64'"


def implied(tags: str) -> Marker:
    return implied_marker(parse_wheel_name(f"pkg-1.0-{tags}.whl"))


# What uv 0.13.8 takes each of them to cover was seen by required environments of its own.
@pytest.mark.parametrize(
    ("tags", "marker"),
    [
        ("py3-none-any", "python_version >= '3' and python_version < '4'"),
        ("py2.py3-none-any", "python_version >= '2' and python_version < '4'"),
        ("py39-none-any", "python_version >= '3.9' and python_version < '4'"),
        ("py310-none-any", "python_version >= '3.10' and python_version < '4'"),
        ("py30-none-any", "python_version >= '3' and python_version < '4'"),
        ("py39-abi3-any", "python_version >= '3.9'"),
        ("py3-abi3-any", "python_version >= '3'"),
        ("cp311-cp311-any", f"python_version == '3.11' and {CPYTHON}"),
        ("cp39-abi3-any", f"python_version >= '3.9' and {CPYTHON}"),
        ("cp39-abi3t-any", f"python_version >= '3.9' and {CPYTHON}"),
        ("cp39-cp39.abi3-any", f"python_version >= '3.9' and {CPYTHON}"),
        ("cp3-none-any", f"python_version >= '3' and python_version < '4' and {CPYTHON}"),
        ("pp39-pypy39_pp73-any", "python_version == '3.9' and platform_python_implementation == 'PyPy'"),
        ("graalpy311-none-any", "python_version == '3.11' and platform_python_implementation == 'GraalPy'"),
        ("cp39.cp310-none-any", f"(python_version == '3.9' or python_version == '3.10') and {CPYTHON}"),
        ("py311.jy39-none-any", "python_version >= '3.11' and python_version < '4'"),
        ("none-none-win32", "sys_platform == 'win32' and platform_machine == 'x86'"),
        ("none-none-win_amd64", WINDOWS),
        ("none-none-win_arm64", "sys_platform == 'win32' and platform_machine == 'ARM64'"),
        *(
            (f"none-none-macosx_{version}_x86_64", f"{MAC} and platform_release >= '{kernel}'")
            for version, kernel in (("10_0", "1.3"), ("10_1", "1.4.1"), ("10_9", "13"), ("10_16", "20"), ("11_0", "20"))
        ),
        *(
            (f"none-none-macosx_{version}_x86_64", f"{MAC} and platform_release >= '{kernel}'")
            for version, kernel in (("15_0", "24"), ("26_0", "25"), ("27_0", "27"))
        ),
        (
            "none-none-macosx_10_9_universal2",
            f"{MAC} and platform_release >= '13' or {MAC.replace('x86_64', 'arm64')} and platform_release >= '20'",
        ),
        ("none-none-linux_armv8l", "sys_platform == 'linux' and platform_machine == 'armv7l'"),
        ("none-none-musllinux_1_2_aarch64", "sys_platform == 'linux' and platform_machine == 'aarch64'"),
        ("none-none-manylinux_2_17_x86_64.manylinux2014_x86_64", LINUX),
        ("none-none-android_21_arm64_v8a", "sys_platform == 'android' and platform_machine == 'aarch64'"),
        (
            "none-none-win_amd64.linux_x86_64",
            f"({WINDOWS}) or ({LINUX})",
        ),
    ],
)
def test_tags_imply_the_marker_that_says_the_same(tags: str, marker: str) -> None:
    assert implied(tags) is parse_marker(marker)


@pytest.mark.parametrize(
    "tags",
    [
        "jy39-none-any",
        "pp3-none-any",
        "py310000-none-any",
        "py3-none-win_ia64",
        "py3-none-ios_13_0_arm64_iphoneos",
        "py3-none-macosx_11_0_fat3",
        "py3-none-macosx_11_arm64",
        "py3-none-macosx_11_3_arm64",
        "py3-none-macosx_10_17_x86_64",
        "py3-none-macosx_16_0_arm64",
        "py3-none-manylinux_2_17_mips",
        "py3-none-manylinux5_x86_64",
        "py3-none-linux",
    ],
)
def test_unknown_tags_imply_nothing(tags: str) -> None:
    assert implied(tags) is FALSE


def test_untagged_wheel_implies_every_environment() -> None:
    assert implied("none-none-any") is TRUE


def test_glibc_platforms_run_down_to_2_5_on_x86_with_their_legacy_names() -> None:
    assert linux_platforms("glibc", 2, 18, "x86_64") == (
        "manylinux_2_18_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
        "manylinux_2_16_x86_64",
        "manylinux_2_15_x86_64",
        "manylinux_2_14_x86_64",
        "manylinux_2_13_x86_64",
        "manylinux_2_12_x86_64",
        "manylinux2010_x86_64",
        "manylinux_2_11_x86_64",
        "manylinux_2_10_x86_64",
        "manylinux_2_9_x86_64",
        "manylinux_2_8_x86_64",
        "manylinux_2_7_x86_64",
        "manylinux_2_6_x86_64",
        "manylinux_2_5_x86_64",
        "manylinux1_x86_64",
        "linux_x86_64",
    )


def test_glibc_platforms_end_with_2_17_elsewhere() -> None:
    assert linux_platforms("glibc", 2, 19, "aarch64") == (
        "manylinux_2_19_aarch64",
        "manylinux_2_18_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
        "linux_aarch64",
    )


def test_musl_platforms_know_no_manylinux() -> None:
    assert linux_platforms("musl", 1, 2, "aarch64") == (
        "musllinux_1_2_aarch64",
        "musllinux_1_1_aarch64",
        "musllinux_1_0_aarch64",
        "linux_aarch64",
    )


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_glibc_platforms_are_those_of_packaging(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from packaging import _manylinux, _musllinux

    monkeypatch.setattr(_manylinux, "_get_glibc_version", lambda: (2, 36))
    monkeypatch.setattr(_manylinux, "_have_compatible_abi", lambda executable, archs: True)
    monkeypatch.setattr(_manylinux, "_is_compatible", lambda arch, version: True)
    monkeypatch.setattr(_musllinux, "_get_musl_version", lambda executable: None)
    monkeypatch.setattr("sysconfig.get_platform", lambda: f"linux-{machine}")

    # packaging puts the bare `linux` tag first, uv last: an index has none of them, so that only the set matters.
    expected = [tag for tag in packaging_tags.platform_tags() if not tag.startswith("linux_")]

    assert [*linux_platforms("glibc", 2, 36, machine)] == [*expected, f"linux_{machine}"]
