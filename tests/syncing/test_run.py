"""What `lockflow run` becomes: a process of its own, with the environment's variables, arguments and exit code."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockflow.cli import run as cli_run
from lockflow.cli.faults import Parser
from lockflow.cli.main import main
from lockflow.cli.run import divided, run_parser
from lockflow.syncing.running import Ready
from support.installation import Installation

WHERE = (
    "import os, sys; print(sys.prefix, os.environ['VIRTUAL_ENV'], os.environ['PATH'].split(os.pathsep)[0], sys.argv)"
)
SCRIPT = """\
# /// script
# requires-python = ">=3.11"
# dependencies = ["pear"]
# [[tool.uv.index]]
# url = "{origin}/simple"
# default = true
# ///
import pear, sys
print("script", pear.version, sys.argv[1:])
"""


PEAR = b"version = '1.0'\ndef main():\n    import sys; print('pear', sys.prefix)\n"


@pytest.fixture
def served(ready: Installation) -> Iterator[Installation]:
    commands = "[console_scripts]\npear = pear:main\n"
    ready.offer("pear", "1.0", entry_points=commands, files={"pear/__init__.py": PEAR})
    ready.offer("plum", "1.0", "pear")
    with ready.house.served():
        yield ready


def process(desk: Installation, *words: str) -> subprocess.CompletedProcess[str]:
    """Run lockflow in a process of its own, which becomes the command."""
    environment = {**os.environ, "LOCKFLOW_CACHE_DIR": str(desk.cache), "NO_PROXY": "127.0.0.1"}
    program = "import sys; sys.argv[0] = 'lockflow'; from lockflow.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "run", *words]
    return subprocess.run(command, cwd=desk.project, env=environment, capture_output=True, text=True, check=False)


def run(desk: Installation, *words: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Do the same in this process, up to the command: that is quicker."""
    done: list[subprocess.CompletedProcess[str]] = []

    def become(ready: Ready, variables: dict[str, str]) -> int:
        path = shutil.which(ready.argv[0], path=variables["PATH"])
        if path is None:
            raise FileNotFoundError
        command = [path, *ready.argv[1:]]
        done.append(subprocess.run(command, env=variables, capture_output=True, text=True, check=False))
        return done[0].returncode

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(desk.project)
        patch.setattr(cli_run, "execute", become)
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        for name, value in {"LOCKFLOW_CACHE_DIR": str(desk.cache), "NO_PROXY": "127.0.0.1", **variables}.items():
            patch.setenv(name, value)
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = main(["run", *words])
    out, more = (done[0].stdout, done[0].stderr) if done else ("", "")
    return subprocess.CompletedProcess(words, code, out, said.getvalue() + more)


def settle() -> None:
    """Let files become older: nothing is noted of one that may have been written while it was read."""
    time.sleep(0.2)


def test_a_command_has_the_environment_its_arguments_and_its_exit_code(served: Installation) -> None:
    served.write("pear")
    done = process(served, "python", "-c", WHERE, "--help", "-q")
    assert done.returncode == 0, done.stderr
    place = str(served.environment)
    assert done.stdout == f"{place} {place} {place}/bin ['-c', '--help', '-q']\n"
    assert " + pear==1.0" in done.stderr
    settle()
    # Nothing is left to be done, and nothing is said; the second run even looks at notes alone.
    for words in (("python", "-c", "raise SystemExit(7)"), ("sh", "-c", "exit 7")):
        done = process(served, *words)
        assert (done.returncode, done.stderr) == (7, "")
    assert list((served.project / ".lockflow").glob("synced-*"))
    assert process(served, "pear").stdout == f"pear {place}\n"
    done = process(served, "sh", "-c", "kill -TERM $$")
    assert done.returncode == -signal.SIGTERM


def test_what_changed_is_seen_although_the_last_run_left_notes(served: Installation) -> None:
    def notes() -> list[Path]:
        return list((served.project / ".lockflow").glob("synced-*"))

    served.write("pear")
    assert served.run("sync").code == 0
    settle()
    assert process(served, "python", "-c", "import pear").returncode == 0
    assert notes()
    served.write("plum")
    assert " + plum==1.0" in process(served, "python", "-c", "import plum").stderr
    for note in notes():
        note.unlink()
    settle()
    assert process(served, "python", "-c", "import plum").returncode == 0
    assert notes()
    (served.library / "plum-1.0.dist-info" / "RECORD").unlink()
    (served.library / "plum-1.0.dist-info").rename(served.project / "gone")
    assert " + plum==1.0" in process(served, "python", "-c", "import plum").stderr


def test_a_python_that_was_asked_for_by_its_place_is_looked_for_each_time(ready: Installation) -> None:
    ready.write()
    assert ready.run("sync", "--python", sys.executable).code == 0
    settle()
    for _ in range(2):
        assert ready.run("sync", "--python", sys.executable).code == 0
    assert not list((ready.project / ".lockflow").glob("synced-*"))
    for _ in range(2):
        assert ready.run("sync").code == 0
    assert list((ready.project / ".lockflow").glob("synced-*"))


def test_modules_scripts_and_stdin(served: Installation) -> None:
    served.write("pear")
    (served.project / "tool.py").write_text("import sys, pear; print('tool', sys.argv)\n", encoding="utf-8")
    (served.project / "tool").write_text("import sys, pear; print('tool', sys.argv)\n", encoding="utf-8")
    assert run(served, "tool.py", "-x").stdout == "tool ['tool.py', '-x']\n"
    assert run(served, "tool.py", "-x").stdout == "tool ['tool.py', '-x']\n"
    assert run(served, "--script", "tool", "-x").stdout == "tool ['tool', '-x']\n"
    assert run(served, "-m", "tool", "-x").stdout.endswith("tool.py', '-x']\n")
    assert run(served, "-", "-x", stdin="import sys, pear; print('in', sys.argv)").stdout == "in ['-c', '-x']\n"
    done = run(served, "toool")
    assert done.returncode == 2
    assert "error: there is no command 'toool'" in done.stderr
    done = run(served)
    assert done.returncode == 2
    assert "- pear\n- python" in done.stderr


def test_a_script_with_metadata_has_an_environment_of_its_own(served: Installation) -> None:
    served.write()
    text = SCRIPT.format(origin=served.house.origin)
    (served.project / "own.py").write_text(text, encoding="utf-8")
    assert run(served, "own.py", "a").stdout == "script 1.0 ['a']\n"
    assert not (served.project / "own.py.lock").exists()
    assert run(served, "-", "b", stdin=text).stdout == "script 1.0 ['b']\n"
    assert served.packages == set()
    done = run(served, "--locked", "own.py")
    assert done.returncode == 1
    assert "there is no lock" in done.stderr
    assert "UV_LOCKED is ignored" in run(served, "own.py", UV_LOCKED="1").stderr
    assert served.run("lock", "--script", "own.py").code == 0
    assert run(served, "--locked", "own.py").stdout == "script 1.0 []\n"
    assert served.run("sync", "--script", "own.py", "--check").code == 0


def test_additions_lie_beside_the_environment_for_this_run(served: Installation) -> None:
    served.write("pear")
    done = run(served, "--with", "plum", "python", "-c", "import pear, plum, sys; print(sys.prefix)")
    assert done.returncode == 0, done.stderr
    above = Path(done.stdout.strip())
    assert above.is_relative_to(served.cache)
    assert served.packages == {"pear-1.0"}
    assert "plum" not in served.lock.read_text(encoding="utf-8")
    served.write("pear<2")
    failed = run(served, "--with", "no-such-plum", "true")
    assert failed.returncode == 1
    assert failed.stderr.endswith("uv.lock is new already, and stands\n")
    # Commands of the environment below see what was added.
    assert run(served, "--with", "plum", "pear").stdout == f"pear {above}\n"
    assert run(served, "python", "-c", "import plum").returncode == 1


def test_variables_come_from_files_and_yield_to_those_that_are_set(served: Installation) -> None:
    served.write()
    (served.project / "my.env").write_text("ONE=1\nTWO=${ONE}2\n", encoding="utf-8")
    words = ("--env-file", "my.env", "sh", "-c", "echo $ONE $TWO")
    assert run(served, *words).stdout == "1 12\n"
    assert run(served, *words, ONE="9").stdout == "9 92\n"
    assert run(served, *words[2:], UV_ENV_FILE="my.env").stdout == "1 12\n"
    assert run(served, "--no-env-file", *words[2:], UV_ENV_FILE="my.env").stdout == "\n"
    assert run(served, "--env-file", "no.env", "true").returncode == 2


def test_without_a_project_it_runs_what_is_there(served: Installation) -> None:
    done = run(served, "--no-project", "python", "-c", "import sys; print(sys.prefix)")
    assert done.stdout == f"{served.environment}\n"
    assert not served.lock.exists()


@pytest.mark.parametrize(
    ("words", "own", "command"),
    [
        (["pytest", "-q"], [], ["pytest", "-q"]),
        (["-q", "pytest", "-q"], ["-q"], ["pytest", "-q"]),
        (["--with", "a", "--", "-x", "y"], ["--with", "a"], ["-x", "y"]),
        (["--with=a", "x", "--with", "b"], ["--with=a"], ["x", "--with", "b"]),
        (["-p3.12", "-p", "3.12", "x"], ["-p3.12", "-p", "3.12"], ["x"]),
        (["-", "x"], [], ["-", "x"]),
        (["-m", "http.server", "--help"], ["-m"], ["http.server", "--help"]),
        (["--no-sync"], ["--no-sync"], []),
    ],
)
def test_where_the_command_begins(words: list[str], own: list[str], command: list[str]) -> None:
    parser: Parser = run_parser()
    assert divided(words, parser) == (own, command)
