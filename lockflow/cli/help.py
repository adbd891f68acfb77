"""What a parser knows of its command, as text: a help that fits a screen, and one that leaves nothing out."""

from __future__ import annotations

import argparse
import re
import shutil
from collections.abc import Iterable, Iterator
from itertools import groupby
from textwrap import shorten, wrap

from msgspec import Struct

WIDTH = 100
"""The widest that help is laid out; on a narrower terminal it is as wide as that."""
_NARROWEST = 40
_NAMES_WIDTH = 28
_BELOW = " " * 6
_EXAMPLE = re.compile(r"(  \S.*?) {2,}(\S.*)")


class Option(Struct, frozen=True, kw_only=True):
    """An option or a positional argument. `value` is what stands behind its name: `FILE`, `a|b`, or nothing."""

    names: tuple[str, ...]
    value: str
    choices: tuple[str, ...]
    help: str

    @property
    def shown(self) -> str:
        return f"{', '.join(self.names)} {self.value}".rstrip()


class Section(Struct, frozen=True, kw_only=True):
    title: str
    options: tuple[Option, ...]


class Command(Struct, frozen=True, kw_only=True):
    """One command: `sections` are the groups of options that it shares with others."""

    name: str
    usage: str
    summary: str
    arguments: tuple[Option, ...]
    options: tuple[Option, ...]
    sections: tuple[Section, ...]
    examples: str


def described(parser: argparse.ArgumentParser, name: str) -> Command:
    """Take a parser apart, which argparse offers no way for; options without a help are left out."""
    own: list[Option] = []
    shared: list[Section] = []
    for group in parser._action_groups:
        options = tuple(_option(action) for action in group._group_actions if action.help != argparse.SUPPRESS)
        if group in (parser._positionals, parser._optionals):
            own += options
        elif options:
            shared.append(Section(title=group.title or "", options=options))
    arguments = tuple(option for option in own if not option.names[0].startswith("-"))
    return Command(
        name=name,
        usage=" ".join((parser.prog, "[OPTIONS]", *(option.value for option in arguments))),
        summary=parser.description or "",
        arguments=arguments,
        options=tuple(option for option in own if option.names[0].startswith("-")),
        sections=tuple(shared),
        examples=(parser.epilog or "").rstrip("\n"),
    )


def width_here() -> int:
    """How wide help is to be: as the terminal, within bounds; all of it where there is none."""
    return max(_NARROWEST, min(WIDTH, shutil.get_terminal_size((WIDTH, 0)).columns))


def short_help(command: Command, width: int = WIDTH) -> str:
    """The command's own options in full; of what it shares with others, the names."""
    lines = [*_head(command, width), *_rows("Options", command.options, width)]
    if command.sections:
        lines += ["", f"More, told by `lockflow help {command.name}`:"]
        lines += (_named(section, width) for section in command.sections)
    return "\n".join([*lines, *_foot(command, width)])


def _named(section: Section, width: int) -> str:
    """The names in a section, as many as stand on a line."""
    title = section.title.removesuffix(" options").lower()
    names = ", ".join(map(_long, section.options))
    return f"  {shorten(f'{title}: {names}', width - 2, placeholder=' ...', break_on_hyphens=False)}"


def full_help(command: Command, width: int = WIDTH) -> str:
    """All options, each with what it does."""
    lines = [*_head(command, width), *_rows("Options", command.options, width)]
    for section in command.sections:
        lines += _rows(section.title, section.options, width)
    return "\n".join([*lines, *_foot(command, width)])


def _head(command: Command, width: int) -> list[str]:
    told = [Option(names=(option.value,), value="", choices=(), help=option.help) for option in command.arguments]
    return [*wrap(command.summary, width), "", f"Usage: {command.usage}", *_rows("Arguments", told, width)]


def _foot(command: Command, width: int) -> list[str]:
    """Examples with their words behind them, or below them where there is not room; then what else there is to say."""
    lines = command.examples.split("\n") if command.examples else []
    if any(len(line) > width for line in lines):
        lines = list(_narrowed(lines, width))
    return ["", *lines] if lines else []


def _narrowed(lines: Iterable[str], width: int) -> Iterator[str]:
    """Words of examples below them, paragraphs as wide as there is room."""
    for is_paragraph, block in groupby(lines, lambda line: line[:1] not in ("", " ")):
        if is_paragraph:
            yield from wrap(" ".join(block), width, break_on_hyphens=False, break_long_words=False)
            continue
        for line in block:
            example = _EXAMPLE.fullmatch(line)
            if example is not None:
                yield example[1]
            elif not line.startswith(_BELOW):
                yield line
                continue
            words = line.strip() if example is None else example[2]
            yield from wrap(words, width, initial_indent=_BELOW, subsequent_indent=_BELOW)


def _rows(title: str, options: Iterable[Option], width: int) -> Iterator[str]:
    shown = [option for option in options if option.help or not option.shown.startswith("-")]
    if not any(option.help for option in shown):
        return
    lengths = [len(option.shown) for option in shown]
    indent = max((length for length in lengths if length <= _NAMES_WIDTH), default=_NAMES_WIDTH) + 4
    yield from ("", f"{title}:")
    for option, length in zip(shown, lengths, strict=True):
        # The name of a variable stays with its word.
        text = option.help.replace("[env: ", "[env:\N{NO-BREAK SPACE}")
        lines = wrap(text, width - indent, break_on_hyphens=False, break_long_words=False)
        lines = [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
        if length > indent - 4:
            yield f"  {option.shown}"
        else:
            yield f"  {option.shown:<{indent - 4}}  {lines[0] if lines else ''}".rstrip()
            lines = lines[1:]
        yield from (f"{'':{indent}}{line}" for line in lines)


def _option(action: argparse.Action) -> Option:
    choices = tuple(map(str, action.choices)) if action.choices is not None else ()
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    value = "|".join(choices) or metavar
    if not action.option_strings:
        many = {"?": f"[{value}]", "*": f"[{value}...]", "+": f"{value}...", argparse.REMAINDER: f"[{value}...]"}
        value = many.get(str(action.nargs), value)
    elif action.nargs == 0:
        value = ""
    return Option(
        names=tuple(sorted(action.option_strings, key=lambda name: name.startswith("--"))) or (action.dest,),
        value=value,
        choices=choices,
        help=(action.help or "") % {"default": action.default} if "%(" in (action.help or "") else action.help or "",
    )


def _long(option: Option) -> str:
    """The name by which an option is best known: its first long one."""
    return next((name for name in option.names if name.startswith("--")), option.names[0])
