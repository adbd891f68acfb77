"""Anchors of an HTML page to links, found without building a tree (PEP 503, 592, 658)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping

from lockflow.index.anchors import NO_HASHES, Hashes, Link, fragment_hashes
from lockflow.index.times import timestamp_ns
from lockflow.index.urls import file_name_of, join

# Where something starts that matters. Elements whose content is text, and comments, are skipped whole.
_START = re.compile(r"<(?:(!--)|(a|base)(?=[\s/])|(script|style|textarea|title)(?=[\s/>]))", re.IGNORECASE)

_ATTRIBUTE = re.compile(
    r"""[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>][^\s>]*))?)?""", re.ASCII
)

_ANCHOR = re.compile(r"""<a\s+href="([^"]*)"((?:\s+[a-z-]+="[^"]*")*)\s*>""")

_PLAIN_ATTRIBUTE = re.compile(r"""\s+([a-z-]+)="([^"]*)\"""")


def html_links(text: str, page_url: str) -> Iterator[Link]:
    base: str | None = None
    for tag, attributes in _tags(text):
        href = attributes.get("href")
        if href is None:
            continue
        if tag != "base":
            link = _html_link(href, attributes, base or page_url)
            if link is not None:
                yield link
        elif base is None:
            base = join(page_url, href)


def _tags(text: str) -> Iterator[tuple[str, dict[str, str | None]]]:
    """The `a` and `base` tags with their attributes, names in lower case. Linear in the length of any text."""
    position = 0
    folded = ""
    while (start := _START.search(text, position)) is not None:
        if start[1]:
            position = text.find("-->", start.end())
            if position < 0:
                return
        elif start[3]:
            folded = folded or text.lower()
            # Lower case can be longer than the text (İ); then positions do not agree and nothing is skipped.
            position = folded.find(f"</{start[3].lower()}", start.end()) if len(folded) == len(text) else start.end()
            if position < 0:
                return
        else:
            anchor = _ANCHOR.match(text, start.start())
            if anchor is not None:
                attributes: dict[str, str | None] = dict(_PLAIN_ATTRIBUTE.findall(anchor[2]))
                attributes["href"] = anchor[1]
                if "&" in anchor[0]:
                    attributes = {name: html.unescape(value or "") for name, value in attributes.items()}
                position = anchor.end()
            else:
                attributes, position = _attributes(text, start.end())
            yield start[2].lower(), attributes


def _attributes(text: str, position: int) -> tuple[dict[str, str | None], int]:
    found: dict[str, str | None] = {}
    while (match := _ATTRIBUTE.match(text, position)) is not None:
        values = [value for value in match.groups()[1:] if value is not None]
        found.setdefault(match[1].lower(), html.unescape(values[0]) if values else None)
        position = match.end()
    return found, position


def _html_link(href: str, attributes: Mapping[str, str | None], base: str) -> Link | None:
    target, _, fragment = href.partition("#")
    filename = file_name_of(target.rstrip())
    if not filename:
        return None
    url = target if target.startswith(("https://", "http://")) else join(base, target)
    announced = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    uploaded = attributes.get("data-upload-time")
    size = (attributes.get("data-size") or "").removeprefix("+")
    return Link(
        filename=filename,
        url=url.rstrip(),
        hashes=fragment_hashes(fragment) if fragment else None,
        requires_python=(attributes.get("data-requires-python") or "").strip() or None,
        size=int(size) if size.isascii() and size.isdigit() and len(size) < 19 else None,
        # What is no time is as good as none here; uv reads JSON more strictly than HTML.
        upload_time=uploaded if uploaded and timestamp_ns(uploaded) is not None else None,
        yanked=(attributes["data-yanked"] or True) if "data-yanked" in attributes else False,
        core_metadata=announced == "true" or (announced is not None and _announced_hash(announced)),
    )


def _announced_hash(text: str) -> bool | Hashes:
    hashes = fragment_hashes(text)
    return False if hashes == NO_HASHES else hashes
