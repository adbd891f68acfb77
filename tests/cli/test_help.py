"""What `--help` and `help` say: the one fits a screen, the other leaves nothing out."""

from __future__ import annotations

import argparse
import os

import pytest

from lockflow.cli.faults import COMMANDS, Parser, describe
from lockflow.cli.help import Command, described, full_help, short_help
from lockflow.cli.main import main
from lockflow.cli.plain import Started


def options(command: Command) -> list[str]:
    groups = (command.options, *(section.options for section in command.sections))
    return [name for group in groups for option in group for name in option.names]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the terminal in which the tests run."""
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(params=COMMANDS)
def command(request: pytest.FixtureRequest) -> Command:
    return describe(request.param, Started(os.environ, None))


def test_help_fits_a_screen_and_has_an_example(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command.name, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    assert any(line.startswith(f"Usage: lockflow {command.name} ") for line in lines)
    assert any(line.lstrip().startswith(("lockflow ", "git ")) for line in lines[3:])


@pytest.mark.parametrize("width", [72, 80])
def test_help_is_no_wider_than_the_terminal(
    command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main([command.name, "--help"]) == 0
    narrow = capsys.readouterr().out
    # An example is there to be copied, so it is never broken.
    assert [line for line in narrow.splitlines() if len(line) > width and not line.startswith("  lockflow ")] == []
    monkeypatch.setenv("COLUMNS", "200")
    assert main([command.name, "--help"]) == 0
    wide = capsys.readouterr().out
    if not command.sections:
        assert narrow.split() == wide.split(), "nothing is left out"


def test_all_options_are_told_on_request(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", command.name]) == 0
    said = capsys.readouterr().out
    assert [name for name in options(command) if name not in said] == []
    assert max(map(len, said.splitlines())) <= 100


def test_every_option_says_what_it_does(command: Command) -> None:
    groups = (command.options, *(section.options for section in command.sections))
    assert [option.shown for group in groups for option in group if not option.help] == []


def test_the_first_page_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    words = capsys.readouterr().out.replace(",", " ").split()
    assert [name for name in COMMANDS if name not in words and name != "merge-driver"] == []


def test_what_a_parser_knows_is_laid_out() -> None:
    parser = Parser("wash", "Wash it.", epilog="Examples:\n  lockflow wash sock\n")
    parser.add_argument("things", nargs="+", metavar="THING", help="what is dirty")
    parser.add_argument("--hot", action="store_true", help="not for wool")
    parser.add_argument("--secret", action="store_true", help=argparse.SUPPRESS)
    group = parser.add_argument_group("Soap options")
    group.add_argument("-s", "--soap", choices=("hard", "soft"), help="which [env: SOAP]")
    for number in range(12):
        group.add_argument(f"--additive-{number}", metavar="ML", help="how much")
    told = described(parser, "wash")
    assert short_help(told) == (
        "Wash it.\n\nUsage: lockflow wash [OPTIONS] THING...\n\nArguments:\n  THING...  what is dirty\n\n"
        "Options:\n  --hot  not for wool\n\nMore, told by `lockflow help wash`:\n"
        "  soap: --soap, --additive-0, --additive-1, --additive-2, --additive-3, --additive-4, ...\n\n"
        "Examples:\n  lockflow wash sock"
    )
    assert "  -s, --soap hard|soft  which [env: SOAP]\n  --additive-0 ML       how much\n" in full_help(told)
    assert "--secret" not in full_help(told)
