"""What was found in files of other tools, ready to be written into pyproject.toml (PEP 621, PEP 735, `[tool.uv]`)."""

from __future__ import annotations

from msgspec import Struct


class Include(Struct, frozen=True, kw_only=True):
    """An entry of a group that stands for another group."""

    group: str


class NamedIndex(Struct, frozen=True, kw_only=True):
    """An index; `name` is empty where nothing refers to it."""

    url: str
    name: str = ""
    is_default: bool = False
    is_explicit: bool = False


class Found(Struct, frozen=True, kw_only=True):
    """What can be taken over, and in words what cannot (`left`).

    `origin` names where it was found, `origins` the same for each group alone where that differs. Requirements are PEP
    508 texts. `sources` are by package, each an inline table as text; where there are several for one package, their
    markers are in them. `settings` are keys of `[tool.uv]` with TOML values as text. `scripts` are names and entry
    points. An empty text is nothing found.
    """

    origin: str
    name: str = ""
    version: str = ""
    description: str = ""
    requires_python: str = ""
    dependencies: tuple[str, ...] = ()
    extras: tuple[tuple[str, tuple[str, ...]], ...] = ()
    groups: tuple[tuple[str, tuple[str | Include, ...]], ...] = ()
    scripts: tuple[tuple[str, str], ...] = ()
    sources: tuple[tuple[str, tuple[str, ...]], ...] = ()
    indexes: tuple[NamedIndex, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    origins: tuple[tuple[str, str], ...] = ()
    left: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing in it would go into a lock."""
        return not (self.dependencies or self.extras or self.groups)
