"""Add, remove, export and tree on a lock in every state, in every mode: the code, what is written, what is put back."""

from __future__ import annotations

import pytest

from support.lock_states import STATES, UNREADABLE, prepare
from support.workbench import Workbench

ADD, REMOVE = ("add", "pear"), ("remove", "apple")
EDITS = {"add": ADD, "remove": REMOVE}
READS = {"export": ("export", "--no-header"), "tree": ("tree", "--universal")}


def edited(state: str, mode: str) -> tuple[int, bool, bool]:
    """The exit code, whether pyproject.toml is edited, and whether the lock is written."""
    if mode == "--frozen":
        return 0, True, False
    if state in UNREADABLE:
        return 2, False, False
    if mode == "--locked":
        return 1, False, False
    return 0, mode == "", mode == ""


def read(state: str, mode: str) -> tuple[int, bool]:
    """The exit code, and whether the lock is written."""
    if state in UNREADABLE:
        return 2, False
    if state == "missing":
        return (0, True) if mode == "" else (1, False)
    if state == "stale":
        return {"": (0, True), "--locked": (1, False), "--frozen": (0, False)}[mode]
    return 0, False


@pytest.mark.parametrize("mode", ["", "--locked", "--frozen", "--dry-run"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("command", EDITS)
def test_an_edit_in_every_state_in_every_mode(bench: Workbench, command: str, state: str, mode: str) -> None:
    bench.offer("pear", "1.0")
    prepare(bench, state)
    project = bench.project / "pyproject.toml"
    before = project.read_bytes(), bench.lock.read_bytes() if bench.lock.exists() else None
    run = bench.run(*EDITS[command], *([mode] if mode else []))
    after = project.read_bytes(), bench.lock.read_bytes() if bench.lock.exists() else None
    assert (run.code, after[0] != before[0], after[1] != before[1]) == edited(state, mode), run.said
    if run.code:
        assert "error: " in run.said
        assert "Traceback" not in run.said
    if run.code == 0 and mode == "":
        assert (b"pear" in after[0]) if command == "add" else (b"apple" not in after[0])
        assert bench.run("lock", "--check").code == 0


@pytest.mark.parametrize("mode", ["", "--locked", "--frozen"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("command", READS)
def test_a_view_in_every_state_in_every_mode(
    bench: Workbench, command: str, state: str, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(bench, state)
    before = bench.lock.read_bytes() if bench.lock.exists() else None
    capsys.readouterr()
    run = bench.run(*READS[command], *([mode] if mode else []))
    after = bench.lock.read_bytes() if bench.lock.exists() else None
    assert (run.code, after != before) == read(state, mode), run.said
    if run.code == 0:
        # A frozen view tells what the lock has, not what the project asks for.
        assert ("apple" in run.said) == (not (state == "stale" and mode == "--frozen"))
    else:
        assert run.said.startswith("error: ")


@pytest.mark.parametrize("command", ["export", "tree"])
@pytest.mark.parametrize(("flag", "variable", "code"), [
    ("--frozen", "UV_LOCKED", 0), ("", "UV_LOCKED", 1), ("", "UV_FROZEN", 0), ("--locked", "UV_FROZEN", 1),
])  # fmt: skip
def test_a_flag_beats_a_variable(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, command: str, flag: str, variable: str, code: int
) -> None:
    prepare(bench, "stale")
    monkeypatch.setenv(variable, "1")
    assert bench.run(command, *([flag] if flag else [])).code == code


@pytest.mark.parametrize("command", ["export", "tree", "add", "remove"])
def test_two_modes_at_once_are_refused(bench: Workbench, command: str) -> None:
    prepare(bench, "fresh")
    run = bench.run(*({**EDITS, **READS}[command]), "--locked", "--frozen")
    assert run.code == 2
    assert "--locked cannot be used with --frozen" in run.said
