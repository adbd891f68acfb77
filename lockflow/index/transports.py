"""Connections to hosts: by proxy and way of trusting, each thread with its own, names looked up once."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import httpcore

from lockflow.errors import NetworkError
from lockflow.index.network import Transport
from lockflow.index.urls import host_of, origin

Header: TypeAlias = tuple[bytes, bytes]
Timeouts: TypeAlias = Mapping[str, float | None]
"""Seconds to `connect`, to `read`, to `write`, and to wait for a connection of the `pool`."""

_PORTS = {"http": 80, "https": 443}
_PLAIN_URL = re.compile(
    r"(https?)://([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)(?::([1-9][0-9]{0,3}|[1-5][0-9]{4}))?"
    r"((?:/(?!\.)(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*)"
    r"(\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
"""What is sent as it is written; nearly all URLs are like that."""


class Sender(Protocol):
    """Something that asks for URLs. The answer has to be read and closed by the same thread."""

    def send(self, url: str, headers: Sequence[Header], timeouts: Timeouts) -> httpcore.Response: ...

    def close(self) -> None: ...


class SenderOnLoop(Protocol):
    """The same on an event loop."""

    async def send(self, url: str, headers: Sequence[Header], timeouts: Timeouts) -> httpcore.Response: ...


class Transports:
    """Senders, made when first needed.

    The HTTP/2 of httpcore is not safe to share between threads: two that send headers at once break the table that
    compresses them (seen: "deque mutated during iteration", and streams that never end). A pool that threads share
    also spends more time looking for an idle connection than a request takes. `given` answers everything instead;
    where it can on an event loop, that is `on_loop`, and else None.
    """

    def __init__(self, environment: Mapping[str, str], insecure_hosts: frozenset[str], given: Transport | None) -> None:
        self._environment = environment
        self._insecure_hosts = insecure_hosts
        self._given, self.on_loop = (None, None) if given is None else _given(given)
        proxies = _environment_proxies(environment)
        self._exceptions = proxies.pop("no", "")
        self._proxies = {scheme: url if "://" in url else f"http://{url}" for scheme, url in proxies.items()}
        self._senders: dict[tuple[str | None, bool, int], Sender] = {}
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._backend = LookingUpOnce()
        self._lock = threading.Lock()

    def for_url(self, url: str) -> Sender:
        """The sender of the calling thread for this URL."""
        if self._given is not None:
            return self._given
        proxy = self._proxy(url)
        is_plain = not url.lower().startswith("https:") and proxy is None
        is_trusting = is_plain or host_of(url) in self._insecure_hosts
        key = (proxy, is_trusting, threading.get_ident())
        sender = self._senders.get(key)
        if sender is None:
            with self._lock:
                sender = self._senders[key] = self._make(proxy, is_trusting=is_trusting)
        return sender

    def _make(self, proxy: str | None, *, is_trusting: bool) -> Sender:
        context = self._contexts.get(is_trusting)
        if context is None:
            context = _trusting_context() if is_trusting else _context(self._environment)
            self._contexts[is_trusting] = context
        if proxy is not None:
            from lockflow.index.by_httpx import through_proxy  # noqa: PLC0415  see the head of that file

            return through_proxy(proxy, context)
        return Direct(context, self._backend)

    def _proxy(self, url: str) -> str | None:
        if not self._proxies or _is_excepted(url, self._exceptions):
            return None
        return self._proxies.get(url.partition(":")[0].lower()) or self._proxies.get("all")

    def close_own(self) -> None:
        """Close the connections of the calling thread.

        Nobody else does: a connection that opens while another thread closes it would stay open.
        """
        with self._lock:
            own = [key for key in self._senders if key[2] == threading.get_ident()]
            senders = [self._senders.pop(key) for key in own]
        for sender in senders:
            sender.close()


class Direct:
    """Connections of one thread with nothing in between, by httpcore itself: one for each origin.

    httpx would make its own request and answer around each, which costs as much again; and a pool, which looks through
    its connections before and after each request, a sixth of that.
    """

    def __init__(self, context: ssl.SSLContext, backend: httpcore.NetworkBackend) -> None:
        self._context = context
        self._backend = backend
        self._connections: dict[tuple[bytes, bytes, int], httpcore.HTTPConnection] = {}

    def send(self, url: str, headers: Sequence[Header], timeouts: Timeouts) -> httpcore.Response:
        where = encoded(url)
        if where.scheme not in (b"http", b"https"):
            raise httpcore.UnsupportedProtocol(f"{where.scheme.decode('ascii', 'replace')} is not asked over HTTP")
        host = where.host if b":" not in where.host else b"[%b]" % where.host
        if where.port is not None:
            host += b":%d" % where.port
        request = httpcore.Request("GET", where, headers=[(b"host", host), *headers], extensions={"timeout": timeouts})
        try:
            return self._connection(where.origin).handle_request(request)
        except httpcore.ConnectionNotAvailable:
            # The server has said goodbye on it meanwhile, or all its streams are used up.
            self._forget(where.origin)
            return self._connection(where.origin).handle_request(request)

    def _connection(self, origin: httpcore.Origin) -> httpcore.HTTPConnection:
        """The open connection to an origin, or one that will be opened."""
        key = (origin.scheme, origin.host, origin.port)
        known = self._connections.get(key)
        if known is not None and (known.is_closed() or known.has_expired()):
            self._forget(origin)
            known = None
        if known is None:
            if len(self._connections) >= _MOST_ORIGINS:
                self._connections.pop(next(iter(self._connections))).close()
            known = self._connections[key] = httpcore.HTTPConnection(
                origin, ssl_context=self._context, http2=True, network_backend=self._backend
            )
        return known

    def _forget(self, origin: httpcore.Origin) -> None:
        connection = self._connections.pop((origin.scheme, origin.host, origin.port), None)
        if connection is not None:
            connection.close()

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()


_MOST_ORIGINS = 8
"""Connections that a thread keeps open: an index, where its files lie, and some that these lead to."""


def encoded(url: str) -> httpcore.URL:
    """A URL as it goes over the wire. Raises httpcore.UnsupportedProtocol where nobody can be asked for it."""
    plain = _PLAIN_URL.fullmatch(url)
    if plain is None:
        from lockflow.index.by_httpx import parsed  # noqa: PLC0415  see the head of that file

        return parsed(url)
    scheme, host, port_text, path, query = plain.groups(default="")
    port = int(port_text) if port_text else None
    return httpcore.URL(
        scheme=scheme, host=host.lower(), port=None if port == _PORTS[scheme] else port, target=(path or "/") + query
    )


def _given(transport: Transport) -> tuple[Sender | None, SenderOnLoop | None]:
    from lockflow.index.by_httpx import senders  # noqa: PLC0415  see the head of that file

    return senders(transport)


class LookingUpOnce(httpcore.SyncBackend):
    """Connects to the addresses of a host as they were when it was first asked for.

    Dozens of threads that look up one name at the same moment overrun small resolvers (seen: sixteen at once lose
    packets and wait five seconds for the second try).
    """

    def __init__(self) -> None:
        self._addresses: dict[tuple[str, int], list[str]] = {}
        self._lock = threading.Lock()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Try the addresses one after the other; TLS goes on checking the name."""
        addresses = self._look_up(host, port)
        for address in addresses[:-1]:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
        return super().connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    def _look_up(self, host: str, port: int) -> list[str]:
        with self._lock:
            known = self._addresses.get((host, port))
            if known is None:
                try:
                    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                except OSError as error:
                    raise httpcore.ConnectError(str(error)) from error
                known = self._addresses[host, port] = list(dict.fromkeys(str(entry[4][0]) for entry in found))
            return known


def _environment_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """`*_proxy` variables by scheme; those in lower case count where both are set, as everywhere."""
    found: dict[str, str] = {}
    for scheme in ("http", "https", "all", "no"):
        value = environment.get(f"{scheme}_proxy")
        if value is None and not (scheme == "http" and "REQUEST_METHOD" in environment):
            # Under CGI a header of the request sets HTTP_PROXY; that one is not believed.
            value = environment.get(f"{scheme.upper()}_PROXY")
        if value:
            found[scheme] = value
    return found


def _is_excepted(url: str, exceptions: str) -> bool:
    """Whether `no_proxy` names the host: itself, a domain above it, with port, an address or a network."""
    host = host_of(url)
    authority = origin(url).partition("://")[2]
    for entry in exceptions.lower().replace(",", " ").split():
        name = entry.removeprefix("*").removeprefix(".")
        if entry == "*" or name in (host, authority):
            return True
        if name and (host.endswith(f".{name}") or authority.endswith(f".{name}")):
            return True
        if "/" in name:
            with contextlib.suppress(ValueError):
                if ipaddress.ip_address(host) in ipaddress.ip_network(name, strict=False):
                    return True
    return False


def _context(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Trust what SSL_CERT_FILE and SSL_CERT_DIR name, else the system, else the certificates httpcore brings along."""
    file, folders = environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR")
    if file or folders:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            if file:
                context.load_verify_locations(cafile=file)
            for folder in (folders or "").split(os.pathsep):
                if folder and os.path.isdir(folder):  # noqa: PTH112  a text of the environment
                    context.load_verify_locations(capath=folder)
        except OSError as error:
            raise NetworkError(
                "the certificates cannot be read",
                where=f"SSL_CERT_FILE={file}" if file else f"SSL_CERT_DIR={folders}",
                why=str(error),
                next="let the variable name PEM certificates, or unset it",
            ) from error
        return context
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if context.cert_store_stats()["x509_ca"] == 0 and not paths.capath:
        return httpcore.default_ssl_context()
    return context


def _trusting_context() -> ssl.SSLContext:
    """For hosts that the user said need no proof, and for connections without TLS: loading certificates takes 10 ms."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
