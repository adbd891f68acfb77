from __future__ import annotations

import pytest

from lockflow.lock.model import Lock
from lockflow.platforms.floors import floor_of
from lockflow.platforms.model import Floor, Platform
from lockflow.platforms.read import read_platforms
from lockflow.platforms.selection import graph_of
from support.small_locks import lock, package, project


def platform(name: str) -> Platform:
    (defined,) = read_platforms([name])
    return defined.platform


def one(*tags: str, sdist: bool = False) -> Lock:
    return lock(project("a"), package("a", wheels=tags, sdist=sdist))


def floor(content: Lock, name: str = "linux/amd64", *pythons: str, previous: Lock | None = None) -> Floor | None:
    before = None if previous is None else graph_of(previous)
    return floor_of(graph_of(content), platform(name), pythons or ("3.12.16",), before)


@pytest.mark.parametrize(
    ("name", "tags", "expected"),
    [
        ("linux/amd64", ["cp312-cp312-manylinux_2_28_x86_64", "cp312-cp312-manylinux_2_17_x86_64"], "2.17"),
        ("linux/amd64", ["cp312-cp312-manylinux2014_x86_64.manylinux_2_28_x86_64"], "2.17"),
        ("linux/amd64", ["cp312-cp312-manylinux1_x86_64"], "2.5"),
        ("linux/amd64", ["cp312-cp312-manylinux_2_28_x86_64", "cp311-cp311-manylinux_2_17_x86_64"], "2.28"),
        ("linux/amd64", ["cp312-cp312-manylinux_2_28_x86_64", "cp312-cp312-manylinux_2_17_aarch64"], "2.28"),
        ("linux/amd64", ["cp312-cp312-manylinux_2_28_x86_64", "cp312-cp312-musllinux_1_1_x86_64"], "2.28"),
        ("linux/amd64", ["cp312-cp312-manylinux_2_39_x86_64"], "2.39"),
        ("linux/amd64/musl", ["cp312-abi3-musllinux_1_2_x86_64"], "1.2"),
        ("darwin", ["cp312-cp312-macosx_10_9_universal2", "cp312-cp312-macosx_11_0_x86_64"], "10.9"),
        ("darwin", ["cp312-cp312-macosx_13_0_arm64"], "13.0"),
        ("darwin/amd64", ["cp312-cp312-macosx_10_13_intel"], "10.13"),
    ],
)
def test_the_least_demanding_wheel_of_a_package_counts(name: str, tags: list[str], expected: str) -> None:
    found = floor(one(*tags), name)

    assert found is not None
    assert found.version == expected
    assert found.packages == ("a",)


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("linux/amd64", ["cp312-cp312-manylinux_2_28_x86_64", "py3-none-any"]),
        ("linux/amd64", ["cp312-cp312-linux_x86_64"]),
        ("linux/amd64", ["cp312-cp312-manylinux_2_28_aarch64"]),
        ("linux/amd64", ["cp312-cp312-manylinux9_x86_64"]),
        ("windows/amd64", ["cp312-cp312-win_amd64"]),
    ],
)
def test_wheels_that_ask_for_no_system_in_particular_give_no_floor(name: str, tags: list[str]) -> None:
    assert floor(one(*tags), name) is None


def test_the_most_demanding_package_and_python_decide() -> None:
    content = lock(
        project("a", "b", "c"),
        package("a", wheels=["cp311-cp311-manylinux_2_31_x86_64", "cp312-cp312-manylinux_2_17_x86_64"]),
        package("b", wheels=["py3-none-manylinux_2_17_x86_64"]),
        package("c", wheels=["py3-none-any"]),
    )

    assert floor(content, "linux/amd64", "3.11.18", "3.12.16") == Floor(
        kind="glibc", machine="x86_64", version="2.31", limit="2.36", packages=("a",)
    )
    both = floor(content, "linux/amd64", "3.12.16")
    assert both is not None
    assert (both.version, both.packages) == ("2.17", ("a", "b"))


def test_a_package_that_does_not_apply_there_has_no_say() -> None:
    content = lock(project("a ; sys_platform == 'win32'"), package("a", wheels=["cp312-cp312-manylinux_2_28_x86_64"]))

    assert floor(content) is None


def test_a_floor_is_compared_with_the_lock_before() -> None:
    old, new = one("cp312-cp312-manylinux_2_17_x86_64"), one("cp312-cp312-manylinux_2_34_x86_64")

    risen, same, without = floor(new, previous=old), floor(new, previous=new), floor(new)

    assert risen is not None and same is not None and without is not None  # noqa: PT018
    assert (risen.previous, risen.has_risen) == ("2.17", True)
    assert (same.previous, same.has_risen) == ("2.34", False)
    assert (without.previous, without.has_risen) == ("", False)


def test_versions_are_compared_as_numbers() -> None:
    found = floor(one("cp312-cp312-manylinux_2_100_x86_64"), previous=one("cp312-cp312-manylinux_2_28_x86_64"))

    assert found is not None
    assert found.has_risen
    assert found.is_above_limit
