"""`lockflow export`: the lock in another format, for all platforms or for one."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

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
from lockflow.cli.faults import Parser, flag
from lockflow.cli.plain import Started
from lockflow.errors import InputError, telling
from lockflow.standards.names import normalize_name

_FORMATS = ("requirements.txt", "pylock.toml", "cyclonedx1.6")
_SUMMARY = "Write what the lock holds in another format: requirements.txt, pylock.toml or CycloneDX."
_EPILOG = """\
Examples:
  lockflow export -o requirements.txt                with hashes and markers, for pip
  lockflow export -o pylock.toml                     the standard lock file (PEP 751)
  lockflow export --platform linux/arm64 --python 3.12 --no-dev
  lockflow export --format cyclonedx1.6 -o sbom.json
"""


def run_export(words: list[str], console: Console, started: Started) -> int:
    """Bring the lock up to date, and write it to stdout or a file."""
    options = export_parser().parse(words)
    settle(console, options)
    kind = _format(options)
    seen = looked_at(options, started, console)
    warn_absent("--prune", options.prune, seen, console)
    warn_absent("--no-emit-package", options.no_emit_package, seen, console)
    wanted = views.wished(seen, wish(options, started), has_defaults=has_defaults(options, started))
    found, environments = views.wanted_entries(seen, wanted, place(options))
    header = () if options.no_header else _header(words)
    is_editable = not (options.no_editable or flag(started.environment, "UV_NO_EDITABLE"))
    not_editable = frozenset(normalize_name(name) for name in options.no_editable_package)
    if kind == "cyclonedx1.6":
        text = _cyclonedx(seen, found)
    elif kind == "pylock.toml":
        text = views.as_pylock(
            seen.lock,
            found,
            environments=environments,
            header=header,
            is_editable=is_editable,
            not_editable=not_editable,
        )
    else:
        text = views.as_requirements(
            found,
            header=header,
            has_hashes=not options.no_hashes,
            has_dependents=not options.no_annotate,
            is_editable=is_editable,
            not_editable=not_editable,
        )
    with telling(seen.result.done):
        _write(text, options, console)
    return 0


def export_parser() -> Parser:
    parser = Parser("export", _SUMMARY, epilog=_EPILOG)
    add = parser.add_argument
    add("--format", choices=_FORMATS, help="by default what the name of the file says, else requirements.txt")
    add("-o", "--output-file", metavar="FILE", help="write there in place of stdout")
    add("--package", dest="packages", action="append", default=[], metavar="NAME", help="this project of the workspace")
    add("--all-packages", action="store_true", help="all projects of the workspace")
    add("--extra", action="append", default=[], metavar="EXTRA", help="with this extra")
    add("--all-extras", action="store_true", help="with all extras")
    add("--no-extra", action="append", default=[], metavar="EXTRA", help="without this one of all")
    add("--prune", action="append", default=[], metavar="NAME", help="without this package and what only it requires")
    add_place(parser)
    add_mode(parser)
    add = parser.add_argument_group("Form options").add_argument
    add("--no-hashes", action="store_true", help="no hashes of files")
    add("--no-header", action="store_true", help="no comment with the command")
    add("--no-annotate", action="store_true", help="no comments with what requires a package")
    add("--no-editable", action="store_true", help="projects as plain folders [env: UV_NO_EDITABLE]")
    add("--no-editable-package", action="append", default=[], metavar="NAME", help="the same for one project")
    add("--no-emit-project", action="store_true", help="what the project requires, not the project")
    add("--no-emit-workspace", action="store_true", help="what projects require, none of the projects")
    add("--no-emit-local", action="store_true", help="nothing that lies on disk")
    add("--no-emit-package", action="append", default=[], metavar="NAME", help="not this package")
    for add_group in (add_groups, add_index, add_resolver, add_build, add_cache, add_common):
        add_group(parser)
    return parser


def _format(options: argparse.Namespace) -> str:
    """The format asked for; a name of a file that another tool would misread is refused."""
    name = Path(options.output_file or "").name
    if name == "pyproject.toml":
        raise InputError(f"{name} is no place for an export", where="--output-file", next="name another file")
    is_pylock = name == "pylock.toml" or (name.startswith("pylock.") and name.endswith(".toml"))
    kind = options.format or ("pylock.toml" if is_pylock else "requirements.txt")
    parts = name.removesuffix(".toml").split(".")
    if kind == "pylock.toml" and name and not (is_pylock and len(parts) < 3):
        raise InputError(
            f"{name} is no name for a pylock.toml",
            where="--output-file",
            why="installers look for pylock.toml or pylock.NAME.toml, NAME without a dot (PEP 751)",
            next="rename it",
        )
    return str(kind)


def _header(words: list[str]) -> tuple[str, ...]:
    shown = [word for word in words if word not in ("-q", "--quiet", "-U", "--upgrade")]
    # What says where to look and how to speak is of this run and this machine only.
    kept: list[str] = []
    rest = iter(shown)
    for word in rest:
        if word in ("--cache-dir", "--directory", "--project", "--color"):
            next(rest, None)
        elif not word.startswith(("--cache-dir=", "--directory=", "--project=", "--color=")):
            kept.append(word)
    return ("# Written by lockflow from the lock:", f"#    {shlex.join(['lockflow', 'export', *kept])}")


def _cyclonedx(seen: views.View, found: tuple[views.Entry, ...]) -> str:
    try:
        from lockflow.sbom import as_cyclonedx
    except ImportError as error:
        raise InputError(
            "CycloneDX needs the library cyclonedx-python-lib",
            where="--format cyclonedx1.6",
            why=str(error),
            next="install lockflow[cyclonedx]",
        ) from error
    return as_cyclonedx(seen, found)


def _write(text: str, options: argparse.Namespace, console: Console) -> None:
    if options.output_file is None:
        console.data(text.rstrip("\n")) if text else None
        return
    path = Path(options.directory or "") / options.output_file
    views.write_export(path, text)
    console.say(f"Wrote {options.output_file}")
