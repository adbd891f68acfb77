"""What of a lock is asked for, and what comes out: packages, each with the marker under which it is installed."""

from __future__ import annotations

from msgspec import Struct

from lockflow.lock.model import Package
from lockflow.standards.markers.tree import TRUE, Marker


class Wish(Struct, frozen=True, kw_only=True):
    """What is asked for, in the words of the flags; names are normalised.

    `project` is the member in whose folder the question was asked, None at a root without a project. `defaults` are
    the groups that count as asked for, True for all groups. `prune` names packages that are left out with what only
    they require; those in `left_out` are not told, while what they require is.
    """

    project: str | None = None
    packages: tuple[str, ...] = ()
    all_packages: bool = False
    extras: tuple[str, ...] = ()
    all_extras: bool = False
    no_extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    all_groups: bool = False
    no_groups: tuple[str, ...] = ()
    only_groups: tuple[str, ...] = ()
    defaults: tuple[str, ...] | bool = ()
    prune: frozenset[str] = frozenset()
    without_project: bool = False
    without_workspace: bool = False
    without_local: bool = False
    left_out: frozenset[str] = frozenset()

    @property
    def is_production(self) -> bool:
        """Whether projects themselves are asked for, not some of their groups only."""
        return not self.only_groups

    @property
    def is_whole(self) -> bool:
        """Whether the workspace is asked for, or the script, with what it requires beside its projects."""
        return self.all_packages or (self.project is None and not self.packages)

    def has_group(self, name: str) -> bool:
        """Whether the group `name` of any root is asked for; leaving out beats asking."""
        if name in self.no_groups:
            return False
        if name in self.groups or name in self.only_groups or (self.all_groups and self.is_production):
            return True
        return self.is_production and (self.defaults if isinstance(self.defaults, bool) else name in self.defaults)

    def has_extra(self, name: str) -> bool:
        """Whether the extra `name` of any root is asked for."""
        return name in self.extras or (self.all_extras and name not in self.no_extras)


class Entry(Struct, frozen=True, kw_only=True):
    """A package that is installed where `marker` holds; `dependents` are the names of those that require it."""

    package: Package
    marker: Marker = TRUE
    dependents: tuple[str, ...] = ()
