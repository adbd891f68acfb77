from __future__ import annotations

import pytest

from lockflow.errors import LockflowError
from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.render import render
from lockflow.standards.markers.tree import FALSE, TRUE, string_equals


def test_constants_have_the_texts_of_a_lock() -> None:
    assert render(TRUE) is None
    assert render(FALSE) == "python_version < '0'"


def test_text_is_made_once() -> None:
    marker = parse_marker("os_name == 'nt' or sys_platform == 'linux' or extra == 'text-is-made-once'")
    assert render(marker) is render(marker)


def test_apostrophe_is_not_escaped_as_in_uv() -> None:
    assert render(string_equals("os_name", "it's")) == "os_name == 'it's'"


def test_marker_with_too_many_clauses_is_an_error_and_not_a_hang() -> None:
    pairs = [f"(extra == 'p{index:02}a' or extra == 'p{index:02}b')" for index in range(40)]
    marker = parse_marker(" and ".join(pairs))
    with pytest.raises(LockflowError, match="too long to print"):
        render(marker)
