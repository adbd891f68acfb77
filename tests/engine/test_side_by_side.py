"""`doit lock` of a hundred packages checks three platforms in containers side by side; prints what it took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.house import ANY, House

pytestmark = pytest.mark.engine

PACKAGES = 100
PLATFORMS = ("darwin", "linux/amd64", "linux/arm64")
LEVELS = {"darwin": "tags", "linux/amd64": "probe", "linux/arm64": "probe"}
WHEELS = tuple(f"cp311-cp311-{tag}" for tag in ("manylinux2014_x86_64", "manylinux2014_aarch64", "macosx_11_0_arm64"))
ROUNDS = 3
LOCKFLOW = str(Path(sys.executable).with_name("lockflow"))


@pytest.fixture
def folder(house: House, project: Callable[..., Path]) -> Path:
    """Every third package has wheels for each platform, the others one for all; each requires two that come later."""
    names = [f"package-{number:03}" for number in range(PACKAGES)]
    for number, name in enumerate(names):
        further = [names[at] for at in (2 * number + 1, 2 * number + 2) if at < PACKAGES]
        house.offer(name, "1.0", *further, wheels=[ANY] if number % 3 else WHEELS)
    house.offer("plain", "1.0")
    house.offer("tool", "2.0")
    folder = project(names[0], settings='executor = "docker"')
    (folder / "dodo.py").write_text(
        "from lockflow.tasks import DOIT_CONFIG, task_check, task_inputs, task_lock, task_report, task_resolve\n"
    )
    return folder


def test_three_platforms_are_proven_side_by_side(
    folder: Path, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {
        **os.environ,
        "UV_DEFAULT_INDEX": f"{house.origin}/simple",
        "LOCKFLOW_CACHE_DIR": str(folder.parent / "cache"),
    }

    def seconds(*argv: str) -> float:
        began = time.perf_counter()
        done = subprocess.run(
            argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return time.perf_counter() - began

    whole = seconds(sys.executable, "-m", "doit", "lock")
    for platform, level in LEVELS.items():
        report = json.loads((folder / "reports" / f"{platform.replace('/', '-')}.json").read_text())
        assert (report["verdict"], report["level"], report["executor"]) == ("good", level, "docker")
        assert len(report["pythons"][0]["entries"]) == PACKAGES + 2

    # The first run fetched uv. What other work the machine has is in all figures, and least in the smallest.
    alone = {name: min(seconds(LOCKFLOW, "check", name) for _ in range(ROUNDS)) for name in PLATFORMS}
    together = min(seconds(LOCKFLOW, "check", *PLATFORMS) for _ in range(ROUNDS))
    slowest = max(alone.values())
    told = ", ".join(f"{name} {took:.2f} s" for name, took in alone.items())
    with capsys.disabled():
        print(f"\n  doit lock, the first time: {whole:.2f} s; each alone: {told}")
        print(f"  all three side by side: {together:.2f} s, {together / slowest:.2f} x the slowest alone")
