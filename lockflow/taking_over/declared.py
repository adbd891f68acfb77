"""One dependency as Poetry and Pipenv declare it, a version or a table, to a requirement and a source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lockflow.inputs.toml_text import inline_table, quoted
from lockflow.standards.names import normalize_name
from lockflow.standards.requirements import InvalidRequirement, parse_requirement
from lockflow.taking_over.bounds import InvalidConstraint, as_specifiers

_PLATFORM = "platform"
_MARKERS = ("os_name", "sys_platform", "platform_machine", "platform_system", "platform_release", "platform_version",
            "platform_python_implementation", "implementation_name", "implementation_version", "python_version",
            "python_full_version")  # fmt: skip
_UNDERSTOOD = frozenset((
    "version", "extras", "markers", "python", _PLATFORM, "optional", "source", "index", "git", "branch", "tag", "rev",
    "ref", "subdirectory", "path", "file", "develop", "editable", "url", *_MARKERS,
))  # fmt: skip


class Declared(Struct, frozen=True, kw_only=True):
    """`requirement` is PEP 508; `source` an inline table where it comes from elsewhere, `marker` where that holds."""

    name: str
    requirement: str
    source: str = ""
    marker: str = ""
    is_optional: bool = False
    left: tuple[str, ...] = ()


def declared(name: str, value: object, where: str) -> Declared:
    """Read one dependency; `where` is for messages. Raises InvalidConstraint for what no requirement can say."""
    table: Mapping[str, Any] = value if isinstance(value, Mapping) else {"version": value}
    version = table.get("version", "*")
    if not isinstance(version, str):
        raise InvalidConstraint(f"{version!r} is no version")
    markers = [*_written_marker(table), *_python(table.get("python")), *_platform(table.get(_PLATFORM)),
               *(f"{key} {table[key]}" for key in _MARKERS if isinstance(table.get(key), str))]  # fmt: skip
    extras = [str(extra) for extra in table.get("extras", ())]
    source = _source(table)
    marker = markers[0] if len(markers) == 1 else " and ".join(f"({text})" for text in markers)
    bounds = "" if source and "index =" not in source else as_specifiers(version)
    text = name + (f"[{','.join(extras)}]" if extras else "") + bounds + (f" ; {marker}" if marker else "")
    try:
        parse_requirement(text)
    except InvalidRequirement as error:
        raise InvalidConstraint(f"{text} is no requirement") from error
    left = [f"{where}, {name}: {key} is left out" for key in table if key not in _UNDERSTOOD]
    return Declared(
        name=normalize_name(name),
        requirement=text,
        source=source,
        marker=marker,
        is_optional=table.get("optional") is True,
        left=tuple(left),
    )


def _written_marker(table: Mapping[str, Any]) -> list[str]:
    text = table.get("markers")
    return [text] if isinstance(text, str) and text.strip() else []


def _python(constraint: object) -> list[str]:
    """A constraint on Python as a marker: of the minor version where no patch is named."""
    if not isinstance(constraint, str):
        return []
    clauses = [clause for clause in as_specifiers(constraint).split(",") if clause]
    return [" and ".join(map(_python_clause, clauses))] if clauses else []


def _python_clause(clause: str) -> str:
    match = re.fullmatch(r"([<>=!~]+)(.*)", clause)
    assert match is not None
    operator, version = match.groups()
    is_minor = version.removesuffix(".*").count(".") < 2
    if is_minor and operator in ("==", "!="):
        version = version.removesuffix(".*")
    return f"{'python_version' if is_minor else 'python_full_version'} {operator} '{version}'"


def _platform(constraint: object) -> list[str]:
    if not isinstance(constraint, str):
        return []
    operator, name = ("!=", constraint[1:]) if constraint.startswith("!") else ("==", constraint)
    return [f"sys_platform {operator} '{name.lstrip('=').strip()}'"]


def _source(table: Mapping[str, Any]) -> str:
    def text(*keys: str) -> str:
        return next((table[key] for key in keys if isinstance(table.get(key), str)), "")

    folder = ("subdirectory", text("subdirectory"))
    if text("git"):
        reference = next(((key, text(key)) for key in ("branch", "tag", "rev") if text(key)), ("rev", text("ref")))
        return inline_table(("git", text("git").removeprefix("git+")), reference, folder)
    if text("url") or text("file").startswith(("http:", "https:")):
        return inline_table(("url", text("url", "file")), folder)
    if text("path", "file"):
        is_editable = table.get("develop") is True or table.get("editable") is True
        return inline_table(("path", text("path", "file")), folder, editable=is_editable)
    if text("source", "index"):
        return inline_table(("index", index_name(text("source", "index"))))
    return ""


def index_name(text: str) -> str:
    """The name of an index with the letters that `[tool.uv]` allows."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-") or "index"


def with_marker(source: str, marker: str) -> str:
    """The source for the environments of a marker alone."""
    return f"{source[:-2]}, marker = {quoted(marker)} }}" if marker else source
