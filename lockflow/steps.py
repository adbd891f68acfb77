"""The walk through the rooms, one function a step: read, call rooms, write.

Every command and every task of the graph is one of these. They know where things lie on disk and in which order
rooms are asked; what is right and what fits together is decided in the rooms.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lockflow._default_index import DEFAULT_INDEX
from lockflow.clients import index_clients
from lockflow.errors import AnswerIsNo, InputError, LockFileError, LockflowError, NetworkError
from lockflow.index.cache import Cache, default_cache_folder
from lockflow.index.client import IndexClient
from lockflow.index.mirrors import strangers
from lockflow.index.model import Listing, Metadata, Release
from lockflow.index.network import http_options
from lockflow.index.options import ClientOptions
from lockflow.inputs.canonical import canonical_inputs
from lockflow.inputs.model import Index
from lockflow.inputs.read import ReadResult, read_manifest
from lockflow.lock.as_preferences import preferences_from_lock
from lockflow.lock.conflict import preferences_from_sides
from lockflow.lock.decode import decode
from lockflow.lock.diff import change_line, changes, first_other_line, other_differences, short_diff, upgrade_remarks
from lockflow.lock.encode import encode
from lockflow.lock.files import only_one_process, read_lock_text, write_lock_text
from lockflow.lock.model import Change, Lock, Request, Reuse, Validation
from lockflow.lock.modes import (
    RULES,
    Mode,
    Result,
    missing_lock,
    missing_members,
    must_be_written,
    needs_resolution,
    other_layout,
    stale_lock,
)
from lockflow.lock.tables import is_conflicted
from lockflow.lock.validate import validate
from lockflow.required_wheels import with_lacking_wheels
from lockflow.resolve.drive import Progress, fetch_listings, fetch_metadata, fetch_reached
from lockflow.resolve.preferences import Preferences
from lockflow.resolving import request_of, resolved, restated_lock, validated, with_built_members
from lockflow.standards.interpreter import Interpreter
from lockflow.standards.requirements import Requirement
from lockflow.target import USUAL, Network, Target

__all__ = [  # the steps, and what the roof needs to ask for them and to say what came of them
    "LockResult",
    "Mode",
    "Network",
    "Status",
    "Target",
    "alone",
    "canonical",
    "change_line",
    "digest",
    "inputs",
    "lock",
    "read_lock",
    "write_inputs",
]

STATE = ".lockflow"
"""The folder beside a lock that holds what can be made again; git-ignored."""
_ASKED_FOR = frozenset(("upgrade", "upgrade-package", "refresh"))
"""Reasons to resolve again that say nothing against the old lock."""
_MOST_CHANGES = 10


class Status(StrEnum):
    """What became of a lock."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    CREATED = "created"


class LockResult(Struct, frozen=True, kw_only=True):
    """The outcome of `lock`.

    `changes` are by package name; `notes` say what else differs, `remarks` what came of packages to upgrade. `reasons`
    say why the old lock was resolved again, `is_written` whether the file was replaced. `input_files` are all files
    whose bytes decide. `lock` is what the lock is now, or would be; `standing` the digest of the lock on disk where
    the same question asked again would find nothing to do.
    """

    status: Status
    lock_path: Path
    root: Path
    packages: int
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    input_files: tuple[Path, ...] = ()
    is_written: bool = False
    standing: str = ""
    lock: Lock

    @property
    def done(self) -> tuple[str, ...]:
        """What this changed on disk, in words for the error of a later step (see `errors.telling`)."""
        return (f"{self.lock_path.name} is new already, and stands",) if self.is_written else ()


def lock(
    target: Target,
    mode: Mode = Mode.WRITE,
    *,
    flag: str = "",
    network: Network = USUAL,
    progress: Progress | None = None,
) -> LockResult:
    """Bring the lock of a project or script up to date, or only say whether it is (see `Mode`).

    `flag` is what chose the mode, for messages. Raises AnswerIsNo where there is no solution, and where the mode
    does not allow what would have to be done; InputError, LockFileError and NetworkError otherwise.
    """
    read = _read(target)
    with _alone(read, target, mode), _warned(read):
        text = _old_text(read, mode, flag)
        if text is not None and RULES[mode].may_change and is_conflicted(text):
            return _merged(text, read, mode, target, network, progress)
        old = None if text is None else decode(text, str(read.lock_path))
        if mode is Mode.FROZEN:
            assert old is not None
            return _frozen(read, old)
        connect = connector(read, network, target.environment)
        read = with_built_members(read, connect)
        request = request_of(read, network)
        validation = None if old is None else validated(old, read.manifest, request, network, connect)
        if old is not None and validation is not None:
            validation = with_lacking_wheels(validation, old, read)
        found = () if validation is None else validation.reasons
        reasons = tuple(reason.text for reason in found if reason.check not in _ASKED_FOR)
        if old is not None and not needs_resolution(mode, validation):
            assert text is not None
            _check_layout(text, old, mode, flag, read)
            standing = digest(text.encode())
            return _result(read, Result(lock=old, previous=old), is_written=False, standing=standing)
        preferences = Preferences()
        new = None
        doubts: tuple[str, ...] = ()
        if old is not None and validation is not None:
            new = None if read.limits else restated_lock(old, read.manifest, validation, network, connect)
            preferences = preferences_from_lock(old, upgrade=request.upgrade, reuse=validation.reuse)
        if new is None:
            try:
                new, doubts = resolved(read, preferences, connect, progress)
            except NetworkError as error:
                if old is None or RULES[mode].may_change or not reasons:
                    raise
                # That it is out of date is known already; only how it would change is not.
                unknown = Result(lock=old, previous=old, reasons=reasons)
                lines = [f"how it would change is not known: {error.what}"]
                raise stale_lock(unknown, str(read.lock_path), flag or "--check", lines) from error
        result = Result(lock=new, previous=old, reasons=reasons)
        if old is not None and not RULES[mode].may_change and result.is_changed:
            raise stale_lock(result, str(read.lock_path), flag or "--check", _differences(old, new))
        done = _result(read, result, is_written=False) if not must_be_written(mode, result) else _written(read, result)
        return _with_remarks(replace(done, warnings=(*done.warnings, *doubts)), read, target, result)


def alone(target: Target) -> AbstractContextManager[object]:
    """Keep other processes away from the project while the block runs, in which the steps may be called."""
    return _alone(_read(target), target)


def read_lock(path: Path) -> Lock:
    """Read a lock (`uv.lock`, or that of a script) as it stands, without looking at its project.

    Raises LockFileError where there is none, and where it cannot be understood, with file and line.
    """
    text = read_lock_text(path)
    if text is None:
        raise LockFileError("there is no lock", where=str(path), next="run `lockflow lock` first")
    return decode(text, str(path))


def inputs(target: Target) -> ReadResult:
    """Read what the lock of a project depends on, without looking at the lock."""
    return _read(target)


def write_inputs(target: Target, path: Path) -> bool:
    """Put the canonical inputs at `path`; False where it holds them already, and then it is left alone."""
    content = canonical(_read(target))
    try:
        if path.read_bytes() == content:
            return False
    except OSError:
        pass
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise InputError(
            "the canonical inputs cannot be written",
            where=str(path),
            why=error.strerror or str(error),
            next="make room or give permission",
        ) from error
    return True


class Walk:
    """One reading of the inputs, from which resolving can be repeated without writing anything: what a refresh takes.

    `limits` are requirements that bound one resolution only; the lock does not record them.
    """

    def __init__(self, target: Target, network: Network = USUAL) -> None:
        read = _read(target)
        self._target = target
        self._network = network
        self._connect = connector(read, network, target.environment)
        self.read = with_built_members(read, self._connect)

    @property
    def connect(self) -> Callable[[], IndexClient]:
        """What makes clients for the indexes of the project."""
        return self._connect

    def alone(self) -> AbstractContextManager[object]:
        """Keep other processes away from the project while the block runs."""
        return _alone(self.read, self._target)

    def old_lock(self) -> Lock | None:
        """The lock on disk; None where there is none. Raises LockFileError for what is no lock."""
        text = read_lock_text(self.read.lock_path)
        return None if text is None else decode(text, str(self.read.lock_path))

    def validation(self, lock: Lock) -> Validation:
        return validated(lock, self.read.manifest, Request(), self._network, self._connect)

    def resolved(
        self, preferences: Preferences, limits: Sequence[Requirement] = (), progress: Progress | None = None
    ) -> Lock:
        """Resolve; raises AnswerIsNo where there is no solution."""
        limited = replace(self.read, limits=(*self.read.limits, *limits))
        return resolved(limited, preferences, self._connect, progress)[0]

    def listings(self, names: Sequence[str], *, afresh: bool = False) -> dict[str, Listing]:
        """The index pages of these projects; those that cannot be had are left out.

        `afresh` asks the index whatever the cache holds; later resolutions find the answers there.
        """
        network = replace(self._network, refresh=True) if afresh else self._network
        connect = connector(self.read, network, self._target.environment)
        indexes = [index for index in self.read.manifest.settings.indexes if not index.is_flat]
        return fetch_listings(connect, names, indexes)

    def reached(self, wanted: Sequence[tuple[str, Index]]) -> list[LockflowError | None]:
        """Ask each index afresh for a project; what went wrong, None where it answers, also that it has none."""
        connect = connector(self.read, replace(self._network, refresh=True), self._target.environment)
        return fetch_reached(connect, wanted)

    def metadata(self, releases: Sequence[tuple[Listing, Release]]) -> list[Metadata]:
        """What releases say of themselves, for people; those that cannot be had are left out."""
        return fetch_metadata(self._connect, releases, self.read.manifest.settings.indexes)


def digest(content: bytes) -> str:
    """`sha256:` and the hex digest, as reports name a lock and its inputs."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _read(target: Target) -> ReadResult:
    read = read_manifest(
        target.directory,
        target.settings,
        target.environment,
        now_ns=time.time_ns(),
        default_index=DEFAULT_INDEX,
        script=target.script,
        interpreter_minor=target.python,
        drafts=target.drafts,
    )
    return replace(read, limits=target.limits) if target.limits else read


def _alone(read: ReadResult, target: Target, mode: Mode = Mode.WRITE) -> AbstractContextManager[object]:
    """Keep other processes away from a project while its lock may be replaced."""
    if not RULES[mode].may_write:
        return nullcontext()
    state = read.root / STATE
    if not state.is_dir():
        try:
            state.mkdir(parents=True, exist_ok=True)
            (state / ".gitignore").write_text("*\n", encoding="utf-8")
        except OSError:
            return nullcontext()
    return only_one_process(state / "process", target.on_wait)


@contextmanager
def _warned(read: ReadResult) -> Iterator[None]:
    """Give what goes wrong the warnings of the reading, which else come with the result."""
    try:
        yield
    except LockflowError as error:
        error.warnings = read.warnings
        raise


def _old_text(read: ReadResult, mode: Mode, flag: str) -> str | None:
    text = read_lock_text(read.lock_path)
    if text is None and RULES[mode].must_exist:
        raise missing_lock(mode, str(read.lock_path), flag or f"--{mode.value}")
    return text


def _check_layout(text: str, old: Lock, mode: Mode, flag: str, read: ReadResult) -> None:
    """Refuse a lock in another layout where a check is to look at that too."""
    if mode is Mode.LOCKED and "lockfile-format-check" in read.manifest.settings.previews:
        line = first_other_line(text, encode(old))
        if line is not None:
            raise other_layout(line, str(read.lock_path), flag or "--check")


def _written(read: ReadResult, result: Result) -> LockResult:
    text = encode(result.lock)
    write_lock_text(read.lock_path, text)
    # The next run asks for no upgrade, unless a file does.
    has_more_to_do = read.upgrade or bool(read.upgrade_packages) or bool(validate(result.lock, read.manifest).reasons)
    return _result(read, result, is_written=True, standing="" if has_more_to_do else digest(text.encode()))


def _differences(old: Lock, new: Lock) -> list[str]:
    """How a lock would change: versions first, or what else differs, then the first lines of it."""
    lines: list[str] = [change_line(change, is_done=False) for change in changes(old, new)]
    if len(lines) > _MOST_CHANGES:
        lines[_MOST_CHANGES:] = [f"and {len(lines) - _MOST_CHANGES} more changes of versions"]
    return [*(lines or other_differences(old, new)), *short_diff(old, new)]


def _merged(
    text: str, read: ReadResult, mode: Mode, target: Target, network: Network, progress: Progress | None
) -> LockResult:
    """Lock anew where a merge left both sides in the lock: the versions of both are kept where they fit."""
    connect = connector(read, network, target.environment)
    read = with_built_members(read, connect)
    request = request_of(read, network)

    def is_usable(side: Lock) -> bool:
        return validate(side, read.manifest, request).reuse is not Reuse.UNUSABLE

    preferences, before = preferences_from_sides(text, upgrade=request.upgrade, is_usable=is_usable)
    new, doubts = resolved(read, preferences, connect, progress)
    reason = f"it held an unresolved merge conflict; versions of both sides were kept where they fit ({_sides(before)})"
    result = Result(lock=new, previous=before, reasons=(reason,))
    found = _written(read, result) if RULES[mode].may_write else _result(read, result, is_written=False)
    found = replace(found, status=Status.CHANGED, warnings=(*found.warnings, *doubts))
    return _with_remarks(found, read, target, result)


def _sides(before: Lock | None) -> str:
    return "changes are told against the side that could be read whole" if before else "neither could be read whole"


def _with_remarks(found: LockResult, read: ReadResult, target: Target, result: Result) -> LockResult:
    """Add what is to be said about the names to upgrade, of which a file may ask for some that stay, and of mirrors."""
    if read.mirrors and result.is_changed:
        files = (file for package in result.lock.packages for file in (*package.wheels, package.sdist) if file)
        left = strangers((file.url for file in files if file.url is not None), read.mirrors)
        if left:
            text = f"no entry of `mirrors` says where {left[0]} comes from, so it stands in the lock as it is"
            found = replace(found, warnings=(*found.warnings, text))
    if not read.upgrade_packages:
        return found
    names = [requirement.name for requirement in read.upgrade_packages]
    asked = names if target.settings.upgrade_package else ()
    warnings, remarks = upgrade_remarks(names, result.previous, result.lock, asked=asked)
    return replace(found, warnings=(*found.warnings, *warnings), remarks=remarks)


def _frozen(read: ReadResult, old: Lock) -> LockResult:
    missing = missing_members(old, read.manifest)
    if missing:
        raise AnswerIsNo(
            "the lock needs to be updated",
            where=str(read.lock_path),
            why=f"it does not know the workspace members {', '.join(missing)}",
            next="lock again without --frozen",
        )
    return _result(read, Result(lock=old, previous=old), is_written=False)


def canonical(read: ReadResult) -> bytes:
    """What a lock depends on, in one form, whose digest reports name."""
    return canonical_inputs(read.manifest, read.local_sources)


def cache_folder(network: Network, environment: Mapping[str, str]) -> Path:
    """Where the cache is."""
    return network.cache_dir or default_cache_folder(environment)


def cache_of(network: Network, environment: Mapping[str, str]) -> Cache | None:
    """The store for what containers are given; None where nothing is to be stored."""
    return None if network.no_cache else Cache(cache_folder(network, environment), lambda _: None)


def connector(
    read: ReadResult,
    network: Network,
    environment: Mapping[str, str],
    *,
    interpreter: Interpreter | None = None,
    unisolated: str = "",
) -> Callable[[], IndexClient]:
    """What makes clients for the indexes of a project; see `index_clients` for the last two."""
    http = http_options(environment, read.credentials)
    options = ClientOptions(
        root=read.root,
        cache_folder=cache_folder(network, environment),
        no_cache=network.no_cache,
        offline=network.offline,
        refresh=network.refresh,
        http=replace(
            http,
            insecure_hosts=http.insecure_hosts | network.insecure_hosts,
            mirrors=read.mirrors,
            has_keyring=read.manifest.settings.keyring_provider == "subprocess",
        ),
        read_tree=read.read_tree,
    )
    return index_clients(
        options, read.manifest, environment, network.transport, interpreter=interpreter, unisolated=unisolated
    )


def _result(read: ReadResult, result: Result, *, is_written: bool, standing: str = "") -> LockResult:
    old, new = result.previous, result.lock
    status = Status.CREATED if old is None else Status.CHANGED if result.is_changed else Status.UNCHANGED
    return LockResult(
        status=status,
        lock_path=read.lock_path,
        root=read.root,
        packages=len(new.packages),
        changes=changes(old, new) if status is not Status.UNCHANGED else (),
        notes=other_differences(old, new) if old is not None and status is Status.CHANGED else (),
        reasons=result.reasons,
        warnings=read.warnings,
        input_files=read.input_files,
        is_written=is_written,
        standing=standing,
        lock=new,
    )
