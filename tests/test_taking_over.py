"""`init --take-over`: what other tools' files ask for becomes a project that locks, and what does not is told."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from lockflow.taking_over.bounds import InvalidConstraint, as_specifiers
from support.workbench import Workbench

INDEX = "https://index.example/simple"
POETRY = """\
# mine
[tool.poetry]
name = "My_App"
version = "1.2.3"
description = 'It "does" things'
packages = [{ include = "my_app" }]

[tool.poetry.dependencies]
python = "^3.11"
apple = "^1.0"
core = [{ version = "<2", python = "<3.12" }, { version = ">=1,<3", python = ">=3.12" }]
pear = { version = "~2.1", extras = ["fast"], optional = true }
lib = { path = "../lib", develop = true }
tool = { git = "https://git.example/tool.git", tag = "v2", subdirectory = "py" }
plum = { version = "*", source = "fruit", platform = "linux" }
weird = "<1 || >3"
early = { version = "^1.0", allow-prereleases = true }

[tool.poetry.extras]
fast = ["pear"]

[tool.poetry.group.dev.dependencies]
fig = "*"
[tool.poetry.group.docs]
optional = true
dependencies = { fig = "^2" }

[[tool.poetry.source]]
name = "fruit"
url = "https://user:secret@fruit.example/simple"
priority = "explicit"

[tool.poetry.scripts]
app = "my_app:main"
"""
REQUIREMENTS = {
    "requirements.in": (
        "--index-url https://user:secret@index.example/simple\n--find-links wheels\n--trusted-host index.example\n"
        "-c constraints.txt\napple>=1\ncore<2 ; python_version < '3.12'\n-e .\n-e ./libs/inner\n"
        "git+https://git.example/x.git@v1#egg=xlib\npkg @ https://files.example/pkg-1.0.tar.gz\nbad ==\n"
    ),
    "requirements.txt": "apple==1.0 \\\n    --hash=sha256:00\n",
    "constraints.txt": "core<3\n",
    "requirements-dev.txt": "-r requirements.txt\npear\n",
    "requirements/docs.txt": "-r ../requirements-dev.txt\nfig\n",
    "libs/inner/pyproject.toml": '[project]\nname = "inner"\nversion = "1"\nrequires-python = ">=3.9"\n',
}
PIPFILE = """\
[[source]]
url = "https://index.example/simple"
name = "main"
[[source]]
url = "https://fruit.example/simple"
name = "fruit"
[packages]
apple = "*"
core = ">=1,<3"
plum = { version = "==1.0", index = "fruit" }
pear = { version = "*", sys_platform = "== 'win32'" }
lib = { git = "https://git.example/lib.git", ref = "abc" }
[dev-packages]
fig = "~=1.0"
[requires]
python_version = "3.11"
[scripts]
x = "y"
"""
SETUP_CFG = """\
[metadata]
name = old
version = attr: old.__version__
[options]
python_requires = >=3.9
install_requires =
    apple>=1
    core;python_version<"3.12"
[options.extras_require]
fast =
    pear
"""


def taken(bench: Workbench, files: dict[str, str], *words: str) -> tuple[dict[str, Any], str]:
    """The project that comes of the files, and what was said."""
    for name, text in files.items():
        (bench.project / name).parent.mkdir(parents=True, exist_ok=True)
        (bench.project / name).write_text(text, encoding="utf-8")
    run = bench.run("init", "--take-over", *words)
    assert run.code == 0, run.said
    return tomllib.loads((bench.project / "pyproject.toml").read_text(encoding="utf-8")), run.said


def test_poetry_becomes_a_project_with_groups_extras_and_sources(bench: Workbench) -> None:
    made, said = taken(bench, {"pyproject.toml": POETRY})
    text = (bench.project / "pyproject.toml").read_text(encoding="utf-8")
    assert POETRY.partition("[[tool.poetry.source]]")[0] in text
    assert made["project"] == {
        "name": "my-app",
        "version": "1.2.3",
        "description": 'It "does" things',
        "requires-python": ">=3.11,<4.0",
        "dependencies": [
            "apple>=1.0,<2.0",
            "core<2 ; python_version < '3.12'",
            "core>=1,<3 ; python_version >= '3.12'",
            "lib",
            "tool",
            "plum ; sys_platform == 'linux'",
            "early>=1.0,<2.0",
        ],
        "optional-dependencies": {"fast": ["pear[fast]>=2.1,<2.2"]},
        "scripts": {"app": "my_app:main"},
    }
    assert made["dependency-groups"] == {"dev": ["fig"], "docs": ["fig>=2,<3"]}
    assert made["tool"]["uv"] == {
        "sources": {
            "lib": {"path": "../lib", "editable": True},
            "tool": {"git": "https://git.example/tool.git", "tag": "v2", "subdirectory": "py"},
            "plum": {"index": "fruit"},
        },
        "index": [{"name": "fruit", "url": "https://fruit.example/simple", "explicit": True}],
    }
    for words in (
        "weird: '<1 || >3' has alternatives that one requirement cannot say",
        "early: allow-prereleases is left out",
        "[tool.poetry] stays, as what builds packages reads it: packages",
        "credentials of https://fruit.example/simple are left out",
    ):
        assert words in said
    assert "secret" not in said


def test_groups_of_poetry_that_are_installed_unasked_stay_so(bench: Workbench) -> None:
    groups = '[tool.poetry.group.test.dependencies]\nfig = "1"\n[tool.poetry.group.lint.dependencies]\npear = "*"\n'
    made, _ = taken(bench, {"pyproject.toml": f'[tool.poetry]\nname = "x"\n{groups}'})
    assert made["tool"]["uv"]["default-groups"] == ["test", "lint"]


def test_a_project_table_is_left_alone_and_groups_of_poetry_are_offered(bench: Workbench) -> None:
    text = '[project]\nname = "x"\nversion = "1"\n\n[tool.poetry.group.dev.dependencies]\nfig = "^1"\n'
    (bench.project / "pyproject.toml").write_text(text, encoding="utf-8")
    run = bench.run("init", "--dry-run")
    assert run.code == 0
    assert "Not taken over without --take-over: [tool.poetry], group dev: fig>=1,<2" in run.said
    made, _ = taken(bench, {})
    assert made["project"] == {"name": "x", "version": "1"}
    assert made["dependency-groups"] == {"dev": ["fig>=1,<2"]}


def test_requirements_files_become_a_project_and_groups(bench: Workbench) -> None:
    made, said = taken(bench, REQUIREMENTS)
    assert made["project"]["dependencies"] == ["apple>=1", "core<2 ; python_version < '3.12'", "inner", "xlib", "pkg"]
    assert made["dependency-groups"] == {"docs": [{"include-group": "dev"}, "fig"], "dev": ["pear"]}
    assert made["tool"]["uv"] == {
        "find-links": ["wheels"],
        "constraint-dependencies": ["core<3"],
        "sources": {
            "inner": {"path": "libs/inner", "editable": True},
            "xlib": {"git": "https://git.example/x.git", "rev": "v1"},
            "pkg": {"url": "https://files.example/pkg-1.0.tar.gz"},
        },
        "index": [{"url": INDEX, "default": True}],
    }
    for words in (
        "requirements.in, line 11: bad ==:",
        "requirements.in, line 3: --trusted-host index.example is left out",
        "requirements.txt: uv.lock takes its place; `lockflow add -r requirements.in -c requirements.txt` keeps",
        f"credentials of {INDEX} are left out",
        "no version was found",
    ):
        assert words in said
    assert "secret" not in said + (bench.project / "pyproject.toml").read_text(encoding="utf-8")


def test_a_pipfile_becomes_a_project(bench: Workbench) -> None:
    made, said = taken(bench, {"Pipfile": PIPFILE})
    assert made["project"]["requires-python"] == ">=3.11"
    assert made["project"]["dependencies"] == [
        "apple", "core>=1,<3", "plum==1.0", "pear ; sys_platform == 'win32'", "lib",
    ]  # fmt: skip
    assert made["dependency-groups"] == {"dev": ["fig~=1.0"]}
    assert [entry["name"] for entry in made["tool"]["uv"]["index"]] == ["main", "fruit"]
    assert made["tool"]["uv"]["sources"]["plum"] == {"index": "fruit"}
    assert "Pipfile, scripts is left out" in said


def test_setup_cfg_becomes_a_project_and_requirements_files_its_groups(bench: Workbench) -> None:
    files = {"setup.cfg": SETUP_CFG, "setup.py": "", "requirements.txt": "apple==1", "requirements-test.txt": "fig"}
    made, said = taken(bench, files)
    assert made["project"]["name"] == "old"
    assert made["project"]["dependencies"] == ["apple>=1", 'core;python_version<"3.12"']
    assert made["project"]["optional-dependencies"] == {"fast": ["pear"]}
    assert made["dependency-groups"] == {"test": ["fig"]}
    assert "setup.cfg, version is computed (attr: old.__version__); write it down" in said
    assert "setup.py is a program" in said


def test_groups_of_pdm_become_groups_and_environments_of_hatch_are_told(bench: Workbench) -> None:
    text = (
        '[project]\nname = "x"\nversion = "1"\n\n[tool.pdm.dev-dependencies]\n'
        'test = ["fig>=1", "-e file:///x#egg=x"]\n\n[tool.hatch.envs.docs]\ndependencies = ["fig"]\n'
    )
    made, said = taken(bench, {"pyproject.toml": text})
    assert made["dependency-groups"] == {"test": ["fig>=1"]}
    assert "[tool.pdm] group test: -e file:///x#egg=x" in said
    assert "[tool.hatch] environments are left out: docs" in said


def test_a_member_of_a_workspace_sets_up_its_root(bench: Workbench) -> None:
    bench.write(more='\n[tool.uv.workspace]\nmembers = ["inner"]\n')
    bench.write(name="inner", folder="inner")
    assert bench.run("init", folder="inner").code == 0
    assert (bench.project / "dodo.py").is_file()
    assert not (bench.project / "inner" / "dodo.py").exists()


@pytest.mark.parametrize("name", ["environment.yml", "conda-lock.yml", "setup.py"])
def test_what_cannot_be_taken_over_is_recognised(bench: Workbench, name: str) -> None:
    (bench.project / name).write_text("dependencies: []\n", encoding="utf-8")
    run = bench.run("init", "--take-over")
    assert run.code == 2
    assert f"cannot be: {name}" in run.said
    assert not (bench.project / "pyproject.toml").exists()


@pytest.mark.parametrize(("name", "text", "said"), [
    ("Pipfile", "[packages", "Pipfile is no TOML"),
    ("requirements.txt", "-r gone.txt", "gone.txt cannot be read"),
    ("pyproject.toml", "[tool.poetry", "pyproject.toml cannot be edited"),
])  # fmt: skip
def test_a_broken_file_is_one_error_and_nothing_is_written(bench: Workbench, name: str, text: str, said: str) -> None:
    (bench.project / name).write_text(text, encoding="utf-8")
    run = bench.run("init", "--take-over")
    assert run.code == 2
    assert f"error: {said}" in run.said
    assert [path.name for path in bench.project.iterdir()] == [name]


@pytest.mark.parametrize("files", [{"pyproject.toml": POETRY}, REQUIREMENTS, {"Pipfile": PIPFILE}], ids=str)
def test_a_second_time_nothing_is_changed(bench: Workbench, files: dict[str, str]) -> None:
    taken(bench, files)
    before = (bench.project / "pyproject.toml").read_bytes()
    taken(bench, {})
    assert (bench.project / "pyproject.toml").read_bytes() == before


def test_what_was_taken_over_locks(bench: Workbench) -> None:
    bench.offer("pear", "2.1.4").offer("fig", "1.0").offer("fig", "2.2")
    files = {
        "requirements.in": f"-i {INDEX}\napple\npear~=2.1\n",
        "requirements-dev.in": "fig<2\n",
        ".gitignore": "",
    }
    taken(bench, files)
    run = bench.run("lock")
    assert run.code == 0, run.said
    assert bench.run("lock", "--check").code == 0


@pytest.mark.parametrize(("constraint", "specifiers"), [
    ("^1.2.3", ">=1.2.3,<2.0.0"), ("^0.2.3", ">=0.2.3,<0.3.0"), ("^0.0.3", ">=0.0.3,<0.0.4"), ("^0.0", ">=0.0,<0.1"),
    ("^0", ">=0,<1"), ("~1.2.3", ">=1.2.3,<1.3.0"), ("~1", ">=1,<2"), ("1.2.*", "==1.2.*"), ("2.x", "==2.*"),
    ("*", ""), ("", ""), ("1.2", "==1.2"), ("=1.2", "==1.2"), (">=1 <2", ">=1,<2"), ("^1.0 || ^2.0", ">=1.0,<3.0"),
    ("^1.0.0a1", ">=1.0.0a1,<2.0.0"), ("^1.2,!=1.3", ">=1.2,<2.0,!=1.3"), ("* || ^1", ""),
])  # fmt: skip
def test_a_constraint_of_poetry_is_a_specifier(constraint: str, specifiers: str) -> None:
    assert as_specifiers(constraint) == specifiers


@pytest.mark.parametrize("constraint", ["latest", "<1 || >3", "^1 || ^3", "1 &", "^", ">=a"])
def test_a_constraint_that_no_requirement_can_say_is_refused(constraint: str) -> None:
    with pytest.raises(InvalidConstraint):
        as_specifiers(constraint)


def test_nothing_of_a_stranger_is_overwritten(bench: Workbench) -> None:
    files = {"requirements.txt": "apple\n", "Makefile": "all:\n", "dodo.py": "# mine\n"}
    taken(bench, files)
    assert {name: Path(bench.project, name).read_text(encoding="utf-8") for name in files} == files
