from __future__ import annotations

import pytest

from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.render import render
from lockflow.standards.markers.tree import FALSE, TRUE, Marker, extra_equals
from lockflow.standards.markers.universal import (
    UNIVERSAL_FALSE,
    UNIVERSAL_TRUE,
    UniversalMarker,
    conflict_world,
    decode_conflict,
    encode_conflict,
)

X1, X2, X3 = "extra-4-root-x1", "extra-4-root-x2", "extra-4-root-x3"
G1, G2 = "group-4-root-g1", "group-4-root-g2"
x1, x2, x3, g1, g2 = (extra_equals(name) for name in (X1, X2, X3, G1, G2))


@pytest.mark.parametrize(
    ("item", "encoded"),
    [
        (("my-root-pkg", "extra", "x-1-a"), "extra-11-my-root-pkg-x-1-a"),
        (("root", "group", "dev"), "group-4-root-dev"),
        (("root-lib", "project", None), "project-8-root-lib"),
    ],
)
def test_item_is_encoded_with_the_length_of_its_package(item: tuple[str, str, str | None], encoded: str) -> None:
    package, kind, name = item
    assert kind in {"extra", "group", "project"}
    assert encode_conflict(package, kind, name) == encoded  # type: ignore[arg-type]
    assert decode_conflict(encoded) == item


@pytest.mark.parametrize(
    "text",
    [
        "test",
        "extra",
        "extra-",
        "extra-x-root-y",
        "extra-9-root-x1",
        "extra-4-root",
        "extra-4-root-",
        "other-4-root-x",
        "project-4-rooty",
        "extra-4-rootx1",
        "extra-99999999999999-a",
        "extra--a",
        "extra-²-ab-c",
    ],
)
def test_ordinary_extra_is_no_item(text: str) -> None:
    assert decode_conflict(text) is None


@pytest.mark.parametrize(
    ("sets", "exact", "printed"),
    [
        ([[X1, X2]], x1 & ~x2, f"extra == '{X1}'"),
        ([[X1, X2]], ~x1, f"extra != '{X1}' or extra == '{X2}'"),
        ([[X1, X2, X3]], x1, f"extra == '{X1}' or (extra == '{X2}' and extra == '{X3}')"),
        ([[X1, X2, X3]], ~x1, f"extra != '{X1}' or extra == '{X2}' or extra == '{X3}'"),
        (
            [[X1, X2], [G1, G2]],
            x2 | g2 | (~x1 & ~g1),
            f"extra == '{X2}' or extra == '{G2}' or (extra != '{X1}' and extra != '{G1}')",
        ),
        ([[X1, X2]], x1 & x2, f"extra == '{X1}' and extra == '{X2}'"),
        ([], x1, f"extra == '{X1}'"),
    ],
)
def test_edge_is_printed_as_implied_by_the_declared_conflicts(
    sets: list[list[str]], exact: Marker, printed: str
) -> None:
    assert render(UniversalMarker.from_marker(exact).imbibe(conflict_world(sets)).full) == printed


def test_conflicts_allow_at_most_one_item_of_a_set() -> None:
    assert conflict_world([[X1, X2]]) is ~(x1 & x2)
    assert conflict_world([]) is TRUE
    assert conflict_world([[X1]]) is TRUE


def test_items_print_after_the_platform() -> None:
    fork = parse_marker("python_version >= '3.10'") & ~x1 & x2
    assert render(fork) == f"python_full_version >= '3.10' and extra != '{X1}' and extra == '{X2}'"


def test_both_parts_take_part_in_operations() -> None:
    linux = UniversalMarker.from_marker(parse_marker("sys_platform == 'linux'") & x1)
    darwin = UniversalMarker.from_marker(parse_marker("sys_platform == 'darwin'") & x2)
    assert linux.environment is parse_marker("sys_platform == 'linux'")
    assert (linux | darwin).environment is parse_marker("sys_platform == 'linux' or sys_platform == 'darwin'")
    assert (linux | darwin).full is linux.full | darwin.full
    assert (linux & darwin) == UNIVERSAL_FALSE
    assert (linux & darwin).is_false
    assert linux & UNIVERSAL_TRUE == linux
    assert hash(linux & UNIVERSAL_TRUE) == hash(linux)
    assert linux != darwin
    assert linux != x1
    assert UNIVERSAL_TRUE.is_true
    assert not linux.is_true
    assert not linux.is_false
    assert repr(linux) == f"<Universal sys_platform == 'linux' and extra == '{X1}'>"
    assert UNIVERSAL_FALSE.full is FALSE


def test_declared_environments_leave_a_third_fork_for_the_rest() -> None:
    rest = TRUE & ~parse_marker("sys_platform == 'linux'") & ~parse_marker("sys_platform == 'darwin'")
    assert render(rest) == "sys_platform != 'darwin' and sys_platform != 'linux'"
