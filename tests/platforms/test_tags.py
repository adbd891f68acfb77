from __future__ import annotations

import pytest

from lockflow.platforms.read import read_platforms
from lockflow.platforms.tags import ordered_tags, tag_ranks
from lockflow.standards.tags import Tag


def tags(name: str, python: str = "3.11") -> list[str]:
    (defined,) = read_platforms([name])
    return [str(tag) for tag in ordered_tags(defined.platform, python)]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("linux/amd64", "cp311-cp311-manylinux_2_36_x86_64"),
        ("linux/arm64", "cp311-cp311-manylinux_2_36_aarch64"),
        ("linux/arm64/musl", "cp311-cp311-musllinux_1_2_aarch64"),
        ("darwin", "cp311-cp311-macosx_14_0_arm64"),
        ("darwin/amd64", "cp311-cp311-macosx_13_0_x86_64"),
        ("windows/amd64", "cp311-cp311-win_amd64"),
    ],
)
def test_tags_run_from_the_most_specific_to_pure_python(name: str, first: str) -> None:
    accepted = tags(name)

    assert accepted[0] == first
    assert accepted[-1] == "py30-none-any"
    assert len(accepted) == len(set(accepted))


def test_windows_tags_in_full() -> None:
    assert tags("windows/amd64", "3.3") == [
        "cp33-cp33-win_amd64",
        "cp33-abi3-win_amd64",
        "cp33-none-win_amd64",
        "cp32-abi3-win_amd64",
        "py33-none-win_amd64",
        "py3-none-win_amd64",
        "py32-none-win_amd64",
        "py31-none-win_amd64",
        "py30-none-win_amd64",
        "cp33-none-any",
        "py33-none-any",
        "py3-none-any",
        "py32-none-any",
        "py31-none-any",
        "py30-none-any",
    ]


def test_a_full_version_has_the_tags_of_its_minor() -> None:
    assert tags("darwin", "3.12.16") == tags("darwin", "3.12")


def test_ranks_follow_the_order() -> None:
    (defined,) = read_platforms(["linux/amd64"])
    ranks = tag_ranks(defined.platform, "3.11")

    assert ranks[Tag("cp311", "cp311", "manylinux_2_36_x86_64")] == 0
    assert ranks[Tag("py3", "none", "any")] > ranks[Tag("cp311", "abi3", "linux_x86_64")]
