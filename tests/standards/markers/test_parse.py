from __future__ import annotations

import pytest

from lockflow.standards.markers.parse import MarkerSyntaxError, parse_marker
from lockflow.standards.markers.render import render
from lockflow.standards.markers.tree import TRUE, string_equals

END = "end of dependency specification"
END_OR_KEYWORD = "expected 'and', 'or' or end of input"


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("foo == 'bar'", "Expected a quoted string or a valid marker name, found `foo`", 0),
        ("'x' in foo", "Expected a quoted string or a valid marker name, found `foo`", 7),
        ("os_name == ('a')", "Expected a quoted string or a valid marker name, found `('a'`", 11),
        ("not os_name == 'a'", "Expected a quoted string or a valid marker name, found `not`", 0),
        ("()", "Expected a quoted string or a valid marker name, found ``", 1),
        ("os_name", "Expected a valid marker operator (such as `>=` or `not in`), found ``", 7),
        ("os_name === 'nt'", "Expected a valid marker operator (such as `>=` or `not in`), found `===`", 8),
        ("os_name = 'nt'", "Expected a valid marker operator (such as `>=` or `not in`), found `=`", 8),
        ("os_name is 'nt'", "Expected a valid marker operator (such as `>=` or `not in`), found `is`", 8),
        ("os_name notin 'a'", "Expected a valid marker operator (such as `>=` or `not in`), found `notin`", 8),
        ("'a' inos_name", "Expected a valid marker operator (such as `>=` or `not in`), found `inos_name`", 4),
        ("os_name not", "Expected whitespace after 'not', found end of input", 11),
        ("os_name not'a'", "Expected whitespace after `not`, found `'`", 11),
        ("os_name not on 'a'", "Expected `i`, found `o`", 12),
        ("extras == 'foo'", "The marker extras must be on the right hand side of the expression", 0),
        (
            "dependency_groups in 'x'",
            "The marker dependency_groups must be on the right hand side of the expression",
            0,
        ),
        (
            "'foo' == extras",
            (
                "The operator == is not supported with the marker extras, "
                "only the `in` and `not in` operators are supported"
            ),
            0,
        ),
        ("(os_name == 'nt'", f"Expected ')', found {END}", 0),
        ("(os_name == 'nt' x", "Expected `)`, found `x`", 17),
        ("os_name == 'nt' )", f"Unexpected character ')', {END_OR_KEYWORD}", 16),
        ("os_name == 'nt' xor os_name == 'a'", f"Unexpected character 'x', {END_OR_KEYWORD}", 16),
        ("os_name == 'nt' and'x' == os_name", f"Unexpected character 'a', {END_OR_KEYWORD}", 16),
        ("os_name == 'a' AND os_name == 'b'", f"Unexpected character 'A', {END_OR_KEYWORD}", 15),
        ("os_name == 'nt' and", f"Expected marker value, found {END}", 19),
        ("", f"Expected marker value, found {END}", 0),
        ("   ", f"Expected marker value, found {END}", 3),
        ("os_name ==", f"Expected marker value, found {END}", 10),
        ("python_version == '3.9", f"Expected ''', found {END}", 18),
        ("(" * 5000, "The marker is nested too deeply", 100),
    ],
)
def test_fault_is_named_in_the_words_of_uv(text: str, message: str, position: int) -> None:
    with pytest.raises(MarkerSyntaxError) as caught:
        parse_marker(text)
    assert (caught.value.message, caught.value.position) == (message, position)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "os_name=='nt'and(sys_platform=='win32')",
        "os_name == 'nt' and\tsys_platform\n== 'win32'",
        '("nt" == os.name) and ((sys.platform == "win32"))',
        "sys_platform == 'win32' and 'a' == 'b' and os_name == 'nt'",
    ],
)
def test_spelling_of_a_marker_does_not_matter(text: str) -> None:
    assert parse_marker(text) is string_equals("os_name", "nt") & string_equals("sys_platform", "win32")


@pytest.mark.parametrize("text", ["os_name == extras", "os_name in extras", "'a' in'b'", "os_name not inos_name"])
def test_key_against_key_and_text_against_text_are_left_out(text: str) -> None:
    assert parse_marker(text) is TRUE
    assert parse_marker(f"os_name == 'nt' or {text}") is string_equals("os_name", "nt")


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("python_version == '3.9.0.0.*'", "python_full_version == '3.9.*'"),
        ("python_version ~= '3.9.0.0'", "python_full_version == '3.9.*'"),
        ("python_version ~= '3.0'", "python_full_version >= '3' and python_full_version < '4'"),
        ("python_version <= '0'", "python_full_version < '0.1'"),
        ("python_version in '3'", "python_full_version == '3.0.*'"),
        ("python_version == '1!3.*'", "python_full_version >= '3' and python_full_version < '4'"),
        ("python_full_version ~= '3.9rc1'", "python_full_version >= '3.9' and python_full_version < '4'"),
        ("platform_system >= 'Windows'", "sys_platform == 'win32'"),
        ("platform_release < '20.*'", "platform_release < '20.*'"),
        ("' foo' in extras", "' foo' in extras"),
        (
            "'x' in dependency_groups and 'a b' in extras and 'y' in extras",
            "'y' in extras and 'a b' in extras and 'x' in dependency_groups",
        ),
        (
            (
                "(python_full_version < '3.9' or python_full_version > '3.10')"
                " and platform_release != '20' and sys_platform == 'darwin'"
            ),
            (
                "(python_full_version < '3.9' and platform_release < '20' and sys_platform == 'darwin')"
                " or (python_full_version > '3.10' and platform_release < '20' and sys_platform == 'darwin')"
                " or (python_full_version < '3.9' and platform_release > '20' and sys_platform == 'darwin')"
                " or (python_full_version > '3.10' and platform_release > '20' and sys_platform == 'darwin')"
            ),
        ),
        # uv itself panics on this one; its rules without the panic give:
        (
            (
                "('a' in platform_machine or sys_platform != 'win32' or os_name == 'java' and platform_system == 'iOS')"
                " or python_full_version != '3.10'"
            ),
            (
                "python_full_version != '3.10' or (os_name == 'java' and platform_system == 'iOS')"
                " or 'a' in platform_machine or sys_platform != 'win32'"
            ),
        ),
    ],
)
def test_comparison_beyond_the_pairs_prints_as_in_uv(text: str, printed: str) -> None:
    assert render(parse_marker(text)) == printed


def test_huge_numbers_are_no_versions() -> None:
    assert parse_marker(f"python_version >= '3.{2**64}'") is TRUE
    assert parse_marker(f"python_version >= '3.{'9' * 5000}'") is TRUE


@pytest.mark.parametrize(
    "text",
    [
        " or ".join([f"extra == 'e{index}'" for index in range(250)]),
        " or ".join([f"extra == 'e{index}'" for index in range(1500)]),
        # Each clause doubles the diagram.
        " or ".join([f"extra == 'a{index}' and extra == 'z{index}'" for index in range(40)]),
    ],
    ids=["deep", "very deep", "wide"],
)
def test_marker_that_would_exhaust_the_machine_is_refused(text: str) -> None:
    with pytest.raises(MarkerSyntaxError, match="The marker tests too many different things"):
        parse_marker(text)


def test_long_marker_is_read() -> None:
    text = " or ".join([f"extra == 'e{index}'" for index in range(150)])
    assert render(parse_marker(text)) is not None


def test_parsing_twice_gives_the_same_object() -> None:
    assert parse_marker("os_name == 'nt'") is parse_marker("os_name == 'nt'")
    assert repr(parse_marker("os_name=='nt'")) == "<Marker os_name == 'nt'>"
    assert repr(TRUE) == "<Marker true>"
