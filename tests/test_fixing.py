from __future__ import annotations

import errno
import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from support.workbench import Workbench

LINUX = ["cp312-cp312-manylinux_2_17_x86_64", "cp312-cp312-manylinux_2_17_aarch64"]
MAC = "cp312-cp312-macosx_11_0_arm64"


def offer(bench: Workbench, version: str, wheels: Sequence[str]) -> None:
    bench.offer("fruit", version, wheels=wheels)


def project(bench: Workbench) -> dict[str, Any]:
    return tomllib.loads((bench.project / "pyproject.toml").read_text(encoding="utf-8"))


def test_a_constraint_that_helps_is_applied_and_locked(bench: Workbench) -> None:
    offer(bench, "1.0", [*LINUX, MAC])
    offer(bench, "1.1", [MAC])
    bench.write("fruit", more="\n[tool.uv] # mine\n")
    bench.run("lock")
    assert bench.run("check").code == 1
    run = bench.run("check", "--fix")
    assert run.code == 0, run.said
    assert 'fixed: "fruit<=1.0" in constraint-dependencies of [tool.uv]' in run.said
    assert project(bench)["tool"]["uv"]["constraint-dependencies"] == ["fruit<=1.0"]
    assert "# mine" in (bench.project / "pyproject.toml").read_text(encoding="utf-8")
    assert bench.run("lock", "--check").code == 0


def test_a_dry_run_shows_a_diff_and_changes_nothing(bench: Workbench) -> None:
    offer(bench, "1.0", [*LINUX, MAC])
    offer(bench, "1.1", [MAC])
    path = bench.write("fruit")
    bench.run("lock")
    before = path.read_bytes(), bench.lock.read_bytes()
    run = bench.run("check", "--fix", "--dry-run")
    assert run.code == 1
    assert '+constraint-dependencies = ["fruit<=1.0"]' in run.said
    assert "--- a/pyproject.toml" in run.said
    assert "1.0 is the newest version with a wheel for linux/amd64, Python 3.12, and wherever else" in run.said
    assert "needed (tried: it helps)" in run.said
    assert (path.read_bytes(), bench.lock.read_bytes()) == before


def test_a_fix_whose_files_cannot_be_written_leaves_all_as_it_was(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(bench, "1.0", [*LINUX, MAC])
    offer(bench, "1.1", [MAC])
    path = bench.write("fruit")
    bench.run("lock")
    before = path.read_bytes(), bench.lock.read_bytes()
    put = Path.replace

    def replaced(self: Path, target: Path) -> Path:
        if Path(target).name == "pyproject.toml":
            raise OSError(errno.ENOSPC, "No space left on device")
        return put(self, target)

    monkeypatch.setattr(Path, "replace", replaced)
    run = bench.run("check", "--fix")
    assert run.code == 2
    assert "error: pyproject.toml cannot be written\n" in run.said
    assert run.said.endswith("uv.lock was put back as it was\n")
    assert (path.read_bytes(), bench.lock.read_bytes()) == before


def test_an_edit_without_a_solution_is_not_offered_and_the_next_is_tried(bench: Workbench) -> None:
    offer(bench, "1.0", [*LINUX, MAC])
    offer(bench, "1.1", [MAC])
    bench.write("fruit>=1.1")
    bench.run("lock")
    run = bench.run("check", "--fix")
    assert 'does not help: "fruit<=1.0" in constraint-dependencies of [tool.uv]' in run.said
    assert run.code == 0, run.said
    (dependency,) = project(bench)["project"]["dependencies"]
    assert dependency.startswith("fruit>=1.1 ; ")
    assert "platform_machine" in dependency


def test_nothing_is_written_where_nothing_helps(bench: Workbench) -> None:
    offer(bench, "1.0", ["cp311-cp311-manylinux_2_17_x86_64"])
    path = bench.write("fruit")
    bench.run("lock")
    before = path.read_bytes()
    run = bench.run("check", "linux/amd64", "--fix")
    assert run.code == 1
    assert "none of the edits that the report offers helps" in run.said
    assert path.read_bytes() == before


def test_a_good_lock_is_left_alone(bench: Workbench) -> None:
    path = bench.write("apple")
    bench.run("lock")
    before = path.read_bytes()
    assert bench.run("check", "--fix").code == 0
    assert path.read_bytes() == before


def test_a_dry_run_without_fix_is_a_mistake(bench: Workbench) -> None:
    bench.write("apple")
    assert bench.run("check", "--dry-run").code == 2


@pytest.mark.parametrize("old", ["fruit>=1.1", "fruit>=1.1; python_version >= '3.11'"])
def test_a_marker_joins_the_one_that_is_there(bench: Workbench, old: str) -> None:
    offer(bench, "1.1", [MAC])
    bench.write(old)
    bench.run("lock")
    run = bench.run("check", "darwin", "linux/amd64", "--fix")
    assert run.code == 0, run.said
    (dependency,) = project(bench)["project"]["dependencies"]
    assert dependency.count(";") == 1
    assert ("python_version" in dependency) == ("python_version" in old)


def test_a_range_of_pythons_is_narrowed_to_what_is_true(bench: Workbench) -> None:
    bench.offer("fruit", "1.0", requires_python=">=3.8,<3.14")
    path = bench.write("fruit")
    path.write_text(path.read_text(encoding="utf-8").replace('python-versions = ["3.12"]\n', ""), encoding="utf-8")
    bench.run("lock")
    run = bench.run("check", "linux/amd64", "--fix")
    assert run.code == 0, run.said
    assert project(bench)["project"]["requires-python"] == ">=3.11,<3.14"


def test_a_python_that_was_named_is_not_taken_back(bench: Workbench) -> None:
    bench.offer("fruit", "1.0", requires_python=">=3.8,<3.12")
    path = bench.write("fruit")
    before = path.read_bytes()
    bench.run("lock")
    run = bench.run("check", "linux/amd64", "--fix")
    assert run.code == 1
    assert "does not help: requires-python" in run.said
    assert path.read_bytes() == before


def test_a_member_of_a_workspace_is_edited_where_it_states_the_requirement(bench: Workbench) -> None:
    offer(bench, "1.1", [MAC])
    sources = '\n[tool.uv.workspace]\nmembers = ["inner"]\n\n[tool.uv.sources]\ninner = { workspace = true }\n'
    root = bench.write("inner", more=sources)
    inner = bench.write(name="inner", folder="inner")
    inner.write_text(inner.read_text(encoding="utf-8").replace("[]", '[\n    "fruit", # sweet\n]'), encoding="utf-8")
    before = root.read_bytes()
    assert bench.run("lock").code == 0
    run = bench.run("check", "--fix")
    assert run.code == 0, run.said
    assert "fixed: the marker" in run.said
    assert root.read_bytes() == before
    text = inner.read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if "fruit" in line]
    assert line.startswith('    "fruit ; ')
    assert line.endswith("# sweet")


def test_what_is_required_in_two_ways_is_left_out_of_both(bench: Workbench) -> None:
    bench.offer("seed", "1.0", wheels=LINUX)
    bench.offer("fruit", "1.0", "seed")
    bench.write("seed", "fruit")
    bench.run("lock")
    run = bench.run("check", "--fix", "darwin")
    assert run.code == 0, run.said
    (override,) = project(bench)["tool"]["uv"]["override-dependencies"]
    assert override.startswith("seed==1.0 ; ")


def test_one_version_serves_all_platforms(bench: Workbench) -> None:
    offer(bench, "1.0", [*LINUX, MAC])
    offer(bench, "1.1", LINUX)
    offer(bench, "1.2", [LINUX[0]])
    bench.write("fruit")
    bench.run("lock")
    run = bench.run("check", "--fix", "linux/arm64")
    assert run.code == 0, run.said
    assert project(bench)["tool"]["uv"]["constraint-dependencies"] == ["fruit<=1.0"]


def test_an_override_of_somebody_is_narrowed(bench: Workbench) -> None:
    bench.offer("seed", "1.0", wheels=LINUX)
    bench.offer("fruit", "1.0", "seed")
    bench.write("fruit", more='\n[tool.uv]\noverride-dependencies = ["seed>=1"]\n')
    bench.run("lock")
    run = bench.run("check", "--fix", "darwin")
    (override,) = project(bench)["tool"]["uv"]["override-dependencies"]
    assert override.startswith("seed>=1 ; "), run.said


def test_what_a_check_advises_was_tried(bench: Workbench) -> None:
    offer(bench, "1.0", [*LINUX, MAC])
    offer(bench, "1.1", [MAC])
    path = bench.write("fruit>=1.1")
    bench.run("lock")
    before = path.read_bytes(), bench.lock.read_bytes()
    run = bench.run("check")
    assert run.code == 1
    assert "constraint-dependencies" not in run.said
    assert re.search(r"add the marker .* to \"fruit\" \(tried: it helps\)", run.said)
    assert (path.read_bytes(), bench.lock.read_bytes()) == before
    kept = json.loads((bench.project / "reports" / "linux-amd64.json").read_text())
    (entry,) = [entry for entry in kept["pythons"][0]["entries"] if entry["package"] == "fruit"]
    assert {edit["kind"] for edit in entry["edits"]} == {"marker"}


def advice(bench: Workbench, package: str) -> list[str]:
    """What the report on linux/amd64 advises for a package, each cut to what it adds and what came of trying it."""
    report = json.loads((bench.project / "reports" / "linux-amd64.json").read_text())
    (entry,) = [entry for entry in report["pythons"][0]["entries"] if entry["package"] == package]
    return [re.sub(r'^.*?add (the marker )?("[^"]*").*?( \(.*\))?$', r"\2\3", text) for text in entry["advice"]]


def test_of_edits_beside_the_one_that_helps_those_are_advised_that_do_too(bench: Workbench) -> None:
    offer(bench, "1.0", [*LINUX, MAC])
    offer(bench, "1.1", [MAC])
    bench.offer("pie", "1.0", "fruit")
    bench.write("fruit", "pie")
    bench.run("lock")
    assert bench.run("check").code == 1
    # A marker on one of two requirements leaves the other, and is not advised.
    assert advice(bench, "fruit") == [
        '"fruit<=1.0" (tried: it helps)',
        "\"platform_machine == 'x86_64' and sys_platform == 'linux'\" (tried: it helps too)",
        "\"fruit==1.1 ; platform_machine == 'arm64' and sys_platform == 'darwin'\" (tried: it helps too)",
    ]


def test_edits_that_are_too_many_to_be_tried_are_not_advised(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lockflow.cli.fix._MOST_OTHERS", 0)
    offer(bench, "1.0", [*LINUX, MAC])
    offer(bench, "1.1", [MAC])
    bench.write("fruit")
    bench.run("lock")
    assert bench.run("check").code == 1
    assert advice(bench, "fruit") == ['"fruit<=1.0" (tried: it helps)']


def test_what_an_edit_for_another_package_mends_is_told_there_too(bench: Workbench) -> None:
    for version, wheels in (("1.0", [*LINUX, MAC]), ("1.1", [MAC])):
        bench.offer("fruit", version, f"seed=={version}", wheels=wheels)
        bench.offer("seed", version, wheels=wheels)
    bench.write("fruit")
    bench.run("lock")
    assert bench.run("check").code == 1
    assert advice(bench, "fruit")[0] == advice(bench, "seed")[0] == '"fruit<=1.0" (tried: it helps)'
    assert bench.run("check", "--fix").code == 0


def test_offline_nothing_is_tried(bench: Workbench) -> None:
    offer(bench, "1.0", [MAC])
    bench.write("fruit")
    bench.run("lock")
    run = bench.run("check", "--offline")
    assert run.code == 1
    assert "add the marker" in run.said
    assert "tried" not in run.said


def test_the_marker_goes_into_the_member_that_requires_the_package(bench: Workbench) -> None:
    bench.offer("seed", "1.0", wheels=LINUX)
    more = '\n[tool.uv]\nworkspace = { members = ["packages/*"] }\nsources = { part = { workspace = true } }\n'
    bench.write("part", more=more)
    path = bench.write("seed", name="part", folder="packages/part")
    path.write_text(path.read_text().partition("[[tool.uv.index]]")[0])
    bench.run("lock")
    run = bench.run("check", "--fix", "darwin")
    assert run.code == 0, run.said
    assert "Changed packages/part/pyproject.toml and uv.lock" in run.said
    assert 'dependencies = ["seed ; ' in path.read_text()
