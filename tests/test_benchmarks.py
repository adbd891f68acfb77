"""The benchmarks' own machinery: a recording that replays the same, and costs that are told apart from the driver's."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from benchmarks.agreement import differences
from benchmarks.measure import run
from benchmarks.recorded_index import RecordedIndex
from benchmarks.upstream import Page, RemoteFile, Upstream
from support.index_content import JSON_PAGE, Answer, body, respond
from support.index_server import MemoryTransport

ORIGIN = "http://127.0.0.1:1"
WHEEL = "a-1.0-py3-none-any.whl"
JSON = {"accept": JSON_PAGE}


class FakeUpstream:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def page(self, project: str) -> Page | None:
        self.asked.append(project)
        if project != "a":
            return None
        old, new = "2026-09-30T23:59:59.5Z", "2026-10-01T00:00:00Z"
        names = [(WHEEL, old), ("a-1.0.tar.gz", old), ("a-2.0-py3-none-any.whl", new)]
        return {"name": "a", "files": [entry(name, time) for name, time in names]}

    def metadata(self, url: str) -> bytes | None:
        self.asked.append(url)
        return b"Name: a\n"


def entry(name: str, time: str) -> dict[str, object]:
    return {
        "filename": name,
        "url": f"https://files.example/{name}",
        "hashes": {"sha256": "ab" * 32},
        "upload-time": time,
    }


def test_replay_answers_as_the_recording_did_without_asking_upstream(tmp_path: Path) -> None:
    upstream = FakeUpstream()
    recording = RecordedIndex(tmp_path, ORIGIN, upstream)
    page = recording.answer("GET", "/simple/a/", JSON)
    metadata_path = f"/files/a/{'ab' * 8}/{WHEEL}.metadata"
    metadata = recording.answer("GET", metadata_path, {})
    assert recording.answer("GET", "/simple/b/", JSON).status == 404
    assert upstream.asked == ["a", f"https://files.example/{WHEEL}", "b"]
    replay = RecordedIndex(tmp_path, ORIGIN)
    assert replay.answer("GET", "/simple/a/", JSON) == page
    assert replay.answer("GET", metadata_path, {}) == metadata
    assert replay.answer("GET", "/simple/b/", JSON).status == 404
    assert metadata.body == b"Name: a\n"


def test_recording_leaves_out_what_is_newer_than_the_cut_off(tmp_path: Path) -> None:
    page = RecordedIndex(tmp_path, ORIGIN, FakeUpstream()).answer("GET", "/simple/a/", {"accept": "text/html"})
    assert b"a-1.0.tar.gz" in page.body
    assert b"a-2.0" not in page.body


def test_replay_serves_no_distribution(tmp_path: Path) -> None:
    recording = RecordedIndex(tmp_path, ORIGIN, FakeUpstream())
    assert recording.answer("GET", f"/files/a/{'ab' * 8}/{WHEEL}", {}).status == 404


@pytest.fixture
def wheel() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.bin", bytes(range(256)) * 2000)
        archive.writestr("a-1.0.dist-info/METADATA", "Name: a\nVersion: 1.0\n")
    return content.getvalue()


def test_metadata_is_read_out_of_a_wheel_where_no_file_stands_beside_it(wheel: bytes) -> None:
    def answer(method: str, target: str, headers: object) -> Answer:
        found = body(wheel, "application/zip", "no-store")
        return respond(found, method, headers) if target == f"/fil/{WHEEL}" else Answer(404)  # type: ignore[arg-type]

    upstream = Upstream("https://index.example/simple")
    upstream.client.close()
    upstream.client = httpx.Client(transport=MemoryTransport(answer))
    assert upstream.metadata(f"https://files.example/{WHEEL}") == b"Name: a\nVersion: 1.0\n"
    assert RemoteFile(upstream, f"https://files.example/{WHEEL}").read() == wheel
    assert upstream.metadata("https://files.example/none.whl") is None
    upstream.client.close()


def test_cost_of_a_run_counts_what_the_command_started(tmp_path: Path) -> None:
    child = "x = bytearray(100_000_000); sum(range(2_000_000))"
    command = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('said'); sys.exit(3)"
    cost = run([sys.executable, "-c", command], tmp_path, {}, timeout_seconds=60)
    assert (cost.code, cost.said) == (3, "said\n")
    assert cost.peak_megabytes > 100
    assert cost.cpu_seconds > 0


def test_peak_of_a_small_command_is_not_that_of_the_process_which_measures(tmp_path: Path) -> None:
    ballast = bytearray(100_000_000)
    cost = run([sys.executable, "-I", "-S", "-c", ""], tmp_path, {}, timeout_seconds=60)
    assert len(ballast) / 1e6 > cost.peak_megabytes


def test_run_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    cost = run([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, {}, timeout_seconds=0.2)
    assert cost.code == -9


def test_a_package_that_only_one_side_knows_is_a_disagreement() -> None:
    tags = {"a==1": "wheel", "b==1": "sdist", "c==1": "wheel"}
    assert sorted(differences(tags, {"a==1": "wheel", "b==1": "missing", "d==1": "wheel"})) == ["b==1", "c==1", "d==1"]
    assert differences(tags, dict(tags)) == []
