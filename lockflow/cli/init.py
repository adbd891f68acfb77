"""`lockflow init`: a project set up in one go, without a question and without overwriting anything."""

from __future__ import annotations

import difflib
from pathlib import Path

from lockflow.cli.arguments import add_common, settle, target
from lockflow.cli.console import Console
from lockflow.cli.faults import Parser
from lockflow.cli.plain import Started
from lockflow.errors import EXIT_DONE
from lockflow.setting_up import Setup, set_up, write_files

_SUMMARY = "Set a project up: dodo.py, [tool.lockflow], ignore entries, make targets, and a nightly refresh."
_EPILOG = """\
Examples:
  lockflow init --dry-run       show what would be written
  lockflow init                 write it; files that are there are kept
  lockflow init --ci github     and a workflow that proposes newer versions every night
  lockflow init --take-over     for requirements files, Poetry, Pipenv, setup.cfg
"""


def run_init(words: list[str], console: Console, started: Started) -> int:
    """Write what is missing; what has to be put into files by hand goes to stdout."""
    parser = Parser("init", _SUMMARY, epilog=_EPILOG)
    text = "the nightly refresh: a workflow, a job, a timer, or a line for crontab"
    parser.add_argument("--ci", choices=("github", "gitlab", "systemd", "cron"), help=text)
    text = "write [project] from requirements files, [tool.poetry], a Pipfile or setup.cfg; those stay as they are"
    parser.add_argument("--take-over", action="store_true", help=text)
    parser.add_argument("--dry-run", action="store_true", help="show a diff, write nothing")
    add_common(parser)
    options = parser.parse(words)
    settle(console, options)
    setup = set_up(target(options, started).directory, options.ci, takes_over=options.take_over)
    if options.dry_run:
        console.data(_diff(setup).rstrip("\n"))
    else:
        write_files(setup)
        for file in setup.files:
            console.say(f"{'Changed' if file.before else 'Wrote'} {_shown(file.path)}")
    for line in setup.taken:
        console.say(f"{'Would take' if options.dry_run else 'Took'} over {line}")
    for line in setup.left:
        console.warn(line)
    for line in setup.offered:
        console.say(f"Not taken over without --take-over: {line}")
    for name in setup.kept:
        console.say(f"Kept {name} as it is")
    for place, text in setup.by_hand:
        console.say(f"Put this into {place}:")
        console.data(text.rstrip("\n"))
    if not setup.files and not setup.by_hand:
        console.say("Nothing to do")
    elif not options.dry_run:
        console.say("Next: `lockflow lock`, then `lockflow check`; or `doit lock`, which does both")
    return EXIT_DONE


def _diff(setup: Setup) -> str:
    lines: list[str] = []
    for file in setup.files:
        before, after = (text.splitlines(keepends=True) for text in (file.before, file.after))
        name = _shown(file.path)
        found = difflib.unified_diff(before, after, name if file.before else "/dev/null", name)
        lines += [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in found]
    return "".join(lines)


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
