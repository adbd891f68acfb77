"""The library as `import lockflow` gives it: cheap to import, and its functions are functions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import lockflow
from lockflow.lock.modes import Mode


def run(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_importing_it_loads_nothing_else() -> None:
    loaded = run("import sys, lockflow; print(*sorted(n for n in sys.modules if n.startswith('lockflow')))").split()
    assert loaded == ["lockflow"]


def test_steps_are_functions_although_rooms_have_their_names() -> None:
    program = (
        "import lockflow.steps, lockflow.lock.decode, lockflow.report.model; print(lockflow.lock, lockflow.report)"
    )
    assert run(program).count("<function") == 2


@pytest.mark.parametrize("name", lockflow.__all__)
def test_every_promised_name_is_there(name: str) -> None:
    assert getattr(lockflow, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = lockflow.nonsense


def test_a_missing_lock_is_an_answer_with_four_parts(tmp_path: Path) -> None:
    pyproject = '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\n'
    (tmp_path / "pyproject.toml").write_text(pyproject, encoding="utf-8")
    with pytest.raises(lockflow.AnswerIsNo) as caught:
        lockflow.lock(lockflow.Target(directory=tmp_path), Mode.LOCKED)
    assert caught.value.next
    lockflow.lock(lockflow.Target(directory=tmp_path))
    assert lockflow.lock(lockflow.Target(directory=tmp_path), Mode.LOCKED).packages == 1
