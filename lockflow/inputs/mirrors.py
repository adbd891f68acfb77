"""Which hosts are asked in the place of others on this machine: `mirrors`, as a project, a user or a variable has it.

A lock keeps the URLs on the left, so that it is the same for everybody.
"""

from __future__ import annotations

from collections.abc import Mapping

from lockflow.inputs.options import Credential
from lockflow.inputs.paths import InvalidURL, parse_url, shown_url
from lockflow.inputs.tables import Document, Faults, Table

VARIABLE = "LOCKFLOW_MIRRORS"
USER_FILE = "lockflow/lockflow.toml"
_NEXT = 'write it like "https://index.example/simple" = "https://mirror.example/simple"'

Mirrors = dict[str, str]
"""From the beginning of URLs as a lock has them to the beginning of those that are asked, without a slash behind."""


def parse_mirrors(table: Table, credentials: list[Credential]) -> Mirrors:
    """Read the key `mirrors` of a table; faults are noted in the table's document."""
    entries = table.table("mirrors")
    mirrors: Mirrors = {}
    for canonical in entries.values if entries is not None else ():
        assert entries is not None
        mirror = entries.text(canonical)
        if mirror is None:
            continue
        pair = _address(canonical, None), _address(mirror, credentials)
        if pair[0] is None or pair[1] is None:
            wrong = canonical if pair[0] is None else mirror
            entries.fault(canonical, f"{shown_url(wrong)} is not a URL to ask", needle=wrong, next=_NEXT)
            continue
        mirrors[pair[0]] = pair[1]
    return mirrors


def parse_user_file(table: Table, credentials: list[Credential]) -> Mirrors:
    """Read a user's `lockflow.toml`, which holds nothing that other people of a project would have to know."""
    table.warn_unknown(("mirrors",), "only `mirrors` is read from there; the rest belongs to [tool.lockflow]")
    return parse_mirrors(table, credentials)


def mirrors_from_environment(environment: Mapping[str, str], faults: Faults, credentials: list[Credential]) -> Mirrors:
    """Read the variable, where entries are `URL=MIRROR` with blanks between them."""
    entries: dict[str, object] = {}
    for part in environment.get(VARIABLE, "").split():
        canonical, separator, mirror = part.partition("=")
        if not separator:
            what = f"{VARIABLE} cannot be {shown_url(part)!r}"
            faults.add(what, where="environment", next="write URL=MIRROR, with blanks between several")
            continue
        entries[canonical] = mirror
    table = Table(Document("environment", "", faults), "", {"mirrors": entries})
    return parse_mirrors(table, credentials) if entries else {}


def _address(text: str, credentials: list[Credential] | None) -> str | None:
    """The URL without credentials and without a slash behind; None where it is not one that can be asked."""
    try:
        address = parse_url(text)
    except InvalidURL:
        return None
    if not address.url.startswith(("https://", "http://")) or "?" in address.url or "#" in address.url:
        return None
    url = address.url.rstrip("/")
    if credentials is not None and (address.user is not None or address.password is not None):
        credentials.append((url, address.user or "", address.password or ""))
    return url
