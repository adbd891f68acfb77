"""Sync and run on a lock in every state, in every mode: the code, the lock, and what becomes of the environment."""

from __future__ import annotations

import pytest

from lockflow.cli import run as cli_run
from lockflow.syncing.running import Ready
from support.installation import Installation
from support.lock_states import STATES, UNREADABLE, prepare

SYNC = ("", "--locked", "--frozen", "--dry-run", "--dry-run --locked", "--check")
RUN = ("", "--locked", "--frozen", "--no-sync")
CODE_OF_COMMAND = 7


@pytest.fixture
def bench(ready: Installation) -> Installation:
    return ready.offer("apple", "1.0", "core").offer("core", "1.0").offer("core", "2.0")


def synced(state: str, mode: str) -> tuple[int, bool, set[str]]:
    """The exit code, whether the lock is written, and what is in an environment that was empty."""
    if state in UNREADABLE:
        return 2, False, set()
    if state == "missing" and mode != "":
        return {"--dry-run": 0}.get(mode, 1), False, set()
    if state == "stale" and mode.endswith("--locked"):
        return 1, False, set()
    if mode in ("--dry-run", "--dry-run --locked", "--check"):
        return int(mode == "--check"), False, set()
    if state == "stale" and mode == "--frozen":
        return 0, False, {"core-1.0"}
    return (
        0,
        mode == "" and state in ("missing", "stale"),
        {"apple-1.0", "core-1.0" if state == "stale" else "core-2.0"},
    )


def ran(state: str, mode: str) -> tuple[int, bool, set[str]]:
    if mode == "--no-sync":
        return CODE_OF_COMMAND, False, set()
    code, is_written, packages = synced(state, mode)
    return code or CODE_OF_COMMAND, is_written, packages


@pytest.mark.parametrize("mode", SYNC)
@pytest.mark.parametrize("state", STATES)
def test_a_sync_in_every_state_in_every_mode(bench: Installation, state: str, mode: str) -> None:
    prepare(bench, state)
    before = bench.lock.read_bytes() if bench.lock.exists() else None
    run = bench.run("sync", *mode.split())
    after = bench.lock.read_bytes() if bench.lock.exists() else None
    assert (run.code, after != before, bench.packages) == synced(state, mode), run.said
    assert "Traceback" not in run.said
    if run.code:
        assert "error: " in run.said
        assert "  next:  " in run.said


@pytest.mark.parametrize("mode", RUN)
@pytest.mark.parametrize("state", STATES)
def test_a_run_in_every_state_in_every_mode(
    bench: Installation, state: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(bench, state)
    before = bench.lock.read_bytes() if bench.lock.exists() else None
    started: list[tuple[str, ...]] = []

    def become(ready: Ready, variables: dict[str, str]) -> int:
        started.append(ready.argv)
        assert variables["VIRTUAL_ENV"] == str(bench.environment)
        return CODE_OF_COMMAND

    monkeypatch.setattr(cli_run, "become", become)
    run = bench.run("run", *mode.split(), "python", "--version")
    after = bench.lock.read_bytes() if bench.lock.exists() else None
    assert (run.code, after != before, bench.packages) == ran(state, mode), run.said
    assert started == ([("python", "--version")] if run.code == CODE_OF_COMMAND else [])


@pytest.mark.parametrize("state", ["missing", "fresh"])
def test_a_check_asks_for_the_environment_not_for_the_lock(bench: Installation, state: str) -> None:
    prepare(bench, "fresh")
    assert bench.run("sync").code == 0
    prepare(bench, state)
    run = bench.run("sync", "--check")
    assert run.code == 0, run.said
    assert "Would make no changes" in run.said
    prepare(bench, "stale")
    bench.write("core<2")
    run = bench.run("sync", "--check")
    assert run.code == 1
    assert "error: the environment is not up to date" in run.said
    assert " - apple==1.0\n - core==2.0\n + core==1.0" in run.said


@pytest.mark.parametrize(("flag", "variable", "code"), [
    ("--frozen", "UV_LOCKED", 0), ("", "UV_LOCKED", 1), ("", "UV_FROZEN", 0), ("--locked", "UV_FROZEN", 1),
])  # fmt: skip
def test_a_flag_beats_a_variable(
    bench: Installation, monkeypatch: pytest.MonkeyPatch, flag: str, variable: str, code: int
) -> None:
    prepare(bench, "stale")
    monkeypatch.setenv(variable, "1")
    assert bench.run("sync", *flag.split()).code == code


@pytest.mark.parametrize("command", ["sync", "run"])
def test_two_modes_at_once_are_refused(bench: Installation, command: str) -> None:
    prepare(bench, "fresh")
    words = ["python"] if command == "run" else []
    run = bench.run(command, "--locked", "--frozen", *words)
    assert run.code == 2
    assert "--locked cannot be used with --frozen" in run.said
