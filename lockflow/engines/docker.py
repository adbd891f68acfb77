"""Commands to containers of a Docker engine, through the Docker SDK; a platform may have an engine of its own.

Every container carries the run's id and its owner as labels. It is removed when its command has ended, when the run is
stopped, and, should this process die before it can do so, by the next one that opens the engine. Files go in through a
volume without a name, which works alike for an engine on this machine and for one far away, and lets the root of the
container stay closed to writing.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import sys
import tarfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any

import docker
import docker.auth
import docker.errors
import requests
from docker.context.config import get_current_context_name
from docker.types import LogConfig, Mount

from lockflow.engines import faults
from lockflow.engines.model import WORK, Command, Limits, Outcome, Place
from lockflow.engines.owner import OWNER, RUN, is_orphan, labels
from lockflow.errors import EngineError

_SOCKET = "unix:///var/run/docker.sock"
_GREETING_SECONDS = 20
"""How long an engine may take to say which one it is."""
_ANSWER_SECONDS = 120
"""How long an engine may be silent where nothing has to be waited for."""
_TRIAL_SECONDS = 60
_MOUNT = "/lockflow"
_USER = 1000
_AT_ONCE_OVER_SSH = 2
"""Every request under way is a channel of one connection, of which sshd allows ten."""
_ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}

_USUAL_REGISTRY = ("docker.io", "index.docker.io", "registry-1.docker.io")

_paramiko = sys.modules.get("paramiko")
ERRORS: tuple[type[Exception], ...] = (
    docker.errors.DockerException,
    requests.exceptions.RequestException,
    OSError,
    # The SDK imports it where it is installed, and lets its errors through.
    *((_paramiko.SSHException,) if _paramiko is not None else ()),
)
"""What the SDK raises where an engine cannot be reached or does not do as it is told."""

Connect = Callable[[str], Any]
"""Opens a client for an address; an empty one means what the environment says."""


class DockerEngine:
    """Runs commands in containers. `addresses` maps platforms (`linux/arm64`) to engines of their own."""

    def __init__(self, addresses: Mapping[str, str] | None = None, connect: Connect | None = None) -> None:
        """Connect to the usual engine; raises EngineError where it does not answer."""
        self._addresses = dict(addresses or {})
        self._connect = connect or _connect
        self.run_id = uuid.uuid4().hex[:12]
        self._hosts: dict[str, Host] = {}
        self._lock = threading.Lock()
        self._is_stopped = False
        self._before: Any = None
        self._usual = self.host("")
        self._on_terminate()

    @property
    def at_once(self) -> int:
        return max(1, sum(host.at_once for host in {*self._hosts.values()}))

    def native(self) -> str:
        return self._usual.platform

    def has(self, place: Place) -> bool:
        return self.host(place.platform).has(place)

    def prepare(self, place: Place) -> None:
        with self._interrupted():
            self.host(place.platform).prepare(place)

    def run(self, command: Command, on_start: Callable[[], None] | None = None) -> Outcome:
        with self._interrupted():
            host = self.host(command.place.platform)
            image = host.prepare(command.place)
            with host.bound:
                if on_start is not None:
                    on_start()
                return self._run_in(host, image, command)

    @contextlib.contextmanager
    def _interrupted(self) -> Iterator[None]:
        """Whatever fails once all was stopped, and removed under its feet, fails for that reason."""
        try:
            yield
        except EngineError as error:
            if self._is_stopped:
                raise faults.stopped() from error
            raise

    def stop(self) -> None:
        """End and remove all containers of this run; safe to call twice and from any thread."""
        self._is_stopped = True
        for host in {*self._hosts.values()}:
            with contextlib.suppress(Exception):
                host.remove_all(f"{RUN}={self.run_id}")

    def close(self) -> None:
        self.stop()
        for host in {*self._hosts.values()}:
            host.close()
        self._hosts.clear()
        if self._before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._before)
            self._before = None

    # One container --------------------------------------------------------------------------------------------------

    def _run_in(self, host: Host, image: str, command: Command) -> Outcome:
        container = None
        try:
            with _refusals(host, command):
                # An entry point of the image would be put in front of the command.
                program, *rest = command.argv
                container = host.client.containers.create(
                    image, rest, entrypoint=[program], **_options(command, self.run_id)
                )
                if self._is_stopped:
                    raise faults.stopped()
                container.put_archive(_MOUNT, _archive(command))
                container.start()
            return self._outcome(host, container, command)
        finally:
            if container is not None:
                with contextlib.suppress(Exception):
                    container.remove(force=True, v=True)

    def _outcome(self, host: Host, container: Any, command: Command) -> Outcome:  # noqa: ANN401  the SDK has no types
        try:
            code = _waited(host, container, command)
        except docker.errors.DockerException as error:
            raise faults.ended_from_outside(command) from error
        with _refusals(host, command):
            container.reload()
            if container.attrs["State"].get("OOMKilled"):
                raise faults.out_of_memory(command)
            if self._is_stopped:
                raise faults.stopped()
            if code == 137:
                raise faults.ended_from_outside(command)
            out, err = (container.logs(stdout=way, stderr=not way).decode("utf-8", "replace") for way in (True, False))
        if code == 127 and err.startswith("[FATAL tini"):
            raise faults.not_started(command, err.strip())
        is_emulated = not _is_same(command.place.platform, host.platform)
        return Outcome(exit_code=code, stdout=out, stderr=err, is_emulated=is_emulated)

    # Engines --------------------------------------------------------------------------------------------------------

    def host(self, platform: str) -> Host:
        """The engine for a platform, opened when it is first asked for."""
        address = self._addresses.get(platform, "")
        with self._lock:
            if self._is_stopped:
                raise faults.stopped()
            host = self._hosts.get(address)
            if host is None:
                host = self._hosts[address] = Host(address, self._connect, self.run_id)
                host.sweep()
            return host

    def _on_terminate(self) -> None:
        """Let an orderly end (SIGTERM, as CI sends it) unwind as Ctrl-C does, so that containers are removed."""
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            self._before = signal.signal(signal.SIGTERM, _interrupt)


class Host:
    """One engine: its client, what it runs natively, and which places have been found usable."""

    def __init__(self, address: str, connect: Connect, run_id: str) -> None:
        self.shown = _without_password(address or _usual_address())
        self._run_id = run_id
        self.client = _opened(address, self.shown, connect)
        try:
            information = self.client.info()
        except ERRORS as error:
            self.close()
            raise faults.absent(self.shown, str(error)) from error
        machine = str(information.get("Architecture", ""))
        self.platform = f"linux/{_ARCHES.get(machine, machine)}"
        cpus = max(1, int(information.get("NCPU") or 1))
        self.at_once = _AT_ONCE_OVER_SSH if address.startswith("ssh:") else 2 * cpus
        self.bound = threading.BoundedSemaphore(self.at_once)
        self._images: dict[Place, str] = {}
        self._emulated: set[str] = set()
        self._lock = threading.Lock()

    def prepare(self, place: Place) -> str:
        """Return the id of the place's image; a tag may be moved to another platform's at any time."""
        with self._lock:
            if place not in self._images:
                try:
                    image = self._image(place)
                    self._check_emulation(place, image)
                except ERRORS as error:
                    raise faults.went_away(self.shown, str(error)) from error
                self._images[place] = image
            return self._images[place]

    def has(self, place: Place) -> bool:
        """Whether the engine has the image for that platform."""
        try:
            return _is_same(_platform_of(self.client.images.get(place.image)), place.platform)
        except docker.errors.ImageNotFound:
            return False
        except ERRORS as error:
            raise faults.went_away(self.shown, str(error)) from error

    def _image(self, place: Place) -> str:
        try:
            image = self.client.images.get(place.image)
        except docker.errors.ImageNotFound:
            image = None
        if image is not None and _is_same(_platform_of(image), place.platform):
            return str(image.id)
        why = self._pulled(place)
        if why:
            raise faults.not_pulled(place, "" if image is None else _platform_of(image), why)
        image = self.client.images.get(place.image)
        if not _is_same(_platform_of(image), place.platform):
            raise faults.wrong_architecture(place, _platform_of(image), "that is what the registry has under this name")
        return str(image.id)

    def _pulled(self, place: Place) -> str:
        """Pull an image; return what stands against it, empty where it is there now."""
        repository, tag = _split(place.image)
        why = ""
        try:
            # The SDK's own `images.pull` does not listen to what is said once an answer has begun. It is heard to its
            # end, since the SDK leaves the connection of what is not to the collector.
            for message in self.client.api.pull(repository, tag=tag, platform=place.platform, stream=True, decode=True):
                why = why or str(message.get("error") or "")
        except docker.errors.APIError as error:
            return str(error.explanation or error)
        return why

    def _check_emulation(self, place: Place, image: str) -> None:
        """Run a program of a foreign platform once: an engine does not say whether it can."""
        if _is_same(place.platform, self.platform) or place.platform in self._emulated:
            return
        command = Command(
            argv=("python3", "--version"),
            place=place,
            purpose=f"the trial of {place.platform}",
            limits=Limits(timeout_seconds=_TRIAL_SECONDS),
        )
        # Without an init: that would be a program of the engine's own platform, which misreports what fails.
        options = {**_options(command, self._run_id), "init": False, "mounts": [], "working_dir": "/"}
        container = None
        try:
            container = self.client.containers.create(image, ["--version"], entrypoint=["python3"], **options)
            container.start()
            code = _waited(self, container, command)
            said = container.logs().decode("utf-8", "replace").strip()
        except docker.errors.APIError as error:
            code, said = 1, str(error.explanation or error)
        finally:
            if container is not None:
                with contextlib.suppress(Exception):
                    container.remove(force=True, v=True)
        if code:
            raise faults.no_emulation(place, self.platform, said[-500:] or f"its programs end with status {code}")
        self._emulated.add(place.platform)

    def credentials_of(self, registry: str) -> tuple[str, str]:
        """User and password for a registry, out of the configuration of the docker command; empty where none are."""
        # Builders ask for the registry of images without one by the host that answers for it.
        known = None if registry in _USUAL_REGISTRY else registry
        with contextlib.suppress(*ERRORS):
            found = docker.auth.resolve_authconfig(self.client.api._auth_configs, registry=known)
            if found:
                token = found.get("IdentityToken") or found.get("identitytoken") or ""
                return ("" if token else str(found.get("username") or found.get("Username") or "")), str(
                    token or found.get("password") or found.get("Password") or ""
                )
        return "", ""

    def sweep(self) -> None:
        """Remove what runs that are no more have left behind."""
        with contextlib.suppress(*ERRORS):
            for container in self.client.containers.list(all=True, filters={"label": OWNER}, ignore_removed=True):
                if is_orphan(container.labels):
                    with contextlib.suppress(docker.errors.DockerException):
                        container.remove(force=True, v=True)

    def remove_all(self, label: str) -> None:
        for container in self.client.containers.list(all=True, filters={"label": label}, ignore_removed=True):
            with contextlib.suppress(docker.errors.DockerException):
                container.remove(force=True, v=True)

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.client.close()


def _connect(address: str) -> Any:  # noqa: ANN401  the SDK has no types
    timeout = _GREETING_SECONDS
    client = docker.DockerClient(base_url=address, timeout=timeout) if address else docker.from_env(timeout=timeout)
    client.api.timeout = _ANSWER_SECONDS
    return client


def _usual_address() -> str:
    """Where the SDK looks for an engine of which nothing was said, in words."""
    named = os.environ.get("DOCKER_HOST", "")
    if named or not hasattr(docker, "from_context"):
        return named or _SOCKET
    context = os.environ.get("DOCKER_CONTEXT") or get_current_context_name()
    return _SOCKET if context == "default" else f"docker context {context}"


def _without_password(text: str) -> str:
    """An address, or a text that names some, without the password that may stand in front of a host."""
    return re.sub(r"(://[^/@:\s]*):\S*@", r"\1@", text)


def _opened(address: str, shown: str, connect: Connect) -> Any:  # noqa: ANN401  the SDK has no types
    try:
        return connect(address)
    except ERRORS as error:
        why = _without_password(str(error))
        if "PermissionError" in why or isinstance(error, PermissionError):
            raise faults.forbidden(shown, why) from error
        if "paramiko" in why:
            raise faults.no_ssh(shown, why) from error
        raise faults.absent(shown, why) from error


@contextlib.contextmanager
def _refusals(host: Host, command: Command) -> Iterator[None]:
    try:
        yield
    except docker.errors.APIError as error:
        why = str(error.explanation or error)
        if "exec format error" in why:
            raise faults.no_emulation(command.place, host.platform, why) from error
        is_start = error.status_code == 400 and ("OCI runtime" in why or "executable file not found" in why)
        raise (faults.not_started(command, why) if is_start else faults.refused(command, why)) from error
    except ERRORS as error:
        raise faults.went_away(host.shown, str(error)) from error


def _options(command: Command, run_id: str) -> dict[str, Any]:
    """How a container is made: with as few rights and as little of the machine as there are."""
    limits = command.limits
    return {
        "platform": command.place.platform,
        "labels": labels(run_id, limits.timeout_seconds),
        "environment": {"HOME": WORK, "TMPDIR": "/tmp", **dict(command.environment)},  # noqa: S108  theirs
        "working_dir": WORK,
        **({} if command.is_as_image_user else {"user": f"{_USER}:{_USER}"}),
        "network_mode": "bridge" if command.has_network else "none",
        "read_only": True,
        "tmpfs": {"/tmp": "rw,nosuid,nodev,noexec,size=64m,mode=1777"},  # noqa: S108  theirs
        "mounts": [Mount(_MOUNT, None, type="volume")],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": limits.memory_bytes,
        "memswap_limit": limits.memory_bytes,
        "nano_cpus": int(limits.cpus * 1e9),
        "pids_limit": limits.processes,
        "init": True,
        "ipc_mode": "private",
        "log_config": LogConfig(type="json-file", config={"max-size": "8m", "max-file": "1"}),
    }


def _waited(host: Host, container: Any, command: Command) -> int:  # noqa: ANN401  the SDK has no types
    """Wait for a container to end; return its status."""
    began = time.monotonic()
    try:
        return int(container.wait(timeout=command.limits.timeout_seconds)["StatusCode"])
    except requests.exceptions.RequestException as error:
        if isinstance(error, docker.errors.APIError):
            raise
        # An HTTP client that waits in vain and one whose engine is gone raise the same.
        if time.monotonic() - began >= command.limits.timeout_seconds * 0.99:
            raise faults.timed_out(command) from error
        raise faults.went_away(host.shown, str(error)) from error


def _archive(command: Command) -> bytes:
    """What goes below _MOUNT: the files of a command, which belong to root, and the folder it may write to."""
    with io.BytesIO() as content:
        with tarfile.open(fileobj=content, mode="w") as archive:
            work = tarfile.TarInfo(WORK.removeprefix(f"{_MOUNT}/"))
            work.type, work.mode, work.uid, work.gid = tarfile.DIRTYPE, 0o755, _USER, _USER
            archive.addfile(work)
            for file in command.files:
                if not file.path.startswith(f"{_MOUNT}/"):
                    raise EngineError(f"{file.path} is outside {_MOUNT}")
                entry = tarfile.TarInfo(file.path.removeprefix(f"{_MOUNT}/"))
                entry.size, entry.mode = len(file.content), 0o555 if file.is_executable else 0o444
                archive.addfile(entry, io.BytesIO(file.content))
        return content.getvalue()


def _split(image: str) -> tuple[str, str | None]:
    """Take `name:tag` apart; None where there is no tag but a digest, or nothing."""
    if "@" in image:
        return image, None
    name, colon, tag = image.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (image, "latest")


def _platform_of(image: Any) -> str:  # noqa: ANN401  the SDK has no types
    return f"{image.attrs.get('Os', 'linux')}/{image.attrs.get('Architecture', '')}"


def _is_same(one: str, other: str) -> bool:
    """Whether two platforms have one system and architecture; variants (`/v8`) do not count."""
    return one.split("/")[:2] == other.split("/")[:2]


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
