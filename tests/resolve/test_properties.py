"""Laws of the solver, on small random worlds: it agrees with trying everything, and the order of facts is no matter."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from lockflow.resolve.resolution import Resolution
from lockflow.standards.markers.evaluate import evaluate
from lockflow.standards.requirements import Registry, Requirement, parse_requirement
from lockflow.standards.versions import Version
from support.scenario import World, manifest, solve

NAMES = ("alpha", "beta", "gamma", "delta")
VERSIONS = ("1.0", "2.0", "3.0")
BOUNDS = ("", ">=2", "<2", "<3", "==1.0", "==2.0", "!=2.0", ">=3")
MARKERS = (
    "sys_platform == 'linux'",
    "sys_platform != 'linux'",
    "sys_platform == 'win32'",
    "python_version >= '3.11'",
    "python_version < '3.11'",
)
ENVIRONMENTS = [
    {"sys_platform": system, "python_full_version": python, "python_version": python.rpartition(".")[0]}
    for system, python in itertools.product(("linux", "win32", "darwin"), ("3.9.1", "3.11.0", "3.13.2"))
]
Chosen = Mapping[str, Version]


@dataclass(frozen=True)
class Universe:
    """Requirements of the project, and those of every version of every package."""

    wanted: tuple[str, ...]
    packages: Mapping[str, Mapping[str, tuple[str, ...]]]

    def world(self) -> World:
        world = World()
        for name, versions in self.packages.items():
            for version, requires in versions.items():
                world.add(name, version, *requires)
        return world

    def requirements_of(self, chosen: Chosen) -> Iterator[Requirement]:
        for text in self.wanted:
            yield parse_requirement(text)
        for name, version in chosen.items():
            for text in self.packages[name][version.text]:
                yield parse_requirement(text)


@st.composite
def universes(draw: st.DrawFn, *, has_markers: bool = False) -> Universe:
    texts = st.tuples(st.sampled_from(NAMES), st.sampled_from(BOUNDS)).map("".join)
    if has_markers:
        conditions = st.one_of(st.just(""), st.sampled_from(MARKERS).map(lambda marker: f" ; {marker}"))
        texts = st.tuples(texts, conditions).map("".join)
    lists = st.lists(texts, max_size=2).map(tuple)
    packages = {
        name: {version: draw(lists) for version in draw(st.sets(st.sampled_from(VERSIONS), min_size=1))}
        for name in NAMES
    }
    return Universe(draw(st.lists(texts, min_size=1, max_size=3).map(tuple)), packages)


def is_met(requirement: Requirement, chosen: Chosen) -> bool:
    assert isinstance(requirement.source, Registry)
    version = chosen.get(requirement.name)
    return version is not None and requirement.source.specifiers.range.contains(version)


def is_solvable(universe: Universe) -> bool:
    """By trying every choice of versions, none included."""
    choices = [[None, *map(Version.parse, universe.packages[name])] for name in NAMES]
    for combination in itertools.product(*choices):
        chosen = {name: version for name, version in zip(NAMES, combination, strict=True) if version is not None}
        if all(is_met(requirement, chosen) for requirement in universe.requirements_of(chosen)):
            return True
    return False


def answer(universe: Universe, shuffle: random.Random | None = None) -> object:
    found, solver = solve(manifest(universe.wanted), universe.world(), shuffle=shuffle)
    if not isinstance(found, Resolution):
        return None
    edges = [(edge.parent, edge.child, edge.marker) for edge in found.edges]
    return found.nodes, edges, found.fork_markers, solver.statistics


@settings(max_examples=60, deadline=None)
@given(universes())
def test_an_answer_is_found_exactly_where_there_is_one(universe: Universe) -> None:
    found, _ = solve(manifest(universe.wanted), universe.world())
    assert isinstance(found, Resolution) == is_solvable(universe)
    if isinstance(found, Resolution):
        chosen = {node.name: node.version for node in found.nodes if node.version and node.name != "root-proj"}
        assert all(is_met(requirement, chosen) for requirement in universe.requirements_of(chosen))


@settings(max_examples=40, deadline=None)
@given(universes(has_markers=True), st.randoms(use_true_random=False))
def test_the_order_in_which_facts_arrive_changes_nothing(universe: Universe, shuffle: random.Random) -> None:
    assert answer(universe) == answer(universe, shuffle)


# With markers it is no law: one requirement less may join two forks, and what a package asks for under a marker that
# cannot hold where the package is wanted must be had all the same.
@settings(max_examples=40, deadline=None)
@given(universes(), st.data())
def test_a_solvable_case_stays_solvable_without_one_of_its_requirements(
    universe: Universe, data: st.DataObject
) -> None:
    if answer(universe) is None:
        return
    dropped = data.draw(st.sampled_from(range(len(universe.wanted))))
    fewer = Universe(universe.wanted[:dropped] + universe.wanted[dropped + 1 :], universe.packages)
    assert answer(fewer) is not None


@settings(max_examples=60, deadline=None)
@given(universes(has_markers=True))
def test_the_answer_for_all_is_an_answer_for_each_environment(universe: Universe) -> None:
    found, _ = solve(manifest(universe.wanted), universe.world())
    if not isinstance(found, Resolution):
        return
    for environment in ENVIRONMENTS:
        installed = reached(found, environment)
        chosen: dict[str, Version] = {}
        for name, version in installed:
            assert name not in chosen, f"two versions of {name} in {environment}"
            chosen[name] = version
        for requirement in universe.requirements_of(chosen):
            assert not evaluate(requirement.marker, environment) or is_met(requirement, chosen)
        asked = {entry.name for entry in universe.requirements_of(chosen) if evaluate(entry.marker, environment)}
        assert chosen.keys() <= asked


def reached(resolution: Resolution, environment: Mapping[str, str]) -> set[tuple[str, Version]]:
    """What is installed where the markers on the way hold, the project itself left out."""
    seen: set[int] = set()
    todo = [-1]
    while todo:
        parent = todo.pop()
        for edge in resolution.edges:
            holds = edge.parent == parent and edge.child not in seen
            if holds and evaluate(edge.marker.full, environment):
                seen.add(edge.child)
                todo.append(edge.child)
    nodes = [resolution.nodes[number] for number in seen]
    return {(node.name, node.version) for node in nodes if node.version is not None and node.name != "root-proj"}
