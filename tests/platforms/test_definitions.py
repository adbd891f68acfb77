from __future__ import annotations

import pytest

from lockflow.errors import InputError
from lockflow.platforms.definitions import definition
from lockflow.platforms.model import Libc, MacOS

LINUX = """
name = "linux/arm64"
aliases = ["linux/aarch64"]

[environment]
os_name = "posix"
sys_platform = "linux"
platform_system = "Linux"
platform_machine = "aarch64"

[tags]
implementation = "cpython"
glibc = "2.28"

[python]
"3.11" = "3.11.2"

[container]
image = "python:{python}-slim"
platform = "linux/arm64"
"""
MACOS = """
name = "mac"
environment = { os_name = "posix", sys_platform = "darwin", platform_system = "Darwin", platform_machine = "arm64" }
tags.macos = "13.0"
"""


def faults(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        definition(text, "platforms/x.toml")
    assert caught.value.where == "platforms/x.toml"
    assert caught.value.next
    return caught.value.why.splitlines()


def test_a_definition_says_all_there_is_to_a_platform() -> None:
    platform = definition(LINUX, "x")

    assert (platform.name, platform.aliases) == ("linux/arm64", ("linux/aarch64",))
    assert (platform.system, platform.machine) == ("linux", "aarch64")
    assert dict(platform.environment) == {
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "aarch64",
        "platform_release": "",
        "platform_version": "",
    }
    assert platform.libc == Libc(name="glibc", major=2, minor=28)
    assert platform.pythons == (("3.11", "3.11.2"),)
    assert (platform.image, platform.engine_platform) == ("python:{python}-slim", "linux/arm64")


def test_macos_has_a_version_and_need_not_have_a_container() -> None:
    platform = definition(MACOS, "x")

    assert platform.macos == MacOS(major=13, minor=0)
    assert (platform.libc, platform.image, platform.engine_platform) == (None, None, None)


@pytest.mark.parametrize(("macos", "release"), [("13.0", "22.0.0"), ("15.4", "24.0.0"), ("26.0", "25.0.0")])
def test_macos_has_the_kernel_that_comes_with_it(macos: str, release: str) -> None:
    platform = definition(MACOS.replace("13.0", macos), "x")

    assert dict(platform.environment)["platform_release"] == release


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('name = "linux/arm64"', "", "name is missing"),
        ('name = "linux/arm64"', "name = 1", "name is no string"),
        ('name = "linux/arm64"', 'name = "Linux arm"', "is no name of a platform"),
        ('["linux/aarch64"]', '"linux/aarch64"', "aliases is no list of strings"),
        ('["linux/aarch64"]', '["../../etc"]', "is no name of a platform"),
        ("aliases", "alias", "alias is unknown (did you mean aliases?)"),
        ("glibc =", "glib =", "tags.glib is unknown (did you mean glibc?)"),
        ("glibc =", "glib =", "tags says neither glibc nor musl"),
        ('glibc = "2.28"', 'glibc = "2.28"\nmusl = "1.2"', "tags has both glibc and musl"),
        ('glibc = "2.28"', 'glibc = "2"', "tags.glibc is '2', not two numbers like \"2.36\""),
        ('glibc = "2.28"', "glibc = 2.28", "tags.glibc is no string"),
        ('glibc = "2.28"', 'glibc = "3.1"', "tags exist from 2.5 on"),
        ('glibc = "2.28"', 'musl = "2.0"', "tags exist for musl 1"),
        ('glibc = "2.28"', 'glibc = "2.28"\nmacos = "14.0"', "tags.macos is given, but sys_platform is linux"),
        ('"cpython"', '"pypy"', "known is cpython"),
        ('os_name = "posix"', 'os_name = "nt"', "environment.os_name is 'nt', but 'posix' wherever it is linux"),
        ('os_name = "posix"', "", "environment.os_name is missing"),
        ('sys_platform = "linux"', 'sys_platform = "linux2"', "known are linux, darwin, win32"),
        ('platform_machine = "aarch64"', 'platform_machine = "arm64"', "known on linux are x86_64, aarch64"),
        ('platform_machine = "aarch64"', 'python_version = "3.11"', "environment.python_version is unknown"),
        ('"3.11.2"', '"3.12.2"', "it maps a minor to a version of it"),
        ('"3.11.2"', "3.11", "it maps a minor to a version of it"),
        ("{python}", "{version}", "the only placeholder is {python}"),
        ('platform = "linux/arm64"', "", "container.platform is missing"),
        ("[container]", "[[container]]", "container is no table"),
    ],
)
def test_a_fault_is_named(old: str, new: str, fault: str) -> None:
    assert old in LINUX

    assert any(fault in line for line in faults(LINUX.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('tags.macos = "13.0"', "", "tags.macos is missing"),
        ("os_name", 'platform_release = "sonoma", os_name', "on darwin it is a version like"),
        ('"13.0"', '"10.15"', "on arm64 it is 11.0 at least"),
        ('tags.macos = "13.0"', 'tags.glibc = "2.28"', "tags has a Linux libc, but sys_platform is darwin"),
    ],
)
def test_a_fault_of_macos_is_named(old: str, new: str, fault: str) -> None:
    assert any(fault in line for line in faults(MACOS.replace(old, new)))


def test_all_faults_of_a_file_come_together_and_once() -> None:
    found = faults(LINUX.replace('"posix"', '"nt"').replace("glibc", "glib").replace('"2.28"', "2"))

    assert len(found) == len(set(found)) == 3


def test_broken_toml_is_one_clear_error() -> None:
    assert "line" in faults("name = 1 2")[0]


def test_deep_nesting_is_one_clear_error() -> None:
    with pytest.raises(InputError, match="no TOML"):
        definition("a = " + "[" * 100_000, "x")
