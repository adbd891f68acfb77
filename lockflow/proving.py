"""The step behind `check` where evidence comes from containers: what they are given, and who judges what they say."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import packaging
from msgspec import Struct

from lockflow._default_index import DEFAULT_INDEX
from lockflow.engines import faults, uv
from lockflow.engines.model import Command, Engine, InputFile
from lockflow.engines.model import Outcome as RunOutcome
from lockflow.engines.watch import NOBODY, Watch
from lockflow.errors import EngineError, InputError, LockflowError
from lockflow.index.cache import Cache
from lockflow.index.client import IndexClient
from lockflow.index.model import File
from lockflow.index.program import fetch_program
from lockflow.inputs.model import Executor, Settings
from lockflow.inputs.read import ReadResult
from lockflow.inputs.settings import NEWEST_UV
from lockflow.platforms import probe
from lockflow.platforms.checks import Advise, cover_by_tags, judge_opinion, judge_probe
from lockflow.platforms.coverage import Policy, best_wheel
from lockflow.platforms.model import Coverage, Level, Platform
from lockflow.platforms.probing import Kit, Program, place_of, probe_command, target_of
from lockflow.platforms.read import known_platforms
from lockflow.platforms.run import Outcome, Tell, run_by_python
from lockflow.platforms.selection import Graph
from lockflow.standards.filenames import InvalidFilename, parse_wheel_name
from lockflow.standards.versions import Version

_PACKAGING = ("__init__.py", "tags.py", "_manylinux.py", "_musllinux.py", "_elffile.py")
_CERTIFICATES = ("SSL_CERT_FILE", "UV_SSL_CERT_FILE")
_SETTINGS = frozenset(
    (
        "UV_EXCLUDE_NEWER",
        "UV_EXTRA_INDEX_URL",
        "UV_FIND_LINKS",
        "UV_FORK_STRATEGY",
        "UV_INDEX",
        "UV_INDEX_STRATEGY",
        "UV_NO_SOURCES",
        "UV_PRERELEASE",
        "UV_RESOLUTION",
    )
)
"""Variables with which a lock is made, and without which uv would find another project."""
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")

OpenEngine = Callable[[Mapping[str, str]], Engine]
"""Opens the engine, given the addresses of platforms that have their own; raises EngineError where none answers."""


def engine_for(
    settings: Settings, executor: Executor | None, level: Level | None, open_engine: OpenEngine | None
) -> tuple[Engine | None, Level, str]:
    """Open what the command line (first) and the settings ask for; None where it is this process, which takes tags.

    Also the level to reach, and a note where `auto` had to do without an engine. Raises InputError where what is
    asked for contradicts itself, EngineError where an engine is asked for and none answers.
    """
    executor = executor or settings.executor
    wanted = level or settings.level
    if executor == "swarm":
        raise faults.no_swarm()
    if executor == "process" and wanted not in (None, "tags"):
        raise InputError(
            f"the level {wanted} needs containers",
            where="--level" if level else "[tool.lockflow] level",
            why="the executor is process, which judges by tags",
            next="add `--executor docker` (or auto), or set executor in [tool.lockflow]",
        )
    if executor == "process" or wanted == "tags" or open_engine is None:
        return None, "tags", ""
    try:
        return open_engine(dict(settings.engines)), wanted or "probe", ""
    except EngineError as error:
        if executor == "docker" or wanted is not None:
            raise
        return None, "tags", f"judged by tags, in process: {error.what}" + (f" ({error.where})" if error.where else "")


class Proof(Struct, frozen=True, kw_only=True):
    """What is to be proven: a lock (as a graph and as text) of a project, for platforms and Pythons (full versions)."""

    read: ReadResult
    text: str
    graph: Graph
    platforms: tuple[Platform, ...]
    pythons: tuple[str, ...]
    level: Level


def prove(
    proof: Proof,
    engine: Engine,
    connect: Callable[[], IndexClient],
    cache: Cache | None,
    environment: Mapping[str, str],
    policy: Policy,
    advise: Advise,
    watch: Watch = NOBODY,
) -> tuple[Outcome, ...]:
    """Judge every platform and Python by a container each, as many side by side as the engine is good for."""
    kits = _Kits(proof, connect, cache, environment)
    prover = _Prover(proof, engine, kits, policy, advise)
    return run_by_python(
        proof.platforms,
        proof.pythons,
        prover.judge,
        level=proof.level,
        at_once=engine.at_once,
        stop=engine.stop,
        slow=[each.name for each in proof.platforms if each.engine_platform not in (None, engine.native())],
        watch=watch,
    )


class _Prover:
    """Judges one platform and Python; called from many threads at once."""

    def __init__(self, proof: Proof, engine: Engine, kits: _Kits, policy: Policy, advise: Advise) -> None:
        self._proof = proof
        self._engine = engine
        self._kits = kits
        self._policy = policy
        self._advise = advise

    def judge(self, platform: Platform, python: str, tell: Tell) -> Coverage:
        place = place_of(platform, python)
        if place is None:
            return self._by_tags_and_opinion(platform, python, tell)
        tell(f"preparing {place.image}")
        self._engine.prepare(place)
        kit = self._kits.kit(platform, tell)
        command = probe_command(kit, self._proof.graph.lock, place, python)
        outcome = self._run(command, "installing the lock" if command.has_network else "probing the interpreter", tell)

        def judged(policy: Policy) -> Coverage:
            return judge_probe(self._proof.graph, platform, python, policy, kit, command, outcome)

        return self._advised(judged, tell)

    def _by_tags_and_opinion(self, platform: Platform, python: str, tell: Tell) -> Coverage:
        """No container can be this platform: its tags, and what uv plans for it in a container of another."""

        def by_tags(policy: Policy) -> Coverage:
            return cover_by_tags(self._proof.graph, platform, python, policy)

        found = self._opinion(platform, python, tell)
        if found is None:
            return self._advised(by_tags, tell)
        kit, command = found
        outcome = self._run(command, "hearing uv's view", tell)

        def judged(policy: Policy) -> Coverage:
            return judge_opinion(self._proof.graph, platform, python, policy, kit, command, outcome)

        return self._advised(judged, tell)

    def _run(self, command: Command, doing: str, tell: Tell) -> RunOutcome:
        tell("waiting for a container")
        return self._engine.run(command, lambda: tell(f"{doing} in {command.place.image}"))

    def _opinion(self, platform: Platform, python: str, tell: Tell) -> tuple[Kit, Command] | None:
        """The container that is asked in place of a platform; None where there is none, and tags have to do."""
        target = target_of(platform)
        host = self._kits.host(self._engine.native())
        place = None if host is None else place_of(host, python)
        if target is None or host is None or place is None:
            return None
        tell(f"preparing {place.image}")
        try:
            self._engine.prepare(place)
        except EngineError:
            # A second opinion is not worth a verdict: the platform itself needs no container.
            return None
        macos = "" if platform.macos is None else f"{platform.macos.major}.{platform.macos.minor}"
        kit = self._kits.kit(host, tell)
        lock = self._proof.graph.lock
        return kit, probe_command(kit, lock, place, python, target=target, macos=macos)

    def _advised(self, judged: Callable[[Policy], Coverage], tell: Tell) -> Coverage:
        coverage = judged(self._policy)
        if all(finding.is_good for finding in coverage.findings):
            return coverage
        tell("looking for what helps")
        return judged(self._advise((coverage,)))


class _Kits:
    """What containers are given; the programs of a platform are fetched once, by whoever needs them first."""

    def __init__(
        self,
        proof: Proof,
        connect: Callable[[], IndexClient],
        cache: Cache | None,
        environment: Mapping[str, str],
    ) -> None:
        self._proof = proof
        self._connect = connect
        self._cache = cache
        self._scripts = _scripts()
        self._project = _project_files(proof.read, proof.text)
        self._environment, certificates = network_of(environment, proof.read.manifest.settings)
        if proof.level == "install":
            self._project += certificates
        self._kits: dict[str, Kit] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def kit(self, platform: Platform, tell: Tell) -> Kit:
        """The kit for containers of `platform`. Raises NetworkError where its uv cannot be had."""
        with self._lock:
            mine = self._locks.setdefault(platform.name, threading.Lock())
        with mine:
            if platform.name not in self._kits:
                tell("fetching uv")
                self._kits[platform.name] = self._make(platform)
            return self._kits[platform.name]

    def host(self, native: str) -> Platform | None:
        """The platform that an engine runs natively: of those to check, else of all that are defined."""
        known = (*self._proof.platforms, *(entry.platform for entry in known_platforms(self._proof.read.root)))
        fitting = [platform for platform in known if platform.engine_platform == native]
        return next((platform for platform in fitting if platform.libc and platform.libc.name == "glibc"), None)

    def _make(self, platform: Platform) -> Kit:
        settings = self._proof.read.manifest.settings
        pinned = settings.uv or NEWEST_UV
        planner = self._program(platform, pinned if uv.can_plan(pinned) else NEWEST_UV)
        installer = None
        if self._proof.level == "install":
            installer = planner if planner.version == pinned else self._program(platform, pinned)
        read = self._proof.read
        return Kit(
            scripts=self._scripts,
            project=self._project,
            planner=planner,
            installer=installer,
            script=read.lock_path.name.removesuffix(".lock") if read.manifest.is_script else "",
            modules=settings.modules,
            environment=self._environment,
            can_verify=_can_verify(read),
        )

    def _program(self, platform: Platform, version: str) -> Program:
        return fetch_uv(self._proof.read.manifest.settings, platform, version, self._connect, self._cache)


def fetch_uv(
    settings: Settings, platform: Platform, version: str, connect: Callable[[], IndexClient], cache: Cache | None
) -> Program:
    """The uv of that release for a platform, out of its wheel on an index of the project, checked by its hash.

    Raises NetworkError where no index has it.
    """
    indexes = [index for index in settings.indexes if not index.is_flat and not index.is_explicit]
    content = fetch_program(
        connect, "uv", Version.parse(version), indexes, _chooser(platform), cache, purpose=_purpose(platform)
    )
    return Program(version=version, content=content)


def _purpose(platform: Platform) -> str:
    """What of a platform decides which wheel of uv fits."""
    libc = "" if platform.libc is None else f"{platform.libc.name} {platform.libc.major}.{platform.libc.minor}"
    macos = "" if platform.macos is None else f"macOS {platform.macos.major}.{platform.macos.minor}"
    return f"{platform.system} {platform.machine} {libc}{macos}"


def _chooser(platform: Platform) -> Callable[[Sequence[File]], File | None]:
    def choose(files: Sequence[File]) -> File | None:
        by_name = {}
        for file in files:
            if file.is_wheel:
                try:
                    by_name[file.filename] = parse_wheel_name(file.filename)
                except InvalidFilename:
                    continue
        # uv's wheels are for any Python 3.
        match = best_wheel(by_name.items(), platform, "3.12.0")
        return None if match is None else next(file for file in files if file.filename == match.file)

    return choose


def _scripts() -> tuple[InputFile, ...]:
    """The probe, and what it needs to know tags: files of the `packaging` that runs here."""
    assert probe.__file__ is not None
    assert packaging.__file__ is not None
    folder = Path(packaging.__file__).parent
    files = {"probe.py": Path(probe.__file__), **{f"packaging/{name}": folder / name for name in _PACKAGING}}
    try:
        return tuple(InputFile(path=f"/lockflow/{name}", content=path.read_bytes()) for name, path in files.items())
    except OSError as error:
        raise EngineError(
            "the probe for containers cannot be read",
            where=str(error.filename),
            why=str(error),
            next="install lockflow and packaging again, as files",
        ) from error


def _project_files(read: ReadResult, text: str) -> tuple[InputFile, ...]:
    """The lock, and the files below the project's root that were read to make it."""
    files = {read.lock_path.name: text.encode()}
    for path in read.input_files:
        try:
            name = path.relative_to(read.root).as_posix()
            files.setdefault(name, path.read_bytes())
        except ValueError:
            # Settings of a person or of the machine: no image has them.
            continue
        except OSError as error:
            raise InputError("an input of the lock cannot be read", where=str(path), why=str(error)) from error
    return tuple(InputFile(path=f"/lockflow/project/{name}", content=content) for name, content in files.items())


def _can_verify(read: ReadResult) -> bool:
    """Whether the files that are sent are all that uv needs to tell whether a lock is that of its project."""
    members = read.manifest.members
    return not read.manifest.is_script and all(not member.dynamic for member in members)


def network_of(
    environment: Mapping[str, str], settings: Settings
) -> tuple[tuple[tuple[str, str], ...], tuple[InputFile, ...]]:
    """What reaches the network from a container: proxies, authorities, and the indexes with their credentials."""
    kept = {
        name: value
        for name, value in environment.items()
        if name.upper() in _PROXIES
        or name in _SETTINGS
        or (name.startswith("UV_INDEX_") and name.endswith(("_USERNAME", "_PASSWORD")))
    }
    default = next((index for index in settings.indexes if index.is_default), None)
    if default is not None and default.url != DEFAULT_INDEX and default.url.startswith(("https:", "http:")):
        # Which flags or files name it, only lockflow knows.
        kept["UV_DEFAULT_INDEX"] = f"{default.name}={default.url}" if default.name else default.url
    bundle = next((environment[name] for name in _CERTIFICATES if environment.get(name)), "")
    files: tuple[InputFile, ...] = ()
    if bundle:
        try:
            files = (InputFile(path="/lockflow/authorities.pem", content=Path(bundle).read_bytes()),)
            kept["SSL_CERT_FILE"] = "/lockflow/authorities.pem"
        except OSError as error:
            raise LockflowError("the certificates cannot be read", where=bundle, why=str(error)) from error
    return tuple(sorted(kept.items())), files
