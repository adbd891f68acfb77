from __future__ import annotations

import json

import pytest

from lockflow.cli.main import main
from support.workbench import Workbench


@pytest.fixture
def locked(bench: Workbench) -> Workbench:
    """A lock of four packages, with an extra, a marker and a bound."""
    bench.offer("pear", "1.0", "core<2", "plum ; sys_platform == 'win32'", "plum ; extra == 'more'")
    bench.offer("plum", "1.0").offer("plum", "2.0")
    bench.write("apple", "pear[more]")
    run = bench.run("lock")
    assert run.code == 0, run.said
    return bench


def tamper(bench: Workbench, old: str, new: str) -> None:
    text = bench.lock.read_text(encoding="utf-8")
    assert text.count(old) >= 1, text
    bench.lock.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_lock_that_says_what_the_index_says_is_right(locked: Workbench) -> None:
    run = locked.run("verify")
    assert run.code == 0, run.said
    assert run.said.splitlines()[0] == "1 package from elsewhere than an index: nothing to compare with"
    assert run.said.splitlines()[1].startswith("Verified 4 packages in ")


PLUM = 'name = "plum"\nversion = "2.0"\nsource = { registry = "https://index.example/simple" }\n'
APPLE_EDGES = 'dependencies = [\n    { name = "core" },\n]\n'
TAMPERED = {
    "a hash": ('hash = "sha256:', 'hash = "sha256:0', "has the sha256"),
    "a size": ("size = 1000", "size = 1001", "has 1000 bytes, the lock has 1001"),
    "a URL": ("/core-1.0-", "/../evil/core-1.0-", "the lock has https://files.example/"),
    "a file": ("core-1.0-py3-none-any.whl", "core-1.0-py2.py3-none-any.whl", "does not list the file core-1.0-py2.py3"),
    "an edge less": (APPLE_EDGES, "", "apple depends on core everywhere, the lock leaves that out"),
    "an edge more": (
        APPLE_EDGES,
        APPLE_EDGES.replace("]", '    { name = "plum" },\n]'),
        "apple does not depend on plum",
    ),
    "an edge with less": (
        '{ name = "plum", marker = "sys_platform == \'win32\'" }',
        "{ name = \"plum\", marker = \"sys_platform == 'win32' and python_full_version >= '3.13'\" }",
        "pear depends on plum where sys_platform == 'win32', the lock leaves that out",
    ),
    "an edge with more": (
        '{ name = "plum", marker = "sys_platform == \'win32\'" }',
        '{ name = "plum" }',
        "pear depends on plum only where sys_platform == 'win32', the lock says more",
    ),
    "an extra's edge": ('more = [\n    { name = "plum" },\n]', "more = []", "pear[more] depends on plum everywhere"),
    "a foreign index": (PLUM, PLUM.replace("/simple", "/other"), "https://index.example/other"),
    "a package nobody asks for": (
        PLUM,
        PLUM.replace("plum", "pium") + "\n[[package]]\n" + PLUM,
        "nothing in the lock asks for pium 2.0",
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_changed_in_the_lock_is_found(locked: Workbench, what: str) -> None:
    old, new, said = TAMPERED[what]
    if what == "a hash":
        text = locked.lock.read_text(encoding="utf-8")
        place = text.index(old) + len(old)
        changed = f"{text[:place]}{'1' if text[place] == '0' else '0'}{text[place + 1 :]}"
        locked.lock.write_text(changed, encoding="utf-8")
    else:
        tamper(locked, old, new)
    run = locked.run("verify")
    assert run.code == 1, run.said
    assert said in run.said


def test_a_version_that_is_gone_and_one_that_does_not_fit_are_found(locked: Workbench) -> None:
    text = locked.lock.read_text(encoding="utf-8")
    locked.lock.write_text(text.replace('"1.0"\nsource', '"1.0"\nsource'), encoding="utf-8")
    locked.releases[:] = [entry for entry in locked.releases if (entry["name"], entry["version"]) != ("plum", "2.0")]
    assert "https://index.example/simple has no version 2.0 of plum" in locked.run("verify", "--no-cache").said
    core = text.index('name = "core"\nversion = "1.0"')
    changed = text[:core] + text[core:].replace('"1.0"', '"2.0"', 1).replace("core-1.0-", "core-2.0-")
    locked.lock.write_text(changed, encoding="utf-8")
    assert "pear asks for core<2, the lock gives it 2.0" in locked.run("verify", "--no-cache").said


def test_the_differences_are_data_on_stdout(locked: Workbench, capsys: pytest.CaptureFixture[str]) -> None:
    tamper(locked, "size = 1000", "size = 1001")
    place = ["--directory", str(locked.project), "--cache-dir", str(locked.cache)]
    assert main(["verify", "--json", *place], transport=locked.transport) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["verdict"], found["compared"], found["others"]) == (1, "bad", 4, 1)
    assert [(entry["package"], entry["kind"]) for entry in found["differences"]] == [("apple", "size")]
    assert found["unanswered"] == []


def test_offline_compares_with_what_is_in_the_cache(locked: Workbench) -> None:
    locked.is_online = False
    assert locked.run("verify", "--offline").code == 0


def test_what_no_index_answers_for_is_told_and_is_no_difference(
    locked: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    locked.is_online = False
    for flag in ("--offline", "--no-progress"):
        run = locked.run("verify", "--no-cache", flag)
        assert run.code == 2
        assert "warning: 4 packages could not be compared: apple (" in run.said
        assert "and 3 more likewise" in run.said


def test_without_a_lock_the_answer_is_no(bench: Workbench) -> None:
    bench.write("apple")
    assert bench.run("verify").code == 1
