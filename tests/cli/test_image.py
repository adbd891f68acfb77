"""`lockflow image` as people see it; what it does is in tests/test_building.py and tests/engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lockflow import building
from support.images import FakeImages
from support.with_uv import WithUv
from support.workbench import Workbench


@pytest.fixture
def locked(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    bench.write("apple")
    assert bench.run("lock").code == 0
    monkeypatch.setattr(Workbench, "transport", property(WithUv))
    return bench


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> FakeImages:
    fake = FakeImages({"apple": "1.0", "core": "2.0"})
    defaults = building.build_images.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "open_images", lambda _: fake)
    return fake


def test_a_line_says_what_was_built(locked: Workbench, images: FakeImages) -> None:
    run = locked.run("image", "linux/amd64", "--tag", "demo:1")
    assert run.code == 0, run.said
    header, line, last = run.said.splitlines()[-3:]
    assert header.split() == ["platform", "Python", "packages", "binaries", "size", "built", "image"]
    assert line.split()[:4] == ["linux/amd64", "3.12.9", "2", "1"]
    assert line.endswith("demo:1")
    assert last.startswith("Built 1 image in ")


def test_platforms_may_be_one_word_and_what_is_pushed_has_its_digest(locked: Workbench, images: FakeImages) -> None:
    run = locked.run("image", "linux/amd64,linux/arm64", "--tag", "host.example/demo:1", "--push")
    assert run.code == 0, run.said
    assert "host.example/demo:1-linux-arm64@sha256:host.example/demo:1-linux-arm64" in run.said
    assert "All of them: host.example/demo:1@sha256:list" in run.said


def test_data_is_on_stdout(locked: Workbench, images: FakeImages, capsys: pytest.CaptureFixture[str]) -> None:
    run = locked.run("image", "linux/amd64", "--json", "-q")
    document = json.loads(run.said)
    assert [image["platform"] for image in document["images"]] == ["linux/amd64"]


def test_a_dry_run_prints_the_recipe_and_asks_no_engine(locked: Workbench) -> None:
    run = locked.run("image", "linux/arm64", "--dry-run")
    assert run.code == 0, run.said
    assert "FROM --platform=linux/arm64 ${BASE} AS final" in run.said
    assert "nothing was built" in run.said
    both = locked.run("image", "linux/amd64", "linux/arm64", "--dry-run", "--json", "-q")
    assert [entry["platform"] for entry in json.loads(both.said)] == ["linux/amd64", "linux/arm64"]


def test_an_image_that_is_wrong_is_exit_1_and_an_absent_engine_exit_2(
    locked: Workbench, images: FakeImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    images.installed.pop("core")
    run = locked.run("image", "linux/amd64")
    assert run.code == 1
    assert "core 2.0 is not installed" in run.said
    monkeypatch.undo()


def test_settings_with_a_slip_say_what_was_meant(locked: Workbench, tmp_path: Path) -> None:
    path = locked.project / "pyproject.toml"
    text = path.read_text()
    path.write_text(text + '\n[tool.lockflow.image]\nentrypoints = ["python"]\n')
    run = locked.run("image", "linux/amd64", "--dry-run")
    assert "unknown key 'entrypoints', it has no effect; did you mean entrypoint?" in run.said
    for line, says in (
        ('user = "root"', "images do not run as root"),
        ('user = "0:0"', "images do not run as root"),
        ('user = "00:7"', "images do not run as root"),
        ('name = "Registry.example/App:1"', "name cannot be 'Registry.example/App:1'"),
        ('base = "a b"', "base cannot be 'a b'"),
        ('python = "3"', "python cannot be '3'"),
        ('uv = "new"', "uv cannot be 'new'"),
        ('files = ["../secrets"]', "'../secrets' is not inside the project"),
        ('files = ["/etc"]', "'/etc' is not inside the project"),
        ('extras = "gpu"', "extras must be an array"),
    ):
        path.write_text(f"{text}\n[tool.lockflow.image]\n{line}\n")
        run = locked.run("image", "linux/amd64", "--dry-run")
        assert run.code == 2
        assert says in run.said, run.said
