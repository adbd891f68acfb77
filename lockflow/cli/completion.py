"""`lockflow completion bash|zsh|fish`: a script that completes commands and options, made from their own help."""

from __future__ import annotations

from lockflow import views
from lockflow.cli.arguments import add_common, settle
from lockflow.cli.console import Console
from lockflow.cli.faults import COMMANDS, Parser, describe
from lockflow.cli.plain import Started
from lockflow.cli.shells import bash, fish, zsh

_SUMMARY = "Print a script that completes commands and options in a shell."
_EPILOG = """\
Examples:
  lockflow completion bash > ~/.local/share/bash-completion/completions/lockflow
  lockflow completion zsh  > ~/.zfunc/_lockflow        with ~/.zfunc in fpath
  lockflow completion fish > ~/.config/fish/completions/lockflow.fish
"""


def run_completion(words: list[str], console: Console, started: Started) -> int:
    """Put the script for one shell on stdout."""
    parser = Parser("completion", _SUMMARY, epilog=_EPILOG)
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))
    add_common(parser)
    options = parser.parse(words)
    settle(console, options)
    commands = [describe(command, started) for command in COMMANDS]
    platforms = [name for entry in views.platforms(None, ()) for name in (entry.platform.name, *entry.platform.aliases)]
    script = {"bash": bash, "zsh": zsh, "fish": fish}[options.shell](commands, platforms)
    console.data(script.rstrip("\n"))
    return 0
