"""Whole runs on projects whose parts lie beside them: what their build backends say, and what changes there."""

from __future__ import annotations

import tomllib
from pathlib import Path

from lockflow import steps
from support.run import Run, run_lock
from support.trees import backend_files, write_tree
from support.web import Web

ROOT = """[project]
name = "root"
version = "1"
requires-python = ">=3.11"
dependencies = ["alpha"]

[tool.uv.sources]
alpha = { path = "alpha" }
beta = { path = "beta" }
"""
DECLARED = '[project]\nname = "%s"\nversion = "1"\nrequires-python = ">=3.11"\n'


def lock(folder: Path, *args: str) -> Run:
    return run_lock(folder, ["lock", *args], Web(), cache=folder.parent / "cache")


def packages(folder: Path) -> dict[str, dict[str, object]]:
    document = tomllib.loads((folder / "uv.lock").read_text(encoding="utf-8"))
    return {package["name"]: package for package in document["package"]}


def project(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    write_tree(folder, {"pyproject.toml": ROOT.encode(), "alpha/pyproject.toml": (DECLARED % "alpha").encode()})
    write_tree(folder / "beta", {"pyproject.toml": (DECLARED % "beta").encode()})
    return folder


def test_lock_is_stale_once_a_tree_beside_it_declares_something_else(tmp_path: Path) -> None:
    folder = project(tmp_path)
    assert lock(folder).code == 0
    assert lock(folder, "--check").code == 0
    changed = (DECLARED % "alpha") + "[project.optional-dependencies]\nx = []\n"
    (folder / "alpha/pyproject.toml").write_text(changed, encoding="utf-8")
    run = lock(folder, "--check")
    assert run.code == 1
    assert "the extras of alpha changed: with x" in run.said


def test_inputs_change_with_a_tree_beside_the_project(tmp_path: Path) -> None:
    folder = project(tmp_path)
    target = steps.Target(directory=folder, environment={})
    assert steps.write_inputs(target, tmp_path / "inputs.json")
    assert not steps.write_inputs(target, tmp_path / "inputs.json")
    (folder / "alpha/pyproject.toml").write_text((DECLARED % "alpha") + "dependencies = []\n", encoding="utf-8")
    assert folder / "alpha/pyproject.toml" in steps.inputs(target).input_files
    assert steps.write_inputs(target, tmp_path / "inputs.json")


def test_member_whose_backend_knows_its_dependencies_is_asked(tmp_path: Path) -> None:
    folder = project(tmp_path)
    files = backend_files("root", "1", requires=("beta", 'alpha; extra == "x"'), more=EXTRAS)
    dynamic = 'dynamic = ["dependencies", "optional-dependencies"]'
    text = ROOT.replace('dependencies = ["alpha"]', dynamic) + files["pyproject.toml"].decode()
    write_tree(folder, {"pyproject.toml": text.encode(), "backend.py": files["backend.py"]})
    run = lock(folder)
    assert run.code == 0, run.said
    root = packages(folder)["root"]
    assert root["metadata"] == {
        "requires-dist": [
            {"name": "alpha", "marker": "extra == 'x'", "directory": "alpha"},
            {"name": "beta", "directory": "beta"},
        ],
        "provides-extras": ["x"],
    }
    assert root["version"] == "1"
    assert lock(folder, "--check").code == 0


EXTRAS = "def extra(settings):\n    return ['Provides-Extra: x']\n"


def test_member_that_must_not_be_built_is_an_answer(tmp_path: Path) -> None:
    folder = project(tmp_path)
    text = ROOT.replace('dependencies = ["alpha"]', 'dynamic = ["dependencies"]')
    text = text.replace("[tool.uv.sources]", "[tool.uv]\nno-build = true\n\n[tool.uv.sources]")
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    run = lock(folder)
    assert run.code == 1
    assert "known to its build backend alone" in run.said


def test_tree_with_a_dynamic_version_is_locked_without_it(tmp_path: Path) -> None:
    folder = project(tmp_path)
    files = backend_files("alpha", "3", requires=("beta",))
    text = '[project]\nname = "alpha"\ndynamic = ["version"]\ndependencies = ["beta"]\n'
    text += '[tool.uv.sources]\nbeta = { path = "../beta", editable = true }\n'
    write_tree(folder / "alpha", files | {"pyproject.toml": text.encode() + files["pyproject.toml"]})
    run = lock(folder)
    assert run.code == 0, run.said
    assert "version" not in packages(folder)["alpha"]
    assert packages(folder)["beta"]["source"] == {"editable": "beta"}
    assert lock(folder, "--check").code == 0
