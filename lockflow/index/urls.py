"""Links of an index page to absolute URLs, as a browser joins and serialises them (WHATWG URL, sections 4.4, 4.5)."""

from __future__ import annotations

import re
from urllib.parse import unquote

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ABSOLUTE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", re.DOTALL)
_NO_BLANKS = str.maketrans("", "", "\t\n\r")
_PATH_UNSAFE = re.compile(r"[^!$-;=@-_a-z|~]")
_QUERY_UNSAFE = re.compile(r"[^!$-&(-;=?-~]")
_DOT = re.compile(r"\.|%2[eE]")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def join(base: str, link: str) -> str:
    """The URL that `link` on a page at `base` leads to, its fragment removed.

    An absolute link is kept to the letter, as a lock stores it; any other is joined and escaped.
    """
    link = link.strip()
    if "#" in link:
        link = link[: link.index("#")]
    if _SCHEME.match(link):
        return link
    link = link.translate(_NO_BLANKS)
    match = _ABSOLUTE.fullmatch(base)
    if match is None:
        return link
    scheme, host, tail = match[1].lower(), match[2], match[3].partition("#")[0]
    path, mark, query = link.partition("?")
    path = path.replace("\\", "/")
    if path.startswith("//"):
        host, slash, path = path[2:].partition("/")
        path = slash + path
    elif not path.startswith("/"):
        base_path, base_mark, base_query = tail.partition("?")
        if path:
            path = base_path[: base_path.rfind("/") + 1] + path
        else:
            path = base_path
            if not mark:
                mark, query = base_mark, base_query
    userinfo, at, host = host.rpartition("@")
    host = host.lower().removesuffix(_DEFAULT_PORTS.get(scheme, ":"))
    return f"{scheme}://{userinfo}{at}{host}{_normal_path(path)}{mark}{_escape(query, _QUERY_UNSAFE)}"


def _normal_path(path: str) -> str:
    parts: list[str] = []
    segments = path.split("/")[1:] if path.startswith("/") else path.split("/")
    last = len(segments) - 1
    for number, segment in enumerate(segments):
        plain = _DOT.sub(".", segment) if segment[:1] in (".", "%") else segment
        if plain == "..":
            if parts:
                parts.pop()
            if number == last:
                parts.append("")
        elif plain == ".":
            if number == last:
                parts.append("")
        else:
            parts.append(segment)
    return "/" + _escape("/".join(parts), _PATH_UNSAFE)


def _escape(text: str, unsafe: re.Pattern[str]) -> str:
    return unsafe.sub(lambda match: _percent(match[0]), text)


def _percent(character: str) -> str:
    # A percent sign stays: what is escaped already is not escaped again.
    if character == "%":
        return character
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def without_credentials(url: str) -> str:
    """The URL without `user:password@`; unchanged to the letter where there is none."""
    match = _ABSOLUTE.fullmatch(url)
    if match is None or "@" not in match[2]:
        return url
    return f"{match[1]}://{match[2].rpartition('@')[2]}{match[3]}"


def credentials_of(url: str) -> tuple[str, str] | None:
    """User and password that stand in a URL, decoded; None where there is none."""
    match = _ABSOLUTE.fullmatch(url)
    if match is None or "@" not in match[2]:
        return None
    user, _, password = match[2].rpartition("@")[0].partition(":")
    return unquote(user), unquote(password)


def origin(url: str) -> str:
    """Scheme, host and port in one canonical form; what may share credentials (RFC 6454)."""
    match = _ABSOLUTE.fullmatch(url)
    if match is None:
        return ""
    scheme, host = match[1].lower(), match[2].rpartition("@")[2].lower()
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORTS.get(scheme, ':'))}"


def host_of(url: str) -> str:
    """The host in lower case without port; empty where there is none."""
    authority = origin(url).partition("://")[2]
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]


def file_name_of(url: str) -> str:
    """The last segment of the path, decoded."""
    name = url.partition("#")[0].partition("?")[0].rpartition("/")[2]
    return unquote(name) if "%" in name else name


def with_suffix(url: str, suffix: str) -> str:
    """The URL of a file beside another: `suffix` follows the path, before a query."""
    path, mark, query = url.partition("?")
    return f"{path}{suffix}{mark}{query}"
