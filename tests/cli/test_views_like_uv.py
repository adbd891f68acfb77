"""`lockflow export` and `lockflow tree` as commands: stdout is that of real uv for the same words."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockflow.cli.main import main
from support.golden import load_case
from support.index_content import one_origin
from support.reference import run_uv, uv_path

pytestmark = [pytest.mark.uv, pytest.mark.skipif(uv_path() is None, reason="uv is not installed beside this Python")]

HOSTS = one_origin("http://127.0.0.1:9")
PLATFORMS = {
    "linux/arm64": "aarch64-unknown-linux-gnu",
    "windows/amd64": "windows",
    "darwin": "macos",
}


@pytest.mark.parametrize(
    ("name", "folder", "words"),
    [
        ("workspace", "packages/a", "export --no-header"),
        ("workspace", ".", "export --no-header --package lib-a"),
        ("workspace", ".", "export --no-header --package lib-a --package lib-b --all-extras"),
        ("workspace", ".", "export --no-header --no-editable"),
        ("workspace-virtual-root", ".", "export --no-header"),
        ("workspace-virtual-root", "m1", "export --no-header"),
        ("default-groups", ".", "export --no-header --all-packages"),
        ("default-groups", ".", "export --no-header --package m1"),
        ("default-groups", ".", "export --no-header --package m1 --package m3"),
        ("groups", ".", "export --no-header --only-group dev"),
        ("conflicts-extras", ".", "export --no-header --all-extras --no-extra two"),
        ("script", ".", "export --no-header --script s.py"),
        ("script", ".", "tree --script s.py --universal"),
        ("workspace", "packages/a", "tree --universal"),
        ("default-groups", ".", "tree"),
    ],
)
def test_the_same_words_give_the_same_text(
    name: str, folder: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = locked(name, tmp_path) / folder
    theirs = run_uv([*words.split(), "--frozen"], place, tmp_path / "uv-cache")
    assert theirs.returncode == 0, theirs.stderr
    options = ["--frozen", "--directory", str(place), "--cache-dir", str(tmp_path / "cache")]
    assert main([*words.split(), *options]) == 0
    assert capsys.readouterr().out == theirs.stdout


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("name", ["markers", "fork-three", "environments"])
def test_a_tree_for_a_platform_is_that_of_uv(
    name: str, platform: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if (name, platform) == ("markers", "darwin"):
        pytest.skip("uv takes a macOS to have no kernel release, the definition knows it")
    place = locked(name, tmp_path)
    words = ["tree", "--frozen", "--python-version", "3.12", "--python-platform", PLATFORMS[platform]]
    theirs = run_uv(words, place, tmp_path / "uv-cache")
    assert theirs.returncode == 0, theirs.stderr
    options = ["--directory", str(place), "--cache-dir", str(tmp_path / "cache")]
    assert main(["tree", "--frozen", "--platform", platform, "--python", "3.12", *options]) == 0
    assert capsys.readouterr().out == theirs.stdout


def locked(name: str, tmp_path: Path) -> Path:
    case = load_case(name)
    folder = case.copy_project(tmp_path / "project", HOSTS)
    (folder / case.lock).write_bytes(HOSTS.localise(case.expected).encode())
    return folder
