"""`lockflow cache dir|info|clean|prune`: what is kept of index pages and metadata, and how to be rid of it."""

from __future__ import annotations

import json

from lockflow import keeping
from lockflow.cli.arguments import add_common, settle
from lockflow.cli.console import Console, plural
from lockflow.cli.faults import Parser
from lockflow.cli.plain import Started

_SUMMARY = "Show or empty the cache of index pages and metadata; nothing in it is ever needed."
_EPILOG = """\
Examples:
  lockflow cache dir                 where it is
  lockflow cache info                how large it is
  lockflow cache prune --days 30     remove what was not written in 30 days
  lockflow cache clean               remove all of it
"""


def run_cache(words: list[str], console: Console, started: Started) -> int:
    """Do one of the four things; what is asked about goes to stdout."""
    parser = Parser("cache", _SUMMARY, epilog=_EPILOG)
    parser.add_argument("action", choices=("dir", "info", "clean", "prune"))
    parser.add_argument("--days", type=int, default=30, metavar="N", help="how long prune leaves entries alone")
    parser.add_argument("--json", action="store_true", help="info as data")
    add_common(parser)
    options = parser.parse(words)
    settle(console, options)
    folder = keeping.cache_folder(options.cache_dir, started.environment)
    if options.action == "dir":
        console.data(str(folder))
    elif options.action == "info":
        held = keeping.held(folder)
        if options.json:
            console.data(json.dumps({"folder": str(folder), "files": held.files, "bytes": held.size}))
        else:
            console.data(f"{folder}: {plural(held.files, 'file')}, {size_text(held.size)}")
    else:
        removed = keeping.remove(folder, older_than_days=None if options.action == "clean" else options.days)
        console.say(f"Removed {plural(removed.files, 'file')} ({size_text(removed.size)}) from {folder}")
    return 0


def size_text(size: int) -> str:
    """`812 B`, `1.4 MiB`."""
    amount = float(size)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"
