"""Environments by `lockflow sync` and by `uv sync` from the same lock, over an index on loopback: the same files."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.archives import tar_gz
from support.buildable import tree_files
from support.environments import contents, differences
from support.git_host import repository
from support.installation import Installation
from support.reference import run_uv
from support.trees import below, write_tree
from support.wheels import wheel_bytes

pytestmark = pytest.mark.uv

HERE = (
    f"cp3{sys.version_info[1]}-cp3{sys.version_info[1]}-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
)
COMMANDS = """\
[console_scripts]
rich-tool = rich_tool:main
Deep=rich_tool.sub : Class.run [extra]
[gui_scripts]
show = rich_tool:gui
"""


@pytest.fixture
def shop(desk: Installation) -> Iterator[Installation]:
    """An index over HTTP with wheels of every kind."""
    data = "rich_tool-1.0.data"
    desk.offer(
        "rich-tool",
        "1.0",
        "core",
        entry_points=COMMANDS,
        files={
            "rich_tool/__init__.py": b"def main(): pass\n",
            'rich_tool/we ird,"q".txt': b"",
            f"{data}/scripts/run-me": b"#!python\nprint(1)\n",
            f"{data}/scripts/run-me-too.sh": b"#!/bin/sh\n",
            f"{data}/scripts/in-windows": b"#!pythonw\nprint(1)\n",
            f"{data}/data/share/rich/a.txt": b"a",
            f"{data}/headers/rich.h": b"//",
            f"{data}/purelib/beside.py": b"",
            f"{data}/platlib/compiled_beside.py": b"",
        },
    )
    desk.offer("core", "1.0").offer("core", "2.0")
    for number in (1, 2):
        desk.offer(f"space-{number}", "1.0", files={f"space/part{number}.py": b"", f"space/more/deep{number}.py": b""})
    extension = next(Path(sysconfig.get_path("stdlib"), "lib-dynload").glob("*.so"))
    desk.house.carry(
        "fast",
        f"fast-1.0-{HERE}.whl",
        wheel_bytes(
            "fast",
            "1.0",
            {"fast/__init__.py": b"", f"fast/{extension.name}": extension.read_bytes()},
            modes={f"fast/{extension.name}": 0o100755},
            tag=HERE,
            is_pure=False,
        ),
    )
    source = below("slow-1.0", tree_files("slow", commands="slow = slow:main\n"))
    info = b"Metadata-Version: 2.2\nName: slow\nVersion: 1.0\n"
    desk.house.carry("slow", "slow-1.0.tar.gz", tar_gz({**source, "slow-1.0/PKG-INFO": info}))
    desk.offer("web", "1.0", "slow; extra == 'all'", "fast; sys_platform == 'win32'")
    with desk.house.served():
        yield desk


def both(shop: Installation, *words: str) -> list[str]:
    """How the environments differ that uv and lockflow make of the same lock with the same words."""
    done = run_uv(["sync", *words], shop.project, shop.cache.with_name("uv-cache"))
    assert done.returncode == 0, done.stderr
    lock = (shop.project / "uv.lock").read_bytes()
    reference = contents(shop.environment)
    shutil.rmtree(shop.environment)
    run = shop.run("sync", *words)
    assert run.code == 0, run.said
    assert (shop.project / "uv.lock").read_bytes() == lock
    return differences(reference, contents(shop.environment))


def test_wheels_of_every_kind(shop: Installation) -> None:
    shop.write("rich-tool", "space-1", "space-2", "fast", "web[all]")
    assert both(shop) == []
    assert shop.python("import space.part1, space.part2, slow, fast; print(slow.version)") == "1.0\n"
    done = subprocess.run([shop.environment / "bin" / "slow"], capture_output=True, text=True, check=True)
    assert done.stdout == "slow 1.0\n"
    # And uv finds all of it right.
    checked = run_uv(["sync", "--check", "--frozen"], shop.project, shop.cache.with_name("uv-cache"))
    assert checked.returncode == 0, checked.stderr


def test_trees_archives_and_repositories(shop: Installation, tmp_path: Path) -> None:
    for name in ("copied", "edited", "kept"):
        write_tree(tmp_path / name, tree_files(name, commands=f"{name} = {name}:main\n"))
    url = repository(tmp_path / "kept")
    (tmp_path / "local-1.0-py3-none-any.whl").write_bytes(wheel_bytes("local", "1.0", {"local.py": b""}))
    shop.house.carry("far", "far-1.0-py3-none-any.whl", wheel_bytes("far", "1.0", {"far.py": b""}))
    far = f"{shop.house.origin}/files/far-1.0-py3-none-any.whl"
    sources = f"""
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[tool.uv.sources]
copied = {{ path = "../copied" }}
edited = {{ path = "../edited", editable = true }}
kept = {{ git = "{url}" }}
local = {{ path = "../local-1.0-py3-none-any.whl" }}
far = {{ url = "{far}" }}
"""
    files = dict(tree_files("demo", "0.1.0", commands="demo = demo:main\n"))
    del files["pyproject.toml"]
    write_tree(shop.project, files)
    shop.write("copied", "edited", "kept", "local", "far", more=sources)
    assert both(shop) == []
    program = "import copied, edited, kept, local, far, demo; print(edited.__file__)"
    assert shop.python(program) == f"{tmp_path}/edited/src/edited/__init__.py\n"
    assert "Checked 6 packages" in shop.run("sync").said


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--no-dev"],
        ["--only-dev"],
        ["--group", "docs"],
        ["--only-group", "docs"],
        ["--all-groups", "--no-group", "dev"],
        ["--no-default-groups"],
        ["--extra", "x"],
        ["--all-extras", "--no-extra", "y"],
        ["--package", "part"],
        ["--all-packages"],
        ["--no-install-project"],
        ["--no-install-workspace", "--all-packages"],
        ["--no-install-local", "--all-packages"],
        ["--no-install-package", "web"],
        ["--no-editable", "--all-packages"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_choices(shop: Installation, words: list[str]) -> None:
    more = """
[project.optional-dependencies]
x = ["space-1"]
y = ["space-2"]

[dependency-groups]
dev = ["fast"]
docs = ["rich-tool"]

[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[tool.uv.workspace]
members = ["part"]
"""
    for name, folder in (("demo", shop.project), ("part", shop.project / "part")):
        files = dict(tree_files(name, "0.1.0"))
        del files["pyproject.toml"]
        write_tree(folder, files)
    shop.write("web", more=more)
    part = shop.write("core<2", name="part", folder="part")
    part.write_text(
        part.read_text(encoding="utf-8").partition("[[tool")[0]
        + more.partition("[build-system]")[2].join(["[build-system]", ""]).partition("[tool")[0],
        encoding="utf-8",
    )
    assert both(shop, *words) == []


def test_one_tool_takes_over_from_the_other(shop: Installation) -> None:
    shop.write("rich-tool", "core<2")
    assert both(shop) == []
    cache = shop.cache.with_name("uv-cache")
    shop.write("web", "core")
    assert run_uv(["sync", "-U"], shop.project, cache).returncode == 0
    assert not (shop.environment / "bin" / "rich-tool").exists()
    reference = contents(shop.environment)
    run = shop.run("sync", "--reinstall")
    assert run.code == 0, run.said
    assert differences(reference, contents(shop.environment)) == []
