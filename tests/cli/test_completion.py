"""The completion scripts, tried in the shells themselves where they are installed."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockflow.cli.faults import COMMANDS
from lockflow.cli.main import main

TYPED = (
    ("lockflow re", {"report", "refresh", "remove"}),
    ("lockflow -q ver", {"verify"}),
    ("lockflow lock --up", {"--upgrade", "--upgrade-package", "--upgrade-group"}),
    ("lockflow lock --color a", {"auto", "always"}),
    ("lockflow check linux/arm64/m", {"linux/arm64/musl"}),
    ("lockflow export --platform windows/a", {"windows/amd64"}),
    ("lockflow cache c", {"clean"}),
)


@pytest.fixture(scope="module", params=("bash", "zsh", "fish"))
def script(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / str(request.param)
    if shutil.which(path.name) is None:
        pytest.skip(f"{path.name} is not installed")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert main(["completion", path.name]) == 0
    path.write_text(said.getvalue(), encoding="utf-8")
    return path


def shell(script: Path, program: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(script.parent)}
    command = [script.name, *(["--norc"] if script.name == "bash" else []), "-c", program]
    return subprocess.run(
        command, env=environment, cwd=script.parent, capture_output=True, text=True, check=True
    ).stdout  # fmt: skip


def offered(script: Path, typed: str) -> set[str]:
    if script.name == "fish":
        lines = shell(script, f"source fish; complete -C '{typed}'").splitlines()
        return {line.partition("\t")[0] for line in lines}
    program = f"source ./bash; COMP_WORDS=({typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _lockflow"
    return set(shell(script, f"{program}; printf '%s\n' ${{COMPREPLY[@]}}").split())


@contextlib.contextmanager
def zsh(folder: Path) -> Iterator[int]:
    """A zsh on a terminal of its own; it completes nowhere else."""
    ours, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "vt100", "PS1": "> "}
    with subprocess.Popen(
        ["zsh", "-f", "-i"], cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
    ) as shell:  # fmt: skip
        os.close(theirs)
        try:
            start = 'stty columns 200; autoload -Uz compinit && compinit -D -u; source ./zsh; echo rea""dy\n'
            talk(ours, start, {"ready"})
            yield ours
        finally:
            shell.kill()
            os.close(ours)


def talk(terminal: int, text: str, expected: set[str]) -> None:
    """Type `text`, and wait until all that is expected was shown."""
    os.write(terminal, text.encode())
    said, until = "", time.monotonic() + 60
    while not all(word in said for word in expected):
        assert time.monotonic() < until, said
        if select.select([terminal], [], [], 1)[0]:
            said += os.read(terminal, 65536).decode(errors="replace")


def test_the_shell_offers_what_the_help_names(script: Path) -> None:
    if script.name != "zsh":
        for typed, expected in TYPED:
            assert offered(script, typed) == expected, typed
        return
    with zsh(script.parent) as terminal:
        for typed, expected in TYPED:
            talk(terminal, f"{typed}\t\t", expected)
            # Away with it; what is shown from here on is of the next one.
            talk(terminal, '\x15echo emp""ty\n', {"empty"})


def test_every_command_is_offered(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert [command for command in COMMANDS if command not in text] == []
