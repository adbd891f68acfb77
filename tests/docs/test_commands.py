"""Commands and settings that pages name without running them: they are parsed and read, and nothing complains."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import tomlkit

from lockflow.cli.faults import COMMANDS, Parser
from lockflow.cli.main import main
from support.pages import BLOCK, DOCS
from support.workbench import PROJECT, Workbench

PAGES = (DOCS.parent / "README.md", *sorted(DOCS.glob("*.md")))
LINE = re.compile(r"^(?:    |\$ )?(lockflow [a-z-].*)$", re.MULTILINE)
INLINE = re.compile(r"`(lockflow [a-z-][^`]*)`")
SENTENCE = re.compile(r"lockflow (?:writes|0\.1\.0)\b")
SHELL = re.compile(r" +(?:[|>]|&&).*")


class Understood(BaseException):
    """The arguments of a command were parsed. No `Exception`, since the command line would report that."""


def commands(text: str) -> Iterator[str]:
    for found in dict.fromkeys((*LINE.findall(text), *INLINE.findall(text))):
        if SENTENCE.match(found) is None:
            # What may be left out stands in brackets; of what there is a choice of, the first is taken.
            yield SHELL.sub("", re.sub(r"(\w)(?:\|\w+)+", r"\1", re.sub(r"[\[\]]", "", found)))


@pytest.mark.usefixtures("_nobodys_settings")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_command_in_a_page_is_understood(
    path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    parse = Parser.parse

    def parse_only(parser: Parser, words: list[str]) -> NoReturn:
        parse(parser, words)
        raise Understood

    monkeypatch.setattr(Parser, "parse", parse_only)
    monkeypatch.chdir(tmp_path)
    for line in commands(path.read_text(encoding="utf-8")):
        words = shlex.split(line, comments=True)[1:]
        if words == ["--version"] or (len(words) == 1 and words[0] in COMMANDS):
            continue
        try:
            main(words)
        except Understood:
            continue
        pytest.fail(f"{line}\n{capsys.readouterr().err}")


def test_commands_that_are_none_would_be_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "`lockflow lock --chek`\n\n    lockflow image linux/arm64 > out   # so\n$ lockflow check a && b\n"
    assert [*commands(text)] == ["lockflow image linux/arm64", "lockflow check a", "lockflow lock --chek"]
    assert main(["lock", "--chek"]) == 2
    assert "unexpected argument '--chek'" in capsys.readouterr().err


def settings() -> Iterator[tuple[str, str]]:
    """Pages, and blocks of them that are a part of pyproject.toml which nobody writes when the page is followed."""
    for path in PAGES:
        for block in BLOCK.finditer(path.read_text(encoding="utf-8")):
            if block["kind"] == "toml" and not block["title"]:
                yield path.stem, block["text"]


@pytest.mark.parametrize(("page", "text"), [*settings()], ids=[page for page, _ in settings()])
def test_settings_in_pages_are_settings(page: str, text: str, bench: Workbench) -> None:
    for name in ("api", "batch", "."):
        project = tomlkit.parse(PROJECT.format(name=name.replace(".", "app"), dependencies=[]))
        if name == ".":
            project["tool"]["uv"]["workspace"] = {"members": ["api", "batch"]}
            merge(project, tomlkit.parse(text))
        path = bench.project / name / "pyproject.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(tomlkit.dumps(project), encoding="utf-8")
    done = bench.run("lock")
    assert done.code == 0, done.said
    assert "warning" not in done.said, f"{page}: {done.said}"


def merge(into: Any, tables: Any) -> None:
    for key, value in tables.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value
