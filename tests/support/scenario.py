"""A small world of packages in TOML or in Python, and the solver run on it without any I/O."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from lockflow.index.model import Absent, File, Listing, Metadata, Release
from lockflow.inputs.model import Index, Manifest, Member, Settings
from lockflow.resolve.facts import Facts, ListingNeed, MetadataNeed, Need
from lockflow.resolve.policy import Policy
from lockflow.resolve.preferences import Preferences
from lockflow.resolve.resolution import Resolution
from lockflow.resolve.solve import Failure, Solver
from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.render import render
from lockflow.standards.markers.simplify import simplify_python
from lockflow.standards.python_range import python_range
from lockflow.standards.requirements import Requirement, RequiresPython, parse_requirement
from lockflow.standards.versions import Version

INDEX = "https://index.example/simple"
_USUAL = Settings()


@dataclass
class World:
    """Packages by name and version; `wheels` default to one universal wheel and no sdist."""

    releases: dict[str, dict[str, Metadata]] = field(default_factory=dict)
    files: dict[tuple[str, str], tuple[File, ...]] = field(default_factory=dict)

    def add(
        self,
        name: str,
        version: str,
        *requires: str,
        requires_python: str | None = None,
        files: Sequence[str] = (),
        extras: Sequence[str] = (),
        listed_python: bool = True,
        yanked: bool | str = False,
    ) -> World:
        """Add one release; returns the world, so that calls chain."""
        self.releases.setdefault(name, {})[version] = Metadata(
            name=name,
            version=Version.parse(version),
            requires_dist=tuple(parse_requirement(text) for text in requires),
            requires_python=requires_python,
            provides_extras=tuple(extras),
        )
        filename = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
        self.files[name, version] = tuple(
            File(
                filename=file,
                url=f"https://files.example/{file}",
                requires_python=requires_python if listed_python else None,
                yanked=yanked,
            )
            for file in sorted(files or [filename])
        )
        return self

    def answer(self, need: Need) -> Listing | Metadata | Absent:
        """What an index would answer."""
        if isinstance(need, ListingNeed):
            if need.name not in self.releases:
                return Absent(kind="not-found")
            versions = sorted(map(Version.parse, self.releases[need.name]))
            releases = [Release(v, 0, files=self.files[need.name, v.text]) for v in versions]
            return Listing(name=need.name, index=INDEX, releases=tuple(releases))
        assert isinstance(need, MetadataNeed)
        return self.releases[need.name][need.version.text]


def manifest(
    dependencies: Sequence[str],
    *,
    requires_python: str = ">=3.9",
    extras: Mapping[str, Sequence[str]] | None = None,
    constraints: Sequence[str] = (),
    environments: Sequence[str] | None = None,
    required_environments: Sequence[str] | None = None,
    settings: Settings = _USUAL,
) -> Manifest:
    """A project `root-proj` 0.1.0 with these dependencies, locked against one index."""
    requirements: list[Requirement] = [parse_requirement(text) for text in dependencies]
    for extra, texts in (extras or {}).items():
        requirements += [parse_requirement(_for_extra(text, extra)) for text in texts]
    python = RequiresPython(text=requires_python, range=python_range(requires_python))
    member = Member(
        name="root-proj",
        path=".",
        version=Version.parse("0.1.0"),
        install="virtual",
        requires_python=python,
        requires_dist=tuple(requirements),
        provides_extras=tuple(extras or {}),
    )
    return Manifest(
        members=(member,),
        requires_python=python,
        constraints=tuple(map(parse_requirement, constraints)),
        environments=None if environments is None else tuple(map(parse_marker, environments)),
        required_environments=None
        if required_environments is None
        else tuple(map(parse_marker, required_environments)),
        settings=replace(settings, indexes=(Index(url=INDEX, is_default=True),)),
    )


def solve(
    project: Manifest, world: World, preferences: Preferences | None = None, *, shuffle: random.Random | None = None
) -> tuple[Resolution | Failure, Solver]:
    """Run the solver to its answer. With `shuffle`, facts come early and in any order."""
    preferences = preferences or Preferences()
    facts = Facts()
    wanted: list[Need] = []
    solver = Solver(Policy(project, preferences), preferences, facts, wanted.append)
    while True:
        outcome = solver.advance(shuffle.randint(1, 5) if shuffle else 1 << 62)
        if isinstance(outcome, (Resolution, Failure)):
            return outcome, solver
        if isinstance(outcome, Need):
            facts.add(outcome, world.answer(outcome))
        if shuffle is not None:
            shuffle.shuffle(wanted)
            for need in [wanted.pop() for _ in range(shuffle.randint(0, len(wanted)))]:
                facts.add(need, world.answer(need))
                if isinstance(need, ListingNeed):
                    solver.ahead.listed(need.name)


def versions(resolution: Resolution | Failure) -> dict[str, list[str]]:
    """The versions chosen, by name; fails the test where there is no solution."""
    assert isinstance(resolution, Resolution)
    found: dict[str, list[str]] = {}
    for distribution in resolution.distributions:
        if distribution.name != "root-proj" and distribution.version is not None:
            found.setdefault(distribution.name, []).append(distribution.version.text)
    return {name: sorted(texts) for name, texts in sorted(found.items())}


def forks(resolution: Resolution | Failure) -> list[str | None]:
    """The markers of the forks in the order in which they were solved."""
    assert isinstance(resolution, Resolution)
    return [render(simplify_python(marker.full, python_range(">=3.9"))) for marker in resolution.fork_markers]


def _for_extra(text: str, extra: str) -> str:
    requirement, separator, marker = text.partition(";")
    condition = f"extra == '{extra}'"
    return f"{requirement} ; ({marker}) and {condition}" if separator else f"{requirement} ; {condition}"
