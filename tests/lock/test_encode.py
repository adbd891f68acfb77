from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockflow.lock.decode import decode
from lockflow.lock.encode import encode, git_url, pep508_text, quote, requirement_text
from lockflow.lock.model import Lock
from lockflow.standards.requirements import Git, parse_requirement
from support.generated_locks import locks
from support.golden import GOLDEN

GOLDEN_LOCKS = sorted(GOLDEN.glob("*/uv.lock"))


def test_there_are_golden_locks() -> None:
    assert len(GOLDEN_LOCKS) >= 117


@pytest.mark.parametrize("path", GOLDEN_LOCKS, ids=lambda path: path.parent.name)
def test_a_golden_lock_is_written_as_it_was_read(path: Path) -> None:
    text = path.read_bytes().decode()
    assert encode(decode(text, "uv.lock")) == text


@given(locks())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_is_written_is_read_back_the_same(lock: Lock) -> None:
    assert decode(encode(lock), "uv.lock") == lock


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ' and ü", '"plain \' and ü"'),
        ('a"b', "'a\"b'"),
        ("a\\b", "'a\\b'"),
        ("a\"b'c", '"""a"b\'c"""'),
        ('it\'s "q"', '"""it\'s "q""""'),
        ("q'\\z", "'''q'\\z'''"),
        ('x"""y\'z', "'''x\"\"\"y'z'''"),
        ("a'''b\"c", '"""a\'\'\'b"c"""'),
        ("a'''b\\c", "\"a'''b\\\\c\""),
        ("tab\tx", '"tab\\tx"'),
        ("del\x7f", '"del\\u007F"'),
        ("\x01\x1f", '"\\u0001\\u001F"'),
        ('line\n"quoted"', '"line\\n\\"quoted\\""'),
        ("", '""'),
    ],
)
def test_a_string_takes_the_first_of_five_forms_that_fits(text: str, expected: str) -> None:
    assert quote(text) == expected


@given(st.text(st.characters(codec="utf-8")))
@settings(max_examples=200)
def test_a_string_is_read_as_it_was_meant(text: str) -> None:
    assert tomllib.loads(f"key = {quote(text)}") == {"key": text}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Foo.Bar [b,a] >=1 , <2 ; python_version>='3.9'", "foo-bar[b,a]>=1,<2 ; python_full_version >= '3.9'"),
        ("u @ https://files.example/u-1.tar.gz", "u @ https://files.example/u-1.tar.gz"),
        ("g @ git+https://git.example/g.git@v1", "g @ git+https://git.example/g.git@v1"),
        ("plain", "plain"),
    ],
)
def test_a_requirement_is_printed_as_one_string(text: str, expected: str) -> None:
    assert pep508_text(parse_requirement(text)) == expected


def test_a_declared_requirement_has_its_marker_before_its_source() -> None:
    requirement = parse_requirement("a[x]<2 ; sys_platform == 'win32'")
    expected = '{ name = "a", extras = ["x"], marker = "sys_platform == \'win32\'", specifier = "<2" }'
    assert requirement_text(requirement) == expected


@pytest.mark.parametrize(
    ("git", "expected"),
    [
        (Git(url="u", lfs=True, reference_kind="branch", reference="a b/c~d"), "u?lfs=true&branch=a+b%2Fc%7Ed"),
        (Git(url="u", path="p", lfs=True, reference_kind="tag", reference="t"), "u?path=p&tag=t&lfs=true"),
        (
            Git(url="u", path="p", lfs=True, reference_kind="tag", reference="t", commit="c"),
            "u?path=p&lfs=true&tag=t#c",
        ),
        (Git(url="u", subdirectory="s", commit="c"), "u?subdirectory=s#c"),
    ],
)
def test_a_git_source_names_what_is_taken_in_its_query(git: Git, expected: str) -> None:
    assert git_url(git) == expected
