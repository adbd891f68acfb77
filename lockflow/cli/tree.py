"""`lockflow tree`: what requires what, drawn as uv draws it."""

from __future__ import annotations

from lockflow import views
from lockflow.cli.arguments import add_build, add_cache, add_common, add_index, add_resolver, settle
from lockflow.cli.choice import (
    add_groups,
    add_mode,
    add_place,
    has_defaults,
    looked_at,
    place,
    warn_absent,
    wish,
)
from lockflow.cli.console import Console
from lockflow.cli.faults import Parser, meant
from lockflow.cli.plain import Started
from lockflow.errors import AnswerIsNo, InputError
from lockflow.standards.names import normalize_name

_SUMMARY = "Draw what the project requires, and what that requires."
_EPILOG = """\
Examples:
  lockflow tree                                   what is installed on this machine
  lockflow tree --universal --depth 1             for all platforms, direct dependencies
  lockflow tree --platform linux/arm64 --package torch
  lockflow tree --invert --package numpy          what requires numpy
"""


def run_tree(words: list[str], console: Console, started: Started) -> int:
    """Bring the lock up to date, and draw it on stdout."""
    options = tree_parser().parse(words)
    settle(console, options)
    if options.universal and (options.platform or options.python):
        raise InputError(
            "--universal cannot be used with --platform or --python", where="command line", next="give one of them"
        )
    seen = looked_at(options, started, console)
    drawn = _known(options.drawn, seen)
    warn_absent("--prune", options.prune, seen, console)
    wanted = views.wished(seen, wish(options, started), has_defaults=has_defaults(options, started))
    drawing = views.Drawing(
        packages=drawn,
        depth=options.depth,
        is_inverted=options.invert,
        has_repeats=options.no_dedupe,
    )
    lines = views.tree(seen, wanted, drawing, None if options.universal else place(options))
    if lines:
        console.data("\n".join(lines))
    return 0


def _known(names: list[str], seen: views.View) -> tuple[str, ...]:
    """The names, normalised. Raises AnswerIsNo for one that the lock does not have."""
    known = sorted({package.name for package in seen.lock.packages})
    for name in map(normalize_name, names):
        if name not in known:
            raise AnswerIsNo(
                f"the lock has no package {name}",
                where=str(seen.result.lock_path),
                next=f"{meant(name, known)}`lockflow tree --universal` shows what it has",
            )
    return tuple(map(normalize_name, names))


def tree_parser() -> Parser:
    parser = Parser("tree", _SUMMARY, epilog=_EPILOG)
    add = parser.add_argument
    add("--universal", action="store_true", help="for all platforms and Pythons")
    add_place(parser)
    add("-d", "--depth", type=int, default=255, metavar="N", help="no deeper than N levels")
    text = "this package and what hangs below it alone"
    add("--package", dest="drawn", action="append", default=[], metavar="NAME", help=text)
    add("--prune", action="append", default=[], metavar="NAME", help="without this package and what only it requires")
    add("--invert", action="store_true", help="upside down: what requires a package hangs below it")
    add("--no-dedupe", action="store_true", help="draw again what was drawn before")
    add_mode(parser)
    for add_group in (add_groups, add_index, add_resolver, add_build, add_cache, add_common):
        add_group(parser)
    return parser
