"""Pages of docs/ that are run: what stands in their blocks is done, and compared with what is printed.

A block with a title is a file that is written, `title="pyproject.toml, added"` a part that is put at the end of one. In
a `console` block what follows `$` is run; what is printed behind it has to come, where `...` stands for any lines and
nothing for anything. A `python` block is run as it is. Times are not compared, and the project's folder is left out.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from lockflow.cli.main import main
from support.expected import is_rewriting

DOCS = Path(__file__).parent.parent.parent / "docs"
BLOCK = re.compile(r"^```(?P<kind>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
ADDED = ", added"
ANY = "...\n"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Reader:
    """Somebody who reads a page in `folder` and does what it says.

    `on_section` happens between its sections; what is in `replaced` is written otherwise than it is printed.
    """

    folder: PurePath
    on_section: Mapping[str, Callable[[], object]] = field(default_factory=dict)
    set_variable: Callable[[str, str], object] = os.environ.__setitem__
    transport: Any = None
    replaced: Mapping[str, str] = field(default_factory=dict)
    compares: bool = True
    commands: int = 0
    names: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root = self.folder

    def follow(self, page: str, wants: Callable[[str], bool] = lambda heading: True) -> None:
        """Do all of a page, or of its sections that are wanted ("" is what stands before the first).

        With REWRITE_EXPECTED=1 what is printed there is replaced by what came.
        """
        path = DOCS / page
        text = path.read_text(encoding="utf-8")
        rewritten = "".join(self._parts(text, wants))
        if is_rewriting():
            path.write_text(rewritten, encoding="utf-8")

    def _parts(self, text: str, wants: Callable[[str], bool]) -> Iterator[str]:
        at, section = 0, ""
        for block in BLOCK.finditer(text):
            between = text[at : block.start()]
            for section in HEADING.findall(between):
                self.on_section.get(section, lambda: None)()
            at = block.end()
            yield between
            yield self._block(block) if wants(section) else block[0]
        yield text[at:]

    def _block(self, block: re.Match[str]) -> str:
        text = block["text"]
        if block["title"]:
            self._write(block["title"], text)
        elif block["kind"] == "python":
            exec(compile(text, "page", "exec"), self.names)
        elif block["kind"] == "console":
            commands = re.split(r"^(?=\$ )", text, flags=re.MULTILINE)
            return f"```console\n{''.join(map(self._command, commands))}```"
        return block[0]

    def _write(self, title: str, text: str) -> None:
        path = Path(self.root) / Path(title.removesuffix(ADDED)).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        text = self._meant(text)
        if title.endswith(ADDED):
            text = f"{path.read_text(encoding='utf-8')}\n{text}"
        path.write_text(text, encoding="utf-8")

    def _meant(self, text: str) -> str:
        for public, meant in self.replaced.items():
            text = text.replace(public, meant)
        return text

    def _command(self, part: str) -> str:
        line, _, printed = part.removeprefix("$ ").partition("\n")
        if not part.startswith("$ "):
            assert not part.strip(), part
            return part
        code, said = self.run(self._meant(line))
        for public, meant in self.replaced.items():
            said = said.replace(meant, public)
        self.commands += 1
        plain = _ESCAPES.sub("", said)
        is_wrong = re.search(r"^(error:|bad |CONFLICT )", plain, re.MULTILINE) is not None
        may_fail = is_wrong and line.startswith(("lockflow ", "git "))
        allowed = (10, 0) if "--exit-code" in line else (1, 2) if may_fail else (0,)
        assert code in allowed, f"{line}\n{said}"
        if not self.compares:
            return part
        if is_rewriting() and printed == ANY:
            return f"$ {line}\n{said}"
        if not printed or matches(said, printed):
            return part
        if is_rewriting() and ANY not in printed:
            return f"$ {line}\n{said}"
        assert timeless(said) == timeless(printed), line
        return part

    def run(self, line: str) -> tuple[int, str]:
        """What comes of a line typed in the folder: exit code, and all that is said."""
        words = shlex.split(line, comments=True)
        if words[0] == "cd":
            self.folder = Path(os.path.normpath(self.folder / words[1]))
            os.chdir(self.folder)
            return 0, ""
        if words[0] == "export":
            for word in words[1:]:
                self.set_variable(*word.split("=", 1))
            return 0, ""
        # `run` becomes the command, so it needs a process that it can become.
        if words[0] == "lockflow" and words[1] != "run" and not {"|", ">", ">>", "&&", "<"} & set(words):
            said = io.StringIO()
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                code = main(words[1:], transport=self.transport)
            return code, self._at_home(said.getvalue())
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=environment, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.returncode, self._at_home(done.stdout)

    def _at_home(self, said: str) -> str:
        return said.replace(f"{self.root}/", "").replace(str(self.root), ".")


def matches(said: str, printed: str) -> bool:
    """Whether what was said is what is printed, but for times, and for any lines where `...` stands."""
    pattern = "".join(
        r"(?:.*\n)*" if line == ANY else re.escape(line) for line in timeless(printed).splitlines(keepends=True)
    )
    return re.fullmatch(pattern, timeless(said)) is not None


def timeless(text: str) -> str:
    """Text without what differs from run to run and from machine to machine, widths of columns among it."""
    # What goes on is told every ten seconds, where a machine takes as long.
    text = re.sub(r"^(?:Resolving|Refreshing|Trying|Preparing) \(.*\)\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"CPython [0-9.]+ interpreter at: \S+", "PYTHON", text)
    text = re.sub(r"\b\d{4}-\d\d-\d\dT[0-9:]+Z", "MOMENT", text)
    text = re.sub(r" +[0-9.]+ ?[kMG]B", " SIZE", re.sub(r" *\b[0-9.]+m?s\b", " TIME", text))
    # Of an image: the patch release of its Python, and how many programs and libraries its base has.
    text = re.sub(r"^(linux/\S+ +3\.\d+)\.\d+( +\d+) +\d+(?= SIZE)", r"\1 \2", text, flags=re.MULTILINE)
    text = re.sub(r"\b[0-9a-f]{7,64}\b", "COMMIT", text)
    return re.sub(r"(?<=\S) {2,}", "  ", text)
