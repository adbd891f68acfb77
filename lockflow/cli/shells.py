"""Commands as their help describes them, to a script that completes them in a shell.

The scripts start nothing while somebody types: all that they offer stands in them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence

from lockflow.cli.help import Command, Option

_BASH = """\
_lockflow() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" previous="${{COMP_WORDS[COMP_CWORD-1]}}" command="" word
    local options="--help --version" words={commands}
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$word" in -*) ;; *) command="$word"; break ;; esac
    done
    case "$command" in
{cases}
    esac
    case "$command $previous" in
{values}
        *) case "$current" in
            -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
            *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
        esac ;;
    esac
}}
complete -o default -F _lockflow lockflow
"""
_ZSH = """\
#compdef lockflow
_lockflow() {{
    local -a commands=(
{commands}
    )
    local at=2
    while [[ $at -lt $CURRENT && ${{words[$at]}} == -* ]]; do (( at++ )); done
    if [[ $at -ge $CURRENT ]]; then
        _describe -t commands command commands
        return
    fi
    shift $(( at - 1 )) words
    (( CURRENT -= at - 1 ))
    case "${{words[1]}}" in
{cases}
    esac
}}
if [[ ${{funcstack[1]}} == _lockflow ]]; then _lockflow "$@"; else compdef _lockflow lockflow; fi
"""


def bash(commands: Sequence[Command], platforms: Sequence[str]) -> str:
    """A script for bash; `platforms` are offered where a command takes their names, files where nothing is known."""
    cases, values = [], []
    for command in commands:
        names = " ".join(name for option in _options(command) for name in option.names if name.startswith("--"))
        words = " ".join(word for argument in command.arguments for word in _words(argument, platforms))
        cases.append(f'        {command.name}) options="{names} --help" words="{words}" ;;')
        for option in _options(command):
            if option.value:
                patterns = "|".join(f'"{command.name} {name}"' for name in option.names)
                offered = " ".join(_words(option, platforms))
                values.append(f'        {patterns}) COMPREPLY=($(compgen -W "{offered}" -- "$current")) ;;')
    names = " ".join(command.name for command in commands)
    return _BASH.format(commands=f'"{names}"', cases="\n".join(cases), values="\n".join(values))


def zsh(commands: Sequence[Command], platforms: Sequence[str]) -> str:
    """A script for zsh, to be sourced or to be put into a folder of `fpath` as `_lockflow`."""
    listed = (f"        {_zsh_quoted(f'{command.name}:{_first_sentence(command)}')}" for command in commands)
    cases = []
    for command in commands:
        specs = [spec for option in _options(command) for spec in _zsh_specs(option, platforms)]
        specs += [f"*:{argument.value}:{_zsh_action(argument, platforms)}" for argument in command.arguments[-1:]]
        lines = " \\\n            ".join(_zsh_quoted(spec) for spec in ("(- *)--help[tell what it can do]", *specs))
        cases.append(f"        {command.name}) _arguments -s -S \\\n            {lines} ;;")
    return _ZSH.format(commands="\n".join(listed), cases="\n".join(cases))


def fish(commands: Sequence[Command], platforms: Sequence[str]) -> str:
    """A script for fish."""
    lines = [
        f"complete -c lockflow -n __fish_use_subcommand -f -a {command.name} -d {shlex.quote(_first_sentence(command))}"
        for command in commands
    ]
    for command in commands:
        start = f"complete -c lockflow -n '__fish_seen_subcommand_from {command.name}'"
        for option in _options(command):
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
            offered = " ".join(_words(option, platforms))
            value = f" -x -a {shlex.quote(offered)}" if offered else " -r" if option.value else ""
            help_text = f" -d {shlex.quote(option.help)}" if option.help else ""
            lines.append(f"{start} {names}{value}{help_text}")
        known = (" ".join(_words(argument, platforms)) for argument in command.arguments)
        lines += (f"{start} -f -a {shlex.quote(offered)}" for offered in known if offered)
    return "\n".join(lines) + "\n"


def _options(command: Command) -> Iterable[Option]:
    yield from command.options
    for section in command.sections:
        yield from section.options


def _words(option: Option, platforms: Sequence[str]) -> Sequence[str]:
    """What may stand there, where that is known."""
    if option.choices:
        return option.choices
    is_platform = option.names == ("--platform",) or "PLATFORM" in option.value or option.names == ("platforms",)
    return platforms if is_platform else ()


def _zsh_specs(option: Option, platforms: Sequence[str]) -> Iterable[str]:
    text = re.sub(r"([\[\]:\\])", r"\\\1", option.help)
    for name in option.names:
        action = f":{option.value.replace(':', ' ')}:{_zsh_action(option, platforms)}" if option.value else ""
        yield f"*{name}[{text}]{action}"


def _zsh_action(option: Option, platforms: Sequence[str]) -> str:
    offered = _words(option, platforms)
    return f"({' '.join(offered)})" if offered else "_files"


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _first_sentence(command: Command) -> str:
    return re.split(r"[.:;](?: |$)", command.summary, maxsplit=1)[0]
