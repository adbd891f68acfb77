"""From a folder or a script on disk to the Manifest: finds and opens files, hands their text to pure functions."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

from msgspec import Struct

from lockflow.errors import InputError
from lockflow.inputs.assemble import Surroundings, read_tree, script_manifest, with_settings, workspace_manifest
from lockflow.inputs.command import lockflow_from_environment, options_from_command, parse_boolean
from lockflow.inputs.disk import Disk
from lockflow.inputs.durations import Clock
from lockflow.inputs.lockflow_options import LockflowOptions
from lockflow.inputs.lowering import MemberPlace
from lockflow.inputs.mirrors import USER_FILE, Mirrors, mirrors_from_environment, parse_mirrors, parse_user_file
from lockflow.inputs.model import Index, Manifest, SettingsOverrides, Tree
from lockflow.inputs.options import Credential, Options, Place, parse_options, parse_uv_toml
from lockflow.inputs.paths import join, normalise, parent, relative
from lockflow.inputs.pyproject import PyProject, parse_pyproject
from lockflow.inputs.script import parse_script
from lockflow.inputs.settings import index_credentials, merge, unusable_required_version
from lockflow.inputs.tables import Faults, Table, nearest
from lockflow.inputs.workspace import Workspace, find_members, find_project, find_root, member_places
from lockflow.standards.names import normalize_name
from lockflow.standards.requirements import Directory, LocalFile, Requirement, Source

_TREE_FILES = ("pyproject.toml", "setup.cfg", "setup.py")


class ReadResult(Struct, frozen=True, kw_only=True):
    """A manifest and what belongs to it without being an input of the lock.

    `input_files` are all files whose bytes decide, `credentials` those of indexes, archives and repositories, by
    their URL. `upgrade...` is what flags and files ask for; groups are for the caller to look up in the manifest.
    `limits` bound one resolution, and the lock does not record them; reading finds none.
    `local_sources` are archives and files in source trees that the manifest leads to, by path, with their digests.
    `read_tree` reads the source tree in a folder, with paths as seen from another; None where it has no
    pyproject.toml. It raises InputError where the tree cannot be read. What lies below the first of a pair of
    `mirrors` is asked for below the second.
    """

    manifest: Manifest
    root: Path
    lock_path: Path
    input_files: tuple[Path, ...]
    warnings: tuple[str, ...] = ()
    credentials: tuple[Credential, ...] = ()
    upgrade: bool = False
    upgrade_packages: tuple[Requirement, ...] = ()
    upgrade_groups: tuple[str, ...] = ()
    limits: tuple[Requirement, ...] = ()
    local_sources: tuple[tuple[str, str], ...] = ()
    read_tree: Callable[[Path, Path], Tree | None]
    mirrors: tuple[tuple[str, str], ...] = ()


def read_manifest(
    start: Path,
    overrides: SettingsOverrides,
    environment: Mapping[str, str],
    *,
    now_ns: int,
    default_index: str,
    script: Path | None = None,
    interpreter_minor: tuple[int, int],
    drafts: Mapping[Path, str] | None = None,
) -> ReadResult:
    """Read the project that `start` lies in, or `script`, with all settings that reach its lock.

    `default_index` is consulted where nobody names another; `interpreter_minor` stands in for a missing
    requires-python. `drafts` are texts that are read in place of what the files at these absolute paths hold.
    Raises one InputError with everything that is wrong.
    """
    reader = _Reader(_absolute(start), overrides, environment, Clock(now_ns, _midnight_ns), interpreter_minor)
    reader.disk.drafts = {_absolute(path): text for path, text in (drafts or {}).items()}
    if script is None:
        return reader.read_workspace(default_index)
    return reader.read_script(_absolute(Path(join(_absolute(start), script.as_posix()))), default_index)


def _absolute(path: Path) -> str:
    return normalise(Path(os.path.abspath(path)).as_posix())  # noqa: PTH100  resolve() would follow links


def _midnight_ns(day: date) -> int:
    """The beginning of `day` in the local time zone."""
    return int(datetime(day.year, day.month, day.day).timestamp()) * 1_000_000_000  # noqa: DTZ001  local on purpose


def _all_requirements(manifest: Manifest) -> Iterator[Requirement]:
    groups = [*manifest.groups, *(group for member in manifest.members for group in member.groups)]
    for requirements in (
        manifest.requirements,
        manifest.constraints,
        *(override.requirements for override in manifest.overrides),
        *(member.requires_dist for member in manifest.members),
        *(group.requirements for group in groups),
    ):
        yield from requirements


class _Reader:
    """One reading: its folders, its faults, and the layers of settings found on the way."""

    def __init__(
        self,
        start: str,
        overrides: SettingsOverrides,
        environment: Mapping[str, str],
        clock: Clock,
        interpreter_minor: tuple[int, int],
    ) -> None:
        self.start = start
        self.overrides = overrides
        self.environment = environment
        self.clock = clock
        self.interpreter_minor = interpreter_minor
        self.faults = Faults()
        self.reads_settings = True
        self.credentials: list[Credential] = []
        self.disk = Disk(self.faults, start)

    # Workspace

    def read_workspace(self, default_index: str) -> ReadResult:
        project = find_project(self.start, self.disk)
        if project is None:
            raise InputError(
                "there is no project here",
                where=self.start,
                why="neither this folder nor one above has a pyproject.toml",
                next="go to a project, or make one: pyproject.toml with [project] name, version and requires-python",
            )
        root = find_root(project, self.disk)
        self.faults.raise_if_any()
        if root != self.disk.label_root:
            # What discovery read was named as seen from another folder.
            self.disk.label_root = root
            self.disk.tables.clear()
        self._check_managed(project)
        workspace = self._workspace(root, project)
        if workspace is None:
            self.faults.raise_if_any()
            raise InputError("the project cannot be read", where=root)
        file = workspace.root_project
        self._warn_ignored_keys(workspace)
        layers, is_hidden = self._project_layers(root, file, root)
        if not is_hidden:
            self.credentials.extend(file.credentials)
        world = self._world(root, layers)
        places = member_places(workspace, root, self.faults)
        manifest = workspace_manifest(workspace, places, layers, world)
        return self._result(manifest, layers, file.lockflow, world, default_index, f"{root}/uv.lock")

    def _check_managed(self, project: str) -> None:
        table = self.disk.pyproject(project)
        tool = None if table is None else table.table("tool")
        uv = None if tool is None else tool.table("uv")
        if uv is not None and uv.values.get("managed") is False:
            uv.fault("managed", "the project is marked as unmanaged", next="remove managed = false from [tool.uv]")

    def _workspace(self, root: str, project: str) -> Workspace | None:
        table = self.disk.pyproject(root)
        if table is None:
            return None

        def parse(folder: str, table: Table) -> PyProject:
            return parse_pyproject(table, Place(folder, root), self.clock)

        return find_members(root, parse(root, table), project, self.disk, parse)

    def _other_workspace(self, folder: str) -> Mapping[str, MemberPlace] | None:
        """Members of the workspace whose root is `folder`, as seen from the lock; asked for, they are packages."""
        workspace = self._workspace(folder, folder)
        if workspace is None:
            return None
        return {
            member.project.name: MemberPlace(
                relative(place, self.disk.label_root), "virtual" if member.package is False else "editable"
            )
            for place, member in workspace.members
            if member.project is not None
        }

    def _warn_ignored_keys(self, workspace: Workspace) -> None:
        for folder, member in workspace.members:
            keys = [key for key in member.resolver_keys if key != "index"]
            if folder != workspace.root and keys:
                what = f"[tool.uv] {', '.join(keys)} has no effect in a member of a workspace"
                self.faults.warn(f"{member.document.file}: {what}; move it to the root")

    # Script

    def read_script(self, path: str, default_index: str) -> ReadResult:
        folder = parent(path)
        self.disk.label_root = folder
        text = self.disk.text(path)
        if text is None:
            self.faults.raise_if_any()
            raise InputError("there is no such script", where=path, next="check the path given to --script")
        file = self.disk.label(path)
        script = parse_script(text, file, Place(folder, folder), self.clock, self.faults)
        self.credentials.extend(script.credentials)
        layers, _ = self._project_layers(self._settings_folder(), None, folder)
        layers.insert(1, script.options)
        world = self._world(folder, layers)
        manifest = script_manifest(script, file, folder, layers, world)
        return self._result(manifest, layers, script.lockflow, world, default_index, f"{path}.lock")

    def _settings_folder(self) -> str:
        """Where a script's further settings are looked for: the project that reading started in, else the start."""
        project = find_project(self.start, self.disk)
        return self.start if project is None else find_root(project, self.disk)

    # Settings

    def _project_layers(self, folder: str, file: PyProject | None, root: str) -> tuple[list[Options], bool]:
        """All layers, the strongest first, and whether a uv.toml hides `[tool.uv]` of `file`.

        Variables and files outside of the project that change the lock are warned about: others may not have them.
        """
        base = self.start if self.overrides.base is None else _absolute(Path(self.overrides.base))
        command, variables = options_from_command(
            self.overrides, self.environment, Place(base, root), self.clock, self.faults, self.credentials
        )
        if variables:
            text = f"{', '.join(variables)} in the environment changes the lock, for those who set it alike only"
            self.faults.warn(text)
        layers = [command]
        config_file = self.overrides.config_file or self.environment.get("UV_CONFIG_FILE", "")
        no_config = self.overrides.no_config
        if no_config is None:
            no_config = parse_boolean("UV_NO_CONFIG", self.environment, self.faults) or False
        if config_file:
            layers += self._config_layer(join(base, Path(config_file).as_posix()), root, "given", must_exist=True)
            return layers, True
        if no_config:
            self.reads_settings = False
            return layers, True
        found, is_hidden = self._nearest_settings(folder, file, root)
        layers += found
        layers += self._config_layer(self._user_config(), root, "user's")
        if not parse_boolean("UV_NO_SYSTEM_CONFIG", self.environment, self.faults):
            layers += self._config_layer(self._system_config(), root, "system's")
        return layers, is_hidden

    def _nearest_settings(self, folder: str, file: PyProject | None, root: str) -> tuple[list[Options], bool]:
        """The nearest `uv.toml` or `[tool.uv]` at `folder` or above."""
        start = folder
        while True:
            path = f"{folder.rstrip('/')}/uv.toml"
            table = self.disk.table(path) if self.disk.kind_of(path) == "file" else None
            if table is not None:
                options = parse_uv_toml(table, Place(folder, root), self.clock, self.credentials)
                own = file.options if folder == start and file is not None else None
                if own is not None and own.given:
                    self.faults.warn(
                        f"{table.document.file} takes the place of [tool.uv] in pyproject.toml, whose "
                        f"{', '.join(own.given)} has no effect"
                    )
                self._warn_outside(options, table, folder, start)
                return [options], folder == start
            if folder == start and file is not None:
                if file.options is not None:
                    return [file.options], False
            else:
                found = self._foreign_options(folder, root)
                if found is not None:
                    options, table = found
                    self._warn_outside(options, table, folder, start if file is not None else "")
                    return [options], False
            if parent(folder) == folder:
                return [], False
            folder = parent(folder)

    def _foreign_options(self, folder: str, root: str) -> tuple[Options, Table] | None:
        if self.disk.kind_of(f"{folder.rstrip('/')}/pyproject.toml") != "file":
            return None
        table = self.disk.pyproject(folder)
        tool = None if table is None else table.table("tool")
        uv = None if tool is None else tool.table("uv")
        if uv is None:
            return None
        return parse_options(uv, Place(folder, root), self.clock, self.credentials), uv

    def _warn_outside(self, options: Options, table: Table, folder: str, start: str) -> None:
        if folder != start and options.given:
            keys = ", ".join(options.given)
            self.faults.warn(f"{table.document.file}, which is not part of the project, changes the lock: {keys}")

    def _config_layer(self, path: str | None, root: str, whose: str, *, must_exist: bool = False) -> list[Options]:
        table = None if path is None else self.disk.table(path)
        if path is None or table is None:
            if must_exist and path is not None and path not in self.disk.files:
                self.faults.add("the given configuration file does not exist", where=path)
            return []
        options = parse_uv_toml(table, Place(parent(path), root), self.clock, self.credentials)
        if options.given and not must_exist:
            keys = ", ".join(options.given)
            self.faults.warn(f"the {whose} configuration {path} changes the lock, on this machine only: {keys}")
        return [options]

    def _user_config(self, file: str = "uv/uv.toml") -> str | None:
        if sys.platform == "win32":
            folder = self.environment.get("APPDATA")
        else:
            home = self.environment.get("HOME")
            folder = self.environment.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else None)
        return None if not folder else join(_absolute(Path(folder)), file)

    def _system_config(self) -> str | None:
        if sys.platform == "win32":
            folder = self.environment.get("PROGRAMDATA")
            return None if not folder else join(_absolute(Path(folder)), "uv/uv.toml")
        folders = [folder for folder in self.environment.get("XDG_CONFIG_DIRS", "").split(":") if folder]
        for folder in (*(folders or ["/etc/xdg"]), "/etc"):
            path = join(_absolute(Path(folder)), "uv/uv.toml")
            if self.disk.kind_of(path) == "file":
                return path
        return None

    # The end

    def _world(self, root: str, layers: Sequence[Options]) -> Surroundings:
        no_sources = next((layer.no_sources for layer in layers if layer.no_sources is not None), False)
        return Surroundings(
            lock_root=root,
            kind_of=self.disk.kind_of,
            other_workspace=self._other_workspace,
            environment=self.environment,
            interpreter_minor=self.interpreter_minor,
            faults=self.faults,
            credentials=self.credentials,
            no_sources=no_sources,
            no_sources_package=frozenset(name for layer in layers for name in layer.no_sources_package),
            used_indexes={},
        )

    def _result(
        self,
        manifest: Manifest,
        layers: Sequence[Options],
        lockflow: LockflowOptions,
        world: Surroundings,
        default_index: str,
        lock_path: str,
    ) -> ReadResult:
        lockflow = lockflow_from_environment(lockflow, self.environment, self.faults)
        self.faults.raise_if_any()
        others: list[Index] = list(world.used_indexes.values())
        settings = merge(layers, lockflow, default_index, other_indexes=others)
        unusable = unusable_required_version(layers)
        if unusable is not None and settings.uv is None:
            self.faults.warn(
                f"required-version {unusable!r} names no single release, so the newest format is written; "
                "name one by uv in [tool.lockflow]"
            )
        self.credentials.extend(index_credentials(settings.indexes, self.environment))
        mirrors = self._mirrors(world.lock_root)
        local_sources, local_files = self._local_sources(manifest, world)
        if settings.require_wheels != "no":
            definitions, definition_files = self._definitions(world.lock_root)
            local_sources, local_files = (*local_sources, *definitions), (*local_files, *definition_files)
        return ReadResult(
            manifest=with_settings(manifest, settings),
            root=Path(world.lock_root),
            lock_path=Path(lock_path),
            input_files=tuple(Path(path) for path in dict.fromkeys([*self.disk.files, *local_files])),
            warnings=tuple(self.faults.warnings),
            credentials=tuple(dict.fromkeys(self.credentials)),
            upgrade=next((layer.upgrade for layer in layers if layer.upgrade is not None), False),
            upgrade_packages=tuple(requirement for layer in layers for requirement in layer.upgrade_package),
            upgrade_groups=self._upgrade_groups(manifest),
            local_sources=local_sources,
            read_tree=lambda folder, seen_from: self._tree(folder, seen_from, world),
            mirrors=mirrors,
        )

    def _mirrors(self, root: str) -> tuple[tuple[str, str], ...]:
        """What is asked for elsewhere: the project says so, the user otherwise, a variable otherwise again."""
        mirrors: Mirrors = {}
        table = self.disk.pyproject(root)
        for name in ("tool", "lockflow"):
            table = None if table is None else table.table(name)
        if table is not None:
            mirrors |= parse_mirrors(table, self.credentials)
        path = self._user_config(USER_FILE) if self.reads_settings else None
        own = None if path is None else self.disk.table(path)
        if own is not None:
            mirrors |= parse_user_file(own, self.credentials)
        mirrors |= mirrors_from_environment(self.environment, self.faults, self.credentials)
        self.faults.raise_if_any()
        return tuple(mirrors.items())

    def _definitions(self, root: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
        """The project's own definitions of platforms, which decide on versions where these must have wheels."""
        files = sorted(path.as_posix() for path in Path(root, "platforms").glob("*.toml") if path.is_file())
        digests = [(relative(file, root), hashlib.sha256(Path(file).read_bytes()).hexdigest()) for file in files]
        return tuple(digests), tuple(files)

    def _local_sources(
        self, manifest: Manifest, world: Surroundings
    ) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
        """What decides of the trees and archives on this machine that the manifest leads to, and those files.

        What cannot be read is passed over here: where it matters, it is an error later.
        """
        todo = [entry.source for entry in _all_requirements(manifest)]
        seen: set[Source] = {Directory(path=member.path, install=member.install) for member in manifest.members}
        digests: dict[str, str] = {}
        files: dict[str, None] = {}
        while todo:
            source = todo.pop()
            if source in seen or not isinstance(source, Directory | LocalFile):
                continue
            seen.add(source)
            path = join(world.lock_root, source.path)
            names = [path] if isinstance(source, LocalFile) else [join(path, name) for name in _TREE_FILES]
            for name in names:
                try:
                    with Path(name).open("rb") as content:
                        digests[relative(name, world.lock_root)] = hashlib.file_digest(content, "sha256").hexdigest()
                except OSError:
                    continue
                files[name] = None
            if isinstance(source, Directory):
                with suppress(InputError):
                    tree = self._tree(Path(path), Path(world.lock_root), world)
                    if tree is not None and tree.declared is not None:
                        todo += [entry.source for entry in tree.declared.requires_dist]
        return tuple(sorted(digests.items())), tuple(files)

    def _tree(self, folder: Path, seen_from: Path, world: Surroundings) -> Tree | None:
        """The tree in `folder`, read afresh: the sources in it count, and the workspace that it belongs to."""
        path, root = _absolute(folder), _absolute(seen_from)
        other = _Reader(path, SettingsOverrides(), self.environment, self.clock, self.interpreter_minor)
        other.disk.label_root = self.disk.label_root
        if other.disk.pyproject(path) is None:
            other.faults.raise_if_any()
            return None
        workspace_root = find_root(path, other.disk)
        workspace = other._workspace(workspace_root, path)
        other.faults.raise_if_any()
        if workspace is None:
            return None
        file = next((file for place, file in workspace.members if place == path), workspace.root_project)
        places = member_places(workspace, root, other.faults)
        surroundings = Surroundings(
            lock_root=root,
            kind_of=other.disk.kind_of,
            other_workspace=other._other_workspace,
            environment=self.environment,
            interpreter_minor=self.interpreter_minor,
            faults=other.faults,
            credentials=other.credentials,
            no_sources=world.no_sources,
            no_sources_package=world.no_sources_package,
            used_indexes=world.used_indexes,
        )
        tree = read_tree(workspace, places, path, file, surroundings)
        other.faults.raise_if_any()
        return tree

    def _upgrade_groups(self, manifest: Manifest) -> tuple[str, ...]:
        names = tuple(normalize_name(name) for name in self.overrides.upgrade_group or ())
        known = {group.name for member in manifest.members for group in member.groups}
        known.update(group.name for group in manifest.groups)
        for name in names:
            if manifest.is_script:
                raise InputError("--upgrade-group cannot be used with a script", where="command line")
            if name not in known:
                close = nearest(name, known)
                raise InputError(
                    f"there is no group {name!r}",
                    where="command line, --upgrade-group",
                    why=f"the groups are: {', '.join(sorted(known)) or 'none'}",
                    next=f"did you mean {close}?" if close else "",
                )
        return names
