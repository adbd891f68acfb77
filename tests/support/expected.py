"""Expected files beside a test: compared, or written anew with `REWRITE_EXPECTED=1`, so that the diff is reviewed."""

from __future__ import annotations

import os
from pathlib import Path


def is_rewriting() -> bool:
    """Whether what is expected is to be written anew."""
    return bool(os.environ.get("REWRITE_EXPECTED"))


def assert_expected(path: Path, text: str) -> None:
    """Compare `text` with the file at `path`; the one switch writes it instead."""
    if is_rewriting():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
