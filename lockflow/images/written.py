"""The texts of a project's files to what a uv of another age may read otherwise."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from lockflow.images.model import Key, Written
from lockflow.standards.names import normalize_name

_SPAN = re.compile(r"\s*(?:P|\d+\s*[A-Za-z])", re.ASCII)


def written(files: Mapping[str, str]) -> Written:
    """Read what `files` (text by name relative to the root) say; of settings, those of the root count.

    A file that is no TOML says nothing here: whoever read the project before has complained about it.
    """
    documents = {name: _document(text) for name, text in files.items() if name.endswith(".toml")}
    # A uv.toml takes the place of the settings in pyproject.toml.
    place = "uv.toml" if "uv.toml" in documents else "pyproject.toml"
    settings: Mapping[str, Any] = documents.get(place, {})
    if place == "pyproject.toml":
        settings = _table(_table(settings, "tool"), "uv")
    cutoff = settings.get("exclude-newer")
    required = settings.get("required-version")
    return Written(
        keys=tuple(Key(name=name, file=place) for name in settings),
        platform_system=tuple(
            (text, name) for name, document in documents.items() for text in _with_platform_system(document)
        ),
        groups=tuple(
            (group, text, name) for name, document in documents.items() for group, text in _of_groups(document)
        ),
        span=cutoff if isinstance(cutoff, str) and _SPAN.match(cutoff) else "",
        required_version=required if isinstance(required, str) else "",
    )


def _document(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _table(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = values.get(key, {})
    return value if isinstance(value, dict) else {}


def _with_platform_system(document: Mapping[str, Any]) -> Iterable[str]:
    project = _table(document, "project")
    tables = (_table(project, "optional-dependencies"), _table(document, "dependency-groups"))
    lists = [project.get("dependencies"), *(value for table in tables for value in table.values())]
    texts = (text for values in lists if isinstance(values, list) for text in values if isinstance(text, str))
    # A dict keeps the order and drops what is written twice.
    return dict.fromkeys(text for text in texts if "platform_system" in text.partition(";")[2])


def _of_groups(document: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    groups = _table(document, "dependency-groups")
    return (
        (normalize_name(group), text)
        for group, values in groups.items()
        if isinstance(values, list)
        for text in values
        if isinstance(text, str)
    )
