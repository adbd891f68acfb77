"""Secrets handed to a builder, asked for as BuildKit does: a client of HTTP/2 at the other end of a socket."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import h2.config
import h2.connection
import h2.events
import pytest

from lockflow.engines.protobuf import field, fields, text_of
from lockflow.engines.session import answering


class SocketWire:
    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def receive(self) -> bytes:
        return self._socket.recv(1 << 16)

    def send(self, content: bytes) -> None:
        if content:
            self._socket.sendall(content)

    def close(self) -> None:
        # It wakes the thread that waits on the socket, as the wire to an engine does; closing it alone would not.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Builder:
    """What asks."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._connection.initiate_connection()
        self._stream = -1

    def ask(self, method: str, message: bytes) -> tuple[dict[str, str], bytes]:
        """All headers of the answer, and its message."""
        self._stream += 2
        headers = [(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", method)]
        self._connection.send_headers(self._stream, [*headers, ("content-type", "application/grpc")])
        body = b"\x00" + len(message).to_bytes(4, "big") + message
        self._connection.send_data(self._stream, body, end_stream=True)
        found: dict[str, str] = {}
        answer = b""
        while True:
            self._socket.sendall(self._connection.data_to_send())
            content = self._socket.recv(1 << 16)
            assert content, "the session ended"
            for event in self._connection.receive_data(content):
                if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
                    found.update({str(name): str(value) for name, value in event.headers})
                elif isinstance(event, h2.events.DataReceived):
                    answer += event.data
                    self._connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    return found, answer[5:]


def credentials_of(host: str) -> tuple[str, str]:
    return ("me", f"password of {host}") if host == "here" else ("", "")


@contextlib.contextmanager
def session(secrets: dict[str, bytes]) -> Iterator[Builder]:
    ours, theirs = socket.socketpair()
    with theirs, answering(SocketWire(ours), secrets, credentials_of):
        theirs.settimeout(60)
        yield Builder(theirs)


GET = "/moby.buildkit.secrets.v1.Secrets/GetSecret"


def test_a_secret_is_handed_over_and_one_that_is_not_there_is_not_found() -> None:
    with session({"netrc": b"machine x"}) as builder:
        headers, answer = builder.ask(GET, field(1, b"netrc"))
        assert headers["grpc-status"] == "0"
        assert dict(fields(answer)) == {1: b"machine x"}
        headers, answer = builder.ask(GET, field(1, b"authorities"))
        assert (headers["grpc-status"], answer) == ("5", b"")


@pytest.mark.parametrize("size", [0, 127, 128, 70_000, 400_000])
def test_a_secret_may_be_larger_than_a_window_of_http(size: int) -> None:
    secret = b"x" * size
    with session({"authorities": secret}) as builder:
        headers, answer = builder.ask(GET, field(1, b"authorities"))
        assert headers["grpc-status"] == "0"
        assert dict(fields(answer)) == {1: secret}


def test_it_is_well_and_says_who_we_are_to_a_registry() -> None:
    with session({}) as builder:
        assert builder.ask("/grpc.health.v1.Health/Check", b"")[1] == b"\x08\x01"
        _, answer = builder.ask("/moby.filesync.v1.Auth/Credentials", field(1, b"here"))
        assert dict(fields(answer)) == {1: b"me", 2: b"password of here"}
        assert builder.ask("/moby.filesync.v1.Auth/Credentials", field(1, b"there"))[1] == b""
        assert builder.ask("/moby.filesync.v1.FileSync/DiffCopy", b"")[0]["grpc-status"] == "12"


def test_what_is_no_message_asks_for_nothing() -> None:
    with session({"": b"empty"}) as builder:
        headers, _ = builder.ask(GET, b"\xff\xff\xff")
        assert headers["grpc-status"] == "0", "no id is the empty one"


def test_noise_ends_a_session_and_nothing_else() -> None:
    ours, theirs = socket.socketpair()
    with theirs, answering(SocketWire(ours), {}, credentials_of):
        theirs.settimeout(60)
        theirs.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 10)
        assert theirs.recv(1 << 16), "the greeting of HTTP/2"


@pytest.mark.parametrize("message", [b"\x08", b"\x0a\x05ab", b"\x0b", b"\xff" * 12])
def test_a_message_that_breaks_off_is_a_value_error(message: bytes) -> None:
    with pytest.raises(ValueError, match=r"early|kind"):
        list(fields(message))
    assert text_of(message, 1) == ""
