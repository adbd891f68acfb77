"""The reference names all that there is, and nothing that is not; every page has its place."""

from __future__ import annotations

import inspect
import os
import re

import pytest

import lockflow
from docs import reference
from lockflow.cli.faults import COMMANDS, describe
from lockflow.cli.plain import Started
from lockflow.inputs import image_options, lockflow_options, options
from lockflow.platforms import definitions
from support.pages import DOCS

NAVIGATION = re.findall(r"^ *- .*: (\S+\.md)$", (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return reference.pages()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_named(name: str, pages: dict[str, str]) -> None:
    text = pages["reference/cli.md"]
    command = describe(name, Started(os.environ, None))
    assert f"## lockflow {name}\n" in text
    groups = (command.arguments, command.options, *(section.options for section in command.sections))
    named = [option.shown for group in groups for option in group if option.names[0].startswith("-")]
    assert [shown for shown in named if shown.replace("|", "\\|") not in text] == []


def test_every_setting_of_lockflow_has_a_meaning(pages: dict[str, str]) -> None:
    assert {*reference.LOCKFLOW} == {*lockflow_options.LOCKFLOW_KEYS}
    assert {*reference.IMAGE} == image_options._KEYS
    assert [
        key for key in {**reference.LOCKFLOW, **reference.IMAGE} if f"| `{key}` |" not in pages["reference/settings.md"]
    ] == []


def test_every_setting_of_uv_is_told_or_listed_as_without_effect(pages: dict[str, str]) -> None:
    known = options.RESOLVER_KEYS | options.ROOT_KEYS | options.PROJECT_KEYS
    assert {*reference.UV} <= known
    assert {*reference.UV} >= options.LOCK_KEYS | options.ROOT_KEYS
    assert [key for key in known if f"`{key}`" not in pages["reference/settings.md"]] == []


def test_every_key_of_a_definition_has_a_meaning(pages: dict[str, str]) -> None:
    keys = {f"{place}.{key}" if place else key for place, names in definitions._KEYS.items() for key in names}
    assert {*reference.DEFINITION} == keys
    assert [key for key in keys if f"| `{key}` |" not in pages["reference/platforms.md"]] == []


@pytest.mark.parametrize("name", lockflow.__all__)
def test_every_public_name_is_documented(name: str, pages: dict[str, str]) -> None:
    thing = getattr(lockflow, name)
    assert len(inspect.getdoc(thing) or "") > 20
    assert f"### {name}\n" in pages["reference/python.md"]
    if inspect.isfunction(thing):
        parameters = inspect.signature(thing).parameters
        assert [word for word in parameters if f"{word}: " not in pages["reference/python.md"]] == []


def test_every_exit_code_is_told(pages: dict[str, str]) -> None:
    codes = re.findall(r"^\| (\d+) \|", pages["reference/exit-codes.md"], re.MULTILINE)
    assert codes == ["0", "1", "2", "10", "130"]


def test_every_page_stands_in_the_navigation_once(pages: dict[str, str]) -> None:
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert sorted(NAVIGATION) == sorted(written | pages.keys())


def test_no_page_leads_to_another_host() -> None:
    allowed = re.compile(r"https?://(?:[\w.:-]+@)?[\w.-]*\.example\b|https?://127\.0\.0\.1|http://www\.w3\.org/")
    for path in (*DOCS.rglob("*.md"), *DOCS.rglob("*.svg"), *DOCS.rglob("*.css"), DOCS.parent / "README.md"):
        urls = re.findall(r"https?://[^\s\"'`)>|]+", path.read_text(encoding="utf-8"))
        assert [url for url in urls if not allowed.match(url)] == [], path.name
