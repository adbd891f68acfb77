"""Resolve, look at every platform, hold back what lost one, and again: until all hold that held before."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from lockflow.errors import AnswerIsNo, InputError
from lockflow.lock.as_preferences import preferences_from_lock
from lockflow.lock.diff import changes
from lockflow.lock.model import Lock
from lockflow.refreshing.limits import Ceiling, Limit, Loss, ceilings
from lockflow.refreshing.losses import Losses
from lockflow.refreshing.outlook import Outlook, names_on_an_index, plain, uploaded
from lockflow.report.refreshed import HeldBack, Waiting
from lockflow.resolve.drive import Progress
from lockflow.resolve.preferences import Preferences
from lockflow.standards.names import normalize_name
from lockflow.standards.requirements import Requirement
from lockflow.steps import Walk

_MOST_ROUNDS = 60
_MORE_TRIES = 20


class Rounds:
    """The lock that comes of a refresh, and why it is not a newer one.

    `packages` are to move (none: all), at most so many of them, within a ceiling.
    """

    def __init__(
        self,
        walk: Walk,
        old: Lock | None,
        progress: Progress | None,
        *,
        packages: Sequence[str],
        at_most: int | None,
        only: Ceiling,
    ) -> None:
        self.walk = walk
        self.packages = packages
        self.at_most = at_most
        self.only = only
        self.progress = progress
        self.limits: dict[str, Limit] = {}
        self.reasons: dict[str, list[Loss]] = {}
        self.waiting: tuple[Waiting, ...] = ()
        self.outlook = Outlook(walk)
        self.base = self._base(old)
        self.outlook.look([] if self.base is None else names_on_an_index(self.base), afresh=True)
        self.yanked = {} if self.base is None else self.outlook.yanked(self.base)
        self.losses = Losses(self.outlook, self.base)

    def _base(self, old: Lock | None) -> Lock | None:
        """The lock that versions are compared with: the old one, where need be brought up to date with the inputs."""
        if old is None:
            return None
        validation = self.walk.validation(old)
        if not validation.reasons:
            return old
        return self.walk.resolved(preferences_from_lock(old, reuse=validation.reuse), (), self.progress)

    def refreshed(self) -> Lock:
        """The lock after the refresh."""
        base = self.base
        named = self._named()
        if base is None:
            return self.holding(Preferences())
        if self.at_most is not None:
            return self._gradually(base, named, self.at_most)
        if named is None:
            return self.holding(Preferences())
        return self.holding(preferences_from_lock(base, upgrade=named | {name for name, _ in self.yanked}))

    def _named(self) -> frozenset[str] | None:
        """The packages asked for, None for all."""
        if not self.packages:
            return None
        known = set() if self.base is None else {package.name for package in self.base.packages}
        names = [normalize_name(name) for name in self.packages]
        unknown = [name for name in names if name not in known]
        if unknown:
            close = [match for name in unknown for match in difflib.get_close_matches(name, sorted(known), n=1)]
            raise InputError(
                f"the lock has no package {', '.join(unknown)}",
                where=str(self.walk.read.lock_path),
                next=f"did you mean {', '.join(close)}?" if close else "`lockflow tree` shows what it has",
            )
        return frozenset(names)

    def _gradually(self, base: Lock, named: frozenset[str] | None, at_most: int) -> Lock:
        """Move as many packages as allowed: those that were yanked first, then those that have waited longest."""
        upgrade = Preferences() if named is None else preferences_from_lock(base, upgrade=named)
        whole = self.holding(upgrade)
        wanted = [change for change in changes(base, whole) if change.old and change.new]
        uploads = {package.name: uploaded(package) for package in base.packages}
        yanked = {name for name, _ in self.yanked}
        wanted.sort(key=lambda change: (change.name not in yanked, uploads.get(change.name, ""), change.name))
        chosen: frozenset[str] = frozenset()
        best, reasons, tries = base, dict[str, str](), at_most + _MORE_TRIES
        for change in wanted:
            if len(chosen) >= at_most or not tries:
                break
            if change.name in chosen:
                continue
            tries -= 1
            lock = self.holding(preferences_from_lock(base, upgrade=chosen | {change.name}))
            moved = frozenset(entry.name for entry in changes(base, lock) if entry.old and entry.new)
            if len(moved) > at_most:
                reasons[change.name] = f"it would move {len(moved)} packages"
            elif change.name in moved:
                best, chosen = lock, moved
            else:
                reasons[change.name] = "it moves only together with others"
        usual = f"at most {at_most} at a time"
        self.waiting = tuple(
            Waiting(
                name=change.name, old=plain(change.old), new=plain(change.new), reason=reasons.get(change.name, usual)
            )
            for change in wanted
            if change.name not in chosen
        )
        return best

    def holding(self, preferences: Preferences) -> Lock:
        """Resolve until no platform is lost, or nothing more can be done about it."""
        untried: list[Loss] = []
        for _ in range(_MOST_ROUNDS):
            try:
                lock = self.walk.resolved(preferences, self._requirements(), self.progress)
            except AnswerIsNo:
                if not untried:
                    raise
                for loss in untried:
                    self._take_back(loss)
                # One of several at fault: the others come back in the next round.
                self.losses.helpless.add((untried[0].finding.package, untried[0].finding.version))
                untried = []
                continue
            untried = self._new_limits(self.losses.of(lock))
            if not untried:
                return lock
        raise AnswerIsNo(
            "no set of newer versions holds on every platform",
            where=str(self.walk.read.lock_path),
            why=f"after {_MOST_ROUNDS} rounds, {', '.join(sorted(self.limits))} were held back and others still fail",
            next="refresh a few packages by name, or fewer at a time with --at-most",
        )

    def _requirements(self) -> list[Requirement]:
        exempt = frozenset(name for name, _ in self.yanked)
        packages = () if self.base is None else self.base.packages
        limits = (limit.requirement() for limit in self.limits.values())
        return [*ceilings(packages, self.only, exempt), *limits]

    def _new_limits(self, losses: Sequence[Loss]) -> list[Loss]:
        """Tighten limits; return the losses by which they became tighter."""
        tightened = []
        for loss in losses:
            if loss.limit is None:
                self.losses.helpless.add((loss.finding.package, loss.finding.version))
                continue
            known = self.limits.get(loss.held)
            if known is None or loss.limit.upper < known.upper:
                self.limits[loss.held] = loss.limit
                tightened.append(loss)
            elif set(loss.limit.excluded) - set(known.excluded):
                excluded = tuple(sorted({*known.excluded, *loss.limit.excluded}))
                self.limits[loss.held] = Limit(name=loss.held, upper=known.upper, excluded=excluded)
                tightened.append(loss)
            told = self.reasons.setdefault(loss.held, [])
            if not any((entry.version, entry.spot) == (loss.version, loss.spot) for entry in told):
                told.append(loss)
        return tightened

    def _take_back(self, loss: Loss) -> None:
        self.limits.pop(loss.held, None)
        self.reasons.pop(loss.held, None)

    # What is told

    def held_back(self, lock: Lock) -> tuple[HeldBack, ...]:
        """Who was held back. Raises AnswerIsNo where a platform is lost all the same."""
        left = [] if self.base is None else self.losses.left(lock)
        if left:
            raise AnswerIsNo(
                "the refresh would lose a platform",
                where=str(self.walk.read.lock_path),
                why="\n".join(left),
                next="refresh other packages by name; `lockflow check` says more once the lock has them",
            )
        versions: dict[str, list[str]] = {}
        for package in lock.packages:
            versions.setdefault(package.name, []).append(str(package.version))
        held: dict[tuple[str, str, str, str], list[str]] = {}
        for name, losses in self.reasons.items():
            for loss in losses:
                held.setdefault((name, str(loss.version), loss.spot[0], loss.reason), []).append(loss.spot[1])
        return tuple(
            HeldBack(
                name=name,
                version=version,
                kept=tuple(versions.get(name, ())),
                platform=platform,
                pythons=tuple(dict.fromkeys(pythons)),
                reason=reason,
            )
            for (name, version, platform, reason), pythons in sorted(held.items())
            if version not in versions.get(name, ())
        )
