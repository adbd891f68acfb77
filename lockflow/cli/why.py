"""`lockflow why PACKAGE`: the shortest ways in which something is required."""

from __future__ import annotations

from lockflow import views
from lockflow.cli.arguments import add_common, add_index, add_resolver, network, settle, target
from lockflow.cli.choice import add_place, place, say_warnings
from lockflow.cli.console import Console
from lockflow.cli.faults import Parser, meant
from lockflow.cli.plain import Started
from lockflow.errors import AnswerIsNo
from lockflow.standards.names import normalize_name
from lockflow.steps import Mode

_SUMMARY = "Say what requires a package: all shortest chains from the project, with their markers."
_EPILOG = """\
Examples:
  lockflow why numpy
  lockflow why nvidia-nccl-cu12 --platform linux/arm64
"""


def run_why(words: list[str], console: Console, started: Started) -> int:
    """Say the chains on stdout, one a line; 1 where nothing requires the package."""
    parser = Parser("why", _SUMMARY, epilog=_EPILOG)
    parser.add_argument("package", metavar="PACKAGE")
    parser.add_argument("--script", metavar="FILE", help="a script with inline metadata in place of the project")
    add_place(parser)
    for add_group in (add_index, add_resolver, add_common):
        add_group(parser)
    options = parser.parse(words)
    settle(console, options)
    with console.progress("Reading") as progress:
        seen = views.view(
            target(options, started),
            Mode.FROZEN,
            flag="lockflow why",
            network=network(options, started),
            progress=progress,
        )
    say_warnings(seen.result.warnings, console)
    name = normalize_name(options.package)
    known = [package.name for package in seen.lock.packages]
    if name not in known:
        raise AnswerIsNo(
            f"the lock has no package {name}",
            where=str(seen.result.lock_path),
            next=f"{meant(name, known)}`lockflow tree` shows what it has",
        )
    chains = views.why(seen, name, place(options))
    for chain in chains:
        console.data(chain_text(chain))
    if not chains:
        where = f" on {options.platform}" if options.platform else ""
        console.say(f"Nothing requires {name}{where}{f' with Python {options.python}' if options.python else ''}")
        return 1
    return 0


def chain_text(chain: tuple[views.ChainLink, ...]) -> str:
    """One line: `app 0.1.0 -> (group dev) b 1.0 ; sys_platform == 'linux' -> c 2.0`."""
    parts = []
    for link in chain:
        via = f"({link.via}) " if link.via else ""
        marker = f" [{link.marker}]" if link.marker else ""
        parts.append(f"{via}{link.name} {link.version}".rstrip() + marker)
    return " -> ".join(parts)
