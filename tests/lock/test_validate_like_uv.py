"""The same edit of a project, judged by real uv and by our validation: is the lock still right?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockflow.inputs.model import SettingsOverrides
from lockflow.inputs.read import read_manifest
from lockflow.lock.decode import decode
from lockflow.lock.validate import validate
from support.index_content import Hosts, IndexContent, one_origin
from support.index_server import IndexServer
from support.reference import run_uv, uv_path

pytestmark = [pytest.mark.uv, pytest.mark.skipif(uv_path() is None, reason="uv is not installed")]

BASE = {
    "requires-python": "'>=3.9'",
    "dependencies": "['a>=1,<3', 'b[x,y]']",
    "extras": "one = []\ntwo = ['b']\nthree = []\n",
    "groups": "dev = ['a']\nempty = []\n",
    "tool": "",
    "index": "simple",
}
CUTOFF = 'exclude-newer = "2025-01-01T00:00:00Z"\n'
LINUX, WINDOWS = "\"sys_platform == 'linux'\"", "\"sys_platform == 'win32'\""
CONFLICTS = "conflicts = [[{{ extra = '{}' }}, {{ extra = '{}' }}], [{{ extra = 'one' }}, {{ extra = 'three' }}]]"


def tool(old: str, new: str) -> tuple[dict[str, str], dict[str, str]]:
    return {"tool": old}, {"tool": new}


EDITS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "nothing": ({}, {}),
    "another order and spelling": ({}, {"dependencies": "['B[y,x]', 'a <3.0 , >=1.0']"}),
    "the same twice": ({}, {"dependencies": "['a>=1,<3', 'b[x,y]', 'a<3,>=1']"}),
    "a marker that always holds": ({}, {"dependencies": "['a>=1,<3 ; python_version >= \"3.9\"', 'b[x,y]']"}),
    "another bound": ({}, {"dependencies": "['a>=1,<=2.5', 'b[x,y]']"}),
    "two requirements that were one": ({}, {"dependencies": "['a>=1', 'a<3', 'b[x]', 'b[y]']"}),
    "one for each system, alike": (
        {},
        {"dependencies": "['a>=1,<3 ; sys_platform == \"linux\"', 'a>=1,<3 ; sys_platform != \"linux\"', 'b[x,y]']"},
    ),
    "one for each system, not alike": (
        {},
        {"dependencies": "['a>=1,<3 ; sys_platform == \"linux\"', 'a<3 ; sys_platform != \"linux\"', 'b[x,y]']"},
    ),
    "a requirement that others imply": ({}, {"dependencies": "['a>=1,<3', 'a', 'b[x,y]', 'b[x]']"}),
    "a dependency less": ({}, {"dependencies": "['a>=1,<3']"}),
    "an extra less asked for": ({}, {"dependencies": "['a>=1,<3', 'b[x]']"}),
    "extras in another order": ({}, {"extras": "two = ['b']\nthree = []\none = []\n"}),
    "an empty extra": ({}, {"extras": "one = []\ntwo = ['b']\nthree = []\nfour = []\n"}),
    "a group that is gone": ({}, {"groups": "dev = ['a']\n"}),
    "a new empty group": ({}, {"groups": "dev = ['a']\nempty = []\nmore = []\n"}),
    "another requirement of a group": ({}, {"groups": "dev = ['a>1']\nempty = []\n"}),
    "the same Python in other words": ({}, {"requires-python": "'>=3.9.0'"}),
    "a hole in the Python versions": ({}, {"requires-python": "'>=3.9,!=3.10.*'"}),
    "an upper bound of Python": ({}, {"requires-python": "'>=3.9,<4'"}),
    "a newer Python": ({}, {"requires-python": "'>=3.10'"}),
    "a project that is installed": tool("", "package = true"),
    "another index": ({}, {"index": "other"}),
    "a slash behind the index": ({}, {"index": "simple/"}),
    "lowest versions": tool("", "resolution = 'lowest'"),
    "fewest forks": tool("", "fork-strategy = 'fewest'"),
    "pre-releases": tool("", "prerelease = 'allow'"),
    "pre-releases of one package": tool("", "prerelease-package = { zz = 'allow' }"),
    "environments": tool("", f"environments = [{LINUX}]"),
    "environments in another order": tool(
        f"environments = [{LINUX}, {WINDOWS}]", f"environments = [{WINDOWS}, {LINUX}]"
    ),
    "required environments": tool("", f"required-environments = [{LINUX}]"),
    "conflicts": tool("", CONFLICTS.format("one", "two")),
    "conflicts in another order": tool(
        CONFLICTS.format("one", "two"),
        "conflicts = [[{ extra = 'one' }, { extra = 'three' }], [{ extra = 'one' }, { extra = 'two' }]]",
    ),
    "items of a conflict in another order": tool(CONFLICTS.format("one", "two"), CONFLICTS.format("two", "one")),
    "a cut-off": tool("", CUTOFF),
    "no cut-off any more": tool(CUTOFF, ""),
    "the same instant elsewhere": tool(CUTOFF, 'exclude-newer = "2025-01-01T01:00:00+01:00"'),
    "a span instead": tool(CUTOFF, 'exclude-newer = "7 days"'),
    "a span in other words": tool('exclude-newer = "7 days"', 'exclude-newer = "P7D"'),
    "a span in other units": tool('exclude-newer = "7 days"', 'exclude-newer = "1 week"'),
    "a cut-off for a package": tool("", 'exclude-newer-package = { a = "2025-01-01T00:00:00Z" }'),
    "a cut-off for a package that is not locked": tool("", 'exclude-newer-package = { zz = "2025-01-01T00:00:00Z" }'),
    "no cut-off for a package": tool('exclude-newer-package = { a = "2025-01-01T00:00:00Z" }', ""),
    "an exemption": tool(CUTOFF, CUTOFF + "exclude-newer-package = { a = false }"),
    "no exemption any more": tool(CUTOFF + "exclude-newer-package = { a = false }", CUTOFF),
    "a cut-off turned exemption": tool(
        'exclude-newer-package = { a = "2025-01-01T00:00:00Z" }', "exclude-newer-package = { a = false }"
    ),
    "an exemption turned cut-off": tool(
        "exclude-newer-package = { a = false }", 'exclude-newer-package = { a = "2025-01-01T00:00:00Z" }'
    ),
    "default groups": tool("", "default-groups = ['empty']"),
    "default groups in another order": tool("default-groups = ['dev', 'empty']", "default-groups = ['empty', 'dev']"),
    "Python of a group": tool("", "dependency-groups = { dev = { requires-python = '>=3.10' } }"),
    "Python of an empty group": tool("", "dependency-groups = { empty = { requires-python = '>=3.10' } }"),
    "static metadata": tool("", "dependency-metadata = [{ name = 'a', version = '2.0' }]"),
    "static metadata of what is not locked": tool("", "dependency-metadata = [{ name = 'zz' }]"),
    "no static metadata of what is not locked": tool("dependency-metadata = [{ name = 'zz' }]", ""),
    "build options": tool("", "no-build = true"),
}
for key in ("constraint", "override", "build-constraint"):
    unused, used = f"{key}-dependencies = ['zz<9']", f"{key}-dependencies = ['a<9']"
    EDITS |= {
        f"{key} of what is not locked": tool("", unused),
        f"no {key} of what is not locked": tool(unused, ""),
        f"another {key} of what is not locked": tool(unused, unused.replace("9", "8")),
        f"{key} in other words": tool(unused, unused.replace("<9", " < 9.0")),
        f"{key}": tool("", used),
        f"no {key}": tool(used, ""),
    }
for word, value in {
    "exclusion of what is not locked": "['zz']",
    "exclusion": "['q']",
    "exclusion for a package": "[{ package = { name = 'a' }, dependencies = ['zz'] }]",
    "exclusion for a package that is not locked": "[{ package = { name = 'zz' }, dependencies = ['q'] }]",
}.items():
    setting = f"exclude-dependencies = {value}"
    EDITS |= {word: tool("", setting), f"no {word}": tool(setting, "")}


def release(name: str, version: str, *metadata: str) -> dict[str, object]:
    head = f"Metadata-Version: 2.3\nName: {name}\nVersion: {version}\n"
    filename = f"{name}-{version}-py3-none-any.whl"
    file = {"filename": filename, "sha256": "0" * 64, "upload-time": "2024-01-01T00:00:00Z"}
    return {
        "name": name,
        "version": version,
        "metadata": head + "".join(f"{line}\n" for line in metadata),
        "file": [file],
    }


STALE = ("Resolving despite existing lockfile", "Ignoring existing lockfile")
"""What uv says of a lock that it does not trust, the second where not even its versions count."""

TABLE = {
    "index": [{"name": "simple"}, {"name": "other"}],
    "release": [
        release("a", "1.0"),
        release("a", "2.0", "Requires-Dist: q"),
        release("b", "1.0", "Provides-Extra: x", "Provides-Extra: y", "Requires-Dist: q ; extra == 'x'"),
        release("q", "1.0"),
    ],
}


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    with IndexServer() as server:
        here = one_origin(server.origin)
        server.answer = IndexContent(TABLE, here).answer
        yield here


def write_project(folder: Path, hosts: Hosts, fields: dict[str, str]) -> None:
    told = BASE | fields
    (folder / "pyproject.toml").write_text(
        "[project]\nname = 'app'\nversion = '0.1.0'\n"
        f"requires-python = {told['requires-python']}\ndependencies = {told['dependencies']}\n"
        f"[project.optional-dependencies]\n{told['extras']}[dependency-groups]\n{told['groups']}"
        f"[tool.uv]\n{told['tool']}\n[[tool.uv.index]]\nurl = '{hosts.index}/{told['index']}'\ndefault = true\n",
        encoding="utf-8",
    )


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_makes_a_lock_stale_where_uv_says_so(edit: str, hosts: Hosts, tmp_path: Path) -> None:
    folder, cache = tmp_path / "project", tmp_path / "cache"
    folder.mkdir()
    before, after = EDITS[edit]
    write_project(folder, hosts, before)
    assert run_uv(["lock"], folder, cache).returncode == 0
    write_project(folder, hosts, after)
    said = run_uv(["lock", "--check", "--verbose"], folder, cache).stderr
    is_right = "satisfies workspace requirements" in said
    assert is_right != any(words in said for words in STALE), said

    read = read_manifest(
        folder,
        SettingsOverrides(),
        {},
        now_ns=time.time_ns(),
        default_index=f"{hosts.index}/simple",
        interpreter_minor=(3, 11),
    )
    found = validate(decode((folder / "uv.lock").read_text(encoding="utf-8"), "uv.lock"), read.manifest)
    assert (not found.reasons) is is_right, found.reasons
