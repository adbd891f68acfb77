"""What the client asks in place of the network: nothing is loaded for it until something has to be asked for.

A run that is answered from the cache needs no httpx, and loading it takes a quarter of such a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, TypeAlias

from msgspec import Struct

from lockflow.index.mirrors import Mirrors
from lockflow.inputs.model import Index

if TYPE_CHECKING:
    import httpx

    from lockflow.index.http import Http

Transport: TypeAlias = "httpx.AsyncBaseTransport | httpx.BaseTransport"
"""What may stand for the network: tests serve an index from memory with one."""


class HttpOptions(Struct, frozen=True, kw_only=True):
    """How to reach hosts. `credentials` are (index URL without credentials, user, password).

    What lies below the first of a pair of `mirrors` is asked for below the second.
    """

    timeout_seconds: float = 30.0
    connect_timeout_seconds: float = 10.0
    retries: int = 3
    credentials: tuple[tuple[str, str, str], ...] = ()
    insecure_hosts: frozenset[str] = frozenset()
    environment: Mapping[str, str] = {}
    mirrors: Mirrors = ()
    has_keyring: bool = False
    """Whether the program `keyring` is asked for passwords."""


def http_options(environment: Mapping[str, str], credentials: tuple[tuple[str, str, str], ...] = ()) -> HttpOptions:
    """The options that variables of uv set; one that should be a number and is none is overlooked."""
    timeout = environment.get("UV_HTTP_TIMEOUT", environment.get("HTTP_TIMEOUT", ""))
    connect = environment.get("UV_HTTP_CONNECT_TIMEOUT", "")
    retries = environment.get("UV_HTTP_RETRIES", "")
    return HttpOptions(
        timeout_seconds=float(timeout) if _is_count(timeout) else 30.0,
        connect_timeout_seconds=float(connect) if _is_count(connect) else 10.0,
        retries=int(retries) if _is_count(retries) else 3,
        credentials=credentials,
        insecure_hosts=frozenset(environment.get("UV_INSECURE_HOST", "").lower().split()),
        environment=environment,
    )


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


class Answer(Struct, frozen=True, kw_only=True):
    """What a server said in the end. Names of headers are in lower case; `url` is where redirects led."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str
    note: str = ""
    """What is to be said beside a refusal: why no credentials were found where they were looked for."""

    @property
    def refusal(self) -> str:
        """A status that says no, in words."""
        return f"{self.url} answers {self.status}" + (f"; {self.note}" if self.note else "")


class Network:
    """Sends requests, through `lockflow.index.http`; see there for what `get` does."""

    def __init__(self, options: HttpOptions, transport: Transport | None = None) -> None:
        self._options = options
        self._transport = transport
        self._http: Http | None = None

    @property
    def request_count(self) -> int:
        return 0 if self._http is None else self._http.request_count

    @property
    def received_bytes(self) -> int:
        return 0 if self._http is None else self._http.received_bytes

    async def get(
        self,
        url: str,
        *,
        index: Index | None = None,
        headers: Sequence[tuple[str, str]] = (),
        byte_range: str | None = None,
        limit_bytes: int,
        sink: IO[bytes] | None = None,
    ) -> Answer:
        """Fetch `url`; see `Http.get`."""
        return await self._loaded().get(
            url, index=index, headers=headers, byte_range=byte_range, limit_bytes=limit_bytes, sink=sink
        )

    def close(self) -> None:
        if self._http is not None:
            self._http.close()

    def _loaded(self) -> Http:
        if self._http is None:
            from lockflow.index.http import Http  # noqa: PLC0415  see the head of this file

            self._http = Http(self._options, self._transport)
        return self._http
