"""Whatever is misspelt on a command line comes back with what was probably meant."""

from __future__ import annotations

import pytest

from support.workbench import Workbench

MORE = """
[project.optional-dependencies]
speed = ["core"]

[dependency-groups]
tests = ["core"]
"""


@pytest.fixture
def locked(bench: Workbench) -> Workbench:
    bench.write("apple", more=MORE)
    assert bench.run("lock").code == 0
    return bench


@pytest.mark.parametrize(
    ("arguments", "meant", "code"),
    [
        ("lokc", "did you mean lock?", 2),
        ("lock --ofline", "did you mean --offline?", 2),
        ("lock --resolution lowst", "did you mean lowest?", 2),
        ("check linux/amd46", "did you mean linux/amd64?", 2),
        ("platforms darwn", "did you mean darwin?", 2),
        ("export --platform linux/arm46", "did you mean linux/arm64?", 2),
        ("why aple", "did you mean apple?", 1),
        ("lock -P aple", "did you mean apple?", 0),
        ("refresh aple", "did you mean apple?", 2),
        ("tree --package aple", "did you mean apple?", 1),
        ("tree --invert --prune cor --package apple", "did you mean core?", 0),
        ("export --no-emit-package aple", "did you mean apple?", 0),
        ("export --package dmo", "did you mean demo?", 2),
        ("export --extra sped", "did you mean speed?", 2),
        ("export --group test", "did you mean tests?", 2),
        ("tree --only-group test", "did you mean tests?", 2),
        ("lock --upgrade-group test", "did you mean tests?", 2),
        ("add core --package dmo", "did you mean demo?", 2),
        ("remove --group test core", "--group tests", 2),
    ],
)
def test_what_was_meant_is_named(arguments: str, meant: str, code: int, locked: Workbench) -> None:
    run = locked.run(*arguments.split())
    assert meant in run.said
    assert run.code == code


def test_a_misspelt_setting_is_warned_about(bench: Workbench) -> None:
    path = bench.write("apple")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("python-versions", "python-verions"), encoding="utf-8")
    assert "did you mean python-versions?" in bench.run("lock").said
