"""What every test may rely on: no settings of the person or machine that runs it reach it."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path

import pytest

from support.workbench import Workbench


def pytest_configure() -> None:
    # A shell without job control lets what it starts in the background ignore Ctrl-C, and so would what tests start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    # Thousands of tests stay to the end: the collector need not look at them again and again.
    gc.collect()
    gc.freeze()


@pytest.fixture
def _nobodys_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("UV_", "LOCKFLOW_", "XDG_")) or name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))


@pytest.fixture
def bench(tmp_path: Path, _nobodys_settings: None) -> Workbench:
    """A project folder with nothing in it, and an index with a few releases."""
    project = tmp_path / "work" / "project"
    project.mkdir(parents=True)
    workbench = Workbench(project, tmp_path / "cache")
    workbench.offer("apple", "1.0", "core>=1").offer("core", "1.0").offer("core", "2.0")
    return workbench
