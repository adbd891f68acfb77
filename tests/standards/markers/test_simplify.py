from __future__ import annotations

import pytest

from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.render import render
from lockflow.standards.markers.simplify import (
    complexify_python,
    for_extra,
    only_extras,
    only_keys,
    production,
    python_interval,
    restrict,
    simplify_python,
    without_extras,
)
from lockflow.standards.markers.tree import FALSE, TRUE
from lockflow.standards.python_range import PythonRange, python_range


@pytest.mark.parametrize(
    ("text", "python", "printed"),
    [
        ("python_version >= '3.9' and python_version < '3.12'", ">=3.9,<3.12", None),
        ("python_version == '3.11'", ">=3.9,<3.12", "python_full_version >= '3.11'"),
        ("python_version != '3.11'", ">=3.9,<3.12", "python_full_version < '3.11'"),
        ("python_version < '3.9' and os_name == 'nt'", ">=3.9,<3.12", "python_version < '0'"),
        ("python_version >= '3.9'", ">3.8", "python_full_version >= '3.9'"),
        ("python_version >= '3.8'", ">3.8", None),
        ("python_full_version >= '3.8.1'", ">=3.8.1", None),
        ("python_version < '3.9'", ">=3.8.1", "python_full_version < '3.9'"),
        ("python_full_version >= '3.12'", "<=3.12", "python_full_version >= '3.12'"),
        ("python_version >= '3.9'", ">=3.9,!=3.10.*", None),
        ("python_version >= '3.9'", ">=3.10,<3.9", "python_version < '0'"),
        ("extra == 'a'", ">=3.10,<3.9", "python_version < '0'"),
    ],
)
def test_supported_pythons_shorten_a_marker(text: str, python: str, printed: str | None) -> None:
    assert render(simplify_python(parse_marker(text), python_range(python))) == printed


def test_lengthened_marker_names_the_range() -> None:
    python = python_range(">=3.9,<3.12")
    assert render(complexify_python(TRUE, python)) == "python_full_version >= '3.9' and python_full_version < '3.12'"
    assert complexify_python(FALSE, python) is FALSE


LINUX_OR_WINDOWS = "sys_platform == 'linux' or sys_platform == 'win32'"


@pytest.mark.parametrize(
    ("text", "assumption", "printed"),
    [
        # Edges of a package, under the marker by which the package is reached.
        (
            "sys_platform == 'linux' and python_version < '3.11'",
            "sys_platform == 'linux' and python_version >= '3.9'",
            "python_full_version < '3.11'",
        ),
        ("sys_platform != 'win32'", "sys_platform == 'linux' and python_version >= '3.9'", None),
        (
            "sys_platform == 'linux' and python_version < '3.11'",
            "sys_platform != 'darwin'",
            "python_full_version < '3.11' and sys_platform == 'linux'",
        ),
        (
            "sys_platform == 'linux' and python_version < '3.11'",
            "python_version < '3.10' or sys_platform == 'darwin'",
            "sys_platform == 'linux'",
        ),
        ("sys_platform == 'linux'", LINUX_OR_WINDOWS, "sys_platform != 'win32'"),
        (
            "python_version < '3.10'",
            "sys_platform == 'linux' and python_version < '3.12'",
            "python_full_version < '3.10' or python_full_version >= '3.12'",
        ),
        # What a fork for a required environment that lacks wheels splits on.
        (
            "sys_platform == 'linux' and platform_machine == 'x86_64'",
            "sys_platform == 'linux' and (platform_machine == 'x86_64' or platform_machine == 'aarch64')",
            "platform_machine == 'x86_64'",
        ),
        (
            "sys_platform == 'linux' and platform_machine == 'aarch64'",
            "sys_platform == 'linux' and (platform_machine == 'x86_64' or platform_machine == 'aarch64')",
            "platform_machine != 'x86_64'",
        ),
        # "yes" comes before "no".
        ("extra == 'b'", "extra == 'a' and extra == 'b'", None),
        ("extra == 'b' or extra == 'a'", "extra != 'a'", "extra == 'b'"),
        ("os_name == 'nt'", "sys_platform == 'linux'", "os_name == 'nt'"),
        ("os_name == 'nt'", "os_name == 'nt'", None),
        ("os_name == 'nt'", "os_name != 'nt'", "python_version < '0'"),
        ("os_name == 'nt'", "python_version < '0'", "python_version < '0'"),
        ("os_name == 'nt'", "python_version >= '0'", "os_name == 'nt'"),
    ],
)
def test_assumption_shortens_a_marker(text: str, assumption: str, printed: str | None) -> None:
    assert render(restrict(parse_marker(text), parse_marker(assumption))) == printed


def test_production_and_extra_share_a_marker_out() -> None:
    marker = parse_marker("extra == 'x1' or sys_platform == 'linux'")
    assert render(production(marker)) == "sys_platform == 'linux'"
    assert render(for_extra(marker, "x1")) == "sys_platform != 'linux'"
    assert for_extra(marker, "x2") is FALSE


def test_extras_and_environment_are_taken_apart() -> None:
    marker = parse_marker("extra == 'a' and (sys_platform == 'linux' or 'x' in extras)")
    assert render(without_extras(marker)) == "sys_platform == 'linux' or 'x' in extras"
    assert render(only_extras(marker)) == "extra == 'a'"
    assert without_extras(parse_marker("extra == 'a' and extra != 'b'")) is TRUE


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("python_version >= '3.12' or sys_platform == 'win32'", None),
        ("python_version >= '0'", None),
        ("python_version < '0'", None),
        ("python_version != '3.9'", None),
        ("sys_platform == 'win32'", None),
        ("python_version >= '3.12' and extra == 'a'", PythonRange(lower=(3, 12))),
        ("python_full_version > '3.9.1'", PythonRange(lower=(3, 9, 1), lower_closed=False)),
        ("python_full_version <= '3.9.1'", PythonRange(upper=(3, 9, 1), upper_closed=True)),
        (
            "python_version == '3.9' or python_version == '3.11' and os_name == 'nt'",
            PythonRange(lower=(3, 9), upper=(3, 12)),
        ),
        (
            "python_version >= '3.12' and os_name == 'nt' or python_version >= '3.10' and sys_platform == 'linux'",
            PythonRange(lower=(3, 10)),
        ),
    ],
)
def test_interval_spans_all_pythons_of_a_marker(text: str, interval: PythonRange | None) -> None:
    assert python_interval(parse_marker(text)) == interval


def test_what_is_left_of_a_marker_over_some_keys_holds_where_the_rest_can() -> None:
    marker = parse_marker("(sys_platform == 'darwin' and python_version < '3.12') or platform_machine == 'arm64'")
    keys = frozenset(("sys_platform", "platform_machine"))
    assert only_keys(marker, keys) is parse_marker("sys_platform == 'darwin' or platform_machine == 'arm64'")
    assert only_keys(marker, frozenset(("os_name",))) is TRUE
