from __future__ import annotations

import gc
import importlib.util
import io
import os
import signal
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import docker.errors
import pytest
import requests

from lockflow.engines.docker import DockerEngine
from lockflow.engines.model import WORK, Command, InputFile, Limits, Place
from lockflow.engines.owner import OWNER, RUN, UNTIL, machine
from lockflow.errors import EngineError, Interrupted
from support.engines import FakeContainer, FakeDocker, FakeImage, Life, api_error

HERE = Place(image="python:3.12-slim", platform="linux/amd64")
FOREIGN = Place(image="python:3.12-slim", platform="linux/arm64")


@pytest.fixture
def daemon() -> FakeDocker:
    fake = FakeDocker()
    fake.local[HERE.image] = FakeImage("sha256:aaaa", "linux/amd64")
    return fake


@pytest.fixture
def engine(daemon: FakeDocker) -> Iterator[DockerEngine]:
    opened = DockerEngine(connect=lambda _: daemon)
    yield opened
    opened.close()


def command(place: Place = HERE, **more: object) -> Command:
    return Command(argv=("python3", "-V"), place=place, purpose="the probe", **more)  # type: ignore[arg-type]


def failure(engine: DockerEngine, asked: Command) -> EngineError:
    with pytest.raises(EngineError) as caught:
        engine.run(asked)
    return caught.value


# What a container may ------------------------------------------------------------------------------------------------


def test_a_container_has_no_rights_no_network_and_no_place_to_write_but_its_own(
    engine: DockerEngine, daemon: FakeDocker
) -> None:
    engine.run(command())
    options = daemon.created[0].options
    assert options["user"] == "1000:1000"
    assert options["network_mode"] == "none"
    assert options["read_only"] is True
    assert options["cap_drop"] == ["ALL"]
    assert options["security_opt"] == ["no-new-privileges:true"]
    assert options["mem_limit"] == options["memswap_limit"] == 512 << 20
    assert options["pids_limit"] == 256
    assert options["nano_cpus"] == 1_000_000_000
    assert set(options["tmpfs"]) == {"/tmp"}
    assert options["working_dir"] == WORK


def test_only_who_asks_for_the_network_has_it(engine: DockerEngine, daemon: FakeDocker) -> None:
    engine.run(command(has_network=True))
    assert daemon.created[0].options["network_mode"] == "bridge"


def test_files_belong_to_root_and_the_work_folder_to_the_user(engine: DockerEngine, daemon: FakeDocker) -> None:
    files = (
        InputFile(path="/lockflow/uv", content=b"program", is_executable=True),
        InputFile(path="/lockflow/project/uv.lock", content=b"lock"),
    )
    engine.run(command(files=files))
    with tarfile.open(fileobj=io.BytesIO(daemon.created[0].archive)) as archive:
        entries = {entry.name: (entry.uid, entry.mode) for entry in archive}
        program = archive.extractfile("uv")
        assert program is not None
        assert program.read() == b"program"
    assert entries == {"work": (1000, 0o755), "uv": (0, 0o555), "project/uv.lock": (0, 0o444)}


def test_a_file_outside_of_the_folder_for_files_is_refused(engine: DockerEngine, daemon: FakeDocker) -> None:
    assert "/etc/passwd" in failure(engine, command(files=(InputFile(path="/etc/passwd", content=b""),))).what
    assert not daemon.standing


def test_an_image_is_run_by_its_id_since_a_tag_may_move(engine: DockerEngine, daemon: FakeDocker) -> None:
    engine.run(command())
    assert daemon.created[0].options["image"] == "sha256:aaaa"


def test_what_a_command_says_is_its_outcome(engine: DockerEngine, daemon: FakeDocker) -> None:
    daemon.lives = [Life(code=3, stdout="Python 3.12\n", stderr="a warning\n")]
    outcome = engine.run(command())
    assert (outcome.exit_code, outcome.stdout, outcome.stderr, outcome.is_emulated) == (
        3,
        "Python 3.12\n",
        "a warning\n",
        False,
    )


# What can go wrong ---------------------------------------------------------------------------------------------------

GONE = requests.exceptions.ConnectionError("('Connection aborted.', RemoteDisconnected)")


@pytest.mark.parametrize(
    ("life", "says"),
    [
        (Life(create=api_error(400, "bind source path does not exist")), "the engine refuses the probe"),
        (Life(start=api_error(400, "OCI runtime create failed: not found")), "the probe could not be started"),
        (Life(start=api_error(400, "exec format error")), "the engine cannot run programs for linux/amd64"),
        (Life(code=127, stderr="[FATAL tini (7)] exec python3 failed: No such file"), "could not be started"),
        (Life(code=137, is_out_of_memory=True), "the probe needed more memory than it may have"),
        (Life(code=137), "the probe was ended from outside"),
        (Life(wait=GONE), "the container engine went away"),
        (Life(wait=docker.errors.NotFound("no such container")), "the probe was ended from outside"),
    ],
)
def test_each_failure_has_its_words_and_leaves_nothing(
    engine: DockerEngine, daemon: FakeDocker, life: Life, says: str
) -> None:
    daemon.lives = [life]
    error = failure(engine, command())
    assert says in error.what
    assert error.where
    assert not daemon.standing


def test_a_command_that_hangs_is_ended_at_its_limit(engine: DockerEngine, daemon: FakeDocker) -> None:
    # The SDK raises the same for a limit and for an engine that is gone; only the time tells.
    daemon.lives = [Life(wait=requests.exceptions.ConnectionError("Read timed out."))]
    error = failure(engine, command(limits=Limits(timeout_seconds=0)))
    assert error.what == "the probe did not end within 0 seconds"
    assert daemon.created[0].options["wait"] == 0
    assert not daemon.standing


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_absent_engine_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(EngineError, match="no container engine answers") as caught:
        DockerEngine()
    assert caught.value.where == "unix:///nowhere/docker.sock"
    assert "--executor process" in caught.value.next
    # The SDK leaves the socket of a client that it could not make to the collector.
    del caught
    gc.collect()


def test_a_socket_that_is_closed_to_us_is_told_apart() -> None:
    def connect(_: str) -> FakeDocker:
        raise docker.errors.DockerException("('Connection aborted.', PermissionError(13, 'Permission denied'))")

    with pytest.raises(EngineError, match="does not let you in"):
        DockerEngine(connect=connect)


@pytest.mark.parametrize(
    ("error", "what", "why"),
    [
        ("('Connection aborted.', FileNotFoundError(2, 'None'))", "no container engine answers", "no such socket"),
        ("('Connection aborted.', ConnectionRefusedError(111))", "no container engine answers", "nothing listens"),
        ("NewConnectionError: [Errno 111] Connection refused", "no container engine answers", "nothing listens"),
        ("HTTPConnectionPool: NameResolutionError", "no container engine answers", "there is no host of this name"),
        ("UnixHTTPConnectionPool: Read timed out.", "no container engine answers", "says nothing"),
        ("NoValidConnectionsError: Unable to connect", "no container engine answers", "Unable to connect"),
        ("PermissionError(13, 'Permission denied')", "does not let you in", "Permission denied"),
        ("Install paramiko package to enable ssh:// support", "needs paramiko", "Install paramiko"),
        ("Invalid bind address: ssh://builder:secret@x@arm", "no container engine answers", "ssh://builder@arm"),
    ],
)
@pytest.mark.parametrize("kind", [docker.errors.DockerException, OSError])
def test_each_way_in_which_an_engine_cannot_be_reached_has_its_words(
    kind: type[Exception], error: str, what: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(_: str) -> FakeDocker:
        raise kind(error)

    monkeypatch.setenv("DOCKER_HOST", "ssh://builder:secret@arm.example")
    with pytest.raises(EngineError, match=what) as caught:
        DockerEngine(connect=connect)
    assert caught.value.where == "ssh://builder@arm.example"
    assert why in caught.value.why
    assert caught.value.next
    assert "secret" not in str(caught.value)


@pytest.mark.skipif(importlib.util.find_spec("paramiko") is not None, reason="paramiko is installed")
def test_the_sdk_itself_asks_for_paramiko(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://builder@arm.invalid")
    with pytest.raises(EngineError, match="needs paramiko"):
        DockerEngine()


def test_without_an_address_the_error_says_where_it_was_looked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def connect(_: str) -> FakeDocker:
        raise docker.errors.DockerException("no")

    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for context, where in (("", "unix:///var/run/docker.sock"), ("desktop", "docker context desktop")):
        monkeypatch.setenv("DOCKER_CONTEXT", context)
        with pytest.raises(EngineError) as caught:
            DockerEngine(connect=connect)
        assert caught.value.where == where


def test_a_missing_image_is_pulled_for_its_platform(engine: DockerEngine, daemon: FakeDocker) -> None:
    daemon.registry["base:1", "linux/amd64"] = FakeImage("sha256:bbbb", "linux/amd64")
    place = Place(image="base:1", platform="linux/amd64")
    engine.prepare(place)
    engine.prepare(place)
    assert daemon.pulled == [("base", "1", "linux/amd64")]


@pytest.mark.parametrize(
    ("image", "asked"),
    [
        ("registry.example:5000/base", ("registry.example:5000/base", "latest")),
        ("registry.example:5000/base:2", ("registry.example:5000/base", "2")),
        ("base@sha256:00", ("base@sha256:00", None)),
    ],
)
def test_an_image_is_pulled_by_name_and_tag(
    engine: DockerEngine, daemon: FakeDocker, image: str, asked: tuple[str, str | None]
) -> None:
    with pytest.raises(EngineError):
        engine.prepare(Place(image=image, platform="linux/amd64"))
    assert daemon.pulled == [(*asked, "linux/amd64")]


@pytest.mark.parametrize("is_begun", [False, True])
@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("dial tcp: lookup registry.example: no such host", "is not there, and its registry cannot be reached"),
        ("dial tcp 192.0.2.1:443: i/o timeout", "is not there, and its registry cannot be reached"),
        ("manifest for nobody/knows:1 not found: manifest unknown", "there is no image nobody/knows:1"),
        ("pull access denied for nobody/knows, or may require 'docker login'", "there is no image nobody/knows:1"),
        ("no matching manifest for linux/amd64 in the manifest list", "is for other platforms, not for linux/amd64"),
        ("write /var/lib/layer: no space left on device", "is not there, and it could not be pulled"),
        ("toomanyrequests: You have reached your pull rate limit", "is not there, and it could not be pulled"),
    ],
)
def test_an_image_that_cannot_be_pulled_has_its_own_words(
    engine: DockerEngine, daemon: FakeDocker, said: str, what: str, is_begun: bool
) -> None:
    daemon.pull_error, daemon.is_pull_begun = said, is_begun
    with pytest.raises(EngineError) as caught:
        engine.prepare(Place(image="nobody/knows:1", platform="linux/amd64"))
    assert what in caught.value.what
    assert caught.value.why == said
    assert caught.value.next
    assert daemon.is_pull_heard == is_begun
    assert not daemon.created


def test_an_image_of_another_architecture_is_told_from_a_missing_one(engine: DockerEngine) -> None:
    with pytest.raises(EngineError, match="is for linux/amd64, not for linux/arm64"):
        engine.prepare(FOREIGN)


def test_one_tag_may_stand_for_several_platforms(engine: DockerEngine, daemon: FakeDocker) -> None:
    daemon.registry[HERE.image, "linux/arm64"] = FakeImage("sha256:cccc", "linux/arm64")
    outcome = engine.run(command(FOREIGN))
    assert outcome.is_emulated
    assert daemon.created[-1].options["image"] == "sha256:cccc"


@pytest.mark.parametrize(
    "life",
    [
        Life(code=1, stderr="exec /usr/bin/python3: exec format error"),
        Life(start=api_error(400, "exec format error")),
    ],
)
def test_a_platform_that_cannot_be_emulated_is_found_before_work_starts(
    engine: DockerEngine, daemon: FakeDocker, life: Life
) -> None:
    daemon.registry[HERE.image, "linux/arm64"] = FakeImage("sha256:cccc", "linux/arm64")
    daemon.lives = [life]
    with pytest.raises(EngineError, match="cannot run programs for linux/arm64") as caught:
        engine.prepare(FOREIGN)
    assert "qemu-user-static" in caught.value.next
    assert not daemon.standing


def test_the_trial_of_emulation_may_no_more_than_others_and_ends(engine: DockerEngine, daemon: FakeDocker) -> None:
    daemon.registry[HERE.image, "linux/arm64"] = FakeImage("sha256:cccc", "linux/arm64")
    engine.prepare(FOREIGN)
    options = daemon.created[0].options
    assert options["network_mode"] == "none"
    assert options["read_only"] is True
    assert options["cap_drop"] == ["ALL"]
    assert options["init"] is False, "one of the engine's own platform would misreport what fails"
    assert options["labels"][RUN] == engine.run_id, "so that stopping removes it"
    assert options["wait"] == 60


def test_a_trial_that_hangs_is_told_from_an_engine_that_is_gone(
    engine: DockerEngine, daemon: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.registry[HERE.image, "linux/arm64"] = FakeImage("sha256:cccc", "linux/arm64")
    daemon.lives = [Life(wait=GONE), Life(wait=GONE)]
    with pytest.raises(EngineError, match="the container engine went away"):
        engine.prepare(FOREIGN)
    monkeypatch.setattr("lockflow.engines.docker._TRIAL_SECONDS", 0)
    with pytest.raises(EngineError, match="the trial of linux/arm64 did not end within 0 seconds"):
        engine.prepare(FOREIGN)
    assert not daemon.standing


def test_emulation_is_tried_once_a_platform(engine: DockerEngine, daemon: FakeDocker) -> None:
    daemon.registry[HERE.image, "linux/arm64"] = FakeImage("sha256:cccc", "linux/arm64")
    daemon.registry["other:1", "linux/arm64"] = FakeImage("sha256:dddd", "linux/arm64")
    engine.prepare(FOREIGN)
    engine.prepare(Place(image="other:1", platform="linux/arm64"))
    assert len(daemon.created) == 1


# More engines than one ------------------------------------------------------------------------------------------------


def test_a_platform_may_have_an_engine_of_its_own(daemon: FakeDocker) -> None:
    arm = FakeDocker(architecture="aarch64", cpus=8)
    arm.local[FOREIGN.image] = FakeImage("sha256:eeee", "linux/arm64")
    hosts = {"": daemon, "ssh://builder@arm.example": arm}
    engine = DockerEngine({"linux/arm64": "ssh://builder@arm.example"}, connect=lambda address: hosts[address])
    outcome = engine.run(command(FOREIGN))
    assert not outcome.is_emulated
    assert not daemon.created
    assert engine.native() == "linux/amd64"
    # Two over one ssh connection, twice the processors here.
    assert engine.at_once == 2 + 4
    engine.close()
    assert daemon.is_closed
    assert arm.is_closed


# The end --------------------------------------------------------------------------------------------------------------


def test_stopping_removes_what_runs_and_lets_nothing_start(engine: DockerEngine, daemon: FakeDocker) -> None:
    waiting, ended = threading.Event(), threading.Event()

    def hang() -> None:
        waiting.set()
        assert ended.wait(60)
        raise docker.errors.NotFound("no such container")

    daemon.lives = [Life(wait=hang)]
    errors: list[EngineError] = []
    thread = threading.Thread(target=lambda: errors.append(failure(engine, command())))
    thread.start()
    assert waiting.wait(60)
    engine.stop()
    assert not daemon.standing
    ended.set()
    thread.join()
    assert [error.what for error in errors] == ["the run was interrupted"]
    assert failure(engine, command()).what == "the run was interrupted"


def terminate_this_process() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    # Another thread may get it, and this one hear of it a moment later.
    time.sleep(60)


def test_an_orderly_end_unwinds_as_ctrl_c_does(daemon: FakeDocker) -> None:
    before = signal.getsignal(signal.SIGTERM)
    engine = DockerEngine(connect=lambda _: daemon)
    with pytest.raises(KeyboardInterrupt):
        terminate_this_process()
    engine.close()
    assert signal.getsignal(signal.SIGTERM) == before


def left(daemon: FakeDocker, owner: str, until: float) -> FakeContainer:
    container = FakeContainer(daemon, Life(), {RUN: "other", OWNER: owner, UNTIL: str(int(until))}, {})
    daemon.standing.append(container)
    return container


def test_two_containers_with_one_host_name_are_two_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    before = machine()
    monkeypatch.setattr("lockflow.engines.owner._namespace", lambda: "pid:[4026539999]")
    assert machine() != before


def test_a_run_that_lives_keeps_what_is_past_its_time(daemon: FakeDocker) -> None:
    engine = DockerEngine(connect=lambda _: daemon)
    engine.run(command())
    late = daemon.created[0].labels | {UNTIL: "1"}
    slow = FakeContainer(daemon, Life(), late, {})
    daemon.standing.append(slow)
    DockerEngine(connect=lambda _: daemon).close()
    assert daemon.standing == [slow]
    engine.close()


def test_whatever_fails_when_all_is_stopped_is_an_interruption(engine: DockerEngine, daemon: FakeDocker) -> None:
    def stop() -> None:
        engine.stop()
        raise api_error(404, "no such container")

    daemon.lives = [Life(wait=stop)]
    with pytest.raises(Interrupted):
        engine.run(command())


def test_what_a_dead_run_left_is_swept_and_what_lives_is_kept(daemon: FakeDocker) -> None:
    here, later = machine(), time.time() + 3600
    engine = DockerEngine(connect=lambda _: daemon)
    engine.run(command())
    mine = daemon.created[0].labels
    running = FakeContainer(daemon, Life(), mine, {})
    daemon.standing.append(running)
    elsewhere = left(daemon, "another-machine 1 1", later)
    left(daemon, f"{here} 4194304 1", later)
    left(daemon, f"{here} {os.getpid()} 1", later)
    left(daemon, "another-machine 1 1", time.time() - 1)
    DockerEngine(connect=lambda _: daemon).close()
    assert daemon.standing == [running, elsewhere]
    engine.close()
