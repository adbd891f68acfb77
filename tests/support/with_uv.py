"""An index that also carries uv."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import httpx

from support.index_server import MemoryTransport
from support.workbench import Workbench

TRANSPORT = Workbench.transport.fget  # type: ignore[attr-defined]  # a property
UV_WHEELS = (
    "uv-0.13.8-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "uv-0.13.8-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl",
    "uv-0.13.8-py3-none-macosx_11_0_arm64.whl",
)


def uv_wheel(name: str) -> bytes:
    with io.BytesIO() as target:
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("uv-0.13.8.data/scripts/uv", f"program of {name}")
        return target.getvalue()


class WithUv(MemoryTransport):
    """The index of a workbench that also carries the wheels of uv."""

    def __init__(self, bench: Workbench) -> None:
        inner = TRANSPORT(bench)
        assert isinstance(inner, MemoryTransport)
        super().__init__(inner.answer, inner.hosts)
        wheels = {name: uv_wheel(name) for name in UV_WHEELS}
        files = [
            {
                "filename": name,
                "url": f"https://files.example/tools/{name}",
                "hashes": {"sha256": hashlib.sha256(body).hexdigest()},
            }
            for name, body in wheels.items()
        ]
        page = json.dumps({"meta": {"api-version": "1.0"}, "name": "uv", "files": files}).encode()
        self._own = {f"https://files.example/tools/{name}": body for name, body in wheels.items()}
        self._own["https://index.example/simple/uv/"] = page

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = self._own.get(str(request.url))
        if body is None:
            return super().handle_request(request)
        headers = {"content-type": "application/vnd.pypi.simple.v1+json"}
        return httpx.Response(200, headers=headers, content=body, request=request)
