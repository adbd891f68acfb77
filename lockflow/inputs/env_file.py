"""The text of an env file to variables: `NAME=value` in lines, as `--env-file` and `docker run` users write them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lockflow.errors import InputError

_NAME = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=", re.ASCII)
_REFERENCE = re.compile(r"\\\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::?-([^}]*))?\}|\$([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "\\$"}


def parse_env_file(text: str, label: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Read the variables in the file's order; `environment` is what `${NAME}` finds beside them, and goes first.

    Values are plain, in double quotes (escapes and `${NAME}` count, lines may be many) or in single quotes (taken as
    they are). Raises InputError for a line that is none of this.
    """
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end].strip()
        if not line or line.startswith("#"):
            at = end + 1
            continue
        start = at + (len(text[at:end]) - len(text[at:end].lstrip()))
        match = _NAME.match(text, start)
        if match is None:
            raise _malformed(text, start, label)
        raw, at, is_expanded = _value(text, match.end(), label)
        found[match[1]] = _expanded(raw, {**found, **environment}) if is_expanded else raw
    return found


def _value(text: str, at: int, label: str) -> tuple[str, int, bool]:
    """A value, where the next line begins, and whether references in it count."""
    while at < len(text) and text[at] in " \t":
        at += 1
    quote = text[at : at + 1]
    if quote in ("'", '"'):
        close = at + 1
        while close < len(text) and text[close] != quote:
            close += 2 if text[close] == "\\" and quote == '"' else 1
        end = text.find("\n", close)
        end = len(text) if end < 0 else end
        rest = text[close + 1 : end].strip()
        if close >= len(text) or (rest and not rest.startswith("#")):
            raise _malformed(text, at, label)
        raw = text[at + 1 : close]
        return (_unescaped(raw) if quote == '"' else raw), end + 1, quote == '"'
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    raw = re.split(r"(?:^|\s)#", text[at:end], maxsplit=1)[0].strip()
    return raw, end + 1, True


def _unescaped(raw: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), raw, flags=re.DOTALL)


def _expanded(raw: str, known: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[0] == "\\$":
            return "$"
        return known.get(match[1] or match[3], match[2] or "")

    return _REFERENCE.sub(value, raw)


def _malformed(text: str, at: int, label: str) -> InputError:
    line = text.count("\n", 0, at) + 1
    return InputError(
        "the env file cannot be read",
        where=f"{label}, line {line}",
        why="a line is NAME=value, and a quoted value ends with its quote",
        next="correct the line, or put # in front of it",
    )
