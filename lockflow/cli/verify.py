"""`lockflow verify`: whether the lock says of every package what its index says."""

from __future__ import annotations

import json

from lockflow.cli.arguments import add_common, add_index, network, settle, target
from lockflow.cli.console import Console, duration, plural
from lockflow.cli.faults import Parser
from lockflow.cli.plain import Started
from lockflow.errors import EXIT_ANSWER_IS_NO, EXIT_DONE, EXIT_NOT_ANSWERED
from lockflow.verify import Verification, verify

_SUMMARY = "Compare every version, URL, hash and edge of the lock with what the indexes say."
_EPILOG = """\
Examples:
  lockflow verify             exit 1, and what is wrong, if the lock says otherwise than an index
  lockflow verify --offline   compare with what is in the cache
  lockflow verify --json      the differences as data, on stdout
"""
_MOST_SHOWN = 50


def run_verify(words: list[str], console: Console, started: Started) -> int:
    """Compare, say what was found; returns the exit code."""
    parser = Parser("verify", _SUMMARY, epilog=_EPILOG)
    add = parser.add_argument
    add("--script", metavar="FILE", help="verify the lock of a script in place of the project's")
    add("--json", action="store_true", help="put the differences on stdout as JSON")
    add("--refresh", action="store_true", default=False, help="ask for every index page again")
    for add_group in (add_index, add_common):
        add_group(parser)
    options = parser.parse(words)
    settle(console, options)
    asked, reach = target(options, started), network(options, started)
    with console.progress("Verifying") as progress:
        found = verify(asked, network=reach, on_done=progress.step)
    if options.json:
        console.data(_as_json(found))
    _say(found, console)
    console.note(f"Verified {plural(found.compared, 'package')} in {duration(started.elapsed())}")
    if found.differences:
        return EXIT_ANSWER_IS_NO
    return EXIT_NOT_ANSWERED if found.unanswered else EXIT_DONE


def _say(found: Verification, console: Console) -> None:
    for warning in found.warnings:
        console.warn(warning)
    for entry in found.differences[:_MOST_SHOWN]:
        console.problem(f"{entry.package} {entry.version}: {entry.text}")
    if len(found.differences) > _MOST_SHOWN:
        console.note(f"and {plural(len(found.differences) - _MOST_SHOWN, 'more difference')} (--json has all)")
    if found.unanswered:
        name, reason = found.unanswered[0]
        more = f", and {len(found.unanswered) - 1} more likewise" if len(found.unanswered) > 1 else ""
        console.warn(f"{plural(len(found.unanswered), 'package')} could not be compared: {name} ({reason}){more}")
    if found.others:
        console.note(f"{plural(found.others, 'package')} from elsewhere than an index: nothing to compare with")


def _as_json(found: Verification) -> str:
    table = {
        "schema": 1,
        "verdict": "bad" if found.differences else "unknown" if found.unanswered else "good",
        "compared": found.compared,
        "others": found.others,
        "differences": [
            {"package": entry.package, "version": entry.version, "kind": entry.kind, "text": entry.text}
            for entry in found.differences
        ],
        "unanswered": [{"package": name, "reason": reason} for name, reason in found.unanswered],
    }
    return json.dumps(table, indent=2, ensure_ascii=False)
