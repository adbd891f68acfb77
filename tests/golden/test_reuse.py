"""Projects that were locked and then edited: what comes of the old lock is what real uv makes of it, byte for byte.

Also where lockflow does not resolve because it knows the outcome (`lock/restate.py`), which uv never does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from support.git_host import git_from_folder
from support.golden import GoldenCase, case_names, load_case, not_yet
from support.index_content import one_origin
from support.index_server import IndexServer, MemoryTransport
from support.reference import run_uv, uv_path
from support.run import run_lock

pytestmark = [pytest.mark.uv, pytest.mark.skipif(uv_path() is None, reason="uv is not installed beside this Python")]

Edit = Callable[[Any], bool]


def bump(project: Any) -> bool:
    """A new version, which alone is no reason to resolve."""
    if "version" not in project.get("project", {}):
        return False
    project["project"]["version"] = "7.8.9"
    return True


def empty_extra(project: Any) -> bool:
    if "project" not in project:
        return False
    project["project"].setdefault("optional-dependencies", {})["plain"] = []
    return True


def empty_group(project: Any) -> bool:
    project.setdefault("dependency-groups", {})["plain"] = []
    return True


def default_groups(project: Any) -> bool:
    project.setdefault("tool", {}).setdefault("uv", {})["default-groups"] = []
    return "project" in project


def fewer(project: Any) -> bool:
    """Without its first requirement."""
    requirements = project.get("project", {}).get("dependencies", [])
    if len(requirements) < 2:
        return False
    del requirements[0]
    return True


def bounded(project: Any) -> bool:
    """Each requirement that has no bound gets a wide one, which the locked versions keep."""
    requirements = project.get("project", {}).get("dependencies", [])
    plain = [at for at, text in enumerate(requirements) if text.replace("-", "").replace("_", "").isalnum()]
    for at in plain:
        requirements[at] = f"{requirements[at]}<9999"
    return bool(plain)


def newer_python(project: Any) -> bool:
    if project.get("project", {}).get("requires-python") != ">=3.9":
        return False
    project["project"]["requires-python"] = ">=3.10"
    return True


EDITS: tuple[Edit, ...] = (bump, empty_extra, empty_group, default_groups, fewer, bounded, newer_python)


UNLIKE: dict[tuple[str, Edit], str] = {("dynamic-version", empty_extra): "its build backend does not tell the extra"}


@pytest.mark.parametrize("name", [name for name in case_names() if name not in not_yet()])
@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_gives_the_lock_that_the_reference_makes_of_it(name: str, edit: Edit, tmp_path: Path) -> None:
    if (name, edit) in UNLIKE:
        pytest.skip(UNLIKE[name, edit])
    case = load_case(name)
    with IndexServer() as server:
        hosts = one_origin(server.origin)
        server.answer = case.content(hosts, git_root=tmp_path / "git").answer
        theirs, ours = case.copy_project(tmp_path / "theirs", hosts), case.copy_project(tmp_path / "ours")
        for folder, locally in ((theirs, hosts), (ours, case.hosts)):
            (folder / case.lock).write_bytes(locally.localise(case.expected).encode())
            if not edited(folder / "pyproject.toml", edit):
                pytest.skip("nothing here to edit like that")
        reference = run_uv(case.args, theirs, tmp_path / "uv-cache")
    if "No interpreter found for Python" in reference.stderr:
        pytest.skip(f"no Python here that {case.name} admits")
    if "Failed to fetch" in reference.stderr:
        pytest.skip("the reference reads a file that the index of the case does not have")
    expected = hosts.publish((theirs / case.lock).read_bytes().decode())
    run = lock(case, ours, tmp_path)
    assert run == (1 if reference.returncode == 1 else reference.returncode)
    assert case.hosts.publish((ours / case.lock).read_bytes().decode()) == expected
    if run == 0:
        found = [(ours / case.lock).read_bytes()]
        for again in ("--check", "--refresh", "--refresh"):
            assert lock(case, ours, tmp_path, again) == 0
            found.append((ours / case.lock).read_bytes())
        assert found[1] == found[0]
        assert found[3] == found[2]


def lock(case: GoldenCase, folder: Path, tmp_path: Path, *more: str) -> int:
    git_root = tmp_path / "git-ours"
    content = case.content() if git_root.exists() else case.content(git_root=git_root)
    return run_lock(
        folder,
        [*case.args, *more],
        MemoryTransport(content.answer, case.hosts),
        cache=tmp_path / "cache",
        python=case.python,
        environment=git_from_folder(case.hosts.git, git_root),
    ).code


def edited(path: Path, edit: Edit) -> bool:
    try:
        project = tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    if not edit(project):
        return False
    path.write_text(tomlkit.dumps(project), encoding="utf-8")
    return True
