"""`add` and `remove` beside real uv: the same pyproject.toml and the same lock."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

from lockflow.cli.main import main
from support.add_cases import CASES, LIB, Case
from support.index_content import IndexContent, one_origin
from support.index_server import IndexServer
from support.reference import run_uv, uv_path
from support.workbench import Workbench

pytestmark = [pytest.mark.uv, pytest.mark.skipif(uv_path() is None, reason="uv is not installed beside this Python")]


def offers(bench: Workbench) -> Workbench:
    for name in ("pear", "plum", "aaa", "two-words"):
        bench.offer(name, "1.0").offer(name, "2.3.1")
    return bench.offer("zero", "0.4.5")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_as_uv_does_it(case: Case, bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    releases = offers(bench).releases
    with IndexServer() as server:
        hosts = one_origin(server.origin)
        server.answer = IndexContent({"index": [{"name": "simple"}], "release": releases}, hosts).answer
        folders = {}
        for who in ("uv", "own"):
            folder = folders[who] = tmp_path / who / "project"
            folder.mkdir(parents=True)
            newline = "\r\n" if "\r\n" in case.text else "\n"
            index = hosts.localise(case.index).replace("\n", newline)
            (folder / "pyproject.toml").write_bytes((case.text + index).encode())
            for name, text in case.files:
                (folder / name).write_text(hosts.localise(text), encoding="utf-8")
            for path, name in ((tmp_path / who / "lib", "lib"), (folder / "inner", "inner")):
                path.mkdir()
                (path / "pyproject.toml").write_text(LIB.format(name=name), encoding="utf-8")
        if not case.index:
            monkeypatch.setenv("UV_DEFAULT_INDEX", f"{hosts.index}/simple")
        for words in case.commands:
            command = [hosts.localise(word) for word in words]
            done = run_uv(
                [*command, *([] if "--frozen" in command else ["--no-sync"])], folders["uv"], tmp_path / "uv-cache"
            )
            assert done.returncode == 0, done.stderr
            said = io.StringIO()
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                code = main([*command, "--directory", str(folders["own"]), "--cache-dir", str(tmp_path / "cache")])
            assert code == 0, said.getvalue()
            for name in ("pyproject.toml", "uv.lock", *(name for name, _ in case.files)):
                files = {who: folder / name for who, folder in folders.items()}
                texts = {who: path.read_bytes().decode() for who, path in files.items() if path.exists()}
                assert texts.get("own") == texts.get("uv"), f"{' '.join(words)}: {name}"
