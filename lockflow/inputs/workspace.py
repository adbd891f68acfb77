"""From a folder to the workspace it belongs to: its root, its members, and how each member is installed.

Folders are seen through `Folders`, which an edge provides; paths here are absolute and normalised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from lockflow.inputs.lowering import Install, MemberPlace
from lockflow.inputs.paths import file_name, is_absolute, join, normalise, parent, relative
from lockflow.inputs.pyproject import PyProject
from lockflow.inputs.tables import Faults, Table


class Folders(Protocol):
    """What discovery asks of the file system."""

    def pyproject(self, folder: str) -> Table | None:
        """The root table of the pyproject.toml in `folder`; None where there is none, or after noting a fault."""

    def kind_of(self, path: str) -> Literal["file", "directory"] | None: ...

    def folders_in(self, folder: str) -> Sequence[str]:
        """Names of the folders in `folder`, sorted; empty where it cannot be read."""

    def has_content(self, folder: str) -> bool:
        """Whether there is any file in or below `folder` besides what tools leave behind, such as caches."""


class Workspace(Struct, frozen=True):
    """A root folder with its own file (which may lack `[project]`) and all members, sorted by name."""

    root: str
    root_project: PyProject
    members: tuple[tuple[str, PyProject], ...]
    """Folder and file of each member; the root is one where it has `[project]`."""
    detached: frozenset[str] = frozenset()
    """Folders of members from which the search upward stops before the root: the root's sources do not reach them."""


def find_project(start: str, folders: Folders) -> str | None:
    """The nearest folder at or above `start` that has a pyproject.toml."""
    folder = start
    while folders.kind_of(join(folder, "pyproject.toml")) != "file":
        if parent(folder) == folder:
            return None
        folder = parent(folder)
    return folder


def find_root(project: str, folders: Folders) -> str:
    """The root of the workspace that the project in folder `project` belongs to, itself where there is no other.

    A project above it that is no workspace ends the search: a project in its `examples/` is no part of it, nor of
    what it is itself a part of.
    """
    table = folders.pyproject(project)
    if table is None or "project" not in table or _workspace_table(table) is not None:
        return project
    folder = project
    while parent(folder) != folder:
        folder = parent(folder)
        if folders.kind_of(join(folder, "pyproject.toml")) != "file":
            continue
        table = folders.pyproject(folder)
        globs = None if table is None else _workspace_table(table)
        if globs is not None:
            # The nearest workspace decides: one that does not want this project ends the search.
            included = _is_matched(project, folder, globs.get("members", ()))
            return folder if included and not _is_matched(project, folder, globs.get("exclude", ())) else project
        if table is not None and "project" in table:
            return project
    return project


def _workspace_table(table: Table) -> Mapping[str, Sequence[str]] | None:
    value: object = table.values
    for key in ("tool", "uv", "workspace"):
        value = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping):
        return None
    lists = {key: globs for key, globs in value.items() if isinstance(globs, list)}
    return {key: [glob for glob in globs if isinstance(glob, str)] for key, globs in lists.items()}


def find_members(
    root: str, root_project: PyProject, project: str, folders: Folders, parse: Callable[[str, Table], PyProject]
) -> Workspace:
    """Read the members of the workspace at `root`; `project` is where the search began, and is one of them."""
    faults = root_project.document.faults
    found: dict[str, PyProject] = {}
    if root_project.project is not None:
        found[root] = root_project
    table = root_project.workspace
    for pattern in table.members if table is not None else ():
        assert table is not None
        for folder in expand(root, pattern, folders):
            if folder == root or folder in found or _is_matched(folder, root, table.exclude):
                continue
            member = _read_member(folder, root, pattern, folders, parse, faults)
            if member is not None:
                found[folder] = member
    if project not in found and project != root:
        member = _read_member(project, root, "", folders, parse, faults)
        if member is not None:
            found[project] = member
    detached = frozenset(folder for folder in found if folder != root and find_root(folder, folders) != root)
    return Workspace(root, root_project, _by_name(found, root, faults), detached)


def _read_member(
    folder: str,
    root: str,
    pattern: str,
    folders: Folders,
    parse: Callable[[str, Table], PyProject],
    faults: Faults,
) -> PyProject | None:
    label = relative(folder, root)
    if folders.kind_of(join(folder, "pyproject.toml")) != "file":
        if not file_name(folder).startswith(".") and folders.has_content(folder):
            faults.add(
                f"the workspace member {label} has no pyproject.toml",
                where="pyproject.toml, [tool.uv.workspace] members",
                why=f"the pattern {pattern!r} matches its folder",
                next="add a pyproject.toml there, or the folder to exclude in [tool.uv.workspace]",
            )
        return None
    table = folders.pyproject(folder)
    if table is None:
        return None
    member = parse(folder, table)
    if not member.managed:
        return None
    where = f"{label}/pyproject.toml"
    if member.project is None:
        remedy = f"add [project], or exclude {label} from the workspace"
        faults.add(f"the workspace member {label} has no [project]", where=where, next=remedy)
        return None
    if member.workspace is not None:
        remedy = "remove its [tool.uv.workspace], or exclude it from the outer workspace"
        faults.add(f"the workspace member {label} is a workspace itself", where=where, next=remedy)
    return member


def _by_name(found: Mapping[str, PyProject], root: str, faults: Faults) -> tuple[tuple[str, PyProject], ...]:
    places: dict[str, str] = {}
    for folder, member in found.items():
        assert member.project is not None
        name = member.project.name
        if name in places:
            where = f"{relative(places[name], root)} and {relative(folder, root)}"
            faults.add(f"two members of the workspace are named {name}", where=where, next="rename one of them")
        places.setdefault(name, folder)
    return tuple((places[name], found[places[name]]) for name in sorted(places))


# Globs ---------------------------------------------------------------------------------------------------------------


def expand(root: str, pattern: str, folders: Folders) -> list[str]:
    """The folders that `pattern` (relative to `root`) names, sorted; `**` stands for any number of folders."""
    pattern = normalise(pattern)
    start, parts = ("/", pattern.strip("/").split("/")) if is_absolute(pattern) else (root, pattern.split("/"))
    if pattern == ".":
        parts = []
    while parts and not _is_magic(parts[0]):
        start = join(start, parts.pop(0))
    return sorted(set(_expand(start, parts, folders))) if folders.kind_of(start) == "directory" else []


def _expand(folder: str, parts: list[str], folders: Folders) -> Iterator[str]:
    if not parts:
        yield folder
        return
    head, rest = parts[0], parts[1:]
    if head == "**":
        yield from _expand(folder, rest, folders)
        for name in folders.folders_in(folder):
            yield from _expand(join(folder, name), parts, folders)
    elif _is_magic(head):
        for name in folders.folders_in(folder):
            if matches(head, name):
                yield from _expand(join(folder, name), rest, folders)
    elif folders.kind_of(join(folder, head)) == "directory":
        yield from _expand(join(folder, head), rest, folders)


def _is_magic(part: str) -> bool:
    return any(character in part for character in "*?[")


def _is_matched(path: str, root: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern matches the whole path; `*` matches `/` too here, as it does for uv."""
    text = relative(path, root)
    for pattern in patterns:
        pattern = normalise(pattern)
        if "**" in pattern.split("/"):
            if _matches_parts(pattern.split("/"), text.split("/")):
                return True
        elif matches(pattern, text):
            return True
    return False


def _matches_parts(pattern: list[str], parts: list[str]) -> bool:
    # Row by row, so that several `**` cost no more than their product with the length of the path.
    reached = {0}
    for part in pattern:
        if part == "**":
            reached = set(range(min(reached, default=len(parts) + 1), len(parts) + 1))
        else:
            reached = {place + 1 for place in reached if place < len(parts) and matches(part, parts[place])}
    return len(parts) in reached


def matches(pattern: str, text: str) -> bool:
    """Whether the shell pattern (`*`, `?`, `[a-z]`, `[!a-z]`) matches all of `text`, `*` any characters."""
    tokens = _tokens(pattern)
    place = token = 0
    star, restart = -1, 0
    while place < len(text):
        if token < len(tokens) and tokens[token] == "*":
            star, restart = token, place
            token += 1
        elif token < len(tokens) and _suits(tokens[token], text[place]):
            token += 1
            place += 1
        elif star >= 0:
            restart += 1
            token, place = star + 1, restart
        else:
            return False
    return all(rest == "*" for rest in tokens[token:])


def _tokens(pattern: str) -> list[str]:
    tokens = []
    place = 0
    while place < len(pattern):
        if pattern[place] == "[":
            end = pattern.find("]", place + (3 if pattern[place + 1 : place + 2] == "!" else 2))
            if end > 0:
                tokens.append(pattern[place : end + 1])
                place = end + 1
                continue
        tokens.append(pattern[place] if pattern[place] != "[" else "[[]")
        place += 1
    return tokens


def _suits(token: str, character: str) -> bool:
    if len(token) == 1:
        return token in ("?", character)
    inside = token[1:-1]
    negated = inside.startswith("!")
    inside = inside[1:] if negated else inside
    found = False
    place = 0
    while place < len(inside):
        if place + 2 < len(inside) and inside[place + 1] == "-":
            found = found or inside[place] <= character <= inside[place + 2]
            place += 3
        else:
            found = found or inside[place] == character
            place += 1
    return found != negated


# How members are installed -------------------------------------------------------------------------------------------


def member_places(workspace: Workspace, lock_root: str, faults: Faults) -> dict[str, MemberPlace]:
    """Where each member is, as a lock in `lock_root` writes it, and how it is installed.

    A member is a package where its own file says so, where it has a build system, or where another member names it
    as a workspace source; such a request may also say whether it is editable.
    """
    requests = _requests(workspace)
    places = {}
    for folder, member in workspace.members:
        assert member.project is not None
        name = member.project.name
        flags = requests.get(name, frozenset())
        if True in flags and False in flags:
            faults.add(
                f"the workspace member {name} is requested as editable and as not editable",
                where="[tool.uv.sources] of the workspace's members",
                next="make the requests agree",
            )
        is_package = member.package
        if is_package is None:
            is_package = member.has_build_system or bool(flags)
        install: Install = "virtual" if not is_package else "directory" if False in flags else "editable"
        places[name] = MemberPlace(relative(folder, lock_root), install)
    return places


def _requests(workspace: Workspace) -> dict[str, frozenset[bool | None]]:
    """Name of a member to what others' sources say of `editable`; absent where nobody asks for it."""
    found: dict[str, set[bool | None]] = {}
    projects = [member for _, member in workspace.members]
    if workspace.root_project.project is None:
        projects.append(workspace.root_project)
    for member in projects:
        own = member.project.name if member.project is not None else None
        for name, entries in member.sources.items():
            for entry in entries:
                if entry.kind == "workspace" and not entry.value and name != own:
                    found.setdefault(name, set()).add(entry.editable)
    return {name: frozenset(flags) for name, flags in found.items()}
