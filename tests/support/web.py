"""A web of a few URLs in memory, behind an httpx transport that remembers what was asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Page = Reply | Exception | Callable[[httpx.Request], Reply]


class _Body(httpx.ByteStream):
    """A body that is among the open ones until it is closed."""

    def __init__(self, content: bytes, among: set[_Body]) -> None:
        super().__init__(content)
        self._among = among
        among.add(self)

    def close(self) -> None:
        self._among.discard(self)

    async def aclose(self) -> None:
        self.close()


class Web(httpx.BaseTransport):
    """Answers from `pages`; a list is used up from the front, its last entry stays. Unknown URLs are 404.

    `ranges` tells how byte ranges are answered: `yes`, `ignored` (the whole file), or a status that refuses them.
    `open` holds the answers that nobody closed.
    """

    def __init__(self, ranges: str | int = "yes") -> None:
        self.pages: dict[str, Page | list[Page]] = {}
        self.ranges = ranges
        self.requests: list[httpx.Request] = []
        self.open: set[_Body] = set()

    @property
    def asked(self) -> list[str]:
        return [str(request.url) for request in self.requests]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        page = self.pages.get(str(request.url), Reply(404))
        if isinstance(page, list):
            page = page.pop(0) if len(page) > 1 else page[0]
        if isinstance(page, Exception):
            raise page
        reply = page if isinstance(page, Reply) else page(request)
        wanted = request.headers.get("range")
        if wanted and reply.status == 200 and self.ranges != "ignored":
            reply = Reply(self.ranges) if isinstance(self.ranges, int) else _part(reply, wanted)
        return httpx.Response(reply.status, headers=dict(reply.headers), stream=_Body(reply.body, self.open))


class AsyncWeb(Web, httpx.AsyncBaseTransport):
    """The same on an event loop."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


def _part(reply: Reply, wanted: str) -> Reply:
    match = re.fullmatch(r"bytes=(\d*)-(\d+)", wanted)
    assert match is not None, wanted
    size = len(reply.body)
    start = int(match[1]) if match[1] else max(0, size - int(match[2]))
    stop = min(size, int(match[2]) + 1) if match[1] else size
    return Reply(206, reply.body[start:stop], {**reply.headers, "content-range": f"bytes {start}-{stop - 1}/{size}"})
