"""What a builder is handed to reach the indexes: variables, credentials, authorities; never part of what it builds."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote

from msgspec.structs import replace

from lockflow.errors import InputError
from lockflow.image_plans import Project
from lockflow.index.credentials import Credentials
from lockflow.index.network import http_options
from lockflow.index.urls import host_of, origin
from lockflow.inputs.model import Index
from lockflow.proving import network_of

_IN_URL = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
_LEAST_HIDDEN = 3
_UNWRITABLE = frozenset(" \t\r\n\"'\\#")


def secrets_of(project: Project, environment: Mapping[str, str]) -> tuple[tuple[str, bytes], ...]:
    """The secrets that the recipe mounts, those that are not needed left out.

    Raises InputError where credentials cannot be handed over, NetworkError where an index asks for some and has none.
    """
    settings = project.read.manifest.settings
    variables, files = network_of(environment, settings)
    kept = {name: value for name, value in variables if name != "SSL_CERT_FILE"}
    found = []
    if kept:
        found.append(("environment", json.dumps(kept).encode()))
    text = _netrc(project, environment)
    if text:
        found.append(("netrc", text.encode()))
    if files:
        found.append(("authorities", files[0].content))
    return tuple(found)


def hidden_words(secrets: Iterable[tuple[str, bytes]]) -> tuple[str, ...]:
    """The passwords in what `secrets_of` found, in each form in which a program could print them; the longest first."""
    found: set[str] = set()
    for name, content in secrets:
        if name == "netrc":
            found.update(line.split()[-1] for line in content.decode().splitlines())
        elif name == "environment":
            for variable, value in json.loads(content).items():
                found.update([value] if variable.endswith("_PASSWORD") else _IN_URL.findall(value))
    found |= {unquote(word) for word in found} | {quote(word, safe="") for word in found}
    # A word of one or two letters is no secret that hiding would keep, and stands in half of all lines.
    return tuple(sorted((word for word in found if len(word) >= _LEAST_HIDDEN), key=lambda word: (-len(word), word)))


def _netrc(project: Project, environment: Mapping[str, str]) -> str:
    """Who we are to each host that files come from, wherever that is known from: URL, variable, netrc or keyring."""
    settings = project.read.manifest.settings
    options = http_options(environment, project.read.credentials)
    options = replace(options, has_keyring=settings.keyring_provider == "subprocess")
    pairs = asyncio.run(_pairs(Credentials(options), [*_places(project, environment)]))
    hosts: dict[str, tuple[str, str]] = {}
    for host, pair in pairs:
        if hosts.setdefault(host, pair) != pair:
            raise InputError(
                f"there are two users for {host}",
                where="the indexes of the project",
                why="a builder is told one for each host",
                next="give the indexes names, and each its UV_INDEX_<NAME>_USERNAME and _PASSWORD",
            )
        if not all(pair) or any(character in _UNWRITABLE for character in "".join(pair)):
            raise InputError(
                f"the credentials for {host} cannot be handed to a builder",
                where="the indexes of the project",
                why="a netrc file holds no empty text, and no quotes, hashes or spaces",
                next="give the index a name, and its UV_INDEX_<NAME>_USERNAME and _PASSWORD",
            )
    return "".join(f"machine {host} login {user} password {password}\n" for host, (user, password) in hosts.items())


def _places(project: Project, environment: Mapping[str, str]) -> Iterable[tuple[str, Index | None]]:
    """The indexes, and one file of each further host."""
    settings = project.read.manifest.settings
    known: set[str] = set()
    for index in (*settings.indexes, *settings.find_links):
        if index.url.startswith(("http:", "https:")):
            known.add(origin(index.url))
            # uv learns who we are from the variables of an index, which are handed over as they are.
            if not _has_variables(index, environment):
                yield index.url, index
    for package in project.lock.packages:
        for file in (*package.wheels, *((package.sdist,) if package.sdist is not None else ())):
            if file.url is not None and origin(file.url) not in known:
                known.add(origin(file.url))
                yield file.url, None


def _has_variables(index: Index, environment: Mapping[str, str]) -> bool:
    word = "".join(character if character.isalnum() else "_" for character in (index.name or "").upper())
    return bool(word) and f"UV_INDEX_{word}_PASSWORD" in environment


async def _pairs(
    credentials: Credentials, places: Iterable[tuple[str, Index | None]]
) -> list[tuple[str, tuple[str, str]]]:
    found = []
    for url, index in places:
        for _, value in await credentials.header(url, index):
            user, _, password = base64.b64decode(value.removeprefix("Basic ")).decode().partition(":")
            found.append((host_of(url), (user, password)))
    return found
