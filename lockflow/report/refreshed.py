"""What a refresh did to a lock, as data: its JSON form is described in docs/refresh.md."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

REFRESH_SCHEMA = 1


class Released(Struct, frozen=True, kw_only=True):
    """One version: the day (UTC) its first file was uploaded and its age in days, where the lock knows."""

    version: str
    date: str = ""
    age_days: int | None = None


class Link(Struct, frozen=True, kw_only=True):
    """Where to read on: `kind` is changelog, source or homepage."""

    kind: str
    url: str


class Shift(Struct, frozen=True, kw_only=True):
    """A platform on which a package lost or gained wheels, and the Pythons concerned."""

    platform: str
    pythons: tuple[str, ...]


class PackageChange(Struct, frozen=True, kw_only=True):
    """One package name whose versions changed; empty `old` means added, empty `new` removed.

    `is_direct` tells that the project itself requires it; `required_by` are the packages that do now. `lost` and
    `gained` compare wheels on every platform that is defined, checked or not. `yanked` is why the old version was
    yanked, empty where it was not. `links` are those of the new version's metadata.
    """

    name: str
    old: tuple[Released, ...]
    new: tuple[Released, ...]
    is_direct: bool
    required_by: tuple[str, ...] = ()
    lost: tuple[Shift, ...] = ()
    gained: tuple[Shift, ...] = ()
    yanked: str = ""
    links: tuple[Link, ...] = ()


class HeldBack(Struct, frozen=True, kw_only=True):
    """A package that was kept from `version` because of a platform; `kept` is what the lock has now."""

    name: str
    version: str
    kept: tuple[str, ...]
    platform: str
    pythons: tuple[str, ...]
    reason: str


class Waiting(Struct, frozen=True, kw_only=True):
    """A package that a whole refresh would move, and why this one did not."""

    name: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    reason: str


class Yanked(Struct, frozen=True, kw_only=True):
    """A yanked release that is still in use."""

    name: str
    version: str
    reason: str


class Failing(Struct, frozen=True, kw_only=True):
    """A package that a platform goes without, before this refresh as after it."""

    name: str
    version: str
    platform: str
    pythons: tuple[str, ...]
    reason: str


class MovedFloor(Struct, frozen=True, kw_only=True):
    """The oldest system that a platform's wheels run on is another than it was; `packages` ask for it most."""

    platform: str
    kind: str
    old: str
    new: str
    has_risen: bool
    packages: tuple[str, ...]


class Refreshed(Struct, frozen=True, kw_only=True):
    """What came of a refresh.

    `kind` is `none` (nothing changed), `versions`, `details` (no version changed, something else did: see `notes`)
    or `format` (only how the lock is written). `file` is the name of the lock, `lock` the digest of the one that holds
    now, `cool_down` the span of the project's cut-off.
    """

    schema: int = REFRESH_SCHEMA
    kind: Literal["none", "versions", "details", "format"]
    file: str = "uv.lock"
    lock: str
    cool_down: str = ""
    changes: tuple[PackageChange, ...] = ()
    held_back: tuple[HeldBack, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    yanked: tuple[Yanked, ...] = ()
    failing: tuple[Failing, ...] = ()
    floors: tuple[MovedFloor, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """The outcome in one line, fit to be the subject of a commit."""
        words = {"none": "nothing changed", "format": "format only", "details": "no version changed"}
        if self.kind in words:
            return f"Refresh {self.file}: {words[self.kind]}"
        counts = (
            ("updated", sum(bool(change.old and change.new) for change in self.changes)),
            ("added", sum(not change.old for change in self.changes)),
            ("removed", sum(not change.new for change in self.changes)),
            ("held back", len({held.name for held in self.held_back})),
        )
        return f"Refresh {self.file}: " + ", ".join(f"{count} {word}" for word, count in counts if count)


def refreshed_as_json(refreshed: Refreshed) -> str:
    """Return the JSON, indented by two, with a newline at its end."""
    return msgspec.json.format(msgspec.json.encode(refreshed), indent=2).decode() + "\n"
