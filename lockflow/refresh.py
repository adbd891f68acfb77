"""The walk repeated: newer versions for a lock, with packages held back that would lose a platform.

Every round walks from the front door: a resolution under limits, a look at every platform, and where a package lost
one, a tighter limit on it. Limits never exclude the version that the lock has now, so the rounds end. They bound a
run and are not recorded, which is why `lock --check` accepts the outcome anywhere.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path

from msgspec import Struct

from lockflow.errors import InputError, telling
from lockflow.inputs.durations import Clock, InvalidCutoff, parse_cutoff
from lockflow.inputs.model import Manifest
from lockflow.lock.encode import encode
from lockflow.lock.files import write_lock_text
from lockflow.refreshing.committing import Repository, message
from lockflow.refreshing.limits import Ceiling
from lockflow.refreshing.rounds import Rounds
from lockflow.refreshing.telling import told
from lockflow.report.refreshed import Refreshed, refreshed_as_json
from lockflow.report.refreshed_as_markdown import refreshed_as_markdown
from lockflow.report.write import drafted_refreshed
from lockflow.resolve.drive import Progress
from lockflow.steps import Network, Target, Walk

__all__ = ["Ask", "Ceiling", "RefreshResult", "Refreshed", "refresh", "refreshed_as_json", "refreshed_as_markdown"]

_USUAL = Network()


class Ask(Struct, frozen=True, kw_only=True):
    """What a refresh is to do: everything, or `packages` alone; at most so many updates; within a ceiling.

    `cool_down` has to agree with the project's own cut-off. `branch` is made for the commit.
    """

    packages: tuple[str, ...] = ()
    at_most: int | None = None
    only: Ceiling = "major"
    cool_down: str = ""
    is_dry_run: bool = False
    report_folder: Path | None = None
    commits: bool = False
    branch: str = ""


class RefreshResult(Struct, frozen=True, kw_only=True):
    """The outcome; `reports` are the files that tell it, `commit` the commit that holds it."""

    refreshed: Refreshed
    lock_path: Path
    warnings: tuple[str, ...] = ()
    reports: tuple[Path, ...] = ()
    commit: str = ""

    @property
    def is_changed(self) -> bool:
        return self.refreshed.kind != "none"


_ALL = Ask()


def refresh(
    target: Target, ask: Ask = _ALL, *, network: Network = _USUAL, progress: Progress | None = None
) -> RefreshResult:
    """Bring the packages of a lock to newer versions that hold on every platform; write the lock, tell what changed.

    Raises AnswerIsNo where nothing that holds can be had; then the lock is as it was.
    """
    walk = Walk(target, network)
    now_ns = time.time_ns()
    cool_down = _cool_down(walk.read.manifest, ask.cool_down, now_ns)
    repository = Repository(walk.read.root, target, ask.branch) if ask.commits and not ask.is_dry_run else None
    with nullcontext() if ask.is_dry_run else walk.alone():
        old = walk.old_lock()
        rounds = Rounds(walk, old, progress, packages=ask.packages, at_most=ask.at_most, only=ask.only)
        new = rounds.refreshed()
        is_changed = new != old
        outcome = told(rounds, old, new, cool_down, now_ns)
        if ask.is_dry_run:
            return RefreshResult(refreshed=outcome, lock_path=walk.read.lock_path, warnings=walk.read.warnings)
        made: list[str] = []
        done: list[str] = []
        with telling(done), drafted_refreshed(ask.report_folder or walk.read.root / "reports", outcome) as put:
            if repository is not None and is_changed:
                made = repository.prepare()
                done += made
            if is_changed:
                write_lock_text(walk.read.lock_path, encode(new))
                done.append(f"{walk.read.lock_path.name} is new already, and stands")
            reports = put()
    commit = ""
    if repository is not None and is_changed:
        with telling([*made, f"what changed is in {reports[0]}"]):
            commit = repository.commit(walk.read.lock_path, message(outcome))
    return RefreshResult(
        refreshed=outcome, lock_path=walk.read.lock_path, warnings=walk.read.warnings, reports=reports, commit=commit
    )


def _cool_down(manifest: Manifest, asked: str, now_ns: int) -> str:
    """The span of the project's cut-off. A cut-off from elsewhere would give a lock that others find outdated."""
    cutoff = manifest.settings.cutoff
    found = "" if cutoff is None else cutoff.span or ""
    if not asked:
        return found
    try:
        wanted = parse_cutoff(asked, Clock(now_ns, lambda _: 0)).span
    except InvalidCutoff as error:
        raise InputError("the cool-down cannot be used", where="--cool-down", why=str(error)) from error
    if wanted is None:
        raise InputError("the cool-down is no span of time", where="--cool-down", next='write it like "7 days"')
    if wanted == found:
        return found
    has = "it has none" if cutoff is None else f"there it is {found or 'a fixed time'}"
    raise InputError(
        f"the project's own cut-off is not {asked}",
        where="--cool-down",
        why=f"{has}; a lock made with another one is outdated for everybody else",
        next=f'set exclude-newer = "{asked}" in [tool.uv] of pyproject.toml (or in uv.toml where that is used)',
    )
