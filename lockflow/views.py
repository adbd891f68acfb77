"""What is read out of a lock: exports, trees, reasons and differences.

Nothing in here changes a lock, except that an export or a tree brings it up to date first, as `lockflow lock` does.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lockflow.environments.questions import marker_values
from lockflow.errors import AnswerIsNo, InputError, LockFileError
from lockflow.inputs.model import Manifest
from lockflow.inputs.read import ReadResult
from lockflow.lock.decode import decode
from lockflow.lock.diff import change_line, changes, other_differences
from lockflow.lock.export.entries import entries
from lockflow.lock.export.listing import as_listing
from lockflow.lock.export.model import Entry, Wish
from lockflow.lock.export.pylock import as_pylock
from lockflow.lock.export.requirements import as_requirements
from lockflow.lock.export.roots import check
from lockflow.lock.export.tree import Drawing, as_tree
from lockflow.lock.files import read_lock_text, replace_text
from lockflow.lock.model import Change, Lock
from lockflow.lock.modes import Mode
from lockflow.platforms.environment import environment
from lockflow.platforms.model import ChainLink, Platform
from lockflow.platforms.pythons import minor_of, pythons_to_check
from lockflow.platforms.read import DefinedPlatform, known_platforms, read_platforms
from lockflow.platforms.selection import graph_of
from lockflow.platforms.tags import platform_tags
from lockflow.platforms.why import chains_to
from lockflow.standards.markers.evaluate import Environment
from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.partial import within
from lockflow.standards.markers.tree import FALSE, TRUE, Marker, string_equals
from lockflow.steps import LockResult, Network, Target, inputs, lock

__all__ = [
    "ChainLink",
    "Drawing",
    "Entry",
    "Wish",
    "as_pylock",
    "as_requirements",
    "change_line",
]

_GIT_SECONDS = 30.0


class Place(Struct, frozen=True, kw_only=True):
    """Where something is to be installed: on a platform by name, under a Python (`3.12`); "" leaves it open."""

    platform: str = ""
    python: str = ""


class View(Struct, frozen=True, kw_only=True):
    """A lock, what was read for it, and the outcome of bringing it up to date."""

    lock: Lock
    read: ReadResult
    result: LockResult
    target: Target


def view(target: Target, mode: Mode, *, flag: str, network: Network, progress: Callable[..., None]) -> View:
    """Bring the lock up to date, as `mode` allows, and read it. Raises as `steps.lock` does."""
    if mode is Mode.WRITE and target.script is not None and not inputs(target).lock_path.exists():
        # A script gets a lock when it is locked, not by the way.
        result = lock(target, Mode.DRY_RUN, network=network, progress=progress)
        return View(lock=result.lock, read=inputs(target), result=result, target=target)
    result = lock(target, mode, flag=flag, network=network, progress=progress)
    text = read_lock_text(result.lock_path)
    if text is None:
        raise AnswerIsNo("there is no lock to read", where=str(result.lock_path), next="run `lockflow lock` first")
    return View(lock=decode(text, str(result.lock_path)), read=inputs(target), result=result, target=target)


# Exports ------------------------------------------------------------------------------------------------------------


def wished(seen: View, wish: Wish, *, has_defaults: bool) -> Wish:
    """Complete a wish with the project at hand and its default groups; raises InputError where it cannot be met."""
    manifest = seen.read.manifest
    project = None if manifest.is_script else _project(manifest, seen)
    # The groups of a project asked for alone are its own; of several, those of the project at hand count.
    subject = wish.packages[0] if len(wish.packages) == 1 else project
    member = next((member for member in manifest.members if member.name == subject), None)
    groups = manifest.default_groups if member is None else member.default_groups
    defaults: tuple[str, ...] | bool = ("dev",) if groups is None else True if groups == "all" else tuple(groups)
    wish = replace(wish, project=project, defaults=defaults if has_defaults else ())
    check(seen.lock, wish)
    return wish


def _project(manifest: Manifest, seen: View) -> str | None:
    """The member in whose folder reading started: the innermost one."""
    here = seen.target.directory.absolute()
    folders = {(seen.read.root / member.path).resolve(): member.name for member in manifest.members}
    for folder in (here.resolve(), *here.resolve().parents):
        if folder in folders:
            return folders[folder]
        if folder == seen.read.root.resolve():
            return None
    return None


def wanted_entries(seen: View, wish: Wish, place: Place) -> tuple[tuple[Entry, ...], tuple[Marker, ...]]:
    """List what is installed for `wish` at `place`, and the markers of the environments this holds for."""
    found = entries(seen.lock, wish)
    known = known_values(seen, place)
    if not known:
        return found, ()
    there = []
    for entry in found:
        marker = within(entry.marker, known)
        if marker is not FALSE:
            there.append(replace(entry, marker=marker))
    return tuple(there), _environments(known)


def write_export(path: Path, text: str) -> None:
    """Put an export into the place of a file, at once. Raises InputError, and then the old file is as it was."""
    try:
        replace_text(path, text)
    except OSError as error:
        raise InputError(
            "the export cannot be written",
            where=str(path.absolute()),
            why=error.strerror or str(error),
            next="make its folder or room for it, or name another file with -o",
        ) from error


def _environments(known: Mapping[str, str]) -> tuple[Marker, ...]:
    marker = TRUE
    for key in ("sys_platform", "platform_machine"):
        if key in known:
            marker &= string_equals(key, known[key])
    if "python_version" in known:
        marker &= parse_marker(f"python_version == '{known['python_version']}'")
    return (marker,)


def known_values(seen: View, place: Place) -> Environment:
    """Return the marker values that a place decides; none for nowhere in particular."""
    values: dict[str, str] = {}
    full = ""
    if place.python:
        (full,) = pythons_to_check(seen.lock.requires_python, (place.python,))
        values = {"python_full_version": full, "python_version": minor_of(full), "implementation_version": full}
    if place.platform:
        # What a definition says of the interpreter counts where a Python was named; else its system alone.
        platform = read_platforms((place.platform,), seen.read.root)[0].platform
        values = dict(environment(platform, full)) if full else dict(platform.environment)
    return values


# Trees and reasons --------------------------------------------------------------------------------------------------


def tree(seen: View, wish: Wish, drawing: Drawing, place: Place | None) -> tuple[str, ...]:
    """Return the lines of the tree for `place`, by default this machine; None as `place` draws all of the lock."""
    if place is None:
        return as_tree(seen.lock, wish, drawing)
    return as_tree(seen.lock, wish, drawing, {**marker_values(), **known_values(seen, place)})


def why(seen: View, name: str, place: Place) -> tuple[tuple[ChainLink, ...], ...]:
    """Return all shortest chains from the project to a package; none where nothing requires it at `place`."""
    return chains_to(graph_of(seen.lock), name, known_values(seen, place))


# Differences --------------------------------------------------------------------------------------------------------


class LockDifference(Struct, frozen=True, kw_only=True):
    """How two locks differ: names whose versions do, and in words what else does."""

    changes: tuple[Change, ...]
    other: tuple[str, ...]


def difference(old: str, new: str, folder: Path) -> LockDifference:
    """Compare two locks, each a path below `folder` or a git revision (`HEAD`, `main:uv.lock`)."""
    before, after = _lock_at(old, folder), _lock_at(new, folder)
    return LockDifference(changes=changes(before, after), other=other_differences(before, after))


def textconv(path: Path) -> str:
    """Return a lock as lines that git compares well: one a package, then what it requires."""
    text = read_lock_text(path)
    if text is None:
        raise LockFileError("there is no such lock", where=str(path.absolute()), next="name a uv.lock that is there")
    return as_listing(decode(text, str(path)))


def _lock_at(place: str, folder: Path) -> Lock:
    path = folder / place
    if path.is_dir():
        path = path / "uv.lock"
    text = read_lock_text(path)
    if text is None:
        text = _lock_in_git(place if ":" in place else f"{place}:./uv.lock", place, folder)
    return decode(text, place)


def _lock_in_git(blob: str, place: str, folder: Path) -> str:
    command = ["git", "cat-file", "blob", blob]
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=_GIT_SECONDS, check=False
        )
        found = done.stdout.decode() if done.returncode == 0 else None
        why = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
    except FileNotFoundError:
        found, why = None, "there is no git on this machine"
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError) as error:
        found, why = None, str(error)
    if found is None:
        raise InputError(
            "there is no lock of the last commit to compare with" if place == "HEAD" else f"there is no lock {place!r}",
            where=str(folder.absolute()),
            why=why or "it is neither a file nor a git revision with a uv.lock",
            next="name a lock file, or a revision like HEAD~1 or main:sub/uv.lock",
        )
    return found


# Platforms ----------------------------------------------------------------------------------------------------------


def platforms(root: Path | None, names: Sequence[str] = ()) -> tuple[DefinedPlatform, ...]:
    """Return the definitions that a project can use, or those of `names`; raises InputError for unknown ones."""
    return read_platforms(names, root) if names else known_platforms(root)


def tags_of(platform: Platform) -> list[str]:
    """Return the platform part of the wheel tags that are accepted, best first."""
    return platform_tags(platform)
