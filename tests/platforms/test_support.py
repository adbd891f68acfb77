from __future__ import annotations

import pytest

from lockflow.index.model import File, Listing, Release
from lockflow.lock.model import Lock
from lockflow.platforms.model import Platform
from lockflow.platforms.read import read_platforms
from lockflow.platforms.support import doubts, stated_pythons, true_range
from lockflow.standards.versions import Version
from support.small_locks import lock, package, project

PYTHONS = ("3.11.18", "3.12.16", "3.13.18")
ONE = Version.parse("1.0")


def platforms(*names: str) -> list[Platform]:
    return [defined.platform for defined in read_platforms(names or ["darwin", "linux/arm64"])]


def said(content: Lock, **stated: str) -> tuple[str, ...]:
    return doubts(content, platforms(), PYTHONS, {(name, ONE): text for name, text in stated.items()})


def test_a_package_that_stops_before_a_python_is_told_with_the_range_that_would_be_true() -> None:
    content = lock(project("a", "b", "c"), package("a"), package("b"), package("c"))

    (text,) = said(content, a=">=3.8,<3.13", b=">=3.9", c="<3.14")

    assert text.startswith(
        'requires-python = ">=3.11" promises more than the locked packages support: a 1.0 (>=3.8,<3.13);'
    )
    assert text.endswith('; true would be requires-python = ">=3.11,<3.13"')


def test_a_package_that_is_needed_only_where_it_is_supported_is_no_doubt() -> None:
    content = lock(project("a ; python_version < '3.13'"), package("a"))

    assert said(content, a="<3.13") == ()


def test_packages_without_a_common_python_are_told_so() -> None:
    content = lock(project("a", "b"), package("a"), package("b"))

    (text,) = said(content, a="<3.12", b=">=3.12")
    assert text.endswith("a 1.0 (<3.12), b 1.0 (>=3.12); no Python is supported by all of them")


def test_what_has_nothing_on_a_platform_is_told_for_that_platform() -> None:
    content = lock(
        project("a", "b", "c", "d ; sys_platform == 'linux'"),
        package("a", wheels=["cp312-cp312-macosx_11_0_arm64"]),
        package("b", wheels=["cp312-cp312-macosx_11_0_arm64"], sdist=True),
        package("c", wheels=[]),
        package("d", wheels=["py3-none-manylinux_2_17_aarch64"]),
    )

    assert said(content) == (
        "nothing can be installed on darwin of c 1.0: see `lockflow check darwin`",
        "nothing can be installed on linux/arm64 of a 1.0, c 1.0: see `lockflow check linux/arm64`",
    )


def test_a_lock_that_keeps_its_promises_raises_no_doubts() -> None:
    assert said(lock(project("a"), package("a")), a=">=3.8") == ()
    assert said(lock(project("a"), package("a")), a="no specifier") == ()


@pytest.mark.parametrize(
    ("stated", "expected"),
    [([">=3.9", "<3.14"], ">=3.11,<3.14"), (["!=3.12.*"], ">=3.11,!=3.12.*"), (["<3.11"], "")],
)
def test_the_true_range_is_what_all_support(stated: list[str], expected: str) -> None:
    assert true_range(">=3.11", stated) == expected


def test_requires_python_is_taken_from_the_page_of_the_locked_version() -> None:
    def release(version: str, *texts: str | None) -> Release:
        files = tuple(
            File(filename=f"a-{version}-{number}-py3-none-any.whl", url="https://files.example/a", requires_python=text)
            for number, text in enumerate(texts)
        )
        return Release(Version.parse(version), 0, files=files)

    listing = Listing(
        name="a", index="https://index.example/simple", releases=(release("0.9", ">=3"), release("1.0", None, "<3.13"))
    )
    content = lock(project("a", "b"), package("a"), package("b"))

    assert stated_pythons(content, {"a": listing}) == {("a", ONE): "<3.13"}
    assert stated_pythons(content, {}) == {}
