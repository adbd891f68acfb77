from __future__ import annotations

import copy
from random import Random

import pytest

from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.render import render
from lockflow.standards.markers.tree import (
    FALSE,
    TRUE,
    extra_equals,
    implies,
    is_disjoint,
    order_key,
    python_range_marker,
    string_equals,
)
from lockflow.standards.python_range import PythonRange

# As uv.lock orders requirements that differ by their markers only.
ORDERED = [
    "python_version >= '0'",
    "python_version < '0'",
    "implementation_version < '3'",
    "python_version < '3.11'",
    "python_version >= '3.11'",
    "os_name == 'nt'",
    "sys_platform == 'darwin'",
    "sys_platform == 'linux'",
    "sys_platform == 'linux' and extra == 'one'",
    "sys_platform != 'win32'",
    "platform_machine == 'arm64'",
    "sys_platform in 'linux win32'",
    "sys_platform not in 'linux win32'",
    "'linux' in sys_platform",
    "'x' in extras",
    "extra == 'one'",
    "extra != 'one'",
    "extra == 'two'",
]


def test_markers_sort_as_in_a_lock() -> None:
    markers = [parse_marker(text) for text in ORDERED]
    shuffled = markers.copy()
    Random(1).shuffle(shuffled)
    assert [render(marker) for marker in sorted(shuffled, key=order_key)] == [render(marker) for marker in markers]
    assert sorted(shuffled, key=lambda marker: marker.sort_key()) == markers


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("os_name == 'nt'", "sys_platform == 'linux'"),
        ("os_name == 'posix'", "sys_platform == 'win32'"),
        ("platform_system == 'FreeBSD'", "sys_platform == 'linux'"),
        ("platform_system == 'iOS'", "sys_platform == 'darwin'"),
        ("python_version == '3.9'", "python_full_version >= '3.10'"),
    ],
)
def test_impossible_combination_is_disjoint(a: str, b: str) -> None:
    assert is_disjoint(parse_marker(a), parse_marker(b))
    assert parse_marker(f"{a} and {b}") is FALSE
    assert implies(parse_marker(a), ~parse_marker(b))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("os_name == 'nt'", "sys_platform == 'cygwin'"),
        ("platform_system == 'iOS'", "sys_platform == 'ios'"),
        ("platform_system == 'FreeBSD'", "os_name == 'nt'"),
        ("extra == 'a'", "extra == 'b'"),
        ("sys_platform == 'linux'", "'win' in sys_platform"),
    ],
)
def test_combination_that_uv_holds_possible_is_not_disjoint(a: str, b: str) -> None:
    assert not is_disjoint(parse_marker(a), parse_marker(b))


def test_partly_impossible_marker_stays_as_written() -> None:
    marker = parse_marker("(os_name == 'nt' or platform_machine == 'x') and sys_platform == 'linux'")
    assert render(marker) == (
        "(os_name == 'nt' and sys_platform == 'linux') or (platform_machine == 'x' and sys_platform == 'linux')"
    )


def test_constructors_give_the_node_that_the_text_gives() -> None:
    assert string_equals("sys_platform", "linux") is parse_marker("platform_system == 'Linux'")
    assert extra_equals("a-b") is parse_marker("extra == 'A_b'")
    assert python_range_marker(PythonRange()) is TRUE
    python = PythonRange(lower=(3, 9), upper=(3, 12), upper_closed=True)
    assert render(python_range_marker(python)) == "python_full_version >= '3.9' and python_full_version <= '3.12'"
    assert python_range_marker(PythonRange(lower=(3, 9), upper=(3, 9))) is FALSE


def test_copies_of_a_marker_are_the_marker() -> None:
    marker = parse_marker("os_name == 'nt'")
    assert copy.copy(marker) is marker
    assert copy.deepcopy([marker])[0] is marker
    assert TRUE.is_true
    assert FALSE.is_false
    assert not marker.is_true
    assert not marker.is_false
