"""Images made, looked into and pushed by a Docker engine, through the Docker SDK; a platform may have its own engine.

BuildKit is driven by the engine's own API (`POST /build?version=2` with the context as a tar), which needs no docker
command. What a build makes has a name of lockflow's own (`lockflow-unverified:...`) until it has been looked at; what
a run leaves of these is removed by the next one.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import http.client
import io
import json
import os
import socket
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

import docker.errors
import requests
import urllib3.exceptions

from lockflow.engines import build_faults, faults
from lockflow.engines.buildkit_trace import Trace, hide
from lockflow.engines.docker import ERRORS, Connect, DockerEngine, Host
from lockflow.engines.images import Build, ContextFile, FileHead, ImageFacts, OnNews, Pushed
from lockflow.engines.model import Command, Outcome, Place
from lockflow.engines.owner import is_orphan_tag, labels, owned_tag
from lockflow.engines.registry import Name, Registry
from lockflow.engines.session import answering, new_session_id
from lockflow.errors import EngineError, Interrupted, LockflowError

UNVERIFIED = "lockflow-unverified"
BASE = "lockflow-base"

_BROKEN: tuple[type[Exception], ...] = (*ERRORS, urllib3.exceptions.HTTPError, http.client.HTTPException)
"""What is raised where an engine goes away: what is read as it comes, the SDK leaves to what is below it."""
_SILENT_SECONDS = 3600
"""How long a builder may say nothing: a step that downloads gigabytes may be as long without a line."""
_LAST_LINES = 30
_HEAD = 20
_CHUNK = 2 << 20
_OF_PLATFORM = "[container] of the platform's definition"


class DockerImages:
    """The `ImageEngine` of Docker engines; `addresses` maps platforms to engines of their own."""

    def __init__(self, addresses: Mapping[str, str] | None = None, connect: Connect | None = None) -> None:
        """Connect to the usual engine; raises EngineError where it does not answer."""
        self._engine = DockerEngine(addresses, connect)
        self._building: dict[str, Host] = {}
        self._swept: set[Host] = set()
        self._lock = threading.Lock()
        self._count = 0
        self._is_stopped = False

    def native(self, platform: str) -> str:
        return self._host(platform).platform

    def prepare(self, place: Place) -> ImageFacts:
        host = self._host(place.platform)
        try:
            return self.facts(host.prepare(place), place.platform)
        except Interrupted:
            raise
        except EngineError as error:
            advice = error.next.replace(_OF_PLATFORM, f"[tool.lockflow.image], or {_OF_PLATFORM}")
            raise EngineError(error.what, where=error.where, why=error.why, next=advice) from error

    def facts(self, image: str, platform: str) -> ImageFacts:
        host = self._host(platform)
        with _answered(host):
            try:
                attributes = host.client.images.get(image).attrs
            except docker.errors.ImageNotFound as error:
                raise build_faults.gone(image, str(error.explanation or error)) from error
        config = attributes.get("Config") or {}
        return ImageFacts(
            id=str(attributes.get("Id", "")),
            platform=f"{attributes.get('Os', 'linux')}/{attributes.get('Architecture', '')}",
            user=str(config.get("User") or ""),
            labels=tuple(sorted((config.get("Labels") or {}).items())),
            bytes=int(attributes.get("Size") or 0),
        )

    def run(self, command: Command) -> Outcome:
        return self._engine.run(command)

    def name(self, image: str, platform: str, reference: str) -> None:
        host = self._host(platform)
        repository, tag = split_reference(reference)
        with _answered(host):
            host.client.images.get(image).tag(repository, tag=tag)

    def stop(self) -> None:
        self._is_stopped = True
        for identity, host in [*self._building.items()]:
            with contextlib.suppress(Exception):
                host.client.api.post(host.client.api._url("/build/cancel"), params={"id": identity})
        self._engine.stop()

    def close(self) -> None:
        self.stop()
        for host in self._swept:
            self._remove_names(host, lambda tag: tag.endswith(self._engine.run_id))
        self._engine.close()

    # Building -------------------------------------------------------------------------------------------------------

    def build(self, build: Build, on_news: OnNews) -> str:
        host = self._host(build.platform)
        with self._lock:
            self._count += 1
            # Every name has the run at its end, by which `close` finds it, and the owner before it.
            own = owned_tag(f"{self._count}x{self._engine.run_id}", _SILENT_SECONDS)
        bases: dict[str, str] = {}
        with contextlib.ExitStack() as undo:
            for argument, place in build.bases:
                bases[argument] = f"{BASE}:{argument.lower()}.{own}"
                self.name(host.prepare(place), place.platform, bases[argument])
                undo.callback(_untag, host, bases[argument])
            context = undo.enter_context(_context(build))
            session = new_session_id()
            wire = _HostWire(host, session)
            undo.enter_context(answering(wire, dict(build.secrets), host.credentials_of))
            self._building[own] = host
            undo.callback(self._building.pop, own, None)
            if self._is_stopped:
                raise faults.stopped()
            asked = {
                "version": "2",
                "session": session,
                "buildid": own,
                "t": f"{UNVERIFIED}:{own}",
                "platform": build.platform,
                "buildargs": json.dumps(bases),
                "forcerm": "1",
            }
            return self._built(host, build, asked, context, on_news)

    def _built(self, host: Host, build: Build, asked: Mapping[str, str], context: IO[bytes], on_news: OnNews) -> str:
        trace = Trace(build.hidden)
        image = ""
        try:
            for message in _posted(host, asked, context):
                aux = message.get("aux")
                if message.get("id") == "moby.buildkit.trace" and isinstance(aux, str):
                    for news in trace.feed(_decoded(aux)):
                        on_news(news)
                elif message.get("id") == "moby.image.id" and isinstance(aux, dict):
                    image = str(aux.get("ID", ""))
                elif "errorDetail" in message or "error" in message:
                    detail = message.get("errorDetail")
                    said = detail.get("message") if isinstance(detail, dict) else message.get("error")
                    why = hide(str(said or "it failed"), build.hidden)
                    raise build_faults.build_failed(build.purpose, why, trace.last_lines(_LAST_LINES))
        except LockflowError:
            if self._is_stopped:
                raise faults.stopped() from None
            raise
        except OSError as error:
            raise faults.went_away(host.shown, str(error)) from error
        if self._is_stopped:
            raise faults.stopped()
        if not image:
            raise build_faults.build_failed(
                build.purpose, "the builder ended without an image", trace.last_lines(_LAST_LINES)
            )
        return image

    # Looking --------------------------------------------------------------------------------------------------------

    def heads(self, image: str, platform: str) -> Iterator[FileHead]:
        host = self._host(platform)
        container = None
        try:
            with _answered(host):
                # Never started: an export needs one, and gives the files without whatever layers hide.
                container = host.client.containers.create(
                    image, ["-"], entrypoint=["-"], platform=platform, labels=labels(self._engine.run_id, 600)
                )
                with _exported(host, container) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
                    for entry in archive:
                        if self._is_stopped:
                            raise faults.stopped()
                        if entry.isreg() and entry.size >= _HEAD:
                            content = archive.extractfile(entry)
                            if content is not None:
                                path = entry.name.removeprefix("./").lstrip("/")
                                yield FileHead(path=f"/{path}", head=content.read(_HEAD))
        except tarfile.TarError as error:
            raise faults.went_away(host.shown, f"the files of {image} broke off: {error}") from error
        finally:
            if container is not None:
                with contextlib.suppress(Exception):
                    container.remove(force=True, v=True)

    # Registries -----------------------------------------------------------------------------------------------------

    def push(self, reference: str, platform: str, on_news: Callable[[str], None]) -> Pushed:
        host = self._host(platform)
        repository, tag = split_reference(reference)
        digest = fault = ""
        with _answered(host):
            # To its end whatever it says: the SDK leaves what is not heard, and its connection, to the collector.
            for message in host.client.api.push(repository, tag=tag, stream=True, decode=True):
                if "errorDetail" in message or "error" in message:
                    detail = message.get("errorDetail")
                    said = detail.get("message") if isinstance(detail, dict) else message.get("error")
                    fault = fault or str(said)
                if message.get("status"):
                    on_news(str(message["status"]))
                aux = message.get("aux")
                if isinstance(aux, dict) and aux.get("Digest"):
                    digest = str(aux["Digest"])
        if fault:
            raise build_faults.push_failed(reference, fault)
        if not digest:
            raise build_faults.push_failed(reference, "the engine ended without the digest of what was pushed")
        return Pushed(reference=reference, digest=digest)

    def join(self, reference: str, parts: tuple[Pushed, ...]) -> Pushed:
        name = Name.of(reference)
        host = self._host("")
        user, password = host.credentials_of(name.registry)
        with Registry(name, user, password, authorities=os.environ.get("SSL_CERT_FILE", "")) as registry:
            return registry.put_list(parts)

    # Engines --------------------------------------------------------------------------------------------------------

    def _host(self, platform: str) -> Host:
        host = self._engine.host(platform)
        with self._lock:
            if host not in self._swept:
                self._swept.add(host)
                self._remove_names(host, lambda tag: is_orphan_tag(tag.rpartition(".")[2]))
        return host

    def _remove_names(self, host: Host, is_to_go: Callable[[str], bool]) -> None:
        """Take away names of lockflow's own, and the images that have no other."""
        with contextlib.suppress(*ERRORS):
            for repository in (UNVERIFIED, BASE):
                for image in host.client.images.list(repository):
                    for name in image.tags:
                        if name.startswith(f"{repository}:") and is_to_go(name.partition(":")[2]):
                            _untag(host, name)


def split_reference(reference: str) -> tuple[str, str]:
    """Take `registry:5000/name:tag` apart; the tag is `latest` where none is named."""
    name, colon, tag = reference.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (reference, "latest")


def _untag(host: Host, name: str) -> None:
    with contextlib.suppress(*ERRORS):
        host.client.images.remove(name)


@contextlib.contextmanager
def _answered(host: Host) -> Iterator[None]:
    try:
        yield
    except docker.errors.APIError as error:
        raise build_faults.not_done(host.shown, str(error.explanation or error)) from error
    except _BROKEN as error:
        raise faults.went_away(host.shown, str(error)) from error


@contextlib.contextmanager
def _exported(host: Host, container: Any) -> Iterator[_Stream]:  # noqa: ANN401  the SDK has no types
    """All files of a container as a tar. The SDK's own `export` leaves the connection of who stops early open."""
    api = host.client.api
    url = api._url("/containers/{0}/export", container.id)
    with contextlib.closing(api.get(url, stream=True, timeout=_SILENT_SECONDS)) as response:
        api._raise_for_status(response)
        yield _Stream(response.iter_content(_CHUNK))


def _posted(host: Host, asked: Mapping[str, str], context: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Send a build and read what the builder says; ending the iteration ends the build."""
    api = host.client.api
    response = None
    try:
        with _answered(host):
            # The SDK's own `build` knows the engine's old builder only.
            response = api.post(
                api._url("/build"),
                params=asked,
                data=context,
                headers={"Content-Type": "application/x-tar"},
                stream=True,
                timeout=_SILENT_SECONDS,
            )
            api._raise_for_status(response)
            for message in api._stream_helper(response, decode=True):
                if isinstance(message, dict):
                    yield message
    finally:
        if response is not None:
            response.close()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        return b""


@contextlib.contextmanager
def _context(build: Build) -> Iterator[IO[bytes]]:
    """The context of a build as a tar on disk: it may be larger than memory."""
    try:
        with tempfile.TemporaryFile() as target:
            with tarfile.open(fileobj=target, mode="w") as archive:
                recipe = ContextFile(path="Dockerfile", content=build.recipe.encode())
                for file in (recipe, *build.files):
                    _add(archive, file)
            target.seek(0)
            yield target
    except requests.exceptions.RequestException:
        raise
    except OSError as error:
        raise build_faults.no_context(build.purpose, error) from error


def _add(archive: tarfile.TarFile, file: ContextFile) -> None:
    """Times are left out: BuildKit does not look at them, and the same content shall be the same bytes."""
    entry = tarfile.TarInfo(file.path)
    entry.mode = 0o755 if file.is_executable else 0o644
    if file.link:
        entry.type, entry.linkname = tarfile.SYMTYPE, file.link
        archive.addfile(entry)
    elif file.source:
        with open(file.source, "rb") as content:  # noqa: PTH123  the source is text
            entry.size = content.seek(0, io.SEEK_END)
            content.seek(0)
            archive.addfile(entry, content)
    else:
        entry.size = len(file.content)
        archive.addfile(entry, io.BytesIO(file.content))


class _HostWire:
    """The connection of a session: a request to the engine that is upgraded, after which both sides may speak."""

    def __init__(self, host: Host, session: str) -> None:
        api = host.client.api
        with _answered(host):
            self._response = api.post(
                api._url("/session"),
                headers={
                    "Connection": "Upgrade",
                    "Upgrade": "h2c",
                    "X-Docker-Expose-Session-Uuid": session,
                    "X-Docker-Expose-Session-Name": "lockflow",
                    "X-Docker-Expose-Session-Grpc-Method": "/moby.buildkit.secrets.v1.Secrets/GetSecret",
                },
                stream=True,
                timeout=None,
            )
            try:
                api._raise_for_status(self._response)
            except BaseException:
                self._response.close()
                raise
        # What the engine said right after its answer may be in the reader's buffer already.
        self._reader = self._response.raw._fp.fp
        raw = getattr(self._reader, "raw", None)
        self._socket = raw._sock if raw is not None else self._reader.channel

    def receive(self) -> bytes:
        if hasattr(self._reader, "read1"):
            return bytes(self._reader.read1(1 << 16))
        buffered, self._reader._rbuffer = bytes(self._reader._rbuffer), b""
        return buffered or bytes(self._socket.recv(1 << 16))

    def send(self, content: bytes) -> None:
        if content:
            self._socket.sendall(content)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self._response.close()


class _Stream(io.RawIOBase):
    """Chunks of bytes as a file that is read from front to back."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts, have = [self._rest], len(self._rest)
        while have < size:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            parts.append(chunk)
            have += len(chunk)
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]
