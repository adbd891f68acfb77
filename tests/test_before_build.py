from __future__ import annotations

from pathlib import Path

import pytest

from lockflow.before_build import before_build, drift_message, require_ready
from lockflow.errors import AnswerIsNo, InputError
from lockflow.steps import Target
from support.workbench import Workbench


def pretend_uv(folder: Path, version: str) -> str:
    """A PATH with a program that says it is that uv."""
    folder.mkdir()
    program = folder / "uv"
    program.write_text(f"#!/bin/sh\necho 'uv {version} (x86_64-unknown-linux-gnu)'\n")
    program.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


@pytest.fixture
def locked(bench: Workbench) -> Workbench:
    bench.write("apple ; platform_system == 'Linux'")
    assert bench.run("lock").code == 0
    return bench


def test_the_uv_of_this_machine_is_asked_too(locked: Workbench, tmp_path: Path) -> None:
    target = Target(directory=locked.project, environment={"PATH": pretend_uv(tmp_path / "bin", "0.5.2")})
    (drift,) = before_build(target)
    assert drift.what == "uv 0.5.2 (this machine's) would refuse the lock"
    assert before_build(target, with_machine=False) == ()


def test_a_uv_of_this_machine_is_updated_not_pinned(locked: Workbench, tmp_path: Path) -> None:
    target = Target(directory=locked.project, environment={"PATH": pretend_uv(tmp_path / "bin", "0.5.2")})
    (drift,) = before_build(target)
    assert drift.advice[0] == "update the uv of this machine to 0.5.11 or newer"


def test_where_no_uv_is_pinned_the_lock_is_still_compared_with_its_project(locked: Workbench) -> None:
    target = Target(directory=locked.project, environment={})
    assert before_build(target, only_if_pinned=True, with_machine=False) == ()
    locked.write("apple ; platform_system == 'Linux'", "core")
    assert [drift.concern for drift in before_build(target, only_if_pinned=True, with_machine=False)] == ["lock"]


def test_without_a_uv_here_only_the_builder_counts(locked: Workbench, tmp_path: Path) -> None:
    target = Target(directory=locked.project, environment={"PATH": str(tmp_path)})
    assert before_build(target) == ()
    assert len(before_build(target, builder_uv="0.5.2")) == 1


def test_a_release_that_is_none_is_a_mistake(locked: Workbench) -> None:
    with pytest.raises(InputError, match="is no release of uv"):
        before_build(Target(directory=locked.project), builder_uv="newest", with_machine=False)


def test_without_a_lock_there_is_nothing_to_build_from(bench: Workbench) -> None:
    bench.write("apple")
    with pytest.raises(AnswerIsNo, match="there is no lock to build from"):
        before_build(Target(directory=bench.project))


def test_all_that_was_found_is_one_refusal(locked: Workbench) -> None:
    locked.write("apple ; platform_system == 'Linux'", "core")
    target = Target(directory=locked.project, environment={})
    drifts = before_build(target, builder_uv="0.5.2", with_machine=False)
    assert [drift.concern for drift in drifts] == ["lock", "marker"]
    assert drift_message(drifts[0]).startswith("the lock does not state the project any more\n  where: uv.lock\n")
    with pytest.raises(AnswerIsNo) as caught:
        require_ready(drifts)
    assert "also: uv 0.5.2 (the builder's) would refuse the lock" in caught.value.why
    assert "run `lockflow lock`" in caught.value.next
    require_ready(())
