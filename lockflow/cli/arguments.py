"""The flags that commands share, and from parsed flags and variables to what a step is asked.

Names and meanings are those of `uv lock`. What the settings say about a flag that was not given is decided in
`inputs/settings.py`; here are only the few that never reach a lock.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockflow.cli.console import Console, Waits
from lockflow.cli.faults import Parser, flag
from lockflow.cli.plain import Started
from lockflow.errors import InputError
from lockflow.inputs.model import SettingsOverrides
from lockflow.standards.names import normalize_name
from lockflow.steps import Network, Target

_PYTHON = re.compile(r"(?:cpython|python)?[@-]?3\.([0-9]+)(?:\.[0-9]+)?", re.IGNORECASE)


def add_common(parser: Parser) -> None:
    """Flags that go with every command."""
    group = parser.add_argument_group("Common options")
    add = group.add_argument
    add("-q", "--quiet", action="count", default=0, help="say less: -q no progress and summary, -qq no errors either")
    add("-v", "--verbose", action="count", default=0, help="say more: reasons, files read, times")
    add("--color", choices=("auto", "always", "never"), default="auto", help="colour; auto means on a terminal")
    add("--no-progress", action="store_true", help="no moving lines [env: UV_NO_PROGRESS]")
    add("--directory", metavar="DIR", help="change to DIR first [env: UV_WORKING_DIR]")
    add("--project", metavar="DIR", help="look for the project in DIR or above [env: UV_PROJECT]")
    add("--config-file", metavar="FILE", help="a uv.toml to use in place of all others [env: UV_CONFIG_FILE]")
    add("--no-config", action="store_true", default=None, help="read no settings from files [env: UV_NO_CONFIG]")
    add("--offline", action="store_true", default=None, help="use what is in the cache only [env: UV_OFFLINE]")
    add("--no-offline", dest="offline", action="store_false", help=argparse.SUPPRESS)
    add(
        "-n",
        "--no-cache",
        action="store_true",
        default=None,
        help="neither read nor write the cache [env: UV_NO_CACHE]",
    )
    add("--cache-dir", metavar="DIR", help="the cache's folder [env: LOCKFLOW_CACHE_DIR]")
    text = "take any certificate of this host [env: UV_INSECURE_HOST]"
    add("--allow-insecure-host", "--trusted-host", action="append", default=[], metavar="HOST", help=text)
    add("--system-certs", "--native-tls", action="store_true", help=argparse.SUPPRESS)


def add_index(parser: Parser) -> None:
    add = parser.add_argument_group("Index options").add_argument
    text = "consult this index before the default one; may be NAME=URL [env: UV_INDEX]"
    add("--index", action="append", metavar="URL", help=text)
    add("--default-index", metavar="URL", help="the index consulted last; may be NAME=URL [env: UV_DEFAULT_INDEX]")
    add("-i", "--index-url", metavar="URL", help="old name of --default-index [env: UV_INDEX_URL]")
    text = "old name of --index [env: UV_EXTRA_INDEX_URL]"
    add("--extra-index-url", action="append", metavar="URL", help=text)
    text = "a page or folder with files to choose from as well [env: UV_FIND_LINKS]"
    add("-f", "--find-links", action="append", metavar="PLACE", help=text)
    add("--no-index", action="store_true", default=None, help="consult no index, only --find-links and URLs")
    strategies = ("first-index", "unsafe-first-match", "unsafe-best-match")
    text = "how candidates of several indexes are combined [env: UV_INDEX_STRATEGY]"
    add("--index-strategy", choices=strategies, help=text)
    text = "where credentials of indexes come from [env: UV_KEYRING_PROVIDER]"
    add("--keyring-provider", choices=("disabled", "subprocess"), help=text)


def add_resolver(parser: Parser) -> None:
    add = parser.add_argument_group("Resolver options").add_argument
    add("-U", "--upgrade", action="store_true", default=None, help="keep no locked version; implies --refresh")
    add("--no-upgrade", dest="upgrade", action="store_false", help=argparse.SUPPRESS)
    text = "keep no locked version of this package; NAME may have a limit: 'httpx<1'"
    add("-P", "--upgrade-package", action="append", metavar="NAME", help=text)
    text = "keep no locked version of the packages in this dependency group"
    add("--upgrade-group", action="append", metavar="GROUP", help=text)
    text = "which versions are preferred [env: UV_RESOLUTION]"
    add("--resolution", choices=("highest", "lowest", "lowest-direct"), help=text)
    modes = ("disallow", "allow", "if-necessary", "explicit", "if-necessary-or-explicit")
    add("--prerelease", choices=modes, help="when pre-releases are candidates [env: UV_PRERELEASE]")
    add("--prerelease-package", action="append", metavar="NAME=MODE", help="the same for one package")
    text = "newest versions for each Python, or fewest versions [env: UV_FORK_STRATEGY]"
    add("--fork-strategy", choices=("requires-python", "fewest"), help=text)
    text = "ignore what was uploaded at TIME or later: a time, a date, or '7 days' [env: UV_EXCLUDE_NEWER]"
    add("--exclude-newer", metavar="TIME", help=text)
    add("--exclude-newer-package", action="append", metavar="NAME=TIME", help="the same for one package")
    add("--no-sources", action="store_true", default=None, help="ignore [tool.uv.sources] [env: UV_NO_SOURCES]")
    add("--no-sources-package", action="append", metavar="NAME", help="the same for one package")
    add("--preview", action="store_true", default=None, help=argparse.SUPPRESS)
    add("--no-preview", dest="preview", action="store_false", help=argparse.SUPPRESS)
    text = "preview features of uv, such as lock-without-metadata [env: UV_PREVIEW_FEATURES]"
    add("--preview-features", "--preview-feature", action="append", metavar="NAME", help=text)


def add_evidence(parser: Parser) -> None:
    add = parser.add_argument_group("Evidence").add_argument
    text = "where platforms are judged: in containers, in this process, or in containers if an engine answers (auto)"
    executors = ("auto", "process", "docker", "swarm")
    # The name of swarm is taken, so that it can be answered with what to do instead.
    shown = "{auto,process,docker}"
    add("--executor", choices=executors, metavar=shown, help=f"{text} [env: LOCKFLOW_EXECUTOR]")
    text = "what is proven: by tag rules, by the real interpreter and uv's plan, or by an installation"
    add("--level", choices=("tags", "probe", "install"), help=f"{text} [env: LOCKFLOW_LEVEL]")


def add_build(parser: Parser) -> None:
    add = parser.add_argument_group("Build options").add_argument
    add("--no-build", action="store_true", default=None, help="never build a source distribution [env: UV_NO_BUILD]")
    add("--build", dest="no_build", action="store_false", help=argparse.SUPPRESS)
    add("--no-build-package", action="append", metavar="NAME", help="never build this one [env: UV_NO_BUILD_PACKAGE]")
    add("--no-binary", action="store_true", default=None, help="use no wheels [env: UV_NO_BINARY]")
    add("--binary", dest="no_binary", action="store_false", help=argparse.SUPPRESS)
    add(
        "--no-binary-package", action="append", metavar="NAME", help="no wheels of this one [env: UV_NO_BINARY_PACKAGE]"
    )
    add("-C", "--config-setting", "--config-settings", action="append", metavar="KEY=VALUE", help="for build backends")
    add("--config-settings-package", action="append", metavar="NAME:KEY=VALUE", help="the same for one package")
    text = "build in this environment [env: UV_NO_BUILD_ISOLATION]"
    add("--no-build-isolation", action="store_true", default=None, help=text)
    add("--build-isolation", dest="no_build_isolation", action="store_false", help=argparse.SUPPRESS)
    add("--no-build-isolation-package", action="append", metavar="NAME", help="the same for one package")


def add_cache(parser: Parser) -> None:
    add = parser.add_argument_group("Cache options").add_argument
    add("--refresh", action="store_true", default=False, help="ask for every index page again")
    add("--no-refresh", dest="refresh", action="store_false", help=argparse.SUPPRESS)
    add("--refresh-package", action="append", default=[], metavar="NAME", help="ask again for the pages of this one")


def add_without_effect(parser: Parser) -> None:
    """Flags of uv for what lockflow does not do, so that a command line can be kept: it installs nothing."""
    python = ("--managed-python", "--no-managed-python", "--no-python-downloads")
    for name in (*python, "--require-build-hashes", "--no-require-build-hashes"):
        parser.add_argument(name, action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--link-mode", help=argparse.SUPPRESS)


def settle(console: Console, options: argparse.Namespace) -> None:
    """Let the console do as the flags say."""
    console.settle(
        quiet=options.quiet, verbose=options.verbose, color=options.color, has_progress=not options.no_progress
    )


def target(options: argparse.Namespace, started: Started) -> Target:
    """What to work on, with the settings that flags name."""
    base = _folder(options.directory or started.environment.get("UV_WORKING_DIR", ""), Path.cwd(), "--directory")
    project = _folder(options.project or started.environment.get("UV_PROJECT", ""), base, "--project")
    given: dict[str, Any] = {
        name: _frozen(getattr(options, name, None)) for name in SettingsOverrides.__struct_fields__
    }
    given["base"] = str(base)
    script = getattr(options, "script", None)
    python = getattr(options, "python", None)
    return Target(
        directory=project,
        script=None if script is None else base / script,
        settings=SettingsOverrides(**given),
        environment=started.environment,
        python=_python(python or started.environment.get("UV_PYTHON", ""), is_flag=python is not None),
        on_wait=None if started.console is None else Waits(started.console),
    )


def network(options: argparse.Namespace, started: Started) -> Network:
    """How the index is reached. An upgrade looks at the index afresh, of one package at that package's page."""
    refresh: bool | frozenset[str] = bool(getattr(options, "refresh", False) or getattr(options, "upgrade", None))
    named = [*getattr(options, "refresh_package", ()), *(getattr(options, "upgrade_package", None) or ())]
    if not refresh and named:
        refresh = frozenset(normalize_name(re.split(r"[^A-Za-z0-9._-]", name.strip(), maxsplit=1)[0]) for name in named)
    cache = options.cache_dir
    return Network(
        offline=_either(options.offline, started.environment, "UV_OFFLINE"),
        no_cache=_either(options.no_cache, started.environment, "UV_NO_CACHE"),
        refresh=refresh,
        cache_dir=None if cache is None else _absolute(Path(options.directory or "") / cache),
        insecure_hosts=frozenset(host.lower() for host in options.allow_insecure_host),
        transport=started.transport,
    )


def _folder(text: str, base: Path, name: str) -> Path:
    folder = _absolute(base / text)
    if not folder.is_dir():
        raise InputError(f"{text} is no folder", where=f"command line, {name}", next="check its path")
    return folder


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100  resolve() would follow links


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _either(given: bool | None, environment: Mapping[str, str], name: str) -> bool:  # noqa: FBT001  None is an answer
    return flag(environment, name) if given is None else given


def _python(text: str, *, is_flag: bool) -> tuple[int, int]:
    """The minor a request for an interpreter names; this interpreter's where it names a place or says nothing."""
    found = _PYTHON.fullmatch(text.strip())
    if found is not None:
        return 3, int(found[1])
    if is_flag and text.strip()[:1].isdigit():
        raise InputError(f"{text!r} is no Python version", where="command line, --python", next='write it like "3.12"')
    return sys.version_info[:2]
