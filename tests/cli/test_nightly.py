"""The nightly jobs that `init --ci` writes: well formed by the schemas of their makers, and run as they are written."""

from __future__ import annotations

import configparser
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lockflow.cli.main import main
from support.index_content import IndexContent, one_origin
from support.index_server import IndexServer
from support.workbench import Workbench

FILES = {
    "github": ".github/workflows/refresh.yml",
    "gitlab": ".gitlab/lockflow-refresh.yml",
    "systemd": "systemd/lockflow-refresh.service",
    "cron": "",
}
SCHEMAS = {"github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci"}
PROGRAM = Path(sys.executable).with_name("lockflow")


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def parsed(path: Path) -> dict[str, Any]:
    yaml = pytest.importorskip("ruamel.yaml")
    found: dict[str, Any] = yaml.YAML(typ="safe", pure=True).load(path)
    return found


@pytest.fixture
def repository(bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """A committed project whose index, on loopback, has had a release since; `origin` is a bare repository."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@example.org")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("LOCKFLOW_CACHE_DIR", str(tmp_path / "cache"))
    bench.offer("pear", "1.0")
    with IndexServer() as server:
        hosts = one_origin(server.origin)
        server.answer = lambda *words: IndexContent(
            {"index": [{"name": "simple"}], "release": bench.releases}, hosts
        ).answer(*words)
        path = bench.write("pear")
        path.write_text(hosts.localise(path.read_text(encoding="utf-8")), encoding="utf-8")
        assert main(["lock", "--quiet", "--directory", str(bench.project)]) == 0
        git(tmp_path, "init", "-q", "--bare", "origin.git")
        for words in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-qm", "first"),
                      ("remote", "add", "origin", str(tmp_path / "origin.git"))):  # fmt: skip
            git(bench.project, *words)
        yield bench


def run(
    command: list[str], folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    path = f"{PROGRAM.parent}:/usr/bin:/bin"
    found = {name: value for name, value in os.environ.items() if name.startswith(("GIT_", "LOCKFLOW_", "NO_PROXY"))}
    return subprocess.run(
        command, cwd=folder, env={"PATH": path, "HOME": str(folder.parent), **found, **(environment or {})},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def written(bench: Workbench, ci: str) -> Path:
    assert bench.run("init", "--ci", ci).code == 0
    return bench.project / FILES[ci]


# Syntax -------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(importlib.util.find_spec("check_jsonschema") is None, reason="check-jsonschema is not installed")
@pytest.mark.parametrize("ci", SCHEMAS)
def test_a_job_is_what_its_schema_allows(bench: Workbench, ci: str) -> None:
    bench.write()
    command = [sys.executable, "-W", "ignore", "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[ci]]
    done = subprocess.run([*command, str(written(bench, ci))], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_accepts_its_units(bench: Workbench) -> None:
    bench.write()
    folder = written(bench, "systemd").parent
    units = [str(folder / f"lockflow-refresh.{end}") for end in ("service", "timer")]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_workflow_pins_its_actions_and_asks_for_little(bench: Workbench) -> None:
    bench.write()
    workflow = parsed(written(bench, "github"))
    job = workflow["jobs"]["refresh"]
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert len(used) == 2
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action) for action in used)
    assert workflow["permissions"] == {}
    assert job["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert job["steps"][0]["with"] == {"persist-credentials": False}


def test_the_timer_starts_the_service_in_the_project(bench: Workbench) -> None:
    bench.write()
    folder = written(bench, "systemd").parent
    service, timer = configparser.RawConfigParser(strict=True), configparser.RawConfigParser(strict=True)
    service.read(folder / "lockflow-refresh.service")
    timer.read(folder / "lockflow-refresh.timer")
    assert service["Service"]["WorkingDirectory"] == str(bench.project).replace("%", "%%")
    assert timer["Install"]["WantedBy"] == "timers.target"


# As written ---------------------------------------------------------------------------------------------------------


def test_the_workflow_proposes_what_changed(repository: Workbench, tmp_path: Path) -> None:
    steps = parsed(written(repository, "github"))["jobs"]["refresh"]["steps"]
    scripts = [step["run"] for step in steps if "run" in step and "pip install" not in step["run"]]
    asked, output = tmp_path / "asked", tmp_path / "output"
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "gh").write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> "{asked}"\n', encoding="utf-8")
    (tools / "gh").chmod(0o755)
    environment = {
        "PATH": f"{tools}:{PROGRAM.parent}:/usr/bin:/bin", "GITHUB_OUTPUT": str(output), "BRANCH": "refresh/1-1",
    }  # fmt: skip
    for offered, says in ((False, "changed=no\n"), (True, "changed=yes\n")):
        if offered:
            repository.offer("pear", "2.0")
        output.write_text("", encoding="utf-8")
        done = run(["bash", "-e", "-c", scripts[0]], repository.project, environment)
        assert done.returncode == 0, done.stderr
        assert output.read_text(encoding="utf-8") == says
    done = run(["bash", "-e", "-c", scripts[1]], repository.project, environment)
    assert done.returncode == 0, done.stderr
    assert git(tmp_path / "origin.git", "log", "-1", "--format=%s", "refresh/1-1") == "Refresh uv.lock: 1 updated"
    assert asked.read_text(encoding="utf-8").splitlines() == [
        "auth setup-git", "pr create --title Refresh uv.lock: 1 updated --body-file reports/refresh.md",
    ]  # fmt: skip
    assert "1.0 → 2.0" in (repository.project / "reports" / "refresh.md").read_text(encoding="utf-8")


def test_the_job_of_gitlab_pushes_what_changed(repository: Workbench, tmp_path: Path) -> None:
    job = parsed(written(repository, "gitlab"))["lockflow refresh"]
    lines = [line for line in job["script"] if "pip install" not in line]
    origin = tmp_path / "origin.git"
    git(origin, "config", "receive.advertisePushOptions", "true")
    environment = {
        "CI_PIPELINE_ID": "7", "CI_DEFAULT_BRANCH": "main", "CI_SERVER_HOST": "git.example",
        "CI_PROJECT_PATH": "a/b", "REFRESH_TOKEN": "t", "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{origin}.insteadOf", "GIT_CONFIG_VALUE_0": "https://refresh:t@git.example/a/b.git",
    }  # fmt: skip
    # GitLab joins the lines of a job into one shell script.
    script = "\n".join(lines)
    repository.offer("pear", "2.0")
    done = run(["bash", "-e", "-c", script], repository.project, environment)
    assert done.returncode == 0, done.stderr
    assert git(origin, "log", "-1", "--format=%s", "refresh/7") == "Refresh uv.lock: 1 updated"


@pytest.mark.parametrize("ci", ["systemd", "cron"])
def test_a_timer_commits_what_changed_and_fails_where_the_refresh_does(repository: Workbench, ci: str) -> None:
    path = written(repository, ci)
    if ci == "cron":
        line = repository.run("init", "--ci", "cron").said.split("crontab -e`:\n")[1].splitlines()[0]
        command, code = ["sh", "-c", line.split(" ", 5)[5].replace("\\%", "%")], 0
    else:
        service = configparser.RawConfigParser(strict=True)
        service.read(path)
        command, code = shlex.split(service["Service"]["ExecStart"].replace("%%", "%")), 10
        assert service["Service"]["SuccessExitStatus"] == "10"
    bare = {"PATH": "/usr/bin:/bin"}
    repository.offer("pear", "2.0")
    assert run(command, repository.project, bare).returncode == code
    assert git(repository.project, "log", "-1", "--format=%s") == "Refresh uv.lock: 1 updated"
    repository.lock.write_text("nonsense", encoding="utf-8")
    assert run(command, repository.project, bare).returncode in (1, 2)
