"""What `export` writes, given to the tools that it is for: pip, the standard's own parser, the library of CycloneDX."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lockflow.cli.main import main
from support.archives import core_metadata, zip_archive
from support.index_content import IndexContent, one_origin
from support.index_server import IndexServer
from support.workbench import Workbench

MINOR = ".".join(map(str, sys.version_info[:2]))
HERE = {"linux": "linux/amd64", "darwin": "darwin", "win32": "windows/amd64"}[sys.platform]
EXPORTS = {
    "pylock.toml": ("pylock.toml",),
    "pylock.here.toml": ("pylock.here.toml", "--platform", HERE, "--python", MINOR),
    "requirements.txt": ("requirements.txt",),
    "bare.txt": ("bare.txt", "--no-annotate", "--no-header", "--platform", HERE),
}


def pip_reads_pylock() -> bool:
    done = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, text=True, check=False)
    match = re.match(r"pip (\d+)\.(\d+)", done.stdout)
    return match is not None and (int(match[1]), int(match[2])) >= (26, 1)


@pytest.fixture
def shop(bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """A locked project whose index, on loopback, has real wheels: fig requires plum, and pear on no system."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("LOCKFLOW_CACHE_DIR", str(tmp_path / "cache"))
    releases = []
    fig = ("Requires-Dist: plum>=1", "Requires-Dist: pear ; sys_platform == 'nowhere'")
    for name, lines in (("fig", fig), ("plum", ()), ("pear", ())):
        metadata = core_metadata(name, "1.0", *lines)
        folder = f"{name}-1.0.dist-info"
        content = zip_archive({
            f"{name}.py": b"LOADED = True\n", f"{folder}/METADATA": metadata,
            f"{folder}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{folder}/RECORD": "".join(
                f"{path},,\n" for path in (f"{name}.py", f"{folder}/METADATA", f"{folder}/WHEEL", f"{folder}/RECORD")
            ).encode(),
        })  # fmt: skip
        releases.append({"name": name, "version": "1.0", "metadata": metadata.decode(), "file": [{
            "filename": f"{name}-1.0-py3-none-any.whl", "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content), "content": base64.b64encode(content).decode(),
        }]})  # fmt: skip
    with IndexServer() as server:
        hosts = one_origin(server.origin)
        server.answer = IndexContent({"index": [{"name": "simple"}], "release": releases}, hosts).answer
        path = bench.write("fig")
        path.write_text(hosts.localise(path.read_text(encoding="utf-8")), encoding="utf-8")
        assert main(["lock", "--quiet", "--directory", str(bench.project)]) == 0
        yield bench


def export(bench: Workbench, name: str, *words: str) -> Path:
    command = ["export", "--quiet", "--no-emit-project", "--directory", str(bench.project), "-o", name, *words]
    assert main(command) == 0
    return bench.project / name


def pip(bench: Workbench, *words: str) -> subprocess.CompletedProcess[str]:
    index = re.search(r'url = "(http://127[^"]*)"', (bench.project / "pyproject.toml").read_text(encoding="utf-8"))
    assert index is not None
    command = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-cache-dir", "install",
               "--index-url", index[1], "--target", str(bench.project / "target"), *words]  # fmt: skip
    return subprocess.run(command, cwd=bench.project, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", EXPORTS)
def test_pip_installs_what_was_exported(shop: Workbench, kind: str) -> None:
    if kind.startswith("pylock") and not pip_reads_pylock():
        pytest.skip("this pip reads no pylock.toml")
    path = export(shop, *EXPORTS[kind])
    hashes = [] if kind.startswith("pylock") else ["--require-hashes", "--no-deps"]
    done = pip(shop, "-r", str(path), *hashes)
    assert done.returncode == 0, done.stdout + done.stderr
    installed = {path.name for path in (shop.project / "target").glob("*.dist-info")}
    assert installed == {"fig-1.0.dist-info", "plum-1.0.dist-info"}


@pytest.mark.parametrize("kind", ["pylock.toml", "requirements.txt"])
def test_pip_refuses_a_file_that_is_not_the_locked_one(shop: Workbench, kind: str) -> None:
    if kind.startswith("pylock") and not pip_reads_pylock():
        pytest.skip("this pip reads no pylock.toml")
    path = export(shop, *EXPORTS[kind])
    text = path.read_text(encoding="utf-8")
    digest = re.search(r"[0-9a-f]{64}", text)
    assert digest is not None
    path.write_text(text.replace(digest[0], "0" * 64), encoding="utf-8")
    done = pip(shop, "-r", str(path), *([] if kind.startswith("pylock") else ["--require-hashes"]))
    assert done.returncode != 0
    assert "hash" in (done.stdout + done.stderr).lower()


def test_a_bill_of_materials_is_valid_by_the_library_of_the_standard(shop: Workbench) -> None:
    validation = pytest.importorskip("cyclonedx.validation.json")
    schema = pytest.importorskip("cyclonedx.schema")
    text = export(shop, "sbom.json", "--format", "cyclonedx1.6").read_text(encoding="utf-8")
    assert validation.JsonStrictValidator(schema.SchemaVersion.V1_6).validate_str(text) is None
    found = json.loads(text)
    assert {part["name"]: part["version"] for part in found["components"]} == {
        "fig": "1.0",
        "plum": "1.0",
        "pear": "1.0",
    }
    assert all(part["hashes"] or part.get("externalReferences") for part in found["components"])
