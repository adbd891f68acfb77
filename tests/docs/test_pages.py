"""Pages of docs/ do what they say: each is followed, command by command, in a world made for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from support.index_content import PUBLIC
from support.index_server import IndexServer, MemoryTransport
from support.pages import DOCS, Reader
from support.workbench import Workbench
from support.worlds import PAGES, World

ELSEWHERE = {"flyte.md", "images.md", "native-arm64.md"}
"""Followed where an engine is: tests/engine/test_pages.py, and tests/flyte/test_page.py."""
NOT_FOLLOWED = {"report-schema.md"}
"""Shows only what another program makes of the output."""


@pytest.fixture
def world(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    bench.releases.clear()
    made = World(bench)
    with IndexServer() as server:
        made.origin = server.origin
        server.answer = made.at(server.origin)
        monkeypatch.setenv("LOCKFLOW_MIRRORS", made.mirrors(server.origin))
        monkeypatch.setenv("LOCKFLOW_CACHE_DIR", str(bench.cache))
        monkeypatch.setenv("UV_NO_PROGRESS", "1")
        for role in ("AUTHOR", "COMMITTER"):
            monkeypatch.setenv(f"GIT_{role}_NAME", "a")
            monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@x.example")
        monkeypatch.chdir(bench.project)
        yield made


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_true(page: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    PAGES[page](world)
    reader = Reader(world.bench.project, world.sections, monkeypatch.setenv, replaced=world.replaced)
    if not world.is_mirrored:
        monkeypatch.delenv("LOCKFLOW_MIRRORS")
    if not world.is_mirrored and not world.replaced:
        reader.transport = MemoryTransport(lambda *request: world.answer(PUBLIC, *request))
    # An image is built where an engine is: tests/engine/test_first_hour.py.
    reader.follow(page, lambda section: section != "An image")
    assert reader.commands or reader.names


def test_every_page_with_something_to_run_is_followed() -> None:
    runs = re.compile(r"^```(?:console|sh|python)$", re.MULTILINE)
    shown = {path.name for path in DOCS.glob("*.md") if runs.search(path.read_text(encoding="utf-8"))}
    assert shown - {*PAGES} == ELSEWHERE | NOT_FOLLOWED
