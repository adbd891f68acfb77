from __future__ import annotations

import pytest

from lockflow.standards.markers.evaluate import evaluate
from lockflow.standards.markers.parse import parse_marker

LINUX = {
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "platform_release": "6.8.0-45-generic",
    "platform_version": "#45-Ubuntu SMP",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
    "implementation_version": "3.12.0rc2",
    "python_full_version": "3.12.0rc2",
    "python_version": "3.12",
}
MACOS = {**LINUX, "sys_platform": "darwin", "platform_system": "Darwin", "platform_release": "23.1.0"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("python_version == '3.12'", True),
        ("python_full_version >= '3.12'", True),
        ("python_full_version < '3.12.0'", False),
        ("implementation_version == '3.12.0'", True),
        ("platform_machine == 'x86_64' and sys_platform == 'linux'", True),
        ("platform_machine > 'a'", False),
        ("platform_version >= '#4'", True),
        ("platform_release < '7'", True),
        ("platform_release >= '10'", True),  # as text
        ("sys_platform in 'linux darwin'", True),
        ("'86' in platform_machine", True),
        ("'arm' in platform_machine", False),
        ("extra == 'a'", False),
        ("'a' in extras", False),
        ("'a' not in dependency_groups", True),
        ("'foo!' in extras", False),
        ("python_version >= '0'", True),
        ("python_version < '0'", False),
    ],
)
def test_marker_is_decided_in_an_environment(text: str, holds: bool) -> None:
    assert evaluate(parse_marker(text), LINUX) == holds


def test_release_of_the_macos_kernel_is_compared_as_a_version() -> None:
    assert not evaluate(parse_marker("platform_release < '5'"), MACOS)
    assert evaluate(parse_marker("platform_release < '5'"), {**MACOS, "sys_platform": "freebsd"})
    assert evaluate(parse_marker("platform_release >= '23.1'"), {**MACOS, "platform_release": "23.1.0-custom"})


def test_extras_and_groups_are_looked_up_where_they_were_given() -> None:
    on = frozenset({"a"})
    assert evaluate(parse_marker("extra == 'a'"), LINUX, on)
    assert not evaluate(parse_marker("'a' in extras"), LINUX, on)
    assert evaluate(parse_marker("'a' in extras"), LINUX, listed_extras=on)
    assert evaluate(parse_marker("'a' in dependency_groups"), LINUX, dependency_groups=on)
    assert not evaluate(parse_marker("'b' in dependency_groups"), LINUX, dependency_groups=on)


def test_python_built_from_a_branch_is_read_by_its_release() -> None:
    assert evaluate(parse_marker("python_full_version >= '3.13'"), {"python_full_version": "3.13.0+"})


def test_value_that_is_no_version_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match="python_full_version is 'main'"):
        evaluate(parse_marker("python_version >= '3.9'"), {"python_full_version": "main"})
