from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lockflow import checking, steps
from lockflow.cli.main import main
from lockflow.engines import faults
from lockflow.engines.model import Command, Engine, Outcome
from lockflow.errors import EngineError, InputError
from lockflow.inputs.model import Settings
from lockflow.platforms.model import Level
from lockflow.platforms.read import read_platforms
from lockflow.proving import OpenEngine, engine_for
from lockflow.report.model import Report, Verdict
from support.engines import RecordingEngine, planned, probed
from support.watching import Listener
from support.with_uv import UV_WHEELS, WithUv
from support.workbench import Workbench

PLATFORMS = {defined.platform.name: defined.platform for defined in read_platforms(["linux/amd64", "linux/arm64"])}
BY_ENGINE = {platform.engine_platform: platform for platform in PLATFORMS.values()}


def agreeing(*packages: str) -> Any:
    """Answers as images do that are as declared, with a uv that installs these."""

    def answer(command: Command) -> Outcome:
        platform = BY_ENGINE[command.place.platform]
        minor = command.purpose.partition("for Python ")[2].split(" ")[0]
        return probed(platform, f"{minor}.1", plan=planned(*packages))

    return answer


def proven(bench: Workbench, engine: RecordingEngine, *platforms: str, **more: Any) -> Report:
    opened: OpenEngine = lambda _: engine  # noqa: E731  a function of one expression
    return checking.check(
        steps.Target(directory=bench.project, environment=more.pop("environment", {})),
        platforms,
        network=steps.Network(cache_dir=bench.cache, transport=WithUv(bench)),
        executor="docker",
        open_engine=opened,
        **more,
    )


@pytest.fixture
def locked(bench: Workbench) -> Workbench:
    bench.write("apple")
    assert bench.run("lock").code == 0
    return bench


# Which engine --------------------------------------------------------------------------------------------------------


def absent(_: Mapping[str, str]) -> Engine:
    raise faults.absent("unix:///nowhere", "no such file")


def present(_: Mapping[str, str]) -> Engine:
    return RecordingEngine(agreeing())


def test_by_default_there_is_no_engine_and_none_is_looked_for() -> None:
    assert engine_for(Settings(), None, None, absent) == (None, "tags", "")
    assert engine_for(Settings(executor="docker"), "process", None, absent) == (None, "tags", "")


def test_docker_reaches_a_probe_unless_told_otherwise() -> None:
    engine, level, note = engine_for(Settings(executor="docker"), None, None, present)
    assert engine is not None
    assert (level, note) == ("probe", "")
    assert engine_for(Settings(level="install"), "docker", None, present)[1] == "install"
    assert engine_for(Settings(executor="docker"), None, "tags", absent) == (None, "tags", "")


def test_an_engine_that_is_asked_for_and_absent_is_an_error() -> None:
    with pytest.raises(EngineError, match="no container engine answers"):
        engine_for(Settings(), "docker", None, absent)
    with pytest.raises(EngineError, match="no container engine answers"):
        engine_for(Settings(executor="auto"), None, "probe", absent)


@pytest.mark.parametrize("level", [None, "tags", "probe"])
def test_swarm_is_refused_until_it_is_there(level: Level | None) -> None:
    with pytest.raises(EngineError, match="the executor swarm is not there yet") as caught:
        engine_for(Settings(), "swarm", level, present)
    assert caught.value.exit_code == 2
    assert "take docker" in caught.value.next


def test_auto_does_without_an_engine_and_says_so() -> None:
    engine, level, note = engine_for(Settings(executor="auto"), None, None, absent)
    assert (engine, level) == (None, "tags")
    assert note == "judged by tags, in process: no container engine answers (unix:///nowhere)"


def test_this_process_gives_no_evidence_above_tags() -> None:
    with pytest.raises(InputError, match="the level probe needs containers"):
        engine_for(Settings(), None, "probe", present)


def test_platforms_may_name_engines_of_their_own() -> None:
    asked: list[Mapping[str, str]] = []

    def opened(addresses: Mapping[str, str]) -> Engine:
        asked.append(addresses)
        return RecordingEngine(agreeing())

    engine_for(Settings(engines=(("linux/arm64", "ssh://arm.example"),)), "docker", None, opened)
    assert asked == [{"linux/arm64": "ssh://arm.example"}]


# What it proves ------------------------------------------------------------------------------------------------------


def test_containers_give_the_evidence_and_darwin_has_a_second_opinion(locked: Workbench) -> None:
    engine = RecordingEngine(agreeing("apple==1.0", "core==2.0"))
    report = proven(locked, engine)
    assert report.verdict is Verdict.GOOD, checking.problems(report)
    assert [(entry.platform, entry.level) for entry in report.platforms] == [
        ("darwin", "tags"),
        ("linux/amd64", "probe"),
        ("linux/arm64", "probe"),
    ]
    darwin = report.platforms[0].pythons[0].evidence
    assert (darwin.target, darwin.uv, darwin.image) == (
        "aarch64-apple-darwin",
        "0.13.8",
        "python:3.12-slim-bookworm",
    )
    assert sorted(command.place.platform for command in engine.commands) == [
        "linux/amd64",
        "linux/amd64",
        "linux/arm64",
    ]
    assert engine.is_closed


def test_every_platform_gets_the_uv_that_runs_there(locked: Workbench) -> None:
    engine = RecordingEngine(agreeing("apple==1.0", "core==2.0"))
    proven(locked, engine, "linux/amd64", "linux/arm64")
    programs = {
        command.place.platform: file.content.decode()
        for command in engine.commands
        for file in command.files
        if file.is_executable
    }
    assert programs == {
        "linux/amd64": f"program of {UV_WHEELS[0]}",
        "linux/arm64": f"program of {UV_WHEELS[1]}",
    }


def test_a_container_has_the_lock_the_project_and_the_probe_and_nothing_else(locked: Workbench) -> None:
    (locked.project / "secret.txt").write_text("mine")
    engine = RecordingEngine(agreeing("apple==1.0", "core==2.0"))
    proven(locked, engine, "linux/amd64", environment={"UV_INDEX_PRIVATE_PASSWORD": "mine"})
    paths = sorted(file.path for file in engine.commands[0].files)
    assert paths == [
        "/lockflow/packaging/__init__.py",
        "/lockflow/packaging/_elffile.py",
        "/lockflow/packaging/_manylinux.py",
        "/lockflow/packaging/_musllinux.py",
        "/lockflow/packaging/tags.py",
        "/lockflow/probe.py",
        "/lockflow/project/pyproject.toml",
        "/lockflow/project/uv.lock",
        "/lockflow/uv",
    ]
    assert "mine" not in str(engine.commands[0].environment)


def test_an_installation_gets_credentials_proxies_and_authorities(locked: Workbench, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("authorities")
    environment = {
        "UV_INDEX_PRIVATE_PASSWORD": "mine",
        "HTTPS_PROXY": "http://proxy.example",
        "SSL_CERT_FILE": str(bundle),
        "AWS_SECRET": "not for you",
    }
    engine = RecordingEngine(agreeing("apple==1.0", "core==2.0"))
    proven(locked, engine, "linux/amd64", level="install", environment=environment)
    command = engine.commands[0]
    assert command.has_network
    given = dict(command.environment)
    assert given["UV_INDEX_PRIVATE_PASSWORD"] == "mine"
    assert given["HTTPS_PROXY"] == "http://proxy.example"
    assert "AWS_SECRET" not in given
    contents = {file.path: file.content for file in command.files}
    assert contents[given["SSL_CERT_FILE"]] == b"authorities"


def test_what_is_missing_there_has_advice_from_the_index(bench: Workbench) -> None:
    wheels = "cp312-cp312-manylinux_2_17_x86_64"
    bench.offer("fruit", "1.0", wheels=[wheels, "cp312-cp312-manylinux_2_17_aarch64"])
    bench.offer("fruit", "2.0", wheels=[wheels]).write("fruit")
    bench.run("lock")

    def answer(command: Command) -> Outcome:
        if command.place.platform == "linux/amd64":
            return probed(PLATFORMS["linux/amd64"], "3.12.1", plan=planned("fruit==2.0"))
        return probed(PLATFORMS["linux/arm64"], "3.12.1", plan=planned(refused={"fruit": "no wheel"}))

    report = proven(bench, RecordingEngine(answer), "linux/amd64", "linux/arm64")
    assert [entry.verdict for entry in report.platforms] == [Verdict.GOOD, Verdict.BAD]
    (problem,) = checking.problems(report)
    assert "fruit<=1.0" in str(problem.advice[0])
    assert report.platforms[1].pythons[0].evidence.says == "no wheel"


def test_an_engine_that_fails_for_one_platform_leaves_the_others_alone(locked: Workbench) -> None:
    engine = RecordingEngine(agreeing("apple==1.0", "core==2.0"))
    place = engine.native()
    engine.unusable["python:3.12-slim-bookworm"] = EngineError("no such image")
    report = proven(locked, engine)
    assert place == "linux/amd64"
    # darwin needs no container for its own verdict.
    assert [entry.verdict for entry in report.platforms] == [Verdict.GOOD, Verdict.BROKEN, Verdict.BROKEN]
    assert report.platforms[0].pythons[0].evidence.target == ""


def test_an_old_pinned_uv_installs_and_a_newer_one_plans(locked: Workbench) -> None:
    path = locked.project / "pyproject.toml"
    path.write_text(path.read_text().replace("[tool.lockflow]", '[tool.lockflow]\nuv = "0.5.1"'))
    engine = RecordingEngine(agreeing("apple==1.0", "core==2.0"))
    report = proven(locked, engine, "linux/amd64")
    assert report.platforms[0].pythons[0].evidence.uv == "0.13.8"
    failed = proven(locked, engine, "linux/amd64", level="install")
    assert failed.platforms[0].fault is not None
    assert failed.platforms[0].fault.what == "uv 0.5.1 cannot be had for a container"


def test_a_platform_with_its_own_image_is_found_by_what_the_engine_runs(locked: Workbench) -> None:
    folder = locked.project / "platforms"
    folder.mkdir()
    shipped = next(entry for entry in read_platforms(["linux/amd64"])).path.read_text()
    (folder / "linux-amd64.toml").write_text(shipped.replace("python:{python}-slim-bookworm", "base:{python}"))
    engine = RecordingEngine(agreeing("apple==1.0", "core==2.0"))
    proven(locked, engine, "darwin")
    assert [command.place.image for command in engine.commands] == ["base:3.12"]


def test_an_interruption_stops_the_engine(locked: Workbench) -> None:
    engine = RecordingEngine(agreeing("apple==1.0", "core==2.0"))

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        proven(locked, engine, "linux/amd64", watch=Listener(on_end=interrupt))
    assert engine.is_stopped
    assert engine.is_closed
    assert not (locked.project / "reports").exists()


# On the command line -------------------------------------------------------------------------------------------------


@pytest.fixture
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lockflow.cli.check.open_engine", absent)


@pytest.mark.usefixtures("_no_engine")
def test_an_absent_engine_is_no_answer(locked: Workbench) -> None:
    run = locked.run("check", "--executor", "docker")
    assert run.code == 2
    assert "error: no container engine answers" in run.said
    assert "--executor process" in run.said


@pytest.mark.usefixtures("_no_engine")
def test_auto_warns_and_goes_on(locked: Workbench) -> None:
    run = locked.run("check", "--executor", "auto")
    assert run.code == 0
    assert "warning: judged by tags, in process: no container engine answers" in run.said
    written = json.loads((locked.project / "reports" / "darwin.json").read_text())
    assert written["executor"] == "process"
    assert written["notes"] == ["judged by tags, in process: no container engine answers (unix:///nowhere)"]
    run = locked.run("report")
    assert "no container engine" not in run.said, "that was said of another run"


def test_stdout_has_the_report_and_nothing_else(
    locked: Workbench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = RecordingEngine(agreeing("apple==1.0", "core==2.0"))
    monkeypatch.setattr("lockflow.cli.check.open_engine", lambda _: engine)
    monkeypatch.setattr("lockflow.cli.jobs._LINES_AFTER_SECONDS", 0)
    words = ["check", "linux/arm64", "--json", "--executor", "docker", "--directory", str(locked.project)]
    code = main([*words, "--cache-dir", str(locked.cache)], transport=WithUv(locked))
    out, said = capsys.readouterr()
    assert code == 0
    assert json.loads(out)["platforms"][0]["executor"] == "docker"
    assert "linux/arm64, Python 3.12: good" in said
    main([*words, "--cache-dir", str(locked.cache), "--quiet"], transport=WithUv(locked))
    assert capsys.readouterr().err == ""


def test_swarm_is_a_name_that_is_answered(locked: Workbench) -> None:
    run = locked.run("check", "--executor", "swarm")
    assert run.code == 2
    assert "error: the executor swarm is not there yet" in run.said
    assert "swarm" not in locked.run("check", "--help").said


def test_a_level_that_needs_containers_says_so(locked: Workbench) -> None:
    run = locked.run("check", "--level", "probe")
    assert run.code == 2
    assert "add `--executor docker`" in run.said


def test_an_engine_that_answers_is_used(locked: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = RecordingEngine(agreeing("apple==1.0", "core==2.0"))
    monkeypatch.setattr("lockflow.cli.check.open_engine", lambda _: engine)
    monkeypatch.setattr(Workbench, "transport", property(WithUv))
    run = locked.run("check", "linux/arm64", "--executor", "docker")
    assert run.code == 0, run.said
    assert "probe" in run.said
    assert json.loads((locked.project / "reports" / "linux-arm64.json").read_text())["executor"] == "docker"


@pytest.mark.parametrize(("executor", "count"), [("docker", 2), ("auto", 2), ("process", 0)])
def test_doit_waits_for_containers_side_by_side(executor: str, count: int, bench: Workbench) -> None:
    bench.write("apple")
    settings = f'executor = "{executor}"\nplatforms = ["darwin", "linux/arm64"]\n'
    path = bench.project / "pyproject.toml"
    path.write_text(path.read_text() + settings)
    program = "from lockflow.tasks import DOIT_CONFIG; print(DOIT_CONFIG['num_process'])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=bench.project, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(count)
