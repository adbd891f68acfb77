"""What was found to the text of pyproject.toml: what stands there stays, what it lacks is added."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from lockflow._default_index import DEFAULT_INDEX
from lockflow.inputs.edit import document, inner, with_array, with_entry
from lockflow.inputs.toml_text import one_a_line, quoted
from lockflow.standards.names import is_valid_name, normalize_name
from lockflow.taking_over.model import Found, Include, NamedIndex

_WHERE = "pyproject.toml"
_SOURCES = ("tool", "uv", "sources")


def with_found(text: str, found: Found, *, folder_name: str, minor: tuple[int, int]) -> tuple[str, tuple[str, ...]]:
    """Return the text with what was found in it, and what of it had to be made up or left out, in words.

    `folder_name` names a project without a name, `minor` is the Python where nothing says which.
    """
    remarks: list[str] = []
    if "project" not in document(text, _WHERE):
        text = _with_project(text, found, folder_name, minor, remarks)
    for name, entries in found.groups:
        group = inner(document(text, _WHERE), "dependency-groups")
        if name not in group:
            text = _with_list(text, ("dependency-groups",), name, one_a_line(map(_entry, entries)))
    known = inner(document(text, _WHERE), "tool", "uv")
    for key, value in found.settings:
        if key not in known:
            text = with_entry(text, ("tool", "uv"), key, value, where=_WHERE)
    for name, tables in found.sources:
        if name not in inner(known, "sources"):
            value = tables[0] if len(tables) == 1 else one_a_line(tables)
            text = with_entry(text, _SOURCES, name, value, where=_WHERE)
    if "index" not in known:
        text = _with_indexes(text, found.indexes, remarks)
    return text, tuple(remarks)


def _with_list(text: str, tables: tuple[str, ...], key: str, values: str) -> str:
    return with_array(text, tables, key, lambda _: values, where=_WHERE)


def _entry(entry: str | Include) -> str:
    return f"{{ include-group = {quoted(entry.group)} }}" if isinstance(entry, Include) else quoted(entry)


def _with_project(text: str, found: Found, folder_name: str, minor: tuple[int, int], remarks: list[str]) -> str:
    version, python = found.version, found.requires_python
    if not version:
        version = "0.1.0"
        remarks.append("no version was found: it is 0.1.0 for now")
    if not python:
        python = f">={minor[0]}.{minor[1]}"
        remarks.append(f"no requires-python was found: it is {python} for now, after this Python")
    lines = [f"name = {quoted(_name(found.name or folder_name))}", f"version = {quoted(version)}"]
    if found.description:
        lines.append(f"description = {quoted(found.description)}")
    lines += [f"requires-python = {quoted(python)}", f"dependencies = {one_a_line(map(quoted, found.dependencies))}"]
    block = "[project]\n" + "".join(f"{line}\n" for line in lines)
    for name, entries in found.extras:
        block = _with_list(block, ("project", "optional-dependencies"), name, one_a_line(map(quoted, entries)))
    if found.scripts:
        lines = [f"{_key(name)} = {quoted(place)}\n" for name, place in found.scripts]
        block += "\n[project.scripts]\n" + "".join(lines)
    newline = "\r\n" if "\r\n" in text else "\n"
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").lstrip("\n")
    # Keys before the first table belong to none, and have to stay in front.
    first = re.search(r"(?m)^(?:#.*\n)*\[", plain)
    has_keys = first is not None and re.search(r"(?m)^[^#\s]", plain[: first.start()]) is not None
    joined = f"{plain.rstrip()}\n\n{block}" if has_keys else f"{block}\n{plain}" if plain.strip() else block + plain
    return joined.replace("\n", newline)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)


def _name(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")
    return normalize_name(name) if is_valid_name(name) else "project"


def _with_indexes(text: str, indexes: tuple[NamedIndex, ...], remarks: list[str]) -> str:
    blocks = []
    for index in indexes:
        url, had_credentials = _without_credentials(index.url)
        if url.rstrip("/") == DEFAULT_INDEX.rstrip("/"):
            continue
        if had_credentials:
            remarks.append(f"the credentials of {url} are left out: put them into the environment or a netrc file")
        lines = [f"name = {quoted(index.name)}"] if index.name else []
        lines += [f"url = {quoted(url)}", *(["default = true"] if index.is_default else []),
                  *(["explicit = true"] if index.is_explicit and index.name else [])]  # fmt: skip
        blocks.append("\n[[tool.uv.index]]\n" + "".join(f"{line}\n" for line in lines))
    # The default index is asked last, wherever it stands.
    newline = "\r\n" if "\r\n" in text else "\n"
    return text + "".join(blocks).replace("\n", newline)


def _without_credentials(url: str) -> tuple[str, bool]:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host).geturl(), host != parts.netloc
