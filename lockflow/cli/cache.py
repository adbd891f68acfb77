"""`lockflow cache dir|info|clean|prune`: what is kept of all that was fetched, and how to be rid of it."""

from __future__ import annotations

import argparse
import json

from lockflow import keeping
from lockflow.cli.arguments import add_common, settle
from lockflow.cli.console import Console, plural
from lockflow.cli.faults import Parser
from lockflow.cli.plain import Started

_SUMMARY = "Show or empty the cache of what was fetched and built; nothing in it is ever needed."
_EPILOG = """\
Examples:
  lockflow cache dir                 where it is
  lockflow cache info                how large it is, part by part
  lockflow cache prune --days 30     remove what was not written in 30 days
  lockflow cache clean               remove all of it
"""


def run_cache(words: list[str], console: Console, started: Started) -> int:
    """Do one of the four things; what is asked about goes to stdout."""
    parser = Parser("cache", _SUMMARY, epilog=_EPILOG)
    parser.add_argument("action", choices=("dir", "info", "clean", "prune"))
    parser.add_argument("--days", type=_days, default=30, metavar="N", help="how long prune leaves entries alone")
    parser.add_argument("--json", action="store_true", help="info as data")
    add_common(parser)
    options = parser.parse(words)
    settle(console, options)
    folder = keeping.cache_folder(options.cache_dir, started.environment)
    if options.action == "dir":
        console.data(str(folder))
    elif options.action == "info":
        held = keeping.held(folder)
        parts = keeping.sections(folder)
        if options.json:
            sections = [{"section": part.section, "files": part.files, "bytes": part.size} for part in parts]
            data = {"folder": str(folder), "files": held.files, "bytes": held.size, "sections": sections}
            console.data(json.dumps(data, indent=2))
        else:
            console.data(f"{folder}: {plural(held.files, 'file')}, {keeping.size_text(held.size)}")
            for part in parts:
                console.data(f"  {part.section}: {plural(part.files, 'file')}, {keeping.size_text(part.size)}")
    else:
        removed = keeping.remove(folder, older_than_days=None if options.action == "clean" else options.days)
        console.say(f"Removed {plural(removed.files, 'file')} ({keeping.size_text(removed.size)}) from {folder}")
    return 0


def _days(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days")
    return int(text)
