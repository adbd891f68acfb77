"""The lines of a `.dockerignore` to whether a path is left out of a build (the rules of Docker's build reference).

The last line that matches decides; a line matches what lies below a folder that it matches; `!` takes back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

# What no image needs: state of tools and of this one, and files whose purpose is to hold secrets.
_ALWAYS = (
    "**/.git", "**/.hg", "**/.svn", "**/.venv", "**/venv", "**/.lockflow", "reports", "**/__pycache__", "**/*.py[co]",
    "**/.mypy_cache", "**/.pytest_cache", "**/.ruff_cache", "**/.tox", "**/.nox", "**/node_modules", "**/.env",
    "**/.netrc", "**/.pypirc", "**/.DS_Store", "**/.coverage", "**/.doit.db*",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Rule:
    is_exception: bool
    pattern: re.Pattern[str]
    literal: str
    """What the pattern begins with, up to its first wildcard."""


class Ignored:
    """What a project leaves out: `lines` of its `.dockerignore` after what no image needs."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        stripped = [line.strip() for line in lines]
        rules = [_rule(line) for line in (*_ALWAYS, *stripped) if line and not line.startswith("#")]
        self._rules = [rule for rule in rules if rule is not None]

    def leaves_out(self, path: str) -> bool:
        """Whether the file or folder at `path` (relative, with `/`) is left out."""
        places = [path, *(str(parent) for parent in PurePosixPath(path).parents if str(parent) != ".")]
        is_out = False
        for rule in self._rules:
            if is_out == rule.is_exception and any(rule.pattern.fullmatch(place) for place in places):
                is_out = not rule.is_exception
        return is_out

    def may_hold(self, folder: str) -> bool:
        """Whether something in a folder that is left out may be taken back, so that one has to look into it."""
        return any(
            rule.is_exception and (rule.literal.startswith(f"{folder}/") or f"{folder}/".startswith(rule.literal))
            for rule in self._rules
        )


def _rule(line: str) -> _Rule | None:
    is_exception = line.startswith("!")
    parts: list[str] = []
    for part in line.removeprefix("!").strip().split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    if not parts:
        return None
    text = "/".join(parts)
    literal = re.split(r"[*?\[\\]", text, maxsplit=1)[0]
    try:
        return _Rule(is_exception, re.compile(_expression(text), re.DOTALL), literal)
    except re.error:
        # An unfinished set matches nothing.
        return None


def _expression(text: str) -> str:
    found, at = [], 0
    while at < len(text):
        if text.startswith("**/", at):
            found.append("(?:.*/)?")
            at += 3
            continue
        if text.startswith("**", at):
            found.append(".*")
            at += 2
            continue
        character = text[at]
        if character == "*":
            found.append("[^/]*")
        elif character == "?":
            found.append("[^/]")
        elif character == "[":
            end = text.find("]", at + 2)
            found.append(f"[{_set(text[at + 1 : end])}]" if end > 0 else "[")
            at = end if end > 0 else at
        elif character == "\\" and at + 1 < len(text):
            at += 1
            found.append(re.escape(text[at]))
        else:
            found.append(re.escape(character))
        at += 1
    return "".join(found)


def _set(text: str) -> str:
    negation = "^" if text[:1] in ("^", "!") else ""
    body = text[1:] if negation else text
    return negation + body.replace("\\", r"\\").replace("[", r"\[").replace("^", r"\^")
