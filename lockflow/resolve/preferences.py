"""Versions and forks that an older lock, or a finished sibling fork, contributes to a resolution."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from lockflow.standards.markers.universal import UniversalMarker
from lockflow.standards.requirements import Git
from lockflow.standards.versions import Version


class Preference(Struct, frozen=True, kw_only=True):
    """Take `version` of a package if it is allowed. `index` None means "from any index"."""

    version: Version
    index: str | None = None
    marker: UniversalMarker
    origin: Literal["lock", "sibling"]


class Preferences(Struct, frozen=True, kw_only=True):
    """What an old lock contributes: entries by package name in lock order, and the forks to begin with.

    Without `forks` a resolution begins with the environments that are declared; an empty one is a lock without any.
    `git_commits` maps repositories with their reference (see `repository_of`) to the locked commit.
    """

    entries: tuple[tuple[str, tuple[Preference, ...]], ...] = ()
    forks: tuple[UniversalMarker, ...] | None = None
    git_commits: tuple[tuple[Git, str], ...] = ()
