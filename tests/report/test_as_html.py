from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from msgspec.structs import replace

from lockflow.platforms.model import ChainLink, Floor
from lockflow.report.as_html import Page, as_html
from lockflow.report.assemble import assemble, platform_report
from lockflow.report.model import Report
from lockflow.report.write import read_page
from support.demo_reports import broken, large, typical
from support.small_reports import LOCK, bad_report, check, coverage, good_report, missing, sdist, wheel

PAGE = Page(style="p { color: red }", script="console.log(1)")
HOSTILE = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>&amp;\"'"


class Reader(HTMLParser):
    """Collects the elements, the attributes and the text outside of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.said = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts[-1] += data
        else:
            self.said += data

    @property
    def data(self) -> Any:
        return json.loads(self.scripts[0])


def one_platform(*coverages: Any, **changes: Any) -> Report:
    report = replace(platform_report(check("linux/arm64", *coverages), lock=LOCK), **changes)
    return assemble([report], lock=LOCK)


def test_the_page_asks_the_network_for_nothing() -> None:
    page = Reader(as_html(bad_report(), read_page()))

    asked = [
        (tag, name)
        for tag, attributes in page.elements
        for name, value in attributes.items()
        if name in {"src", "srcset", "action", "data", "poster"} or (name == "href" and not str(value).startswith("#"))
    ]
    assert not asked
    assert not {"link", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.elements}
    assert not re.search(r"url\(|@import|https?:", read_page().style + read_page().script)


def test_the_policy_lets_only_the_style_and_the_script_of_the_page_run() -> None:
    page = Reader(as_html(bad_report(), PAGE))

    policy = next(str(attributes["content"]) for tag, attributes in page.elements if "content" in attributes)
    for text in (PAGE.style, PAGE.script):
        assert f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


@pytest.mark.parametrize("name", [HOSTILE, "a\u2028b\u2029c", "]]>", "\\u003c"])
def test_what_strangers_named_is_text_and_never_markup(name: str) -> None:
    chain = (ChainLink(name="app", version="0.1"), ChainLink(name=name, version="1", via=name, marker=name))
    finding = missing(name, chain=chain, reason=name, advice=(name,))
    plain = Reader(as_html(one_platform(coverage("3.12", missing("plain"))), PAGE, title="demo"))

    page = Reader(as_html(one_platform(coverage("3.12", finding)), PAGE, title=name))

    assert [tag for tag, _ in page.elements if tag not in {"li", "code"}] == [
        tag for tag, _ in plain.elements if tag not in {"li", "code"}
    ]
    assert name in page.said
    assert page.data["packages"][0][0] == name
    assert page.data["packages"][0][2][0]["reason"] == name
    assert page.scripts[1] == PAGE.script


def test_a_package_is_told_once_with_its_distinct_entries() -> None:
    same, other = wheel("a"), sdist("a", is_allowed=True)
    first = check("darwin", coverage("3.11", same), coverage("3.12", same))
    second = check("linux/amd64", coverage("3.11", replace(other, version=same.version)), coverage("3.12", wheel("b")))
    report = assemble([platform_report(one, lock=LOCK) for one in (first, second)], lock=LOCK)

    packages = Reader(as_html(report, PAGE)).data["packages"]

    assert packages[0][:2] == ["a", "1.0"]
    assert [entry["status"] for entry in packages[0][2]] == ["wheel", "built"]
    assert packages[0][3] == [0, [1, -1]]
    assert packages[1][:2] == ["b", "1.0"]
    assert packages[1][3] == [-1, [-1, 0]]


def test_problems_are_told_without_scripts_too_and_alike_ones_once() -> None:
    report = bad_report()

    page = Reader(as_html(report, PAGE))

    assert page.said.count("no distribution of nvidia-nccl-cu12 2.21.5 fits linux/arm64") == 1
    assert "likewise on linux/amd64" in page.said
    assert "windows/amd64 could not be judged: no engine answers" in page.said
    # One for each problem, and one for the evidence of each platform that was judged.
    assert [tag for tag, _ in page.elements].count("details") == 6 + 3


def test_a_good_report_has_no_problems_section() -> None:
    assert "What is wrong" not in as_html(good_report(), PAGE)


def test_the_verdict_comes_with_what_to_do() -> None:
    said = Reader(as_html(good_report(), PAGE)).said
    assert "The lock holds on 2 platforms\nThere is nothing to do." in said
    assert "3 packages on 2 platforms with Python 3.11–3.12, judged in process" in said
    said = Reader(as_html(typical(), PAGE)).said
    assert "3 problems: 1 package is missing, 1 does not support a Python, 1 would have to be built." in said
    assert "lockflow check --fix tries the edits below" in said
    said = Reader(as_html(broken(), PAGE)).said
    assert "2 problems: 1 platform could not be judged, 1 finding speaks against a platform." in said
    assert "--fix" not in said, "there is no edit to try"
    assert "Name platforms in [tool.lockflow]" in Reader(as_html(assemble([], lock=LOCK), PAGE)).said


def test_of_many_problems_only_the_worst_stand_above_the_matrix() -> None:
    page = Reader(as_html(large(120), PAGE))

    assert "more problems" in page.said
    assert [tag for tag, attributes in page.elements if attributes.get("class") == "rest"] == ["details"]


def test_a_floor_that_rose_is_told() -> None:
    floor = Floor(
        kind="glibc", machine="aarch64", version="2.34", limit="2.36", previous="2.17", packages=("torch", "numpy")
    )

    said = Reader(as_html(one_platform(coverage("3.12", wheel("a")), floor=floor), PAGE)).said

    assert "linux/arm64 now needs glibc 2.34 (2.17 before), because of torch, numpy" in said


def test_the_page_says_when_it_was_made_only_if_told() -> None:
    assert "Made" not in as_html(good_report(), PAGE)
    assert "<dt>Made<dd>in May" in as_html(good_report(), PAGE, made="in May")
    assert as_html(bad_report(), PAGE) == as_html(bad_report(), PAGE)


def test_what_is_referred_to_by_a_label_is_there_once() -> None:
    page = Reader(as_html(bad_report(), PAGE))

    names = [str(attributes["id"]) for _, attributes in page.elements if "id" in attributes]
    assert len(names) == len(set(names))
    for _, attributes in page.elements:
        for key in ("aria-labelledby", "aria-describedby"):
            assert str(attributes.get(key, names[0])) in names
    used = set(re.findall(r'byId\("([a-z-]+)"\)', read_page().script))
    assert used <= set(names)
