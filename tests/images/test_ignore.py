"""What a `.dockerignore` leaves out, also compared with the Docker SDK's own matcher."""

from __future__ import annotations

import pytest
from docker.utils.build import PatternMatcher
from hypothesis import given
from hypothesis import strategies as st

from lockflow.images.ignore import Ignored


@pytest.mark.parametrize(
    ("lines", "out", "kept"),
    [
        (["data"], ["data", "data/a.csv"], ["src/data", "database"]),
        (["**/data"], ["data", "src/data", "src/data/x"], ["src/database"]),
        (["*.md", "!README.md"], ["NOTES.md"], ["README.md", "docs/NOTES.md"]),
        (["docs/**/*.png"], ["docs/a.png", "docs/x/y/a.png"], ["a.png"]),
        (["/build/"], ["build", "build/lib"], ["src/build"]),
        (["a?c", "[xy]z"], ["abc", "xz", "yz"], ["ac", "zz"]),
        (["# data", "", "  temp  "], ["temp"], ["# data", "data"]),
        (["*", "!src"], ["main.py"], ["src", "src/app.py"]),
        (["../etc"], ["etc"], []),
    ],
)
def test_the_last_line_that_matches_decides(lines: list[str], out: list[str], kept: list[str]) -> None:
    rules = Ignored(lines)
    assert [path for path in out if not rules.leaves_out(path)] == []
    assert [path for path in kept if rules.leaves_out(path)] == []


@pytest.mark.parametrize(
    "path",
    [".git", ".git/config", "lib/.venv/pyvenv.cfg", ".env", "conf/.env", ".netrc", "a/__pycache__/a.pyc", "a.pyc"],
)
def test_what_no_image_needs_is_left_out_unless_it_is_taken_back(path: str) -> None:
    assert Ignored().leaves_out(path)
    assert not Ignored([f"!{path}"]).leaves_out(path)


def test_a_folder_is_looked_into_only_where_something_of_it_may_be_taken_back() -> None:
    rules = Ignored(["data", "!data/keep/one.csv", "logs"])
    assert rules.may_hold("data")
    assert rules.may_hold("data/keep")
    assert not rules.may_hold("logs")
    assert Ignored(["data", "!**/*.csv"]).may_hold("data")


names = st.sampled_from(["a", "b", "ab", "a.py", "b.txt", "c"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
# The SDK does not apply `**` to folders above a path, as the engine's own client does.
parts = st.sampled_from(["a", "b", "*", "a*", "?", "*.py", "[ab]", "ab"])
patterns = st.tuples(st.sampled_from(["", "!"]), st.lists(parts, min_size=1, max_size=3).map("/".join)).map("".join)


@given(lines=st.lists(patterns, max_size=4), path=paths)
def test_it_is_what_the_docker_sdk_takes_the_lines_for(lines: list[str], path: str) -> None:
    assert Ignored(lines).leaves_out(path) == PatternMatcher(lines).matches(path)
