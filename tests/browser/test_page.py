"""The page of a report as a person uses it, in headless Chromium; `make browser` installs what it takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lockflow.platforms.model import Finding, Status
from lockflow.report.as_html import as_html
from lockflow.report.assemble import assemble, platform_report
from lockflow.report.model import Report
from lockflow.report.write import read_page
from lockflow.standards.versions import Version
from support.demo_reports import broken, large, small, typical
from support.small_reports import LOCK, bad_report, check, coverage, missing, sdist, wheel

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
AXE = Path(__file__).parents[2] / ".venv" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE = "</script><img src=x onerror=alert(1)>"

Page = Any
"""A page of Playwright, which need not be installed to check types."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as runner:
        chromium = runner.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def faults() -> list[str]:
    return []


def show(browser: Any, folder: Path, report: Report, faults: list[str], **options: Any) -> Page:
    path = folder / "index.html"
    path.write_text(as_html(report, read_page(), title="demo"), encoding="utf-8")
    page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **options})
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text))
    page.on("dialog", lambda dialog: faults.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: faults.append(request.url) if not request.url.startswith("file:") else None)
    page.goto(path.as_uri())
    return page


def fruits() -> Report:
    """Four packages on two platforms; `cherry` is missing on one Python, `fig` is built, one name is hostile."""
    old = Finding(package="date", version=Version.parse("1.0"), status=Status.PYTHON, reason="it requires Python <3.13")
    outcomes = [
        check(
            platform,
            coverage("3.12", wheel("apple"), wheel("cherry"), wheel("date"), sdist("fig", is_allowed=True)),
            coverage("3.13", wheel("apple"), cherry, old, sdist("fig", is_allowed=True), wheel(HOSTILE)),
        )
        for platform, cherry in (("darwin", wheel("cherry")), ("linux/arm64", missing("cherry", "1.0")))
    ]
    return assemble([platform_report(outcome, lock=LOCK) for outcome in outcomes], lock=LOCK)


@pytest.fixture
def page(browser: Any, tmp_path: Path, faults: list[str]) -> Iterator[Page]:
    page = show(browser, tmp_path, fruits(), faults)
    yield page
    page.close()
    assert faults == []


def names(page: Page) -> list[str]:
    return [text.split()[0] for text in page.locator("#matrix tbody th").all_inner_texts()]


def focused(page: Page) -> str:
    """What has the focus: row, column and content of a cell."""
    script = """() => {
        const cell = document.activeElement.closest("td, th");
        const head = document.querySelectorAll("#matrix thead th")[cell.cellIndex].innerText.split(" ")[0];
        const row = cell.parentElement.cells[0].innerText.split(" ")[0];
        return `${row} | ${head} | ${cell.innerText.replace(/\\s+/g, " ")}`;
    }"""
    return str(page.evaluate(script))


def test_the_worst_stands_first_and_every_column_can_be_ordered_by(page: Page) -> None:
    assert names(page) == ["cherry", "date", "fig", "</script><img", "apple"]
    page.get_by_role("button", name="Package").click()
    assert names(page) == sorted(names(page))
    page.get_by_role("button", name="Package").click()
    assert names(page) == sorted(names(page), reverse=True)
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("Package")
    page.get_by_role("button", name="darwin").click()
    assert names(page)[0] == "date"


def test_a_search_a_status_and_a_platform_narrow_the_rows(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("CHER")
    assert names(page) == ["cherry"]
    assert page.get_by_role("status").inner_text() == "1 of 5 packages"
    page.keyboard.press("Escape")
    assert len(names(page)) == 5
    page.get_by_role("radio", name="problems 2").check()
    assert names(page) == ["cherry", "date"]
    page.get_by_role("checkbox", name="linux/arm64").uncheck()
    assert names(page) == ["date"]
    assert page.locator("#matrix thead th:visible").count() == 2
    page.get_by_role("radio", name="missing").check()
    assert names(page) == []
    assert page.get_by_text("No package is like that.").is_visible()


def test_the_keyboard_alone_leads_to_the_details_and_back(page: Page) -> None:
    page.get_by_label("one column each").focus()
    page.keyboard.press("Tab")
    assert focused(page).startswith("cherry")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert focused(page) == "cherry | linux/arm64 | ✕ missing 3.13 ✓ wheel 3.12"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog", name="cherry 1.0")
    assert panel.is_visible()
    said = panel.inner_text()
    for part in ("missing", "Python 3.13", "manylinux x86_64", "torch 2.5.1", "leave it out there", "the tag rules"):
        assert part in said
    assert "cherry-1.0-py3-none-any.whl" in said
    page.keyboard.press("Escape")
    assert not panel.is_visible()
    assert focused(page).startswith("cherry | linux/arm64")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    assert page.locator("#panel h3").all_inner_texts()[0] == "darwin"
    page.keyboard.press("Escape")
    page.keyboard.press("Control+End")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert focused(page) == "apple | linux/arm64 | ✓ wheel"
    page.keyboard.press("Control+Home")
    page.keyboard.press("ArrowUp")
    assert focused(page).startswith("Package")
    page.keyboard.press("Enter")
    assert names(page) == sorted(names(page))


def test_pythons_can_have_a_column_each(page: Page) -> None:
    page.get_by_label("one column each").check()
    assert page.locator("#matrix thead th").count() == 1 + 2 * 2
    assert page.locator("#matrix tbody tr").first.locator("td").all_inner_texts() == ["✓", "✓", "✓", "✕"]
    page.locator("#matrix tbody td.missing").click()
    assert "Python 3.13" in page.locator("#panel").inner_text()
    assert "3.12" not in page.locator("#panel").inner_text()


def test_a_hostile_name_is_text(page: Page) -> None:
    assert page.get_by_role("rowheader", name=HOSTILE).count() == 1
    assert page.locator("img").count() == 0


def test_a_kind_that_nothing_has_is_not_offered(page: Page) -> None:
    offered = page.get_by_role("radio").all()
    assert [radio.get_attribute("value") for radio in offered if radio.is_enabled()] == [
        "all", "problems", "missing", "python", "built", "wheel"
    ]  # fmt: skip


def test_kinds_are_gone_through_by_arrow_keys(page: Page) -> None:
    page.get_by_role("radio", name="all 5").focus()
    page.keyboard.press("ArrowRight")
    assert names(page) == ["cherry", "date"]
    page.keyboard.press("ArrowRight")
    assert names(page) == ["cherry"]
    assert page.get_by_role("status").inner_text() == "1 of 5 packages"


def test_only_one_cell_is_in_the_order_of_tab(page: Page) -> None:
    for _ in range(3):
        assert page.locator("#matrix [tabindex='0']").count() == 1
        page.get_by_label("one column each").click()


@pytest.mark.parametrize("made", [bad_report, typical, broken, small, large], ids=lambda made: made.__name__)
@pytest.mark.parametrize("width", [1920, 1280, 390, 320])
def test_nothing_is_wider_than_the_window(
    browser: Any, tmp_path: Path, faults: list[str], width: int, made: Callable[[], Report]
) -> None:
    page = show(browser, tmp_path, made(), faults, viewport={"width": width, "height": 800})
    page.locator("#matrix tbody td .chip").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
    assert faults == []


def test_what_is_wrong_can_be_read_without_scripts(browser: Any, tmp_path: Path, faults: list[str]) -> None:
    page = show(browser, tmp_path, typical(), faults, java_script_enabled=False)
    assert page.get_by_role("heading", name="The lock fails on 3 of 3 platforms").is_visible()
    assert page.get_by_text('add "nvidia-nccl-cu12>=2.26.2" to constraint-dependencies').is_visible()
    assert not page.locator("#matrix").is_visible()
    page.close()


def test_a_large_report_is_quick_and_its_edges_stay_in_sight(browser: Any, tmp_path: Path, faults: list[str]) -> None:
    """600 packages on 12 columns. A screenful is there first; the bounds are for a busy machine."""
    page = show(browser, tmp_path, large(), faults, viewport={"width": 1000, "height": 700})
    page.get_by_label("one column each").check()
    page.locator("#matrix tbody tr").nth(600).wait_for()
    for act in (
        "document.querySelector('#matrix thead button').click()",
        "const find = document.querySelector('#search'); find.value = 'oak'; find.dispatchEvent(new Event('input'))",
    ):
        began, drawn = "const began = performance.now()", "document.body.offsetHeight"
        assert page.evaluate(f"() => {{ {began}; {act}; {drawn}; return performance.now() - began }}") < 1000
    page.get_by_label("Find").fill("")
    page.locator("#matrix tbody tr").nth(600).wait_for()
    page.locator(".matrix").evaluate("box => { box.scrollTop = 5000; box.scrollLeft = 300 }")
    places = (".matrix", "#matrix thead th:nth-child(9)", "#matrix tbody tr:nth-child(200) th")
    script = "places => places.map((place) => document.querySelector(place).getBoundingClientRect().toJSON())"
    box, head, name = page.evaluate(script, places)
    assert head["top"] == pytest.approx(box["top"], abs=2)
    assert name["left"] == pytest.approx(box["left"], abs=2)
    page.locator("#matrix tbody th").first.focus()
    page.keyboard.press("Control+End")
    assert page.evaluate("document.activeElement.parentElement.rowIndex") > 600
    page.close()
    assert faults == []


@pytest.mark.parametrize("made", [bad_report, typical, broken, small], ids=lambda made: made.__name__)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about(
    browser: Any, tmp_path: Path, faults: list[str], scheme: str, made: Callable[[], Report]
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    page = show(browser, tmp_path, made(), faults, color_scheme=scheme, bypass_csp=True)
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    page.locator("#matrix tbody td .chip").first.click()
    page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
    for is_apart in (False, True):
        page.get_by_label("one column each").set_checked(is_apart)
        found = page.evaluate("axe.run(document).then((result) => result.violations)")
        assert [f"{one['id']} {one['impact']} {one['nodes'][0]['html']}" for one in found] == []
    page.close()


def test_a_printed_page_has_everything_unfolded_and_no_tools(browser: Any, tmp_path: Path, faults: list[str]) -> None:
    page = show(browser, tmp_path, bad_report(), faults)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert not page.locator(".tools").is_visible()
    assert page.locator("#matrix").is_visible()
    page.close()
