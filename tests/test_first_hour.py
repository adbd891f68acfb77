"""docs/first-hour.md: what stands after each `$` is run, and gives what is printed there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.workbench import Workbench

PAGE = (Path(__file__).parent.parent / "docs" / "first-hour.md").read_text(encoding="utf-8")
LINUX, ARM, MAC = (f"cp312-cp312-{name}" for name in (
    "manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "macosx_11_0_arm64"
))  # fmt: skip


def commands(section: str) -> list[tuple[str, str]]:
    """The commands of a section and what they print."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", section, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def timeless(text: str) -> str:
    return re.sub(r" in [0-9.]+m?s", " in TIME", text)


def test_the_page_is_true(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bench.project)
    bench.offer("geonum", "1.4").offer("fastgeo", "2.8", "geonum>=1", wheels=(LINUX, ARM, MAC))
    ran = 0
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        if section.startswith("A project\n"):
            toml = re.search(r"```toml\n(.*?)```", section, re.DOTALL)
            assert toml is not None
            (bench.project / "pyproject.toml").write_text(toml[1], encoding="utf-8")
        if section.startswith("A week later\n"):
            bench.offer("geonum", "1.5").offer("fastgeo", "2.9", "geonum>=1", wheels=(LINUX, MAC))
        for command, output in commands(section):
            program, *words = command.split()
            assert program == "lockflow"
            run = bench.run(*words)
            said = run.said.replace(f"{bench.project}/", "")
            assert timeless(said) == timeless(output), command
            assert run.code == (10 if "--exit-code" in words else 0)
            ran += 1
    assert ran == 7
    assert '"fastgeo>=2.8"' in PAGE
