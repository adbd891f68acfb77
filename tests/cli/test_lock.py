from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from lockflow import steps
from support.run import Run
from support.workbench import Workbench


def locked_version(bench: Workbench, name: str) -> str:
    found = re.search(rf'name = "{name}"\nversion = "([^"]+)"', bench.lock.read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


def assert_four_parts(run: Run) -> None:
    lines = run.said.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    assert len(starts) == 1, run.said
    assert "Traceback" not in run.said
    for line in lines[starts[0] + 1 :]:
        assert line.startswith(("  where: ", "  why:   ", "  next:  ", "         ")), run.said


# What comes of it ----------------------------------------------------------------------------------------------------


def test_a_lock_is_created_and_then_found_unchanged(bench: Workbench) -> None:
    bench.write("apple")
    first = bench.run("lock")
    content = bench.lock.read_bytes()
    second = bench.run("lock")
    assert (first.code, second.code) == (0, 0)
    assert re.fullmatch(r"Resolved 3 packages in \S+\n", first.said)
    assert re.fullmatch(r"Resolved 3 packages in \S+\n", second.said)
    assert bench.lock.read_bytes() == content
    assert locked_version(bench, "core") == "2.0"


def test_changes_are_told_in_the_words_of_uv(bench: Workbench) -> None:
    bench.offer("pear", "3.0")
    bench.write("apple", "core==1.0")
    bench.run("lock")
    bench.write("core==2.0", "pear")
    run = bench.run("lock")
    assert run.said.splitlines()[-3:] == ["Removed apple v1.0", "Updated core v1.0 -> v2.0", "Added pear v3.0"]


def test_why_a_lock_was_not_up_to_date_is_told(bench: Workbench) -> None:
    bench.write("apple")
    bench.run("lock")
    bench.write("apple", "core")
    said = bench.run("lock").said
    assert "uv.lock was not up to date:" in said
    assert "the dependencies of demo changed" in said


def test_many_reasons_are_told_in_full_on_request_only(bench: Workbench) -> None:
    groups = "".join(f"g{number} = ['core']\n" for number in range(8))
    bench.write("apple")
    bench.run("lock")
    bench.write("apple", more=f"[dependency-groups]\n{groups}")
    assert "and 3 more (-v shows all)" in bench.run("lock", "--dry-run").said
    assert "the dependency group g7 of demo is new" in bench.run("lock", "--dry-run", "-v").said


def test_dry_run_says_what_would_change_and_writes_nothing(bench: Workbench) -> None:
    bench.write("apple")
    run = bench.run("lock", "--dry-run")
    assert run.code == 0
    assert run.said.splitlines()[1:] == ["Add apple v1.0", "Add core v2.0", "Add demo v0.1.0"]
    assert not bench.lock.exists()
    bench.run("lock")
    assert "No lockfile changes detected" in bench.run("lock", "--dry-run").said


def test_quiet_says_nothing_and_twice_quiet_hides_errors_too(bench: Workbench) -> None:
    bench.write("apple")
    assert bench.run("lock", "-q") == Run(0, "")
    assert bench.run("lock", "-q") == Run(0, "")
    bench.write("absent")
    assert "error: " in bench.run("lock", "-q").said
    assert bench.run("lock", "-qq") == Run(1, "")


def test_only_the_named_package_is_upgraded(bench: Workbench) -> None:
    bench.offer("pear", "1.0")
    bench.write("core<2", "pear")
    bench.run("lock")
    bench.offer("pear", "2.0")
    bench.write("core", "pear")
    bench.run("lock")
    assert (locked_version(bench, "core"), locked_version(bench, "pear")) == ("1.0", "1.0")
    assert "not up to date" not in bench.run("lock", "-P", "pear").said
    assert (locked_version(bench, "core"), locked_version(bench, "pear")) == ("1.0", "2.0")
    bench.run("lock", "--upgrade")
    assert locked_version(bench, "core") == "2.0"


def test_a_script_gets_a_lock_of_its_own(bench: Workbench) -> None:
    index = '[[tool.uv.index]]\n# url = "https://index.example/simple"\n# default = true'
    script = f'# /// script\n# requires-python = ">=3.11"\n# dependencies = ["core"]\n# {index}\n# ///\n'
    (bench.project / "tool.py").write_text(script, encoding="utf-8")
    run = bench.run("lock", "--script", "tool.py")
    assert run.code == 0, run.said
    assert 'name = "core"' in (bench.project / "tool.py.lock").read_text(encoding="utf-8")
    assert not bench.lock.exists()


# Modes ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["--check", "--locked"])
def test_check_answers_no_where_there_is_no_lock(bench: Workbench, flag: str) -> None:
    bench.write("apple")
    run = bench.run("lock", flag)
    assert run.code == 1
    assert_four_parts(run)
    assert not bench.lock.exists()


def test_check_answers_no_to_a_stale_lock_says_why_and_leaves_it(bench: Workbench) -> None:
    bench.write("apple")
    bench.run("lock")
    content = bench.lock.read_bytes()
    bench.write("core==1.0")
    run = bench.run("lock", "--check")
    assert run.code == 1
    assert "the dependencies of demo changed" in run.said
    assert_four_parts(run)
    assert bench.lock.read_bytes() == content


def test_frozen_is_content_with_any_lock_and_says_so(bench: Workbench) -> None:
    bench.write("apple")
    bench.run("lock")
    bench.write("core==1.0")
    run = bench.run("lock", "--frozen")
    assert run.code == 0
    assert "was not checked because of --frozen" in run.said


def test_frozen_answers_no_where_there_is_no_lock(bench: Workbench) -> None:
    bench.write("apple")
    assert bench.run("lock", "--check-exists").code == 1


@pytest.mark.parametrize(
    "flags",
    [("--check", "--frozen"), ("--check", "--dry-run"), ("--frozen", "--dry-run"), ("--frozen", "--upgrade")],
)
def test_modes_that_contradict_each_other_are_refused(bench: Workbench, flags: tuple[str, ...]) -> None:
    bench.write("apple")
    bench.run("lock")
    run = bench.run("lock", *flags)
    assert run.code == 2
    assert_four_parts(run)


def test_a_variable_chooses_the_mode(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write("apple")
    monkeypatch.setenv("UV_LOCKED", "1")
    assert bench.run("lock").code == 1
    monkeypatch.setenv("UV_LOCKED", "false")
    assert bench.run("lock").code == 0
    bench.write("core")
    monkeypatch.setenv("UV_FROZEN", "true")
    assert "because of UV_FROZEN" in bench.run("lock").said


def test_a_flag_beats_a_variable_and_two_variables_are_refused(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write("apple")
    bench.run("lock")
    bench.write("core")
    monkeypatch.setenv("UV_FROZEN", "1")
    checked = bench.run("lock", "--check")
    assert checked.code == 1
    assert "UV_FROZEN is ignored" in checked.said
    monkeypatch.setenv("UV_LOCKED", "1")
    assert bench.run("lock").code == 2
    frozen = bench.run("lock", "--frozen")
    assert frozen.code == 0
    assert "UV_LOCKED is ignored" in frozen.said


# Bad input -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("project", "code"),
    [
        pytest.param("[project\n", 2, id="broken-toml"),
        pytest.param('dependencies = ["apple >=>1"]', 2, id="invalid-requirement"),
        pytest.param('dependencies = ["apple>5"]', 1, id="unsatisfiable"),
        pytest.param('dependencies = ["absent"]', 1, id="unknown-package"),
        pytest.param('dependencies = ["apple"]\n[tool.uv.sources]\napple = { index = "inner" }', 2, id="unknown-index"),
        pytest.param('dependencies = ["apple"]\n[tool.uv]\nresolution = "newest"', 2, id="unknown-option-value"),
    ],
)
def test_bad_projects_get_one_message_and_keep_their_lock(bench: Workbench, project: str, code: int) -> None:
    bench.write("apple")
    bench.run("lock")
    content = bench.lock.read_bytes()
    path = bench.write()
    text = path.read_text(encoding="utf-8")
    path.write_text(
        project if project == "[project\n" else text.replace("dependencies = []", project), encoding="utf-8"
    )
    run = bench.run("lock")
    assert run.code == code, run.said
    assert_four_parts(run)
    assert bench.lock.read_bytes() == content


def test_without_network_there_is_no_answer_and_the_old_lock_stays(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    bench.write("apple")
    bench.run("lock")
    content = bench.lock.read_bytes()
    bench.write("apple", "pear")
    bench.is_online = False
    run = bench.run("lock", "--no-cache")
    assert run.code == 2, run.said
    assert_four_parts(run)
    assert bench.lock.read_bytes() == content


def test_offline_uses_the_cache_and_says_where_it_has_nothing(bench: Workbench) -> None:
    bench.write("apple")
    bench.run("lock")
    bench.lock.unlink()
    bench.is_online = False
    assert bench.run("lock", "--offline").code == 0
    bench.write("apple", "pear")
    run = bench.run("lock", "--offline")
    assert run.code == 1
    assert_four_parts(run)


def test_where_there_is_no_project_that_is_said(bench: Workbench) -> None:
    run = bench.run("lock")
    assert run.code == 2
    assert_four_parts(run)


# What goes wrong -----------------------------------------------------------------------------------------------------


def test_an_interruption_says_that_nothing_was_changed(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(steps, "lock", interrupted)
    bench.write("apple")
    assert bench.run("lock") == Run(130, "interrupted: nothing was changed\n")


def test_an_interruption_after_the_lock_was_written_says_so(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        bench.lock.write_text("new", encoding="utf-8")
        raise KeyboardInterrupt

    monkeypatch.setattr(steps, "lock", interrupted)
    bench.write("apple")
    assert bench.run("lock") == Run(130, "interrupted: uv.lock had been written before\n")


def test_a_mistake_of_ours_is_one_message_with_the_details_in_a_file(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the sky fell")

    monkeypatch.setattr(steps, "lock", broken)
    monkeypatch.chdir(bench.project)
    (bench.project / ".lockflow").mkdir()
    bench.write("apple")
    run = bench.run("lock")
    assert run.code == 2
    assert_four_parts(run)
    details = Path(re.findall(r"details are in (.*)", run.said)[0])
    assert details.parent == bench.project / ".lockflow"
    text = details.read_text(encoding="utf-8")
    assert "RuntimeError: the sky fell" in text
    assert sys.version in text


# Places --------------------------------------------------------------------------------------------------------------


def test_the_project_is_found_from_a_folder_below(bench: Workbench) -> None:
    bench.write("apple")
    (bench.project / "deep" / "er").mkdir(parents=True)
    assert bench.run("lock", folder="deep/er").code == 0
    assert bench.lock.exists()


def test_project_and_directory_name_where_to_look(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write("core", folder="sub")
    assert bench.run("lock", "--project", "sub").code == 0
    assert (bench.project / "sub" / "uv.lock").exists()
    monkeypatch.setenv("UV_PROJECT", "sub")
    assert bench.run("lock", "--check").code == 0
    monkeypatch.setenv("UV_PROJECT", "nowhere")
    assert bench.run("lock", "--check").code == 2


def test_a_relative_flag_is_meant_from_where_the_command_runs(bench: Workbench) -> None:
    bench.write("core", folder="sub")
    (bench.project / "other.toml").write_text(
        'resolution = "lowest"\n[[index]]\nurl = "https://index.example/simple"\ndefault = true\n', encoding="utf-8"
    )
    run = bench.run("lock", "--project", "sub", "--config-file", "other.toml")
    assert run.code == 0, run.said
    assert 'version = "1.0"' in (bench.project / "sub" / "uv.lock").read_text(encoding="utf-8")


def test_a_package_that_stops_before_a_promised_python_is_told_and_checked(bench: Workbench) -> None:
    bench.offer("fruit", "1.0", requires_python=">=3.8,<3.12")
    bench.write("fruit")
    run = bench.run("lock")
    assert run.code == 0
    assert 'requires-python = ">=3.11" promises more than the locked packages support: fruit 1.0' in run.said
    assert 'true would be requires-python = ">=3.11' in run.said
    checked = bench.run("check", "linux/amd64")
    assert checked.code == 1
    assert "fruit 1.0 does not support Python 3.12" in checked.said
    assert "set requires-python" in checked.said


def test_a_package_with_nothing_to_install_on_a_platform_is_told(bench: Workbench) -> None:
    bench.offer("fruit", "1.0", wheels=["cp312-cp312-macosx_11_0_arm64"])
    bench.write("fruit")
    run = bench.run("lock")
    assert run.code == 0
    assert "warning: nothing can be installed on linux/amd64 of fruit 1.0" in run.said
