"""A terminal shows what strangers wrote, and does not obey it."""

from __future__ import annotations

import io

import pytest

from lockflow.cli.console import Console, tame
from lockflow.errors import AnswerIsNo

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b1A\r\x08\x7f\u202etxt\u2066"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_control_characters_are_shown_and_line_ends_stay() -> None:
    assert tame(f"a\tb\n{HOSTILE}é漢") == (
        r"a" "\tb\n" r"\x1b]0;owned\x07\x1b[2J\x9b1A\x0d\x08\x7f\u202etxt\u2066é漢"
    )  # fmt: skip


@pytest.mark.parametrize("color", ["always", "never"])
def test_no_way_to_speak_passes_them_on(color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = Terminal(), Terminal()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    console = Console({"TERM": "xterm"}, color=color)
    console.settle(quiet=0, verbose=1, color=color, has_progress=True)
    console.error(AnswerIsNo(f"a {HOSTILE}", where=HOSTILE, why=HOSTILE, next=HOSTILE))
    for speak in (console.say, console.warn, console.note, console.detail, console.data, console.change):
        speak(f"Added {HOSTILE} v1")
    console.package("+", f"{HOSTILE}==1")
    console.table("", ("name", "count#"), [(HOSTILE, "1")])
    with console.progress("Resolving") as progress:
        progress._due = 0.0
        progress.step(f"{HOSTILE} [/not-markup] [extra]")
        progress.step(f"{HOSTILE} [/not-markup] [extra]")
    said = out.getvalue() + err.getvalue()
    assert said.count(r"\x1b]0;owned\x07") >= 12
    assert not [character for character in "\x07\x08\x7f\x9b\u202e\u2066" if character in said]
    assert "\x1b]" not in said
    assert "\x1b[2J\\x9b" not in said
    assert "[/not-markup] [extra]" in said
    assert ("\x1b[1;31merror\x1b[0m" in said) == (color == "always")


def test_data_that_goes_elsewhere_is_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    console = Console({})
    console.data(HOSTILE)
    assert console.stdout is not None
    assert console.stdout.getvalue() == f"{HOSTILE}\n"  # type: ignore[attr-defined]
