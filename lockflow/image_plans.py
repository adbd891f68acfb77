"""A project, its lock and a platform to what is to be built: the plan of an image and the files that its build gets."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from lockflow.engines.images import ContextFile
from lockflow.errors import InputError
from lockflow.images import installer
from lockflow.images.context import IGNORE_FILE, file_at, files_below
from lockflow.images.model import HOME, MANIFESTS, SOURCE, TOOLS, ImagePlan
from lockflow.inputs.model import ImageSettings, Manifest, Member
from lockflow.inputs.read import ReadResult
from lockflow.inputs.settings import NEWEST_UV
from lockflow.lock.export.entries import entries
from lockflow.lock.export.model import Entry, Wish
from lockflow.lock.export.roots import check
from lockflow.lock.model import Lock
from lockflow.platforms.coverage import Policy, cover
from lockflow.platforms.model import Platform, Status
from lockflow.platforms.pythons import minor_of, pythons_to_check
from lockflow.platforms.read import known_platforms
from lockflow.platforms.selection import Graph
from lockflow.standards.requirements import Directory, Git, LocalFile, Registry
from lockflow.standards.versions import Version

FOREIGN_SINCE = "0.8.22"
"""The first uv release known to install for another platform (`sync --python-platform`)."""
_GLIBC_TARGETS = (40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 28, 17)
_ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}


class Wishes(Struct, frozen=True, kw_only=True):
    """What else is asked of an image than what the settings say.

    `environment` are variables of it. `home` is the folder that it begins in, where its user may write; `copies` are
    files to lie there, by their paths in it. Without `has_project`, the project itself is not installed, though all
    that it depends on is: its code comes in another way. `entrypoint` replaces that of the settings.
    """

    environment: tuple[tuple[str, str], ...] = ()
    home: str = ""
    copies: tuple[tuple[str, Path], ...] = ()
    has_project: bool = True
    entrypoint: tuple[str, ...] | None = None


class Project(Struct, frozen=True, kw_only=True):
    """What is the same for all images of a run: the project, its lock, and what of it is installed."""

    read: ReadResult
    text: str
    graph: Graph
    settings: ImageSettings
    name: str
    uv: str
    python: str
    wish: Wish
    wishes: Wishes
    entries: tuple[Entry, ...]

    @property
    def lock(self) -> Lock:
        return self.graph.lock


def project_of(read: ReadResult, text: str, graph: Graph, *, python: str = "", wishes: Wishes | None = None) -> Project:
    """Decide what is installed, by which uv, under which Python (`python`, else the settings, else the newest).

    Raises InputError where the settings name what is not there.
    """
    manifest = read.manifest
    settings = manifest.settings.image
    member = _member(manifest, settings.package)
    wish = Wish(
        project=member.name if member is not None else None,
        packages=(settings.package,) if settings.package else (),
        extras=settings.extras,
        groups=settings.groups,
    )
    try:
        check(graph.lock, wish)
    except InputError as error:
        raise InputError(error.what, where="[tool.lockflow.image]", why=error.why, next=error.next) from error
    wishes = wishes or Wishes()
    left_out = "" if wishes.has_project or member is None else member.name
    return Project(
        read=read,
        text=text,
        graph=graph,
        settings=settings,
        name=settings.name or (member.name if member is not None else read.root.name.lower()),
        uv=settings.uv or manifest.settings.uv or NEWEST_UV,
        python=_python(read, python or settings.python or ""),
        wish=wish,
        wishes=wishes,
        entries=tuple(entry for entry in entries(graph.lock, wish) if entry.package.name != left_out),
    )


def plan_of(project: Project, platform: Platform, native: str) -> ImagePlan:
    """Plan the image for a platform on a builder that runs `native`.

    Raises InputError for a platform that no container can be, or that the pinned uv cannot install for from there.
    """
    if platform.image is None or platform.engine_platform is None:
        raise InputError(
            f"there are no images for {platform.name}",
            where=f"platform {platform.name}",
            why="its definition names no container: images run on Linux only",
            next="name a platform that has a [container], like linux/amd64 or linux/arm64",
        )
    is_foreign = platform.engine_platform.split("/")[:2] != native.split("/")[:2]
    settings = project.settings
    if is_foreign and Version.parse(project.uv) < Version.parse(FOREIGN_SINCE):
        raise InputError(
            f"uv {project.uv} cannot install for {platform.name} on {native}",
            where="the builder's uv",
            why=f"it does so from {FOREIGN_SINCE} on, and under emulation nothing is installed",
            next=f"pin a newer one by uv in [tool.lockflow], or name an engine that is {platform.engine_platform} "
            "itself in [tool.lockflow.engines]",
        )
    base = _image(settings.base or platform.image, platform.machine, project.python)
    local, built = _installed_from_source(project, platform)
    return ImagePlan(
        name=project.name.rpartition("/")[2],
        platform=platform.name,
        engine_platform=platform.engine_platform,
        builder_platform=native if is_foreign else platform.engine_platform,
        target=_target(platform) if is_foreign else "",
        python=project.python,
        base=base,
        builder=_builder(project, platform, native if is_foreign else platform.engine_platform),
        uv=project.uv,
        folder=_folder(project),
        selection=_selection(project),
        local_packages=local,
        built_packages=built,
        files=settings.files,
        user=settings.user,
        entrypoint=settings.entrypoint if project.wishes.entrypoint is None else project.wishes.entrypoint,
        environment=project.wishes.environment,
        home=project.wishes.home,
        has_copies=bool(project.wishes.copies),
    )


def builder_platform(project: Project, platform: Platform, native: str) -> Platform:
    """The platform that the builder of an image is, which decides which uv runs there."""
    if platform.engine_platform == native:
        return platform
    known = (entry.platform for entry in known_platforms(project.read.root))
    kind = platform.libc.name if platform.libc is not None else "glibc"
    for candidate in known:
        if candidate.engine_platform == native and candidate.libc is not None and candidate.libc.name == kind:
            return candidate
    raise InputError(
        f"no platform is defined for {native}, on which the engine builds",
        where="platforms/",
        why=f"images for {platform.name} are put together there, without emulation",
        next=f"define it, with a [container] of platform {native} and {kind}",
    )


# What is installed ---------------------------------------------------------------------------------------------------


def _member(manifest: Manifest, package: str | None) -> Member | None:
    if package is not None:
        return next((member for member in manifest.members if member.name == package), None)
    return next((member for member in manifest.members if member.path == "."), None)


def _selection(project: Project) -> tuple[str, ...]:
    """The flags by which uv installs what `entries` lists: nothing that is for development unless it is named."""
    settings, lock = project.settings, project.lock
    words = ["--no-dev"] if "dev" not in settings.groups else []
    defined = {group for package in lock.packages for group, _ in package.dev_dependencies}
    defined |= {group.name for group in lock.manifest.groups}
    words += [f"--no-group={name}" for name in _default_groups(project, defined) if name not in settings.groups]
    words += [f"--group={name}" for name in settings.groups]
    words += [f"--extra={name}" for name in settings.extras]
    if settings.package is not None:
        words.append(f"--package={settings.package}")
    elif project.wish.project is None and lock.manifest.members:
        words.append("--all-packages")
    if not project.wishes.has_project:
        words.append("--no-install-project")
    return tuple(words)


def _default_groups(project: Project, defined: set[str]) -> list[str]:
    manifest = project.read.manifest
    member = _member(manifest, project.settings.package)
    chosen: tuple[str, ...] | Literal["all"] | None = (
        manifest.default_groups if member is None else member.default_groups
    )
    if chosen == "all":
        return sorted(defined)
    return sorted(name for name in chosen or () if name in defined and name != "dev")


def _installed_from_source(project: Project, platform: Platform) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The packages that are source trees of the project, and others that are built there."""
    policy = Policy(allow_sdist=project.read.manifest.settings.allow_sdist)
    coverage = cover(project.graph, platform, project.python, policy)
    wanted = {entry.package.name: entry.package.source for entry in project.entries}
    local = {name for name, source in wanted.items() if isinstance(source, Directory) and source.install != "virtual"}
    built = {
        finding.package
        for finding in coverage.findings
        if finding.status is Status.SDIST and finding.package in wanted and finding.package not in local
    }
    return tuple(sorted(local)), tuple(sorted(built))


def _python(read: ReadResult, asked: str) -> str:
    settings = read.manifest.settings
    pinned = asked or _pinned_python(read.root)
    chosen = (pinned,) if pinned else settings.python_versions
    return minor_of(pythons_to_check(read.manifest.requires_python, chosen)[-1])


def _pinned_python(root: Path) -> str:
    """The minor that `.python-version` names, as uv and others read it; empty where it names none."""
    try:
        lines = (root / ".python-version").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    first = next((line.strip() for line in lines if line.strip() and not line.startswith("#")), "")
    parts = first.split(".")
    return ".".join(parts[:2]) if len(parts) >= 2 and all(part.isdecimal() for part in parts[:2]) else ""


# Where it comes from -------------------------------------------------------------------------------------------------


def _image(template: str, machine: str, python: str) -> str:
    return template.replace("{python}", python).replace("{arch}", _ARCHES.get(machine, machine))


def _builder(project: Project, platform: Platform, native: str) -> str:
    """The image in which things are installed: its interpreter must lie where that of the base does."""
    host = builder_platform(project, platform, native)
    settings = project.settings
    template = settings.builder or settings.base
    if template is None:
        template = platform.image if host.image is None else host.image
    assert template is not None
    return _image(template, host.machine, project.python)


def _target(platform: Platform) -> str:
    """What uv calls a platform: the newest system among its names that the platform's definition promises."""
    libc = platform.libc
    if libc is None or libc.name == "musl":
        return f"{platform.machine}-unknown-linux-musl"
    newest = next((minor for minor in _GLIBC_TARGETS if (2, minor) <= (libc.major, libc.minor)), 17)
    return f"{platform.machine}-manylinux_2_{newest}"


# The files -----------------------------------------------------------------------------------------------------------


def context_of(project: Project, uv: bytes) -> tuple[ContextFile, ...]:
    """The files of a build: uv and its program, what the lock is judged by, the sources, and what lies in the image."""
    assert installer.__file__ is not None
    return (
        ContextFile(path=f"{TOOLS}/uv", content=uv, is_executable=True),
        file_at(Path(installer.__file__), f"{TOOLS}/installer.py"),
        *manifests_of(project),
        *sources_of(project),
        *(file_at(path, f"{HOME}/{name}") for name, path in sorted(project.wishes.copies)),
    )


def manifests_of(project: Project) -> tuple[ContextFile, ...]:
    """What uv reads to judge the lock, and the local files that the lock installs."""
    top = _top(project)
    found: dict[str, ContextFile] = {}
    for path in (project.read.lock_path, *_read_files(project), *_locked_files(project)):
        place = f"{MANIFESTS}/{path.relative_to(top).as_posix()}"
        found.setdefault(place, file_at(path, place))
    for tree in _dynamic_trees(project):
        # What its backend says is part of what the lock is judged by, so the backend needs all of it.
        for file in files_below(tree, f"{MANIFESTS}/{tree.relative_to(top).as_posix()}".removesuffix("/.")):
            found.setdefault(file.path, file)
    return tuple(found[place] for place in sorted(found))


def sources_of(project: Project) -> tuple[ContextFile, ...]:
    """The projects with their sources; where none is installed, only what is copied into the image."""
    top, root = _top(project), project.read.root
    inside = f"{SOURCE}/{root.relative_to(top).as_posix()}".removesuffix("/.")
    found: dict[str, ContextFile] = {}
    has_local = any(
        isinstance(entry.package.source, Directory) and entry.package.source.install != "virtual"
        for entry in project.entries
    )
    if has_local or project.settings.files:
        for file in files_below(root, inside):
            found[file.path] = file
    if has_local:
        for tree in _trees(project):
            if not tree.is_relative_to(root):
                for file in files_below(tree, f"{SOURCE}/{tree.relative_to(top).as_posix()}"):
                    found[file.path] = file
        for file in manifests_of(project):
            place = f"{SOURCE}/{file.path.removeprefix(f'{MANIFESTS}/')}"
            found.setdefault(place, replace(file, path=place))
    else:
        kept = tuple(f"{inside}/{name}".rstrip("/") for name in project.settings.files)
        found = {path: file for path, file in found.items() if _is_below(path, kept)}
    _check_copied(project, inside, found)
    return tuple(found[place] for place in sorted(found))


def _is_below(path: str, places: Iterable[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") or place.endswith("/.") for place in places)


def _check_copied(project: Project, inside: str, found: Mapping[str, ContextFile]) -> None:
    missing = [
        name
        for name in project.settings.files
        if not any(_is_below(path, [f"{inside}/{name}".rstrip("/")]) for path in found)
    ]
    if missing:
        raise InputError(
            f"{missing[0]} is not there to be copied into the image",
            where="files in [tool.lockflow.image]",
            why=f"no file {', '.join(missing)} lies below {project.read.root}, or {IGNORE_FILE} leaves it out",
            next="correct the path, or the list of what is left out",
        )


def _folder(project: Project) -> str:
    return project.read.root.relative_to(_top(project)).as_posix()


def _top(project: Project) -> Path:
    """The innermost folder that has the project and all trees of the lock in it."""
    return Path(
        os.path.commonpath([project.read.root, *_trees(project), *(path.parent for path in _locked_files(project))])
    )


def _trees(project: Project) -> tuple[Path, ...]:
    root = project.read.root
    paths = [
        Path(os.path.normpath(root / package.source.path))
        for package in project.lock.packages
        if isinstance(package.source, Directory)
    ]
    return tuple(dict.fromkeys(paths))


def _read_files(project: Project) -> Iterator[Path]:
    """Files of the project and of trees beside it; settings of a person or of the machine are in no image."""
    trees = (project.read.root, *_trees(project))
    for path in project.read.input_files:
        if any(path.is_relative_to(tree) for tree in trees):
            yield path


def _locked_files(project: Project) -> tuple[Path, ...]:
    """Archives on this disk that the lock installs: direct ones, and those of an index that is a folder."""
    root, found = project.read.root, []
    for package in project.lock.packages:
        if isinstance(package.source, LocalFile):
            found.append(root / package.source.path)
        elif isinstance(package.source, Registry) and _is_folder(package.source.index):
            names = [file.path for file in (*package.wheels, *((package.sdist,) if package.sdist else ())) if file.path]
            found += [root / str(package.source.index) / name for name in names]
    return tuple(Path(os.path.normpath(path)) for path in found)


def _is_folder(index: str | None) -> bool:
    return index is not None and "://" not in index


def _dynamic_trees(project: Project) -> Sequence[Path]:
    root = project.read.root
    return [
        Path(os.path.normpath(root / member.path))
        for member in project.read.manifest.members
        if member.dynamic - {"version"}
    ]


def needs_git(project: Project) -> bool:
    """Whether something is installed from a repository, for which the builder needs git."""
    return any(isinstance(entry.package.source, Git) for entry in project.entries)
