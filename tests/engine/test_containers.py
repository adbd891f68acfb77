"""Containers of a real engine: what they may, how they end, and that nothing is left of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import docker
import pytest

from lockflow.engines.docker import DockerEngine
from lockflow.engines.model import Command, InputFile, Limits, Place
from lockflow.errors import EngineError
from support.containers import ARCHES, left_behind, running

pytestmark = pytest.mark.engine

LOOK = """
import json, os, platform, socket, subprocess

def can_write(path):
    try:
        with open(path, "w"):
            return True
    except OSError:
        return False

status = dict(line.split(":", 1) for line in open("/proc/self/status"))
def can_run(path):
    try:
        with open(path, "w") as file:
            file.write("#!/usr/bin/env python3\\n")
        os.chmod(path, 0o755)
        return subprocess.run([path]).returncode == 0
    except OSError:
        return False

mounts = {line.split()[1]: line.split()[3].split(",") for line in open("/proc/mounts")}
print(json.dumps({
    "machine": platform.machine(),
    "uid": os.getuid(),
    "capabilities": int(status["CapEff"], 16),
    "no_new_privileges": status["NoNewPrivs"].strip(),
    "seccomp": status["Seccomp"].strip(),
    "first": open("/proc/1/comm").read().strip(),
    "few_processes": len([name for name in os.listdir("/proc") if name.isdecimal()]) < 5,
    "root": mounts["/"][0],
    "programs": [path for path in ("/tmp/p", "/lockflow/work/p") if can_run(path)],
    "kernel_log": os.path.exists("/dev/kmsg"),
    "socket_of_engine": os.path.exists("/var/run/docker.sock"),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "writes": [path for path in ("/x", "/etc/x", "/lockflow/x", "/lockflow/project/uv.lock", "/tmp/x",
                                 "/lockflow/work/x") if can_write(path)],
    "lock": open("/lockflow/project/uv.lock").read(),
}))
"""


def command(platform: str, *argv: str, **more: object) -> Command:
    place = Place(image=f"lockflow-test/python:{ARCHES[platform]}", platform=platform)
    return Command(argv=argv, place=place, purpose="the test", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("platform", "machine"), [("linux/amd64", "x86_64"), ("linux/arm64", "aarch64")])
def test_a_container_may_next_to_nothing(platform: str, machine: str, engine: DockerEngine) -> None:
    files = (InputFile(path="/lockflow/project/uv.lock", content=b"version = 1"),)
    outcome = engine.run(command(platform, "python3", "-c", LOOK, files=files))
    assert outcome.exit_code == 0, outcome.stderr
    assert json.loads(outcome.stdout) == {
        "machine": machine,
        "uid": 1000,
        "capabilities": 0,
        "no_new_privileges": "1",
        "seccomp": "2",
        "first": "docker-init",
        "few_processes": True,
        "root": "ro",
        "programs": ["/lockflow/work/p"],
        "kernel_log": False,
        "socket_of_engine": False,
        "interfaces": ["lo"],
        "writes": ["/tmp/x", "/lockflow/work/x"],
        "lock": "version = 1",
    }
    assert outcome.is_emulated is (platform != engine.native())


@pytest.mark.parametrize(
    ("argv", "limits", "says"),
    [
        (
            ("python3", "-c", "import time; time.sleep(60)"),
            Limits(timeout_seconds=1.5),
            "did not end within 1.5 seconds",
        ),
        (("python3", "-c", "bytearray(300 << 20)"), Limits(memory_bytes=48 << 20), "needed more memory"),
        (("no-such-program",), Limits(), "could not be started"),
    ],
)
@pytest.mark.parametrize("platform", ARCHES)
def test_a_container_that_fails_has_its_own_words(
    platform: str, argv: tuple[str, ...], limits: Limits, says: str, engine: DockerEngine, client: docker.DockerClient
) -> None:
    with pytest.raises(EngineError) as caught:
        engine.run(command(platform, *argv, limits=limits))
    assert says in caught.value.what
    assert left_behind(client) == []


def test_more_processes_than_allowed_cannot_be_started(engine: DockerEngine) -> None:
    program = (
        "import os\ntry:\n    [os.fork() or os.pause() for _ in range(99)]\nexcept OSError as error:\n    print(error)"
    )
    program = program.replace("os.pause()", "__import__('time').sleep(2)")
    outcome = engine.run(command("linux/amd64", "python3", "-c", program, limits=Limits(processes=20)))
    assert "Resource temporarily unavailable" in outcome.stdout


def test_an_image_for_another_architecture_and_one_that_is_not_there_are_told_apart(engine: DockerEngine) -> None:
    with pytest.raises(EngineError, match="is for linux/amd64, not for linux/arm64"):
        engine.prepare(Place(image="lockflow-test/python:amd64", platform="linux/arm64"))
    with pytest.raises(EngineError, match="is not there, and its registry cannot be reached"):
        engine.prepare(Place(image="registry.invalid/nothing:1", platform="linux/amd64"))


def test_commands_run_side_by_side(engine: DockerEngine) -> None:
    outcomes = []

    def run() -> None:
        outcomes.append(engine.run(command("linux/amd64", "python3", "-c", "print('here')")).stdout)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["here\n"] * 6


def test_stopping_ends_what_runs_at_once(client: docker.DockerClient) -> None:
    engine = DockerEngine()
    errors: list[str] = []

    def run() -> None:
        try:
            engine.run(command("linux/amd64", "python3", "-c", "import time; time.sleep(60)"))
        except EngineError as error:
            errors.append(error.what)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: bool(left_behind(client)))
    engine.close()
    thread.join(60)
    assert not thread.is_alive()
    assert errors == ["the run was interrupted"]
    assert left_behind(client) == []


SLEEPER = """
from lockflow.engines.docker import DockerEngine
from lockflow.engines.model import Command, Place

engine = DockerEngine()
place = Place(image="lockflow-test/python:amd64", platform="linux/amd64")
try:
    engine.run(Command(argv=("python3", "-c", "import time; time.sleep(120)"), place=place, purpose="a test"))
finally:
    engine.close()
"""


def wait_for(is_so: object, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < until, "it did not come to be"
        time.sleep(0.05)


def a_run(client: docker.DockerClient, tmp_path: Path) -> subprocess.Popen[bytes]:
    """Another process with a container under way."""
    script = tmp_path / "sleeper.py"
    script.write_text(SLEEPER)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    with (tmp_path / "said").open("wb") as said:
        # A session of its own: a shell may have told this one to ignore Ctrl-C.
        process = subprocess.Popen([sys.executable, str(script)], env=environment, stdout=said, stderr=said)
    wait_for(lambda: running(client, process.pid))
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(number: signal.Signals, client: docker.DockerClient, tmp_path: Path) -> None:
    process = a_run(client, tmp_path)
    process.send_signal(number)
    process.wait(60)
    assert left_behind(client, process.pid) == []


def test_what_a_killed_run_leaves_is_removed_by_the_next(client: docker.DockerClient, tmp_path: Path) -> None:
    process = a_run(client, tmp_path)
    process.kill()
    process.wait(60)
    assert len(left_behind(client, process.pid)) == 1
    DockerEngine().close()
    assert left_behind(client, process.pid) == []


def test_a_run_leaves_those_of_others_alone(client: docker.DockerClient, tmp_path: Path) -> None:
    process = a_run(client, tmp_path)
    DockerEngine().close()
    assert len(left_behind(client, process.pid)) == 1
    process.terminate()
    process.wait(60)
    assert left_behind(client, process.pid) == []
