"""Who we are to a host: what stands in a URL, what an index was given, the environment, then netrc."""

from __future__ import annotations

import base64
import netrc
import os

from lockflow.index.network import HttpOptions
from lockflow.index.urls import credentials_of, host_of, origin
from lockflow.inputs.model import Index


class Credentials:
    """Who we are, by URL: what stands in it, what an index was given, the environment, then netrc."""

    def __init__(self, options: HttpOptions) -> None:
        self._environment = options.environment
        self._given = {url: (user, password) for url, user, password in options.credentials}
        self._netrc: netrc.netrc | None = None
        self._is_netrc_read = False

    def header(self, url: str, index: Index | None) -> tuple[tuple[str, str], ...]:
        pair = credentials_of(url) or self._of_index(url, index) or self._of_netrc(url)
        if pair is None:
            return ()
        token = base64.b64encode(f"{pair[0]}:{pair[1]}".encode()).decode("ascii")
        return (("authorization", f"Basic {token}"),)

    def _of_index(self, url: str, index: Index | None) -> tuple[str, str] | None:
        place = origin(url)
        if index is not None and origin(index.url) == place:
            pair = self._given.get(index.url) or self._of_environment(index)
            if pair is not None:
                return pair
        candidates = [known for known in self._given if origin(known) == place]
        # Several indexes on one host: the one whose path the URL lies under.
        best = max(candidates, key=lambda known: len(known) if url.startswith(known) else 0, default=None)
        return None if best is None else self._given[best]

    def _of_environment(self, index: Index) -> tuple[str, str] | None:
        if index.name is None:
            return None
        word = "".join(character if character.isalnum() else "_" for character in index.name.upper())
        user = self._environment.get(f"UV_INDEX_{word}_USERNAME")
        password = self._environment.get(f"UV_INDEX_{word}_PASSWORD")
        return None if user is None and password is None else (user or "", password or "")

    def _of_netrc(self, url: str) -> tuple[str, str] | None:
        if not self._is_netrc_read:
            self._is_netrc_read = True
            path = self._environment.get("NETRC") or os.path.expanduser("~/.netrc")  # noqa: PTH111  as netrc has it
            try:
                self._netrc = netrc.netrc(path)
            except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
                # pip and curl go on without a netrc that cannot be read.
                self._netrc = None
        found = None if self._netrc is None else self._netrc.authenticators(host_of(url))
        return None if found is None else (found[0] or "", found[2] or "")
