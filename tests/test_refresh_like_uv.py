"""Real uv accepts what a refresh with packages held back leaves, cool-down included."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

from lockflow.cli.main import main
from support.index_content import IndexContent, one_origin
from support.index_server import IndexServer
from support.reference import run_uv, uv_path
from support.workbench import PROJECT, Workbench

pytestmark = [pytest.mark.uv, pytest.mark.skipif(uv_path() is None, reason="uv is not installed beside this Python")]
LINUX, ARM, MAC = (f"cp312-cp312-{name}" for name in (
    "manylinux_2_17_x86_64", "manylinux_2_17_aarch64", "macosx_11_0_arm64"
))  # fmt: skip


def test_the_lock_of_a_refresh_passes_the_check_of_uv(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    bench.offer("geo", "1.0", wheels=(LINUX, ARM, MAC)).offer("pear", "1.0")
    folder = bench.project
    with IndexServer() as server:
        hosts = one_origin(server.origin)

        def lockflow(*words: str) -> None:
            for release in bench.releases:
                for file in release["file"]:
                    file.setdefault("upload-time", "2024-01-01T00:00:00.000000Z")
            server.answer = IndexContent({"index": [{"name": "simple"}], "release": bench.releases}, hosts).answer
            said = io.StringIO()
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                code = main([*words, "--directory", str(folder), "--no-cache"])
            assert code == 0, said.getvalue()

        text = PROJECT.format(name="demo", dependencies='["geo", "pear"]') + '\n[tool.uv]\nexclude-newer = "7 days"\n'
        (folder / "pyproject.toml").write_text(hosts.localise(text), encoding="utf-8")
        lockflow("lock")
        bench.offer("geo", "1.5", wheels=(LINUX, ARM, MAC)).offer("geo", "2.0", wheels=(LINUX, MAC)).offer(
            "pear", "2.0"
        )
        bench.offer("pear", "3.0")
        bench.releases[-1]["file"][0]["upload-time"] = "2200-01-01T00:00:00.000000Z"
        lockflow("refresh", "--cool-down", "7 days")
        lock = bench.lock.read_text(encoding="utf-8")
        assert 'name = "geo"\nversion = "1.5"' in lock
        assert 'name = "pear"\nversion = "2.0"' in lock
        done = run_uv(["lock", "--check"], folder, tmp_path / "uv-cache")
        assert done.returncode == 0, done.stderr
        assert bench.lock.read_text(encoding="utf-8") == lock
