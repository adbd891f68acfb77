from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lockflow.inputs.model import Group
from lockflow.lock.model import Lock, LockManifest
from lockflow.platforms.environment import environment
from lockflow.platforms.model import Platform
from lockflow.platforms.read import read_platforms
from lockflow.platforms.selection import graph_of, refusal, selected
from lockflow.standards.markers.evaluate import Environment, evaluate
from lockflow.standards.markers.tree import extra_equals
from lockflow.standards.markers.universal import conflict_world, encode_conflict
from lockflow.standards.requirements import Directory
from support.small_locks import lock, package, project, requirement

LINUX, DARWIN, WINDOWS = (defined.platform for defined in read_platforms(["linux/amd64", "darwin", "windows/amd64"]))


def names(lock: Lock, platform: Platform = LINUX, python: str = "3.12.1") -> list[str]:
    """What applies, without the project itself, as `name` or `name version` where the lock has several."""
    graph = graph_of(lock)
    found = [lock.packages[index] for index in selected(graph, environment(platform, python))]
    count = [item.name for item in lock.packages].count
    return [
        item.name if count(item.name) == 1 else f"{item.name} {item.version}" for item in found if item.name != "app"
    ]


def test_markers_along_the_path_decide() -> None:
    lock_ = lock(
        project("a ; sys_platform == 'linux'", "b"),
        package("a", "1.0", "c"),
        package("b", "1.0", "d ; sys_platform == 'win32'", "e ; python_full_version < '3.12'"),
        package("c"),
        package("d"),
        package("e"),
    )

    assert names(lock_, LINUX) == ["a", "b", "c"]
    assert names(lock_, WINDOWS) == ["b", "d"]
    assert names(lock_, DARWIN, "3.11.9") == ["b", "e"]


def test_all_extras_and_groups_of_a_member_count() -> None:
    lock_ = lock(
        project("a", extras={"x": ["b"]}, groups={"dev": ["c"]}),
        package("a", "1.0", extras={"y": ["d"]}),
        package("b"),
        package("c", "1.0", "a[y]"),
        package("d"),
    )

    assert names(lock_) == ["a", "b", "c", "d"]


def test_an_extra_that_nothing_asks_for_does_not_apply() -> None:
    lock_ = lock(
        project("a", "b[y] ; sys_platform == 'win32'", "b"),
        package("a"),
        package("b", "1.0", extras={"y": ["c"]}),
        package("c"),
    )

    assert names(lock_, LINUX) == ["a", "b"]
    assert names(lock_, WINDOWS) == ["a", "b", "c"]


def test_two_versions_of_a_package_apply_where_their_edges_say() -> None:
    lock_ = lock(
        project("a==1 ; sys_platform == 'linux'", "a==2 ; sys_platform != 'linux'"),
        package("a", "1"),
        package("a", "2"),
    )

    assert names(lock_, LINUX) == ["a 1"]
    assert names(lock_, DARWIN) == ["a 2"]


def test_members_of_a_workspace_are_all_installed() -> None:
    lock_ = lock(
        package("one", "0.1", "a", source=Directory(path="one", install="editable")),
        package("two", "0.1", "b", source=Directory(path="two", install="virtual")),
        package("vendored", "0.1", "c", source=Directory(path="vendored")),
        package("a"),
        package("b"),
        package("c"),
    )
    lock_ = replace(lock_, manifest=LockManifest(members=("one", "two")))

    assert names(lock_) == ["a", "b", "one", "two"]


def test_requirements_and_groups_of_a_script_are_where_it_begins() -> None:
    lock_ = lock(
        package("a", "1.0", forks=["sys_platform == 'linux'"]),
        package("a", "2.0", forks=["sys_platform != 'linux'"]),
        package("b", "1.0", extras={"x": ["c"]}),
        package("c"),
        package("d"),
        package("unrelated"),
    )
    manifest = LockManifest(
        requirements=(requirement("a"), requirement("b[x] ; sys_platform == 'linux'")),
        groups=(Group(name="dev", requirements=(requirement("d"),)),),
    )
    lock_ = replace(lock_, manifest=manifest)

    assert names(lock_, LINUX) == ["a 1.0", "b", "c", "d"]
    assert names(lock_, DARWIN) == ["a 2.0", "d"]


def test_both_sides_of_a_conflict_apply_but_no_path_through_both() -> None:
    lock_ = lock(
        project("w", extras={"cpu": ["a==1"], "gpu": ["a==2"]}),
        package("a", "1"),
        package("a", "2"),
        package("both"),
        package("neither"),
        package(
            "w",
            "1.0",
            "both ; extra == 'extra-3-app-cpu' and extra == 'extra-3-app-gpu'",
            "neither ; extra != 'extra-3-app-cpu' and extra != 'extra-3-app-gpu'",
        ),
        conflicts=[[("extra", "cpu"), ("extra", "gpu")]],
    )

    assert names(lock_) == ["a 1", "a 2", "neither", "w"]


def test_a_path_from_a_conflicting_extra_needs_that_extra_all_along() -> None:
    lock_ = lock(
        project(extras={"cpu": ["w"], "gpu": ["v"]}),
        package("a"),
        package("v"),
        package("w", "1.0", "a ; extra == 'extra-3-app-gpu'"),
        conflicts=[[("extra", "cpu"), ("extra", "gpu")]],
    )

    assert names(lock_) == ["v", "w"]


@pytest.mark.parametrize(
    ("python", "platform", "words"),
    [
        ("3.10.4", LINUX, "outside requires-python"),
        ("3.12.1", DARWIN, "environments"),
        ("3.12.1", LINUX, ""),
    ],
)
def test_a_lock_refuses_what_it_was_not_made_for(python: str, platform: Platform, words: str) -> None:
    lock_ = lock(project(), environments=["sys_platform == 'linux'", "sys_platform == 'win32'"])

    reason = refusal(lock_, environment(platform, python))

    assert (words in reason) if words else reason == ""


MARKERS = [
    "",
    "sys_platform == 'linux'",
    "sys_platform != 'linux'",
    "python_full_version < '3.12'",
    "extra == 'extra-3-app-x'",
    "extra != 'extra-3-app-x'",
    "extra == 'extra-3-app-y' or sys_platform == 'darwin'",
    "extra != 'extra-3-app-x' and extra != 'group-3-app-g'",
    "extra == 'group-3-app-g' or extra == 'project-3-app'",
]
CONFLICTS = [
    [],
    [[("extra", "x"), ("extra", "y")]],
    [[("extra", "x"), ("extra", "y")], [("extra", "x"), ("group", "g")]],
    [[("project", None), ("group", "g")]],
]


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    count = draw(st.integers(1, 5))
    known = [f"p{index}" for index in range(count)]

    def required() -> list[str]:
        pairs = st.tuples(st.sampled_from(known), st.sampled_from(["", "[e]"]), st.sampled_from(MARKERS))
        chosen = draw(st.lists(pairs, max_size=3))
        return [f"{name}{extra} ; {marker}" if marker else f"{name}{extra}" for name, extra, marker in chosen]

    packages = [package(name, "1.0", *required(), extras={"e": required()}) for name in known]
    root = project(*required(), extras={"x": required(), "y": required()}, groups={"g": required()})
    return lock(root, *packages, conflicts=draw(st.sampled_from(CONFLICTS)))


def by_trying_everything(lock_: Lock, values: Environment) -> set[int]:
    """Every choice of conflicting items that the conflicts allow, and for each a plain walk."""
    index_of = {item.name: index for index, item in enumerate(lock_.packages)}
    sets = [[encode_conflict(item.package, item.kind, item.name) for item in items] for items in lock_.conflicts]
    # Items that no conflict declares are free variables of a marker, since nothing speaks for or against them.
    variables = ["extra-3-app-x", "extra-3-app-y", "group-3-app-g", "project-3-app"]
    declared = {item for items in sets for item in items}
    found: set[int] = set()
    for choice in product([False, True], repeat=len(variables)):
        on = frozenset(name for name, is_on in zip(variables, choice, strict=True) if is_on)
        if not evaluate(conflict_world(sets), values, on):
            continue
        seen: set[tuple[int, str]] = set()
        root = index_of["app"]
        waiting = []
        for part in ("", "extra x", "extra y", "group g"):
            kind, _, name = part.partition(" ")
            item = f"{kind}-3-app-{name}" if part else "project-3-app"
            if item not in declared or item in on:
                waiting.append((root, part))
        while waiting:
            node = waiting.pop()
            if node in seen:
                continue
            seen.add(node)
            parent = lock_.packages[node[0]]
            kind, _, name = node[1].partition(" ")
            tables = {"": parent.dependencies, "extra": dict(parent.optional_dependencies).get(name, ())}
            tables["group"] = dict(parent.dev_dependencies).get(name, ())
            for dependency in tables[kind]:
                if evaluate(dependency.marker.full, values, on):
                    target = index_of[dependency.name]
                    waiting.append((target, ""))
                    waiting.extend((target, f"extra {extra}") for extra in dependency.extras)
        found |= {index for index, part in seen if not part.startswith("group")}
    return found


@settings(max_examples=60, deadline=None)
@given(lock_=locks(), platform=st.sampled_from([LINUX, DARWIN]), python=st.sampled_from(["3.11.1", "3.13.0"]))
def test_selection_agrees_with_trying_everything(lock_: Lock, platform: Platform, python: str) -> None:
    values = environment(platform, python)

    assert set(selected(graph_of(lock_), values)) == by_trying_everything(lock_, values)


def test_conflicting_names_are_those_of_the_lock() -> None:
    assert extra_equals(encode_conflict("app", "extra", "x")) is extra_equals("extra-3-app-x")
