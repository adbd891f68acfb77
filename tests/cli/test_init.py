from __future__ import annotations

import configparser
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from support.workbench import Workbench

TEMPLATES = Path(__file__).parent.parent.parent / "lockflow" / "templates"
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
        "check", "inputs", "lock", "refresh", "report", "resolve",
    ]  # fmt: skip


def test_make_finds_its_targets(plain: Workbench) -> None:
    plain.run("init")
    done = subprocess.run(
        ["make", "-n", "lock", "refresh"], cwd=plain.project, capture_output=True, text=True, check=True
    )
    assert done.stdout == "doit lock\ndoit refresh\n"


def scripts(name: str) -> list[str]:
    """The literal blocks of a YAML file that are shell scripts."""
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    found = re.findall(r"^( *)(?:- |run: )\|\n((?:\1 {2,}[^\n]*\n)+)", text, re.MULTILINE)
    return [textwrap.dedent(block) for _, block in found]


@pytest.mark.parametrize(("name", "count"), [("github.yml", 2), ("gitlab.yml", 1)])
def test_a_nightly_job_is_well_formed(name: str, count: int) -> None:
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    assert "\t" not in text
    for line in text.splitlines():
        assert (len(line) - len(line.lstrip(" "))) % 2 == 0, line
        assert line.lstrip().startswith(("#", "- ", "-o ")) or ":" in line or '"' in line or line.strip() in (
            "", "code=0", "esac", "git push", "git push origin HEAD",
        ) or line.strip().endswith(";;"), line  # fmt: skip
    found = scripts(name)
    assert len(found) == count
    for script in found:
        subprocess.run(["bash", "-n"], input=script.replace("${{", "${X}").encode(), check=True)


@pytest.mark.parametrize(("code", "says"), [(0, "changed=no\n"), (10, "changed=yes\n"), (1, ""), (2, "")])
def test_the_workflow_tells_a_change_from_a_failure(tmp_path: Path, code: int, says: str) -> None:
    (tmp_path / "lockflow").write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/asked"\nexit {code}\n', encoding="utf-8")
    (tmp_path / "lockflow").chmod(0o755)
    output = tmp_path / "output"
    output.touch()
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "GITHUB_OUTPUT": str(output), "BRANCH": "refresh/1"}
    done = subprocess.run(["bash", "-e", "-c", scripts("github.yml")[0]], env=environment, check=False)
    assert output.read_text(encoding="utf-8") == says
    assert done.returncode == (0 if code in (0, 10) else code)
    assert (tmp_path / "asked").read_text(encoding="utf-8") == "refresh --exit-code --branch refresh/1\n"


def test_the_workflow_pins_its_actions_and_asks_for_little(plain: Workbench) -> None:
    plain.run("init", "--ci", "github")
    text = files(plain)[".github/workflows/refresh.yml"]
    used = re.findall(r"uses: (\S+)", text)
    assert len(used) == 2
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in used)
    assert "\npermissions: {}\n" in text


def test_the_commands_of_the_jobs_are_commands_of_lockflow(repository: Workbench) -> None:
    repository.run("lock")
    for name in ("github.yml", "gitlab.yml", "refresh.service", "cron.txt"):
        text = (TEMPLATES / name).read_text(encoding="utf-8")
        (words,) = re.findall(r"lockflow (refresh [^|;\n]*)", text)
        words = re.sub(r'"[^"]*"', f"try/{name.replace('.', '-')}", words)
        run = repository.run(*words.split())
        assert run.code == 0, run.said


@pytest.fixture
def repository(plain: Workbench, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@example.org")
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        subprocess.run(["git", *words], cwd=plain.project, check=True)
    return plain


def test_the_timer_starts_the_service_in_the_project(plain: Workbench) -> None:
    plain.run("init", "--ci", "systemd")
    written = files(plain)
    service = configparser.RawConfigParser(strict=True)
    service.read_string(written["systemd/lockflow-refresh.service"])
    assert service["Service"]["WorkingDirectory"] == str(plain.project).replace("%", "%%")
    assert service["Service"]["SuccessExitStatus"] == "10"
    timer = configparser.RawConfigParser(strict=True)
    timer.read_string(written["systemd/lockflow-refresh.timer"])
    assert timer["Install"]["WantedBy"] == "timers.target"


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (10, 0), (1, 1)])
def test_the_line_for_cron_fails_only_where_the_refresh_does(
    plain: Workbench, tmp_path: Path, code: int, ends: int
) -> None:
    line = plain.run("init", "--ci", "cron").said.split("crontab -e`:\n")[1].splitlines()[0]
    command = line.split(" ", 5)[5]
    (tmp_path / "lockflow").write_text(f'#!/bin/sh\npwd > "{tmp_path}/here"\nexit {code}\n', encoding="utf-8")
    (tmp_path / "lockflow").chmod(0o755)
    done = subprocess.run(["sh", "-c", command], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False)
    assert done.returncode == ends
    assert (tmp_path / "here").read_text(encoding="utf-8").strip() == str(plain.project)
