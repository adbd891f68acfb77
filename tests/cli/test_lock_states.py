"""What `lockflow lock` does to a lock in every state, in every mode: the code, the file, and what is said."""

from __future__ import annotations

import re

import pytest

from support.lock_states import STATES, UNREADABLE, prepare
from support.run import Run
from support.workbench import Workbench

MODES = ("", "--upgrade", "--check", "--locked", "--check-exists", "--frozen", "--dry-run")


def expected(state: str, mode: str) -> tuple[int, bool]:
    """The exit code, and whether the lock is written."""
    if state in UNREADABLE:
        return 2, False
    is_write = mode in ("", "--upgrade")
    if state == "missing":
        return (0, is_write) if is_write or mode == "--dry-run" else (1, False)
    if state == "stale":
        return (1, False) if mode in ("--check", "--locked") else (0, is_write)
    # To resolve again, which an upgrade does, gives the newest revision.
    return 0, mode == "--upgrade" and state in ("revision 9", "no revision")


def phrases(state: str, mode: str) -> list[str]:
    if state in UNREADABLE:
        return [f"error: {UNREADABLE[state]}", "  where: ", "  next:  "]
    if state == "missing" and mode in ("--check", "--locked", "--check-exists", "--frozen"):
        return ["error: there is no lock", "  next:  lock without --"]
    if mode in ("--check-exists", "--frozen"):
        return ["warning: ", "was not checked because of --frozen: use --check for that"]
    if state == "missing":
        return ["Add apple v1.0", "Add demo v0.1.0"] if mode == "--dry-run" else ["Resolved 3 packages"]
    if state == "stale" and mode in ("--check", "--locked"):
        return ["error: the lock needs to be updated", "core<2 became apple", "Add apple v1.0"]
    if state == "stale" and mode == "--dry-run":
        return ["core<2 became apple", "Resolved 3 packages", "Add apple v1.0"]
    if state == "stale":
        return ["uv.lock was not up to date", "core<2 became apple", "Resolved 3 packages", "Added apple v1.0"]
    return ["Resolved 3 packages", *(["No lockfile changes detected"] if mode == "--dry-run" else [])]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("state", STATES)
def test_every_state_in_every_mode(bench: Workbench, state: str, mode: str) -> None:
    prepare(bench, state)
    before = bench.lock.read_bytes() if bench.lock.exists() else None
    run = bench.run("lock", *([mode] if mode else []))
    after = bench.lock.read_bytes() if bench.lock.exists() else None
    assert (run.code, after != before) == expected(state, mode), run.said
    assert [text for text in phrases(state, mode) if text not in run.said] == [], run.said
    if (state, mode) in {("fresh", ""), ("fresh", "--check"), ("other layout", ""), ("revision 9", "")}:
        assert re.fullmatch(r"Resolved 3 packages in \S+\n", run.said)
    if run.code == 0 and mode in ("", "--upgrade"):
        assert bench.run("lock", "--check").code == 0
        assert bench.lock.read_bytes() == after


def test_what_can_be_parsed_as_no_version_1_is_told_by_its_version(bench: Workbench) -> None:
    bench.write("apple")
    bench.lock.write_text('version = 2\nrequires-python = 3\n[package]\nname = "a"\n', encoding="utf-8")
    run = bench.run("lock", "--frozen")
    assert run.code == 2
    assert "version 2" in run.said


# Merge conflicts -----------------------------------------------------------------------------------------------------


def conflicted(bench: Workbench, *, marks: str = "<>", whole: bool = True) -> str:
    """A lock in which one side has pear 1.0 and the other has plum 1.0, of which there are 2.0 by now."""
    sides = []
    for name in ("pear", "plum"):
        bench.offer(name, "1.0")
        bench.write("apple", "core<2", name)
        bench.run("lock", "--no-cache")
        sides.append(bench.lock.read_text(encoding="utf-8"))
    for name in ("pear", "plum"):
        bench.offer(name, "2.0")
    if whole:
        ours, theirs = sides
        text = f"<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> branch\n"
        if marks == "<|>":
            text = text.replace("=======\n", "||||||| base\nversion = 1\n=======\n")
    else:
        # As a version control system merges line by line: what both have in common once, the rest side by side.
        blocks = [re.split(r"(?=\[\[package\]\])", side) for side in sides]
        fruits = [
            next(block for block in blocks[number] if f'"{name}"' in block and "apple" not in block)
            for number, name in enumerate(("pear", "plum"))
        ]
        shared = [block for block in blocks[0] if block not in fruits]
        text = "".join([*shared, "<<<<<<< HEAD\n", fruits[0], "=======\n", fruits[1], ">>>>>>> branch\n"])
    bench.lock.write_text(text, encoding="utf-8")
    bench.write("apple", "core", "pear", "plum")
    return text


def versions(bench: Workbench) -> dict[str, str]:
    return dict(re.findall(r'name = "(\w+)"\nversion = "([^"]+)"', bench.lock.read_text(encoding="utf-8")))


BOTH_KEPT = {"apple": "1.0", "core": "1.0", "demo": "0.1.0", "pear": "1.0", "plum": "1.0"}


@pytest.mark.parametrize("marks", ["<>", "<|>"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_merge_conflict_is_recovered_with_the_versions_of_both_sides(
    bench: Workbench, marks: str, *, whole: bool
) -> None:
    conflicted(bench, marks=marks, whole=whole)
    run = bench.run("lock", "--no-cache")
    assert run.code == 0, run.said
    assert "it held an unresolved merge conflict; versions of both sides were kept" in run.said
    assert versions(bench) == BOTH_KEPT
    assert "<<<" not in bench.lock.read_text(encoding="utf-8")
    assert bench.run("lock", "--check").code == 0


def test_changes_are_told_against_the_side_that_is_a_whole_lock(bench: Workbench) -> None:
    conflicted(bench)
    assert "Added plum v1.0" in bench.run("lock", "--no-cache").said


def test_a_conflict_in_which_both_sides_are_what_is_wanted_is_still_written(bench: Workbench) -> None:
    bench.write("apple")
    bench.run("lock")
    text = bench.lock.read_text(encoding="utf-8")
    bench.lock.write_text(f"<<<<<<< a\n{text}=======\n{text}>>>>>>> b\n", encoding="utf-8")
    assert bench.run("lock").code == 0
    assert bench.lock.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("flag", ["--check", "--locked", "--frozen", "--check-exists"])
def test_a_mode_that_may_not_write_refuses_a_merge_conflict(bench: Workbench, flag: str) -> None:
    text = conflicted(bench)
    run = bench.run("lock", flag)
    assert run.code == 2
    assert "error: the lock holds an unresolved merge conflict" in run.said
    assert "the versions of both sides are kept" in run.said
    assert bench.lock.read_text(encoding="utf-8") == text


def test_a_dry_run_tells_what_would_become_of_a_conflict(bench: Workbench) -> None:
    text = conflicted(bench)
    run = bench.run("lock", "--dry-run", "--no-cache")
    assert run.code == 0
    assert "Add plum v1.0" in run.said
    assert bench.lock.read_text(encoding="utf-8") == text


def test_an_upgrade_takes_neither_side(bench: Workbench) -> None:
    conflicted(bench)
    assert bench.run("lock", "--upgrade", "--no-cache").code == 0
    assert versions(bench) == BOTH_KEPT | {"core": "2.0", "pear": "2.0", "plum": "2.0"}


def test_an_upgrade_of_one_package_keeps_the_others_of_both_sides(bench: Workbench) -> None:
    conflicted(bench)
    assert bench.run("lock", "-P", "plum", "--no-cache").code == 0
    assert versions(bench) == BOTH_KEPT | {"plum": "2.0"}


def test_nothing_is_lost_where_a_recovery_fails(bench: Workbench) -> None:
    text = conflicted(bench)
    bench.write("apple", "absent")
    assert bench.run("lock", "--no-cache").code == 1
    assert bench.lock.read_text(encoding="utf-8") == text


# Without a resolution ------------------------------------------------------------------------------------------------


def edited(bench: Workbench, old: str, new: str) -> None:
    path = bench.project / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def without_network(bench: Workbench, *words: str) -> Run:
    bench.is_online = False
    return bench.run("lock", "--no-cache", *words)


HARMLESS = {
    "version": ('version = "0.1.0"', 'version = "0.2.0"'),
    "new empty extra": ("[[tool", "[project.optional-dependencies]\nplain = []\n\n[[tool"),
    "new empty group": ("[[tool", "[dependency-groups]\nplain = []\n\n[[tool"),
    "default groups": ("[[tool", "[tool.uv]\ndefault-groups = []\n\n[[tool"),
    "wider bounds": ('"core>=1"', '"core>=1,<9"'),
    "a pin on what is locked": ('"core>=1"', '"core==2.0"'),
}


@pytest.mark.parametrize("edit", HARMLESS)
def test_an_edit_that_cannot_change_the_graph_needs_no_index(bench: Workbench, edit: str) -> None:
    bench.write("apple", "core>=1")
    edited(bench, "'core>=1'", '"core>=1"')
    bench.run("lock")
    edited(bench, *HARMLESS[edit])
    checked = without_network(bench, "--check")
    assert checked.code == 1
    assert "error: the lock needs to be updated" in checked.said
    written = without_network(bench)
    assert written.code == 0, written.said
    assert "uv.lock was not up to date" in written.said
    content = bench.lock.read_bytes()
    bench.lock.unlink()
    bench.is_online = True
    assert bench.run("lock").code == 0
    assert bench.lock.read_bytes() == content
    assert bench.run("lock", "--check").code == 0


HARMFUL = {
    "bounds that the locked version is outside of": ('"core>=1"', '"core<2"'),
    "another requirement": ('"core>=1"', '"core>=1", "pear"'),
    "another extra": ('"core>=1"', '"core[more]>=1"'),
    "another marker": ('"core>=1"', "\"core>=1 ; sys_platform == 'win32'\""),
    "another Python": ('">=3.11"', '">=3.12"'),
    "a constraint": ("[[tool", '[tool.uv]\nconstraint-dependencies = ["core<9"]\n\n[[tool'),
    "another mode": ("[[tool", '[tool.uv]\nresolution = "lowest"\n\n[[tool'),
}


@pytest.mark.parametrize("edit", HARMFUL)
def test_any_other_edit_asks_the_index(bench: Workbench, edit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    bench.write("apple", "core>=1")
    edited(bench, "'core>=1'", '"core>=1"')
    bench.run("lock")
    content = bench.lock.read_bytes()
    edited(bench, *HARMFUL[edit])
    run = without_network(bench)
    assert run.code == 2, run.said
    assert bench.lock.read_bytes() == content


def test_a_version_that_somebody_limits_is_resolved(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    bench.offer("pear", "1.0", "demo<1")
    bench.write("pear")
    bench.run("lock")
    edited(bench, 'version = "0.1.0"', 'version = "0.2.0"')
    assert without_network(bench).code == 2


def test_a_stale_lock_is_told_where_the_network_is_gone(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    bench.write("apple")
    bench.run("lock")
    bench.write("apple", "pear")
    run = without_network(bench, "--check")
    assert run.code == 1
    assert "the dependencies of demo changed: with pear" in run.said
    assert "how it would change is not known" in run.said


# What is said -------------------------------------------------------------------------------------------------------


def test_check_says_the_first_difference_and_shows_a_few_lines_of_it(bench: Workbench) -> None:
    bench.write("core<2")
    bench.run("lock")
    bench.write("core")
    bench.run("lock", "--upgrade")
    bench.write("core<2")
    said = bench.run("lock", "--check").said.splitlines()
    assert said[2:8] == [
        "  why:   the dependencies of demo changed: core became core<2",
        "         Update core v2.0 -> v1.0",
        "           [[package]]",
        '            name = "core"',
        '           -version = "2.0"',
        '           +version = "1.0"',
    ]
    assert said[-1] == "  next:  lock again without --check"
    assert len(said) < 20


def test_a_name_to_upgrade_that_is_not_locked_is_a_warning_with_what_was_meant(bench: Workbench) -> None:
    bench.write("apple")
    bench.run("lock")
    run = bench.run("lock", "-P", "aple", "-P", "zebra")
    assert run.code == 0
    assert "warning: there is no package aple in the lock to upgrade; did you mean apple?" in run.said
    assert "warning: there is no package zebra in the lock to upgrade\n" in run.said


def test_an_upgrade_that_changes_nothing_says_so(bench: Workbench) -> None:
    bench.write("apple")
    bench.run("lock")
    assert "The upgrade of core changes nothing: it stays at v2.0" in bench.run("lock", "-P", "Core").said
    assert "changes nothing" not in bench.run("lock").said


@pytest.mark.parametrize(
    ("variable", "value"),
    [("UV_EXCLUDE_NEWER", "2020-01-01"), ("UV_RESOLUTION", "lowest"), ("UV_PRERELEASE", "allow")],
)
def test_a_variable_that_changes_the_lock_for_one_person_is_told(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    bench.write("apple")
    bench.run("lock")
    monkeypatch.setenv(variable, value)
    assert f"warning: {variable} in the environment changes the lock" in bench.run("lock", "--dry-run").said


def test_a_user_configuration_that_changes_the_lock_is_told(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = bench.project.parent / "config"
    (folder / "uv").mkdir(parents=True)
    (folder / "uv" / "uv.toml").write_text('prerelease = "allow"\n', encoding="utf-8")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    bench.write("apple")
    said = bench.run("lock").said
    assert "changes the lock, on this machine only: prerelease" in said
