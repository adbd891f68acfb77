"""The steps behind the lock: check it on platforms, and report on what checks found.

Apart from `steps`, since a run that only locks is a quarter faster without what checks and reports take to load.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from lockflow.engines.watch import NOBODY, Watch
from lockflow.errors import AnswerIsNo, InputError, LockflowError
from lockflow.index.client import IndexClient
from lockflow.inputs.model import Executor, Settings
from lockflow.inputs.read import ReadResult
from lockflow.judging import Judge
from lockflow.lock.decode import decode
from lockflow.lock.files import read_lock_text
from lockflow.lock.model import Lock
from lockflow.lock.previous import committed_lock_text
from lockflow.platforms.model import Level, Platform
from lockflow.platforms.pythons import pythons_to_check
from lockflow.platforms.read import read_platforms
from lockflow.platforms.run import run_checks
from lockflow.platforms.selection import Graph, graph_of
from lockflow.platforms.support import stated_pythons
from lockflow.proving import OpenEngine, Proof, engine_for, prove
from lockflow.report.as_json import as_json
from lockflow.report.as_rows import Problem, alike, floor_notes, likewise, message, problems, rows
from lockflow.report.assemble import assemble, platform_report
from lockflow.report.evidence import python_range
from lockflow.report.model import Executed, PlatformReport, Report
from lockflow.report.write import SUMMARY_FILES, read_platform_report, report_path, write_platform_report, write_summary
from lockflow.resolve.drive import fetch_listings
from lockflow.standards.requirements import Registry
from lockflow.standards.versions import Version
from lockflow.steps import Network, Target, cache_of, canonical, connector, digest, inputs

__all__ = [  # the steps, and what the roof needs to say what came of them
    "REPORTS",
    "SUMMARY_FILES",
    "Problem",
    "alike",
    "as_json",
    "check",
    "floor_notes",
    "keep",
    "likewise",
    "message",
    "problems",
    "python_range",
    "report",
    "report_path",
    "rows",
]

REPORTS = "reports"
_USUAL = Network()


def check(
    target: Target,
    platforms: Sequence[str] = (),
    *,
    pythons: Sequence[str] = (),
    network: Network = _USUAL,
    previous: Path | None = None,
    executor: Executor | None = None,
    level: Level | None = None,
    open_engine: OpenEngine | None = None,
    watch: Watch = NOBODY,
    is_kept: bool = True,
) -> Report:
    """Check the lock for `platforms` (default: those of the settings), write a report on each, return them all.

    What the wheels need of a system is compared with the lock at `previous`, by default that of the last commit.
    `executor` and `level` replace the settings; `open_engine` opens a container engine where one is asked for. `watch`
    hears what is checked where. No report is written where none `is_kept`.

    Raises AnswerIsNo where there is no lock, EngineError where the engine that is asked for does not answer; a
    platform that fails, or whose check breaks, is part of the report.
    """
    read = inputs(target)
    text = read_lock_text(read.lock_path)
    if text is None:
        raise AnswerIsNo("there is no lock to check", where=str(read.lock_path), next="run `lockflow lock` first")
    settings = read.manifest.settings
    graph = graph_of(decode(text, str(read.lock_path)))
    defined = read_platforms(platforms or settings.platforms, read.root)
    versions = pythons_to_check(read.manifest.requires_python, tuple(pythons) or settings.python_versions)
    before = _graph_before(read, text, previous)
    connect = connector(read, network, target.environment)
    at_hand = connector(read, replace(network, offline=True), target.environment)
    chosen = tuple(entry.platform for entry in defined)
    stated = _stated(graph.lock, settings, at_hand)
    judge = Judge(graph, versions, settings, connect, before, stated, lambda: (*chosen, *_promised(read)))
    engine, reached, note = engine_for(settings, executor, level, open_engine)
    if engine is None:
        outcomes = run_checks(chosen, judge, level="tags", watch=watch)
    else:
        proof = Proof(read=read, text=text, graph=graph, platforms=chosen, pythons=versions, level=reached)
        cache = cache_of(network, target.environment)
        try:
            found = prove(proof, engine, connect, cache, target.environment, judge.policy, judge.informed, watch)
        finally:
            engine.close()
        outcomes = tuple(map(judge.with_floor, found, chosen))
    lock_digest, inputs_digest = digest(text.encode()), digest(canonical(read))
    executed: Executed = "process" if engine is None else "docker"
    notes = (note,) if note else ()
    reports = [
        platform_report(outcome, lock=lock_digest, inputs=inputs_digest, executor=executed, notes=notes)
        for outcome in outcomes
    ]
    joined = assemble(reports, lock=lock_digest, inputs=inputs_digest)
    if is_kept:
        keep(target, joined)
    return joined


def keep(target: Target, report: Report) -> tuple[Path, ...]:
    """Put the reports on platforms on disk, in place of those of earlier checks; return their paths."""
    folder = inputs(target).root / REPORTS
    return tuple(write_platform_report(folder, platform) for platform in report.platforms)


def report(target: Target, platforms: Sequence[str] = ()) -> Report:
    """Join the reports that checks left on disk, write the summary, and return what it says.

    A platform that was not checked, or checked for another lock, is `broken`.
    """
    read = inputs(target)
    text = read_lock_text(read.lock_path)
    if text is None:
        raise AnswerIsNo("there is no lock to report on", where=str(read.lock_path), next="run `lockflow lock` first")
    folder = read.root / REPORTS
    defined = read_platforms(platforms or read.manifest.settings.platforms, read.root)
    reports: list[PlatformReport] = [
        read_platform_report(report_path(folder, entry.platform.name)) for entry in defined
    ]
    joined = assemble(reports, lock=digest(text.encode()), inputs=digest(canonical(read)))
    write_summary(folder, joined, title=_title(read))
    return joined


def _stated(lock: Lock, settings: Settings, connect: Callable[[], IndexClient]) -> Mapping[tuple[str, Version], str]:
    """The packages' own Requires-Python, which a lock does not have, from the index pages in the cache."""
    names = sorted({package.name for package in lock.packages if isinstance(package.source, Registry)})
    indexes = [index for index in settings.indexes if not index.is_flat]
    return stated_pythons(lock, fetch_listings(connect, names, indexes)) if names and indexes else {}


def _promised(read: ReadResult) -> tuple[Platform, ...]:
    """The platforms of the settings; none where the settings name one that nobody defines, which others complain of."""
    try:
        return tuple(entry.platform for entry in read_platforms(read.manifest.settings.platforms, read.root))
    except InputError:
        return ()


def _graph_before(read: ReadResult, text: str, previous: Path | None) -> Graph | None:
    """The lock to compare with; that of the last commit has no say where it is this one or cannot be read."""
    if previous is not None:
        given = read_lock_text(previous)
        if given is None:
            raise InputError("there is no such lock to compare with", where=str(previous), next="check --previous")
        return graph_of(decode(given, str(previous)))
    committed = committed_lock_text(read.lock_path)
    if committed is None or committed == text:
        return None
    try:
        return graph_of(decode(committed, f"{read.lock_path} of the last commit"))
    except LockflowError:
        return None


def _title(read: ReadResult) -> str:
    """The project's name, for people."""
    named = next((member.name for member in read.manifest.members if member.path == "."), "")
    return named or read.lock_path.parent.name
