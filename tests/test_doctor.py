"""The doctor looks at everything, whatever became of what it looked at before, and says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from lockflow.cli import doctor as command
from lockflow.doctor import Finding, examine
from lockflow.engines import faults
from lockflow.engines.model import Engine, Place
from lockflow.errors import EngineError
from lockflow.steps import Network, Target
from support.engines import RecordingEngine, said
from support.workbench import NoNetwork, Workbench

ARM = "linux/arm64"
ONCE = {"UV_HTTP_RETRIES": "0"}
"""What does not answer is not asked again."""
SECOND = '\n[[tool.uv.index]]\nname = "second"\nurl = "https://second.example/simple"\n'


def engine(**more: object) -> RecordingEngine:
    return RecordingEngine(lambda _: said({}), **more)  # type: ignore[arg-type]  # the fields of the class


def no_engine(_: Mapping[str, str]) -> Engine:
    raise EngineError("no container engine answers", why="nobody is there", next="start the engine")


def examined(bench: Workbench, found: Engine | None = None, **environment: str) -> dict[str, list[Finding]]:
    target = Target(directory=bench.project, environment={**ONCE, **environment})
    network = Network(transport=bench.transport, cache_dir=bench.cache)
    by_subject: dict[str, list[Finding]] = {}
    for finding in examine(target, network, no_engine if found is None else lambda _: found):
        by_subject.setdefault(finding.subject, []).append(finding)
    return by_subject


@pytest.fixture
def locked(bench: Workbench) -> Workbench:
    bench.write("apple")
    assert bench.run("lock").code == 0
    return bench


def uv(folder: Path, version: str) -> str:
    folder.mkdir()
    (folder / "uv").write_text(f"#!/bin/sh\necho 'uv {version} (x)'\n", encoding="utf-8")
    (folder / "uv").chmod(0o755)
    return str(folder)


def test_all_is_well(locked: Workbench) -> None:
    found = examined(locked, engine())
    assert list(found) == ["project", "lock", "drift", "index", "uv", "cache", "engine", "darwin", "linux/amd64", ARM]
    assert all(finding.is_fine for findings in found.values() for finding in findings)
    assert found["lock"][0].what == "up to date, 3 packages"
    assert found["engine"][0].what == "answers, linux/amd64"
    assert "runs natively" in found["linux/amd64"][0].what
    assert "emulated" in found[ARM][0].what


def test_a_stale_lock_says_why_and_what_to_do(locked: Workbench) -> None:
    locked.write("core")
    (finding,) = examined(locked)["lock"]
    assert (finding.is_fine, finding.what.partition(":")[0]) == (False, "the lock needs to be updated")
    assert finding.next


def test_a_lock_that_the_uv_of_the_builder_would_refuse_is_drift(locked: Workbench) -> None:
    locked.write("apple", more='uv = "0.8.0"\n[tool.uv]\nexclude-newer = "7 days"\n')
    for release in locked.releases:
        for file in release["file"]:
            file["upload-time"] = "2020-01-01T00:00:00.000000Z"
    assert locked.run("lock", "--refresh").code == 0
    drift = examined(locked)["drift"]
    assert not drift[0].is_fine
    assert "0.9.17" in drift[0].next


def test_every_index_is_asked_and_one_that_does_not_answer_is_named(locked: Workbench) -> None:
    locked.write("apple", more=SECOND)
    first, second = examined(locked)["index"]
    assert first.is_fine is False
    assert first.what.startswith("second (https://second.example/simple): ")
    assert second == Finding(subject="index", is_fine=True, what="https://index.example/simple answers")


def test_without_a_network_indexes_are_bad_and_the_rest_is_looked_at(locked: Workbench) -> None:
    target = Target(directory=locked.project, environment=ONCE)
    found = {item.subject: item for item in examine(target, Network(transport=NoNetwork()), no_engine)}
    assert not found["index"].is_fine
    assert found["index"].next
    assert found["lock"].is_fine


def test_every_uv_is_listed_and_the_first_is_compared(locked: Workbench, tmp_path: Path) -> None:
    path = f"{uv(tmp_path / 'a', '0.8.1')}:{uv(tmp_path / 'b', '0.13.8')}:{tmp_path / 'a'}:/nowhere"
    locked.write("apple", more='uv = "0.13.8"\n')
    first, second = examined(locked, PATH=path)["uv"]
    assert (first.is_fine, second.is_fine) == (False, True)
    assert "0.8.1 at" in first.what
    assert "install uv 0.13.8" in first.next
    assert "behind the first" in second.what


def test_no_engine_is_fine_unless_the_project_asks_for_one(locked: Workbench) -> None:
    (finding,) = examined(locked)["engine"]
    assert finding.is_fine
    assert "checks read tags" in finding.what
    locked.write("apple", more='executor = "docker"\n')
    (finding,) = examined(locked)["engine"]
    assert (finding.is_fine, finding.next) == (False, "start the engine")


def test_a_platform_without_emulation_and_one_without_image_are_told_apart(locked: Workbench) -> None:
    place = Place(image="python:3.12-slim-bookworm", platform=ARM)
    images = {place.image: faults.no_emulation(place, "linux/amd64", "exec format error")}
    found = examined(locked, engine(unusable=images))
    assert not found[ARM][0].is_fine
    assert "qemu" in found[ARM][0].next
    found = examined(locked, engine(absent=frozenset(images)))
    assert found[ARM][0].is_fine
    assert "is not here yet" in found[ARM][0].what


@pytest.mark.parametrize("text", [None, "[project", '[project]\nname = "a"\n'])
def test_a_project_that_is_none_stops_nothing(bench: Workbench, text: str | None) -> None:
    if text is not None:
        (bench.project / "pyproject.toml").write_text(text, encoding="utf-8")
    found = examined(bench, engine())
    assert list(found) == ["project", "uv", "cache", "engine"]
    assert not found["project"][0].is_fine
    assert found["project"][0].next


def test_the_command_ends_with_1_where_something_is_to_be_done(
    locked: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "open_engine", no_engine)
    monkeypatch.setenv("PATH", "")
    run = locked.run("doctor")
    assert (run.code, run.said.splitlines()[1]) == (0, "ok  lock        up to date, 3 packages")
    locked.write("core")
    run = locked.run("doctor")
    assert run.code == 1
    assert "bad lock" in run.said
    assert "    next:    " in run.said
