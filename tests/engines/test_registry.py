"""A list of images put into a registry that asks who we are, as the big ones do."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lockflow.engines.images import Pushed
from lockflow.engines.registry import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Name, Registry, _scheme
from lockflow.errors import EngineError


class Server:
    """`blobs` and `manifests` by digest, with their types; what was put under a tag."""

    def __init__(self) -> None:
        self.contents: dict[str, tuple[bytes, str]] = {}
        self.put: dict[str, tuple[bytes, str]] = {}
        self.scheme = ""
        self.token_requests: list[str] = []
        self.token_answer: tuple[int, bytes, str] = (200, json.dumps({"token": "the-token"}).encode(), "")
        """Status, body, and where else to look."""
        self.address = ""
        self.realm = ""
        """Of the token service, where it is not here."""
        self.ends_early = False

    def add(self, architecture: str, kind: str = DOCKER_MANIFEST, **more: str) -> Pushed:
        configuration = json.dumps({"os": "linux", "architecture": architecture, **more}).encode()
        manifest = json.dumps({"mediaType": kind, "config": {"digest": self._keep(configuration, "")}}).encode()
        return Pushed(reference="x", digest=self._keep(manifest, kind))

    def _keep(self, content: bytes, kind: str) -> str:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.contents[digest] = content, kind
        return digest

    def allows(self, header: str) -> bool:
        basic = "Basic " + base64.b64encode(b"me:s3cret").decode()
        return header == {"": header, "basic": basic, "bearer": "Bearer the-token"}[self.scheme]


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/token"):
                found.token_requests.append(f"{self.path} {self.headers.get('Authorization', '')}")
                status, body, place = found.token_answer
                return self.say(status, body, "application/json", place)
            if not self.is_allowed():
                return None
            content, kind = found.contents.get(self.path.rpartition("/")[2], (b"", ""))
            return self.say(200 if content else 404, content, kind)

        def do_POST(self) -> None:
            found.token_requests.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            status, body, place = found.token_answer
            self.say(status, body, "application/json", place)

        def do_PUT(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if self.is_allowed():
                found.put[self.path] = content, self.headers["Content-Type"]
                self.say(201, b"", "")

        def is_allowed(self) -> bool:
            if found.allows(self.headers.get("Authorization", "")):
                return True
            realm = found.realm or f"http://{found.address}/token"
            challenge = f'Bearer realm="{realm}",service="tests"' if found.scheme == "bearer" else "Basic"
            self.send_response(401)
            self.send_header("WWW-Authenticate", challenge)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False

        def say(self, status: int, content: bytes, kind: str, place: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            if place:
                self.send_header("Location", place)
            self.send_header("Content-Length", str(len(content) + (10 if found.ends_early else 0)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    found.address = f"127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    http.shutdown()
    thread.join()
    http.server_close()


def put(
    server: Server, *parts: Pushed, user: str = "me", password: str = "s3cret"
) -> tuple[Pushed, dict[str, Any], str]:
    with Registry(Name.of(f"{server.address}/team/app:1"), user, password) as registry:
        pushed = registry.put_list(parts)
    content, kind = server.put["/v2/team/app/manifests/1"]
    assert pushed.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    return pushed, json.loads(content), kind


@pytest.mark.parametrize("scheme", ["", "basic", "bearer"])
def test_images_are_listed_with_their_platforms(scheme: str, server: Server) -> None:
    server.scheme = scheme
    parts = server.add("amd64"), server.add("arm64", variant="v8")
    pushed, document, kind = put(server, *parts)
    assert pushed.reference == f"{server.address}/team/app:1"
    assert kind == document["mediaType"] == DOCKER_LIST
    assert [entry["digest"] for entry in document["manifests"]] == [part.digest for part in parts]
    assert [entry["platform"] for entry in document["manifests"]] == [
        {"os": "linux", "architecture": "amd64"},
        {"os": "linux", "architecture": "arm64", "variant": "v8"},
    ]
    assert [entry["size"] for entry in document["manifests"]] == [
        len(server.contents[part.digest][0]) for part in parts
    ]


def test_a_token_is_asked_for_the_repository_alone(server: Server) -> None:
    server.scheme = "bearer"
    put(server, server.add("amd64"))
    (asked,) = server.token_requests
    assert "scope=repository%3Ateam%2Fapp%3Apull%2Cpush" in asked
    assert asked.endswith(base64.b64encode(b"me:s3cret").decode())


def test_images_in_the_newer_form_are_listed_in_it(server: Server) -> None:
    _, document, kind = put(server, server.add("amd64", OCI_MANIFEST))
    assert kind == document["mediaType"] == OCI_INDEX


def test_who_may_not_push_and_what_is_not_there_are_told_without_a_password(server: Server) -> None:
    server.scheme = "basic"
    for user, password in (("", ""), ("me", "wrong-one")):
        with pytest.raises(EngineError) as caught:
            put(server, server.add("amd64"), user=user, password=password)
        assert "wrong-one" not in str(caught.value)
    server.scheme = ""
    with pytest.raises(EngineError, match="could not be pushed"):
        put(server, Pushed(reference="x", digest="sha256:" + "0" * 64))


def test_a_manifest_that_is_another_than_was_pushed_is_refused(server: Server) -> None:
    part, other = server.add("amd64"), server.add("arm64")
    server.contents[part.digest] = server.contents[other.digest]
    with pytest.raises(EngineError, match="could not be pushed") as caught:
        put(server, part)
    assert "not the one that was pushed" in caught.value.why
    assert server.put == {}


def refused(server: Server, *, user: str = "me", password: str = "s3cret") -> str:
    """Why nothing was put there."""
    part = server.add("amd64")
    with pytest.raises(EngineError) as caught:
        put(server, part, user=user, password=password)
    assert password not in str(caught.value)
    assert server.put == {}
    return caught.value.why


@pytest.mark.parametrize("realm", ["http://tokens.example/token", "http://localhost:@tokens.example/token", "http://["])
def test_a_token_service_without_tls_elsewhere_is_told_nothing(realm: str, server: Server) -> None:
    server.scheme, server.realm = "bearer", realm
    assert "a token service without TLS" in refused(server)


@pytest.mark.parametrize(("user", "password"), [("me", "s3cret"), ("", "refresh-me")])
@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_token_service_cannot_send_us_elsewhere(status: int, user: str, password: str, server: Server) -> None:
    server.scheme = "bearer"
    server.token_answer = status, b"", f"http://{server.address}/token/elsewhere"
    assert "sends us elsewhere" in refused(server, user=user, password=password)
    assert len(server.token_requests) == 1


@pytest.mark.parametrize("answer", [b"[" * 100_000, b"[]", b'{"errors": ' + b" " * (5 << 20) + b"1}"])
def test_a_token_that_is_none_is_told(answer: bytes, server: Server) -> None:
    server.scheme = "bearer"
    server.token_answer = 200, answer, ""
    assert refused(server)


def test_what_a_netrc_file_says_of_a_registry_takes_no_place_of_what_docker_knows(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password another\ndefault login x password y\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for scheme in ("", "basic", "bearer"):
        server.scheme = scheme
        put(server, server.add("amd64"))
    assert [line for line in server.token_requests if "other" in line] == []


def test_an_answer_that_breaks_off_is_told(server: Server) -> None:
    server.ends_early = True
    assert "IncompleteRead" in refused(server)


@pytest.mark.parametrize("document", [{"config": []}, {"config": {"digest": 5}}, {"config": {"digest": "../../x"}}])
def test_a_manifest_that_is_something_else_is_told(document: dict[str, Any], server: Server) -> None:
    part = Pushed(reference="x", digest=server._keep(json.dumps(document).encode(), DOCKER_MANIFEST))
    with pytest.raises(EngineError, match="could not be pushed"):
        put(server, part)


@pytest.mark.parametrize(
    ("reference", "registry", "repository", "tag"),
    [
        ("app", "docker.io", "library/app", "latest"),
        ("team/app:1", "docker.io", "team/app", "1"),
        ("registry.example/app:1", "registry.example", "app", "1"),
        ("localhost/app", "localhost", "app", "latest"),
        ("127.0.0.1:5000/team/app:1.4", "127.0.0.1:5000", "team/app", "1.4"),
    ],
)
def test_a_name_is_taken_apart(reference: str, registry: str, repository: str, tag: str) -> None:
    name = Name.of(reference)
    assert (name.registry, name.repository, name.tag) == (registry, repository, tag)


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1", "127.0.0.1:5000", "[::1]:5000", "::1"])
def test_a_registry_on_this_machine_is_spoken_to_without_tls(host: str) -> None:
    assert _scheme(host) == "http"


@pytest.mark.parametrize(
    "host", ["registry.example:5000", "localhost.example", "127.0.0.1.example:80", "[2001:db8::1]"]
)
def test_any_other_registry_is_spoken_to_over_tls(host: str) -> None:
    assert _scheme(host) == "https"
