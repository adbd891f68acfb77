"""The links of core metadata that people want beside a new version (specification "Well-known Project URLs")."""

from __future__ import annotations

import re
from collections.abc import Iterable

_KINDS = {
    "changelog": "changelog", "changes": "changelog", "whatsnew": "changelog", "history": "changelog",
    "releasenotes": "changelog", "releases": "changelog",
    "source": "source", "repository": "source", "sourcecode": "source", "github": "source", "code": "source",
    "homepage": "homepage", "home": "homepage",
}  # fmt: skip
_ORDER = ("changelog", "source", "homepage")
_URL = re.compile(r"https?://[^\s<>\"\\^`{|}]+")
_LONGEST = 500


def well_known_links(project_urls: Iterable[str], home_page: str | None) -> tuple[tuple[str, str], ...]:
    """Return pairs of kind and URL, changelog first, then source, then homepage; of each kind the first, if any.

    `project_urls` are values of Project-URL (`Label, URL`). What is no web address is left out.
    """
    found: dict[str, str] = {}
    for value in project_urls:
        label, _, url = value.partition(",")
        kind = _KINDS.get(re.sub(r"[\W_]+", "", label).lower())
        if kind is not None and _is_link(url.strip()):
            found.setdefault(kind, url.strip())
    if home_page is not None and _is_link(home_page):
        found.setdefault("homepage", home_page)
    if found.get("homepage") == found.get("source"):
        found.pop("homepage", None)
    return tuple((kind, found[kind]) for kind in _ORDER if kind in found)


def _is_link(url: str) -> bool:
    return len(url) <= _LONGEST and _URL.fullmatch(url) is not None
