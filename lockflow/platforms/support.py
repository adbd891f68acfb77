"""What the locked packages really support, against what a project claims: doubts to tell when a lock is made.

The resolver follows uv in ignoring the upper bounds of a package's own Requires-Python, and in being content with one
wheel anywhere; so a lock may promise Pythons and platforms that it cannot keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lockflow.index.model import Listing
from lockflow.lock.model import Lock, Package
from lockflow.platforms.coverage import Policy, admits_python, best_wheel, cover, wheels_of
from lockflow.platforms.model import Coverage, Platform, Status
from lockflow.platforms.selection import graph_of
from lockflow.standards.requirements import Registry
from lockflow.standards.specifiers import InvalidSpecifier, Specifiers
from lockflow.standards.versions import Version

_MOST = 5

Stated = Mapping[tuple[str, Version], str]
"""Requires-Python by name and version."""


def stated_pythons(lock: Lock, listings: Mapping[str, Listing]) -> Stated:
    """Take the Requires-Python of the locked files from index pages, as far as these are at hand and state it."""
    stated: dict[tuple[str, Version], str] = {}
    for package in lock.packages:
        listing = listings.get(package.name)
        if listing is None or package.version is None or not isinstance(package.source, Registry):
            continue
        for release in listing.releases:
            if release.version == package.version:
                texts = (file.requires_python for file in release.files if file.yanked is False)
                text = next((text for text in texts if text is not None), None)
                if text is not None:
                    stated[package.name, package.version] = text
    return stated


def doubts(lock: Lock, platforms: Sequence[Platform], pythons: Sequence[str], stated: Stated) -> tuple[str, ...]:
    """Say in sentences which packages do not support all of `pythons`, and which have nothing to install somewhere.

    Costs next to nothing where no package is doubtful by itself, whatever the markers say.
    """
    among = frozenset(
        index for index, package in enumerate(lock.packages) if _is_doubtful(package, platforms, pythons, stated)
    )
    if not among:
        return ()
    graph, policy = graph_of(lock), Policy(requires_python=stated)
    coverages = [cover(graph, platform, python, policy, among) for platform in platforms for python in pythons]
    return (*_of_pythons(lock, coverages, stated), *_of_platforms(coverages))


def _is_doubtful(package: Package, platforms: Iterable[Platform], pythons: Sequence[str], stated: Stated) -> bool:
    if not isinstance(package.source, Registry) or package.version is None:
        return False
    text = stated.get((package.name, package.version))
    if text is not None and not all(admits_python(text, python) for python in pythons):
        return True
    if package.sdist is not None:
        return False
    wheels = wheels_of(package)
    # Most packages have a wheel for everything, which the first tags tell.
    if any(name.platform_tags == ("any",) and name.python_tags[0].startswith("py3") for _, name in wheels):
        return False
    return any(all(best_wheel(wheels, platform, python) is None for python in pythons) for platform in platforms)


def _of_pythons(lock: Lock, coverages: Iterable[Coverage], stated: Stated) -> Iterable[str]:
    narrow: dict[tuple[str, Version], None] = {}
    for coverage in coverages:
        for finding in coverage.findings:
            if finding.status is Status.PYTHON and finding.version is not None:
                narrow[finding.package, finding.version] = None
    if not narrow:
        return
    named = [f"{name} {version} ({stated[name, version]})" for name, version in sorted(narrow)]
    claimed = lock.requires_python.text
    true = true_range(claimed, [stated[key] for key in narrow])
    advice = f'true would be requires-python = "{true}"' if true else "no Python is supported by all of them"
    yield f'requires-python = "{claimed}" promises more than the locked packages support: {_list(named)}; {advice}'


def true_range(claimed: str, stated: Iterable[str]) -> str:
    """Narrow a project's range to what all of some packages support; empty where nothing is left."""
    try:
        both = Specifiers.parse(claimed).range
    except InvalidSpecifier:
        return ""
    texts = dict.fromkeys([claimed])
    for text in stated:
        both &= Specifiers.parse(text).range
        texts[text] = None
    if both.is_empty:
        return ""
    # A range with holes has no form as one specifier of ours; all of them together have.
    return ",".join(texts) if " | " in both.text else both.text


def _of_platforms(coverages: Iterable[Coverage]) -> Iterable[str]:
    """Name packages that have nothing on a platform for any Python; one that lacks some Pythons is a check's affair."""
    by_platform: dict[str, dict[str, set[bool]]] = {}
    for coverage in coverages:
        packages = by_platform.setdefault(coverage.platform, {})
        for finding in coverage.findings:
            name = finding.package if finding.version is None else f"{finding.package} {finding.version}"
            packages.setdefault(name, set()).add(finding.status is Status.MISSING)
    for platform, packages in by_platform.items():
        names = sorted(name for name, states in packages.items() if states == {True})
        if names:
            yield f"nothing can be installed on {platform} of {_list(names)}: see `lockflow check {platform}`"


def _list(words: Sequence[str]) -> str:
    rest = len(words) - _MOST
    return ", ".join(words) if rest <= 0 else f"{', '.join(words[:_MOST])} and {rest} more"
