"""The tables of Poetry (`[tool.poetry]`) to what pyproject.toml has a standard for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lockflow.inputs.toml_text import one_a_line, quoted
from lockflow.standards.names import normalize_name
from lockflow.taking_over.bounds import InvalidConstraint, as_specifiers
from lockflow.taking_over.collecting import Collector, requirements_of
from lockflow.taking_over.declared import Declared, index_name
from lockflow.taking_over.model import Found, Include, NamedIndex

_ORIGIN = "[tool.poetry]"
_TAKEN = frozenset(("name", "version", "description", "dependencies", "dev-dependencies", "group", "extras", "source",
                    "scripts"))  # fmt: skip
_PUBLIC = "pypi"


def from_poetry(poetry: Mapping[str, Any]) -> Found:
    """Read the tables; what `[project]` has no place for stays where it is, and `left` names it."""
    collector = Collector()
    own = collector.read(_without_python(_table(poetry, "dependencies")), f"{_ORIGIN} dependencies")
    groups = list(_groups(poetry, collector))
    settings = []
    defaults = [name for name, _, is_optional in groups if not is_optional]
    if groups and defaults != ["dev"]:
        settings.append(("default-groups", one_a_line([quoted(name) for name in defaults])))
    requires_python, left = _requires_python(_table(poetry, "dependencies").get("python"))
    extras = tuple(_extras(_table(poetry, "extras"), own, collector))
    scripts = {name: value for name, value in _table(poetry, "scripts").items() if isinstance(value, str)}
    stays = [key for key in poetry if key not in _TAKEN]
    if stays:
        left.append(f"{_ORIGIN} stays, as what builds packages reads it: {', '.join(stays)}")
    return Found(
        origin=_ORIGIN,
        name=_text(poetry, "name"),
        version=_text(poetry, "version"),
        description=_text(poetry, "description"),
        requires_python=requires_python,
        dependencies=requirements_of(item for item in own if not item.is_optional),
        extras=extras,
        groups=tuple((name, entries) for name, entries, _ in groups),
        scripts=tuple(scripts.items()),
        sources=collector.sources,
        indexes=tuple(_indexes(poetry.get("source"), collector.left)),
        settings=tuple(settings),
        left=(*left, *collector.left),
    )


def _requires_python(constraint: object) -> tuple[str, list[str]]:
    if not isinstance(constraint, str):
        return "", []
    try:
        return as_specifiers(constraint), []
    except InvalidConstraint as error:
        return "", [f"{_ORIGIN} dependencies, python: {error}"]


def _without_python(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if normalize_name(name) != "python"}


def _groups(poetry: Mapping[str, Any], collector: Collector) -> Iterator[tuple[str, tuple[str | Include, ...], bool]]:
    """Name, entries, and whether it is optional, of each group; the old list for developers is the group `dev`."""
    groups = {name: table for name, table in _table(poetry, "group").items() if isinstance(table, Mapping)}
    old = _table(poetry, "dev-dependencies")
    if old:
        known = groups.get("dev", {})
        groups["dev"] = {**known, "dependencies": {**old, **_table(known, "dependencies")}}
    for name, table in groups.items():
        found = collector.read(_without_python(_table(table, "dependencies")), f"{_ORIGIN} group {name}")
        includes = tuple(Include(group=str(other)) for other in table.get("include-groups", ()))
        yield name, (*requirements_of(found), *includes), table.get("optional") is True


def _extras(
    extras: Mapping[str, Any], own: Iterable[Declared], collector: Collector
) -> Iterator[tuple[str, tuple[str, ...]]]:
    by_name: dict[str, list[Declared]] = {}
    for item in own:
        by_name.setdefault(item.name, []).append(item)
    for extra, names in extras.items():
        found: list[Declared] = []
        for name in names if isinstance(names, list) else ():
            items = by_name.get(normalize_name(str(name).partition("[")[0].strip()), [])
            found += items
            if not items:
                collector.left.append(f"{_ORIGIN} extra {extra}: {name} is no dependency")
        yield extra, requirements_of(found)


def _indexes(sources: object, left: list[str]) -> Iterator[NamedIndex]:
    """The indexes in the order in which they are asked; Poetry asks none of its own beside primary ones."""
    tables = [table for table in sources if isinstance(table, Mapping)] if isinstance(sources, list) else []
    known = [(table, _text(table, "priority").lower() or ("default" if table.get("default") else "primary"))
             for table in tables]  # fmt: skip
    names_public = any(_text(table, "name").lower() == _PUBLIC for table, _ in known)
    primary = [table for table, priority in known if priority in ("primary", "default") and _text(table, "url")]
    for table, priority in known:
        name, url = _text(table, "name"), _text(table, "url")
        if not url:
            continue
        if priority in ("supplemental", "secondary"):
            left.append(f"{_ORIGIN} source {name}: it is asked before the default index now, as indexes have no ranks")
        is_default = not names_public and bool(primary) and table is primary[-1]
        yield NamedIndex(url=url, name=index_name(name), is_default=is_default, is_explicit=priority == "explicit")


def _table(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = table.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(table: Mapping[str, Any], name: str) -> str:
    found = table.get(name)
    return found if isinstance(found, str) else ""
