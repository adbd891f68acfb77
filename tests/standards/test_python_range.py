from __future__ import annotations

import pytest

from lockflow.standards.python_range import (
    PythonRange,
    parse_requires_python,
    python_range,
    read_release,
    requires_python_text,
)


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        (">=3.9", ">=3.9"),
        (">= 3.9, <4", ">=3.9, <4"),
        ("<3.13, >=3.9", ">=3.9, <3.13"),
        (">=3.9,>=3.10,<4,<3.14", ">=3.10, <3.14"),
        (">=3.9,!=3.10.*,!=3.11.2", ">=3.9, !=3.10.*, !=3.11.2"),
        (">=3.9,<3.12,!=3.10.*", ">=3.9, !=3.10.*, <3.12"),
        ("==3.12.*", "==3.12.*"),
        ("==3.11.7", "==3.11.7"),
        ("===3.11.7", "==3.11.7"),
        ("==3.11.7,==3.11.*", "==3.11.7"),
        ("==3.11.7+x", "==3.11.7"),
        ("==3.11.7.*", ">=3.11.7, <3.11.8"),
        ("==3.*", ">=3, <4"),
        ("~=3.10", ">=3.10, <4"),
        ("~=3.0", ">=3.0, <4"),
        ("~=3.10.2", ">=3.10.2, <3.11"),
        (">3.9", ">3.9"),
        (">3.9,!=3.10.*,<=3.12", ">3.9, !=3.10.*, <=3.12"),
        ("<3.13", "<3.13"),
        ("!=3.10.*", "!=3.10.*"),
        (">=3.9.5,<3.13.0", ">=3.9.5, <3.13.0"),
        (">=3.11.0rc1", ">=3.11.0"),
        (">=3.9.post1", ">=3.9"),
        (">=1!03.9", ">=3.9"),
        (">=v3.9", ">=3.9"),
        ("  >=3.9  ", ">=3.9"),
        ("", ""),
        # Holes at an end move it; those that no specifier can say are forgotten.
        (">=3.9,!=3.9.*", ">=3.10"),
        (">=3.9,!=3.9", ">3.9"),
        ("<=3.12,!=3.12", "<3.12"),
        (">=3.9,!=3.9.2.*", ">=3.9"),
        (">=2,!=3.*", ">=2"),
        (">=3.8,!=3.9.*,!=3.9.5,!=3.10", ">=3.8"),
        (">=3.9,!=3.10.*,!=3.10.2", ">=3.9, !=3.10.*"),
        (">=2.7, !=3.0.*, !=3.1.*, !=3.2.*, <4", ">=2.7, !=3.0.*, !=3.1.*, !=3.2.*, <4"),
        # Of two spellings of one bound.
        (">=3.9.0,>=3.9", ">=3.9"),
        (">=3.9,>=3.9.0", ">=3.9.0"),
        ("<3.13,<3.13.0", "<3.13"),
        ("<3.13.0,<3.13", "<3.13.0"),
        # The rows above were seen from uv; these two follow its rules.
        ("~=3.9.0", "==3.9.*"),
        (">=3,<3.1", "==3.0.*"),
    ],
)
def test_requires_python_is_printed_as_in_a_lock(given: str, printed: str) -> None:
    assert requires_python_text([given]) == printed


def test_members_are_intersected() -> None:
    texts = [">=3.9", ">=3.10", ">=3.9,<3.13"]
    assert requires_python_text(texts) == ">=3.10, <3.13"
    assert parse_requires_python(*texts)[1] == PythonRange(lower=(3, 10), upper=(3, 13))
    assert requires_python_text([]) == ""


def test_contradiction_is_named() -> None:
    with pytest.raises(ValueError, match=r"no Python satisfies all of <3\.9; >=3\.10"):
        requires_python_text(["<3.9", ">=3.10"])
    assert python_range("<3.9,>=3.10").is_empty


@pytest.mark.parametrize(
    "text",
    [
        "foo",
        "3.9",
        "*",
        ">=3.9,",
        ">=3.9,,<4",
        ">=3.9 <4",
        ">=3.9.*",
        "~=3",
        ">=3.9+local",
        ">=",
        "===3.9.*",
        "==3.9rc1.*",
        ">=3.9.18446744073709551615",
        ">=" + "9" * 5000,
        "<3.9;",
        ">=3.9\n>=4",
    ],
)
def test_malformed_specifier_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a version specifier"):
        python_range(text)


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("", PythonRange()),
        (">=3.9.0", PythonRange(lower=(3, 9))),
        (">3.9.1,<=3.12", PythonRange(lower=(3, 9, 1), lower_closed=False, upper=(3, 12), upper_closed=True)),
        (">=3.9,!=3.10.*", PythonRange(lower=(3, 9))),
        ("==3.11.7", PythonRange(lower=(3, 11, 7), upper=(3, 11, 7), upper_closed=True)),
        ("==3.0.*", PythonRange(lower=(3,), upper=(3, 1))),
    ],
)
def test_bounds_enclose_all_specifiers(text: str, bounds: PythonRange) -> None:
    assert python_range(text) == bounds


def test_membership_ignores_trailing_zeros() -> None:
    python = python_range(">3.9,<=3.12")
    assert not python.contains((3, 9, 0))
    assert python.contains((3, 9, 1))
    assert python.contains((3, 12, 0))
    assert not python.contains((3, 12, 0, 1))
    assert PythonRange().contains((0,))


@pytest.mark.parametrize(
    ("a", "b", "both"),
    [
        ("", ">=3.9", ">=3.9"),
        (">=3.9", ">3.9", ">3.9"),
        ("<=3.9", "<3.9", "<3.9"),
        (">=3.9,<3.12", ">=3.8,<3.11", ">=3.9,<3.11"),
        ("<3.12", ">=3.8", ">=3.8,<3.12"),
    ],
)
def test_intersection_is_commutative(a: str, b: str, both: str) -> None:
    assert python_range(a).intersect(python_range(b)) == python_range(both)
    assert python_range(b).intersect(python_range(a)) == python_range(both)


def test_emptiness_looks_at_closed_ends() -> None:
    assert not PythonRange().is_empty
    assert not PythonRange(lower=(3, 9), upper=(3, 9), upper_closed=True).is_empty
    assert PythonRange(lower=(3, 9), upper=(3, 9)).is_empty
    assert PythonRange(lower=(3, 10), upper=(3, 9), upper_closed=True).is_empty


def test_prefixes_and_local_parts_are_told_apart() -> None:
    prefix, local = read_release("v3.9.*"), read_release("3.9+x")
    assert prefix is not None
    assert local is not None
    assert (prefix.release, prefix.star, prefix.local) == ((3, 9), True, False)
    assert (local.release, local.star, local.local) == ((3, 9), False, True)
    assert read_release("3.9.x") is None
