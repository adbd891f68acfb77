from __future__ import annotations

import asyncio
import base64
import gzip
import io
import socket
import ssl
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest

from lockflow.errors import NetworkError
from lockflow.index.by_httpx import Given
from lockflow.index.http import Http
from lockflow.index.network import Answer, HttpOptions, http_options
from lockflow.index.transports import LookingUpOnce, encoded
from lockflow.inputs.model import Index
from support.web import AsyncWeb, Page, Reply, Web

URL = "https://index.example/a"
INDEX = Index(url="https://index.example/simple", name="my-own")


class Waits(list[float]):
    """What was waited between attempts, without waiting."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def get(
    web: Web, url: str = URL, options: HttpOptions | None = None, waits: Waits | None = None, **more: Any
) -> Answer:
    async def ask() -> Answer:
        http = Http(
            options or HttpOptions(environment={"NETRC": "/nowhere"}), web, sleep=Waits() if waits is None else waits
        )
        try:
            return await http.get(url, **({"limit_bytes": 1 << 20} | more))
        finally:
            http.close()
            assert web.open == set(), "every answer is closed, whatever came of it"

    return asyncio.run(ask())


def web_of(pages: dict[str, Page | list[Page]], kind: type[Web] = Web) -> Web:
    web = kind()
    web.pages = pages
    return web


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize("kind", [Web, AsyncWeb])
def test_answer_is_handed_on_whatever_its_status(kind: type[Web]) -> None:
    web = web_of({URL: Reply(403, b"body", {"X-Name": "a"})}, kind)
    answer = get(web)
    assert (answer.status, answer.body, answer.url, answer.headers["x-name"]) == (403, b"body", URL, "a")


@pytest.mark.parametrize("kind", [Web, AsyncWeb])
def test_packed_answers_are_unpacked(kind: type[Web]) -> None:
    packed = Reply(200, gzip.compress(b"page" * 1000, mtime=0), {"content-encoding": "gzip"})
    web = web_of({URL: packed}, kind)
    assert get(web).body == b"page" * 1000
    assert web.requests[0].headers["accept-encoding"] == "gzip"
    sink = io.BytesIO()
    assert get(web, sink=sink).body == b""
    assert sink.getvalue() == b"page" * 1000
    assert web.requests[1].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, gzip.compress(b"page" * 1000, mtime=0)[:-9], {"content-encoding": "gzip"}),
        Reply(200, b"page", {"content-encoding": "gzip"}),
        Reply(200, b"page", {"content-encoding": "br"}),
    ],
)
def test_answer_that_cannot_be_unpacked_is_a_failure(reply: Reply) -> None:
    with pytest.raises(NetworkError) as caught:
        get(web_of({URL: reply}))
    assert "answer" in caught.value.why


@pytest.mark.parametrize(
    "reply",
    [Reply(200, b"x" * 5000), Reply(200, gzip.compress(b"x" * 5000, mtime=0), {"content-encoding": "gzip"})],
)
def test_answer_larger_than_the_limit_is_not_read_on(reply: Reply) -> None:
    web = web_of({URL: reply})
    with pytest.raises(NetworkError, match="could not be asked") as caught:
        get(web, limit_bytes=4999)
    assert "larger than" in caught.value.why
    assert len(web.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_statuses_that_pass_are_asked_again_with_growing_pauses(status: int) -> None:
    waits = Waits()
    web = web_of({URL: [Reply(status), Reply(status), Reply(200, b"at last")]})
    assert get(web, waits=waits).body == b"at last"
    assert waits == [0.5, 1.0]


def test_status_that_does_not_pass_is_handed_on_after_the_last_attempt() -> None:
    waits = Waits()
    assert get(web_of({URL: Reply(503)}), waits=waits).status == 503
    assert len(waits) == 3


def test_server_is_left_alone_as_long_as_it_asks() -> None:
    waits = Waits()
    web = web_of({URL: [Reply(429, headers={"retry-after": "7"}), Reply(200)]})
    assert get(web, waits=waits).status == 200
    assert waits == [7]


def test_nobody_waits_for_hours() -> None:
    waits = Waits()
    web = web_of({URL: [Reply(429, headers={"retry-after": "7200"}), Reply(200)]})
    assert get(web, waits=waits).status == 429
    assert waits == []


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (httpx.ConnectError("refused"), "refused (tried 4 times)"),
        (httpx.ConnectTimeout(""), "no connection in time (tried 4 times)"),
        (httpx.ReadTimeout(""), "no answer in time (tried 4 times)"),
        (httpx.RemoteProtocolError("broken"), "broken (tried 4 times)"),
        (httpx.ProxyError("407"), "a proxy refused: 407 (tried 4 times)"),
    ],
)
def test_failures_of_the_network_are_tried_again_then_said_in_four_parts(error: Exception, why: str) -> None:
    web = web_of({URL: error})
    with pytest.raises(NetworkError) as caught:
        get(web)
    assert len(web.requests) == 4
    assert caught.value.what == "index.example could not be asked"
    assert (caught.value.where, caught.value.why) == (URL, why)
    assert caught.value.next


def test_failure_that_passes_leaves_nothing_of_the_first_attempt() -> None:
    web = web_of({URL: [Reply(200, b"x" * 99, {"content-encoding": "deflate"}), Reply(200, b"whole")]})
    sink = io.BytesIO(b"rest of before")
    get(web, sink=sink)
    assert sink.getvalue() == b"whole"


def test_certificate_that_is_not_trusted_is_not_tried_again() -> None:
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    error.__cause__ = ssl.SSLCertVerificationError(1, "certificate verify failed")
    web = web_of({URL: error})
    with pytest.raises(NetworkError) as caught:
        get(web)
    assert len(web.requests) == 1
    assert "SSL_CERT_FILE" in caught.value.next


def test_redirects_are_followed_and_say_where_they_led() -> None:
    pages: dict[str, Page | list[Page]] = {
        URL: Reply(301, headers={"location": "/b?c"}),
        "https://index.example/b?c": Reply(307, headers={"Location": "https://files.example/d"}),
        "https://files.example/d": Reply(200, b"there"),
    }
    answer = get(web_of(pages))
    assert (answer.body, answer.url) == (b"there", "https://files.example/d")


@pytest.mark.parametrize("location", [URL, "file:///etc/passwd", "ftp://files.example/"])
def test_redirects_in_circles_or_out_of_the_web_are_failures(location: str) -> None:
    with pytest.raises(NetworkError) as caught:
        get(web_of({URL: Reply(302, headers={"location": location})}))
    assert "redirects" in caught.value.why


# Credentials ----------------------------------------------------------------------------------------------------


def authorization(options: HttpOptions, url: str, index: Index | None = INDEX) -> str | None:
    web = web_of({})
    get(web, url, options, index=index)
    assert "@" not in web.asked[0]
    header: str | None = web.requests[0].headers.get("authorization")
    return header


NO_NETRC = {"NETRC": "/nowhere"}


def test_credentials_of_an_index_go_to_its_origin_only() -> None:
    options = HttpOptions(credentials=((INDEX.url, "us", "pw"),), environment=NO_NETRC)
    for url in ("https://index.example/simple/a/", "https://index.example/files/a.whl"):
        assert authorization(options, url) == basic("us", "pw")
    for url in ("http://index.example/simple/a/", "https://index.example:444/", "https://files.example/a.whl"):
        assert authorization(options, url) is None


def test_of_several_indexes_on_one_host_the_one_asked_counts() -> None:
    other = Index(url="https://index.example/other")
    options = HttpOptions(credentials=((INDEX.url, "us", "pw"), (other.url, "them", "pw")), environment=NO_NETRC)
    assert authorization(options, "https://index.example/files/a.whl", other) == basic("them", "pw")
    assert authorization(options, "https://index.example/files/a.whl", INDEX) == basic("us", "pw")
    assert authorization(options, "https://index.example/other/a/", None) == basic("them", "pw")


def test_credentials_come_from_the_url_the_environment_and_netrc(tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine index.example login netty password np\n")
    environment = {"UV_INDEX_MY_OWN_USERNAME": "envy", "UV_INDEX_MY_OWN_PASSWORD": "ep", "NETRC": str(netrc)}
    options = HttpOptions(environment=environment)
    assert authorization(options, "https://u%40:p%3A@index.example/a") == basic("u@", "p:")
    assert authorization(options, "https://index.example/a") == basic("envy", "ep")
    assert authorization(HttpOptions(environment={"NETRC": str(netrc)}), "https://index.example/a") == basic(
        "netty", "np"
    )
    assert authorization(options, "https://files.example/a") is None


def test_netrc_that_cannot_be_read_is_overlooked(tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine machine machine")
    assert authorization(HttpOptions(environment={"NETRC": str(netrc)}), "https://index.example/a") is None


def test_credentials_do_not_follow_a_redirect_to_another_origin() -> None:
    web = web_of(
        {
            "https://index.example/simple/a/": Reply(302, headers={"location": "https://files.example/b"}),
            "https://files.example/b": Reply(302, headers={"location": "https://index.example/c"}),
            "https://index.example/c": Reply(200),
        }
    )
    options = HttpOptions(credentials=((INDEX.url, "us", "pw"),), environment=NO_NETRC)
    get(web, "https://index.example/simple/a/", options, index=INDEX)
    sent = [request.headers.get("authorization") for request in web.requests]
    assert sent == [basic("us", "pw"), None, basic("us", "pw")]


def test_no_message_shows_credentials() -> None:
    url = "https://us:secret@index.example/a"
    for page in (httpx.ConnectError("refused"), Reply(302, headers={"location": "ftp://us:secret@files.example/"})):
        with pytest.raises(NetworkError) as caught:
            get(web_of({URL: page}), url)
        assert "secret" not in str(caught.value)


# Options --------------------------------------------------------------------------------------------------------


def test_variables_of_uv_set_options() -> None:
    environment = {
        "UV_HTTP_TIMEOUT": "5",
        "UV_HTTP_CONNECT_TIMEOUT": "2",
        "UV_HTTP_RETRIES": "0",
        "UV_INSECURE_HOST": "A.example b.example",
    }
    options = http_options(environment, (("https://index.example/simple", "us", "pw"),))
    assert (options.timeout_seconds, options.connect_timeout_seconds, options.retries) == (5.0, 2.0, 0)
    assert options.insecure_hosts == {"a.example", "b.example"}
    assert http_options({"UV_HTTP_TIMEOUT": "soon", "UV_HTTP_RETRIES": "-1"}) == HttpOptions(
        environment={"UV_HTTP_TIMEOUT": "soon", "UV_HTTP_RETRIES": "-1"}
    )


def proxies(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *urls: str) -> list[str | None]:
    """Which proxy each URL is asked through."""
    made: list[str | None] = []

    def through(*, proxy: httpx.Proxy, **_: object) -> Web:
        made.append(str(proxy.url))
        return Web()

    def directly(*_: object) -> Given:
        made.append(None)
        return Given(Web())

    monkeypatch.setattr(httpx, "HTTPTransport", through)
    monkeypatch.setattr("lockflow.index.transports.Direct", directly)

    async def ask() -> None:
        for url in urls:
            http = Http(HttpOptions(environment={**NO_NETRC, **environment}))
            await http.get(url, limit_bytes=1)
            http.close()

    asyncio.run(ask())
    return made


@pytest.mark.parametrize(
    "url",
    [
        "https://index.example",
        "https://index.example/simple/a/",
        "http://Index.Example:8080/simple/a-1.0%2Blocal-py3-none-any.whl.metadata?b=c&d=/",
        "https://index.example:443/simple/",
        "http://127.0.0.1:47011/a?",
        "https://[2001:db8::1]:8443/a",
        "https://index.example/ä b/|?q=ö",
        "https://bücher.example/a",
        "https://index.example/a/../b/./c",
        "https://index.example/100%/%zz",
        "https://us:pw@index.example/a",
    ],
)
def test_urls_go_over_the_wire_as_httpx_writes_them(url: str) -> None:
    found, reference = encoded(url), httpx.URL(url)
    assert (found.scheme, found.host, found.port) == (reference.raw_scheme, reference.raw_host, reference.port)
    assert found.target == reference.raw_path


def test_url_that_nobody_can_ask_is_tried_once() -> None:
    with pytest.raises(NetworkError) as caught:
        asyncio.run(Http(HttpOptions(environment=NO_NETRC)).get("https://index.example/a\tb", limit_bytes=1))
    assert "tried" not in str(caught.value)


def test_a_host_is_looked_up_once_for_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def look_up(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(None, None, None, "", ("192.0.2.1", port)), (None, None, None, "", ("127.0.0.1", port))]

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        if address[0] == "192.0.2.1":
            raise OSError("unreachable")
        return socket.socket()

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    backend = LookingUpOnce()
    with ThreadPoolExecutor(8) as pool:
        streams = list(pool.map(lambda _: backend.connect_tcp("index.example", 443), range(16)))
    for stream in streams:
        stream.close()
    assert asked == ["index.example"]


def test_proxies_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "https_proxy": "http://proxy.example:3128",
        "HTTPS_PROXY": "http://unused.example",
        "ALL_PROXY": "other.example",
        "no_proxy": "localhost, .internal.example,exact.example:444 10.0.0.0/8,*.star.example",
    }
    urls = (
        "https://index.example/",
        "http://index.example/",
        "https://a.internal.example/",
        "https://internal.example/",
    )
    through = ["http://proxy.example:3128", "http://other.example", None, None]
    assert proxies(monkeypatch, environment, *urls) == through
    urls = ("https://exact.example/", "https://exact.example:444/", "http://10.1.2.3/", "http://11.1.2.3/")
    through = ["http://proxy.example:3128", None, None, "http://other.example"]
    assert proxies(monkeypatch, environment, *urls) == through
    assert proxies(monkeypatch, {**environment, "no_proxy": "*"}, "https://index.example/") == [None]
    assert proxies(monkeypatch, environment, "https://a.star.example/") == [None]


def test_proxy_variable_that_a_request_could_set_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"HTTP_PROXY": "http://evil.example", "REQUEST_METHOD": "GET"}
    assert proxies(monkeypatch, environment, "http://index.example/") == [None]


@pytest.mark.parametrize("scheme", ["gopher", "socks5"])
def test_proxy_that_cannot_be_used_is_named(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    options = HttpOptions(environment={**NO_NETRC, "https_proxy": f"{scheme}://us:secret@proxy.example:1"})
    with pytest.raises(NetworkError) as caught:
        asyncio.run(Http(options).get(URL, limit_bytes=1))
    assert caught.value.where == f"{scheme}://proxy.example:1"
    assert "secret" not in str(caught.value)


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"

    async def ask() -> None:
        http = Http(HttpOptions(environment={**NO_NETRC, "SSL_CERT_FILE": str(missing)}))
        try:
            await http.get(URL, limit_bytes=1)
        finally:
            http.close()

    with pytest.raises(NetworkError) as caught:
        asyncio.run(ask())
    assert str(missing) in caught.value.where


def test_many_requests_at_once_are_all_answered_by_few_threads() -> None:
    web = web_of({f"{URL}{number}": Reply(200, str(number).encode()) for number in range(300)})

    async def ask() -> list[bytes]:
        http = Http(HttpOptions(environment=NO_NETRC), web)
        answers = await asyncio.gather(*(http.get(f"{URL}{number}", limit_bytes=9) for number in range(300)))
        http.close()
        assert http.request_count == 300
        return [answer.body for answer in answers]

    assert asyncio.run(ask()) == [str(number).encode() for number in range(300)]


def test_connections_are_closed_with_the_client_but_for_one_in_use_which_is_closed_after_its_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, may_answer, closed = threading.Event(), threading.Event(), threading.Event()

    class Slow(Given):
        def __init__(self, *_: object) -> None:
            super().__init__(Web())

        def send(self, *plan: Any) -> httpcore.Response:
            asked.set()
            assert may_answer.wait(60)
            return super().send(*plan)

        def close(self) -> None:
            closed.set()

    async def ask(*, is_given_up: bool) -> None:
        http = Http(HttpOptions(environment=NO_NETRC))
        request = asyncio.ensure_future(http.get(URL, limit_bytes=9))
        assert await asyncio.to_thread(asked.wait, 60)
        if is_given_up:
            request.cancel()
            http.close()
            assert not closed.is_set()
            may_answer.set()
            assert await asyncio.to_thread(closed.wait, 60)
        else:
            await request
            http.close()
            assert closed.is_set()

    monkeypatch.setattr("lockflow.index.transports.Direct", Slow)
    asyncio.run(ask(is_given_up=True))
    closed.clear()
    asyncio.run(ask(is_given_up=False))
