"""A function from request to answer, put behind HTTP/1.1 on loopback or behind an httpx transport in memory.

The server keeps connections alive and pauses `latency_seconds` before each answer, so a far index can be played; it
spends little time of its own since benchmarks share the machine with it.
"""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from http import HTTPStatus
from types import TracebackType
from typing import Self, TypeAlias, cast

import httpx

from support.index_content import PUBLIC, Answer, Hosts

Answering: TypeAlias = Callable[[str, str, Mapping[str, str]], Answer]
"""Method, request target and headers (names in lower case) to an answer."""


class IndexServer:
    """Serves `answer` on `host` from a thread of its own, as a context manager.

    `answer` may be set after the port is known, since pages name the server's own address. With `may_block` it runs
    in threads, for an answer that has to be fetched first; without, on the loop, which costs least.
    """

    def __init__(
        self,
        answer: Answering | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        latency_seconds: float = 0,
        may_block: bool = False,
    ) -> None:
        self.answer = answer
        self.latency_seconds = latency_seconds
        self.executor: Executor | None = ThreadPoolExecutor(24) if may_block else None
        self.loop = asyncio.new_event_loop()
        self.connections: set[_Connection] = set()
        self._listener = self.loop.run_until_complete(
            self.loop.create_server(lambda: _Connection(self), host, port, backlog=512)
        )
        self.origin = f"http://{host}:{self._listener.sockets[0].getsockname()[1]}"
        self._thread = threading.Thread(target=self.loop.run_forever, name="index", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        if self.executor:
            self.executor.shutdown()

    async def _close(self) -> None:
        self._listener.close()
        for connection in tuple(self.connections):
            connection.close()
        await self._listener.wait_closed()
        # a closed transport reports the loss one turn later
        await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    """One client: requests are answered in the order in which they came."""

    def __init__(self, server: IndexServer) -> None:
        self.server = server
        self.received = b""
        self.pending: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.connections.discard(self)

    def close(self) -> None:
        if self.pending:
            self.pending.cancel()
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.pending is None:
            self.serve()

    def serve(self) -> None:
        """Answer what has arrived whole; stop where an answer takes time, which calls this again."""
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head, self.received = self.received[:end], self.received[end + 4 :]
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, version = first.split(" ", 2)
            headers = {}
            for line in lines:
                name, _, value = line.partition(":")
                headers[name.strip().lower()] = value.strip()
            is_last = version == "HTTP/1.0" or headers.get("connection", "").lower() == "close"
            if self.server.latency_seconds or self.server.executor:
                self.pending = self.server.loop.create_task(self.serve_later(method, target, headers, is_last=is_last))
                return
            self.send(self.ask(method, target, headers), method, is_last=is_last)

    async def serve_later(self, method: str, target: str, headers: Mapping[str, str], *, is_last: bool) -> None:
        if self.server.executor:
            answer = await self.server.loop.run_in_executor(self.server.executor, self.ask, method, target, headers)
        else:
            answer = self.ask(method, target, headers)
        if self.server.latency_seconds:
            await asyncio.sleep(self.server.latency_seconds)
        self.pending = None
        self.send(answer, method, is_last=is_last)
        self.serve()

    def ask(self, method: str, target: str, headers: Mapping[str, str]) -> Answer:
        assert self.server.answer is not None, "the server was asked before it knew what to answer"
        try:
            return self.server.answer(method, target, headers)
        except Exception:  # noqa: BLE001  a fault of the answer must reach the client and the reader, not end the server
            return Answer(500, [("content-type", "text/plain")], traceback.format_exc().encode())

    def send(self, answer: Answer, method: str, *, is_last: bool) -> None:
        lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        if answer.status != HTTPStatus.NOT_MODIFIED and not any(name == "content-length" for name, _ in answer.headers):
            lines.append(f"content-length: {len(answer.body)}")
        if is_last:
            lines.append("connection: close")
        body = b"" if method == "HEAD" else answer.body
        self.transport.write("\r\n".join([*lines, "\r\n"]).encode("latin-1") + body)
        if is_last:
            self.transport.close()


class MemoryTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Serves `answer` to an httpx client, synchronous or not, without a socket.

    A request to one of the hosts gets the path that a server on loopback would see: `/idx/`, `/fil/` or `/git/`.
    Any other host cannot be reached.
    """

    def __init__(self, answer: Answering, hosts: Hosts = PUBLIC) -> None:
        self.answer = answer
        self.hosts = hosts

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url.copy_with(userinfo=b"")) if request.url.userinfo else str(request.url)
        for root, prefix in ((self.hosts.index, "/idx"), (self.hosts.files, "/fil"), (self.hosts.git, "/git")):
            if url.startswith((root + "/", root + "?")):
                target = prefix + url.removeprefix(root)
                break
        else:
            message = f"no route to {request.url.host}"
            raise httpx.ConnectError(message, request=request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self.answer(request.method, target, headers)
        return httpx.Response(answer.status, headers=list(answer.headers), content=answer.body, request=request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)
