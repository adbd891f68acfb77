"""What settings add to builds: requirements, variables and options of the backend, as uv adds them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from support.archives import core_metadata, zip_archive
from support.reference import run_uv, uv_path
from support.run import Run, run_lock
from support.trees import backend_files, write_tree
from support.web import Web

ROOT = """[project]
name = "root"
version = "1"
requires-python = ">=3.11"
dependencies = ["alpha"]

[tool.uv]
no-index = true
find-links = ["links"]
{more}

[tool.uv.sources]
alpha = {{ path = "alpha" }}
"""
HELPER = """
def extra(settings):
    import helper
    return [f"Requires-Dist: {helper.NAME}"]
"""
VARIABLE = """
def extra(settings):
    return [f"Requires-Dist: {os.environ['NEEDED']}"]
"""
SETTINGS = """
def extra(settings):
    return [f"Requires-Dist: {settings['needed']}"]
"""
FIRST = SETTINGS.replace("settings['needed']", "settings['needed'][0]")


def project(tmp_path: Path, more: str, backend: str) -> Path:
    """A project with a tree that asks for `beta` once its build has all it needs."""
    folder = write_tree(tmp_path / "root", {"pyproject.toml": ROOT.format(more=more).encode()})
    write_tree(folder / "alpha", backend_files(more=backend))
    for name, module in (("beta", b""), ("helper", b"NAME = 'beta'\n")):
        info = f"{name}-1.0.dist-info"
        wheel = zip_archive({
            f"{name}.py": module,
            f"{info}/METADATA": core_metadata(name, "1.0"),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": b"",
        })  # fmt: skip
        write_tree(folder / "links", {f"{name}-1.0-py3-none-any.whl": wheel})
    return folder


def lock(folder: Path) -> Run:
    return run_lock(folder, ["lock"], Web(), cache=folder.parent / "cache")


def locked(folder: Path) -> list[str]:
    document = tomllib.loads((folder / "uv.lock").read_text(encoding="utf-8"))
    return [package["name"] for package in document["package"]]


WAYS = [
    ("[tool.uv.extra-build-dependencies]\nalpha = ['helper>=1']", HELPER),
    ("[tool.uv.extra-build-dependencies]\nAlpha = [{ requirement = 'helper', match-runtime = false }]", HELPER),
    ("[tool.uv.extra-build-variables]\nalpha = { NEEDED = 'beta' }", VARIABLE),
    ("config-settings = { needed = 'beta' }", SETTINGS),
    ("config-settings = { needed = 'gamma' }\nconfig-settings-package = { alpha = { needed = 'beta' } }", FIRST),
    ("config-settings-package = { alpha = { needed = 'beta' }, beta = { needed = 'x' } }", SETTINGS),
]


@pytest.mark.parametrize(("more", "backend"), WAYS, ids=range(len(WAYS)))
def test_what_is_added_reaches_the_build(more: str, backend: str, tmp_path: Path) -> None:
    folder = project(tmp_path, more, backend)
    run = lock(folder)
    assert run.code == 0, run.said
    assert locked(folder) == ["alpha", "beta", "root"]


@pytest.mark.uv
@pytest.mark.skipif(uv_path() is None, reason="uv is not installed beside this Python")
@pytest.mark.parametrize(("more", "backend"), WAYS, ids=range(len(WAYS)))
def test_the_reference_locks_the_same(more: str, backend: str, tmp_path: Path) -> None:
    folder = project(tmp_path, more, backend)
    done = run_uv(["lock"], folder, tmp_path / "uv-cache")
    assert done.returncode == 0, done.stderr
    expected = (folder / "uv.lock").read_bytes()
    (folder / "uv.lock").unlink()
    assert lock(folder).code == 0
    assert (folder / "uv.lock").read_bytes() == expected


@pytest.mark.parametrize("backend", [HELPER, VARIABLE])
def test_other_packages_get_nothing_of_it(backend: str, tmp_path: Path) -> None:
    more = (
        "[tool.uv.extra-build-dependencies]\nbeta = ['helper']\n[tool.uv.extra-build-variables]\nbeta = {NEEDED = 'x'}"
    )
    run = lock(project(tmp_path, more, backend))
    assert run.code == 1
    assert "alpha" in run.said


def test_a_change_of_what_is_added_asks_the_backend_again(tmp_path: Path) -> None:
    folder = project(tmp_path, "[tool.uv.extra-build-variables]\nalpha = { NEEDED = 'helper' }", VARIABLE)
    assert lock(folder).code == 0
    assert "helper" in locked(folder)
    text = (folder / "pyproject.toml").read_text(encoding="utf-8").replace("'helper' }", "'beta' }")
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    assert lock(folder).code == 0
    assert locked(folder) == ["alpha", "beta", "root"]


def test_a_build_that_must_match_what_is_locked_cannot_tell_metadata(tmp_path: Path) -> None:
    more = "[tool.uv.extra-build-dependencies]\nalpha = [{ requirement = 'helper', match-runtime = true }]"
    run = lock(project(tmp_path, more, HELPER))
    assert run.code == 1
    assert "`match-runtime`" in run.said
    assert "dependency-metadata" in run.said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("extra-build-dependencies = ['helper']", "extra-build-dependencies must be a table"),
        ("extra-build-dependencies = { alpha = 'helper' }", "alpha must be an array"),
        ("extra-build-dependencies = { alpha = [{ match-runtime = true }] }", "has no requirement"),
        ("extra-build-dependencies = { alpha = [{ requirement = 'helper' }] }", "has no match-runtime"),
        ("extra-build-dependencies = { alpha = ['helper>>1'] }", "the requirement 'helper>>1' is invalid"),
        (
            "extra-build-dependencies = { alpha = [{ requirement = 'helper>1', match-runtime = true }] }",
            "cannot name a version and match the one at run time",
        ),
        ("extra-build-variables = { alpha = { NEEDED = 1 } }", "NEEDED must be a string"),
    ],
)
def test_what_is_malformed_is_told(more: str, said: str, tmp_path: Path) -> None:
    run = lock(project(tmp_path, more, HELPER))
    assert run.code == 2
    assert said in run.said
