"""A lock, what its project says, and the uvs that will read both, to what would go wrong in a build.

A uv that is older than something in the project or the lock refuses the lock, or reads it wrongly, though nobody
touched it. Each rule names the first release that does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from lockflow.images.model import Drift, Key, Replacement, Tool, Written
from lockflow.lock.model import Lock, Options
from lockflow.standards.markers.tree import python_range_marker
from lockflow.standards.python_range import python_range
from lockflow.standards.requirements import Directory, under_marker
from lockflow.standards.specifiers import InvalidSpecifier, Specifiers
from lockflow.standards.versions import Version

# Found by asking releases from 0.5.1 to 0.13.8 which keys they know (the complaint about an unknown one lists them),
# by bisection. Keys that 0.5.1 knows are not here.
FIRST_WITH_KEY: Mapping[str, str] = {
    "add-bounds": "0.7.9",
    "audit": "0.11.3",
    "build-backend": "0.5.6",
    "build-constraint-dependencies": "0.6.2",
    "check-url": "0.5.6",
    "config-settings-package": "0.8.1",
    "conflicts": "0.5.2",
    "dependency-groups": "0.7.14",
    "exclude-dependencies": "0.9.8",
    "exclude-newer-package": "0.8.4",
    "extra-build-dependencies": "0.8.4",
    "extra-build-variables": "0.8.6",
    "fork-strategy": "0.5.9",
    "graalpy-install-mirror": "0.12.24",
    "http-proxy": "0.9.23",
    "https-proxy": "0.9.23",
    "minimum-libc-version": "0.12.17",
    "no-proxy": "0.9.23",
    "no-sources-package": "0.9.26",
    "prerelease-package": "0.12.1",
    "preview-features": "0.11.22",
    "pyodide-install-mirror": "0.12.24",
    "pypy-install-mirror": "0.5.2",
    "python-downloads-json-url": "0.7.3",
    "python-install-mirror": "0.5.2",
    "require-build-hashes": "0.13.0",
    "required-environments": "0.6.1",
    "required-version": "0.5.14",
    "system-certs": "0.11.0",
    "torch-backend": "0.9.18",
}
FIRST_WITH_SYS_PLATFORM = "0.5.11"
"""Writes `platform_system` as `sys_platform` into `requires-dist`, and so finds a lock that has it so unchanged."""
FIRST_WITHOUT_VERSION = "0.5.19"
"""Reads a lock in which a project of dynamic version has none."""
FIRST_WITH_SPAN = "0.9.17"
"""Takes a span for `exclude-newer`."""
FIRST_WITH_GROUP_PYTHON = "0.7.14"
"""Knows `requires-python` of a dependency group."""
FIRST_WITH_CONFLICTS = "0.6.3"
"""Leaves out of an export what conflicts with what was asked for."""

_RECORDED = ("exclude-newer", "prerelease", "resolution", "fork-strategy")
_OF_INDEXES = ("index", "index-url", "extra-index-url", "find-links", "no-index")
_SYSTEMS = {"Darwin": "darwin", "Linux": "linux", "Windows": "win32"}
_PLATFORM_SYSTEM = re.compile(r"platform_system(\s*(?:==|!=)\s*)(['\"])(Darwin|Linux|Windows)\2")


def preflight(
    lock: Lock,
    written: Written,
    tools: Sequence[Tool],
    *,
    place: str = "uv.lock",
    stale: Sequence[str] = (),
    absent: Sequence[str] = (),
    today: str = "",
) -> tuple[Drift, ...]:
    """List what would go wrong, worst first: none where each of `tools` takes the lock as it was meant.

    `stale` are the reasons why the lock does not state its project any more, `absent` the paths of source trees in it
    that are not there. `today` is the cut-off that a relative one means now, as RFC 3339 text.
    """
    found = [*_stale(place, stale), *_absent(place, absent)]
    for tool in tools:
        version = Version.parse(tool.version)
        found += _required_version(tool, version, written)
        for rule in (_without_version, _settings, _markers, _groups, _conflicts):
            found += rule(lock, written, tool, version)
        found += _span(lock, written, tool, version, today)
    return tuple(found)


def _stale(place: str, reasons: Sequence[str]) -> Iterable[Drift]:
    if reasons:
        yield Drift(
            concern="lock",
            what="the lock does not state the project any more",
            where=place,
            why="\n".join(reasons),
            advice=("run `lockflow lock`, and keep the lock it writes",),
        )


def _absent(place: str, paths: Sequence[str]) -> Iterable[Drift]:
    for path in paths:
        yield Drift(
            concern="source",
            what=f"the source tree {path} is not there",
            where=f"{place}, source {path}",
            why="the lock depends on it, and every uv looks into it, even to install the rest",
            advice=(f"put {path} beside pyproject.toml: a build needs it as well as pyproject.toml and uv.lock",),
        )


def _required_version(tool: Tool, version: Version, written: Written) -> Iterable[Drift]:
    text = written.required_version
    try:
        specifiers = Specifiers.parse(text if not text[:1].isdigit() else f"=={text}")
    except InvalidSpecifier:
        return
    if text and not specifiers.range.contains(version):
        file = next((key.file for key in written.keys if key.name == "required-version"), "pyproject.toml")
        yield Drift(
            concern="required-version",
            what=f"{_named(tool)} is not one that the project takes",
            where=f"required-version in {_settings_of(file)}",
            why=f'required-version is "{text}": uv ends with an error',
            advice=(
                f"take a uv that it admits as {tool.role}",
                f"or let required-version in {_settings_of(file)} admit {tool.version}",
            ),
        )


def _without_version(lock: Lock, written: Written, tool: Tool, version: Version) -> Iterable[Drift]:  # noqa: ARG001  a rule
    names = [
        package.name for package in lock.packages if package.version is None and isinstance(package.source, Directory)
    ]
    if names and version < Version.parse(FIRST_WITHOUT_VERSION):
        yield _drift(
            tool,
            "version",
            "cannot read the lock",
            f"package {names[0]} in the lock",
            f"the version of {', '.join(names)} is dynamic, so that the lock has none; uv before "
            f"{FIRST_WITHOUT_VERSION} fails on that (missing field `version`)",
            FIRST_WITHOUT_VERSION,
            "or write the version into [project] and take it out of dynamic, and lock again",
        )


def _settings(lock: Lock, written: Written, tool: Tool, version: Version) -> Iterable[Drift]:
    """One unknown key makes a uv drop the whole table: what the lock records of it then differs."""
    unknown = [key for key in written.keys if version < Version.parse(FIRST_WITH_KEY.get(key.name, "0"))]
    names = {key.name for key in written.keys}
    lost = [name for name in _RECORDED if name in names] if lock.options != Options() else []
    lost += [name for name in _OF_INDEXES if name in names]
    if not unknown or not lost:
        return
    since = max((FIRST_WITH_KEY[key.name] for key in unknown), key=Version.parse)
    shown = ", ".join(key.name for key in unknown)
    file = unknown[0].file
    yield _drift(
        tool,
        "setting",
        "would refuse the lock",
        f"{shown} in {_settings_of(file)}",
        f"it does not know {shown}, and then ignores all settings there, {', '.join(lost)} among them, "
        "which the lock was made with",
        since,
        f"or take {shown} out of {_settings_of(file)}, and lock again",
        removed=unknown,
    )


def _markers(lock: Lock, written: Written, tool: Tool, version: Version) -> Iterable[Drift]:  # noqa: ARG001  a rule
    if not written.platform_system or version >= Version.parse(FIRST_WITH_SYS_PLATFORM):
        return
    replacements = [
        Replacement(file=file, old=text, new=new)
        for text, file in written.platform_system
        if (new := _with_sys_platform(text)) != text and "platform_system" not in new
    ]
    can_edit = len(replacements) == len(written.platform_system)
    yield _drift(
        tool,
        "marker",
        "would refuse the lock",
        ", ".join(dict.fromkeys(file for _, file in written.platform_system)),
        f"it compares markers letter by letter, and the lock has sys_platform where the project says platform_system "
        f"({written.platform_system[0][0]})",
        FIRST_WITH_SYS_PLATFORM,
        *(
            f'{"and" if number else "or"} write "{entry.new}" for "{entry.old}"'
            for number, entry in enumerate(replacements if can_edit else ())
        ),
        *(["and lock again"] if can_edit else ()),
        replacements=replacements if can_edit else (),
    )


def _groups(lock: Lock, written: Written, tool: Tool, version: Version) -> Iterable[Drift]:
    limited = [entry for package in lock.packages for entry in package.group_requires_python]
    limited += lock.manifest.group_requires_python
    if limited and version < Version.parse(FIRST_WITH_GROUP_PYTHON):
        groups = ", ".join(dict.fromkeys(name for name, _ in limited))
        file = next((key.file for key in written.keys if key.name == _GROUPS), "pyproject.toml")
        yield _drift(
            tool,
            "group",
            "would refuse the lock",
            f"{_GROUPS} in {_settings_of(file)}",
            f"it does not know that the group {groups} is for some Pythons only, so that its requirements look changed",
            FIRST_WITH_GROUP_PYTHON,
            *_as_markers(dict(limited), written, file),
        )


def _as_markers(limited: Mapping[str, str], written: Written, file: str) -> Iterable[str]:
    """The edits after which each requirement of a group says itself for which Pythons it is."""
    lines: list[str] = []
    for group, text, _ in written.groups:
        if group in limited:
            try:
                marker = python_range_marker(python_range(limited[group]))
                new = under_marker(text, marker)
            except ValueError:
                # Whoever reads the project complains about it.
                return
            lines += [f'{"and" if lines else "or"} write "{new}" for "{text}" in the group {group}'] * (new != text)
    if lines:
        yield from lines
        yield f"and take {_GROUPS} out of {_settings_of(file)}, and lock again"


def _conflicts(lock: Lock, written: Written, tool: Tool, version: Version) -> Iterable[Drift]:  # noqa: ARG001  a rule
    if lock.conflicts and version < Version.parse(FIRST_WITH_CONFLICTS):
        items = ", ".join(f"{item.kind} {item.name}" for item in lock.conflicts[0])
        yield _drift(
            tool,
            "conflicts",
            "would read the lock wrongly",
            "conflicts in [tool.uv]",
            f"it accepts the lock, but takes both of what conflicts ({items}): an export then has two versions of one "
            "package",
            FIRST_WITH_CONFLICTS,
        )


def _span(lock: Lock, written: Written, tool: Tool, version: Version, today: str) -> Iterable[Drift]:
    if not written.span or lock.options.cutoff is None or version >= Version.parse(FIRST_WITH_SPAN):
        return
    file = next((key.file for key in written.keys if key.name == "exclude-newer"), "pyproject.toml")
    old, new = f'exclude-newer = "{written.span}"', f'exclude-newer = "{today}"'
    yield _drift(
        tool,
        "setting",
        "would refuse the lock",
        f"exclude-newer in {_settings_of(file)}",
        f'it cannot read the span "{written.span}", and then ignores all settings there',
        FIRST_WITH_SPAN,
        *([f"or write the moment that it means today, {new}, and lock again"] if today else ()),
        replacements=[Replacement(file=file, old=old, new=new)] if today else (),
    )


_GROUPS = "dependency-groups"


def _drift(
    tool: Tool,
    concern: str,
    does: str,
    where: str,
    why: str,
    since: str,
    *more: str,
    replacements: Iterable[Replacement] = (),
    removed: Iterable[Key] = (),
) -> Drift:
    return Drift(
        concern=concern,  # type: ignore[arg-type]  # the rules above name it
        what=f"{_named(tool)} {does}",
        where=where,
        why=why,
        advice=(tool.remedy.replace("RELEASE", since), *more),
        since=since,
        replacements=tuple(replacements),
        removed=tuple(removed),
    )


def _settings_of(file: str) -> str:
    """Where the settings of uv stand: a table of pyproject.toml, all of a uv.toml."""
    return f"[tool.uv] of {file}" if file == "pyproject.toml" else file


def _named(tool: Tool) -> str:
    return f"uv {tool.version} ({tool.role})"


def _with_sys_platform(text: str) -> str:
    """The requirement with the marker that says the same and that the lock has."""
    return _PLATFORM_SYSTEM.sub(lambda match: f"sys_platform{match[1]}{match[2]}{_SYSTEMS[match[3]]}{match[2]}", text)
