from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.manifests import in_order, project, read, refusal


def shown(entry: dict[str, Any]) -> str:
    return f"{entry['name']} ; {entry['marker']}" if "marker" in entry else str(entry["name"])


def groups(folder: Path, text: str) -> dict[str, tuple[list[str], str | None]]:
    (member,) = read(folder, project(text)).manifest.members
    return {
        group.name: ([shown(entry) for entry in in_order(group.requirements)], group.requires_python)
        for group in member.groups
    }


def test_includes_are_expanded_and_groups_sorted(tmp_path: Path) -> None:
    text = "[dependency-groups]\nz = ['b', { include-group = 'Lint_X' }]\nlint-x = ['c']\nempty = []\n"
    assert groups(tmp_path, text) == {"empty": ([], None), "lint-x": (["c"], None), "z": (["b", "c"], None)}


def test_the_pythons_of_a_group_become_a_marker_on_what_it_includes(tmp_path: Path) -> None:
    text = """
        [dependency-groups]
        a = ["a", { include-group = "b" }]
        b = ["b", { include-group = "c" }]
        c = ["c"]
        [tool.uv.dependency-groups]
        a = { requires-python = "<3.15" }
        b = { requires-python = ">=3.12" }
        c = { requires-python = "!=3.13.*" }
        """
    narrow = "python_full_version >= '3.12' and python_full_version < '3.15'"
    assert groups(tmp_path, text) == {
        "a": (["a ; python_full_version < '3.15'", f"b ; {narrow}", f"c ; {narrow}"], ">=3.12,!=3.13.*,<3.15"),
        "b": (["b ; python_full_version >= '3.12'", "c ; python_full_version >= '3.12'"], ">=3.12,!=3.13.*"),
        "c": (["c"], "!=3.13.*"),
    }


def test_equal_pythons_are_told_as_often_as_they_are_included(tmp_path: Path) -> None:
    text = """
        [dependency-groups]
        a = [{ include-group = "b" }]
        b = ["b"]
        [tool.uv.dependency-groups]
        a = { requires-python = ">=3.12" }
        b = { requires-python = ">=3.12" }
        """
    assert groups(tmp_path, text)["a"] == (["b ; python_full_version >= '3.12'"], ">=3.12,>=3.12")


def test_legacy_dependencies_join_dev_but_are_not_included_with_it(tmp_path: Path) -> None:
    text = "[dependency-groups]\nq = [{ include-group = 'dev' }]\ndev = ['a']\n[tool.uv]\ndev-dependencies = ['b']\n"
    assert groups(tmp_path, text) == {"dev": (["a", "b"], None), "q": (["a"], None)}
    assert groups(tmp_path, "[tool.uv]\ndev-dependencies = []\n") == {"dev": ([], None)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[dependency-groups]\na = [{ include-group = 'b' }]\nb = [{ include-group = 'a' }]",
            "in a circle: a -> b -> a",
        ),
        ("[dependency-groups]\na = [{ include-group = 'a' }]", "in a circle: a -> a"),
        ("[dependency-groups]\na = [{ include-group = 'zz' }]", "the group a includes zz, which does not exist"),
        ("[dependency-groups]\na = ['a >>1']", "[dependency-groups] a[0]"),
        ("[dependency-groups]\na = [{ foo = 'x' }]", "neither a requirement nor an include"),
        ("[dependency-groups]\na = [{ include-group = 'b', x = 1 }]\nb = []", "neither a requirement nor an include"),
        ("[dependency-groups]\n'x-y' = []\n'x_y' = []", "the group x-y is given twice"),
        ("[dependency-groups]\n'a b' = []", "'a b' is not a valid name"),
        ("[dependency-groups]\na = 'x'", "a must be an array"),
        ("[tool.uv]\ndefault-groups = ['zz']", "default-groups names 'zz', which is no group"),
        ("[tool.uv]\ndefault-groups = ['dev']", "default-groups names 'dev', which is no group"),
        ("[tool.uv]\ndefault-groups = 'foo'", 'use "all" or a list of groups'),
        ("[tool.uv.dependency-groups]\nzz = { requires-python = '>=3.12' }", "there is no group 'zz'"),
        (
            "[tool.uv]\ndev-dependencies = ['b']\n[tool.uv.dependency-groups]\ndev = { requires-python = '>=3.12' }",
            "made of dev-dependencies only",
        ),
        (
            "[dependency-groups]\nq = [{ include-group = 'dev' }]\n[tool.uv]\ndev-dependencies = ['b']",
            "dev-dependencies cannot be included",
        ),
    ],
)
def test_malformed_groups_are_refused(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(tmp_path, project(text))


def test_groups_that_double_at_every_step_are_refused_instead_of_expanded(tmp_path: Path) -> None:
    lines = ["[dependency-groups]", "g0 = ['a']"]
    lines += [f"g{n} = [{{ include-group = 'g{n - 1}' }}, {{ include-group = 'g{n - 1}' }}]" for n in range(1, 60)]
    assert refusal(tmp_path, project("\n".join(lines))).count("the groups have more than 100000 requirements") == 1


def test_many_groups_that_each_include_a_large_one_are_refused_too(tmp_path: Path) -> None:
    lines = ["[dependency-groups]", f"large = {['a'] * 200}"]
    lines += [f"g{n} = [{{ include-group = 'large' }}]" for n in range(600)]
    assert "with the group g499 the groups have more than" in refusal(tmp_path, project("\n".join(lines)))


def conflicts(folder: Path, text: str) -> list[list[str]]:
    manifest = read(folder, project(text)).manifest
    return [[f"{item.package}:{item.kind}:{item.name}" for item in items] for items in manifest.conflicts]


def test_conflicts_are_sorted_inside_a_set_and_followed_by_those_of_including_groups(tmp_path: Path) -> None:
    text = """
        optional-dependencies = { x = ["a"] }
        [dependency-groups]
        g1 = ["a"]
        g2 = ["a"]
        g3 = [{ include-group = "g1" }]
        g4 = [{ include-group = "g3" }]
        [tool.uv]
        conflicts = [[{ group = "g2" }, { group = "g1" }], [{ extra = "x" }, { group = "g2" }, { package = "zz" }]]
        """
    assert conflicts(tmp_path, text) == [
        ["app:group:g1", "app:group:g2"],
        ["app:extra:x", "app:group:g2", "zz:project:None"],
        ["app:group:g2", "app:group:g3"],
        ["app:group:g2", "app:group:g4"],
    ]


def test_a_conflict_that_is_declared_is_not_added_again(tmp_path: Path) -> None:
    text = """
        [dependency-groups]
        a = []
        b = []
        c = [{ include-group = "a" }]
        [tool.uv]
        conflicts = [[{ group = "a" }, { group = "b" }], [{ group = "b" }, { group = "c" }]]
        """
    assert conflicts(tmp_path, text) == [["app:group:a", "app:group:b"], ["app:group:b", "app:group:c"]]
