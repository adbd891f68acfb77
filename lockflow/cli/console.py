"""What people see: messages, colour and progress on stderr, data on stdout.

Rich is imported only where stderr is a terminal and there is something to draw; a run with nothing to do pays for
no more than `os` and `sys`.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock
from time import perf_counter

# The constant of `typing`, without its import: that would cost a fifth of a run with nothing to do.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType
    from typing import Any, Protocol, Self, TextIO

    from lockflow.errors import LockflowError
    from lockflow.lock.model import Waiting

    class Region(Protocol):
        """Something that moves below the last line of a terminal."""

        def pause(self) -> None: ...

        def resume(self) -> None: ...


_BOLD, _DIM, _RED, _GREEN, _YELLOW, _CYAN = "1", "2", "1;31", "32", "1;33", "36"
_CODES = (_BOLD, _DIM, _RED, _GREEN, _YELLOW, _CYAN, "31", "0")
"""All codes with which lines are painted here."""
_SHOW_AFTER_SECONDS = 0.3
_LINE_EVERY_SECONDS = 10.0


class _Terminal:
    """The terminal, of which a process has one: what moves there steps aside for every line."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.region: Region | None = None

    def __enter__(self) -> None:
        self.lock.acquire()
        if self.region is not None:
            self.region.pause()

    def __exit__(self, *_: object) -> None:
        if self.region is not None:
            self.region.resume()
        self.lock.release()


TERMINAL = _Terminal()
"""Whoever writes a line does so inside of `with TERMINAL`."""


class Console:
    """Where a command speaks. `quiet` 1 leaves out all but errors, 2 those too; `verbose` adds what is seldom asked."""

    def __init__(self, environment: Mapping[str, str], *, quiet: int = 0, color: str = "auto") -> None:
        self.environment = environment
        self.stderr: TextIO = sys.stderr
        self.stdout: TextIO = sys.stdout
        self.is_terminal = _is_terminal(self.stderr) and environment.get("TERM") != "dumb"
        self.settle(quiet=quiet, verbose=0, color=color, has_progress=True)

    def settle(self, *, quiet: int, verbose: int, color: str, has_progress: bool) -> None:
        """Do as flags say, which are known only after the console had to be there."""
        self.quiet = quiet
        self.verbose = verbose
        self.has_color = _has_color(color, self.environment, is_terminal=self.is_terminal)
        self.has_progress = has_progress and not quiet and not self.environment.get("UV_NO_PROGRESS")

    def data(self, text: str) -> None:
        """Put data on stdout, whatever the verbosity."""
        _write(self.stdout, text)

    def say(self, text: str) -> None:
        if not self.quiet:
            _write(self.stderr, text)

    def detail(self, text: str) -> None:
        """Say what only `--verbose` shows."""
        if self.verbose:
            self.say(self._paint(_DIM, text))

    def warn(self, text: str) -> None:
        self.say(f"{self._paint(_YELLOW, 'warning')}{self._paint(_BOLD, ':')} {text}")

    def note(self, text: str) -> None:
        self.say(self._paint(_DIM, text))

    def error(self, error: LockflowError) -> None:
        """Say the four parts of an error."""
        self.problem(str(error))

    def problem(self, message: str) -> None:
        """Say a message of four parts."""
        if self.quiet > 1:
            return
        what, *parts = message.split("\n")
        lines = [f"{self._paint(_RED, 'error')}{self._paint(_BOLD, ':')} {what}"]
        for line in parts:
            label = next((label for label in ("  where:", "  why:", "  next:") if line.startswith(label)), "")
            lines.append((self._paint(_CYAN, label) if label else "") + line.removeprefix(label))
        _write(self.stderr, "\n".join(lines))

    def resolved(self, packages: int, seconds: float) -> None:
        """The line that ends every lock operation, worded as uv words it."""
        count = self._paint(_BOLD, plural(packages, "package"))
        if self.has_color:
            count = f"{count}\033[2m"
        self.say(self._paint(_DIM, f"Resolved {count} in {duration(seconds)}"))

    def checked(self, packages: int, seconds: float) -> None:
        """The line that ends a sync with nothing to do."""
        self.note(f"Checked {plural(packages, 'package')} in {duration(seconds)}")

    def change(self, line: str) -> None:
        """One line `Updated name v1 -> v2`, its first word coloured by kind."""
        word, _, rest = line.partition(" ")
        name, _, versions = rest.partition(" ")
        code = {"A": _GREEN, "R": "31", "U": _CYAN}.get(word[:1], _BOLD)
        self.say(f"{self._paint(code, word)} {self._paint(_BOLD, name)} {versions}")

    def package(self, sign: str, label: str) -> None:
        """One line of what became of an environment: ` + name==version`, its sign coloured by kind."""
        name, equals, rest = label.partition("==")
        code = {"+": _GREEN, "-": "31", "~": _YELLOW}[sign]
        self.say(f" {self._paint(code, sign)} {self._paint(_BOLD, name)}{self._paint(_DIM, equals + rest)}")

    def progress(self, verb: str) -> Progress:
        """A line that moves while something long goes on; used in a `with`."""
        return Progress(self, verb)

    def table(self, title: str, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> None:
        """A table: drawn on a terminal, plain columns elsewhere. A column whose name ends in `#` holds numbers."""
        if self.quiet:
            return
        names, cells = list(columns), [list(row) for row in rows]
        if self.is_terminal:
            self._draw_table(title, names, cells)
        else:
            self._print_table(names, cells)

    def _draw_table(self, title: str, names: list[str], cells: list[list[str]]) -> None:
        from rich import box
        from rich.console import Console as RichConsole
        from rich.table import Table
        from rich.text import Text

        table = Table(
            title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True
        )
        for place, name in enumerate(names):
            # The first says what a line is about; where there is not room for all, others are broken.
            is_right = name.endswith("#")
            table.add_column(name.removesuffix("#"), justify="right" if is_right else "left", no_wrap=place == 0)
        for row in cells:
            table.add_row(*(Text(tame(cell), style=_STYLES.get(cell, "")) for cell in row))
        with TERMINAL:
            RichConsole(file=self.stderr, no_color=not self.has_color, highlight=False).print(table)

    def _print_table(self, names: list[str], cells: list[list[str]]) -> None:
        lines = [[name.removesuffix("#") for name in names], *cells]
        widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
        for line in lines:
            padded = [
                cell.rjust(width) if name.endswith("#") else cell.ljust(width)
                for cell, width, name in zip(line, widths, names, strict=True)
            ]
            self.say("  ".join(padded).rstrip())

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.has_color else text


_STYLES = {"good": "green", "bad": "bold red", "broken": "bold yellow"}


class Progress:
    """How far something is: a moving line on a terminal, one plain line every ten seconds elsewhere.

    Nothing is drawn for what takes a moment only.
    """

    def __init__(self, console: Console, verb: str) -> None:
        self._console = console
        self._verb = verb
        self._started = perf_counter()
        self._due = self._started + (_SHOW_AFTER_SECONDS if console.is_terminal else _LINE_EVERY_SECONDS)
        self._text = ""
        self._status: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with TERMINAL.lock:
            if TERMINAL.region is self:
                self.pause()
                TERMINAL.region = None

    def pause(self) -> None:
        """Leave the terminal to a line."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def resume(self) -> None:
        """Be shown again below it."""
        from rich.console import Console as RichConsole
        from rich.text import Text

        rich = RichConsole(file=self._console.stderr, no_color=not self._console.has_color, highlight=False)
        self._status = rich.status(Text(self._text), spinner="dots")
        self._status.start()

    def __call__(self, *, decided: int, fetched: int) -> None:
        """Hear of a resolution: decisions made, pages and metadata fetched."""
        if self._console.has_progress and perf_counter() >= self._due:
            self._tell(f"{self._verb} ({plural(decided, 'decision')}, {fetched} pages and metadata files read)")

    def step(self, text: str) -> None:
        """Hear of one thing that is done."""
        if self._console.has_progress and perf_counter() >= self._due:
            self._tell(f"{self._verb} ({text})")

    def _tell(self, text: str) -> None:
        if not self._console.is_terminal:
            self._due = perf_counter() + _LINE_EVERY_SECONDS
            self._console.say(text)
            return
        with TERMINAL.lock:
            self._text = tame(text)
            if self._status is not None:
                from rich.text import Text

                self._due = perf_counter() + 0.05
                # As it is: names with brackets are no markup.
                self._status.update(Text(self._text))
            elif TERMINAL.region is None:
                TERMINAL.region = self
                self.resume()


class Waits:
    """Says once for each file what this run waits for: another process that works on the project."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: set[str] = set()

    def __call__(self, waiting: Waiting) -> None:
        if waiting.path not in self._told:
            self._told.add(waiting.path)
            path, here = waiting.path, os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118  pathlib costs a start
            self._console.note(f"Waiting for {waiting.holder}, which holds {path.removeprefix(here)}")


def plural(count: int, noun: str) -> str:
    """`1 package`, `2 packages`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def duration(seconds: float) -> str:
    """A time as short as it can be read: `0.93ms`, `41ms`, `2.36s`, `1m 04s`."""
    if seconds < 0.001:
        return f"{seconds * 1000:.2f}ms"
    if seconds < 1:
        return f"{int(seconds * 1000)}ms"
    if seconds < 60:
        return f"{int(seconds * 100) / 100:.2f}s"
    return f"{int(seconds) // 60}m {int(seconds) % 60:02d}s"


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def _has_color(choice: str, environment: Mapping[str, str], *, is_terminal: bool) -> bool:
    if choice in ("always", "never"):
        return choice == "always"
    if environment.get("NO_COLOR"):
        return False
    return bool(environment.get("FORCE_COLOR") or environment.get("CLICOLOR_FORCE")) or is_terminal


_PLAIN = str.maketrans({"–": "-", "→": ">", "…": "~", "─": "-", "│": "|", "├": "|", "└": "`"})
"""Drawn signs, for where they cannot be written."""


def tame(text: str) -> str:
    """Text that a terminal shows and does not obey, whoever wrote it: an index, an image, a file name.

    Control characters, and those that turn the direction of what follows, are shown as escapes; line ends and tabs
    stay, and so do the colours of this console.
    """
    if text.isprintable():
        return text
    tamed = text.translate(_ESCAPES)
    if "\033[" in text:
        for code in _CODES:
            tamed = tamed.replace(f"\\x1b[{code}m", f"\033[{code}m")
    return tamed


class _Escapes(dict[int, str]):
    """What `str.translate` puts for each character; those that are not named stay."""

    def __missing__(self, number: int) -> str:
        character = chr(number)
        is_control = (number < 0x20 and character not in "\n\t") or 0x7F <= number < 0xA0
        if is_control or 0x202A <= number <= 0x202E or 0x2066 <= number <= 0x2069:
            character = f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
        self[number] = character
        return character


_ESCAPES = _Escapes()


def _write(stream: TextIO | None, text: str) -> None:
    """Write a line; where nobody reads any more, or the shell has closed the stream, there is nobody to tell."""
    if stream is None:
        return
    # What goes into a file or another program is data, and stays what it is.
    if stream is not sys.stdout or _is_terminal(stream):
        text = tame(text)
    with TERMINAL:
        try:
            try:
                stream.write(f"{text}\n")
            except UnicodeEncodeError:
                encoding = stream.encoding or "ascii"
                plain = text.translate(_PLAIN)
                stream.write(f"{plain}\n".encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except BrokenPipeError:
            pass
        except OSError as error:
            if stream is not sys.stdout:
                return  # nobody is left to be told
            from lockflow.errors import InputError

            raise InputError(
                "the output cannot be written",
                where="standard output",
                why=error.strerror or str(error),
                next="make room, or write it elsewhere",
            ) from error
