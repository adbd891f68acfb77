from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from lockflow.errors import NetworkError
from lockflow.index.cache import Cache
from lockflow.index.client import IndexClient
from lockflow.index.model import File
from lockflow.index.options import ClientOptions
from lockflow.index.program import fetch_program
from lockflow.inputs.model import Index
from lockflow.standards.versions import Version
from support.web import AsyncWeb, Reply

FIRST = Index(url="https://first.example/simple")
SECOND = Index(url="https://second.example/simple")
NAME = "tool-1.0-py3-none-manylinux_2_17_x86_64.whl"
URL = f"https://files.example/{NAME}"
JSON = {"content-type": "application/vnd.pypi.simple.v1+json"}


def wheel(member: str = "tool-1.0.data/scripts/tool", content: bytes = b"\x7fELF program") -> bytes:
    with io.BytesIO() as target:
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr(member, content)
        return target.getvalue()


def page(body: bytes, *, name: str = NAME, has_hash: bool = True) -> Reply:
    hashes = {"sha256": hashlib.sha256(body).hexdigest()} if has_hash else {}
    files = [{"filename": name, "url": f"https://files.example/{name}", "hashes": hashes}]
    document = {"meta": {"api-version": "1.0"}, "name": "tool", "files": files}
    return Reply(200, json.dumps(document).encode(), JSON)


@pytest.fixture
def web() -> AsyncWeb:
    found = AsyncWeb()
    found.pages[f"{SECOND.url}/tool/"] = page(wheel())
    found.pages[URL] = Reply(200, wheel())
    return found


def any_wheel(files: Sequence[File]) -> File | None:
    return next(iter(files), None)


def fetch(web: AsyncWeb, cache: Path | None = None, *, offline: bool = False, purpose: str = "linux") -> bytes:
    options = ClientOptions(root=Path(), cache_folder=cache, offline=offline)
    store = None if cache is None else Cache(cache, lambda _: None)
    return fetch_program(
        lambda: IndexClient(options, web),
        "tool",
        Version.parse("1.0"),
        [FIRST, SECOND],
        any_wheel,
        store,
        purpose=purpose,
    )


def test_the_program_is_taken_out_of_the_wheel_of_the_first_index_that_has_it(web: AsyncWeb) -> None:
    assert fetch(web) == b"\x7fELF program"
    assert web.asked == [f"{FIRST.url}/tool/", f"{SECOND.url}/tool/", URL]


def test_it_is_fetched_once_and_kept_for_when_the_network_is_off(web: AsyncWeb, tmp_path: Path) -> None:
    web.pages[f"{SECOND.url}/tool/"] = Reply(200, page(wheel()).body, {**JSON, "cache-control": "max-age=600"})
    fetch(web, tmp_path)
    assert fetch(web, tmp_path) == b"\x7fELF program"
    assert web.asked.count(URL) == 1
    assert len(web.asked) == 3, "the pages are not asked for again either"
    fetch(web, tmp_path, purpose="another system, for which another wheel may fit")
    assert web.asked.count(f"{FIRST.url}/tool/") == 2
    assert web.asked.count(URL) == 1
    assert fetch(web, tmp_path, offline=True) == b"\x7fELF program"


def test_another_file_than_the_index_announced_is_refused(web: AsyncWeb) -> None:
    web.pages[URL] = Reply(200, wheel(content=b"another program"))
    with pytest.raises(NetworkError) as caught:
        fetch(web)
    assert "sha256" in str(caught.value)


def test_a_file_without_a_hash_is_refused(web: AsyncWeb) -> None:
    web.pages[f"{SECOND.url}/tool/"] = page(wheel(), has_hash=False)
    with pytest.raises(NetworkError, match="cannot be used") as caught:
        fetch(web)
    assert "no hash" in caught.value.why
    assert URL not in web.asked


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"PK no archive", "zip"), (wheel("tool/__init__.py"), "it holds no program tool")],
)
def test_a_wheel_that_is_none_is_refused(web: AsyncWeb, body: bytes, why: str) -> None:
    web.pages[f"{SECOND.url}/tool/"] = page(body)
    web.pages[URL] = Reply(200, body)
    with pytest.raises(NetworkError, match="cannot be used") as caught:
        fetch(web)
    assert why in caught.value.why


def test_where_no_index_has_it_each_says_so(web: AsyncWeb) -> None:
    web.pages[f"{SECOND.url}/tool/"] = page(wheel(), name="tool-2.0-py3-none-any.whl")
    with pytest.raises(NetworkError, match=r"tool 1\.0 cannot be had") as caught:
        fetch(web)
    assert caught.value.why.splitlines() == [
        "https://first.example/simple: not there",
        "https://second.example/simple: no 1.0",
    ]
