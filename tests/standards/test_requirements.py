from __future__ import annotations

import pytest

from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.requirements import InvalidRequirement, parse_requirement, under_marker

NOT_ARM = "platform_machine != 'aarch64' or sys_platform != 'linux'"


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("a>=1", f"a>=1 ; {NOT_ARM}"),
        ("a[x] (>=1)", f"a[x] (>=1) ; {NOT_ARM}"),
        # Of the condition only that is said which is not said already.
        ("a>=1 ; sys_platform == 'linux'", "a>=1 ; sys_platform == 'linux' and platform_machine != 'aarch64'"),
        ("a>=1;sys_platform=='darwin'", "a>=1;sys_platform=='darwin'"),
        (
            "a ; python_version < '3.12' or extra == 'x'",
            f"a ; (python_version < '3.12' or extra == 'x') and ({NOT_ARM})",
        ),
        # A semicolon without a space in front of it belongs to the URL.
        ("a @ https://files.example/a;b.whl", f"a @ https://files.example/a;b.whl ; {NOT_ARM}"),
        (
            "a @ https://files.example/a;b.whl ; sys_platform == 'linux'",
            "a @ https://files.example/a;b.whl ; sys_platform == 'linux' and platform_machine != 'aarch64'",
        ),
    ],
)
def test_a_condition_is_added_to_what_is_written(text: str, becomes: str) -> None:
    condition = parse_marker(NOT_ARM)
    assert under_marker(text, condition) == becomes
    assert parse_requirement(becomes).marker is parse_requirement(text).marker & condition


def test_what_is_no_requirement_gets_no_condition() -> None:
    with pytest.raises(InvalidRequirement):
        under_marker("!", parse_marker(NOT_ARM))
