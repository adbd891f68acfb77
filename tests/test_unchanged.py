from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lockflow import remember, steps, unchanged
from support.workbench import Workbench

WORKSPACE = '[tool.uv.workspace]\nmembers = ["packages/*", "libs/*/py", "tools/fixed"]\n'


class Watched:
    """A bench whose runs tell whether the lock was looked at in full."""

    def __init__(self, bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bench = bench
        self.full_runs = 0
        lock = steps.lock

        def counted(*arguments: object, **options: object) -> object:
            self.full_runs += 1
            return lock(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(steps, "lock", counted)

    def settle(self, *arguments: str, folder: str = ".") -> None:
        """Lock, until there is nothing to do."""
        for path in [*self.bench.project.rglob("*.toml"), *self.bench.project.parent.glob("*.toml")]:
            age(path)
        assert self.bench.run("lock", *arguments, folder=folder).code == 0
        assert self.is_skipped(*arguments, folder=folder)

    def is_skipped(self, *arguments: str, folder: str = ".") -> bool:
        before = self.full_runs
        self.bench.run("lock", *arguments, folder=folder)
        return self.full_runs == before


def age(path: Path) -> None:
    """Make a file look as if it had been written a while ago, as far as that can be made."""
    os.utime(path, ns=(time.time_ns() - 10**10, time.time_ns() - 10**10))


@pytest.fixture
def watched(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Watched:
    # The time when a file was changed cannot be set back, so the clock of the runs is put forward.
    monkeypatch.setattr("lockflow.cli.plain.time_ns", lambda: time.time_ns() + 10**9)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(bench.project.parent / "config"))
    bench.write("apple")
    return Watched(bench, monkeypatch)


# What is noticed -----------------------------------------------------------------------------------------------------


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def append(path: Path, text: str) -> None:
    write(path, path.read_text(encoding="utf-8") + text)


def replace_by_copy(path: Path) -> None:
    content = path.read_bytes()
    path.unlink()
    path.with_name("new").write_bytes(content)
    path.with_name("new").rename(path)


SETTINGS = '[[index]]\nurl = "https://index.example/simple"\ndefault = true\n'
MEMBER = '[project]\nname = "m"\nversion = "1"\nrequires-python = ">=3.11"\n'

EDITS: dict[str, Callable[[Path], object]] = {
    "project edited": lambda project: write(project / "pyproject.toml", "[project]\n"),
    "comment added to the project": lambda project: append(project / "pyproject.toml", "# x\n"),
    "lock edited": lambda project: append(project / "uv.lock", "\n"),
    "lock removed": lambda project: (project / "uv.lock").unlink(),
    "lock replaced by its copy": lambda project: replace_by_copy(project / "uv.lock"),
    "uv.toml beside": lambda project: write(project / "uv.toml", SETTINGS),
    "uv.toml above": lambda project: write(project.parent / "uv.toml", SETTINGS),
    "project above": lambda project: write(project.parent / "pyproject.toml", ""),
    "settings of the person": lambda project: write(project.parent / "config" / "uv" / "uv.toml", ""),
    "member edited": lambda project: write(project / "packages" / "a" / "pyproject.toml", MEMBER),
    "member removed": lambda project: (project / "packages" / "a" / "pyproject.toml").unlink(),
    "member's folder removed": lambda project: shutil.rmtree(project / "packages" / "a"),
    "new member": lambda project: write(project / "packages" / "b" / "pyproject.toml", MEMBER),
    "new folder where members are": lambda project: (project / "packages" / "b").mkdir(),
    "new member behind a glob in the middle": lambda project: write(project / "libs/x/py/pyproject.toml", MEMBER),
    "new member that is named": lambda project: write(project / "tools" / "fixed" / "pyproject.toml", MEMBER),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_every_edit_that_may_have_a_say_is_noticed(watched: Watched, edit: str) -> None:
    project = watched.bench.project
    watched.bench.write("apple", more=WORKSPACE)
    watched.bench.write("core", name="a", folder="packages/a")
    (project / "libs" / "x").mkdir(parents=True)
    watched.settle()
    EDITS[edit](project)
    assert not watched.is_skipped()


@pytest.mark.parametrize(
    "variable",
    ["UV_PRERELEASE", "UV_INDEX", "UV_EXCLUDE_NEWER", "LOCKFLOW_UV", "UV_CONFIG_FILE", "HOME", "XDG_CONFIG_HOME", "TZ"],
)
def test_every_variable_that_may_have_a_say_is_noticed(
    watched: Watched, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.settle()
    monkeypatch.setenv(variable, "other")
    assert not watched.is_skipped()


@pytest.mark.parametrize(
    "arguments", [("--prerelease", "allow"), ("--no-build",), ("--index", "https://index.example/b")]
)
def test_another_argument_is_another_question(watched: Watched, arguments: tuple[str, ...]) -> None:
    watched.settle()
    assert not watched.is_skipped(*arguments)
    watched.settle(*arguments)
    assert not watched.is_skipped()


@pytest.mark.parametrize(
    "arguments", [("-U",), ("-P", "core"), ("--upgrade-package=core",), ("--refresh",), ("--frozen",), ("-v",)]
)
def test_what_asks_for_more_than_the_lock_is_never_skipped(watched: Watched, arguments: tuple[str, ...]) -> None:
    watched.settle()
    assert not watched.is_skipped(*arguments)


def test_another_place_to_start_is_another_question(watched: Watched) -> None:
    (watched.bench.project / "below").mkdir()
    watched.settle()
    assert not watched.is_skipped(folder="below")
    watched.settle(folder="below")


def test_an_edit_of_a_given_configuration_file_is_noticed(watched: Watched) -> None:
    path = watched.bench.project / "given.toml"
    write(path, SETTINGS)
    watched.settle("--config-file", "given.toml")
    write(path, f"prerelease = 'allow'\n{SETTINGS}")
    assert not watched.is_skipped("--config-file", "given.toml")


def test_a_relative_argument_given_elsewhere_is_another_question(watched: Watched) -> None:
    project = watched.bench.project
    write(project.parent / "given.toml", SETTINGS)
    write(project / "given.toml", SETTINGS)
    arguments = ("--project", str(project), "--config-file", "given.toml")
    watched.settle(*arguments)
    assert not watched.is_skipped(*arguments, folder="..")


def test_another_version_of_lockflow_looks_in_full(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.settle()
    monkeypatch.setattr("lockflow.cli.plain.VERSION", "0.0.1")
    assert not watched.is_skipped()


def test_a_copied_project_is_looked_at_in_full(watched: Watched) -> None:
    watched.settle()
    original = watched.bench.project
    moved = original.with_name("moved")
    original.rename(moved)
    shutil.copytree(moved, original)
    assert not watched.is_skipped()


def test_a_record_that_somebody_cut_short_says_nothing(watched: Watched) -> None:
    watched.settle()
    record = watched.bench.project / ".lockflow" / "unchanged"
    content = record.read_text(encoding="utf-8")
    lines = content.splitlines(keepends=True)
    for broken in ("", lines[0], "".join(lines[:-1]), content + "x", content.replace("packages", "puckages"), "\0"):
        record.write_text(broken, encoding="utf-8")
        assert not watched.is_skipped()


# What is skipped -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", [(), ("--check",), ("--locked",), ("-q",), ("--color=never",), ("--offline",), ("--dry-run",)]
)
def test_a_lock_that_stands_is_not_looked_at_again(watched: Watched, arguments: tuple[str, ...]) -> None:
    watched.settle()
    assert watched.is_skipped(*arguments)


def test_a_skipped_run_says_what_a_full_one_says(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def words(said: str) -> str:
        return said.rpartition(" in ")[0]

    watched.bench.write("apple", more="[tool.uv]\nunknown-key = 1\n")
    monkeypatch.setenv("UV_PRERELEASE", "disallow")
    watched.settle()
    skipped = watched.bench.run("lock")
    remember.forget(watched.bench.project)
    full = watched.bench.run("lock")
    assert "unknown-key" in full.said
    assert words(skipped.said) == words(full.said)
    assert "No lockfile changes detected" in watched.bench.run("lock", "--dry-run").said


def test_credentials_have_no_say(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.settle()
    monkeypatch.setenv("UV_INDEX_INNER_PASSWORD", "secret")
    assert watched.is_skipped()


def test_a_relative_cutoff_goes_on_standing(watched: Watched) -> None:
    watched.bench.write(more='[tool.uv]\nexclude-newer = "7 days"\n')
    watched.settle()
    assert watched.is_skipped()


def test_the_record_is_for_its_owner_and_not_for_version_control(watched: Watched) -> None:
    watched.settle()
    state = watched.bench.project / ".lockflow"
    assert (state / "unchanged").stat().st_mode & 0o077 == 0
    assert (state / ".gitignore").read_text(encoding="utf-8") == "*\n"


# What is not remembered ----------------------------------------------------------------------------------------------


def test_a_file_that_changed_during_the_run_is_looked_at_again(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write("apple")
    watched = Watched(bench, monkeypatch)
    monkeypatch.setattr("lockflow.cli.plain.time_ns", lambda: time.time_ns() - 10**9)
    bench.run("lock")
    assert not watched.is_skipped()


def test_a_lock_that_somebody_replaced_during_the_run_is_looked_at_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = watched.bench
    lock = steps.lock

    def replaced(*arguments: object, **options: object) -> object:
        result = lock(*arguments, **options)  # type: ignore[arg-type]
        bench.lock.write_text(bench.lock.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        return result

    monkeypatch.setattr(steps, "lock", replaced)
    bench.run("lock")
    monkeypatch.setattr(steps, "lock", lock)
    assert unchanged.still_stands(str(bench.project), "") is None
    assert not (bench.project / ".lockflow" / "unchanged").exists()


@pytest.mark.parametrize(
    "more",
    [
        "[dependency-groups]\ndev = [\"apple ; platform_version != '${HOME}'\"]\n",
        '[[tool.uv.index]]\nurl = "https://index.example/${HOME}"\n',
    ],
)
def test_where_variables_of_any_name_can_have_a_say_nothing_is_remembered(watched: Watched, more: str) -> None:
    watched.bench.write("apple", more=more)
    watched.bench.run("lock")
    assert not watched.is_skipped()


def test_variables_in_tables_of_other_tools_have_no_say(watched: Watched) -> None:
    watched.bench.write("apple", more='[tool.coverage.run]\ncontext = "${CONTEXT}"  # and ${HOME}\n')
    watched.settle()
    assert watched.is_skipped()


def test_a_lock_in_other_words_than_ours_is_not_remembered(watched: Watched) -> None:
    watched.settle()
    bench = watched.bench
    text = bench.lock.read_text(encoding="utf-8")
    bench.lock.write_text(text.replace('source = { virtual = "." }', 'source = {virtual="."}'), encoding="utf-8")
    assert not watched.is_skipped()
    assert not watched.is_skipped()


def test_what_a_build_backend_decides_is_not_remembered(watched: Watched) -> None:
    path = watched.bench.write("apple")
    root = path.parent
    facts = {"start": root, "inputs": [path], "environment": {}, "packages": 1, "warnings": (), "since_ns": 2**62}
    watched.settle()
    lock = watched.bench.lock

    def is_remembered() -> bool:
        digest = steps.digest(lock.read_bytes())
        return remember.remember(root, lock, digest, "question", **facts)  # type: ignore[arg-type]

    assert is_remembered()
    path.write_text(path.read_text(encoding="utf-8").replace("dependencies = ['apple']", 'dynamic = ["version"]'))
    assert is_remembered()
    path.write_text(path.read_text(encoding="utf-8").replace('["version"]', '["dependencies"]'))
    assert not is_remembered()
    path.unlink()
    assert not is_remembered()


def test_a_project_that_cannot_be_written_to_is_locked_all_the_same(watched: Watched) -> None:
    (watched.bench.project / ".lockflow").write_text("in the way", encoding="utf-8")
    run = watched.bench.run("lock")
    assert run.code == 0, run.said
    assert watched.bench.lock.exists()


def test_an_upgrade_that_a_file_asks_for_is_never_skipped(watched: Watched) -> None:
    watched.bench.write("apple", more="[tool.uv]\nupgrade = true\n")
    age(watched.bench.project / "pyproject.toml")
    watched.bench.run("lock")
    assert not watched.is_skipped()


# What it costs -------------------------------------------------------------------------------------------------------


def test_nothing_heavy_is_imported_where_there_is_nothing_to_do(watched: Watched) -> None:
    watched.settle()
    program = (
        "import sys; from lockflow.cli.main import main; code = main(sys.argv[1:]);"
        "print(*sys.modules, sep='\\n'); sys.exit(code)"
    )
    bench = watched.bench
    arguments = ["lock", "--directory", str(bench.project), "--cache-dir", str(bench.cache)]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ours = {name for name in done.stdout.split() if name.startswith("lockflow")}
    assert ours <= {
        "lockflow", "lockflow.cli", "lockflow.cli.main", "lockflow.cli.plain", "lockflow.cli.console",
        "lockflow.cli.version", "lockflow.unchanged",
    }  # fmt: skip
    assert not {"msgspec", "httpx", "argparse", "tomllib", "rich", "json", "pathlib"} & set(done.stdout.split())
