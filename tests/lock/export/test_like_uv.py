"""Exports and trees of every golden lock, line for line those of real uv."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from packaging.pylock import Pylock

from lockflow.lock.decode import decode
from lockflow.lock.export.entries import entries
from lockflow.lock.export.model import Wish
from lockflow.lock.export.pylock import as_pylock
from lockflow.lock.export.requirements import as_requirements
from lockflow.lock.export.tree import Drawing, as_tree
from lockflow.lock.model import Lock
from support.golden import GoldenCase, case_names, load_case
from support.index_content import one_origin
from support.reference import run_uv, uv_path

pytestmark = [pytest.mark.uv, pytest.mark.skipif(uv_path() is None, reason="uv is not installed beside this Python")]

HOSTS = one_origin("http://127.0.0.1:9")
FLAGS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "plain": ((), {}),
    "all extras": (("--all-extras",), {"all_extras": True}),
    "all groups": (("--all-groups",), {"all_groups": True}),
    "no default groups": (("--no-default-groups",), {"defaults": ()}),
    "no dev": (("--no-dev",), {"no_groups": ("dev",)}),
    "all packages": (("--all-packages",), {"all_packages": True}),
    "without the project": (("--no-emit-project",), {"without_project": True}),
    "without the workspace": (
        ("--no-emit-workspace", "--all-packages"),
        {"without_workspace": True, "all_packages": True},
    ),
    "without what is local": (("--no-emit-local",), {"without_local": True}),
    "without a": (("--no-emit-package", "a"), {"left_out": frozenset("a")}),
    "pruned": (("--prune", "b"), {"prune": frozenset("b")}),
}
DRAWINGS: dict[str, tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]] = {
    "plain": ((), {}, {}),
    "inverted": (("--invert",), {}, {"is_inverted": True}),
    "with repeats": (("--no-dedupe",), {}, {"has_repeats": True}),
    "flat": (("--all-groups", "--depth", "1"), {"all_groups": True}, {"depth": 1}),
    "of b": (("--package", "b"), {}, {"packages": ("b",)}),
    "of what requires a": (("--package", "a", "--invert"), {}, {"packages": ("a",), "is_inverted": True}),
    "pruned": (("--prune", "b", "--no-default-groups"), {"prune": frozenset("b"), "defaults": ()}, {}),
}
NOT_EXPORTED = {
    "find-links-local": "no hash of a file is known",
    "flat-order": "no hash of a file is known",
    "flat-order-tags": "no hash of a file is known",
    "git-path-archive": "an archive in a git repository has no words there",
    "html-hashes": "uv downloads files to compute their hashes",
    "index-flat-local": "no hash of a file is known",
    "index-json-sparse": "uv downloads files to compute their hashes",
}
"""Cases that have no pylock.toml, or one that cannot be compared without network."""
NOT_STANDARD = {"legacy-wheel-names": "a wheel of another name", "sdist-only": "sdists of old kinds"}
"""Cases with files that the standard does not allow, in uv's pylock.toml as in ours."""


@dataclass
class Bench:
    """A golden project with its lock, and what lockflow is told about it."""

    case: GoldenCase
    folder: Path
    lock: Lock
    facts: dict[str, Any]

    def uv(self, *arguments: str) -> str:
        script = ("--script", self.case.args[-1]) if "--script" in self.case.args else ()
        done = run_uv([arguments[0], "--frozen", *script, *arguments[1:]], self.folder, self.folder / ".uv-cache")
        if "incompatible" in done.stderr or "panicked" in done.stderr or "cannot be used with" in done.stderr:
            pytest.skip("uv has no answer")
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(params=case_names())
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    case = load_case(request.param)
    folder = case.copy_project(tmp_path / "project", HOSTS)
    text = HOSTS.localise(case.expected)
    (folder / case.lock).write_bytes(text.encode())
    facts: dict[str, Any] = {"project": None, "defaults": ("dev",)}
    if "--script" not in case.args:
        table = tomllib.loads(((folder / case.lock).parent / "pyproject.toml").read_text(encoding="utf-8"))
        name = table.get("project", {}).get("name")
        facts["project"] = name and re.sub(r"[-_.]+", "-", name).lower()
        groups = table.get("tool", {}).get("uv", {}).get("default-groups", ["dev"])
        facts["defaults"] = groups == "all" or tuple(groups)
    return Bench(case, folder, decode(text, "uv.lock"), facts)


@pytest.mark.parametrize("flags", FLAGS)
def test_a_requirements_file_is_that_of_uv(case: Bench, flags: str) -> None:
    arguments, wish = FLAGS[flags]
    theirs = case.uv("export", "--no-header", *arguments)
    ours = as_requirements(entries(case.lock, Wish(**{**case.facts, **wish})))
    # uv drops DEL from what it prints, and with it a character of a path.
    assert ours.replace("\x7f", "") == theirs


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (("--no-hashes",), {"has_hashes": False}),
        (("--no-annotate", "--no-editable"), {"has_dependents": False, "is_editable": False}),
    ],
)
def test_a_requirements_file_is_written_as_uv_writes_it(
    case: Bench, arguments: tuple[str, ...], options: dict[str, Any]
) -> None:
    ours = as_requirements(entries(case.lock, Wish(**case.facts)), **options)
    assert ours.replace("\x7f", "") == case.uv("export", "--no-header", *arguments)


@pytest.mark.parametrize("flags", ["plain", "all packages"])
def test_a_pylock_is_that_of_uv_and_valid(case: Bench, flags: str) -> None:
    if case.case.name in NOT_EXPORTED:
        pytest.skip(NOT_EXPORTED[case.case.name])
    arguments, wish = FLAGS[flags]
    theirs = case.uv("export", "--no-header", "--format", "pylock.toml", *arguments)
    ours = as_pylock(case.lock, entries(case.lock, Wish(**{**case.facts, **wish})))
    assert ours.replace('created-by = "lockflow"', 'created-by = "uv"').replace("\x7f", "") == theirs
    if case.case.name not in NOT_STANDARD:
        Pylock.from_dict(tomllib.loads(ours))


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_a_tree_is_that_of_uv(case: Bench, drawing: str) -> None:
    arguments, wish, how = DRAWINGS[drawing]
    theirs = case.uv("tree", "--universal", *arguments)
    lines = as_tree(case.lock, Wish(**{**case.facts, **wish}), Drawing(**how))
    assert "".join(f"{line}\n" for line in lines) == theirs
