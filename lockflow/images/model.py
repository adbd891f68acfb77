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


# What is built -------------------------------------------------------------------------------------------------------

TOOLS = "tools"
MANIFESTS = "manifests"
SOURCE = "source"
HOME = "home"
"""The folders of a build's context: programs, what the lock is judged by, the projects with their sources, and what is
copied to where the image begins."""


class ImagePlan(Struct, frozen=True, kw_only=True):
    """All that is decided of an image for one platform before it is built.

    `platform` is its name, `engine_platform` what engines call it, `builder_platform` what the builder runs natively;
    `target` is the image's platform in uv's words, empty where the two are the same. `base` and `builder` are images.
    `folder` is where the root lies below what is copied, `selection` the flags that say what of the lock is installed,
    `local_packages` those that are installed from source trees, `built_packages` others that are built from source.
    `environment` are further variables of the image, `home` the folder that it begins in where its user may write
    there (else it is /app), `has_copies` tells whether files of the context are copied into that.
    """

    name: str
    platform: str
    engine_platform: str
    builder_platform: str
    target: str = ""
    python: str
    base: str
    builder: str
    uv: str
    folder: str = "."
    selection: tuple[str, ...] = ()
    local_packages: tuple[str, ...] = ()
    built_packages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    user: str
    entrypoint: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    home: str = ""
    has_copies: bool = False


# What came of it -----------------------------------------------------------------------------------------------------


class Seen(Struct, frozen=True):
    """What `witness.py` says of a finished image: what the interpreter is, and what can be imported from it.

    `distributions` are name, version and folder; `owners` say of files that were asked for who brought them, and
    whether in a wheel for any platform. `tags` are the platform tags of the installed wheels, by distribution,
    as far as they ask for a libc.
    """

    environment: dict[str, str]
    distributions: tuple[tuple[str, str, str], ...]
    owners: dict[str, tuple[str, bool]]
    prefix: str
    user: tuple[int, int]
    libc: str
    libc_version: str
    tags: dict[str, tuple[str, ...]] = {}


class Expected(Struct, frozen=True, kw_only=True):
    """What an image must be: the packages (version None where the project's own is dynamic) and what runs them."""

    packages: tuple[tuple[str, str | None], ...]
    python: str
    machine: str
    engine_platform: str


class Binary(Struct, frozen=True, kw_only=True):
    """A program or shared object of an image and the machine that it is for, in the words of `platform.machine()`."""

    path: str
    machine: str
