"""Preview features of uv that concern a lock. What a lock without metadata looks like is held by the golden cases."""

from __future__ import annotations

import re

import pytest

from support.workbench import Workbench

WITHOUT = "[tool.uv]\npreview-features = ['lock-without-metadata']\n"


def test_a_lock_without_metadata_is_written_checked_and_written_with_it_again(bench: Workbench) -> None:
    bench.write("apple", more=WITHOUT)
    assert bench.run("lock").code == 0
    assert "[package.metadata]" not in bench.lock.read_text(encoding="utf-8")
    assert bench.run("lock", "--check").code == 0
    usual = bench.run("lock", "--check", "--no-preview")
    assert usual.code == 1
    assert "the dependencies of demo changed: with apple" in usual.said
    assert bench.run("lock", "--no-preview").code == 0
    assert "[package.metadata]" in bench.lock.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (("apple", "core"), ("apple", "core>=1"), 0),
        (("apple", "core"), ("apple", "core<2"), 1),
        (("apple", "core"), ("apple",), 1),
        (("apple",), ("apple", "core ; os_name == 'nt'"), 1),
    ],
)
def test_requirements_are_held_against_the_edges(
    bench: Workbench, before: tuple[str, ...], after: tuple[str, ...], code: int
) -> None:
    bench.write(*before, more=WITHOUT)
    assert bench.run("lock").code == 0
    bench.write(*after, more=WITHOUT)
    run = bench.run("lock", "--check")
    assert run.code == code
    assert ("the dependencies of demo changed" in run.said) is bool(code)


def test_another_layout_is_refused_where_a_check_is_to_look_at_it(bench: Workbench) -> None:
    bench.write("apple")
    bench.run("lock")
    text = bench.lock.read_text(encoding="utf-8")
    feature = ("--preview-features", "lockfile-format-check")
    assert bench.run("lock", "--check", *feature).code == 0
    bench.lock.write_text(text.replace("    {", "  {", 1), encoding="utf-8")
    assert bench.run("lock", "--check").code == 0
    run = bench.run("lock", "--check", *feature)
    assert run.code == 1
    line = text[: text.index("    {")].count("\n") + 1
    assert re.search(rf"uv\.lock, line {line}\n", run.said)


def test_extras_are_listed_empty_or_not_and_a_new_one_is_noticed(bench: Workbench) -> None:
    tree = bench.project / "beside"
    tree.mkdir()
    head = '[project]\nname = "beside"\nversion = "1"\nrequires-python = ">=3.11"\n'
    (tree / "pyproject.toml").write_text(f"{head}[project.optional-dependencies]\nx = ['core']\n", encoding="utf-8")
    more = f"{WITHOUT}\n[tool.uv.sources]\nbeside = {{ path = 'beside' }}\n"
    bench.write("apple", "beside", more=more + "[project.optional-dependencies]\nplain = []\n")
    assert bench.run("lock").code == 0
    text = bench.lock.read_text(encoding="utf-8")
    assert "plain = []" in text
    assert "x = []" in text
    bench.write("apple", "beside", more=more + "[project.optional-dependencies]\nplain = []\nother = []\n")
    assert "the extras of demo changed: with other" in bench.run("lock", "--check").said
    bench.write("apple", "beside", more=more + "[project.optional-dependencies]\nplain = []\n")
    assert bench.run("lock", "--check").code == 0
    (tree / "pyproject.toml").write_text(f"{head}dependencies = ['core']\n", encoding="utf-8")
    said = bench.run("lock", "--check").said
    assert "the extras of beside changed: without x" in said
