from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from doit.cmd_base import ModuleTaskLoader
from doit.cmd_run import opt_outfile
from doit.doit_cmd import DoitMain

from lockflow import remember, steps, tasks
from lockflow.cli.task_run import RUN
from support.workbench import Workbench

ROOT = Path(__file__).parent.parent
PLATFORMS = ["check:darwin", "check:linux/amd64", "check:linux/arm64"]
ALL = ["inputs", "resolve", *PLATFORMS, "report"]


class Graph:
    """doit on the project of a bench, in this process."""

    def __init__(self, bench: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
        self.bench = bench
        self.capsys = capsys
        self.code = 0
        self.out = ""
        self.said = ""

    def doit(self, *arguments: str) -> list[str]:
        """Run doit; the tasks that were executed, checks sorted since their order means nothing."""
        # The default was bound to the stdout of the moment when doit was imported.
        opt_outfile["default"] = sys.stdout
        names = {name: getattr(tasks, name) for name in tasks.__all__}
        self.code = DoitMain(ModuleTaskLoader(names), config_filenames=()).run(list(arguments))
        self.out, self.said = self.capsys.readouterr()
        ran = re.findall(r"^\.  (\S+)$", self.out, re.MULTILINE)
        first = [name for name in ran if not name.startswith(("check:", "report"))]
        return [*first, *sorted(name for name in ran if name not in first and name != "report"),
                *(name for name in ran if name == "report")]  # fmt: skip


@pytest.fixture
def graph(bench: Workbench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Graph:
    monkeypatch.chdir(bench.project)
    remember.state_folder(bench.project)
    monkeypatch.setattr(tasks, "_network", lambda: steps.Network(cache_dir=bench.cache, transport=bench.transport))
    bench.write("apple")
    return Graph(bench, capsys)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def only_on_darwin(bench: Workbench) -> None:
    bench.offer("fruit", "1.0", wheels=["cp312-cp312-macosx_11_0_arm64"])
    bench.write("fruit")


# What runs -----------------------------------------------------------------------------------------------------------


def test_lock_runs_everything_and_then_nothing(graph: Graph) -> None:
    assert graph.doit("lock") == ALL
    assert graph.code == 0, graph.said
    assert "Resolved 3 packages in" in graph.said
    assert graph.bench.lock.exists()
    assert sorted(path.name for path in (graph.bench.project / "reports").iterdir()) == [
        "darwin.json", "index.html", "junit.xml", "linux-amd64.json", "linux-arm64.json", "summary.md",
    ]  # fmt: skip
    assert graph.doit("lock") == []
    assert graph.doit() == []
    assert graph.code == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [('version = "0.1.0"', 'version = "0.1.0"\ndescription = "sweet"'), ("[project]", "[tool.ruff]\n\n[project]")],
)
def test_an_edit_that_no_lock_depends_on_ends_at_inputs(graph: Graph, old: str, new: str) -> None:
    graph.doit()
    edit(graph.bench.project / "pyproject.toml", old, new)
    assert graph.doit() == ["inputs"]
    assert graph.doit() == []


def test_a_new_dependency_goes_all_the_way(graph: Graph) -> None:
    graph.doit()
    graph.bench.offer("pear", "1.0")
    graph.bench.write("apple", "pear")
    assert graph.doit() == ALL
    assert "Added pear v1.0" in graph.said


def test_a_changed_definition_reruns_its_check_only(graph: Graph) -> None:
    own = graph.bench.project / "platforms" / "linux-arm64.toml"
    own.parent.mkdir()
    own.write_bytes((ROOT / "platforms" / "linux-arm64.toml").read_bytes())
    graph.doit()
    own.write_text(own.read_text(encoding="utf-8") + "# older\n", encoding="utf-8")
    assert graph.doit() == ["check:linux/arm64"]


def test_settings_of_checks_rerun_checks_only(graph: Graph) -> None:
    graph.doit()
    edit(graph.bench.project / "pyproject.toml", '["3.12"]', '["3.13"]')
    assert graph.doit() == ["inputs", *PLATFORMS, "report"]


def test_a_right_lock_from_elsewhere_is_validated_and_left_alone(graph: Graph) -> None:
    graph.doit()
    lock = graph.bench.lock
    edit(lock, "version = 1\n", "version = 1\n\n")
    content = lock.read_bytes()
    graph.bench.is_online = False
    assert graph.doit() == ["resolve", *PLATFORMS, "report"]
    assert graph.code == 0, graph.said
    assert lock.read_bytes() == content
    assert graph.doit() == []


def test_a_wrong_lock_from_elsewhere_is_made_right(graph: Graph) -> None:
    graph.doit()
    content = graph.bench.lock.read_bytes()
    edit(graph.bench.lock, '{ name = "apple" }', '{ name = "apple", specifier = ">=1" }')
    assert graph.doit()[:1] == ["resolve"]
    assert "uv.lock was not up to date" in graph.said
    assert graph.bench.lock.read_bytes() == content


def test_a_removed_lock_is_made_again(graph: Graph) -> None:
    graph.doit()
    graph.bench.lock.unlink()
    assert graph.doit() == ["resolve"]
    assert graph.bench.lock.exists()


def test_a_variable_that_has_a_say_is_noticed(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    graph.doit()
    monkeypatch.setenv("UV_PRERELEASE", "allow")
    assert graph.doit()[:2] == ["inputs", "resolve"]
    monkeypatch.setenv("UV_PRERELEASE", "allow ")
    assert graph.doit() == ["inputs"]


def test_members_that_come_and_go_are_noticed(graph: Graph) -> None:
    more = '[tool.uv.workspace]\nmembers = ["packages/*"]\n'
    graph.bench.write("apple", more=more)
    graph.bench.write("core", name="a", folder="packages/a")
    graph.doit()
    assert graph.doit() == []
    second = graph.bench.write("core", name="b", folder="packages/b")
    assert graph.doit()[:2] == ["inputs", "resolve"]
    edit(second, '"0.1.0"', '"0.2.0"')
    assert graph.doit()[:2] == ["inputs", "resolve"]
    second.unlink()
    second.parent.rmdir()
    assert graph.doit()[:2] == ["inputs", "resolve"]
    assert graph.doit() == []


# What fails ----------------------------------------------------------------------------------------------------------


def test_a_bad_platform_stops_no_other_and_the_report_says_it(graph: Graph) -> None:
    only_on_darwin(graph.bench)
    assert graph.doit() == ALL
    assert graph.code == 1
    assert "error: no distribution of fruit 1.0 fits linux/amd64" in graph.said
    assert "likewise on linux/arm64" in graph.said
    verdicts = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))["verdict"]
        for path in (graph.bench.project / "reports").glob("*.json")
    }
    assert verdicts == {"darwin": "good", "linux-amd64": "bad", "linux-arm64": "bad"}


def test_a_bad_platform_is_told_on_every_run(graph: Graph) -> None:
    only_on_darwin(graph.bench)
    graph.doit()
    assert graph.doit() == ["report"]
    assert graph.code == 1


def test_a_check_alone_answers_for_itself_again_and_again(graph: Graph) -> None:
    only_on_darwin(graph.bench)
    assert graph.doit("check:linux/arm64") == ["inputs", "resolve", "check:linux/arm64"]
    assert graph.code == 1
    assert "error: no distribution of fruit 1.0 fits linux/arm64" in graph.said
    assert graph.doit("check:linux/arm64") == ["check:linux/arm64"]
    assert graph.code == 1
    graph.doit("check:darwin")
    assert graph.code == 0
    graph.doit("lock")
    assert graph.doit("check:linux/arm64") == ["check:linux/arm64"]
    assert graph.code == 1


def test_without_a_solution_the_answer_is_no(graph: Graph) -> None:
    graph.bench.write("apple>5")
    assert graph.doit() == ["inputs", "resolve"]
    assert graph.code == 1
    assert graph.said.count("error: ") == 1
    assert "Traceback" not in graph.said + graph.out
    assert "not run, for want of what failed: " in graph.said


@pytest.mark.parametrize("project", ["[project\n", None])
def test_without_usable_inputs_there_is_no_answer(graph: Graph, project: str | None) -> None:
    path = graph.bench.project / "pyproject.toml"
    path.unlink() if project is None else path.write_text(project, encoding="utf-8")
    assert graph.doit() == ["inputs"]
    assert graph.code == 2
    assert graph.said.startswith("error: ")
    assert "Traceback" not in graph.said + graph.out


def test_a_member_is_sent_to_its_workspace(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    graph.bench.write("apple", more='[tool.uv.workspace]\nmembers = ["packages/*"]\n')
    member = graph.bench.write("core", name="a", folder="packages/a")
    monkeypatch.chdir(member.parent)
    remember.state_folder(member.parent)
    graph.doit()
    assert graph.code == 2
    assert "PROJECT=../.." in graph.said


@pytest.mark.parametrize("left", ["", '{"inputs": {"check', "[]", "\0"])
def test_notes_that_a_full_disk_broke_off_cost_time_only(graph: Graph, left: str) -> None:
    graph.doit("lock")
    notes = graph.bench.project / ".lockflow" / "doit.json"
    notes.write_text(left, encoding="utf-8")
    assert graph.doit("lock")
    assert graph.code == 0, graph.said
    assert graph.doit("lock") == []


def test_notes_that_cannot_be_written_leave_the_old_ones(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    graph.doit("lock")
    notes = graph.bench.project / ".lockflow" / "doit.json"
    before = notes.read_bytes()
    put = os.replace

    def replace(source: Any, target: Any) -> None:
        if Path(target).name == "doit.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        put(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        graph.bench.write("apple", "core")
        assert graph.doit("lock") == ALL
    assert graph.code == 0
    assert "warning: what was done cannot be noted, so the next run does it again: No space left" in graph.said
    assert notes.read_bytes() == before
    assert [path.name for path in notes.parent.iterdir() if path.suffix == ".part"] == []
    assert graph.doit("lock") != []
    assert graph.doit("lock") == []


def test_a_second_interruption_ends_it_without_a_traceback(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RUN, "end", interrupted)
    with pytest.raises(SystemExit) as ended:
        graph.doit("lock")
    assert ended.value.code == 130
    assert "interrupted again: what is left in engines is removed by the next run" in graph.capsys.readouterr().err


def test_a_mistake_of_ours_is_told_without_a_traceback(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the sky fell")

    monkeypatch.setattr(steps, "lock", broken)
    graph.doit()
    assert graph.code == 2
    assert "the sky fell" in graph.said
    assert "Traceback" not in graph.said + graph.out


def test_an_unknown_platform_is_named(graph: Graph) -> None:
    edit(graph.bench.project / "pyproject.toml", "[tool.lockflow]", '[tool.lockflow]\nplatforms = ["linux/vax"]')
    graph.doit()
    assert graph.code == 2
    assert "linux/vax" in graph.said


# What people do besides ----------------------------------------------------------------------------------------------


def test_list_names_what_there_is(graph: Graph) -> None:
    graph.doit("list", "--all", "--quiet")
    images = ["image", "image:linux/amd64", "image:linux/arm64"]
    assert graph.out.split() == ["check", *PLATFORMS, *images, "inputs", "lock", "refresh", "report", "resolve"]


def test_an_alias_is_listed_under_the_name_it_stands_for(graph: Graph) -> None:
    edit(graph.bench.project / "pyproject.toml", "[tool.lockflow]", '[tool.lockflow]\nplatforms = ["darwin/arm64"]')
    graph.doit("list", "--all", "--quiet")
    assert graph.out.split() == ["check", "check:darwin", "image", "inputs", "lock", "refresh", "report", "resolve"]


def test_clean_removes_what_can_be_made_again_and_keeps_the_lock(graph: Graph) -> None:
    graph.doit()
    graph.doit("clean")
    assert graph.bench.lock.exists()
    assert not list((graph.bench.project / "reports").iterdir())
    assert graph.doit() == ["inputs", *PLATFORMS, "report"]


def test_forget_makes_everything_run_again(graph: Graph) -> None:
    graph.doit()
    content = graph.bench.lock.read_bytes()
    graph.doit("forget", "--all")
    assert graph.doit() == ALL
    assert graph.bench.lock.read_bytes() == content


def test_checks_can_run_side_by_side(graph: Graph) -> None:
    assert graph.doit("-n", "3", "-P", "thread") == ALL
    assert graph.code == 0, graph.said
    assert graph.doit() == []


def doit(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "doit", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_two_lines_are_all_a_project_needs(graph: Graph) -> None:
    (graph.bench.project / "dodo.py").write_text("from lockflow.tasks import *\n", encoding="utf-8")
    graph.doit()
    done = doit(folder=graph.bench.project)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == sorted(f"-- {name}" for name in ALL)


def test_project_names_another_project_with_its_own_state(graph: Graph) -> None:
    bench = graph.bench
    bench.write()
    empty = bench.project.parent / "empty"
    empty.mkdir()
    arguments = ("-f", str(ROOT / "dodo.py"), "-d", str(empty), "PROJECT=../project")
    done = doit(*arguments, folder=ROOT)
    assert done.returncode == 0, done.stderr
    assert bench.lock.exists()
    assert (bench.project / ".lockflow" / "doit.json").exists()
    assert not list(empty.iterdir())
    done = doit(*arguments, folder=ROOT)
    assert sorted(done.stdout.splitlines()) == sorted(f"-- {name}" for name in ALL)


def test_drawing_the_graph_imports_little(graph: Graph) -> None:
    program = (
        "import sys; from doit.doit_cmd import DoitMain; code = DoitMain().run(['list']);"
        "print(*sys.modules, sep='\\n'); sys.exit(code)"
    )
    (graph.bench.project / "dodo.py").write_text("from lockflow.tasks import *\n", encoding="utf-8")
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=graph.bench.project, capture_output=True, text=True, check=True)
    loaded: set[Any] = set(done.stdout.split())
    assert not {"httpx", "docker", "msgspec", "rich", "tomlkit", "packaging", "lockflow.steps"} & loaded
    assert not [name for name in loaded if name.startswith(("lockflow.resolve", "lockflow.index", "lockflow.inputs"))]


# Refresh -------------------------------------------------------------------------------------------------------------


def test_refresh_runs_only_when_asked_and_lock_then_checks_what_it_left(graph: Graph) -> None:
    graph.doit("lock")
    graph.bench.offer("core", "3.0")
    assert graph.doit("lock") == []
    assert graph.doit("refresh") == ["refresh"]
    assert graph.code == 0, graph.said
    assert "Updated core v2.0 -> v3.0" in graph.said
    assert graph.doit("lock") == ["resolve", *PLATFORMS, "report"]
    assert graph.code == 0
