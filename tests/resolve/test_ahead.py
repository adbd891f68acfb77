"""Looking ahead: what is wanted before the solver needs it, and what nobody would read."""

from __future__ import annotations

from lockflow.inputs.model import Manifest
from lockflow.resolve.facts import Facts, ListingNeed, MetadataNeed, Need
from lockflow.resolve.policy import Policy
from lockflow.resolve.preferences import Preferences
from lockflow.resolve.resolution import Resolution
from lockflow.resolve.solve import Solver
from support.scenario import World, manifest, versions


def look(project: Manifest, world: World) -> tuple[Resolution, dict[str, list[str]]]:
    """Solve with every wish granted after each step; gives the versions too whose metadata was wanted, by name."""
    facts, wanted = Facts(), list[Need]()
    solver = Solver(Policy(project, Preferences()), Preferences(), facts, wanted.append)
    solver.ahead.begin()
    read: dict[str, list[str]] = {}
    while not isinstance(outcome := solver.advance(1), Resolution):
        assert outcome is None or isinstance(outcome, Need)
        asked = [*wanted, *([] if outcome is None else [outcome])]
        wanted.clear()
        for need in asked:
            if facts.knows(need):
                continue
            fact = world.answer(need)
            facts.add(need, fact)
            if isinstance(need, MetadataNeed):
                read.setdefault(need.name, []).append(need.version.text)
                solver.ahead.read(world.releases[need.name][need.version.text])
            else:
                assert isinstance(need, ListingNeed)
                solver.ahead.listed(need.name)
    return outcome, read


def test_versions_for_newer_pythons_than_the_fork_are_not_read() -> None:
    world = World()
    for number in range(1, 31):
        world.add("tool", str(number), requires_python=">=3.12" if number > 10 else ">=3.9")
    found, read = look(manifest(["tool"]), world)
    assert versions(found) == {"tool": ["10", "30"]}
    assert read == {"tool": ["30", "10"]}


def test_versions_without_a_wheel_for_the_python_of_a_fork_are_not_read() -> None:
    world = World().add("other", "2", requires_python=">=3.12").add("other", "1", requires_python=">=3.9")
    for number in range(1, 31):
        tag = "cp312-cp312" if number > 10 else "py3-none"
        world.add("tool", str(number), files=[f"tool-{number}-{tag}-any.whl"])
    found, read = look(manifest(["other", "tool"]), world)
    assert versions(found)["tool"] == ["10", "30"]
    assert sorted(read["tool"]) == ["10", "30"]


def test_pins_that_never_come_to_be_tried_are_not_read() -> None:
    world = World().add("fixed", "2")
    for number in range(1, 101):
        needs = () if number == 1 else (f"inner=={number}", f"outer=={number}", "fixed<2" if number < 100 else "fixed")
        world.add("tool", str(number), *needs)
        world.add("inner", str(number)).add("outer", str(number), *(["fixed<2"] if number == 100 else []))
    found, read = look(manifest(["fixed==2", "tool"]), world)
    assert versions(found) == {"fixed": ["2"], "tool": ["1"]}
    assert len(read["tool"]) == 100
    assert len(read["inner"]) < 15


def test_pins_that_are_tried_with_their_package_are_read_ahead_and_so_are_the_versions_that_come_next() -> None:
    world = World()
    for number in range(1, 101):
        world.add("tool", str(number), f"inner=={number}")
        world.add("inner", str(number), "fixed==1" if number == 40 else "fixed==2")
    world.add("fixed", "1").add("fixed", "2")
    found, read = look(manifest(["fixed==1", "tool"]), world)
    assert versions(found) == {"fixed": ["1"], "inner": ["40"], "tool": ["40"]}
    for name in ("tool", "inner"):
        assert "50" in read[name]
        # of those below the answer no more than what is fetched ahead of the one that is tried
        assert 5 < len([text for text in read[name] if int(text) < 40]) <= 12
