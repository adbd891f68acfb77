"""`export`, `tree`, `why`, `diff`, `platforms`, `doctor`, `cache` and `completion`, run as people run them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import tomllib
from pathlib import Path

import pytest
from packaging.pylock import Pylock

from lockflow.cli.faults import COMMANDS
from lockflow.cli.main import main
from lockflow.lock import files
from support.workbench import Workbench

GROUP = '\n[dependency-groups]\ndev = ["pear"]\n'


@pytest.fixture
def locked(bench: Workbench) -> Workbench:
    bench.offer("fruit", "1.0", "pear; sys_platform == 'win32'")
    bench.offer("pear", "1.0")
    bench.write("fruit", more=GROUP)
    assert bench.run("lock").code == 0
    return bench


def stdout(bench: Workbench, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    options = ["--directory", str(bench.project), "--cache-dir", str(bench.cache)]
    assert main([*arguments, *options], transport=bench.transport) == 0
    return capsys.readouterr().out


def test_an_export_is_data_on_stdout_with_the_command_in_its_header(
    locked: Workbench, capsys: pytest.CaptureFixture[str]
) -> None:
    text = stdout(locked, capsys, "export", "--no-dev", "--no-hashes")
    assert text.splitlines() == [
        "# Written by lockflow from the lock:",
        "#    lockflow export --no-dev --no-hashes",
        "fruit==1.0",
        "    # via demo",
        next(line for line in text.splitlines() if line.startswith("pear==")),
        "    # via fruit",
    ]
    assert "pear==" in text
    assert "; sys_platform == 'win32'" in text


def test_an_export_for_a_platform_leaves_out_what_is_not_installed_there(
    locked: Workbench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "pear" not in stdout(locked, capsys, "export", "--no-dev", "--platform", "linux/arm64")
    windows = stdout(locked, capsys, "export", "--no-dev", "--platform", "windows/amd64", "--python", "3.12")
    assert "pear==" in windows
    assert ";" not in windows


def test_a_pylock_is_valid_and_says_what_it_is_for(locked: Workbench) -> None:
    run = locked.run("export", "-o", "pylock.toml", "--platform", "darwin", "--python", "3.12")
    assert run.code == 0, run.said
    table = tomllib.loads((locked.project / "pylock.toml").read_text(encoding="utf-8"))
    pylock = Pylock.from_dict(table)
    assert pylock.environments is not None
    assert "python_full_version" in str(pylock.environments[0])


@pytest.mark.parametrize("name", ["x.toml", "pylock.a.b.toml", "pyproject.toml"])
def test_a_file_that_others_would_misread_is_refused(locked: Workbench, name: str) -> None:
    before = (locked.project / "pyproject.toml").read_bytes()
    assert locked.run("export", "--format", "pylock.toml", "-o", name).code == 2
    assert (locked.project / "pyproject.toml").read_bytes() == before


def test_an_export_that_cannot_be_written_leaves_the_old_file(
    locked: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = locked.project / "requirements.txt"
    path.write_text("old\n", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_write_draft", full)
    run = locked.run("export", "-o", "requirements.txt")
    assert run.code == 2
    assert "error: the export cannot be written" in run.said
    assert "No space left on device" in run.said
    assert path.read_text(encoding="utf-8") == "old\n"
    assert not list(locked.project.glob("*.tmp"))


def test_a_script_is_exported_and_drawn_and_gets_no_lock_by_the_way(locked: Workbench) -> None:
    script = locked.project / "s.py"
    index = '# [[tool.uv.index]]\n# url = "https://index.example/simple"\n# default = true\n'
    script.write_text(
        f'# /// script\n# requires-python = ">=3.11"\n# dependencies = ["fruit"]\n#\n{index}# ///\n', encoding="utf-8"
    )
    assert "fruit==1.0" in locked.run("export", "--script", "s.py").said
    assert "fruit v1.0" in locked.run("tree", "--script", "s.py").said
    assert locked.run("export", "--script", "s.py", "--locked").code == 1
    assert locked.run("why", "--script", "s.py", "pear").code == 1
    assert not (locked.project / "s.py.lock").exists()
    assert locked.run("lock", "--script", "s.py").code == 0
    assert "fruit==1.0" in locked.run("export", "--script", "s.py", "--locked").said
    assert "fruit 1.0 -> pear 1.0" in re.sub(r" \[.*?\]", "", locked.run("why", "--script", "s.py", "pear").said)


def test_a_name_that_the_lock_does_not_have_is_told(locked: Workbench) -> None:
    run = locked.run("tree", "--package", "frut")
    assert run.code == 1
    assert "did you mean fruit?" in run.said
    assert "--prune: the lock has no package nope" in locked.run("tree", "--prune", "nope").said
    assert "did you mean dev?" in locked.run("export", "--group", "det").said


def test_a_bill_of_materials_is_the_same_each_time(locked: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cyclonedx")
    first = stdout(locked, capsys, "export", "--format", "cyclonedx1.6")
    assert first == stdout(locked, capsys, "export", "--format", "cyclonedx1.6")
    bom = json.loads(first)
    assert bom["specVersion"] == "1.6"
    assert [part["name"] for part in bom["components"]] == ["fruit", "pear"]
    assert {entry["ref"].partition("@")[0]: len(entry.get("dependsOn", ())) for entry in bom["dependencies"]}[
        "fruit"
    ] == 1


@pytest.mark.parametrize("command", ["export", "tree"])
def test_the_lock_is_brought_up_to_date_first_unless_told_otherwise(locked: Workbench, command: str) -> None:
    locked.write("pear", more=GROUP)
    before = locked.lock.read_bytes()
    assert locked.run(command, "--locked").code == 1
    frozen = locked.run(command, "--frozen")
    assert frozen.code == 0
    assert "fruit" in frozen.said
    assert locked.lock.read_bytes() == before
    fresh = locked.run(command)
    assert fresh.code == 0
    assert "fruit" not in fresh.said
    assert locked.lock.read_bytes() != before
    locked.lock.unlink()
    assert locked.run(command, "--frozen").code == 1
    locked.lock.write_text("garbage", encoding="utf-8")
    assert locked.run(command).code == 2


def test_variables_of_uv_count_in_exports(
    locked: Workbench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    locked.write(more='\n[dependency-groups]\ndev = ["pear"]\n')
    assert "pear==" in stdout(locked, capsys, "export")
    monkeypatch.setenv("UV_NO_DEFAULT_GROUPS", "1")
    assert "pear==" not in stdout(locked, capsys, "export")
    monkeypatch.setenv("UV_LOCKED", "1")
    locked.write("fruit")
    assert locked.run("export").code == 1


def test_a_tree_is_drawn_for_a_platform_or_for_all(locked: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    universal = stdout(locked, capsys, "tree", "--universal", "--no-dev")
    assert "pear" in universal
    assert "pear" not in stdout(locked, capsys, "tree", "--platform", "linux/amd64", "--python", "3.12", "--no-dev")
    assert "pear" in stdout(locked, capsys, "tree", "--platform", "windows/amd64", "--no-dev")


def test_why_tells_all_shortest_ways_with_markers(locked: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    locked.write("fruit")
    locked.run("lock")
    line = stdout(locked, capsys, "why", "pear").strip()
    assert line.startswith("demo 0.1.0 -> fruit 1.0 -> pear ")
    assert line.endswith("[sys_platform == 'win32']")
    assert locked.run("why", "pear", "--platform", "linux/arm64").code == 1
    unknown = locked.run("why", "paer")
    assert unknown.code == 1
    assert "did you mean pear?" in unknown.said


def test_a_diff_names_what_changed(locked: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(locked.lock, locked.project / "old.lock")
    locked.write("fruit")
    locked.run("lock")
    text = stdout(locked, capsys, "diff", "old.lock", "uv.lock")
    assert "dependencies or their markers of demo" in text
    assert locked.run("diff", "old.lock", "uv.lock", "--exit-code").code == 1
    assert stdout(locked, capsys, "diff", "uv.lock", "uv.lock") == ""
    data = json.loads(stdout(locked, capsys, "diff", "old.lock", "uv.lock", "--json"))
    assert data["changes"] == []
    assert locked.run("diff", "nowhere.lock").code == 2


def test_a_diff_reads_git_revisions(locked: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@x.example"]
    for words in (["init", "-q"], ["add", "uv.lock"], ["commit", "-qm", "lock"]):
        subprocess.run([*git, *words], cwd=locked.project, check=True, capture_output=True)
    locked.offer("cherry", "1.0").write("cherry")
    locked.run("lock")
    assert "Added cherry v1.0" in stdout(locked, capsys, "diff")


def test_textconv_puts_the_package_on_every_line(locked: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    lines = stdout(locked, capsys, "diff", "--textconv", "uv.lock").splitlines()
    assert any(line.startswith("fruit 1.0: requires pear") for line in lines)
    assert all(": " in line for line in lines)


def test_platforms_are_listed_and_expanded(locked: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    assert "* linux/arm64 (" in stdout(locked, capsys, "platforms")
    one = stdout(locked, capsys, "platforms", "linux/arm64").splitlines()
    assert "marker sys_platform: linux" in one
    assert "  manylinux2014_aarch64" in one
    (darwin,) = json.loads(stdout(locked, capsys, "platforms", "darwin", "--json"))
    assert (darwin["name"], darwin["is_checked"], darwin["libc"]) == ("darwin", True, None)
    assert darwin["aliases"] == ["darwin/arm64"]
    assert darwin["markers"]["sys_platform"] == "darwin"
    assert "macosx_11_0_arm64" in darwin["tags"]
    assert "did you mean linux/arm64?" in locked.run("platforms", "linux/arm65").said
    (locked.project / "pyproject.toml").write_text("[project", encoding="utf-8")
    assert locked.run("platforms").code == 2
    (locked.project / "pyproject.toml").unlink()
    assert locked.run("platforms").code == 0


def test_the_cache_is_shown_and_emptied_and_nothing_else_is(locked: Workbench, tmp_path: Path) -> None:
    assert locked.run("cache", "dir").said.strip() == str(locked.cache)
    assert json.loads(locked.run("cache", "info", "--json").said)["files"] > 0
    assert "Removed 0 files" in locked.run("cache", "prune").said
    assert locked.run("cache", "clean").code == 0
    assert json.loads(locked.run("cache", "info", "--json").said)["files"] == 0
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work", encoding="utf-8")
    assert main(["cache", "clean", "--cache-dir", str(precious)]) == 2
    assert (precious / "thesis.txt").exists()


def test_the_cache_is_told_part_by_part_and_what_belongs_together_goes_together(locked: Workbench) -> None:
    wheel = locked.cache / "unpacked-1" / "ab" / "abcd"
    other = locked.cache / "unpacked-1" / "ab" / "abff"
    for path, age in ((wheel / "files" / "old.py", 90), (wheel / "contents", 1), (other / "contents", 90)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x" * 100, encoding="utf-8")
        os.utime(path, (time.time() - age * 86400,) * 2)
    data = json.loads(locked.run("cache", "info", "--json").said)
    assert {"section": "unpacked wheels", "files": 3, "bytes": 300} in data["sections"]
    assert sum(entry["files"] for entry in data["sections"]) == data["files"]
    assert "  index pages: " in locked.run("cache", "info").said
    # The cache is in use: a file of an old wheel that was touched lately keeps the whole of it.
    assert "Removed 1 file (100 B)" in locked.run("cache", "prune").said
    assert (wheel / "files" / "old.py").exists()
    assert not other.exists()
    assert locked.run("cache", "prune", "--days", "x").code == 2
    # The environment of a script has a link to a folder of its own.
    (locked.cache / "environments-1" / "s" / "lib").mkdir(parents=True)
    (locked.cache / "environments-1" / "s" / "lib64").symlink_to("lib")
    assert locked.run("cache", "clean").code == 0
    assert [path.name for path in locked.cache.iterdir()] == ["CACHEDIR.TAG"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(command in script for command in COMMANDS)
    assert "no-annotate" in script


def test_the_bash_script_completes(capsys: pytest.CaptureFixture[str]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    assert main(["completion", "bash"]) == 0
    program = capsys.readouterr().out + (
        'COMP_WORDS=(lockflow export --no-an); COMP_CWORD=2; _lockflow; echo "${COMPREPLY[@]}"\n'
        'COMP_WORDS=(lockflow plat); COMP_CWORD=1; _lockflow; echo "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run([bash, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["--no-annotate", "platforms"]
