"""What a step works on, and how it reaches the index."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from lockflow.inputs.model import SettingsOverrides
from lockflow.lock.model import Waiting
from lockflow.standards.requirements import Requirement


class Target(Struct, frozen=True, kw_only=True):
    """What a step works on, and with which settings.

    `directory` is where reading starts; `script` names a PEP 723 script relative to it. `environment` are the
    environment variables, `python` the minor that stands in for a missing requires-python.
    `drafts` are texts that are read in place of files (by absolute path), to see what an edit would do; `limits`
    bound the versions of this run, and the lock does not record them. `on_wait` hears, once for every second, that
    another process works on the project, and for how long this one has waited; what it raises ends the wait.
    """

    directory: Path = Path()
    script: Path | None = None
    settings: SettingsOverrides = SettingsOverrides()
    environment: Mapping[str, str] = {}
    python: tuple[int, int] = (sys.version_info.major, sys.version_info.minor)
    drafts: Mapping[Path, str] = {}
    limits: tuple[Requirement, ...] = ()
    on_wait: Callable[[Waiting], None] | None = None


class Network(Struct, frozen=True, kw_only=True):
    """How the index is reached; `refresh` is True, or the names whose pages are asked for again.

    `insecure_hosts` may have certificates that nobody vouches for. `transport` answers requests in place of the
    network (an httpx transport); tests have one.
    """

    offline: bool = False
    no_cache: bool = False
    refresh: bool | frozenset[str] = False
    cache_dir: Path | None = None
    insecure_hosts: frozenset[str] = frozenset()
    transport: Any = None


USUAL = Network()
