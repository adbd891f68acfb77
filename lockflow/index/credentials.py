"""Who we are to a host: what stands in a URL, what an index was given, the environment, netrc, then keyring."""

from __future__ import annotations

import base64
import netrc
import os

from lockflow.errors import NetworkError
from lockflow.index.keyring import Keyring
from lockflow.index.network import HttpOptions
from lockflow.index.urls import credentials_of, host_of, origin, without_credentials
from lockflow.inputs.model import Index


class Credentials:
    """Who we are, by URL: what stands in it, what an index was given, the environment, then netrc."""

    def __init__(self, options: HttpOptions) -> None:
        self._environment = options.environment
        self._given = {url: (user, password) for url, user, password in options.credentials}
        self._netrc: netrc.netrc | None = None
        self._is_netrc_read = False
        self._keyring = Keyring(options.environment) if options.has_keyring else None

    @property
    def note(self) -> str:
        """Why keyring did not help, for the message about an index that refuses; empty where it is not asked."""
        return "" if self._keyring is None else self._keyring.note

    async def header(self, url: str, index: Index | None) -> tuple[tuple[str, str], ...]:
        """The header that says who we are, if anything does.

        Raises NetworkError where an index is to be asked with credentials only (`authenticate = "always"`).
        """
        of_index = index is not None and origin(index.url) == origin(url)
        mode = index.authenticate if index is not None and of_index else "auto"
        pair = credentials_of(url) or self._of_index(url, index)
        if mode != "never" and (pair is None or not pair[1]):
            user = None if pair is None else pair[0]
            service = index.url if index is not None and of_index else url
            pair = self._of_netrc(url, user) or await self._of_keyring(service, user, mode) or pair
        if pair is None:
            if mode == "always":
                raise NetworkError(
                    f"there are no credentials for {host_of(url)}",
                    where=without_credentials(url),
                    why='`authenticate = "always"` forbids to ask this index without'
                    + (f"; {self.note}" if self.note else ""),
                    next="give credentials for the index (netrc, or UV_INDEX_<NAME>_USERNAME and _PASSWORD)",
                )
            return ()
        token = base64.b64encode(f"{pair[0]}:{pair[1]}".encode()).decode("ascii")
        return (("authorization", f"Basic {token}"),)

    def _of_index(self, url: str, index: Index | None) -> tuple[str, str] | None:
        place = origin(url)
        if index is not None and origin(index.url) == place:
            pair = self._given.get(index.url) or self._of_environment(index)
            if pair is not None or index.authenticate == "never":
                return pair
        candidates = [known for known in self._given if origin(known) == place]
        # Several indexes on one host: the one whose path the URL lies under.
        best = max(candidates, key=lambda known: len(known) if url.startswith(known) else 0, default=None)
        return None if best is None else self._given[best]

    def _of_environment(self, index: Index) -> tuple[str, str] | None:
        if index.name is None or index.authenticate == "never":
            return None
        word = "".join(character if character.isalnum() else "_" for character in index.name.upper())
        user = self._environment.get(f"UV_INDEX_{word}_USERNAME")
        password = self._environment.get(f"UV_INDEX_{word}_PASSWORD")
        return None if user is None and password is None else (user or "", password or "")

    async def _of_keyring(self, service: str, user: str | None, mode: str) -> tuple[str, str] | None:
        """Only an index that must be asked with credentials is worth the question without a user."""
        if self._keyring is None or (not user and mode != "always"):
            return None
        return await self._keyring.find(without_credentials(service), user or None)

    def _of_netrc(self, url: str, user: str | None = None) -> tuple[str, str] | None:
        if not self._is_netrc_read:
            self._is_netrc_read = True
            path = self._environment.get("NETRC") or os.path.expanduser("~/.netrc")  # noqa: PTH111  as netrc has it
            try:
                self._netrc = netrc.netrc(path)
            except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
                # pip and curl go on without a netrc that cannot be read.
                self._netrc = None
        found = None if self._netrc is None else self._netrc.authenticators(host_of(url))
        if found is None or (user and found[0] != user):
            return None
        return found[0] or "", found[2] or ""
