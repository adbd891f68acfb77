from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockflow.inputs.model import Manifest
from lockflow.inputs.workspace import matches
from lockflow.standards.requirements import Directory, Registry
from support.manifests import in_order, read, refusal, write_files


def member(name: str, more: str = "", *, python: str = ">=3.9", dependencies: str = "[]") -> str:
    return (
        f'[project]\nname = "{name}"\nversion = "1"\nrequires-python = "{python}"\n'
        f"dependencies = {dependencies}\n{more}\n"
    )


ROOT = member("app", python=">=3.11")
M = "[tool.uv.workspace]\nmembers = ['m*']\n"


def places(manifest: Manifest) -> dict[str, tuple[str, str]]:
    return {found.name: (found.install, found.path) for found in manifest.members}


def test_members_are_sorted_by_name_and_share_one_python_range(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": ROOT + M,
        "m1/pyproject.toml": member("zz", python=">=3.9,<3.14"),
        "m2/pyproject.toml": member("Aa_B"),
    }
    result = read(tmp_path, files)
    assert places(result.manifest) == {"aa-b": ("virtual", "m2"), "app": ("virtual", "."), "zz": ("virtual", "m1")}
    assert result.manifest.requires_python.text == ">=3.11, <3.14"
    assert [path.relative_to(tmp_path).as_posix() for path in result.input_files] == [
        "pyproject.toml",
        "m1/pyproject.toml",
        "m2/pyproject.toml",
    ]


def test_the_workspace_is_found_from_a_folder_inside_a_member(tmp_path: Path) -> None:
    files = {"pyproject.toml": ROOT + M, "m1/pyproject.toml": member("m1"), "m1/src/x.py": ""}
    result = read(tmp_path, files, at="m1/src")
    assert result.root == tmp_path
    assert result.lock_path == tmp_path / "uv.lock"
    assert set(places(result.manifest)) == {"app", "m1"}


@pytest.mark.parametrize("table", ["members = ['m*']\nexclude = ['m1']", "members = ['other']"])
def test_a_project_that_the_workspace_does_not_want_is_a_root_of_its_own(tmp_path: Path, table: str) -> None:
    files = {"pyproject.toml": f"{ROOT}[tool.uv.workspace]\n{table}\n", "m1/pyproject.toml": member("m1")}
    result = read(tmp_path, files, at="m1")
    assert result.root == tmp_path / "m1"
    assert places(result.manifest) == {"m1": ("virtual", ".")}


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("members = ['m/**/b', './m/c/']", {"b", "c"}),
        ("members = ['m/**']\nexclude = ['m', 'm/a']", {"b", "c"}),
        ("members = ['m/*']\nexclude = ['m/a*']", {"c"}),
        ("members = ['m/[a-c]']\nexclude = ['m/a']", {"c"}),
        ("members = ['m/{c,d}']", set()),
        ("members = ['nothing']", set()),
        ("members = ['../outside']", {"outside"}),
    ],
)
def test_members_are_found_by_patterns(tmp_path: Path, table: str, found: set[str]) -> None:
    files = {
        "w/pyproject.toml": f"{ROOT}[tool.uv.workspace]\n{table}\n",
        "w/m/a/b/pyproject.toml": member("b"),
        "w/m/c/pyproject.toml": member("c"),
        "outside/pyproject.toml": member("outside"),
    }
    assert set(places(read(tmp_path, files, at="w").manifest)) == {"app", *found}


def test_folders_that_hold_no_project_are_passed_over(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": f"{ROOT}[tool.uv.workspace]\nmembers = ['*']\n",
        "file.txt": "",
        ".hidden/x": "",
        "caches/__pycache__/x.pyc": "",
        "unmanaged/pyproject.toml": member("unmanaged", "[tool.uv]\nmanaged = false"),
        "m/pyproject.toml": member("m"),
    }
    (tmp_path / "empty").mkdir()
    assert set(places(read(tmp_path, files).manifest)) == {"app", "m"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"m1/x.txt": ""}, "the workspace member m1 has no pyproject.toml"),
        ({"m1/pyproject.toml": "[tool.x]\n"}, "the workspace member m1 has no [project]"),
        ({"m1/pyproject.toml": member("app")}, "two members of the workspace are named app"),
        ({"m1/pyproject.toml": member("m1", M)}, "the workspace member m1 is a workspace itself"),
        ({"m1/pyproject.toml": member("m1", python="<3.9")}, "app requires >=3.11\n         m1 requires <3.9"),
        ({"m1/pyproject.toml": member("m1", dependencies="['app']")}, "app is a member of the workspace, but has no"),
        (
            {"m1/pyproject.toml": member("m1", "[tool.uv.sources]\napp = { path = '..' }", dependencies="['app']")},
            "app is a member of the workspace, but comes from its path",
        ),
        ({"m1/pyproject.toml": "x ="}, "m1/pyproject.toml is not valid TOML"),
    ],
)  # fmt: skip
def test_a_malformed_workspace_is_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    assert message in refusal(tmp_path, {"pyproject.toml": ROOT + M, **files})


def test_faults_of_several_members_are_told_together(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": ROOT + M,
        "m1/pyproject.toml": member("m1", dependencies="['a >>1']"),
        "m2/pyproject.toml": "x =",
    }
    message = refusal(tmp_path, files)
    assert "m1/pyproject.toml, line 5, [project] dependencies[0]" in message
    assert "m2/pyproject.toml is not valid TOML" in message


@pytest.mark.parametrize(
    ("asked", "own", "install"),
    [
        ("", "", "virtual"),
        ("", "[build-system]\nrequires = []", "editable"),
        ("m2 = { workspace = true }", "", "editable"),
        ("m2 = { workspace = true, editable = true }", "", "editable"),
        ("m2 = { workspace = true, editable = false }", "", "directory"),
        ("m2 = { workspace = true, editable = true }", "[tool.uv]\npackage = false", "virtual"),
        ("", "[tool.uv]\npackage = true", "editable"),
        ("", "[tool.uv]\npackage = false\n[build-system]\nrequires = []", "virtual"),
        ("", "[tool.uv.sources]\nm2 = { workspace = true, editable = true }", "virtual"),
    ],
)
def test_how_a_member_is_installed(tmp_path: Path, asked: str, own: str, install: str) -> None:
    files = {
        "pyproject.toml": ROOT + M,
        "m1/pyproject.toml": member("m1", f"[tool.uv.sources]\n{asked}"),
        "m2/pyproject.toml": member("m2", own),
    }
    assert places(read(tmp_path, files).manifest)["m2"] == (install, "m2")


def test_requests_that_disagree_about_editable_are_refused(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": ROOT + M,
        "m1/pyproject.toml": member("m1", "[tool.uv.sources]\nm2 = { workspace = true, editable = true }"),
        "m2/pyproject.toml": member("m2"),
        "m3/pyproject.toml": member("m3", "[tool.uv.sources]\nm2 = { workspace = true, editable = false }"),
    }
    assert "m2 is requested as editable and as not editable" in refusal(tmp_path, files)


def test_a_member_inherits_sources_of_the_root_unless_it_has_its_own(tmp_path: Path) -> None:
    root = ROOT + M + "[tool.uv.sources]\na = { path = 'pa' }\nb = { path = 'pb' }\n"
    own = "[tool.uv.sources]\nb = { index = 'i' }\n[[tool.uv.index]]\nname = 'i'\nurl = '../wheels'\nformat = 'flat'\n"
    write_files(tmp_path, {"pa/x": "", "pb/x": "", "m1/pyproject.toml": member("m1", own, dependencies="['a', 'b']")})
    manifest = read(tmp_path, {"pyproject.toml": root}).manifest
    assert in_order(manifest.members[1].requires_dist) == [
        {"name": "a", "directory": "pa"},
        {"name": "b", "index": "wheels"},
    ]
    explicit, default = manifest.settings.indexes
    assert (explicit.name, explicit.url, explicit.is_explicit, explicit.is_flat) == ("i", "wheels", True, True)
    assert default.is_default


def test_a_member_below_another_project_does_not_see_the_sources_of_the_root(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": ROOT
        + "[tool.uv.workspace]\nmembers = ['m1', 'm1/*']\n[tool.uv.sources]\napp = {workspace=true}\n",
        "m1/pyproject.toml": member("m1", dependencies="['app']"),
        "m1/inner/pyproject.toml": member("inner", dependencies="['app']"),
    }
    members = {found.name: found for found in read(tmp_path, files).manifest.members}
    assert isinstance(members["m1"].requires_dist[0].source, Directory)
    assert isinstance(members["inner"].requires_dist[0].source, Registry)


def test_a_member_of_another_workspace_can_be_a_source(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": member("app", "[tool.uv.sources]\nm = { workspace = 'other' }", dependencies="['m']"),
        "other/pyproject.toml": member("oth", M),
        "other/m/pyproject.toml": member("m"),
    }
    (found,) = read(tmp_path, files).manifest.members
    assert in_order(found.requires_dist) == [{"name": "m", "editable": "other/m"}]
    files["pyproject.toml"] = files["pyproject.toml"].replace("'other'", "'nowhere'")
    assert "m is not a member of the workspace at nowhere" in refusal(tmp_path, files)


def test_conflicts_of_all_members_are_joined_in_the_order_of_names(tmp_path: Path) -> None:
    table = "[tool.uv]\nconflicts = [[{ extra = 'x' }, { extra = 'y' }]]\n"
    files = {
        "pyproject.toml": member("zz", table + M, python=">=3.11"),
        "m1/pyproject.toml": member("m1", table),
        "m2/pyproject.toml": member("aa", table),
    }
    manifest = read(tmp_path, files).manifest
    assert [items[0].package for items in manifest.conflicts] == ["aa", "m1", "zz"]


def test_a_member_s_resolver_settings_have_no_effect_and_a_warning_says_so(tmp_path: Path) -> None:
    more = "[tool.uv]\nresolution = 'lowest'\nconstraint-dependencies = ['a<2']\n"
    files = {"pyproject.toml": ROOT + M, "m1/pyproject.toml": member("m1", more)}
    result = read(tmp_path, files, at="m1")
    assert result.manifest.settings.resolution.value == "highest"
    assert result.manifest.constraints == ()
    (warning,) = result.warnings
    assert warning.startswith(
        "m1/pyproject.toml: [tool.uv] resolution, constraint-dependencies has no effect in a member"
    )


def test_no_project_here_says_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lockflow.inputs.read.find_project", lambda _start, _folders: None)
    assert f"there is no project here\n  where: {tmp_path.as_posix()}" in refusal(tmp_path, {})


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b'[project]\nname = "\xff"\n')
    message = refusal(tmp_path, {})
    assert "pyproject.toml is not UTF-8" in message
    assert "byte 0xff in line 2" in message


@pytest.mark.parametrize(
    ("pattern", "text", "result"),
    [
        ("m*", "m1", True),
        ("*", "", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("[!a-c]x", "dx", True),
        ("[!a-c]x", "bx", False),
        ("[]]", "]", True),
        ("[a", "[a", True),
        ("a*b*c", "axxbxxc", True),
        ("a*b*c", "axxcxxb", False),
        ("*a" * 40, "a" * 39 + "b", False),
    ],
)
def test_shell_patterns(pattern: str, text: str, result: bool) -> None:
    assert matches(pattern, text) is result


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_shell_patterns_agree_with_brute_search(pattern: str, text: str) -> None:
    def brute(p: str, t: str) -> bool:
        if not p:
            return not t
        if p[0] == "*":
            return any(brute(p[1:], t[start:]) for start in range(len(t) + 1))
        return bool(t) and p[0] in ("?", t[0]) and brute(p[1:], t[1:])

    assert matches(pattern, text) is brute(pattern, text)
