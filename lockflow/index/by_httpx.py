"""What goes through httpx: transports that were given, proxies, and URLs that need more than to be taken apart.

Loaded for these alone: httpx costs a third of a second where a command line of its own is installed with it, and a
tenth of that where not; most runs have nothing to do with any of them.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING

import httpcore
import httpx

from lockflow.errors import NetworkError
from lockflow.index.urls import without_credentials

if TYPE_CHECKING:
    from lockflow.index.network import Transport
    from lockflow.index.transports import Header, Timeouts


def senders(transport: Transport) -> tuple[Given | None, GivenAsync | None]:
    """What lets a transport answer, in threads and on an event loop; None for what it cannot do."""
    return (
        Given(transport) if isinstance(transport, httpx.BaseTransport) else None,
        GivenAsync(transport) if isinstance(transport, httpx.AsyncBaseTransport) else None,
    )


class Given:
    """A transport of httpx that answers as the connections of httpcore do."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    def send(self, url: str, headers: Sequence[Header], timeouts: Timeouts) -> httpcore.Response:
        with _as_httpcore():
            response = self._transport.handle_request(_request(url, headers, timeouts))
        return httpcore.Response(response.status_code, headers=response.headers.raw, content=_Chunks(response))

    def close(self) -> None:
        self._transport.close()


class GivenAsync:
    """The same on an event loop."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def send(self, url: str, headers: Sequence[Header], timeouts: Timeouts) -> httpcore.Response:
        with _as_httpcore():
            response = await self._transport.handle_async_request(_request(url, headers, timeouts))
        return httpcore.Response(response.status_code, headers=response.headers.raw, content=_AsyncChunks(response))


def through_proxy(proxy: str, context: ssl.SSLContext) -> Given:
    """Connections by way of a proxy, whose URL may have user and password."""
    try:
        return Given(httpx.HTTPTransport(verify=context, http2=True, trust_env=False, proxy=httpx.Proxy(proxy)))
    except (ValueError, ImportError) as error:
        raise NetworkError(
            "the proxy cannot be used",
            where=without_credentials(proxy),
            why=f"{proxy.partition(':')[0]} is not a way to reach one, or what it takes is not installed",
            next="let the variable name an http, https or socks5 proxy (the last needs `httpx[socks]`)",
        ) from error


def parsed(url: str) -> httpcore.URL:
    """Any URL, encoded for the wire. Raises httpcore.UnsupportedProtocol where nobody can be asked for it."""
    with _as_httpcore():
        found = httpx.URL(url)
    return httpcore.URL(scheme=found.raw_scheme, host=found.raw_host, port=found.port, target=found.raw_path)


def _request(url: str, headers: Sequence[Header], timeouts: Timeouts) -> httpx.Request:
    return httpx.Request("GET", url, headers=list(headers), extensions={"timeout": timeouts})


class _Chunks:
    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        assert isinstance(self._response.stream, httpx.SyncByteStream)
        with _as_httpcore():
            yield from self._response.stream

    def close(self) -> None:
        self._response.close()


class _AsyncChunks:
    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert isinstance(self._response.stream, httpx.AsyncByteStream)
        with _as_httpcore():
            async for chunk in self._response.stream:
                yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


@contextlib.contextmanager
def _as_httpcore() -> Iterator[None]:
    """Failures as httpcore has them, by the same names."""
    try:
        yield
    except httpx.InvalidURL as error:
        raise httpcore.UnsupportedProtocol(str(error)) from error
    except httpx.TransportError as error:
        names = (kind.__name__ for kind in type(error).__mro__)
        failure = next((getattr(httpcore, name) for name in names if hasattr(httpcore, name)), httpcore.NetworkError)
        raise failure(str(error)) from error
