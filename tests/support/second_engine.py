"""A container engine of a test's own, which can be killed: nothing of it is shared with the one at hand, nor left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import docker

SECONDS = 60
"""What a start may take on a busy machine."""
IMAGE = "lockflow-test/python:amd64"
_NETWORK = "10.213.77.1", "255.255.255.0"
# Requests of ioctl, from <linux/sockios.h>: a bare machine has no program that makes bridges.
_MAKE_BRIDGE, _REMOVE_BRIDGE, _SET_ADDRESS, _SET_MASK, _SET_FLAGS = 0x89A0, 0x89A1, 0x8916, 0x891C, 0x8914
_IS_UP = 1


class SecondEngine:
    """A daemon with everything below `root` and a network at `bridge`."""

    def __init__(self, root: Path, bridge: str, driver: str) -> None:
        self.root = root
        self._argv = [
            "dockerd", "--host", self.address, "--data-root", f"{root}/data", "--exec-root", f"{root}/exec",
            "--pidfile", f"{root}/dockerd.pid", "--storage-driver", driver, "--bridge", bridge,
            "--iptables=false", "--ip-masq=false",
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"unix://{self.root}/engine.sock"

    def start(self) -> docker.DockerClient:
        """Start the daemon, again maybe; a client of it, which whoever asked closes."""
        with (self.root / "log").open("ab") as log:
            self._process = subprocess.Popen(self._argv, stdout=log, stderr=log, start_new_session=True)
        limit = time.monotonic() + SECONDS
        while not self._answers():
            assert self._process.poll() is None, self._said()
            assert time.monotonic() < limit, self._said()
            time.sleep(0.1)
        return docker.DockerClient(self.address)

    def _answers(self) -> bool:
        """Whether it would answer: a client of the SDK that cannot connect leaves its sockets open."""
        with socket.socket(socket.AF_UNIX) as asked, contextlib.suppress(OSError):
            asked.settimeout(5)
            asked.connect(f"{self.root}/engine.sock")
            asked.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return asked.recv(64).startswith((b"HTTP/1.0 200", b"HTTP/1.1 200"))
        return False

    def kill(self) -> None:
        """End it as a crash does, and what it started along with it."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)
        for line in reversed(Path("/proc/mounts").read_text(encoding="utf-8").splitlines()):
            place = line.split()[1]
            if place.startswith(f"{self.root}/"):
                subprocess.run(["umount", "--lazy", place], check=False)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        helper = Path(self.root, "exec", "containerd", "containerd.pid")
        pid = int(helper.read_text()) if helper.exists() else 0
        self._process.send_signal(number)
        self._process.wait(SECONDS)
        self._process = None
        if number is signal.SIGKILL and pid:
            # It is no child of ours. A daemon that ends in good order takes it along.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            limit = time.monotonic() + SECONDS
            while _runs(pid):
                assert time.monotonic() < limit, "containerd does not end"
                time.sleep(0.05)
            # Whoever is to reap it may not: the next daemon would take its number in the file for a process that runs.
            helper.unlink(missing_ok=True)

    def _said(self) -> str:
        return (self.root / "log").read_text(errors="replace")[-2000:]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


@contextlib.contextmanager
def second_engine(first: docker.DockerClient) -> Iterator[SecondEngine]:
    """An engine that has one image of the first, whose kind of storage it uses beside that one's."""
    facts = first.info()
    root = Path(tempfile.mkdtemp(prefix="lockflow-second-", dir=Path(facts["DockerRootDir"]).parent))
    with _bridge(f"lockflow{os.getpid() % 10_000_000}") as bridge:
        made = SecondEngine(root, bridge, facts["Driver"])
        try:
            client = made.start()
            client.images.load(b"".join(first.images.get(IMAGE).save(named=IMAGE)))
            client.close()
            yield made
        finally:
            made.stop()
            shutil.rmtree(root, ignore_errors=True)


@contextlib.contextmanager
def _bridge(name: str) -> Iterator[str]:
    with socket.socket() as asked:
        fcntl.ioctl(asked, _MAKE_BRIDGE, f"{name}\0".encode())
        try:
            for request, address in zip((_SET_ADDRESS, _SET_MASK), _NETWORK, strict=True):
                packed = struct.pack("16sH2x4s8x", name.encode(), socket.AF_INET, socket.inet_aton(address))
                fcntl.ioctl(asked, request, packed)
            fcntl.ioctl(asked, _SET_FLAGS, struct.pack("16sH", name.encode(), _IS_UP))
            yield name
        finally:
            fcntl.ioctl(asked, _SET_FLAGS, struct.pack("16sH", name.encode(), 0))
            fcntl.ioctl(asked, _REMOVE_BRIDGE, f"{name}\0".encode())
