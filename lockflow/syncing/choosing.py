"""A lock, a wish and an interpreter to the packages that belong into an environment, each with the file to take."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, cast

from lockflow.environments.model import ArchiveInfo, DirInfo, Origin, VcsInfo, Wanted
from lockflow.environments.requests import release_of
from lockflow.errors import AnswerIsNo, InputError
from lockflow.inputs.model import Settings
from lockflow.lock.export.entries import entries
from lockflow.lock.export.model import Wish
from lockflow.lock.export.roots import roots
from lockflow.lock.model import Lock, LockedFile, Package
from lockflow.platforms.coverage import best_wheel, wheels_of, why_none_fits
from lockflow.platforms.model import Platform
from lockflow.platforms.selection import refusal
from lockflow.standards.interpreter import Interpreter
from lockflow.standards.markers.evaluate import evaluate
from lockflow.standards.requirements import Archive, Directory, Git, LocalFile
from lockflow.standards.specifiers import Specifiers
from lockflow.syncing.states import state_of

_KEYS = ("os_name", "sys_platform", "platform_system", "platform_machine", "platform_release", "platform_version")


def check_interpreter(lock: Lock, wish: Wish, interpreter: Interpreter) -> None:
    """See that the lock is for this interpreter, and each group that is asked for too. Raises InputError."""
    release = str(release_of(interpreter))
    why = refusal(lock, {**interpreter.environment, "python_full_version": release})
    if why:
        raise InputError(
            "the lock is not for this Python",
            where=f"uv.lock; {interpreter.executable}",
            why=why,
            next="choose another Python with --python, or widen requires-python or the environments and lock again",
        )
    of_groups = [pair for package in roots(lock, wish) for pair in package.group_requires_python]
    for group, text in (*of_groups, *lock.manifest.group_requires_python):
        if wish.has_group(group) and not Specifiers.parse(text).range.contains(release_of(interpreter)):
            raise InputError(
                f"the dependency group {group} is not for this Python",
                where=f"[tool.uv.dependency-groups]; {interpreter.executable}",
                why=f'it has requires-python = "{text}", this is {release}',
                next=f"choose another Python with --python, or leave the group out with --no-group {group}",
            )


def chosen(
    lock: Lock,
    wish: Wish,
    interpreter: Interpreter,
    settings: Settings,
    root: Path,
    *,
    not_editable: frozenset[str] | bool = False,
) -> tuple[Wanted, ...]:
    """List what is installed for `wish`, by name. Raises AnswerIsNo with all packages that cannot be.

    `root` is the folder of the lock. `wish` was completed and checked (`views.wished`).
    """
    platform = platform_of(interpreter)
    wanted: list[Wanted] = []
    missing: list[str] = []
    for entry in entries(lock, wish):
        package = entry.package
        if isinstance(package.source, Directory) and package.source.install == "virtual":
            continue
        if not evaluate(entry.marker, interpreter.environment):
            continue
        found = _wanted(package, platform, interpreter, settings, root, not_editable=not_editable)
        if isinstance(found, str):
            by = f", required by {', '.join(entry.dependents[:3])}" if entry.dependents else ""
            missing.append(f"{package.name} {package.version or ''}{by}: {found}")
        else:
            wanted.append(found)
    if missing:
        count = "1 package" if len(missing) == 1 else f"{len(missing)} packages"
        raise AnswerIsNo(
            f"{count} of the lock cannot be installed here",
            where=f"uv.lock; {interpreter.label} on {interpreter.environment['platform_machine']}",
            why="\n".join(missing[:20]),
            next="`lockflow check` says which platforms lack what, and what to write to mend it",
        )
    return tuple(wanted)


def platform_of(interpreter: Interpreter) -> Platform:
    """Describe this machine as a platform, whose tags are those of the interpreter."""
    values = interpreter.environment
    system = values["sys_platform"]
    return Platform(
        name="this machine",
        system=cast("Literal['linux', 'darwin', 'win32']", system),
        machine=values["platform_machine"],
        environment=tuple((key, values[key]) for key in _KEYS),
        tags=interpreter.tags,
    )


def _wanted(
    package: Package,
    platform: Platform,
    interpreter: Interpreter,
    settings: Settings,
    root: Path,
    *,
    not_editable: frozenset[str] | bool,
) -> Wanted | str:
    """A package with what it is made of, or why it cannot be."""
    source = package.source
    if isinstance(source, Directory):
        is_editable = source.install == "editable" and not (
            not_editable if isinstance(not_editable, bool) else package.name in not_editable
        )
        folder = root / source.path
        return Wanted(
            package=package,
            kind="tree",
            origin=origin_of(package, root, is_editable=is_editable),
            is_editable=is_editable,
            state=state_of(folder, is_editable=is_editable),
        )
    origin = origin_of(package, root)
    if isinstance(source, Git) and source.path is None:
        return Wanted(package=package, kind="tree", origin=origin)
    wheels = wheels_of(package)
    has_wheels = not settings.forbids_wheels(package.name)
    match = best_wheel(wheels, platform, interpreter.environment["python_version"]) if has_wheels else None
    if match is not None:
        file = next(file for file in package.wheels if file.name == match.file)
        return Wanted(package=package, kind="wheel", file=file, origin=origin, state=_state(source, file))
    if package.sdist is not None and not settings.forbids_build(package.name):
        state = _state(source, package.sdist)
        return Wanted(package=package, kind="sdist", file=package.sdist, origin=origin, state=state)
    if not has_wheels:
        return "its wheels may not be used (no-binary), and " + (
            "building it is switched off" if package.sdist is not None else "it has no source distribution"
        )
    why = why_none_fits([name for _, name in wheels], platform, interpreter.environment["python_version"])
    return f"{why}; " + ("building it is switched off" if package.sdist is not None else "no source distribution")


def _state(source: object, file: LockedFile) -> str:
    """What names the content of a file that may be replaced at its place by another of the same version."""
    return file.hash or "" if isinstance(source, LocalFile | Archive) else ""


def origin_of(package: Package, root: Path, *, is_editable: bool = False) -> Origin | None:
    """What direct_url.json says of a package; None for one of an index."""
    match package.source:
        case Directory(path=path):
            return Origin(url=_file_url(root, path), dir_info=DirInfo(editable=is_editable))
        case LocalFile(path=path):
            return Origin(url=_file_url(root, path), archive_info=ArchiveInfo())
        case Archive(url=url, subdirectory=subdirectory):
            return Origin(url=url, archive_info=ArchiveInfo(), subdirectory=subdirectory)
        case Git() as git:
            info = VcsInfo(vcs="git", requested_revision=git.reference, commit_id=git.commit or "")
            return Origin(url=git.url, vcs_info=info, subdirectory=git.subdirectory)
        case _:
            return None


def _file_url(root: Path, path: str) -> str:
    return Path(os.path.normpath(root / path)).as_uri()
