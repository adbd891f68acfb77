from __future__ import annotations

import errno
import json
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.workbench import Workbench

LINUX_X86 = "cp312-cp312-manylinux_2_17_x86_64"
LINUX_ARM = "cp312-cp312-manylinux_2_17_aarch64"
MAC = "cp312-cp312-macosx_11_0_arm64"
ALL = (LINUX_X86, LINUX_ARM, MAC)
INDEX = """\
#
# [[tool.uv.index]]
# url = "https://index.example/simple"
# default = true
"""


def locked(bench: Workbench) -> dict[str, str]:
    text = bench.lock.read_text(encoding="utf-8")
    return dict(re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', text))


def told(bench: Workbench) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((bench.project / "reports" / "refresh.json").read_text(encoding="utf-8"))
    return result


def markdown(bench: Workbench) -> str:
    return (bench.project / "reports" / "refresh.md").read_text(encoding="utf-8")


@pytest.fixture
def fresh(bench: Workbench) -> Workbench:
    """A project locked when the index had one release of each."""
    bench.offer("geo", "1.0", wheels=ALL).offer("pear", "1.0").offer("plum", "1.0")
    bench.write("geo", "pear", "plum")
    assert bench.run("lock").code == 0
    return bench


# What moves ----------------------------------------------------------------------------------------------------------


def test_nothing_new_leaves_the_lock_alone(fresh: Workbench) -> None:
    before = fresh.lock.stat()
    run = fresh.run("refresh", "--exit-code")
    assert run.code == 0, run.said
    assert fresh.lock.stat().st_mtime_ns == before.st_mtime_ns
    assert told(fresh)["kind"] == "none"


def test_everything_moves_and_exit_10_says_so_where_asked(fresh: Workbench) -> None:
    fresh.offer("pear", "2.0").offer("plum", "1.1")
    run = fresh.run("refresh", "--exit-code")
    assert run.code == 10, run.said
    assert locked(fresh) == {"demo": "0.1.0", "geo": "1.0", "pear": "2.0", "plum": "1.1"}
    assert "Updated pear v1.0 -> v2.0" in run.said
    assert fresh.run("lock", "--check").code == 0


def test_only_named_packages_move(fresh: Workbench) -> None:
    fresh.offer("pear", "2.0").offer("plum", "1.1")
    assert fresh.run("refresh", "Plum").code == 0
    assert (locked(fresh)["pear"], locked(fresh)["plum"]) == ("1.0", "1.1")


def test_an_unknown_name_is_refused_with_what_was_meant(fresh: Workbench) -> None:
    run = fresh.run("refresh", "paer")
    assert run.code == 2
    assert "did you mean pear?" in run.said


def test_at_most_moves_so_many_and_names_those_that_wait(fresh: Workbench) -> None:
    fresh.offer("pear", "2.0").offer("plum", "1.1").offer("geo", "2.0", wheels=ALL)
    assert fresh.run("refresh", "--at-most", "2").code == 0
    moved = [name for name, version in locked(fresh).items() if version not in ("1.0", "0.1.0")]
    assert len(moved) == 2
    waiting = [entry["name"] for entry in told(fresh)["waiting"]]
    assert sorted([*moved, *waiting]) == ["geo", "pear", "plum"]
    assert fresh.run("refresh", "--at-most", "2").code == 0
    assert told(fresh)["waiting"] == []


def test_a_package_that_would_move_more_than_allowed_waits(bench: Workbench) -> None:
    bench.offer("host", "1.0", "part==1.0").offer("part", "1.0").offer("pear", "1.0")
    bench.write("host", "pear")
    bench.run("lock")
    bench.offer("host", "2.0", "part==2.0").offer("part", "2.0").offer("pear", "2.0")
    assert bench.run("refresh", "--at-most", "1").code == 0
    assert (locked(bench)["host"], locked(bench)["pear"]) == ("1.0", "2.0")
    reasons = {entry["name"]: entry["reason"] for entry in told(bench)["waiting"]}
    assert set(reasons) == {"host", "part"}


@pytest.mark.parametrize(("only", "expected"), [("patch", "1.2.9"), ("minor", "1.4"), ("major", "3.0")])
def test_a_ceiling_bounds_the_step(bench: Workbench, only: str, expected: str) -> None:
    bench.offer("kiwi", "1.2.3")
    bench.write("kiwi")
    bench.run("lock")
    bench.offer("kiwi", "1.2.9").offer("kiwi", "1.4").offer("kiwi", "3.0")
    assert bench.run("refresh", "--only", only).code == 0
    assert locked(bench)["kiwi"] == expected


def test_dry_run_writes_nothing_and_puts_the_report_on_stdout(fresh: Workbench) -> None:
    fresh.offer("pear", "2.0")
    before = fresh.lock.read_bytes()
    run = fresh.run("refresh", "--dry-run", "--exit-code")
    assert run.code == 10
    assert "| `pear` | 1.0 → 2.0 |" in run.said
    assert fresh.lock.read_bytes() == before
    assert not (fresh.project / "reports").exists()


def test_without_a_lock_one_is_made(bench: Workbench) -> None:
    bench.write("apple")
    assert bench.run("refresh", "--exit-code").code == 10
    assert locked(bench)["apple"] == "1.0"


def test_no_solution_leaves_the_lock_as_it_was(fresh: Workbench) -> None:
    before = fresh.lock.read_bytes()
    fresh.write("geo", "pear>=7")
    run = fresh.run("refresh")
    assert run.code == 1
    assert fresh.lock.read_bytes() == before


# Held back -----------------------------------------------------------------------------------------------------------


def test_a_package_that_loses_a_platform_stays_at_the_newest_that_has_it(fresh: Workbench) -> None:
    fresh.offer("geo", "1.5", wheels=ALL).offer("geo", "1.7", wheels=(LINUX_X86, MAC))
    fresh.offer("geo", "2.0", wheels=(LINUX_X86, MAC)).offer("pear", "2.0")
    run = fresh.run("refresh")
    assert run.code == 0, run.said
    assert (locked(fresh)["geo"], locked(fresh)["pear"]) == ("1.5", "2.0")
    assert "geo stays at 1.5: 2.0 would lose linux/arm64" in run.said
    (held,) = told(fresh)["held_back"]
    assert (held["name"], held["version"], held["kept"]) == ("geo", "2.0", ["1.5"])
    assert (held["platform"], held["pythons"]) == ("linux/arm64", ["3.12"])
    assert "none for aarch64" in held["reason"]
    assert "### Held back" in markdown(fresh)
    assert fresh.run("check").code == 0
    assert fresh.run("lock", "--check").code == 0


def test_versions_between_that_lack_the_platform_are_not_taken_either(fresh: Workbench) -> None:
    """The newest that has it does not fit a neighbour, so the resolver goes lower, but not to one that lacks it."""
    fresh.offer("geo", "1.2", wheels=ALL).offer("geo", "1.3", wheels=(LINUX_X86,))
    fresh.offer("geo", "1.5", "pear<1", wheels=ALL).offer("geo", "2.0", wheels=(LINUX_X86,))
    assert fresh.run("refresh").code == 0
    assert locked(fresh)["geo"] == "1.2"


def test_who_brings_in_a_package_without_the_platform_is_held_back(bench: Workbench) -> None:
    bench.offer("host", "1.0").offer("pear", "1.0")
    bench.write("host", "pear")
    bench.run("lock")
    bench.offer("host", "1.1").offer("host", "2.0", "gpu").offer("gpu", "1.0", wheels=(LINUX_X86,)).offer("pear", "2.0")
    assert bench.run("refresh").code == 0
    assert (locked(bench)["host"], locked(bench)["pear"]) == ("1.1", "2.0")
    assert "gpu" not in locked(bench)
    held = told(bench)["held_back"]
    assert {(entry["name"], entry["version"], *entry["kept"]) for entry in held} == {("host", "2.0", "1.1")}
    assert {entry["platform"] for entry in held} == {"darwin", "linux/arm64"}
    assert "it brings in gpu 1.0: 1 wheel, none for" in held[0]["reason"]


def test_several_are_held_back_at_once(fresh: Workbench) -> None:
    fresh.offer("geo", "2.0", wheels=(LINUX_X86, MAC)).offer("plum", "2.0", wheels=(LINUX_ARM, MAC)).offer(
        "pear", "2.0"
    )
    assert fresh.run("refresh").code == 0
    assert locked(fresh) == {"demo": "0.1.0", "geo": "1.0", "pear": "2.0", "plum": "1.0"}
    platforms = {entry["name"]: entry["platform"] for entry in told(fresh)["held_back"]}
    assert platforms == {"geo": "linux/arm64", "plum": "linux/amd64"}


def test_what_failed_before_is_no_reason_to_hold_back(bench: Workbench) -> None:
    bench.offer("gpu", "1.0", wheels=(LINUX_X86,))
    bench.write("gpu")
    bench.run("lock")
    bench.offer("gpu", "2.0", wheels=(LINUX_X86,))
    assert bench.run("refresh").code == 0
    assert locked(bench)["gpu"] == "2.0"
    assert {entry["platform"] for entry in told(bench)["failing"]} == {"darwin", "linux/arm64"}
    assert "Failing before and after" in markdown(bench)


def test_what_fails_for_several_pythons_is_one_finding(bench: Workbench) -> None:
    bench.offer("geo", "1.0", wheels=(MAC, MAC.replace("cp312", "cp311")))
    path = bench.write("geo")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('["3.12"]', '["3.11", "3.12"]'), encoding="utf-8")
    bench.run("lock")
    run = bench.run("refresh")
    assert "2 findings as before" in run.said
    assert [(entry["platform"], entry["pythons"]) for entry in told(bench)["failing"]] == [
        ("linux/amd64", ["3.11", "3.12"]),
        ("linux/arm64", ["3.11", "3.12"]),
    ]
    assert "`geo 1.0` on linux/amd64 (Python 3.11–3.12): " in markdown(bench)


def test_a_lost_platform_that_is_not_checked_is_told(bench: Workbench) -> None:
    bench.offer("geo", "1.0", wheels=(*ALL, "cp312-cp312-win_amd64"))
    bench.write("geo")
    bench.run("lock")
    bench.offer("geo", "2.0", wheels=ALL)
    assert bench.run("refresh").code == 0
    (change,) = told(bench)["changes"]
    assert change["lost"] == [{"platform": "windows/amd64", "pythons": ["3.12"]}]
    assert "`geo` lost wheels on windows/amd64" in markdown(bench)


def days_ago(days: int) -> str:
    return f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%dT%H:%M:%S}.000000Z"


@pytest.mark.parametrize("pythons", ['["3.12"]', '["3.11", "3.12"]'])
def test_a_project_of_three_months_ago_moves_but_for_what_would_lose_a_platform(bench: Workbench, pythons: str) -> None:
    """Pinned to a cut-off three months ago, then given a cool-down; geo's newest release has lost its arm64 wheels."""
    arm = [LINUX_ARM, LINUX_ARM.replace("cp312", "cp311")]
    others = [LINUX_X86, MAC, *(tags.replace("cp312", "cp311") for tags in (LINUX_X86, MAC))]
    every = [*arm, *others]

    def release(days: int, *words: str, wheels: Sequence[str] = every) -> None:
        bench.offer(*words, wheels=wheels)
        for file in bench.releases[-1]["file"]:
            file["upload-time"] = days_ago(days)

    for name in ("geo", "pear", "plum", "fig"):
        release(200, name, "1.0", *(["fig"] if name == "plum" else []))
        release(60, name, "1.1", *(["fig"] if name == "plum" else []))
    release(40, "geo", "1.2")
    release(20, "geo", "2.0", wheels=others)
    release(10, "pear", "2.0", "new-one>=1")
    release(15, "new-one", "1.0")
    release(2, "plum", "9.0")
    pinned = f'[tool.uv]\nexclude-newer = "{days_ago(90)[:10]}T00:00:00Z"\n'
    path = bench.write("geo", "pear", "plum", more=pinned)
    text = path.read_text(encoding="utf-8").replace('python-versions = ["3.12"]', f"python-versions = {pythons}")
    path.write_text(text, encoding="utf-8")
    assert bench.run("lock").code == 0
    assert locked(bench) == {"demo": "0.1.0", "geo": "1.0", "pear": "1.0", "plum": "1.0", "fig": "1.0"}
    # As long as the pin stands, nothing may move.
    assert bench.run("refresh", "--exit-code").code == 0

    path.write_text(text.replace(pinned, '[tool.uv]\nexclude-newer = "7 days"\n'), encoding="utf-8")
    run = bench.run("refresh", "--exit-code", "--cool-down", "7 days")
    assert run.code == 10, run.said
    assert locked(bench) == {
        "demo": "0.1.0", "geo": "1.2", "pear": "2.0", "plum": "1.1", "fig": "1.1", "new-one": "1.0",
    }  # fmt: skip
    assert bench.run("lock", "--check").code == 0
    assert bench.run("check").code == 0
    report = told(bench)
    (held,) = report["held_back"]
    assert (held["name"], held["version"], held["kept"], held["platform"]) == ("geo", "2.0", ["1.2"], "linux/arm64")
    assert held["pythons"] == json.loads(pythons)
    assert "none for aarch64" in held["reason"]
    changes = {change["name"]: change for change in report["changes"]}
    assert {
        name: [(entry["version"], entry["age_days"]) for entry in (*change["old"], *change["new"])]
        for name, change in changes.items()
    } == {
        "geo": [("1.0", 200), ("1.2", 40)],
        "pear": [("1.0", 200), ("2.0", 10)],
        "plum": [("1.0", 200), ("1.1", 60)],
        "fig": [("1.0", 200), ("1.1", 60)],
        "new-one": [("1.0", 15)],
    }
    assert (changes["fig"]["is_direct"], changes["fig"]["required_by"]) == (False, ["plum"])
    assert report["cool_down"] == "P7D"
    assert bench.run("refresh", "--exit-code").code == 0


# Yanked --------------------------------------------------------------------------------------------------------------


def yank(bench: Workbench, name: str, version: str, reason: str = "broken") -> None:
    for release in bench.releases:
        if (release["name"], release["version"]) == (name, version):
            release["yanked"] = reason


def test_a_yanked_release_is_left_even_where_others_were_named(fresh: Workbench) -> None:
    fresh.offer("pear", "1.1").offer("plum", "1.1")
    yank(fresh, "pear", "1.0")
    assert fresh.run("refresh", "plum").code == 0
    assert (locked(fresh)["pear"], locked(fresh)["plum"]) == ("1.1", "1.1")
    changes = {change["name"]: change for change in told(fresh)["changes"]}
    assert changes["pear"]["yanked"] == "broken"


def test_a_yanked_release_that_is_pinned_is_told(bench: Workbench) -> None:
    bench.offer("pear", "1.0").offer("pear", "1.1")
    bench.write("pear==1.0")
    bench.run("lock")
    yank(bench, "pear", "1.0")
    run = bench.run("refresh")
    assert run.code == 0
    assert "pear 1.0 was yanked and is still in use: broken" in run.said
    assert told(bench)["yanked"] == [{"name": "pear", "version": "1.0", "reason": "broken"}]


# Cool-down -----------------------------------------------------------------------------------------------------------


def test_a_cool_down_that_the_project_does_not_state_is_refused_with_the_edit(fresh: Workbench) -> None:
    run = fresh.run("refresh", "--cool-down", "7 days")
    assert run.code == 2
    assert 'set exclude-newer = "7 days" in [tool.uv]' in run.said


def test_a_cool_down_of_the_project_gives_a_lock_that_passes_anywhere(bench: Workbench) -> None:
    for number, (version, day) in enumerate([("1.0", "2020-01-01"), ("2.0", "2200-01-01")]):
        bench.offer("late", version)
        for file in bench.releases[-1]["file"]:
            file["upload-time"] = f"{day}T00:00:0{number}.000000Z"
    bench.write("late", more='[tool.uv]\nexclude-newer = "7 days"\n')
    run = bench.run("refresh", "--cool-down", "P7D")
    assert run.code == 0, run.said
    assert locked(bench)["late"] == "1.0"
    assert 'exclude-newer-span = "P7D"' in bench.lock.read_text(encoding="utf-8")
    assert bench.run("lock", "--check").code == 0
    assert told(bench)["cool_down"] == "P7D"
    assert bench.run("refresh", "--cool-down", "3 days").code == 2


# The report ----------------------------------------------------------------------------------------------------------


def test_the_report_tells_age_and_who_requires(bench: Workbench) -> None:
    (before,) = [entry for entry in bench.releases if (entry["name"], entry["version"]) == ("core", "2.0")]
    before["file"][0]["upload-time"] = "2023-01-01T00:00:00.000000Z"
    bench.write("apple")
    bench.run("lock")
    bench.offer("core", "3.0")
    bench.releases[-1]["file"][0]["upload-time"] = "2024-01-01T00:00:00.000000Z"
    assert bench.run("refresh").code == 0
    (change,) = told(bench)["changes"]
    assert (change["is_direct"], change["required_by"]) == (False, ["apple"])
    assert change["new"][0]["date"] == "2024-01-01"
    assert change["new"][0]["age_days"] > 300
    assert re.search(
        r"\| `core` \| 2.0 → 3.0 \| 2023-01-01 → 2024-01-01 \(\d+ days ago\) \| `apple` \|", markdown(bench)
    )


def test_the_report_links_to_what_metadata_names(fresh: Workbench) -> None:
    fresh.offer("pear", "2.0")
    fresh.releases[-1]["metadata"] += (
        "Project-URL: Release Notes, https://pear.example/news?a=(1)\nProject-URL: Bad, javascript:alert(1)\n"
        "Project-URL: Source, javascript:alert(2)\nHome-page: https://pear.example\n"
    )
    assert fresh.run("refresh").code == 0
    (change,) = told(fresh)["changes"]
    assert change["links"] == [
        {"kind": "changelog", "url": "https://pear.example/news?a=(1)"},
        {"kind": "homepage", "url": "https://pear.example"},
    ]
    row = "**the project** | [changelog](<https://pear.example/news?a=(1)>) · [homepage](<https://pear.example>) |"
    assert row in markdown(fresh)
    assert "javascript" not in markdown(fresh)


def test_floors_that_moved_are_told_whichever_way(bench: Workbench) -> None:
    new = "cp312-cp312-manylinux_2_28_x86_64"
    for name, tags in (("up", (LINUX_X86, new)), ("down", (new, LINUX_X86))):
        bench.offer(name, "1.0", wheels=(tags[0], LINUX_ARM, MAC)).write(name)
        bench.run("lock", "--upgrade")
        bench.offer(name, "2.0", wheels=(tags[1], LINUX_ARM, MAC))
        assert bench.run("refresh").code == 0
        (floor,) = told(bench)["floors"]
        assert (floor["platform"], floor["has_risen"], floor["packages"]) == ("linux/amd64", name == "up", [name])
        assert (floor["old"], floor["new"]) == (("2.17", "2.28") if name == "up" else ("2.28", "2.17"))
        heading = "### Older systems left behind" if name == "up" else "### Older systems that will do again"
        assert heading in markdown(bench)


def test_a_change_of_the_format_alone_is_labelled(fresh: Workbench) -> None:
    text = fresh.lock.read_text(encoding="utf-8")
    newest = re.search(r"revision = \d+", text)
    assert newest is not None
    fresh.lock.write_text(text.replace(newest[0], "revision = 1"), encoding="utf-8")
    run = fresh.run("refresh", "--exit-code")
    assert (run.code, told(fresh)["kind"]) == (10, "format"), run.said
    assert "format only" in run.said
    assert "Only how the lock is written changed" in markdown(fresh)
    assert newest[0] in fresh.lock.read_text(encoding="utf-8")


def test_the_lock_of_a_script_is_refreshed_with_a_report_in_its_name(bench: Workbench) -> None:
    script = bench.project / "tool.py"
    head = f'# /// script\n# requires-python = ">=3.11"\n# dependencies = ["pear"]\n{INDEX}# ///\n'
    script.write_text(head, encoding="utf-8")
    bench.offer("pear", "1.0")
    assert bench.run("lock", "--script", "tool.py").code == 0
    bench.offer("pear", "2.0")
    run = bench.run("refresh", "--script", "tool.py", "--exit-code")
    assert run.code == 10, run.said
    assert "Refresh tool.py.lock: 1 updated" in run.said
    assert (told(bench)["file"], told(bench)["kind"]) == ("tool.py.lock", "versions")
    assert "**the script**" in (bench.project / "reports" / "refresh.md").read_text(encoding="utf-8")
    assert 'version = "2.0"' in (bench.project / "tool.py.lock").read_text(encoding="utf-8")
    assert not bench.lock.exists()
    assert bench.run("lock", "--script", "tool.py", "--check").code == 0


def test_the_report_goes_where_it_is_asked_to(fresh: Workbench, tmp_path: Path) -> None:
    run = fresh.run("refresh", "--report-dir", str(tmp_path / "there"))
    assert run.code == 0
    assert {path.name for path in (tmp_path / "there").iterdir()} == {"refresh.md", "refresh.json"}


# What goes wrong ----------------------------------------------------------------------------------------------------


def test_where_reports_cannot_be_written_the_lock_stays_too(fresh: Workbench) -> None:
    fresh.offer("pear", "2.0")
    (fresh.project / "reports").write_text("in the way", encoding="utf-8")
    before = fresh.lock.read_bytes()
    run = fresh.run("refresh")
    assert run.code == 2
    assert "error: the report refresh.md cannot be written\n" in run.said
    assert "is new already" not in run.said
    assert fresh.lock.read_bytes() == before


def test_a_report_that_fails_after_the_lock_was_written_says_so(
    fresh: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh.offer("pear", "2.0")
    put = Path.replace

    def replaced(self: Path, target: Path) -> Path:
        if Path(target).name == "refresh.json":
            raise OSError(errno.EIO, "Input/output error")
        return put(self, target)

    monkeypatch.setattr(Path, "replace", replaced)
    run = fresh.run("refresh")
    assert run.code == 2
    assert run.said.endswith("make room on the disk\n         uv.lock is new already, and stands\n")
    assert locked(fresh)["pear"] == "2.0"
    assert [path.name for path in (fresh.project / "reports").iterdir()] == ["refresh.md"]


def test_an_interruption_after_the_lock_was_written_says_so(fresh: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh.offer("pear", "2.0")
    put = Path.replace

    def replaced(self: Path, target: Path) -> Path:
        if Path(target).name == "refresh.md":
            raise KeyboardInterrupt
        return put(self, target)

    monkeypatch.setattr(Path, "replace", replaced)
    run = fresh.run("refresh")
    assert run.code == 130
    assert run.said == "interrupted: uv.lock is new already, and stands\n"
    assert locked(fresh)["pear"] == "2.0"
    assert list(fresh.project.rglob("*.tmp")) == []


# The commit ----------------------------------------------------------------------------------------------------------


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def repository(fresh: Workbench, monkeypatch: pytest.MonkeyPatch) -> Workbench:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@example.org")
    git(fresh.project, "init", "--quiet")
    git(fresh.project, "add", "pyproject.toml", "uv.lock")
    git(fresh.project, "commit", "--quiet", "-m", "first")
    return fresh


def test_a_commit_holds_the_lock_alone(repository: Workbench) -> None:
    repository.offer("pear", "2.0")
    (repository.project / "other.txt").write_text("mine", encoding="utf-8")
    git(repository.project, "add", "other.txt")
    run = repository.run("refresh", "--commit")
    assert run.code == 0, run.said
    assert git(repository.project, "show", "--name-only", "--format=%s").split("\n\n") == [
        "Refresh uv.lock: 1 updated",
        "uv.lock\n",
    ]
    assert "- pear 1.0 -> 2.0" in git(repository.project, "log", "-1", "--format=%b")
    assert git(repository.project, "status", "--porcelain", "other.txt") == "A  other.txt\n"


def test_a_branch_is_made_for_the_commit_where_asked(repository: Workbench) -> None:
    start = git(repository.project, "symbolic-ref", "--short", "HEAD").strip()
    repository.offer("pear", "2.0")
    assert repository.run("refresh", "--branch", "refresh/today").code == 0
    assert git(repository.project, "symbolic-ref", "--short", "HEAD").strip() == "refresh/today"
    git(repository.project, "switch", "--quiet", start)
    run = repository.run("refresh", "--branch", "refresh/today")
    assert run.code == 2
    assert "there is a branch refresh/today already" in run.said
    assert locked(repository)["pear"] == "1.0"


def test_a_commit_that_is_refused_tells_what_was_done_before(repository: Workbench) -> None:
    repository.offer("pear", "2.0")
    hook = repository.project / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    run = repository.run("refresh", "--branch", "refresh/today")
    assert run.code == 2
    assert "error: the lock was written, but not committed\n" in run.said
    assert "not today" in run.said
    assert "the branch refresh/today was made, and is where you are" in run.said
    assert f"what changed is in {repository.project / 'reports' / 'refresh.md'}" in run.said
    assert locked(repository)["pear"] == "2.0"


def test_nothing_is_committed_where_nothing_changed(repository: Workbench) -> None:
    before = git(repository.project, "rev-parse", "HEAD")
    assert repository.run("refresh", "--branch", "idle").code == 0
    assert git(repository.project, "rev-parse", "HEAD") == before
    assert "idle" not in git(repository.project, "branch")


def test_outside_of_a_repository_nothing_is_begun(fresh: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(fresh.project.parent))
    before = fresh.lock.read_bytes()
    fresh.offer("pear", "2.0")
    run = fresh.run("refresh", "--commit")
    assert run.code == 2
    assert "is in no git repository" in run.said
    assert fresh.lock.read_bytes() == before
