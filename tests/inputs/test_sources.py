from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.manifests import in_order, project, read, refusal

LIBRARY = {"a/pyproject.toml": '[project]\nname = "a"\nversion = "1"\n', "wheels/a-1.0-py3-none-any.whl": ""}


def entries(folder: Path, dependencies: str, source: str, more: str = "", **flags: Any) -> list[dict[str, Any]]:
    text = f"dependencies = {dependencies}\n{more}\n[tool.uv.sources]\n{source}\n"
    (member,) = read(folder, project(text) | LIBRARY, **flags).manifest.members
    return in_order(member.requires_dist)


def test_a_source_with_a_marker_splits_a_requirement(tmp_path: Path) -> None:
    assert entries(
        tmp_path, "[\"a>=1 ; python_version < '3.13'\"]", "a = { path = 'a', marker = \"os_name == 'nt'\" }"
    ) == [
        {"name": "a", "marker": "python_full_version < '3.13' and os_name == 'nt'", "directory": "a"},
        {"name": "a", "marker": "python_full_version < '3.13' and os_name != 'nt'", "specifier": ">=1"},
    ]


def test_a_source_whose_marker_excludes_the_requirement_does_not_apply(tmp_path: Path) -> None:
    source = "a = { path = 'a', marker = \"sys_platform == 'linux'\" }"
    assert entries(tmp_path, "[\"a>=1 ; sys_platform == 'win32'\"]", source) == [
        {"name": "a", "marker": "sys_platform == 'win32'", "specifier": ">=1"}
    ]


def test_a_source_limited_to_an_extra_applies_there_only(tmp_path: Path) -> None:
    extras = "optional-dependencies = { x = ['a>=1'], y = ['a<2'] }"
    assert entries(tmp_path, "['a']", "a = { path = 'a', extra = 'x' }", extras) == [
        {"name": "a"},
        {"name": "a", "marker": "extra == 'x'", "directory": "a"},
        {"name": "a", "marker": "extra == 'y'", "specifier": "<2"},
    ]


def test_an_index_for_an_extra_keeps_the_specifier_and_notes_the_conflict(tmp_path: Path) -> None:
    extras = "optional-dependencies = { gpu = ['t>2'] }"
    source = (
        "t = { index = 'gpu', extra = 'gpu' }\n[[tool.uv.index]]\nname = 'gpu'\nurl = 'https://u:p@index.example/gpu'"
    )
    assert entries(tmp_path, "[]", source, extras) == [
        {
            "name": "t",
            "marker": "extra == 'gpu'",
            "specifier": ">2",
            "index": "https://index.example/gpu",
            "conflict": {"package": "app", "extra": "gpu"},
        }
    ]


def test_a_source_limited_to_a_group_does_not_reach_groups_that_include_it(tmp_path: Path) -> None:
    text = "dependencies = ['a']\n[dependency-groups]\ng = ['a']\nh = [{ include-group = 'g' }]\n"
    text += "[tool.uv.sources]\na = { path = 'a', group = 'g' }\n"
    (member,) = read(tmp_path, project(text) | LIBRARY).manifest.members
    assert {group.name: in_order(group.requirements) for group in member.groups} == {
        "g": [{"name": "a", "directory": "a"}],
        "h": [{"name": "a"}],
    }
    assert in_order(member.requires_dist) == [{"name": "a"}]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{ path = './x/../a/' }", {"directory": "a"}),
        ("{ path = 'a', editable = true }", {"editable": "a"}),
        ("{ path = 'a', package = false }", {"virtual": "a"}),
        ("{ path = 'wheels/a-1.0-py3-none-any.whl' }", {"path": "wheels/a-1.0-py3-none-any.whl"}),
        ("{ url = 'https://u:p@files.example/a-1.0.zip', subdirectory = './b/' }",
         {"url": "https://files.example/a-1.0.zip", "subdirectory": "b"}),
        ("{ git = 'https://git.example/a.git' }", {"git": "https://git.example/a.git"}),
        ("{ git = 'git+https://u:p@git.example/a.git#x', branch = 'feat/x' }",
         {"git": "https://git.example/a.git?branch=feat%2Fx"}),
        ("{ git = 'ssh://git@git.example/a.git', tag = 'v1', subdirectory = 'b' }",
         {"git": "ssh://git@git.example/a.git?subdirectory=b&tag=v1"}),
        ("{ git = 'https://git.example/a.git', path = 'dist/a-1.0-py3-none-any.whl' }",
         {"git": "https://git.example/a.git?path=dist%2Fa-1.0-py3-none-any.whl"}),
    ],
)  # fmt: skip
def test_every_kind_of_source_is_lowered(tmp_path: Path, source: str, expected: dict[str, str]) -> None:
    assert entries(tmp_path, "['a[x,Y_z]>=1']", f"A = {source}") == [{"name": "a", "extras": ["x", "y-z"], **expected}]


def test_an_absolute_path_stays_absolute(tmp_path: Path) -> None:
    assert entries(tmp_path, "['a']", f"a = {{ path = '{tmp_path.as_posix()}/a' }}") == [
        {"name": "a", "directory": f"{tmp_path.as_posix()}/a"}
    ]


def test_a_file_url_in_a_requirement_is_a_path(tmp_path: Path) -> None:
    wheel = f"{tmp_path.as_posix()}/wheels/a-1.0-py3-none-any.whl"
    assert entries(tmp_path, f"['a @ file://{wheel}']", "") == [{"name": "a", "path": wheel}]
    assert entries(tmp_path, "['a @ file:///${PROJECT_ROOT}/a']", "") == [{"name": "a", "directory": "a"}]


def test_a_source_takes_the_place_of_a_url_in_the_requirement(tmp_path: Path) -> None:
    url = "['a @ https://files.example/a-1.0-py3-none-any.whl']"
    assert entries(tmp_path, url, "a = { path = 'a' }") == [{"name": "a", "directory": "a"}]


def test_sources_can_be_switched_off_for_all_or_for_one_package(tmp_path: Path) -> None:
    sources = "a = { path = 'a' }\nb = { path = 'zz' }"
    assert entries(tmp_path, "['a', 'b']", sources, no_sources=True) == [{"name": "a"}, {"name": "b"}]
    assert entries(tmp_path, "['a', 'b']", sources, no_sources_package=("b",)) == [
        {"name": "a", "directory": "a"},
        {"name": "b"},
    ]


def test_a_source_that_nothing_requires_is_not_looked_at(tmp_path: Path) -> None:
    assert entries(tmp_path, "['b']", "zz = { path = 'zz' }\nyy = { index = 'yy' }") == [{"name": "b"}]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a = { path = 'a', index = 'x' }", "a source is both path and index"),
        ("a = { marker = \"os_name == 'nt'\" }", "a source says nothing of where it is"),
        ("a = { path = 'zz' }", "zz does not exist"),
        ("a = { path = 'wheels/a-1.0-py3-none-any.whl', editable = true }", "cannot be editable"),
        ("a = { path = 'pyproject.toml' }", "names no wheel or source distribution"),
        ("a = { path = 'a', editable = true, package = false }", "editable and not a package"),
        ("a = { path = 'a', rev = 'x' }", "a source of kind path has no rev"),
        ("a = { path = 'a', foo = 1 }", "a source has no foo"),
        ("a = { index = 'nope' }", "no index is named 'nope'"),
        ("a = { workspace = true }", "a is not a member of the workspace"),
        ("a = { workspace = false }", "workspace = false is not a source"),
        ("a = { git = 'https://git.example/a.git', rev = 'x', tag = 'y' }", "a git source names rev and tag"),
        ("a = { git = 'foo://git.example/a.git' }", "git cannot be used over foo"),
        ("a = { git = './repository' }", "'./repository' is not an absolute URL"),
        (
            "a = { git = 'https://g.example/a.git', path = 'x.whl', subdirectory = 'y' }",
            "both a subdirectory and a path",
        ),
        ("a = { git = 'https://g.example/a.git', path = 'x' }", "names no wheel or source distribution"),
        ("a = { url = 'https://files.example/a.exe' }", "names no wheel or source distribution"),
        ("a = { url = 'file:///a.zip' }", "a url source cannot be a file URL"),
        ("a = { url = 'https://files.example/a.zip#x=y' }", "has a fragment"),
        ("a = { path = 'a', extra = 'q' }", "limited to the extra 'q', which does not exist"),
        ("a = { path = 'a', extra = 'x' }", "limited to the extra 'x', which does not require it"),
        ("a = { path = 'a', group = 'q' }", "limited to the group 'q', which does not exist"),
        ("a = { path = 'a', group = 'q', extra = 'x' }", "limited to an extra and a group"),
        ("a = []", "the list of sources of a is empty"),
        ("a = 3", "must be a table or a list of tables"),
        ("a = { path = 'a' }\nA = { path = 'a' }", "two sources are given for a"),
        ("a = [{ path = 'a' }, { url = 'https://files.example/a.zip' }]", "each of several sources needs a marker"),
        ("a = { path = 'a', marker = 'zz' }", "'zz' is not a marker"),
        (
            """a = [
                { path = 'a', marker = "sys_platform == 'linux'" },
                { url = 'https://files.example/a.zip', marker = "os_name == 'posix'" },
            ]""",
            "write os_name == 'posix' and sys_platform != 'linux' for the second",
        ),
    ],
)
def test_a_malformed_source_is_refused(tmp_path: Path, source: str, message: str) -> None:
    text = f"dependencies = ['a']\noptional-dependencies = {{ x = ['b'] }}\n[tool.uv.sources]\n{source}\n"
    assert message in refusal(tmp_path, project(text) | LIBRARY)


@pytest.mark.parametrize("dependency", ["a @ ./a", "a @ https://files.example/a", "a @ foo:bar"])
def test_a_url_that_cannot_be_fetched_is_refused(tmp_path: Path, dependency: str) -> None:
    assert "pyproject.toml, [project] dependencies, a" in refusal(
        tmp_path, project(f"dependencies = ['{dependency}']\n") | LIBRARY
    )


def test_credentials_in_sources_are_kept_apart_and_never_shown(tmp_path: Path) -> None:
    text = "dependencies = ['a']\n[tool.uv.sources]\na = { url = 'https://bob:secret@files.example/a.zip' }\n"
    result = read(tmp_path, project(text))
    assert result.credentials == (("https://files.example/a.zip", "bob", "secret"),)
    assert "secret" not in repr(result.manifest)
    assert "secret" not in refusal(tmp_path, project(text.replace("a.zip", "a.exe")))


def test_constraints_and_overrides_go_through_the_sources_of_the_root(tmp_path: Path) -> None:
    text = "[tool.uv]\nconstraint-dependencies = ['a<3']\noverride-dependencies = ['a<3']\n"
    text += "[tool.uv.sources]\na = { path = 'a', marker = \"os_name == 'nt'\" }\n"
    manifest = read(tmp_path, project(text) | LIBRARY).manifest
    both = [
        {"name": "a", "marker": "os_name == 'nt'", "directory": "a"},
        {"name": "a", "marker": "os_name != 'nt'", "specifier": "<3"},
    ]
    assert in_order(manifest.constraints) == both
    assert in_order(tuple(part for override in manifest.overrides for part in override.requirements)) == both
