from __future__ import annotations

import os
import subprocess
import sys

import pytest

from support.workbench import Workbench

PLAIN = '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\n# why\n\n[tool.ruff]\nline-length = 99\n'


@pytest.fixture
def plain(bench: Workbench) -> Workbench:
    """A project that knows nothing of lockflow."""
    (bench.project / "pyproject.toml").write_text(PLAIN, encoding="utf-8")
    return bench


def files(bench: Workbench) -> dict[str, str]:
    return {
        path.relative_to(bench.project).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(bench.project.rglob("*"))
        if path.is_file()
    }


# What is written -----------------------------------------------------------------------------------------------------


def test_a_project_is_set_up_and_what_was_there_is_kept(plain: Workbench) -> None:
    run = plain.run("init")
    assert run.code == 0, run.said
    written = files(plain)
    assert sorted(written) == [".gitignore", "Makefile", "dodo.py", "pyproject.toml"]
    assert written["pyproject.toml"] == (
        PLAIN + '\n[tool.lockflow]\nplatforms = ["darwin", "linux/amd64", "linux/arm64"]\n'
    )
    assert written[".gitignore"] == ".lockflow/\nreports/\n"
    assert plain.run("lock", "--dry-run").code == 0


def test_a_second_time_there_is_nothing_to_do(plain: Workbench) -> None:
    plain.run("init", "--ci", "github")
    before = files(plain)
    run = plain.run("init")
    assert run.said == "Nothing to do\n"
    assert "Kept .github/workflows/refresh.yml" in plain.run("init", "--ci", "github").said
    assert files(plain) == before


def test_files_that_are_there_are_never_overwritten(plain: Workbench) -> None:
    mine = {
        "dodo.py": "# mine\n",
        "Makefile": "all:\n",
        ".gitignore": "/build\n.lockflow",
        ".github/workflows/refresh.yml": "on: push\n",
    }
    for name, text in mine.items():
        (plain.project / name).parent.mkdir(parents=True, exist_ok=True)
        (plain.project / name).write_text(text, encoding="utf-8")
    run = plain.run("init", "--ci", "github")
    assert run.code == 0
    written = files(plain)
    assert {name: written[name] for name in mine} == mine | {".gitignore": "/build\n.lockflow\nreports/\n"}
    assert "from lockflow.tasks import *" in run.said
    assert "\tdoit lock" in run.said


def test_a_dry_run_shows_a_diff_that_git_can_apply(plain: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(plain.project)
    (plain.project / ".gitignore").write_text("/build", encoding="utf-8")
    before = files(plain)
    run = plain.run("init", "--dry-run", "--ci", "github")
    assert files(plain) == before
    diff = plain.project.parent / "init.diff"
    diff.write_text(run.said, encoding="utf-8")
    subprocess.run(["git", "apply", "-p0", str(diff)], cwd=plain.project, check=True)
    applied = files(plain)
    for name in applied:
        (plain.project / name).unlink()
    for name, text in before.items():
        (plain.project / name).write_text(text, encoding="utf-8")
    plain.run("init", "--ci", "github")
    assert files(plain) == applied


# What cannot be set up -----------------------------------------------------------------------------------------------


def test_requirements_files_are_named_as_what_can_be_taken_over(bench: Workbench) -> None:
    (bench.project / "requirements.txt").write_text("numpy==2.0 --hash=x\n# c\nhttpx\n", encoding="utf-8")
    run = bench.run("init")
    assert run.code == 2
    assert "can be taken over: requirements.txt: numpy==2.0, httpx" in run.said
    assert "lockflow init --take-over" in run.said
    assert list(files(bench)) == ["requirements.txt"]


def test_a_poetry_section_is_named_as_what_can_be_taken_over(bench: Workbench) -> None:
    text = (
        '[tool.poetry.dependencies]\npython = "^3.11"\nhttpx = "*"\n[tool.poetry.group.dev.dependencies]\npytest="*"\n'
    )
    (bench.project / "pyproject.toml").write_text(text, encoding="utf-8")
    run = bench.run("init")
    assert run.code == 2
    assert "can be taken over: [tool.poetry]: httpx" in run.said
    assert "can be taken over: [tool.poetry], group dev: pytest" in run.said


# That it works -------------------------------------------------------------------------------------------------------


def test_doit_finds_the_tasks_of_the_dodo_file(plain: Workbench) -> None:
    plain.run("init")
    done = subprocess.run(
        [sys.executable, "-m", "doit", "list"], cwd=plain.project, capture_output=True, text=True, check=True
    )
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "check", "image", "inputs", "lock", "refresh", "report", "resolve",
    ]  # fmt: skip


def test_make_finds_its_targets(plain: Workbench) -> None:
    plain.run("init")
    # A make that runs these tests tells those below it so, and they then name their folder.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}

    def made(*words: str) -> str:
        command = ["make", "-n", *words]
        done = subprocess.run(command, cwd=plain.project, env=environment, capture_output=True, text=True, check=False)
        assert "image" in words or done.returncode == 0
        return done.stdout or done.stderr

    assert "name a platform: make image PLATFORM=linux/arm64" in made("image")
    assert made("lock", "refresh") == "doit lock\ndoit refresh\n"
    asked = 'PLATFORM="linux/amd64,linux/arm64" PYTHON="" TAG="" PUSH="1" image:"linux/amd64,linux/arm64"'
    assert made("image", "PLATFORM=linux/amd64,linux/arm64", "PUSH=1") == f"doit {asked}\n"
