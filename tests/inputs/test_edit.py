from __future__ import annotations

import tomllib

import pytest

from lockflow.errors import InputError
from lockflow.inputs.edit import with_changed_items, with_item, with_value

UV = ("tool", "uv")
KEY = "constraint-dependencies"


def added(text: str, item: str = "c>=1") -> str:
    return with_item(text, UV, KEY, item, where="pyproject.toml")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[tool.uv]\nconstraint-dependencies = ["c>=1"]\n'),
        (
            '[project]\nname = "a" # why\n',
            '[project]\nname = "a" # why\n\n[tool.uv]\nconstraint-dependencies = ["c>=1"]\n',
        ),
        (
            '[tool.uv]\nconstraint-dependencies = ["a<2"] # keep\n',
            '[tool.uv]\nconstraint-dependencies = ["a<2", "c>=1"] # keep\n',
        ),
        (
            '[tool.uv]\nconstraint-dependencies = [\n  "a<2",  # why a\n  # about b\n  "b<3"  # no comma\n]\ndev = 1\n',
            (
                '[tool.uv]\nconstraint-dependencies = [\n  "a<2",  # why a\n  # about b\n  "b<3",  # no comma\n'
                '  "c>=1",\n]\ndev = 1\n'
            ),
        ),
        (
            '[tool.uv]\nconstraint-dependencies = [\n    "a<2",\n    # at the end\n]\n',
            '[tool.uv]\nconstraint-dependencies = [\n    "a<2",\n    # at the end\n    "c>=1",\n]\n',
        ),
        (
            '[tool.uv]\nconstraint-dependencies = [\n  "a"]\n',
            '[tool.uv]\nconstraint-dependencies = [\n  "a",\n  "c>=1",\n]\n',
        ),
        ("tool.uv.x = 1\n", 'tool.uv.x = 1\ntool.uv.constraint-dependencies = ["c>=1"]\n'),
        (
            '[tool.uv]\r\nconstraint-dependencies = [\r\n  "a",\r\n]\r\n',
            '[tool.uv]\r\nconstraint-dependencies = [\r\n  "a",\r\n  "c>=1",\r\n]\r\n',
        ),
        (
            '\ufeff[tool.uv]\nconstraint-dependencies = ["a"]\n',
            '\ufeff[tool.uv]\nconstraint-dependencies = ["a", "c>=1"]\n',
        ),
    ],
)
def test_an_item_is_added_and_all_else_kept(before: str, after: str) -> None:
    assert added(before) == after
    assert added(after) == after


@pytest.mark.parametrize(
    "text",
    [
        "[tool.uv.sources]\na = {path = 'x'}\n[tool.ruff]\n",
        "tool = {uv = {x = 1}}\n",
        "[tool]\nuv.x = 1\n[tool.ruff]\na = 1\n",
    ],
)
def test_tables_may_be_written_in_any_way(text: str) -> None:
    read = tomllib.loads(added(text))

    assert read["tool"]["uv"][KEY] == ["c>=1"]
    del read["tool"]["uv"][KEY]
    before = tomllib.loads(text)
    assert read == before


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[tool.uv]\nconstraint-dependencies = "a"\n', "it is not a list"),
        ("[tool]\nuv = 1\n", "it is not a table"),
        ("[[tool.uv]]\nx = 1\n", "it is not a table"),
        ("[tool.uv\n", "it is no TOML"),
    ],
)
def test_what_has_another_form_is_one_clear_error(text: str, why: str) -> None:
    with pytest.raises(InputError, match=r"pyproject\.toml cannot be edited") as caught:
        added(text)
    assert why in caught.value.why


def test_items_are_changed_where_they_stand() -> None:
    text = '[project]\ndependencies = [\n  "a>=1", # one\n  "b",\n]\n'

    changed = with_changed_items(
        text, ("project",), "dependencies", lambda item: "a>=2" if item.startswith("a") else None, where="x"
    )

    assert changed == text.replace("a>=1", "a>=2")
    assert with_changed_items(text, ("project",), "scripts", str.upper, where="x") == text
    assert with_changed_items(text, ("dependency-groups",), "dev", str.upper, where="x") == text


def test_a_value_is_replaced_with_its_comment_kept() -> None:
    text = '[project]\nrequires-python = ">=3.11" # lower bound\nname = "a"\n'

    assert with_value(text, ("project",), "requires-python", ">=3.11,<3.14", where="x") == text.replace(
        ">=3.11", ">=3.11,<3.14"
    )
