"""URLs of a lock to those of a mirror that is asked, and back."""

from __future__ import annotations

from collections.abc import Iterable

from lockflow.index.urls import origin

Mirrors = tuple[tuple[str, str], ...]
"""Beginnings of URLs, as a lock has them and as they are asked, both without a slash behind."""


def mirrored(url: str, mirrors: Mirrors) -> str:
    """Return where to ask for `url`; of several beginnings that fit the longest counts."""
    return _exchanged(url, mirrors) if mirrors else url


def canonical(url: str, mirrors: Mirrors) -> str:
    """Return what a lock calls a URL of a mirror; `url` itself where no mirror has it."""
    return _exchanged(url, ((there, here) for here, there in mirrors)) if mirrors else url


def strangers(urls: Iterable[str], mirrors: Mirrors) -> list[str]:
    """Return the URLs that lie on the host of a mirror and nowhere else: no entry says what a lock should call them."""
    hosts = {origin(there) for _, there in mirrors}
    homes = [here for here, _ in mirrors]
    return [url for url in urls if origin(url) in hosts and not _is_below(url, homes)]


def _exchanged(url: str, pairs: Iterable[tuple[str, str]]) -> str:
    best = max((pair for pair in pairs if _is_below(url, (pair[0],))), key=lambda pair: len(pair[0]), default=None)
    return url if best is None else best[1] + url[len(best[0]) :]


def _is_below(url: str, beginnings: Iterable[str]) -> bool:
    return any(
        url.startswith(start) and url[len(start) : len(start) + 1] in ("", "/", "?", "#") for start in beginnings
    )
