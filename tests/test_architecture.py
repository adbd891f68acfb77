"""The walls of the house: rooms in order, nouns only across doors, pure files stay pure, imports at the top.

Changing a table here is a design decision; a file that breaks a wall fails by its name.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "lockflow"
ROOMS = ("inputs", "index", "resolve", "lock", "platforms", "report", "images", "environments")
CELLAR = ("standards", "engines", "errors")
STAIRS = (
    "builder_secrets", "building", "checking", "image_plans", "looking",
    "before_build", "clients", "dependencies", "doctor", "editing", "fixing", "judging", "keeping", "merging",
    "proving", "refresh", "refreshing", "required_wheels", "resolving", "steps", "remember", "sbom", "setting_up",
    "syncing", "taking_over", "target",
    "unchanged", "unrecorded", "verify", "views",
)  # fmt: skip
ROOF = ("__main__", "cli", "tasks", "flyte", "flyte_images")
EXTRA_NOUNS = {"resolve.resolution", "resolve.preferences"}
EDGES = {
    "engines.docker", "engines.docker_images", "engines.opening", "engines.owner", "engines.process",
    "engines.registry", "engines.session", "engines.swarm",
    "inputs.disk", "inputs.read",
    "index.asking", "index.backend", "index.building", "index.by_httpx", "index.cache", "index.clean", "index.client",
    "index.credentials", "index.git", "index.http", "index.keyring", "index.network", "index.options",
    "index.program", "index.reading", "index.sources", "index.stored", "index.transports", "index.unpack",
    "resolve.drive", "resolve.fetch", "resolve.for_build",
    "lock.files", "lock.previous",
    "environments.inspecting", "environments.installing", "environments.links", "environments.making",
    "environments.pythons", "environments.questions", "environments.store", "index.wheels",
    "platforms.probe", "platforms.read", "platforms.run",
    "report.write",
    "images.context", "images.installer", "images.witness",
}  # fmt: skip
PLACES = {
    "httpx": {"index.by_httpx", "index.network"},
    "httpcore": {"index.by_httpx", "index.http", "index.transports"},
    "docker": {"engines.docker", "engines.docker_images", "engines.swarm"},
    "tomlkit": {"inputs.edit"},
}
SEAMS = (
    "engines.opening", "environments.contents", "environments.installing", "index.building", "index.client",
    "index.network", "index.transports", "resolve.drive", "syncing.walk",
)  # fmt: skip
"""Where beside the roof something is loaded when it is needed: what runs build backends, which few locks need, the
Docker SDK, what no run needs that is answered from the cache: the HTTP client, the event loop, what unpacks; httpx,
which only proxies and transports of tests need beside httpcore; and what brings and
installs wheels, which a sync that finds everything in place does without."""
WORLDLY = {
    "asyncio", "concurrent", "ftplib", "getpass", "glob", "http", "httpx", "importlib", "locale", "logging",
    "multiprocessing", "os", "pathlib", "platform", "random", "secrets", "select", "shutil", "signal", "socket", "ssl",
    "subprocess", "sys", "tempfile", "threading", "time", "uuid",
}  # fmt: skip
WORLDLY_CALLS = {"open", "print", "input", "now", "utcnow", "today"}

FILES = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_bytes())


def imports(tree: ast.AST) -> Iterator[str]:
    """Dotted names as imported; `from a import b` gives `a.b`, so a module imported by name shows."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(tree: ast.AST) -> Iterator[str]:
    """Our modules that are imported, without the package's name: `lock.model`, `errors`."""
    for name in imports(tree):
        parts = name.split(".")
        if parts[0] == "lockflow":
            while parts[1:] and ".".join(parts[1:]) not in FILES and ".".join([*parts[1:], "__init__"]) not in FILES:
                parts.pop()
            yield ".".join(parts[1:])


def is_pure(module: str) -> bool:
    return module not in EDGES and module.partition(".")[0] not in STAIRS + ROOF


def is_noun(module: str) -> bool:
    return module.partition(".")[2] == "model" or module in EXTRA_NOUNS


def may_import(module: str, imported: str) -> bool:
    here, there = module.partition(".")[0], imported.partition(".")[0]
    if here == there or there in CELLAR or imported in {"", "_default_index"}:
        return here not in CELLAR or there in CELLAR or here == there
    if here in ROOMS:
        return there in ROOMS and ROOMS.index(there) < ROOMS.index(here) and is_noun(imported)
    if here in STAIRS:
        return there in ROOMS + STAIRS
    if here in ROOF:
        return there in STAIRS + ROOF or is_noun(imported)
    return here == "__init__"


def test_a_file_imports_only_what_stands_before_it() -> None:
    wrong = {
        module: names
        for module in FILES
        if (names := [name for name in own_imports(tree_of(module)) if not may_import(module, name)])
    }
    assert wrong == {}, "these must not import those"


def test_a_pure_file_touches_nothing_of_the_world() -> None:
    pure = (module for module in FILES if is_pure(module) and module != "__init__")
    wrong = {module: names for module in pure if (names := worldly_names(module))}
    assert wrong == {}, "these are pure and must not use those"


def worldly_names(module: str) -> set[str]:
    tree = tree_of(module)
    wrong = {name for name in own_imports(tree) if not is_pure(name)}
    wrong |= {
        name
        for name in imports(tree)
        if name.partition(".")[0] in WORLDLY | PLACES.keys() - {p for p in PLACES if module in PLACES[p]}
        and not name.startswith("pathlib.Pure")
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            wrong |= {f"{name}()"} & {f"{call}()" for call in WORLDLY_CALLS}
    return wrong


def test_a_dependency_shows_in_its_one_place() -> None:
    wrong = {
        module: places
        for module in FILES
        if (places := {name: PLACES[name] for name in used(module) if name in PLACES and module not in PLACES[name]})
    }
    assert wrong == {}, "these must leave those to the places beside them"


def used(module: str) -> set[str]:
    return {name.partition(".")[0] for name in imports(tree_of(module))}


def test_imports_stand_at_the_top_except_at_the_seam() -> None:
    at_the_seam = {module for module in FILES if module in ("__init__", *SEAMS) or module.partition(".")[0] in ROOF}
    wrong = {module: names for module in FILES.keys() - at_the_seam if (names := hidden_imports(module))}
    assert wrong == {}, "these import those inside a function"


def hidden_imports(module: str) -> set[str]:
    functions = (node for node in ast.walk(tree_of(module)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {name for function in functions for name in imports(function)}


@pytest.mark.skipif("tasks" not in FILES, reason="no task creators yet")
def test_drawing_the_graph_imports_neither_client_engine_nor_resolver() -> None:
    program = "import sys, lockflow.tasks; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = ("httpx", "docker", "tomlkit", "rich", "lockflow.resolve", "lockflow.steps", "lockflow.index")
    loaded = [name for name in done.stdout.split() if name.startswith(heavy)]
    assert not loaded


def test_no_two_packages_import_each_other() -> None:
    def package(module: str) -> str:
        """The folder a file is in; beside the rooms each file stands for itself."""
        return module.rpartition(".")[0] or module

    edges = {
        (package(module), package(name))
        for module in FILES
        for name in own_imports(tree_of(module))
        if module != "__init__" and name
    }
    # What lies in a package is part of it: `standards.requirements` needs markers, markers need versions.
    mutual = sorted((a, b) for a, b in edges if a < b and (b, a) in edges and not b.startswith(f"{a}."))
    assert not mutual


def pure_files() -> list[str]:
    """The files whose every line and branch tests are to reach, as `make coverage` names them."""
    return [path.relative_to(PACKAGE.parent).as_posix() for module, path in FILES.items() if is_pure(module)]


if __name__ == "__main__":
    print(",".join(pure_files()))
