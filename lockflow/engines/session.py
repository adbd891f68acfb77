"""What a builder may ask of its client while it builds: secrets, and credentials of registries.

BuildKit asks over gRPC, with the roles turned round: the client opens a connection (`POST /session`, upgraded to
HTTP/2), and the engine sends requests over it. The messages are small, so they are written here by hand; HTTP/2 is
h2's. What is handed over goes to the engine alone: it is no argument, no label, and part of no layer.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from lockflow.engines.protobuf import field, text_of

_HEALTH = "/grpc.health.v1.Health/Check"
_SECRET = "/moby.buildkit.secrets.v1.Secrets/GetSecret"  # noqa: S105  the name of a method
_CREDENTIALS = "/moby.filesync.v1.Auth/Credentials"
_NOT_FOUND, _UNIMPLEMENTED = 5, 12
_SERVING = b"\x08\x01"
_LARGEST_REQUEST = 1 << 16

CredentialsOf = Callable[[str], tuple[str, str]]
"""User and password (or an empty user and a token) for a registry by its host; two empty texts where none are known."""


class Wire(Protocol):
    """A connection that has been upgraded."""

    def receive(self) -> bytes:
        """What came next, as soon as something did; empty at the end."""
        ...

    def send(self, content: bytes) -> None: ...

    def close(self) -> None: ...


def new_session_id() -> str:
    """An id for a session, as builders want them: letters and digits."""
    return uuid.uuid4().hex[:25]


@contextlib.contextmanager
def answering(wire: Wire, secrets: Mapping[str, bytes], credentials_of: CredentialsOf) -> Iterator[None]:
    """Answer what the builder asks over `wire`, in a thread of its own, while the block runs."""
    thread = threading.Thread(target=_serve, args=(wire, _Answers(secrets, credentials_of)), daemon=True)
    thread.start()
    try:
        yield
    finally:
        wire.close()
        thread.join(5)


class _Answers:
    def __init__(self, secrets: Mapping[str, bytes], credentials_of: CredentialsOf) -> None:
        self._secrets = secrets
        self._credentials_of = credentials_of

    def answer(self, method: str, message: bytes) -> bytes | int:
        """The message that answers, or the gRPC status of a refusal."""
        if method == _HEALTH:
            return _SERVING
        if method == _SECRET:
            secret = self._secrets.get(text_of(message, 1))
            return _NOT_FOUND if secret is None else field(1, secret)
        if method == _CREDENTIALS:
            user, password = self._credentials_of(text_of(message, 1))
            return (field(1, user.encode()) if user else b"") + (field(2, password.encode()) if password else b"")
        return _UNIMPLEMENTED


def _serve(wire: Wire, answers: _Answers) -> None:
    """Speak HTTP/2 as a server until the other side ends the connection."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
    streams: dict[int, tuple[str, bytearray]] = {}
    waiting: dict[int, bytes] = {}
    # A closed socket shows as any of these, in this thread and in that of who closed it.
    with contextlib.suppress(OSError, ValueError, EOFError, h2.exceptions.ProtocolError):
        connection.initiate_connection()
        wire.send(connection.data_to_send())
        while content := wire.receive():
            for event in connection.receive_data(content):
                if isinstance(event, h2.events.RequestReceived):
                    names = {str(name): str(value) for name, value in event.headers}
                    streams[event.stream_id] = (names.get(":path", ""), bytearray())
                elif isinstance(event, h2.events.DataReceived):
                    connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    if event.stream_id in streams and len(streams[event.stream_id][1]) < _LARGEST_REQUEST:
                        streams[event.stream_id][1].extend(event.data)
                elif isinstance(event, h2.events.StreamEnded):
                    method, body = streams.pop(event.stream_id, ("", bytearray()))
                    _begin(connection, event.stream_id, answers.answer(method, bytes(body[5:])), waiting)
                elif isinstance(event, h2.events.StreamReset):
                    streams.pop(event.stream_id, None)
                    waiting.pop(event.stream_id, None)
                elif isinstance(event, h2.events.ConnectionTerminated):
                    return
            _go_on(connection, waiting)
            wire.send(connection.data_to_send())


def _begin(connection: Any, stream: int, answer: bytes | int, waiting: dict[int, bytes]) -> None:  # noqa: ANN401  as h2
    """Begin a response; its body waits for the window that the other side opens."""
    headers = [(":status", "200"), ("content-type", "application/grpc")]
    if isinstance(answer, int):
        connection.send_headers(stream, [*headers, ("grpc-status", str(answer))], end_stream=True)
        return
    connection.send_headers(stream, headers)
    # Each message of gRPC has a byte for "compressed" and four for its length in front.
    waiting[stream] = b"\x00" + len(answer).to_bytes(4, "big") + answer


def _go_on(connection: Any, waiting: dict[int, bytes]) -> None:  # noqa: ANN401  as h2
    for stream, rest in [*waiting.items()]:
        while rest:
            size = min(connection.local_flow_control_window(stream), connection.max_outbound_frame_size, len(rest))
            if size <= 0:
                break
            connection.send_data(stream, rest[:size])
            rest = rest[size:]
        waiting[stream] = rest
        if not rest:
            del waiting[stream]
            connection.send_headers(stream, [("grpc-status", "0")], end_stream=True)
