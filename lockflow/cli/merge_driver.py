"""`lockflow merge-driver %O %A %B %P`: what git calls to merge two locks."""

from __future__ import annotations

from pathlib import Path

from lockflow.cli.arguments import add_common, add_index, add_resolver, network, settle, target
from lockflow.cli.console import Console
from lockflow.cli.faults import Parser
from lockflow.cli.plain import Started
from lockflow.merging import merge

_SUMMARY = "Merge two locks by locking the merged project; git calls it."
_EPILOG = """\
Set up, once for each clone and once for the repository:
  git config merge.uvlock.driver "lockflow merge-driver %O %A %B %P"
  echo "uv.lock merge=uvlock" >> .gitattributes
  echo "*.py.lock merge=uvlock" >> .gitattributes
"""


def run_merge_driver(words: list[str], console: Console, started: Started) -> int:
    """Leave the merged lock in the second file; 1 or 2 with both sides in it where it is not merged."""
    parser = Parser("merge-driver", _SUMMARY, epilog=_EPILOG)
    parser.add_argument("base", type=Path, metavar="BASE")
    parser.add_argument("ours", type=Path, metavar="OURS", help="is replaced by the outcome")
    parser.add_argument("theirs", type=Path, metavar="THEIRS")
    parser.add_argument(
        "place", nargs="?", default="uv.lock", metavar="PATH", help="where the lock is in the repository"
    )
    for add_group in (add_index, add_resolver, add_common):
        add_group(parser)
    options = parser.parse(words)
    settle(console, options)
    result = merge(
        options.base, options.ours, options.theirs, options.place, target(options, started), network(options, started)
    )
    if result is not None:
        console.say(f"Merged {options.place}: {result.packages} packages")
    return 0
