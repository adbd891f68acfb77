"""Runs that are interrupted, killed, or whose engine goes away: nothing is left of them, and the next one works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import docker
import pytest

from support.containers import left_behind, running
from support.engine_proxy import EngineProxy
from support.house import House

pytestmark = pytest.mark.engine

Project = Callable[..., Path]
SECONDS = 60
"""What an end may take on a busy machine; none of the tests waits for so long where all is well."""
DODO = "from lockflow.tasks import DOIT_CONFIG, task_check, task_inputs, task_lock, task_report, task_resolve\n"
LOCKFLOW = str(Path(sys.executable).with_name("lockflow"))
CHECK = (LOCKFLOW, "check")
DOIT = (sys.executable, "-m", "doit", "lock")


class Work:
    """A project, and runs on it in processes of their own."""

    def __init__(self, folder: Path, house: House) -> None:
        self.folder = folder
        self.house = house
        self.pids: list[int] = []
        (folder / "dodo.py").write_text(DODO)

    def start(self, argv: Sequence[str], **environment: str) -> subprocess.Popen[str]:
        given = {
            **os.environ,
            "UV_DEFAULT_INDEX": f"{self.house.origin}/simple",
            "LOCKFLOW_CACHE_DIR": str(self.folder.parent / "cache"),
            **environment,
        }
        # A session of its own: a shell may have told this one to ignore Ctrl-C.
        process = subprocess.Popen(
            argv, cwd=self.folder, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.pids.append(process.pid)
        return process

    def run(self, argv: Sequence[str], **environment: str) -> tuple[int, str]:
        process = self.start(argv, **environment)
        said, _ = process.communicate(timeout=SECONDS * 2)
        return process.returncode, said

    def files(self) -> dict[str, bytes]:
        """All that is in the project, but for the state that can be made again."""
        paths = (path for path in self.folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
        named = {str(path.relative_to(self.folder)): path for path in paths}
        return {name: path.read_bytes() for name, path in named.items() if not name.startswith(".lockflow/")}


@pytest.fixture
def work(house: House, project: Project, client: docker.DockerClient) -> Iterator[Work]:
    """A lock, and reports on it that were made without containers."""
    house.offer("plain", "1.0")
    house.offer("tool", "2.0")
    found = Work(project("plain", settings='executor = "docker"\nplatforms = ["darwin", "linux/amd64"]'), house)
    assert found.run((LOCKFLOW, "lock"))[0] == 0
    assert found.run((LOCKFLOW, "check", "--executor", "process"))[0] == 0
    yield found
    assert left_behind(client, *found.pids) == []


def until(is_so: Callable[[], object]) -> None:
    limit = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < limit, "it did not come to be"
        time.sleep(0.02)


@pytest.mark.parametrize("argv", [CHECK, DOIT], ids=["lockflow check", "doit lock"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_all_as_it_was(
    argv: Sequence[str], number: signal.Signals, work: Work, client: docker.DockerClient
) -> None:
    before = work.files()
    process = work.start(argv)
    until(lambda: running(client, process.pid))
    process.send_signal(number)
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert left_behind(client, *work.pids) == []
    assert work.files() == before
    assert work.run(argv)[0] == 0


@pytest.mark.parametrize("argv", [CHECK, DOIT], ids=["lockflow check", "doit lock"])
def test_what_a_killed_run_left_is_removed_by_the_next(
    argv: Sequence[str], work: Work, client: docker.DockerClient
) -> None:
    before = work.files()
    process = work.start(argv)
    until(lambda: running(client, process.pid))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=SECONDS)
    assert left_behind(client, *work.pids)
    assert work.files() == before
    code, said = work.run(argv)
    assert code == 0, said
    assert left_behind(client, *work.pids) == []


def test_a_run_leaves_the_containers_of_another_alone(work: Work, client: docker.DockerClient) -> None:
    first = work.start(CHECK)
    until(lambda: running(client, first.pid))
    code, said = work.run(CHECK)
    assert code == 0, said
    said, _ = first.communicate(timeout=SECONDS)
    assert first.returncode == 0, said


@pytest.mark.parametrize("argv", [CHECK, DOIT], ids=["lockflow check", "doit lock"])
def test_an_engine_that_goes_away_is_told_and_the_next_run_works(
    argv: Sequence[str], work: Work, client: docker.DockerClient, tmp_path: Path
) -> None:
    proxy = EngineProxy(tmp_path / "engine.sock")
    process = work.start(argv, DOCKER_HOST=proxy.address)
    until(lambda: running(client, process.pid))
    proxy.close()
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 2, said
    assert "the container engine went away" in said
    assert proxy.address in said
    assert "Traceback" not in said
    assert not [*work.folder.rglob("*.tmp")]
    code, said = work.run(argv)
    assert code == 0, said
    assert left_behind(client, *work.pids) == []


def test_an_engine_that_is_not_there_is_told_once(work: Work, tmp_path: Path) -> None:
    nowhere = f"unix://{tmp_path}/nothing.sock"
    for argv in (CHECK, DOIT):
        code, said = work.run(argv, DOCKER_HOST=nowhere)
        assert code == 2
        assert said.count("no container engine answers") == 1, said
        assert nowhere in said
