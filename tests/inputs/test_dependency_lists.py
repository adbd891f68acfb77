from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockflow.inputs.arrays import array_text, parse_array
from lockflow.inputs.dependency_lists import (
    Ambiguous,
    Bounds,
    bounds,
    parse_written,
    with_requirement,
    with_specifiers,
    without_requirement,
)
from lockflow.standards.versions import Version

NAMES = ("apple", "core", "fig", "pear", "plum")


def values(array: str) -> list[str]:
    found: list[str] = tomllib.loads(f"x = {array}")["x"]
    return found


def comments(array: str) -> list[str]:
    return [line.partition("#")[2].strip() for line in array.splitlines() if "#" in line]


def plus(array: str, requirement: str) -> str:
    return with_requirement(array, parse_written(requirement), has_source=False)[0]


SPACE = st.sampled_from(["", " ", "\n", "\n    ", "\n\n  ", " # a\n", "\n  # b\n  ", '  # c, "d" ]\n\n # e\n'])
VALUE = st.sampled_from(
    [
        *(f'"{name}>=1"' for name in NAMES),
        "'core ; sys_platform == \"linux\"'",
        '{ include-group = "x" }',
        '"""plum"""',
        '"a\\"b"',
    ]
)


@st.composite
def arrays(draw: st.DrawFn) -> str:
    parts: list[tuple[str, str, str]] = draw(st.lists(st.tuples(SPACE, VALUE, SPACE), max_size=5))
    end: str = draw(st.sampled_from(["", ","])) if parts else ""
    rest: str = draw(SPACE)
    return f"[{','.join(map(''.join, parts))}{end}{rest}]"


# Laws ----------------------------------------------------------------------------------------------------------------


@given(arrays())
def test_printing_keeps_values_and_comments_and_settles(array: str) -> None:
    printed = array_text(parse_array(array))
    assert values(printed) == values(array)
    assert sorted(comments(printed)) == sorted(comments(array))
    assert array_text(parse_array(printed)) == printed


@given(arrays(), st.sampled_from(["grape", "aaa[x]>2", "zebra ; python_version < '3.13'"]))
def test_adding_and_removing_gives_back_the_list(array: str, requirement: str) -> None:
    longer = plus(array, requirement)
    assert sorted(map(str, values(longer))) == sorted([*map(str, values(array)), parse_written(requirement).text])
    assert sorted(comments(longer)) == sorted(comments(array))
    shorter, count = without_requirement(longer, parse_written(requirement).name)
    assert count == 1
    assert values(shorter) == values(array)
    assert sorted(comments(shorter)) == sorted(comments(array))


@given(st.sets(st.sampled_from(NAMES)), st.sampled_from(NAMES))
def test_a_sorted_list_stays_sorted(names: set[str], name: str) -> None:
    array = str(sorted(names)).replace("'", '"')
    assert values(plus(array, name)) == sorted({*names, name})


# Cases ---------------------------------------------------------------------------------------------------------------


def test_an_entry_of_the_same_name_and_marker_is_renewed() -> None:
    assert values(plus('["Apple[b]>=1"]', "apple[a]>=2")) == ["apple[a,b]>=2"]
    assert values(plus('["apple>=1"]', "apple")) == ["apple>=1"]
    other = plus('["apple>=1"]', "apple<1 ; python_version < '3.13'")
    assert values(other) == ["apple<1 ; python_full_version < '3.13'", "apple>=1"]


def test_two_entries_that_could_be_meant_are_ambiguous() -> None:
    with pytest.raises(Ambiguous, match="apple>=1, apple<3"):
        plus('["apple>=1", "apple<3"]', "apple")


def test_a_source_takes_the_url_out_of_an_entry() -> None:
    array, number, is_new = with_requirement(
        '["apple @ https://files.example/a.zip"]', parse_written("apple"), has_source=True
    )
    assert (values(array), number, is_new) == (["apple"], 0, False)


def test_specifiers_of_one_entry_are_set() -> None:
    assert values(with_specifiers('["core", "apple[x] ; os_name == \'nt\'"]', 1, ">=2")) == [
        "core", "apple[x]>=2 ; os_name == 'nt'",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("version", "kind", "expected"),
    [
        ("2.3.1", "lower", ">=2.3.1"),
        ("2.3.1", "major", ">=2.3.1,<3.0.0"),
        ("2.3.1", "minor", ">=2.3.1,<2.4.0"),
        ("2.3.1+cpu", "exact", "==2.3.1"),
        ("0.4.5", "major", ">=0.4.5,<0.5.0"),
        ("0.4.5", "minor", ">=0.4.5,<0.4.6"),
        ("0.0.1", "major", ">=0.0.1,<0.0.2"),
        ("0.0.1", "minor", ">=0.0.1,<0.0.2"),
        ("0", "major", ">=0,<0.1"),
        ("0.0", "minor", ">=0.0,<0.0.1"),
        ("5", "minor", ">=5,<5.1"),
        ("2024.1", "major", ">=2024.1,<2025.0"),
    ],
)
def test_bounds(version: str, kind: Bounds, expected: str) -> None:
    assert bounds(Version.parse(version), kind) == expected
