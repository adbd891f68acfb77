"""A Pipfile to what pyproject.toml has a standard for (Pipenv's documentation, "Pipfile & Pipfile.lock")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockflow.inputs.toml_text import one_a_line, quoted
from lockflow.taking_over.collecting import Collector, requirements_of
from lockflow.taking_over.declared import index_name
from lockflow.taking_over.model import Found, NamedIndex

_OTHER = frozenset(("source", "packages", "requires", "scripts", "pipenv"))


def from_pipfile(tables: Mapping[str, Any]) -> Found:
    """Read a Pipfile; `dev-packages` is the group `dev`, a category of packages a group of its name."""
    collector = Collector()
    own = collector.read(_table(tables, "packages"), "Pipfile, packages")
    groups = [
        (name.removesuffix("-packages"), requirements_of(collector.read(table, f"Pipfile, {name}")))
        for name, table in tables.items()
        if name not in _OTHER and isinstance(table, Mapping)
    ]
    groups = [(name, entries) for name, entries in groups if entries]
    requires = _table(tables, "requires")
    python = requires.get("python_full_version") or requires.get("python_version") or ""
    left = [f"Pipfile, {name} is left out" for name in ("scripts", "pipenv") if tables.get(name)]
    others = [name for name, _ in groups if name != "dev"]
    settings = [("default-groups", one_a_line([quoted(name) for name, _ in groups]))] if others else []
    return Found(
        origin="Pipfile",
        requires_python=f">={python}" if isinstance(python, str) and python else "",
        dependencies=requirements_of(own),
        groups=tuple(groups),
        sources=collector.sources,
        indexes=_indexes(tables.get("source")),
        settings=tuple(settings),
        left=(*left, *collector.left),
    )


def _indexes(sources: object) -> tuple[NamedIndex, ...]:
    """The first source is the default one; others are asked for the packages that name them."""
    found = [table for table in sources if isinstance(table, Mapping)] if isinstance(sources, list) else []
    urls = [(str(table.get("name", "")), table["url"]) for table in found if isinstance(table.get("url"), str)]
    return tuple(
        NamedIndex(url=url, name=index_name(name), is_default=number == 0, is_explicit=number > 0)
        for number, (name, url) in enumerate(urls)
    )


def _table(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = table.get(name)
    return found if isinstance(found, Mapping) else {}
