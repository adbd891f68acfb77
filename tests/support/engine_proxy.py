"""A socket between a program and an engine, which can be closed: to the program the engine is gone then."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path


class EngineProxy:
    """Passes on what is said on a socket of its own at `path` to the engine at `engine`, until `close`."""

    def __init__(self, path: Path, engine: str = "/var/run/docker.sock") -> None:
        self.path = path
        self._engine = engine
        self._closed = False
        self._guard = threading.Lock()
        """Over the next line: a connection that comes in while all are closed would stay open for ever."""
        self._sockets: set[socket.socket] = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def address(self) -> str:
        return f"unix://{self.path}"

    @property
    def connections(self) -> int:
        """How many there have been so far."""
        return (len(self._threads) - 1) // 2

    def close(self) -> None:
        """End all connections and take no more; nothing of the proxy runs or is open when this returns."""
        self.path.unlink(missing_ok=True)
        with self._guard:
            self._closed = True
            ended = (self._listener, *self._sockets)
        for each in ended:
            # It wakes the thread that waits on the socket; closing it alone would not.
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        # The thread that accepts is the first one, and starts no other once the proxy is closed.
        for thread in self._threads:
            thread.join()
        for each in ended:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                one, _ = self._listener.accept()
            except OSError:
                return
            other = socket.socket(socket.AF_UNIX)
            with self._guard:
                if self._closed:
                    one.close()
                    other.close()
                    return
                self._sockets |= {one, other}
                # Here too: only a connected socket can be woken by its end.
                other.connect(self._engine)
            for source, target in ((one, other), (other, one)):
                thread = threading.Thread(target=_pass_on, args=(source, target), daemon=True)
                self._threads.append(thread)
                thread.start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(1 << 16):
            target.sendall(content)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
