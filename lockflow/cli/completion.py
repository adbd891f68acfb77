"""`lockflow completion bash|zsh|fish`: a script that completes commands and options, made from their own help."""

from __future__ import annotations

import contextlib
import io
import re

from lockflow.cli.arguments import add_common, settle
from lockflow.cli.console import Console
from lockflow.cli.faults import COMMANDS, Parser, guarded
from lockflow.cli.plain import Started

_SUMMARY = "Print a script that completes commands and options in a shell."
_EPILOG = """\
Examples:
  lockflow completion bash > ~/.local/share/bash-completion/completions/lockflow
  lockflow completion zsh  > ~/.zfunc/_lockflow        with ~/.zfunc in fpath
  lockflow completion fish > ~/.config/fish/completions/lockflow.fish
"""
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_BASH = """\
_lockflow() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" command="" word options=""
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$word" in -*) ;; *) command="$word"; break ;; esac
    done
    case "$command" in
{cases}
        *) options="{commands} --help --version" ;;
    esac
    case "$current" in
        -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
        *) if [ -z "$command" ]; then COMPREPLY=($(compgen -W "{commands}" -- "$current"))
           else COMPREPLY=($(compgen -f -- "$current")); fi ;;
    esac
}}
complete -F _lockflow lockflow
"""


def run_completion(words: list[str], console: Console, started: Started) -> int:
    """Put the script for one shell on stdout."""
    parser = Parser("completion", _SUMMARY, epilog=_EPILOG)
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))
    add_common(parser)
    options = parser.parse(words)
    settle(console, options)
    offered = {command: _options(command, started) for command in COMMANDS}
    script = _fish(offered) if options.shell == "fish" else _bash(offered)
    if options.shell == "zsh":
        script = f"#compdef lockflow\nautoload -U +X bashcompinit && bashcompinit\n{script}"
    console.data(script.rstrip("\n"))
    return 0


def _options(command: str, started: Started) -> list[str]:
    """The options that a command's help names, in its order."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        guarded(command, ["--help"], started)
    usage = said.getvalue().partition("\n\n")[0]
    return list(dict.fromkeys(_OPTION.findall(usage)))


def _bash(offered: dict[str, list[str]]) -> str:
    cases = "\n".join(f'        {command}) options="{" ".join(options)}" ;;' for command, options in offered.items())
    return _BASH.format(cases=cases, commands=" ".join(offered))


def _fish(offered: dict[str, list[str]]) -> str:
    lines = [f"complete -c lockflow -n __fish_use_subcommand -f -a {command}" for command in offered]
    for command, options in offered.items():
        condition = f"complete -c lockflow -n '__fish_seen_subcommand_from {command}'"
        lines += [f"{condition} -l {option[2:]}" for option in options]
    return "\n".join(lines)
