"""The pages of reference, made from the code when the site is built (mkdocs calls `on_files`).

What exists comes from the code: commands and options from the argument parsers, keys of settings and of definitions
from the readers, exit codes from the exceptions, the library from its signatures and docstrings. The words about keys
stand here; `tests/docs/test_reference.py` holds that none is missing and none is left over.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lockflow
from lockflow import errors
from lockflow.cli.faults import COMMANDS, EXIT_INTERRUPTED, describe
from lockflow.cli.help import Command, Option
from lockflow.cli.plain import Started
from lockflow.cli.refresh import EXIT_CHANGED
from lockflow.inputs import command as command_layer
from lockflow.inputs import options
from lockflow.platforms import definitions

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).parent.parent

LOCKFLOW: Mapping[str, tuple[str, str]] = {
    "uv": (
        '`"0.13.8"`',
        (
            "the release of uv whose format is written and that is used in containers and images; by default the one "
            "that `required-version` in `[tool.uv]` pins, else the newest known. [Drift](../drift.md)"
        ),
    ),
    "platforms": (
        '`["darwin", "linux/arm64"]`',
        "the platforms that are checked, names or aliases of [definitions](platforms.md)",
    ),
    "python-versions": (
        '`["3.11", "3.12"]`',
        "the Pythons that are checked, minors; by default those that exist and `requires-python` admits",
    ),
    "allow-sdist": ('`["antlr4-python3-runtime"]`', "packages that may be built from source"),
    "require-wheels": (
        '`true`, `"prefer"`',
        "take only versions that have a wheel for every platform. [Wheels for every platform](../wheels.md)",
    ),
    "executor": ('`"docker"`', "`process` (the default), `docker` or `auto`. [Evidence](../evidence.md)"),
    "level": ('`"install"`', "`tags`, `probe` or `install`; by default `probe` where there is an engine, else `tags`"),
    "modules": ('`["numpy", "app.models"]`', "modules to import after an installation"),
    "engines": (
        '`{ "linux/arm64" = "ssh://me@arm.example" }`',
        "the engine for a platform, where it is not the usual one. [A native arm64 host](../native-arm64.md)",
    ),
    "image": ('`{ python = "3.12" }`', "what images are made of; the table below"),
    "mirrors": (
        '`{ "https://index.example" = "https://mirror.example" }`',
        "where to ask in place of what the lock names. [Mirrors](../mirrors.md)",
    ),
}
"""Key of [tool.lockflow] to an example and its meaning."""

IMAGE: Mapping[str, tuple[str, str]] = {
    "name": ('`"registry.example/team/app"`', "the repository; by default the name of the project"),
    "base": (
        '`"python:{python}-slim-bookworm"`',
        "the image that it starts from; by default that of the platform's definition",
    ),
    "builder": ('`"python:{python}-bookworm"`', "the image in which things are installed; by default `base`"),
    "uv": ('`"0.13.8"`', "the uv of the builder; by default `uv` in `[tool.lockflow]`, else the newest known"),
    "python": ('`"3.12"`', "by default `.python-version`, else the newest that is checked"),
    "package": ('`"api"`', "a member of the workspace; by default the root, else all of them"),
    "extras": ('`["gpu"]`', "extras that are installed; by default none"),
    "groups": ('`["serve"]`', "dependency groups that are installed; by default none"),
    "files": ('`["config", "main.py"]`', "files and folders that are copied into the working folder"),
    "user": ('`"1000:1000"`', "whoever runs it, never root"),
    "entrypoint": ('`["python", "-m", "app"]`', "what runs when it starts"),
}
"""Key of [tool.lockflow.image] to an example and its meaning."""

UV: Mapping[str, str] = {
    "index": "indexes, in the order in which they are asked: `name`, `url`, `default`, `explicit`, `format`, "
    "`authenticate`, `ignore-error-codes`, `exclude-newer`, `hash-algorithm`",
    "index-url": "old form of an index with `default = true`",
    "extra-index-url": "old form of further indexes",
    "no-index": "ask no index",
    "find-links": "pages or folders with files to choose from as well",
    "index-strategy": "how candidates of several indexes are combined: `first-index`, `unsafe-first-match`, "
    "`unsafe-best-match`",
    "keyring-provider": "`subprocess`: ask the program `keyring` for passwords",
    "resolution": "`highest`, `lowest`, `lowest-direct`",
    "prerelease": "when pre-releases are candidates: `disallow`, `allow`, `if-necessary`, `explicit`",
    "prerelease-package": "the same by package",
    "fork-strategy": "`requires-python`: the newest version for each Python; `fewest`: fewest versions",
    "exclude-newer": "ignore what was uploaded later: a date, a time, or a span like `7 days`",
    "exclude-newer-package": "the same by package; `false` lifts it",
    "dependency-metadata": "metadata to use in place of a package's own",
    "no-build": "build nothing, so take metadata from wheels only",
    "no-build-package": "the same by package",
    "no-binary": "use no wheels",
    "no-binary-package": "the same by package",
    "no-build-isolation": "build in the environment of this Python",
    "no-build-isolation-package": "the same by package",
    "extra-build-dependencies": "requirements that are added to builds, by package",
    "extra-build-variables": "variables that are set in builds, by package",
    "config-settings": "settings for build backends",
    "config-settings-package": "the same by package",
    "no-sources": "ignore `sources`",
    "no-sources-package": "the same by package",
    "upgrade": "keep no locked version",
    "upgrade-package": "the same by package",
    "preview": "`true`: all previews that concern a lock are on: `lock-without-metadata`, `lockfile-format-check`",
    "preview-features": "the same by name",
    "required-version": "releases of uv that may be used; one that it pins decides the format",
    "add-bounds": "what `lockflow add` writes for a requirement without versions: `lower`, `major`, `minor`, `exact`",
    "constraint-dependencies": "limits on packages that something else requires",
    "override-dependencies": "requirements that replace all others on the same package",
    "exclude-dependencies": "packages that are left out wherever they are required",
    "build-constraint-dependencies": "limits on what builds require",
    "environments": "markers: lock for these environments alone",
    "required-environments": "markers: packages without a source distribution must have a wheel there",
    "conflicts": "sets of extras, groups or projects that are never installed together",
    "workspace": "`members` and `exclude`, patterns of folders",
    "sources": "where a requirement comes from: `index`, `git`, `url`, `path`, `workspace`; with `marker`, `extra`, "
    "`group`, `editable`, `subdirectory`, `rev`, `tag`, `branch`",
    "managed": "`false`: not a project that is locked",
    "package": "whether the project is a package or virtual",
    "default-groups": 'dependency groups that are installed unless told otherwise; `["dev"]` where nothing is said',
    "dependency-groups": "`requires-python` by group",
    "dev-dependencies": "old form of the group `dev`",
}
"""Key of [tool.uv] that something here depends on, to its meaning."""

DEFINITION: Mapping[str, str] = {
    "name": "lower case with slashes, `linux/arm64`; the file is named after it, `linux-arm64.toml`",
    "aliases": "other names for it",
    "environment": "values of environment markers (PEP 508)",
    "tags": "what decides which wheels fit (PEP 425, 600, 656)",
    "python": 'full versions by minor, `"3.11" = "3.11.2"`, for markers with `python_full_version`; by default the '
    "newest known",
    "container": "the container that stands for the platform; none: it is judged by tags alone",
    "environment.os_name": "`posix` or `nt`",
    "environment.sys_platform": "`linux`, `darwin` or `win32`",
    "environment.platform_system": "`Linux`, `Darwin` or `Windows`",
    "environment.platform_machine": "`x86_64`, `aarch64`, `arm64`, `AMD64` and others that have wheels",
    "environment.platform_release": "of the kernel; by default empty, on macOS the Darwin of `tags.macos`",
    "environment.platform_version": "by default empty",
    "tags.implementation": "`cpython`",
    "tags.glibc": 'version of glibc on a Linux that has it, `"2.36"`',
    "tags.musl": 'version of musl on a Linux that has it, `"1.2"`',
    "tags.macos": 'version of macOS, `"14.0"`; wheels for it and older ones fit',
    "container.image": "image with the interpreter; `{python}` stands for the minor",
    "container.platform": "the platform as the engine names it, `linux/arm64`",
}
"""Key of a platform definition to its meaning."""


def pages() -> dict[str, str]:
    """Path below docs/ to Markdown, for each page that is made from the code."""
    return {
        "reference/cli.md": cli_page(),
        "reference/settings.md": settings_page(),
        "reference/platforms.md": platforms_page(),
        "reference/exit-codes.md": exit_codes_page(),
        "reference/python.md": python_page(),
    }


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to the site."""
    from mkdocs.structure.files import File  # noqa: PLC0415  the tests of the pages do without mkdocs

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


# The command line ----------------------------------------------------------------------------------------------------


def cli_page() -> str:
    commands = [describe(name, Started(os.environ, None)) for name in COMMANDS]
    shared: dict[str, tuple[Option, ...]] = {}
    for section in (section for command in commands for section in command.sections):
        if sum(section in command.sections for command in commands) > 1:
            shared.setdefault(section.title, section.options)
    lines = _paragraphs("""
        # Command line

        `lockflow COMMAND --help` says the most important in a screen, `lockflow help COMMAND` all of it. Options that
        go with every command may stand in front of it. Data goes to stdout, all else to stderr.
    """)
    for command in commands:
        lines += _command(command, shared)
    for title, found in shared.items():
        lines += [f"## {title}", "", *_options(found)]
    return "\n".join(lines)


def _command(command: Command, shared: Mapping[str, tuple[Option, ...]]) -> list[str]:
    lines = [f"## lockflow {command.name}", "", _escaped(command.summary), "", "```", command.usage, "```", ""]
    told = [argument for argument in command.arguments if argument.help]
    lines += _options((*told, *command.options))
    others = []
    for section in command.sections:
        if shared.get(section.title) == section.options:
            others.append(f"[{section.title}](#{section.title.lower().replace(' ', '-')})")
        else:
            lines += [f"{section.title}:", "", *_options(section.options)]
    if others:
        lines += [f"Also: {', '.join(others)}.", ""]
    if command.examples:
        title, _, examples = command.examples.partition("\n")
        examples, _, more = examples.partition("\n\n")
        dedented = "\n".join(line.removeprefix("  ") for line in examples.splitlines())
        lines += [title, "", "```", dedented, "```", "", *([_escaped(" ".join(more.split())), ""] if more else [])]
    return lines


def _options(found: Iterable[Option]) -> list[str]:
    rows = []
    for option in found:
        name = option.shown if option.names[0].startswith("-") else option.value
        rows.append(f"| {_code(name)} | {_escaped(option.help)} |")
    return ["| option | what it does |", "| --- | --- |", *rows, ""] if rows else []


# Settings ------------------------------------------------------------------------------------------------------------


def settings_page() -> str:
    without = sorted((options.RESOLVER_KEYS | options.ROOT_KEYS | options.PROJECT_KEYS) - UV.keys())
    named = re.findall(r'"(LOCKFLOW_[A-Z_]+)"', inspect.getsource(command_layer))
    return "\n".join(
        (
            *_paragraphs("""
            # Settings

            ## `[tool.lockflow]`

            In `pyproject.toml` of the project or the root of its workspace. A key that is not here gets a warning, with
            the one that was probably meant.

            | key | for example | meaning |
            | --- | --- | --- |
        """)[:-1],
            *(f"| `{key}` | {example} | {text} |" for key, (example, text) in LOCKFLOW.items()),
            "",
            *_paragraphs("""
            ### `[tool.lockflow.image]`

            In names of images `{python}` stands for the minor and `{arch}` for `amd64` or `arm64`.

            | key | for example | meaning |
            | --- | --- | --- |
        """)[:-1],
            *(f"| `{key}` | {example} | {text} |" for key, (example, text) in IMAGE.items()),
            "",
            "### Variables",
            "",
            f"Variables of the same meaning, lists with commas: {', '.join(map(_code, _variables(named)))}.",
            *_paragraphs("""
            `LOCKFLOW_CACHE_DIR` is the folder of the cache, `LOCKFLOW_MIRRORS` the [mirrors](../mirrors.md).

            ## `[tool.uv]` and `uv.toml`

            These keys have the meaning that they have for uv, wherever uv reads them: `[tool.uv]` of the root, a
            `uv.toml` beside it (which hides the table), the user's and the system's `uv.toml`, and the variables `UV_…`
            of the same name. A setting from outside of the project that changes the lock is warned about, since it
            holds for one machine only.

            | key | meaning |
            | --- | --- |
        """)[:-1],
            *(f"| `{key}` | {text} |" for key, text in UV.items()),
            "",
            f"Known, and without effect here: {', '.join(map(_code, without))}.",
            *_paragraphs("""
            Any other key is warned about, because uv then ignores the whole table.

            Where [credentials](../credentials.md) come from is a page of its own.
        """),
        )
    )


def _variables(named: Iterable[str]) -> list[str]:
    lists = ("platforms", "python-versions", "allow-sdist", "modules")
    return sorted({*named, "LOCKFLOW_EXECUTOR", "LOCKFLOW_LEVEL",
                   *(f"LOCKFLOW_{key.upper().replace('-', '_')}" for key in lists)})  # fmt: skip


# Definitions of platforms --------------------------------------------------------------------------------------------


def platforms_page() -> str:
    rows = []
    for place, keys in definitions._KEYS.items():
        for key in keys:
            name = f"{place}.{key}" if place else key
            rows.append(f"| `{name}` | {DEFINITION[name]} |")
    shown = "linux-arm64.toml"
    return "\n".join((
        *_paragraphs("""
            # Platform definitions

            One file a platform. Those that come with lockflow lie in its `platforms/`; a file of the same name in the
            `platforms/` folder of a project takes the place of one, and further files add to them. `lockflow platforms`
            lists what is defined and by which file, `lockflow platforms linux/arm64` shows what one comes to: its
            markers and, most wanted first, its tags.

            | key | meaning |
            | --- | --- |
        """)[:-1],
        *rows,
        "",
        "A file with unknown keys, or with values that contradict each other, is refused with all its faults.",
        "",
        f'```toml title="platforms/{shown}"',
        (ROOT / "platforms" / shown).read_text(encoding="utf-8").rstrip(),
        "```",
        "",
    ))  # fmt: skip


# Exit codes ----------------------------------------------------------------------------------------------------------


def exit_codes_page() -> str:
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.LockflowError) and kind is not errors.LockflowError
    ]
    return "\n".join((
        *_paragraphs(f"""
            # Exit codes

            | code | meaning |
            | --- | --- |
            | {errors.EXIT_DONE} | done; the answer is yes |
            | {errors.EXIT_ANSWER_IS_NO} | the answer is no: no solution, an outdated lock, a platform that fails |
            | {errors.EXIT_NOT_ANSWERED} | it could not be answered: usage, configuration, network, engine |
        """)[:-1],
        f"| {EXIT_CHANGED} | `lockflow refresh --exit-code`: the lock changed |",
        f"| {EXIT_INTERRUPTED} | interrupted; all is as it was, or a message says what was written |",
        "",
        "As a library, what ends with a code is an exception:",
        "",
        "| exception | code | when |",
        "| --- | --- | --- |",
        *(f"| `{kind.__name__}` | {kind.exit_code} | {_first_line(kind)} |" for kind in sorted(kinds, key=str)),
        "",
        "All of them are `LockflowError`s, whose text has four parts: what, `where`, `why`, `next`.",
        "",
    ))  # fmt: skip


# The library ---------------------------------------------------------------------------------------------------------


def python_page() -> str:
    functions = [name for name in lockflow.__all__ if inspect.isfunction(getattr(lockflow, name))]
    classes = [name for name in lockflow.__all__ if name not in functions]
    lines = _paragraphs("""
        # Python

        What `import lockflow` offers; [lockflow as a library](../library.md) shows it at work. All of it is typed.
        Nothing prints or exits. Structs are frozen and take keywords only.

        ## Functions
    """)
    for name in functions:
        lines += [f"### {name}", "", "```python", _signature(getattr(lockflow, name)), "```", ""]
        lines += [_prose(getattr(lockflow, name)), ""]
    lines += ["## Structs, enumerations and exceptions", ""]
    for name in classes:
        lines += [f"### {name}", "", *_class(getattr(lockflow, name)), ""]
    return "\n".join(lines)


def _signature(function: Callable[..., Any]) -> str:
    found = inspect.signature(function)
    parts, has_star = [], False
    for parameter in found.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not has_star:
            parts.append("*")
            has_star = True
        default = "" if parameter.default is parameter.empty else f" = {_default(parameter.default)}"
        parts.append(f"{parameter.name}: {parameter.annotation}{default}")
    one_line = f"def {function.__name__}({', '.join(parts)}) -> {found.return_annotation}"
    if len(one_line) <= 88:
        return one_line
    inner = "".join(f"    {part},\n" for part in parts)
    return f"def {function.__name__}(\n{inner}) -> {found.return_annotation}"


def _default(value: object) -> str:
    kind = type(value).__name__
    if inspect.isfunction(value):
        return value.__name__
    if isinstance(value, str | int | tuple | None):
        return f"{kind}.{value.name}" if isinstance(value, lockflow.Mode) else repr(value)
    return f"{kind.upper()}" if kind == "Nobody" else f"{kind}()"


def _class(kind: type) -> list[str]:
    lines = [_prose(kind), ""]
    if issubclass(kind, Exception):
        return lines
    if issubclass(kind, StrEnum):
        values = [f"`{kind.__name__}.{member.name}`" for member in kind]
        return [*lines, f"One of {', '.join(values)}."]
    fields = getattr(kind, "__annotations__", {})
    own = {name: text for name, text in fields.items() if not name.startswith("_")}
    if not own:
        return lines
    rows = (f"| `{name}` | {_code(str(text))} |" for name, text in own.items())
    return [*lines, "| field | type |", "| --- | --- |", *rows]


# Words ---------------------------------------------------------------------------------------------------------------


def _paragraphs(text: str) -> list[str]:
    """The lines of a text, and an empty one."""
    return [*inspect.cleandoc(text).splitlines(), ""]


def _prose(thing: object) -> str:
    return _escaped(inspect.getdoc(thing) or "")


def _first_line(thing: object) -> str:
    return _escaped((inspect.getdoc(thing) or "").partition("\n")[0].rstrip("."))


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def _escaped(text: str) -> str:
    """Text for a cell or a paragraph; what stands between backticks stays as it is."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part.replace("|", "\\|") if at % 2 else re.sub(r"([|<>*_\[\]])", r"\\\1", part)
                   for at, part in enumerate(parts))  # fmt: skip
