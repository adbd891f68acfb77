"""`lockflow diff OLD NEW`: how two locks differ; and a text of a lock that git compares well."""

from __future__ import annotations

import json
from pathlib import Path

from lockflow import views
from lockflow.cli.arguments import add_common, settle
from lockflow.cli.console import Console
from lockflow.cli.faults import Parser
from lockflow.cli.plain import Started
from lockflow.errors import InputError

_SUMMARY = "Say how two locks differ: packages added, removed and updated, and what else."
_EPILOG = """\
Examples:
  lockflow diff                          the lock of the last commit and that on disk
  lockflow diff main:uv.lock uv.lock     OLD and NEW are files or git revisions
  lockflow diff HEAD~5 HEAD --json
  git config diff.uvlock.textconv "lockflow diff --textconv"
  echo "uv.lock diff=uvlock" >> .gitattributes
"""


def run_diff(words: list[str], console: Console, started: Started) -> int:  # noqa: ARG001  as every command
    """Say the differences on stdout; 0 whether there are any or not, as `git diff`."""
    parser = Parser("diff", _SUMMARY, epilog=_EPILOG)
    parser.add_argument("old", nargs="?", default="", metavar="OLD", help="by default HEAD")
    parser.add_argument("new", nargs="?", default="uv.lock", metavar="NEW", help="by default uv.lock")
    parser.add_argument("--json", action="store_true", help="the differences as data")
    parser.add_argument("--textconv", action="store_true", help="print one lock, OLD, as lines to be compared")
    parser.add_argument("--exit-code", action="store_true", help="1 where the locks differ")
    add_common(parser)
    options = parser.parse(words)
    settle(console, options)
    folder = Path(options.directory or "") / (options.project or "")
    if options.textconv:
        if not options.old:
            raise InputError("--textconv needs a lock", where="command line", next="lockflow diff --textconv uv.lock")
        console.data(views.textconv(folder / options.old).rstrip("\n"))
        return 0
    found = views.difference(options.old or "HEAD", options.new, folder)
    if options.json:
        changes = [{"name": change.name, "old": change.old, "new": change.new} for change in found.changes]
        console.data(json.dumps({"changes": changes, "other": found.other}, indent=2))
    else:
        for change in found.changes:
            console.data(views.change_line(change))
        for text in found.other:
            console.data(f"Changed {text}")
    is_changed = bool(found.changes or found.other)
    if not is_changed:
        console.say("The locks say the same")
    return 1 if is_changed and options.exit_code else 0
