"""Passwords from the program `keyring`, where it is installed and a setting asks for it (`keyring-provider`).

The questions are those of uv: `keyring get SERVICE USER`, where the service is the index, then its host, then its
origin; and `keyring get SERVICE --mode creds` where not even the user is known. Each is put once in a run.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Mapping

from lockflow.index.urls import origin

_TIMEOUT_SECONDS = 120
"""Long enough for a person to unlock a store of passwords."""


class Keyring:
    """Asks the program on the PATH of `environment`. What it says goes nowhere but into the answer."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._program = shutil.which("keyring", path=environment.get("PATH", ""))
        self._answers: dict[tuple[str, str | None], tuple[str, str] | None] = {}
        self._one_at_a_time = asyncio.Lock()
        self.note = "there is no program `keyring` on PATH" if self._program is None else "keyring knows no password"
        """Why nothing was found, for the message about an index that refuses."""

    async def find(self, service: str, user: str | None) -> tuple[str, str] | None:
        """User and password for `service`, a URL without credentials; None where keyring has none."""
        if self._program is None:
            return None
        key = (service, user)
        async with self._one_at_a_time:
            if key not in self._answers:
                self._answers[key] = await asyncio.to_thread(self._look_up, self._program, service, user)
        return self._answers[key]

    def _look_up(self, program: str, service: str, user: str | None) -> tuple[str, str] | None:
        if user is not None and user.startswith("-"):
            # What stands in a URL must not become an option.
            return None
        place = origin(service)
        for name in (service, place.partition("://")[2], place):
            if user is None:
                lines = self._ask(program, name, "--mode", "creds").splitlines()
                if len(lines) > 1:
                    return lines[0], lines[1]
            elif password := self._ask(program, name, user).rstrip("\r\n"):
                return user, password
        return None

    def _ask(self, program: str, *arguments: str) -> str:
        """What keyring prints; empty where it has nothing or fails, for whatever reason."""
        try:
            done = subprocess.run(
                [program, "get", *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_SECONDS,
                env=dict(self._environment),
                check=False,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return ""
        return done.stdout if done.returncode == 0 else ""
