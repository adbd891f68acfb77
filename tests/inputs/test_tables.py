from __future__ import annotations

import pytest

from lockflow.errors import InputError
from lockflow.inputs.tables import Faults, Table, nearest, parse_document


def document(text: str) -> Table:
    table = parse_document(text, "pyproject.toml", Faults())
    assert table is not None
    return table


def faults_of(text: str) -> str:
    faults = Faults()
    assert parse_document(text, "pyproject.toml", faults) is None
    with pytest.raises(InputError) as caught:
        faults.raise_if_any()
    return str(caught.value)


def test_a_syntax_error_has_line_column_and_caret() -> None:
    assert faults_of('[project]\nname = "x\n').splitlines() == [
        "pyproject.toml is not valid TOML",
        "  where: pyproject.toml, line 2, column 10",
        "  why:   Illegal character '\\n'",
        '         name = "x',
        "                  ^",
        "  next:  correct the marked place",
    ]


def test_a_syntax_error_at_the_end_points_behind_the_last_character() -> None:
    message = faults_of("dependencies = [\n  'a'\n")
    assert "line 2, column 6" in message
    assert "\n           'a'\n              ^" in message


@pytest.mark.parametrize("text", ["x = " + "[" * 5000, "x = " + "9" * 5000, "a = 1\na = 2\n", "\x00", "=", "[a"])
def test_hostile_toml_is_one_clear_error(text: str) -> None:
    assert faults_of(text).startswith("pyproject.toml is not valid TOML\n  where: pyproject.toml")


def test_a_byte_order_mark_is_no_fault() -> None:
    assert document("\ufeffa = 1").values == {"a": 1}


def test_a_wrong_type_is_a_fault_that_shows_the_value() -> None:
    table = document("name = 3\nflag = 'yes'\nlist = ['a', 1]\n")
    assert table.text("name") is None
    assert table.flag("flag") is None
    assert table.texts("list") == ("a",)
    assert [(fault.what, fault.where, fault.why) for fault in table.document.faults.faults] == [
        ("name must be a string", "pyproject.toml, name", "it is an integer: 3"),
        ("flag must be a boolean", "pyproject.toml, flag", "it is a string: 'yes'"),
        ("list[1] must be a string", "pyproject.toml, list[1]", "it is an integer: 1"),
    ]


def test_several_faults_are_one_error() -> None:
    table = document("a = 1\n")
    table.text("a")
    table.flag("a")
    with pytest.raises(InputError) as caught:
        table.document.faults.raise_if_any()
    message = str(caught.value)
    assert message.startswith("the project cannot be read: 2 faults\n  where: pyproject.toml\n")
    assert "1. a must be a string (pyproject.toml, a)" in message
    assert "2. a must be a boolean (pyproject.toml, a)" in message


def test_an_invalid_requirement_names_table_index_text_and_line() -> None:
    table = document('[project]\ndependencies = [\n  "a",\n  "b >>1",\n]\n')
    project = table.table("project")
    assert project is not None
    assert [requirement.name for requirement in project.requirements("dependencies") or ()] == ["a"]
    (fault,) = table.document.faults.faults
    assert fault.what == "the requirement 'b >>1' is invalid"
    assert fault.where == "pyproject.toml, line 4, [project] dependencies[1]"


@pytest.mark.parametrize(
    ("word", "meant"),
    [("resoltion", "resolution"), ("prerelase", "prerelease"), ("exclude_newer", "exclude-newer"), ("zzz", None)],
)
def test_the_nearest_key_is_suggested(word: str, meant: str | None) -> None:
    assert nearest(word, ("resolution", "prerelease", "exclude-newer", "index")) == meant
