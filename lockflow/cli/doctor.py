"""`lockflow doctor`: is all here that lockflow needs, and what to do where it is not."""

from __future__ import annotations

from lockflow.cli.arguments import add_common, add_index, add_resolver, network, settle, target
from lockflow.cli.console import Console
from lockflow.cli.faults import Parser
from lockflow.cli.plain import Started
from lockflow.doctor import examine
from lockflow.engines.opening import open_engine

_SUMMARY = "Look at the project, its lock, the indexes, uv, the cache and the engine; say what to do."
_EPILOG = """\
Examples:
  lockflow doctor                     a line for each thing; exit 1 where something is to be done
  lockflow doctor --project ../app    look at another project
"""


def run_doctor(words: list[str], console: Console, started: Started) -> int:
    """Put a line for each thing on stdout; 1 where something is to be done."""
    parser = Parser("doctor", _SUMMARY, epilog=_EPILOG)
    for add_group in (add_index, add_resolver, add_common):
        add_group(parser)
    options = parser.parse(words)
    settle(console, options)
    is_fine = True
    for finding in examine(target(options, started), network(options, started), open_engine):
        is_fine &= finding.is_fine
        console.data(f"{'ok ' if finding.is_fine else 'bad'} {finding.subject:<11} {finding.what}")
        if finding.next:
            first, *more = finding.next.splitlines()
            console.data("\n".join([f"    next:    {first}", *(f"             {line}" for line in more)]))
    return 0 if is_fine else 1
