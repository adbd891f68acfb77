"""Paths and URLs as text: put together, made relative to the folder of a lock, freed of credentials (RFC 3986).

Paths have `/` separators here, on every system; a path counts as absolute where it starts with `/` or a drive.
"""

from __future__ import annotations

import re

from msgspec import Struct

_DRIVE = re.compile(r"[A-Za-z]:/")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_UNSAFE = re.compile(r"[\x00-\x20\x7f\"<>`{}]|[^\x00-\x7f]")
_DEFAULT_PORTS = {"http": "80", "https": "443", "ssh": "", "ftp": "21"}


class Address(Struct, frozen=True):
    """A URL without credentials, and the credentials it came with."""

    url: str
    user: str | None = None
    password: str | None = None


class InvalidURL(ValueError):
    """A text is no absolute URL."""


def is_absolute(path: str) -> bool:
    return path.startswith("/") or _DRIVE.match(path) is not None


def normalise(path: str) -> str:
    """Collapse `.`, `..` and repeated separators; `.` where nothing is left."""
    path = path.replace("\\", "/") if _DRIVE.match(path.replace("\\", "/")) else path
    absolute = is_absolute(path)
    drive = path[:2] if absolute and not path.startswith("/") else ""
    parts: list[str] = []
    for part in path[len(drive) :].split("/"):
        if part in ("", "."):
            continue
        if part != "..":
            parts.append(part)
        elif parts and parts[-1] != "..":
            parts.pop()
        elif not absolute:
            parts.append(part)
    text = "/".join(parts)
    return f"{drive}/{text}" if absolute else text or "."


def join(folder: str, path: str) -> str:
    """`path` as seen from `folder`, normalised."""
    return normalise(path if is_absolute(path) else f"{folder}/{path}")


def parent(path: str) -> str:
    """The folder above; the root is its own parent."""
    return normalise(f"{path}/..")


def file_name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def relative(path: str, folder: str) -> str:
    """`path` as seen from `folder`, both absolute and normalised; unchanged where they share no drive."""
    if path[:2] != folder[:2] and not (path.startswith("/") and folder.startswith("/")):
        return path
    ours = [part for part in path.split("/") if part]
    theirs = [part for part in folder.split("/") if part]
    shared = 0
    while shared < len(ours) and shared < len(theirs) and ours[shared] == theirs[shared]:
        shared += 1
    return "/".join([".."] * (len(theirs) - shared) + ours[shared:]) or "."


def is_url(text: str) -> bool:
    """Whether `text` starts with a scheme of more than one letter, which a drive would have."""
    match = _SCHEME.match(text)
    return match is not None and len(match[1]) > 1


def file_url_path(url: str) -> str:
    """The path of a `file:` URL, escapes decoded, a trailing `/` kept."""
    path = url[len("file:") :]
    if path.startswith("//"):
        path = path[2:]
        path = path[path.find("/") :] if "/" in path else "/"
    path = _unescape(path.partition("#")[0].partition("?")[0])
    if _DRIVE.match(path[1:]):
        path = path[1:]
    return normalise(path) + ("/" if path.endswith("/") and normalise(path) != "/" else "")


def parse_url(text: str) -> Address:
    """Read an absolute URL with a host, written as the URL standard serialises it; raises InvalidURL.

    The name in `ssh://git@host/` is part of how one talks to the host, not a credential.
    """
    text = text.strip()
    match = _SCHEME.match(text)
    if match is None or len(match[1]) == 1:
        raise InvalidURL(f"{text!r} is not an absolute URL")
    scheme = match[1].lower()
    rest = text[match.end() :]
    if scheme == "file":
        return Address(f"file:{rest}")
    if not rest.startswith("//"):
        raise InvalidURL(f"{text!r} names no host")
    end = next((place for place, character in enumerate(rest[2:], 2) if character in "/?#"), len(rest))
    authority, tail = rest[2:end], rest[end:]
    userinfo, at, host = authority.rpartition("@")
    user, colon, password = userinfo.partition(":")
    host, port = _split_port(host.lower(), scheme, text)
    kept = f"{userinfo}@" if at and not colon and scheme.endswith("ssh") else ""
    url = f"{scheme}://{kept}{host}{port}{_path(tail)}"
    if not at or kept:
        return Address(url)
    return Address(url, _unescape(user) or None, _unescape(password) if colon else None)


def shown_url(url: str) -> str:
    """A URL for a message: what stands before `@` could be a password."""
    scheme, separator, rest = url.partition("://")
    authority, slash, tail = rest.partition("/")
    return repr(f"{scheme}{separator}***@{authority.rpartition('@')[2]}{slash}{tail}" if "@" in authority else url)


def _split_port(host: str, scheme: str, text: str) -> tuple[str, str]:
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, ""
    if not name or re.search(r"[\s<>^|\\]", name):
        raise InvalidURL(f"{text!r} names no host")
    if port and not (port.isascii() and port.isdigit() and int(port[:6]) < 65536):
        raise InvalidURL(f"{text!r} has an invalid port")
    return name, f":{port}" if port and port != _DEFAULT_PORTS.get(scheme) else ""


def _path(tail: str) -> str:
    end = next((place for place, character in enumerate(tail) if character in "?#"), len(tail))
    path, rest = tail[:end], tail[end:]
    if "/." in path:
        trailing = "/" if path.endswith(("/", "/.", "/..")) else ""
        clean = [""]
        for part in path.split("/")[1:]:
            if part == "..":
                del clean[max(1, len(clean) - 1) :]
            elif part not in (".", ""):
                clean.append(part)
        path = "/".join(clean) + trailing
    return _UNSAFE.sub(_escape, (path or "/") + rest)


def _escape(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))


def _unescape(text: str) -> str:
    if "%" not in text:
        return text
    data = re.sub(
        rb"%([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), text.encode("utf-8", "surrogatepass")
    )
    return data.decode("utf-8", "replace")
