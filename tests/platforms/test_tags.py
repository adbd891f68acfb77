from __future__ import annotations

import pytest
from msgspec import structs

from lockflow.platforms.read import known_platforms, read_platforms
from lockflow.platforms.tags import TagRanks, ordered_tags
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


@pytest.mark.parametrize("python", ["3.8", "3.11", "3.15"])
def test_ranks_follow_the_order(python: str) -> None:
    for defined in known_platforms():
        ordered = ordered_tags(defined.platform, python)
        stated = structs.replace(defined.platform, tags=ordered[::7])
        for platform in (defined.platform, stated):
            ranks = TagRanks(platform, python)
            assert [ranks.of(tag) for tag in ordered_tags(platform, python)] == [
                *range(len(ordered_tags(platform, python)))
            ]
            assert ranks.of(Tag("cp27", "cp27mu", "any")) is None
            assert ranks.of(Tag("py3", "none", "plan9_x86_64")) is None
