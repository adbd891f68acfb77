"""A table of releases (tests/golden/README.md) to the answers of an index, a file host and a git host.

Pages as PEP 503 (HTML) and PEP 691 (JSON) describe them, metadata files as PEP 658 and 714 do, conditional and range
requests as RFC 9110 does. Everything is a function of the request: servers and transports stand elsewhere.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit

JSON_PAGE = "application/vnd.pypi.simple.v1+json"
PAGE_CACHE = "max-age=600, public"
FILE_CACHE = "max-age=365000000, immutable, public"

GitAnswering: TypeAlias = "Callable[[str], Answer]"


class Answer(NamedTuple):
    """What is sent back; header names are lower case."""

    status: int
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where the three public prefixes of the data are served: roots without a trailing slash."""

    index: str
    files: str
    git: str

    def localise(self, text: str) -> str:
        """Public prefixes to these hosts; credentials before a host stay."""
        for public, root in (("index", self.index), ("files", self.files), ("git", self.git)):
            scheme, _, rest = root.partition("://")
            text = re.sub(rf"https://([^/@\s\"']+@)?{public}\.example", rf"{scheme}://\g<1>{rest}", text)
        return text

    def publish(self, text: str) -> str:
        """These hosts back to the public prefixes."""
        for public, root in (("index", self.index), ("files", self.files), ("git", self.git)):
            text = text.replace(root, f"https://{public}.example")
        return text


PUBLIC = Hosts("https://index.example", "https://files.example", "https://git.example")


def one_origin(origin: str) -> Hosts:
    """All three on one origin, as a server on loopback offers them."""
    return Hosts(f"{origin}/idx", f"{origin}/fil", f"{origin}/git")


class Body(NamedTuple):
    """Something that can be served, before a request has chosen a form of it."""

    content: bytes
    content_type: str
    cache_control: str
    etag: str
    packed: bytes | None = None


def body(content: bytes, content_type: str, cache_control: str, *, pack: bool = False) -> Body:
    etag = f'"{hashlib.sha256(content_type.encode() + content).hexdigest()[:32]}"'
    packed = gzip.compress(content, 6, mtime=0) if pack and len(content) > 512 else None
    return Body(content, content_type, cache_control, etag, packed)


def respond(found: Body, method: str, headers: Mapping[str, str]) -> Answer:
    """Choose what a request gets of a body: nothing new, a range of bytes, packed bytes, or all."""
    answer = [
        ("content-type", found.content_type),
        ("etag", found.etag),
        ("cache-control", found.cache_control),
        ("accept-ranges", "bytes"),
        ("vary", "accept, accept-encoding"),
    ]
    if found.etag in headers.get("if-none-match", ""):
        return Answer(304, answer)
    content, status, total = found.content, 200, len(found.content)
    if wanted := re.fullmatch(r"bytes=(\d*)-(\d*)", headers.get("range", "")):
        first, last = wanted.groups()
        start = int(first) if first else max(total - int(last or 0), 0)
        end = min(int(last), total - 1) if first and last else total - 1
        if start > end:
            return Answer(416, [*answer, ("content-range", f"bytes */{total}")])
        content, status = content[start : end + 1], 206
        answer.append(("content-range", f"bytes {start}-{end}/{total}"))
    elif found.packed is not None and "gzip" in headers.get("accept-encoding", ""):
        content = found.packed
        answer.append(("content-encoding", "gzip"))
    answer.append(("content-length", str(len(content))))
    return Answer(status, answer, b"" if method == "HEAD" else content)


class IndexContent:
    """What `index.toml` says is served; `answer` maps one request to one answer.

    Paths begin with `/idx/` (indexes), `/fil/` (files) or `/git/` (left to `git`, if given). `requests` records what
    was asked, in order.
    """

    def __init__(
        self, table: Mapping[str, Any], hosts: Hosts = PUBLIC, *, pack: bool = False, git: GitAnswering | None = None
    ) -> None:
        self.hosts = hosts
        self.git = git
        self.requests: list[tuple[str, str]] = []
        self._pack = pack
        self._indexes: dict[str, Mapping[str, Any]] = {entry["name"]: entry for entry in table.get("index", ())}
        self._indexes.setdefault("simple", {"name": "simple"})
        self._pages: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._files: dict[str, Body] = {}
        self._built: dict[tuple[str, str, bool], Body] = {}
        for release in table.get("release", ()):
            self._add(release)

    def _add(self, release: Mapping[str, Any]) -> None:
        index = release.get("index", "simple")
        project = normalise(release["name"])
        for file in release.get("file", ()):
            filename = file["filename"]
            url = file.get("url", f"https://files.example/{filename}")
            entry = {**file, "url": self.hosts.localise(url)}
            for key in ("requires-python", "yanked"):
                if key in release:
                    entry.setdefault(key, release[key])
            path = file_path(url)
            if filename.endswith(".whl") and "metadata" in release:
                entry["core-metadata"] = True
                self._files[path + ".metadata"] = self._immutable(release["metadata"].encode())
            if "content" in file:
                self._files[path] = self._immutable(base64.b64decode(file["content"]))
            if index != "none":
                flat = self._indexes[index].get("kind") == "flat"
                self._pages.setdefault((index, "" if flat else project), []).append(entry)

    def _immutable(self, content: bytes) -> Body:
        return body(content, "application/octet-stream", FILE_CACHE)

    def answer(self, method: str, target: str, headers: Mapping[str, str]) -> Answer:
        """Answer one request; header names in lower case. What is not there is 404, and never an exception."""
        self.requests.append((method, target))
        path = target.partition("?")[0]
        if path.startswith("/idx/"):
            return self._answer_page(method, path, headers)
        if path.startswith("/git/"):
            return self.git(target) if self.git else Answer(404, (), b"no repositories\n")
        found = self._files.get(file_path(path))
        return respond(found, method, headers) if found else Answer(404, (), b"not served\n")

    def _answer_page(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        index, _, rest = unquote(path).removeprefix("/idx/").partition("/")
        if index not in self._indexes:
            return Answer(404, (), b"no such index\n")
        flat = self._indexes[index].get("kind") == "flat"
        project = normalise(rest.strip("/"))
        if not flat and project and path != f"/idx/{index}/{project}/":
            return Answer(301, [("location", f"{self.hosts.index}/{index}/{project}/")])
        if (index, project) not in self._pages:
            return Answer(404, (), b"no such project\n")
        wants_json = not flat and self._indexes[index].get("format", "json") == "json"
        wants_json = wants_json and JSON_PAGE in headers.get("accept", JSON_PAGE)
        key = (index, project, wants_json)
        if key not in self._built:
            files = self._pages[index, project]
            text = as_json(project, files) if wants_json else as_html(project or index, files)
            kind = JSON_PAGE if wants_json else "text/html; charset=utf-8"
            self._built[key] = body(text.encode(), kind, PAGE_CACHE, pack=self._pack)
        return respond(self._built[key], method, headers)


def normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def file_path(url: str) -> str:
    """The path under which a file is found, whatever way its link spells it."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc:
        path = "/fil/" + path.lstrip("/")
    elif "/fil/" in path:
        path = path[path.index("/fil/") :]
    return posixpath.normpath(path)


def as_json(project: str, files: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(
        {"meta": {"api-version": "1.1"}, "name": project, "files": [_json_entry(file) for file in files]},
        separators=(",", ":"),
    )


def _json_entry(file: Mapping[str, Any]) -> dict[str, Any]:
    hashes = dict(file.get("hashes", {}))
    if "sha256" in file:
        hashes["sha256"] = file["sha256"]
    entry = {"filename": file["filename"], "url": file["url"], "hashes": hashes}
    keys = ("size", "upload-time", "requires-python", "yanked", "core-metadata")
    return entry | {key: file[key] for key in keys if key in file}


def as_html(title: str, files: Sequence[Mapping[str, Any]]) -> str:
    links = "".join(f"{_link(file)}<br/>\n" for file in files)
    return f"<!DOCTYPE html>\n<html><head><title>Links for {title}</title></head><body>\n{links}</body></html>\n"


def _link(file: Mapping[str, Any]) -> str:
    hashes = ({"sha256": file["sha256"]} if "sha256" in file else {}) | dict(file.get("hashes", {}))
    url = file["url"]
    if hashes and "#" not in url:
        url += "#{}={}".format(*next(iter(hashes.items())))
    attributes = [("href", url)]
    if "requires-python" in file:
        attributes.append(("data-requires-python", file["requires-python"]))
    if "core-metadata" in file:
        attributes += [("data-core-metadata", "true"), ("data-dist-info-metadata", "true")]
    if file.get("yanked"):
        attributes.append(("data-yanked", file["yanked"] if isinstance(file["yanked"], str) else ""))
    text = " ".join(f'{key}="{html.escape(value)}"' for key, value in attributes)
    return f"<a {text}>{html.escape(file['filename'])}</a>"
