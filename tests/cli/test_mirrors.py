"""A mirror that is asked on one machine leaves the lock as it is for everybody."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from lockflow.cli.main import main
from support.workbench import Workbench

INDEX, FILES = "https://index.example/simple", "https://files.example"
NEAR, NEAR_FILES = "https://mirror.example/index", "https://mirror.example/kept"


class Mirror(httpx.BaseTransport):
    """Serves the bench's index under other URLs, and nothing under its own."""

    def __init__(self, bench: Workbench, *, links: str = NEAR_FILES) -> None:
        self.bench = bench
        self.links = links
        self.asked: list[str] = []
        self.credentials: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url)
        self.asked.append(url)
        self.credentials.add(request.headers.get("authorization", ""))
        if not url.startswith("https://mirror.example/"):
            message = "no route"
            raise httpx.ConnectError(message, request=request)
        inner = url.replace(NEAR, INDEX).replace(self.links, FILES)
        headers = [(name, value) for name, value in request.headers.items() if name != "host"]
        answer = self.bench.transport.handle_request(httpx.Request("GET", inner, headers=headers))
        content = answer.content.replace(FILES.encode(), self.links.encode())
        kept = [(name, value) for name, value in answer.headers.items() if name != "content-length"]
        return httpx.Response(answer.status_code, headers=kept, content=content, request=request)


def lock(bench: Workbench, transport: httpx.BaseTransport, *words: str) -> int:
    place = ["--directory", str(bench.project), "--cache-dir", str(bench.cache)]
    return main(["lock", *words, *place], transport=transport)


@pytest.fixture
def plain(bench: Workbench) -> bytes:
    """The lock that is made without a mirror."""
    bench.write("apple")
    bench.run("lock", "--no-cache")
    content = bench.lock.read_bytes()
    bench.lock.unlink()
    return content


def test_a_variable_names_mirrors(bench: Workbench, plain: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKFLOW_MIRRORS", f"{INDEX}/={NEAR} {FILES}={NEAR_FILES}/")
    mirror = Mirror(bench)
    assert lock(bench, mirror) == 0
    assert bench.lock.read_bytes() == plain
    assert mirror.asked
    assert bench.run("lock", "--check").code == 0


def test_a_project_names_mirrors(bench: Workbench, plain: bytes) -> None:
    path = bench.write("apple")
    more = f'mirrors = {{ "{INDEX}" = "{NEAR}", "{FILES}" = "{NEAR_FILES}" }}\n'
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    assert lock(bench, Mirror(bench)) == 0
    assert bench.lock.read_bytes() == plain


def test_a_user_names_mirrors_and_their_credentials(
    bench: Workbench, plain: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "config" / "lockflow" / "lockflow.toml"
    file.parent.mkdir(parents=True)
    near = NEAR.replace("https://", "https://ann:secret@")
    file.write_text(f'[mirrors]\n"{INDEX}" = "{near}"\n"{FILES}" = "{NEAR_FILES}"\n', encoding="utf-8")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    mirror = Mirror(bench)
    assert lock(bench, mirror) == 0
    assert bench.lock.read_bytes() == plain
    assert mirror.credentials == {"Basic YW5uOnNlY3JldA=="}


def test_what_came_from_a_mirror_is_stored_for_use_without_it(
    bench: Workbench, plain: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCKFLOW_MIRRORS", f"{INDEX}={NEAR} {FILES}={NEAR_FILES}")
    assert lock(bench, Mirror(bench)) == 0
    monkeypatch.delenv("LOCKFLOW_MIRRORS")
    bench.lock.unlink()
    assert bench.run("lock", "--offline").code == 0
    assert bench.lock.read_bytes() == plain


def test_urls_that_only_the_mirror_has_are_warned_about(
    bench: Workbench, plain: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOCKFLOW_MIRRORS", f"{INDEX}={NEAR}")
    assert lock(bench, Mirror(bench)) == 0
    assert f"warning: no entry of `mirrors` says where {NEAR_FILES}/" in capsys.readouterr().err
    assert bench.lock.read_bytes() != plain


@pytest.mark.parametrize("value", ["nonsense", f"{INDEX}=here", f"ftp://x.example={NEAR}", f"{INDEX}={NEAR}?x"])
def test_a_mirror_that_cannot_be_asked_is_refused(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("LOCKFLOW_MIRRORS", value)
    bench.write("apple")
    run = bench.run("lock")
    assert run.code == 2
    assert "error: " in run.said
    assert "  next:  write " in run.said


def test_other_settings_in_a_user_file_are_warned_about(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "config" / "lockflow" / "lockflow.toml"
    file.parent.mkdir(parents=True)
    file.write_text('uv = "0.8.22"\n', encoding="utf-8")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    bench.write("apple")
    assert "only `mirrors` is read from there" in bench.run("lock").said
