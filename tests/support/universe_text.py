"""Cases of the fuzzer as text: a project's pyproject.toml, and a whole scenario file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def pyproject_text(root: Mapping[str, Any]) -> str:
    """The lines of a pyproject.toml that matter; tests/support/universe.py adds the rest.

    `root` has `requires-python`, `dependencies`, and optionally `extras`, `groups`, `uv` (options of the tool),
    `sources`, `workspace` (its members) and `indexes` (name to the keys of an index beside its URL). A member has a
    `name` beside.
    """
    return "".join(f"{line}\n" for line in _pyproject_lines(root))


def scenario_text(case: Mapping[str, Any]) -> str:
    """A file of tests/scenarios without what is expected."""
    return "".join(f"{line}\n" for line in _scenario_lines(case))


def value_text(value: Any) -> str:
    """A TOML value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"' if '"' not in value else f"'{value}'"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {value_text(entry)}" for key, entry in value.items()) + "}"
    return "[" + ", ".join(map(value_text, value)) + "]"


def _pyproject_lines(root: Mapping[str, Any]) -> Iterator[str]:
    if "name" in root:
        yield "[project]"
        yield f"name = {value_text(root['name'])}"
        yield 'version = "0.2.0"'
    if "requires-python" in root:
        yield f"requires-python = {value_text(root['requires-python'])}"
    yield f"dependencies = {value_text(root.get('dependencies', []))}"
    if root.get("extras"):
        yield "[project.optional-dependencies]"
        yield from _rows(root["extras"])
    if root.get("groups"):
        yield "[dependency-groups]"
        yield from _rows(root["groups"])
    if root.get("uv"):
        yield "[tool.uv]"
        yield from _rows(root["uv"])
    if root.get("sources"):
        yield "[tool.uv.sources]"
        yield from _rows(root["sources"])
    if root.get("workspace"):
        yield "[tool.uv.workspace]"
        yield f"members = {value_text(root['workspace'])}"
    for name, keys in root.get("indexes", {}).items():
        yield "[[tool.uv.index]]"
        yield from _rows({"name": name, "url": f"https://index.example/{name}", **keys})


def _scenario_lines(case: Mapping[str, Any]) -> Iterator[str]:
    yield "root = '''"
    yield from _pyproject_lines(case["root"])
    yield "'''"
    for name, member in case.get("members", {}).items():
        yield (
            f"\n[files]\n\"{name}/pyproject.toml\" = '''"
            if name == next(iter(case["members"]))
            else (f"\"{name}/pyproject.toml\" = '''")
        )
        yield from _pyproject_lines(member)
        yield "'''"
    yield from _package_lines("packages", case["packages"])
    for index, packages in case.get("indexes", {}).items():
        yield from _package_lines(f"indexes.{index}", packages)
    then = case.get("then")
    if then is not None:
        yield "\n[then]"
        yield f"args = {value_text(then['args'])}"
        if "root" in then:
            yield "root = '''"
            yield from _pyproject_lines(then["root"])
            yield "'''"
        if "packages" in then:
            yield from _package_lines("then.packages", then["packages"])


def _package_lines(table: str, packages: Mapping[str, Any]) -> Iterator[str]:
    for name, versions in packages.items():
        yield f"\n[{table}.{name}]"
        for version, release in versions.items():
            plain = set(release) == {"requires"}
            yield f'"{version}" = {value_text(release["requires"] if plain else release)}'


def _rows(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        yield f"{key} = {value_text(value)}"
