from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockflow.inputs.durations import Clock
from lockflow.inputs.options import LOCK_KEYS, PROJECT_KEYS, ROOT_KEYS, Place
from lockflow.inputs.paths import parent
from lockflow.inputs.pyproject import parse_pyproject
from lockflow.inputs.tables import Document, Faults, Table
from support.manifests import in_order, project, read, refusal


def test_extras_keep_their_order_and_become_conditions(tmp_path: Path) -> None:
    text = 'dependencies = ["a"]\noptional-dependencies = { z = ["b>1"], A_b = ["c ; os_name == \'nt\'"], none = [] }\n'
    (member,) = read(tmp_path, project(text)).manifest.members
    assert member.provides_extras == ("z", "a-b", "none")
    assert in_order(member.requires_dist) == [
        {"name": "a"},
        {"name": "b", "marker": "extra == 'z'", "specifier": ">1"},
        {"name": "c", "marker": "os_name == 'nt' and extra == 'a-b'"},
    ]


def test_dynamic_fields_are_named_and_a_dynamic_version_is_absent(tmp_path: Path) -> None:
    (member,) = read(tmp_path, project('dynamic = ["version", "readme", "dependencies"]\n')).manifest.members
    assert member.version is None
    assert member.dynamic == {"version", "dependencies"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[project]\nname = "a"\n', "the project a has no version"),
        ('[project]\nversion = "1"\n', "the project has no name"),
        ('[project]\nname = "-a"\nversion = "1"\n', "'-a' is not a valid name"),
        ('[project]\nname = "a"\nversion = "x.y"\n', "version cannot be 'x.y'"),
        ('[project]\nname = "a"\nversion = "1"\nrequires-python = "=>3"\n', "requires-python cannot be '=>3'"),
        ('[project]\nname = "a"\nversion = "1"\nrequires-python = ">=3.12,<3.11"\n', "no Python satisfies"),
        ('[project]\nname = "a"\nversion = "1"\ndependencies = "b"\n', "dependencies must be an array"),
        ('[project]\nname = "a"\nversion = "1"\ndependencies = [1]\n', "dependencies[0] must be a string"),
        ("project = 1\n", "project must be a table"),
    ],
)
def test_a_malformed_project_is_refused(tmp_path: Path, text: str, message: str) -> None:
    found = refusal(tmp_path, {"pyproject.toml": text})
    assert message in found
    assert "pyproject.toml" in found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("optional-dependencies = { 'x-y' = ['b'], 'x_y' = ['a'] }", "the extra x-y is given twice"),
        ("optional-dependencies = { 'x y' = ['b'] }", "'x y' is not a valid name"),
        ("optional-dependencies = { x = ['b >>1'] }", "the requirement 'b >>1' is invalid"),
        ("[tool.uv]\nenvironments = ['x ==']", "'x ==' is not a marker"),
        ("[tool.uv]\nenvironments = 3", "environments must be an array"),
        ("[tool.uv]\nenvironments = ['extra == \"x\"']", "names an extra"),
        (
            "[tool.uv]\nenvironments = ['sys_platform == \"linux\"', 'os_name == \"posix\"']",
            "write os_name == 'posix' and sys_platform != 'linux' for the second",
        ),
        (
            "[tool.uv]\nrequired-environments = ['sys_platform == \"linux\"', 'os_name == \"posix\"']",
            "two required-environments overlap",
        ),
        ("[tool.uv]\nenvironments = ['python_version < \"3.9\"']", "is outside of requires-python"),
        ("[tool.uv]\noverride-dependencies = ['>1']", "the requirement '>1' is invalid"),
        ("[tool.uv]\noverride-dependencies = [{ package = 'a', dependencies = ['b'] }]", "package must be a table"),
        (
            "[[tool.uv.override-dependencies]]\npackage = { name = 'a' }\ndependencies = ['b @ https://x.example/b.zip']",
            "the override of b for a has a source of its own",
        ),
        ("[tool.uv]\nexclude-dependencies = ['b>1']", "'b>1' is not a valid name"),
        ("[tool.uv]\nconflicts = [[{ extra = 'x' }]]", "two different entries"),
        ("[tool.uv]\nconflicts = [[{ extra = 'x' }, { extra = 'x' }]]", "two different entries"),
        ("[tool.uv]\nconflicts = [[{ extra = 'x', group = 'y' }, { extra = 'x' }]]", "names an extra and a group"),
        ("[tool.uv]\nconflicts = [[{}, { extra = 'x' }]]", "names nothing"),
        ("[tool.uv]\nmanaged = false", "marked as unmanaged"),
        ("[tool.uv.workspace]\nfoo = 1", "[tool.uv.workspace] has no key foo"),
        ("[tool.uv]\nresolution = 'lowestx'", "use one of highest, lowest, lowest-direct"),
        ("[tool.lockflow]\npython-versions = ['3.12.1']", "'3.12.1' is not a Python version"),
    ],
)
def test_a_malformed_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(tmp_path, project(text))


def test_all_faults_of_a_project_are_told_at_once(tmp_path: Path) -> None:
    message = refusal(
        tmp_path,
        project('dependencies = ["a >>1", "b c"]\n[tool.uv]\nresolution = "x"\n[tool.uv.sources]\nd = { path = 1 }\n'),
    )
    assert message.startswith("the project cannot be read: 4 faults")
    for part in ("'a >>1'", "'b c'", "resolution cannot be 'x'", "path must be a string"):
        assert part in message


def test_an_unknown_key_is_a_warning_with_the_key_that_was_meant(tmp_path: Path) -> None:
    result = read(tmp_path, project('[tool.uv]\nresoltion = "lowest"\n[tool.lockflow]\nplatform = ["x"]\n'))
    resolver, own = result.warnings
    assert resolver.startswith("pyproject.toml, line 6, [tool.uv] resoltion: unknown key 'resoltion', uv ignores all")
    assert resolver.endswith("; did you mean resolution?")
    assert own.startswith("pyproject.toml, line 8, [tool.lockflow] platform: unknown key 'platform', it has no effect")
    assert own.endswith("; did you mean platforms?")


def test_other_tools_tables_are_nobodys_business(tmp_path: Path) -> None:
    assert read(tmp_path, project("[tool.ruff]\nfoo = 1\n[tool.uvx]\nbar = 1\n")).warnings == ()


def test_a_file_without_project_is_a_root_without_packages(tmp_path: Path) -> None:
    result = read(tmp_path, {"pyproject.toml": "[tool.ruff]\n"})
    assert result.manifest.members == ()
    assert not result.manifest.has_project_root
    assert result.manifest.requires_python.text == ">=3.11"
    assert result.warnings == (
        "pyproject.toml: no requires-python, so >=3.11 of this interpreter is taken; declare it",
    )


WORDS = """
    name version package dependencies extra group marker path git url rev workspace members include-group
    """.split()  # noqa: SIM905  a list of words reads better than one word a line
scalars = (
    st.booleans()
    | st.integers(0, 5)
    | st.sampled_from(
        ["", "a", "a>1", "x ==", "os_name == 'nt'", "https://x.example/s", "../b", "all", "lowest", "1 day"]
    )
)
keys = st.sampled_from([*sorted(LOCK_KEYS | ROOT_KEYS | PROJECT_KEYS), *WORDS])
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(keys, trees, max_size=5), trees, trees)
def test_any_tree_of_values_is_read_or_its_faults_noted(uv: dict[str, Any], project_table: Any, groups: Any) -> None:
    faults = Faults()
    values = {"project": project_table, "dependency-groups": groups, "tool": {"uv": uv, "lockflow": uv}}
    table = Table(Document("pyproject.toml", "", faults), "", values)
    found = parse_pyproject(table, Place("/w", parent("/w/x")), Clock(0, lambda _: 0))
    assert found.document.faults is faults
    if not isinstance(project_table, dict):
        assert faults.faults
