"""A small index with files that can be installed, in memory or over HTTP."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import select
import socket
import threading
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from support.archives import tar_gz

ANY = "py3-none-any"
JSON = "application/vnd.pypi.simple.v1+json"
UPLOADED = "2024-03-01T12:00:00Z"


@dataclass
class House(httpx.BaseTransport):
    """An index at `origin`/simple/ whose files lie in `origin`/files/; every wheel holds one module with its name."""

    origin: str = "https://index.example"
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Contents by file name by project."""
    password: str = ""
    """Asked of whoever comes over HTTP, as that of the user `reader`."""
    was_asked_with_password: bool = False
    delayed: set[str] = field(default_factory=set)
    """Projects whose files do not come for as long as they are in here."""
    is_waiting: bool = False
    """Whether somebody waits for one of them."""

    def offer(
        self, name: str, version: str, *requires: str, wheels: Iterable[str] = (ANY,), sdist: bool = False
    ) -> None:
        """Put a release on the index."""
        mine = self.files.setdefault(name, {})
        for tags in wheels:
            mine[f"{name.replace('-', '_')}-{version}-{tags}.whl"] = _wheel(name, version, requires, tags)
        if sdist:
            mine[f"{name.replace('-', '_')}-{version}.tar.gz"] = _sdist(name, version, requires)

    def carry(self, project: str, filename: str, content: bytes) -> None:
        """Put a file as it is on the index."""
        self.files.setdefault(project, {})[filename] = content

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body for a path on the origin."""
        parts = path.strip("/").split("/")
        if parts[:1] == ["simple"] and len(parts) == 2 and parts[1] in self.files:
            return 200, JSON, self._page(parts[1])
        if parts[:1] == ["files"] and len(parts) == 2:
            for mine in self.files.values():
                if parts[1] in mine:
                    return 200, "application/octet-stream", mine[parts[1]]
        return 404, "text/plain", b"not here"

    def hold_back(self, path: str, connection: socket.socket) -> None:
        """Wait for as long as the file at `path` is not to come, and somebody is there who waits for it."""
        name = path.rpartition("/")[2]
        while path.startswith("/files/") and any(name in self.files[project] for project in self.delayed):
            self.is_waiting = True
            # Whoever waits says nothing, so what can be read is the end of the connection.
            if select.select([connection], [], [], 0.05)[0]:
                break
        self.is_waiting = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url)
        if not url.startswith(f"{self.origin}/"):
            raise httpx.ConnectError(f"no route to {request.url.host}", request=request)
        status, kind, body = self.answer(url.removeprefix(self.origin))
        return httpx.Response(status, headers={"content-type": kind}, content=body, request=request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)

    @contextmanager
    def served(self, host: str = "127.0.0.1") -> Iterator[str]:
        """Serve it over HTTP on `host`; `origin` is the server's for as long."""
        house = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if house.password:
                    token = base64.b64encode(f"reader:{house.password}".encode()).decode()
                    if self.headers.get("authorization") != f"Basic {token}":
                        self.send_response(401)
                        self.send_header("www-authenticate", 'Basic realm="tests"')
                        self.send_header("content-length", "0")
                        self.end_headers()
                        return
                    house.was_asked_with_password = True
                house.hold_back(self.path, self.connection)
                status, kind, body = house.answer(self.path)
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815  as the base class has it

            def log_message(self, *arguments: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            # Clients open dozens of connections at once; who finds no room tries again after a second.
            request_queue_size = 128

        server = Server((host, 0), Handler)
        before, self.origin = self.origin, f"http://{host}:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self.origin
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            self.origin = before

    def _page(self, name: str) -> bytes:
        files = [
            {
                "filename": filename,
                "url": f"{self.origin}/files/{filename}",
                "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
                "size": len(content),
                "upload-time": UPLOADED,
            }
            for filename, content in self.files[name].items()
        ]
        document = {"meta": {"api-version": "1.1"}, "name": name, "files": files, "versions": []}
        return json.dumps(document).encode()


def _metadata(name: str, version: str, requires: Iterable[str]) -> bytes:
    lines = ["Metadata-Version: 2.3", f"Name: {name}", f"Version: {version}", "Requires-Python: >=3.8"]
    extras = {part.split("'")[1] for text in requires if "extra ==" in text for part in [text.partition("extra ==")[2]]}
    lines += [f"Provides-Extra: {extra}" for extra in sorted(extras)]
    return "\n".join([*lines, *(f"Requires-Dist: {text}" for text in requires), "", ""]).encode()


def _wheel(name: str, version: str, requires: Iterable[str], tags: str) -> bytes:
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    wheel = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: {str(tags == ANY).lower()}\n"
    pythons, abis, platforms = tags.split("-")
    for python in pythons.split("."):
        for platform in platforms.split("."):
            wheel += f"Tag: {python}-{abis}-{platform}\n"
    files = {
        f"{module}/__init__.py": f"version = {version!r}\n".encode(),
        f"{info}/METADATA": _metadata(name, version, requires),
        f"{info}/WHEEL": wheel.encode(),
    }
    record = "".join(f"{path},{_record(content)},{len(content)}\n" for path, content in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    with io.BytesIO() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, content in files.items():
                archive.writestr(zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0)), content)
        return target.getvalue()


def _record(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _sdist(name: str, version: str, requires: Iterable[str]) -> bytes:
    folder = f"{name.replace('-', '_')}-{version}"
    setup = f"from setuptools import setup\n\nsetup(name={name!r}, version={version!r}, py_modules=[])\n"
    files = {f"{folder}/PKG-INFO": _metadata(name, version, requires), f"{folder}/setup.py": setup.encode()}
    return tar_gz(files)
