"""What is compared before anything is built: the tools that take part, what the project says, and what does not fit."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Concern = Literal["required-version", "setting", "marker", "group", "version", "conflicts", "lock", "source"]


class Tool(Struct, frozen=True, kw_only=True):
    """A uv that is to read the lock.

    `role` says in words which one it is ("the builder's", "this machine's"), `remedy` how another release takes its
    place, with RELEASE where its number belongs.
    """

    version: str
    role: str
    remedy: str = 'pin RELEASE or newer: `uv = "RELEASE"` in [tool.lockflow], and use that uv everywhere'


class Key(Struct, frozen=True, kw_only=True):
    """A key of `[tool.uv]`, and the file that has it."""

    name: str
    file: str


class Written(Struct, frozen=True, kw_only=True):
    """What the files of a project say, as far as it depends on the age of a uv how they are read.

    `keys` are all keys of the table that holds the settings (`[tool.uv]` of the root, or its `uv.toml`).
    `platform_system` are requirements with that marker, as written, each with its file. `groups` are the requirements
    of dependency groups, each with the group and its file. `span` is a relative `exclude-newer` as written, empty where
    there is none. `required_version` is specifier text.
    """

    keys: tuple[Key, ...] = ()
    platform_system: tuple[tuple[str, str], ...] = ()
    groups: tuple[tuple[str, str, str], ...] = ()
    span: str = ""
    required_version: str = ""


class Replacement(Struct, frozen=True, kw_only=True):
    """An edit of a file: `old` stands there once or more and becomes `new`."""

    file: str
    old: str
    new: str


class Drift(Struct, frozen=True, kw_only=True):
    """Why a build would end otherwise than the lock promises, in the parts of a message.

    `since` is the first uv release that has no part in it, empty where no uv has. `replacements` of text, or `removed`
    keys of the settings, are an edit of the project that mends it without another uv; both empty where there is none.
    """

    concern: Concern
    what: str
    where: str
    why: str
    advice: tuple[str, ...]
    since: str = ""
    replacements: tuple[Replacement, ...] = ()
    removed: tuple[Key, ...] = ()
