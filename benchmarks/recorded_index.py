"""An index recorded into a folder, replayed as the common public index serves it.

Pages: PEP 691 JSON or HTML by negotiation, with sizes, upload times and announced metadata (PEP 658, 700, 714), an
ETag and ten minutes of freshness. Metadata files: fresh for ever. Distributions are never recorded: a tool that
downloads one gets 404, since the benchmark is about locking.

With an `upstream` gaps are filled from there on demand and kept; files newer than the cut-off are left out, so that
the recording means the same whenever it is made.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from benchmarks.upstream import Page
from support.index_content import FILE_CACHE, JSON_PAGE, PAGE_CACHE, Answer, Body, as_html, body, normalise, respond

CUT_OFF = "2026-10-01T00:00:00"


class Source(Protocol):
    """What can fill gaps."""

    def page(self, project: str) -> Page | None: ...

    def metadata(self, url: str) -> bytes | None: ...


class RecordedIndex:
    """`answer` serves `/simple/PROJECT/` and `/files/PROJECT/KEY/WHEEL.metadata`.

    `folder` holds `pages/PROJECT.json` and `metadata/PROJECT/WHEEL.metadata`; an empty file means that upstream has
    none. `served` counts what was answered, by kind.
    """

    def __init__(self, folder: Path, origin: str, upstream: Source | None = None) -> None:
        self.folder = folder
        self.origin = origin
        self.upstream = upstream
        self.served: Counter[str] = Counter()
        self._bodies: dict[tuple[str, bool], Body | None] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    def answer(self, method: str, target: str, headers: Mapping[str, str]) -> Answer:
        path = target.partition("?")[0]
        if path == "/-/served":
            return Answer(200, [("content-type", "application/json")], json.dumps(self.served).encode())
        is_page = path.startswith("/simple/")
        if is_page and path != (proper := f"/simple/{normalise(path.removeprefix('/simple/').strip('/'))}/"):
            return Answer(301, [("location", proper)])
        wants_json = is_page and JSON_PAGE in headers.get("accept", "")
        key = (path, wants_json)
        if key not in self._bodies:
            with self._guard:
                lock = self._locks[path]
            with lock:
                if key not in self._bodies:
                    self._bodies[key] = (
                        self._page_body(path, wants_json=wants_json) if is_page else self._metadata_body(path)
                    )
        found = self._bodies[key]
        if found is None:
            self.served["missing"] += 1
            return Answer(404, [("content-type", "text/plain")], b"not recorded\n")
        answer = respond(found, method, headers)
        self.served["unchanged" if answer.status == 304 else "page" if is_page else "metadata"] += 1
        return answer

    def _page_body(self, path: str, *, wants_json: bool) -> Body | None:
        project = path.split("/")[2]
        page = self.page(project)
        if page is None:
            return None
        files = [file | {"url": self.origin + local_path(project, file)} for file in page["files"]]
        if not wants_json:
            return body(as_html(project, files).encode(), "text/html; charset=utf-8", PAGE_CACHE, pack=True)
        text = json.dumps(page | {"files": files}, separators=(",", ":"))
        return body(text.encode(), JSON_PAGE, PAGE_CACHE, pack=True)

    def _metadata_body(self, path: str) -> Body | None:
        parts = path.split("/")
        if len(parts) != 5 or parts[1] != "files" or not path.endswith(".whl.metadata"):
            return None
        content = self.metadata(parts[2], path.removesuffix(".metadata"))
        return body(content, "application/octet-stream", FILE_CACHE, pack=True) if content else None

    def page(self, project: str) -> Page | None:
        """The recorded listing, with upstream's file addresses."""
        store = self.folder / "pages" / f"{project}.json"
        if not store.exists():
            if self.upstream is None:
                return None
            page = self.upstream.page(project)
            write(store, json.dumps(prepared(page)).encode() if page else b"")
        content = store.read_bytes()
        found: Page | None = json.loads(content) if content else None
        return found

    def metadata(self, project: str, path: str) -> bytes | None:
        store = self.folder / "metadata" / project / (path.rpartition("/")[2] + ".metadata")
        if not store.exists():
            page = self.page(project) if self.upstream else None
            url = (
                next((file["url"] for file in page["files"] if local_path(project, file) == path), None)
                if page
                else None
            )
            if url is None or self.upstream is None:
                return None
            write(store, self.upstream.metadata(url) or b"")
        return store.read_bytes() or None


def prepared(page: Page) -> Page:
    """A listing as recorded: nothing newer than the cut-off, metadata announced for every wheel."""
    files = [file for file in page["files"] if file.get("upload-time", "") < CUT_OFF]
    for file in files:
        if file["filename"].endswith(".whl"):
            file["core-metadata"] = True
    return {"meta": {"api-version": "1.1"}, "name": page["name"], "files": files}


def local_path(project: str, file: Mapping[str, object]) -> str:
    """Where the replay serves a file: the key keeps equal names apart, as a real file host does."""
    hashes = file["hashes"]
    key = next(iter(hashes.values()))[:16] if isinstance(hashes, dict) and hashes else "none"
    return f"/files/{project}/{key}/{file['filename']}"


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)
