"""A uv release and what is asked of it to the words of its command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lockflow.standards.versions import Version

_PLANS = Version.parse("0.8.22")
"""The oldest release known to take `sync --frozen --dry-run` and `--python-platform` (0.6.12 refuses both)."""

_SELECTIONS = ("--all-extras", "--all-groups", "--all-packages")


def can_plan(version: str) -> bool:
    """Whether this release can plan an installation of a lock without network."""
    return Version.parse(version) >= _PLANS


def plan(
    *, left_out: Iterable[str] = (), unselected: Sequence[str] = (), script: str = "", target: str = ""
) -> tuple[str, ...]:
    """Plan the installation of a lock: no network, no build, nothing written.

    `left_out` are packages that are not to be installed, `unselected` flags as `unselected_flags` gives them, `script`
    the file whose lock it is, `target` a platform in uv's words that stands in for the machine's own.
    """
    argv = ["sync", "--frozen", "--dry-run", "--no-build", "--offline", *_scope(unselected, script)]
    if target:
        argv += ["--python-platform", target]
    return (*argv, *_left_out(left_out))


def install(*, left_out: Iterable[str] = (), unselected: Sequence[str] = (), script: str = "") -> tuple[str, ...]:
    """Install a lock: every file checked against its hash, nothing built."""
    return ("sync", "--frozen", "--no-build", *_scope(unselected, script), *_left_out(left_out))


def verify() -> tuple[str, ...]:
    """Ask whether the lock still states its project; every release takes this spelling."""
    return ("lock", "--locked")


def unselected_flags(extras: Iterable[str], groups: Iterable[str]) -> tuple[str, ...]:
    """Leave out extras and groups, because they conflict or are not for this Python."""
    return (
        *(f"--no-extra={name}" for name in sorted(set(extras))),
        *(f"--no-group={name}" for name in sorted(set(groups))),
    )


def _scope(unselected: Sequence[str], script: str) -> tuple[str, ...]:
    if script:
        return ("--script", script)
    return ("--no-install-workspace", *_SELECTIONS, *unselected)


def _left_out(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"--no-install-package={name}" for name in sorted(set(names)))
