from __future__ import annotations

import pytest

from lockflow.errors import InputError
from lockflow.inputs.env_file import parse_env_file


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("# a comment\n\nA=1\nexport B = two words # and a comment\n", {"A": "1", "B": "two words"}),
        ("A=\nB=''\n", {"A": "", "B": ""}),
        ("A='${HOME} \\n'", {"A": "${HOME} \\n"}),
        ('A="one\\ntwo \\"three\\""', {"A": 'one\ntwo "three"'}),
        ('A="one\ntwo"\nB=3', {"A": "one\ntwo", "B": "3"}),
        ("A=1\nB=${A}2$A", {"A": "1", "B": "121"}),
        ("B=${NOBODY:-else}${NOBODY}", {"B": "else"}),
        ('A="costs \\$5"', {"A": "costs $5"}),
        ("A=x#y", {"A": "x#y"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("  A = 1", {"A": "1"}),
    ],
)
def test_a_file_is_read(text: str, expected: dict[str, str]) -> None:
    assert parse_env_file(text, "x.env", {"HOME": "/root"}) == expected


def test_what_is_set_already_goes_first_where_it_is_referred_to() -> None:
    assert parse_env_file("A=1\nB=$A", "x.env", {"A": "2"}) == {"A": "1", "B": "2"}


@pytest.mark.parametrize(("text", "line"), [("A=1\nwhat", 2), ('A="open', 1), ("A='x' y", 1), ("1A=2", 1)])
def test_what_is_no_variable_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(InputError) as caught:
        parse_env_file(text, "x.env", {})
    assert caught.value.where == f"x.env, line {line}"
