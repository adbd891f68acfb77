from __future__ import annotations

import pytest

from lockflow.errors import InputError
from lockflow.platforms.pythons import NEWEST_PATCH, minor_of, pythons_to_check
from lockflow.standards.python_range import python_range
from lockflow.standards.requirements import RequiresPython


def requires(text: str) -> RequiresPython:
    return RequiresPython(text=text, range=python_range(text))


def minors(text: str, *chosen: str) -> list[str]:
    return [minor_of(python) for python in pythons_to_check(requires(text), chosen)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (">=3.10,<3.13", ["3.10", "3.11", "3.12"]),
        (">=3.11.4,<3.13", ["3.11", "3.12"]),
        ("==3.11.*", ["3.11"]),
        (">3.10,<3.12", ["3.10", "3.11"]),
        (">=3.9,!=3.10.*,<3.12", ["3.9", "3.11"]),
    ],
)
def test_the_minors_that_the_project_admits_are_checked(text: str, expected: list[str]) -> None:
    assert minors(text) == expected


def test_an_open_end_means_all_that_exist() -> None:
    assert minors("") == list(NEWEST_PATCH)


@pytest.mark.parametrize(
    ("text", "full"),
    [("==3.11.*", f"3.11.{NEWEST_PATCH['3.11']}"), (">=3.11,<=3.11.4", "3.11.4"), ("==3.11.2", "3.11.2")],
)
def test_the_newest_patch_release_admitted_stands_for_a_minor(text: str, full: str) -> None:
    assert pythons_to_check(requires(text)) == (full,)


def test_a_choice_replaces_the_known_ones_and_is_put_in_order() -> None:
    assert pythons_to_check(requires(">=3.9"), ["3.12.1", "3.10", "3.10"]) == (
        f"3.10.{NEWEST_PATCH['3.10']}",
        "3.12.1",
    )


def test_a_choice_may_be_newer_than_what_is_known() -> None:
    assert pythons_to_check(requires(">=3.9"), ["3.99"]) == ("3.99.0",)


def test_all_faults_of_a_choice_are_told() -> None:
    with pytest.raises(InputError) as caught:
        pythons_to_check(requires(">=3.11"), ["3.9", "3.12", "three", "3.10.4"])

    assert caught.value.why.splitlines() == [
        '3.9 is excluded by requires-python = ">=3.11"',
        "'three' is no Python version",
        '3.10.4 is excluded by requires-python = ">=3.11"',
    ]


def test_a_check_of_no_python_is_refused() -> None:
    with pytest.raises(InputError, match="no Python to check"):
        pythons_to_check(requires("<3.7"))
