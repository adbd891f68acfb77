from __future__ import annotations

import pytest

from lockflow.lock.conflict import preferences_from_sides, sides
from lockflow.lock.model import Lock
from lockflow.lock.tables import is_conflicted
from support.golden import GOLDEN

OURS, THEIRS, BOTH = "ours\n", "theirs\n", "both\n"


@pytest.mark.parametrize(
    "text",
    [
        f"{BOTH}<<<<<<< HEAD\n{OURS}=======\n{THEIRS}>>>>>>> branch\n{BOTH}",
        f"{BOTH}<<<<<<<\n{OURS}=======\n{THEIRS}>>>>>>>\n{BOTH}",
        f"{BOTH}<<<<<<< HEAD\n{OURS}||||||| 1a2b3c\nbase\n=======\n{THEIRS}>>>>>>> branch\n{BOTH}",
        f"{BOTH}<<<<<<< HEAD\n{OURS}=======\n>>>>>>> branch\n<<<<<<< HEAD\n=======\n{THEIRS}>>>>>>> branch\n{BOTH}",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_text_is_taken_apart_into_its_sides(text: str, end: str) -> None:
    text = text.replace("\n", end)
    assert is_conflicted(text)
    expected = BOTH + OURS + BOTH, BOTH + THEIRS + BOTH
    assert sides(text) == tuple(side.replace("\n", end) for side in expected)


@pytest.mark.parametrize("text", ["", "version = 1\n", "=======\n", "<<<<<<< HEAD\n", "a = '<<<<<<< x'\n>>>>>>> y\n"])
def test_other_texts_have_no_sides(text: str) -> None:
    assert not is_conflicted(text)


def lock_text(case: str) -> str:
    return (GOLDEN / case / "uv.lock").read_bytes().decode()


def merged(ours: str, theirs: str) -> str:
    return f"<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> branch\n"


def anything(_: Lock) -> bool:
    return True


def test_commits_of_ours_stay_and_forks_of_neither() -> None:
    ours, theirs = lock_text("sources-git-tag"), lock_text("fork")
    preferences, whole = preferences_from_sides(merged(ours, theirs), is_usable=anything)
    assert whole is not None
    assert len(preferences.git_commits) == 1
    assert preferences.forks is None
    assert {str(entry.version) for name, entries in preferences.entries if name == "a" for entry in entries} >= {
        "1.0.0"
    }


def test_a_side_made_with_other_settings_gives_nothing() -> None:
    text = lock_text("minimal")
    preferences, whole = preferences_from_sides(merged(text, text), is_usable=lambda _: False)
    assert whole is not None
    assert preferences.entries == ()


def test_of_a_side_that_is_no_lock_the_packages_that_can_be_read_count() -> None:
    blocks = [
        'name = "Good-One"\nversion = "1.0"\nsource = { registry = "https://index.example/simple" }\n[package.x]\n=',
        'name = "no-version"\nsource = { registry = "https://index.example/simple" }\n',
        'name = "bad-version"\nversion = "one"\nsource = { registry = "https://index.example/simple" }\n',
        'name = "tree"\nversion = "1.0"\nsource = { editable = "." }\n',
        'name = "odd"\nversion = 1\nsource = 2\n',
        'name = "broken\n',
    ]
    text = "".join(f"[[package]]\n{block}" for block in blocks)
    preferences, whole = preferences_from_sides(merged(text, ""), is_usable=anything)
    assert whole is None
    assert [(name, [str(entry.version) for entry in entries]) for name, entries in preferences.entries] == [
        ("good-one", ["1.0"])
    ]
