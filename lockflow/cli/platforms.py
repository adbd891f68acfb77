"""`lockflow platforms [NAME]`: what is defined, where, and what a definition comes to."""

from __future__ import annotations

import json
from pathlib import Path

from lockflow import views
from lockflow.cli.arguments import add_common, settle, target
from lockflow.cli.console import Console
from lockflow.cli.faults import Parser
from lockflow.cli.plain import Started
from lockflow.errors import LockflowError
from lockflow.platforms.model import Platform
from lockflow.steps import inputs

_SUMMARY = "List the platforms that a lock can be checked for, or show what one of them comes to."
_EPILOG = """\
Examples:
  lockflow platforms                what is defined, by which file
  lockflow platforms linux/arm64    its markers and wheel tags
  lockflow platforms --json
"""


def run_platforms(words: list[str], console: Console, started: Started) -> int:
    """Put the list, or one definition, on stdout."""
    parser = Parser("platforms", _SUMMARY, epilog=_EPILOG)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a name or an alias")
    parser.add_argument("--json", action="store_true", help="as data")
    add_common(parser)
    options = parser.parse(words)
    settle(console, options)
    asked = target(options, started)
    try:
        read = inputs(asked)
        root, chosen = read.root, frozenset(read.manifest.settings.platforms)
    except LockflowError:
        if any((folder / "pyproject.toml").exists() for folder in (asked.directory, *asked.directory.parents)):
            raise
        # Outside of a project there are the platforms that come with lockflow.
        root, chosen = None, frozenset()
    found = views.platforms(root, options.names)
    if options.json:
        console.data(json.dumps([_data(entry.platform, entry.path, chosen) for entry in found], indent=2))
        return 0
    for entry in found:
        platform = entry.platform
        if not options.names:
            mark = "*" if chosen & {platform.name, *platform.aliases} else " "
            aliases = f" ({', '.join(platform.aliases)})" if platform.aliases else ""
            console.data(f"{mark} {platform.name}{aliases}: {entry.path}")
            continue
        for key, value in _facts(platform).items():
            console.data(f"{key}: {value}")
        console.data(f"file: {entry.path}")
        console.data("tags:")
        for tag in views.tags_of(platform):
            console.data(f"  {tag}")
    if chosen and not options.names:
        console.note("* is checked for this project: [tool.lockflow] platforms")
    return 0


def _data(platform: Platform, path: Path, chosen: frozenset[str]) -> dict[str, object]:
    """A definition for programs; what it does not state is null."""
    libc, macos = platform.libc, platform.macos
    return {
        "name": platform.name,
        "aliases": [*platform.aliases],
        "is_checked": bool(chosen & {platform.name, *platform.aliases}),
        "markers": dict(platform.environment),
        "libc": None if libc is None else f"{libc.name} {libc.major}.{libc.minor}",
        "macos": None if macos is None else f"{macos.major}.{macos.minor}",
        "image": platform.image,
        "file": str(path),
        "tags": [*views.tags_of(platform)],
    }


def _facts(platform: Platform) -> dict[str, str]:
    """What a definition says, by words; empty things are left out."""
    facts = {"name": platform.name, "aliases": ", ".join(platform.aliases)}
    facts |= {f"marker {key}": value for key, value in platform.environment}
    if platform.libc is not None:
        facts["libc"] = f"{platform.libc.name} {platform.libc.major}.{platform.libc.minor}"
    if platform.macos is not None:
        facts["macOS"] = f"{platform.macos.major}.{platform.macos.minor}"
    facts["image"] = platform.image or ""
    return {key: value for key, value in facts.items() if value}
