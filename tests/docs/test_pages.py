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

NOT_FOLLOWED = {"images.md", "flyte.md"}
"""Pages whose commands need an engine, or files that can be installed: their own suites run them."""


@pytest.fixture
def world(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    bench.releases.clear()
    made = World(bench)
    with IndexServer() as server:
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
    reader = Reader(world.bench.project, world.sections, monkeypatch.setenv)
    if not world.is_mirrored:
        monkeypatch.delenv("LOCKFLOW_MIRRORS")
        reader.transport = MemoryTransport(lambda *request: world.answer(PUBLIC, *request))
    # An image is built where an engine is: tests/engine/test_first_hour.py.
    reader.follow(page, lambda section: section != "An image")
    assert reader.commands or reader.names


def test_every_page_with_commands_is_followed() -> None:
    """But for pages that only show what another program makes of the output."""
    command = re.compile(r"^\$ lockflow [^|\n]*$", re.MULTILINE)
    shown = {path.name for path in DOCS.glob("*.md") if command.search(path.read_text(encoding="utf-8"))}
    assert shown - {*PAGES} - NOT_FOLLOWED == set()
