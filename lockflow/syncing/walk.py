"""Bring the lock up to date, and an environment with it: the steps of an installation in their order."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter

from msgspec import Struct
from msgspec.structs import replace

from lockflow.environments.inspecting import begin, end, installed, unfinished
from lockflow.environments.installing import Installation
from lockflow.environments.links import Linker
from lockflow.environments.making import Making, compile_bytecode
from lockflow.environments.model import Environment, Plan, Wanted
from lockflow.environments.plan import SEEDS, plan
from lockflow.environments.pythons import Pythons
from lockflow.environments.store import Store, Unpacked
from lockflow.errors import InputError, telling
from lockflow.index.client import IndexClient
from lockflow.inputs.read import ReadResult
from lockflow.lock.files import only_one_process
from lockflow.lock.model import Lock
from lockflow.lock.modes import Mode
from lockflow.steps import STATE, LockResult, Network, Target, cache_folder, cache_of, connector, inputs, lock
from lockflow.syncing.choosing import check_interpreter, chosen
from lockflow.syncing.model import Listener, Silent, SyncAsk, SyncResult
from lockflow.syncing.places import Choice, Place, begin_environment, choose, place_of, request_of
from lockflow.views import View, wished

_USUAL = Network()


def sync(
    target: Target,
    ask: SyncAsk | None = None,
    mode: Mode = Mode.WRITE,
    *,
    flag: str = "",
    network: Network = _USUAL,
    listener: Listener | None = None,
) -> SyncResult:
    """Bring the lock up to date, then make the environment of the project or script hold what the lock says.

    `mode` is that of the lock operation (see `Mode`), `flag` what chose it; with Mode.DRY_RUN the lock is not written,
    and with `ask.is_dry_run` nothing is installed.

    Raises AnswerIsNo where the lock has no solution or is not what the mode demands, where a package cannot be
    installed here, and where a file is not the one that the lock names. Raises InputError where there is no Python, or
    what is asked for does not exist. What was installed until then stays, and the next run goes on from there.
    """
    told, ask = listener or Silent(), ask or SyncAsk()
    result = lock(target, mode, flag=flag, network=network, progress=getattr(told, "progress", None))
    with telling(result.done):
        return install(target, ask, inputs(target), result, network=network, listener=told)


def install(
    target: Target,
    ask: SyncAsk,
    read: ReadResult,
    result: LockResult,
    *,
    network: Network = _USUAL,
    listener: Listener | None = None,
) -> SyncResult:
    """Make the environment hold what the outcome of a lock operation says; the second half of `sync`."""
    told = listener or Silent()
    view = View(lock=result.lock, read=read, result=result, target=target)
    wish = wished(view, ask.wish, has_defaults=ask.has_defaults)
    kept = cache_of(network, target.environment)
    cache = cache_folder(network, target.environment)
    place = place_of(read, ask, target.environment, target.directory, cache)
    pythons = Pythons(target.environment, kept)
    with _alone(place, read, target):
        request = request_of(ask, target.environment, place, read.root)
        choice = choose(place, request, pythons)
        check_interpreter(result.lock, wish, choice.interpreter)
        settings = read.manifest.settings
        wanted = chosen(result.lock, wish, choice.interpreter, settings, read.root, not_editable=ask.not_editable)
        making = None
        if not ask.is_dry_run:
            making = begin_environment(choice, place, told, lambda path: _shown(path, target.directory))
            made = choice.environment or Environment(root=choice.root, interpreter=choice.interpreter)
            choice = replace(choice, environment=made)
        told.resolved(result)
        todo = _Work(target=target, ask=ask, read=read, network=network, choice=choice, lock=result.lock, result=result)
        present = () if choice.environment is None or choice.made != "used" else tuple(installed(choice.environment))
        left = frozenset() if choice.environment is None else unfinished(choice.environment)
        steps = plan(
            wanted,
            present,
            is_exact=ask.is_exact,
            kept_names=() if choice.environment is None or choice.environment.is_bare else SEEDS,
            again=ask.again,
            unfinished=left,
        )
        todo = replace(todo, wanted=wanted, is_python_placed=bool(request.place))
        with _store(cache, network) as store:
            return _dry(todo, steps, store, told) if ask.is_dry_run else _done(todo, steps, store, told, left, making)


class _Work(Struct, frozen=True, kw_only=True):
    """What the halves of an installation share."""

    target: Target
    ask: SyncAsk
    read: ReadResult
    network: Network
    choice: Choice
    lock: Lock
    result: LockResult
    wanted: tuple[Wanted, ...] = ()
    is_python_placed: bool = False


def _dry(todo: _Work, steps: Plan, store: Store, told: Listener) -> SyncResult:
    missing = 0
    if steps.add:
        from lockflow.syncing.wheels import count_missing  # noqa: PLC0415  see `_brought`

        missing = count_missing(steps.add, store, todo.read, told)
    return _result(todo, steps, todo.choice.environment, downloads=missing)


def _done(
    todo: _Work, steps: Plan, store: Store, told: Listener, left: frozenset[str], making: Making | None
) -> SyncResult:
    environment = todo.choice.environment
    assert environment is not None
    started = perf_counter()
    connect = connector(
        todo.read,
        todo.network,
        todo.target.environment,
        interpreter=environment.interpreter,
        unisolated=str(environment.python),
    )
    # The environment is made meanwhile; whatever happens, it is whole at the end.
    try:
        wheels, downloads = _brought(todo, steps, store, connect, told)
    except BaseException:
        if making is not None:
            with suppress(InputError):
                making.finish()
        raise
    if making is not None:
        making.finish()
    prepared = removed = finished = perf_counter()
    if not steps.is_empty or left:
        with _writable(environment):
            begin(environment, [package.info for package in steps.remove] + [w.contents.info for w in wheels])
            installation = Installation(environment, Linker(todo.ask.link_mode))
            for package in steps.remove:
                outside = installation.remove(package)
                if outside:
                    told.warn(
                        f"{package.info} claims files outside of the environment, which were left alone: "
                        f"{', '.join(outside[:3])}"
                    )
            removed = perf_counter()
            for want, wheel in zip(steps.add, wheels, strict=True):
                installation.install(wheel, origin=want.origin, state=want.state)
            end(environment)
            finished = perf_counter()
    if todo.ask.compiles:
        said = compile_bytecode(environment)
        if said:
            told.warn(f"not all could be compiled: {said.splitlines()[-1]}")
    versions = {wheel.contents.name: wheel.contents.version for wheel in wheels}
    return replace(
        _result(todo, steps, environment, downloads=downloads),
        versions=versions,
        prepare_seconds=prepared - started,
        remove_seconds=removed - prepared,
        install_seconds=finished - removed,
    )


def _brought(
    todo: _Work, steps: Plan, store: Store, connect: Callable[[], IndexClient], told: Listener
) -> tuple[tuple[Unpacked, ...], int]:
    """The wheels to install, and how many of them had to be downloaded or built."""
    if not steps.add:
        return (), 0
    # An event loop, and what downloads and builds: a sixth of a sync that finds everything in place.
    from lockflow.syncing.wheels import bring  # noqa: PLC0415

    brought = bring(steps.add, store, connect, todo.read, told)
    return brought.wheels, brought.downloads


def _result(todo: _Work, steps: Plan, environment: Environment | None, *, downloads: int) -> SyncResult:
    return SyncResult(
        result=todo.result,
        lock=todo.lock,
        root=todo.choice.root,
        environment=environment,
        made=todo.choice.made,
        plan=steps,
        wanted=todo.wanted,
        is_python_placed=todo.is_python_placed,
        downloads=downloads,
    )


# Around it ------------------------------------------------------------------------------------------------------------


@contextmanager
def _alone(place: Place, read: ReadResult, target: Target) -> Iterator[None]:
    """Keep other processes of lockflow away from the environment, and of uv too once it is there."""
    digest = place.root.name
    folder = place.root.parent if read.manifest.is_script else read.root / STATE
    with only_one_process(folder / f"{digest}.lock", target.on_wait):
        if place.root.is_dir() and (place.root / "pyvenv.cfg").is_file():
            with only_one_process(place.root / ".lock", target.on_wait):
                yield
        else:
            yield


@contextmanager
def _store(cache: Path, network: Network) -> Iterator[Store]:
    """The store of the cache, or one for this run."""
    if not network.no_cache:
        yield Store(cache)
        return
    folder = Path(tempfile.mkdtemp(prefix="lockflow-store-"))
    try:
        yield Store(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _writable(environment: Environment) -> Iterator[None]:
    """Say what is wrong where an environment cannot be changed."""
    try:
        yield
    except OSError as error:
        raise InputError(
            "the environment cannot be changed",
            where=str(error.filename2 or error.filename or environment.root),
            why=error.strerror or str(error),
            next="make room or give permission, then sync again: it goes on from here",
        ) from error


def _shown(path: Path, start: Path) -> str:
    """A path as people type it: relative where it is below the folder they are in."""
    try:
        return str(path.relative_to(Path(os.path.abspath(start))))  # noqa: PTH100
    except ValueError:
        return str(path)
