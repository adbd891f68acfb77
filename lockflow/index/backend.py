"""A source tree to its metadata or its wheel, by its own build backend (PEP 517, 518, 660).

Code of strangers runs here: in a virtual environment of its own with exactly the declared build requirements, with
an empty home folder, without the variables of this process, and not for ever.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import tomllib
import venv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Literal

import installer
import pyproject_hooks
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile
from msgspec import Struct
from packaging.tags import sys_tags

from lockflow.errors import AnswerIsNo, LockflowError
from lockflow.index.building import SourceTree
from lockflow.index.clean import clean_environment
from lockflow.index.model import BuildPackage, File
from lockflow.index.options import Builds
from lockflow.index.sdist import InvalidSdist
from lockflow.index.unpack import unpack
from lockflow.inputs.model import Index
from lockflow.standards.filenames import InvalidFilename, parse_wheel_name
from lockflow.standards.interpreter import Interpreter
from lockflow.standards.names import normalize_name
from lockflow.standards.requirements import InvalidRequirement, Requirement, parse_requirement
from lockflow.standards.versions import Version

_LAST_LINES = 20
_LONGEST_LINE = 400
_LARGEST_PYPROJECT = 16 << 20
_LEGACY_BACKEND = "setuptools.build_meta:__legacy__"
_LEGACY_REQUIRES = ("setuptools >= 40.8.0",)
"""What a tree without `[build-system]` is built with (PEP 517, 518)."""

_MISSING_MODULE = re.compile(r"(?:ModuleNotFoundError|ImportError): No module named '?([A-Za-z0-9_.]+)")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x20-\x7e\x80-\U0010ffff]")


class _HookFailed(Exception):
    """A hook ended badly; carries what it said."""

    def __init__(self, output: str, why: str) -> None:
        super().__init__(why)
        self.output = output
        self.why = why


class _BuildSystem(Struct, frozen=True):
    """`[build-system]` of a pyproject.toml."""

    backend: str
    requires: tuple[Requirement, ...]
    backend_path: tuple[str, ...] | None = None


class Backend:
    """Builds one tree after the other in the thread that asks; `close` ends what runs.

    `download` hands out the file of an index, checked against its hash.
    """

    def __init__(self, builds: Builds, download: Callable[[File, Index], Path]) -> None:
        self._builds = builds
        self._download = download
        self._running: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self._is_closed = False

    def metadata(self, tree: SourceTree) -> bytes:
        """METADATA as the backend of the tree tells it, without building all of the wheel where it can."""
        with _temporary_folder() as work:
            output = work / "metadata"
            output.mkdir()
            with self._prepared(tree, work, self._builds.under_way) as (hooks, settings):
                found = hooks.prepare_metadata_for_build_wheel(str(output), settings, _allow_fallback=True)
            metadata = output / Path(found).name / "METADATA"
            if not metadata.is_file():
                raise _failed(tree, "its build backend says that there is metadata, but there is none")
            return metadata.read_bytes()

    def wheel(self, tree: SourceTree, folder: Path, *, is_editable: bool) -> Path:
        """The wheel of a tree, or one that leads to the tree (PEP 660), moved into `folder`."""
        with _temporary_folder() as work:
            built = self._wheel(tree, work, self._builds.under_way, is_editable=is_editable)
            return Path(shutil.move(built, folder / built.name))

    def close(self) -> None:
        """End the processes of all builds; those who wait for them get an error."""
        with self._guard:
            self._is_closed = True
            for process in self._running:
                _kill(process)

    def _wheel(self, tree: SourceTree, work: Path, under_way: tuple[str, ...], *, is_editable: bool = False) -> Path:
        output = work / "wheel"
        output.mkdir()
        with self._prepared(tree, work, under_way, is_editable=is_editable) as (hooks, settings):
            build = hooks.build_editable if is_editable else hooks.build_wheel
            found = build(str(output), settings)
        wheel = output / Path(found).name
        if not wheel.is_file():
            raise _failed(tree, "its build backend says that there is a wheel, but there is none")
        return wheel

    # Environments -----------------------------------------------------------------------------------------------

    @contextmanager
    def _prepared(
        self, tree: SourceTree, work: Path, under_way: tuple[str, ...], *, is_editable: bool = False
    ) -> Iterator[tuple[pyproject_hooks.BuildBackendHookCaller, dict[str, Any] | None]]:
        """An environment with all build requirements, and the hooks to call in it; their errors become messages."""
        if tree.label in under_way:
            raise AnswerIsNo(
                f"{tree.label} cannot be built: its build needs itself",
                where=tree.where,
                why=" needs ".join([*under_way[under_way.index(tree.label) :], tree.label]),
                next="constrain one of them by build-constraint-dependencies to a version that has a wheel",
            )
        under_way = (*under_way, tree.label)
        system = _build_system(tree)
        settings = self._config_settings(tree.name)
        python = Path(self._builds.unisolated or sys.executable)
        is_isolated = not (
            self._builds.settings.no_build_isolation or tree.name in self._builds.settings.no_build_isolation_package
        )
        environment = _Environment(work / "environment", self._builds.interpreter) if is_isolated else None
        if environment is not None:
            python = environment.python
            environment.create()
            self._install(system.requires, tree, environment, under_way)
        variables = dict(dict(self._builds.settings.build_variables).get(tree.name, ()))
        runner = _Runner(self, python, work, self._builds, variables)
        hooks = pyproject_hooks.BuildBackendHookCaller(
            str(tree.folder), system.backend, system.backend_path, runner=runner, python_executable=str(python)
        )
        try:
            if environment is not None:
                ask = hooks.get_requires_for_build_editable if is_editable else hooks.get_requires_for_build_wheel
                more = tuple(_requirements(ask(settings), tree))
                if any(requirement not in system.requires for requirement in more):
                    self._install((*system.requires, *more), tree, environment, under_way)
            yield hooks, settings
        except _HookFailed as error:
            raise _failed(tree, error.why, error.output) from error
        except pyproject_hooks.BackendUnavailable as error:
            raise _failed(tree, f"its build backend {system.backend} cannot be loaded", error.traceback) from error
        except (pyproject_hooks.HookMissing, pyproject_hooks.UnsupportedOperation) as error:
            raise _failed(tree, f"its build backend {system.backend} cannot do that: {error}") from error
        except (OSError, ValueError, KeyError) as error:
            raise _failed(tree, f"{type(error).__name__}: {error}") from error

    def _install(
        self,
        requires: Sequence[Requirement],
        tree: SourceTree,
        environment: _Environment,
        under_way: tuple[str, ...],
    ) -> None:
        """Put what `requires` needs into the environment; what is there at another version makes it start afresh."""
        lowered = tuple(requires)
        if tree.lower is not None:
            lowered = tuple(entry for requirement in requires for entry in tree.lower(requirement))
        lowered += tuple(self._extra(tree))
        if not lowered:
            return
        try:
            packages = self._builds.resolve(lowered, under_way)
        except LockflowError as error:
            if tree.label in error.where:
                raise
            raise AnswerIsNo(
                f"the build requirements of {tree.label} cannot be had",
                where=tree.where,
                why=str(error),
                next=f"give its metadata in [[tool.uv.dependency-metadata]], name = {tree.name!r}",
            ) from error
        wanted = {package.name: package.version for package in packages}
        if not environment.installed.items() <= wanted.items():
            environment.create()
        for package in packages:
            if package.name in environment.installed:
                continue
            wheel = _best_wheel(package.files, _ranks(self._builds.interpreter))
            if wheel is not None:
                environment.install(self._download(wheel, package.index))
            else:
                with _temporary_folder() as folder:
                    environment.install(self._built_wheel(package, tree, folder, under_way))
            environment.installed[package.name] = package.version

    def _extra(self, tree: SourceTree) -> Iterator[Requirement]:
        """What a setting adds to the requirements of a build; the project's sources were applied to it already."""
        for entry in self._builds.extra:
            if entry.package != tree.name:
                continue
            if entry.matches_runtime:
                raise AnswerIsNo(
                    f"{tree.label} cannot be built to learn its metadata",
                    where=f"[tool.uv.extra-build-dependencies] {tree.name}; {tree.where}",
                    why=f"its build needs {entry.requirement.name} at the version that is locked (`match-runtime`), "
                    "which is known only when all is locked",
                    next=f"give its metadata in [[tool.uv.dependency-metadata]], name = {tree.name!r}",
                )
            yield entry.requirement

    def _built_wheel(self, package: BuildPackage, parent: SourceTree, work: Path, under_way: tuple[str, ...]) -> Path:
        """A wheel of a build requirement that has none for this machine."""
        label = f"{package.name} {package.version}"
        sdist = next((file for file in package.files if not file.is_wheel), None)
        if sdist is None or self._builds.is_disabled(package.name):
            why = "no wheel of it fits this machine, and " + (
                "it has no source distribution" if sdist is None else "building it is switched off"
            )
            raise _failed(parent, f"it needs {label} to be built, but {why}")
        source = work / "source"
        source.mkdir()
        archive = self._download(sdist, package.index)
        try:
            with archive.open("rb") as content:
                folder = unpack(content, sdist.filename, source)
        except (InvalidSdist, OSError) as error:
            raise _failed(parent, f"it needs {label} to be built, but {sdist.filename}: {error}") from error
        return self._wheel(SourceTree(name=package.name, label=label, folder=folder, where=sdist.url), work, under_way)

    def _config_settings(self, name: str) -> dict[str, Any] | None:
        merged = dict(dict(self._builds.settings.config_settings_package).get(name, ()))
        for key, values in self._builds.settings.config_settings:
            merged[key] = (*merged.get(key, ()), *values)
        return {key: values[0] if len(values) == 1 else list(values) for key, values in merged.items()} or None

    # Processes --------------------------------------------------------------------------------------------------

    def run(self, command: Sequence[str], folder: Path, environment: Mapping[str, str], output: IO[bytes]) -> int:
        """Run a command to its end and return its code. Raises _HookFailed where it takes too long."""
        with self._guard:
            if self._is_closed:
                raise _HookFailed("", "the run was given up")
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=os.name == "posix",
            )
            self._running.add(process)
        try:
            return process.wait(self._builds.timeout_seconds)
        except subprocess.TimeoutExpired as error:
            _kill(process)
            process.wait()
            seconds = int(self._builds.timeout_seconds)
            raise _HookFailed("", f"its build backend did not end within {seconds} seconds") from error
        finally:
            with self._guard:
                self._running.discard(process)


class _Runner:
    """Runs a hook's command the way pyproject_hooks asks for, in the environment of one build."""

    def __init__(
        self, backend: Backend, python: Path, work: Path, builds: Builds, variables: Mapping[str, str]
    ) -> None:
        self._backend = backend
        self._work = work
        self._variables = clean_environment(builds.environment, python.parent, work) | dict(variables)

    def __call__(
        self, cmd: Sequence[str], cwd: str | None = None, extra_environ: Mapping[str, str] | None = None
    ) -> None:
        variables = self._variables | dict(extra_environ or {})
        folder = Path(cwd) if cwd is not None else self._work
        with tempfile.TemporaryFile() as output:
            code = self._backend.run(cmd, folder, variables, output)
            if code != 0:
                hook = cmd[-2] if len(cmd) > 1 else ""
                ended = f"ended with code {code}" if code > 0 else f"was ended by signal {-code}"
                raise _HookFailed(_last_lines(output), f"its build backend {ended} in {hook}")
        if len(cmd) > 1:
            _drop_warnings(Path(cmd[-1]))


def _drop_warnings(answer: Path) -> None:
    """Take the backend's warnings out of what a hook answers: they are for its author, and would be raised here."""
    path = answer / "output.json"
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return
    if isinstance(data, dict) and data.pop("warnings", None):
        path.write_text(json.dumps(data), encoding="utf-8")


class _Environment:
    """A virtual environment without anything in it, and what was installed since.

    It is one of `interpreter`, by default of the interpreter that runs.
    """

    def __init__(self, folder: Path, interpreter: Interpreter | None) -> None:
        self.folder = folder
        self.installed: dict[str, Version] = {}
        self._interpreter = interpreter
        variables = {"base": str(folder), "platbase": str(folder)}
        paths = sysconfig.get_paths("venv", vars=variables)
        if interpreter is not None:
            layout = interpreter.layout
            own = {"purelib": layout.purelib, "platlib": layout.platlib, "scripts": layout.scripts, "data": "."}
            paths |= {scheme: str(folder / path) for scheme, path in own.items()}
        include = str(folder / "include")
        self._scheme = paths | {"headers": include, "include": include, "platinclude": include}
        self.python = Path(paths["scripts"]) / ("python.exe" if os.name == "nt" else "python")

    def create(self) -> None:
        self.installed.clear()
        if self._interpreter is None:
            venv.EnvBuilder(clear=True, symlinks=os.name != "nt", with_pip=False).create(self.folder)
            return
        command = [self._interpreter.executable, "-I", "-m", "venv", "--without-pip", "--clear", str(self.folder)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode != 0:
            raise OSError(done.stderr.decode("utf-8", "replace").strip() or f"venv ended with {done.returncode}")

    def install(self, wheel: Path) -> None:
        destination = SchemeDictionaryDestination(self._scheme, str(self.python), _SCRIPT_KIND, overwrite_existing=True)
        with WheelFile.open(wheel) as source:
            installer.install(source, destination, {"INSTALLER": b"lockflow"})


_SCRIPT_KIND: Literal["posix", "win-amd64", "win-arm64", "win-ia32"] = "posix"
if sys.platform == "win32":
    _SCRIPT_KIND = "win-arm64" if sysconfig.get_platform() == "win-arm64" else "win-amd64"


@lru_cache(maxsize=1)
def _tag_ranks() -> dict[str, int]:
    return _ranked(sys_tags())


def _ranks(interpreter: Interpreter | None) -> dict[str, int]:
    return _tag_ranks() if interpreter is None else _ranked(interpreter.tags)


def _ranked(tags: Iterable[object]) -> dict[str, int]:
    ranks: dict[str, int] = {}
    for rank, tag in enumerate(tags):
        ranks.setdefault(str(tag), rank)
    return ranks


def _best_wheel(files: Sequence[File], ranks: Mapping[str, int]) -> File | None:
    """The wheel that an installer would choose there, None where none fits."""
    best: tuple[int, File] | None = None
    for file in files:
        try:
            name = parse_wheel_name(file.filename) if file.is_wheel else None
        except InvalidFilename:
            continue
        if name is None:
            continue
        found = [
            ranks[tag]
            for python in name.python_tags
            for abi in name.abi_tags
            for platform in name.platform_tags
            if (tag := f"{python}-{abi}-{platform}".lower()) in ranks
        ]
        if found and (best is None or min(found) < best[0]):
            best = (min(found), file)
    return None if best is None else best[1]


# pyproject.toml -------------------------------------------------------------------------------------------------


def _build_system(tree: SourceTree) -> _BuildSystem:
    path = tree.folder / "pyproject.toml"
    table: object = None
    if path.is_file():
        try:
            if path.stat().st_size > _LARGEST_PYPROJECT:
                raise _failed(tree, "its pyproject.toml is too large to be one")
            document = tomllib.loads(path.read_bytes().decode("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            raise _failed(tree, f"its pyproject.toml cannot be read: {error}") from error
        table = document.get("build-system")
    if table is None:
        if not any((tree.folder / name).is_file() for name in ("pyproject.toml", "setup.py", "setup.cfg")):
            raise _failed(tree, "there is neither pyproject.toml nor setup.py in it")
        return _BuildSystem(_LEGACY_BACKEND, tuple(_requirements(_LEGACY_REQUIRES, tree)))
    if not isinstance(table, dict):
        raise _failed(tree, "[build-system] of its pyproject.toml is no table")
    backend, backend_path = table.get("build-backend"), table.get("backend-path")
    requires = table.get("requires")
    if backend is None:
        backend, backend_path = _LEGACY_BACKEND, None
        requires = _LEGACY_REQUIRES if requires is None else requires
    if not isinstance(backend, str) or not _is_texts(requires) or not (backend_path is None or _is_texts(backend_path)):
        raise _failed(tree, "[build-system] of its pyproject.toml is not as PEP 518 has it")
    assert requires is not None
    path_entries = None if backend_path is None else tuple(backend_path)
    return _BuildSystem(backend, tuple(_requirements(requires, tree)), path_entries)


def _is_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _requirements(texts: Sequence[str], tree: SourceTree) -> Iterator[Requirement]:
    for text in texts:
        try:
            yield parse_requirement(text)
        except InvalidRequirement as error:
            raise _failed(tree, f"its build requirement cannot be read: {error}") from error


# What is said ---------------------------------------------------------------------------------------------------


def _failed(tree: SourceTree, why: str, output: str = "") -> AnswerIsNo:
    missing = _MISSING_MODULE.findall(output)
    give = f"give its metadata in [[tool.uv.dependency-metadata]], name = {tree.name!r}"
    hint = f"{give}, or choose a version that has a wheel"
    if missing:
        module = normalize_name(missing[-1].partition(".")[0])
        hint = (
            f"its build uses {missing[-1]} without asking for it: add what has it to "
            f"[tool.uv.extra-build-dependencies], {tree.name} = [{module!r}], or {give}"
        )
    return AnswerIsNo(f"{tree.label} cannot be built", where=tree.where, why=f"{why}\n{output}".rstrip("\n"), next=hint)


def _last_lines(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _LAST_LINES * _LONGEST_LINE * 4))
    lines = output.read().decode("utf-8", "replace").splitlines()
    cleaned = [_CONTROL.sub("", line.expandtabs(4)).rstrip()[:_LONGEST_LINE] for line in lines]
    return "\n".join([line for line in cleaned if line][-_LAST_LINES:])


# This machine ---------------------------------------------------------------------------------------------------


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="lockflow-build-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
