"""How each tool is told to lock a project without building anything, from one index, with a cache of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
MODES = ("cold", "warm", "no-op")
_LEFT_OUT = ("UV_", "PIP_", "LOCKFLOW_", "PYTHONDONTWRITEBYTECODE")
"""Variables that decide for a tool; the last would have every run of those in Python compile all that it imports, as no
installed tool does: it made warm runs of lockflow two thirds longer."""


def nothing(folder: Path, origin: str) -> None:
    """No change to the project is needed."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One competitor: what is run in the project's folder, what it writes, and how it learns of index and cache.

    In `environment` and in what `prepare` writes the placeholders ORIGIN and CACHE stand for their values.
    """

    name: str
    command: tuple[str, ...]
    lock: str
    environment: dict[str, str]
    prepare: Callable[[Path, str], None] = nothing
    modes: tuple[str, ...] = MODES
    timeout_seconds: float = 300
    runs: int | None = None

    def environment_for(self, origin: str, cache: Path) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)}
        kept |= {"NO_PROXY": "127.0.0.1", "NO_COLOR": "1"}
        own = {
            name: value.replace("ORIGIN", origin).replace("CACHE", str(cache))
            for name, value in self.environment.items()
        }
        return kept | own


UV_ENVIRONMENT = {
    "UV_DEFAULT_INDEX": "ORIGIN/simple/",
    "UV_CACHE_DIR": "CACHE",
    "LOCKFLOW_CACHE_DIR": "CACHE",
    "UV_PYTHON": sys.executable,
    "UV_PYTHON_DOWNLOADS": "never",
}


def _append(folder: Path, text: str) -> None:
    with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(text)


def dodo(folder: Path, origin: str) -> None:  # noqa: ARG001  the signature of `prepare`
    """A project that uses lockflow's tasks; one Python is checked, for which every package has a wheel."""
    (folder / "dodo.py").write_text("from lockflow.tasks import *\n")
    _append(folder, '\n[tool.uv]\nno-build = true\n\n[tool.lockflow]\npython-versions = ["3.11"]\n')


OWN = (
    Tool("uv", (str(BIN / "uv"), "lock", "--no-build"), "uv.lock", UV_ENVIRONMENT),
    Tool("lockflow", (str(BIN / "lockflow"), "lock", "--no-build"), "uv.lock", UV_ENVIRONMENT),
    Tool("doit lock", (str(BIN / "doit"), "lock"), "uv.lock", UV_ENVIRONMENT, dodo, modes=("no-op",)),
)


def for_nab(folder: Path, origin: str) -> None:
    """Universal over three platforms, the nearest to what the others do; it has no "every platform"."""
    text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    python = next(line for line in text.splitlines() if line.startswith("requires-python")).split('"')[1]
    # its matrix wants both ends; without one, up to the newest Python of the cut-off
    python = python if "<" in python else f"{python},<3.15"
    _append(
        folder,
        f'\n[tool.nab]\nmode = "universal"\nbuild-policy = "never"\ndist-policy = "wheel-only"\n'
        f'\n[[tool.nab.indexes]]\nname = "replay"\nurl = "{origin}/simple/"\n'
        f'\n[tool.nab.matrix]\npython = "{python}"\nplatforms = ["linux_x86_64", "linux_aarch64", "macos_arm64"]\n',
    )


def for_poetry(folder: Path, origin: str) -> None:
    _append(
        folder,
        "\n[tool.poetry]\npackage-mode = false\n"
        f'\n[[tool.poetry.source]]\nname = "replay"\nurl = "{origin}/simple/"\npriority = "primary"\n',
    )


def for_pdm(folder: Path, origin: str) -> None:
    _append(
        folder,
        "\n[tool.pdm]\ndistribution = false\n"
        f'\n[[tool.pdm.source]]\nname = "pypi"\nurl = "{origin}/simple/"\nverify_ssl = false\n',
    )


def peers(home: Path) -> tuple[Tool, ...]:
    """nab, Poetry and PDM, each pinned and in a virtual environment of its own below `home`, made when missing."""

    def installed(requirement: str) -> Path:
        name = requirement.partition("==")[0].partition("[")[0]
        folder = home / name
        if not (folder / "bin" / name).exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            subprocess.run(
                [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--quiet", requirement], check=True
            )
        return folder / "bin" / name

    poetry = {"POETRY_CACHE_DIR": "CACHE", "POETRY_VIRTUALENVS_CREATE": "false"}
    pdm = {"PDM_CACHE_DIR": "CACHE", "PDM_CHECK_UPDATE": "0", "PDM_IGNORE_SAVED_PYTHON": "1"}
    return (
        Tool("nab", (str(installed("nab==0.0.23")), "lock", "--cache-dir", "../cache-nab"), "pylock.toml", {}, for_nab,
             runs=2),
        Tool("poetry", (str(installed("poetry==2.5.1")), "lock", "--no-interaction"), "poetry.lock", poetry, for_poetry,
             runs=1),
        Tool("pdm", (str(installed("pdm[locked]==2.29.3")), "lock", "--no-isolation"), "pdm.lock", pdm, for_pdm,
             runs=1),
    )  # fmt: skip
