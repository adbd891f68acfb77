from __future__ import annotations

import tomllib

import pytest

from lockflow.inputs.places import statements, with_key, with_table

TEXT = """\
# head
title = "a [b] # c"
long = '''
[not.a.heading]
'''

[project]
name = "x"  # = y
list = [
    "a", # ]
]

# about tools
[tool.uv]
a."b.c" = { x = [1, 2], "y" = "}" }

[[tool.uv.index]]
url = "1"

[[tool.uv.index]]
url = "2"

[ tool . other ]
z = 1
# tail
"""


def test_a_text_is_taken_apart_into_headings_and_keys() -> None:
    found = [("[" if entry.is_heading else "") + ".".join(entry.names) for entry in statements(TEXT)]
    assert found == [
        "title", "long", "[project", "name", "list", "[tool.uv", "a.b.c", "[tool.uv.index", "url", "[tool.uv.index",
        "url", "[tool.other", "z",
    ]  # fmt: skip


def test_a_key_goes_to_the_end_of_its_table_before_what_is_said_of_the_next() -> None:
    made = with_key(TEXT, ("project",), "version", '"1"')
    assert made is not None
    assert ']\nversion = "1"\n\n# about tools\n[tool.uv]' in made
    assert with_key(TEXT, ("tool", "lockflow"), "a", "1") is None


def test_a_key_is_put_in_order_where_keys_are_sorted() -> None:
    made = with_key("[g]\na = 1\n# of c\nc = 3\n", ("g",), "b", "2", is_sorted=True)
    assert made == "[g]\na = 1\nb = 2\n# of c\nc = 3\n"
    assert with_key("[g]\nc = 1\na = 3\n", ("g",), "b", "2", is_sorted=True) == "[g]\nc = 1\na = 3\nb = 2\n"


@pytest.mark.parametrize(
    ("names", "before", "after"),
    [
        (("tool", "uv", "sources"), 'url = "2"\n', "\n[ tool . other ]"),
        (("dependency-groups",), "z = 1\n", "# tail"),
        (("project", "optional-dependencies"), "]\n", "\n# about tools"),
    ],
)
def test_a_table_goes_after_its_siblings(names: tuple[str, ...], before: str, after: str) -> None:
    made = with_table(TEXT, names, "k = 1\n")
    assert f"{before}\n[{'.'.join(names)}]\nk = 1\n{after}" in made
    found: object = tomllib.loads(made)
    for name in names:
        assert isinstance(found, dict)
        found = found[name]
    assert found == {"k": 1}


def test_the_first_table_of_an_empty_text_has_no_line_before_it() -> None:
    assert with_table("", ("a b",), "k = 1\n") == '["a b"]\nk = 1\n'
