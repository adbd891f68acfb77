from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lockflow.inputs.canonical import canonical_inputs
from lockflow.inputs.model import SettingsOverrides
from lockflow.inputs.read import read_manifest
from support.manifests import DEFAULT_INDEX, HEAD, project, read, write_files

TEXT = """
dependencies = ["a>=1"]
[dependency-groups]
dev = ["b"]
[tool.uv]
exclude-newer = "1 week"
"""


def canonical(folder: Path, text: str, head: str = HEAD, **flags: Any) -> bytes:
    return canonical_inputs(read(folder, project(text, head=head), **flags).manifest)


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\n" + TEXT,
        TEXT + "[tool.ruff]\nline-length = 3\n",
        'description = "new"\nkeywords = ["x"]\n' + TEXT,
        TEXT.replace("1 week", "1wk"),
        TEXT.replace("a>=1", "A >= 1"),
        TEXT + "[tool.lockflow]\nplatforms = ['darwin']\nallow-sdist = ['a']\npython-versions = ['3.12']\n",
        TEXT + "link-mode = 'copy'\n",
    ],
)
def test_what_no_lock_depends_on_does_not_appear(tmp_path: Path, text: str) -> None:
    assert canonical(tmp_path, text) == canonical(tmp_path, TEXT)


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("a>=1", "a>=2"),
        TEXT.replace("a>=1", "a[x]>=1"),
        TEXT.replace("a>=1", "a>=1 ; os_name == 'nt'"),
        TEXT.replace("dev", "test"),
        TEXT.replace('["b"]', "[]"),
        TEXT.replace("1 week", "2 weeks"),
        TEXT.replace("1 week", "7 days"),
        TEXT + "no-build = true\n",
        TEXT + "default-groups = []\n",
        TEXT + "constraint-dependencies = ['c<2']\n",
        TEXT + "exclude-dependencies = ['c']\n",
        TEXT + "override-dependencies = [{ package = { name = 'a', version = '1' }, dependencies = [] }]\n",
        TEXT + "environments = ['os_name == \"nt\"']\n",
        TEXT + "exclude-newer-package = { a = false }\n",
        TEXT + "[[tool.uv.dependency-metadata]]\nname = 'a'\n",
        TEXT + "[[tool.uv.index]]\nurl = 'https://index.example/x'\n",
        TEXT + "conflicts = [[{ group = 'dev' }, { extra = 'x' }]]\n",
        TEXT + "[build-system]\nrequires = []\n",
        TEXT + "[tool.lockflow]\nuv = '0.8.22'\n",
        "optional-dependencies = { x = [] }\n" + TEXT,
    ],
)
def test_what_a_lock_depends_on_appears(tmp_path: Path, text: str) -> None:
    assert canonical(tmp_path, text) != canonical(tmp_path, TEXT)


def test_version_and_pythons_appear(tmp_path: Path) -> None:
    texts = {
        canonical(tmp_path, TEXT, HEAD.replace(*change)) for change in (("", ""), ("0.1.0", "0.2.0"), ("3.11", "3.12"))
    }
    assert len(texts) == 3


def test_a_relative_cut_off_appears_as_its_span_whatever_the_time(tmp_path: Path) -> None:
    write_files(tmp_path, project(TEXT))
    texts = {
        canonical_inputs(
            read_manifest(
                tmp_path,
                SettingsOverrides(),
                {},
                now_ns=now_ns,
                default_index=DEFAULT_INDEX,
                interpreter_minor=(3, 11),
            ).manifest
        )
        for now_ns in (0, 10**18)
    }
    (text,) = texts
    assert json.loads(text)["settings"]["exclude-newer"] == "P1W"


def test_credentials_do_not_appear(tmp_path: Path) -> None:
    with_them = canonical(tmp_path, TEXT, index=("https://bob:secret@index.example/x",))
    assert with_them == canonical(tmp_path, TEXT, index=("https://index.example/x",))
    assert b"secret" not in with_them


def test_the_place_of_the_project_does_not_appear(tmp_path: Path) -> None:
    text = "dependencies = ['a']\n[tool.uv]\nfind-links = ['links']\n[tool.uv.sources]\na = { path = '../a' }\n"
    for name in ("one", "two"):
        write_files(tmp_path / name, {"a/x": ""})
    assert canonical(tmp_path / "one/p", text) == canonical(tmp_path / "two/p", text)
