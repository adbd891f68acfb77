from __future__ import annotations

import json
import tomllib

import pytest

from lockflow.errors import LockFileError
from lockflow.lock.decode import decode
from lockflow.lock.layout import as_json
from support.golden import GOLDEN

TEXTS = {path.parent.name: path.read_bytes().decode() for path in sorted(GOLDEN.glob("*/uv.lock"))}
# Awkward strings need escapes, and one table of [manifest] is not read this way.
LEFT_TO_TOML = {"escapes", "escapes-all", "manifest-all", "manifest-dependency-metadata-only", "manifest-order"}


@pytest.mark.parametrize("case", sorted(TEXTS.keys() - LEFT_TO_TOML))
def test_the_usual_layout_reads_as_toml_does(case: str) -> None:
    text = as_json(TEXTS[case])
    assert text is not None
    assert json.loads(text) == tomllib.loads(TEXTS[case])


@pytest.mark.parametrize("case", sorted(LEFT_TO_TOML))
def test_what_is_beyond_the_usual_layout_is_left_to_toml(case: str) -> None:
    text = as_json(TEXTS[case])
    if text is not None:
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)


@pytest.mark.parametrize("text", ['a = "\\u0041"\n', "a = 1\r\n", 'a = "open\n', 'a = "two\nlines"\n', "[[[x]\n"])
def test_other_texts_are_refused_or_broken(text: str) -> None:
    found = as_json(text)
    if found is not None:
        with pytest.raises(json.JSONDecodeError):
            json.loads(found)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('version = "1.0.0"\n', 'version = "1.0.0"\nversion = "1.0.0"\n'),
        ("[package.metadata]\n", "[package.metadata]\n\n[package.metadata]\n"),
        ('{ name = "a" }', '{ name = "a", name = "a" }'),
    ],
)
def test_what_toml_forbids_is_not_read_by_the_faster_way(old: str, new: str) -> None:
    text = TEXTS["minimal"]
    assert old in text
    with pytest.raises(LockFileError):
        decode(text.replace(old, new, 1), "uv.lock")
