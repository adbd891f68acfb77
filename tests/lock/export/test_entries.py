from __future__ import annotations

import pytest

from lockflow.errors import InputError
from lockflow.lock.decode import decode
from lockflow.lock.export.entries import entries
from lockflow.lock.export.model import Wish
from lockflow.lock.export.requirements import as_requirements
from lockflow.lock.export.roots import check
from lockflow.lock.model import Lock
from lockflow.standards.markers.render import render
from support.golden import load_case


def lock_of(name: str) -> Lock:
    return decode(load_case(name).expected, "uv.lock")


def names(lock: Lock, wish: Wish) -> list[str]:
    return [f"{entry.package.name} {render(entry.marker) or ''}".strip() for entry in entries(lock, wish)]


def test_a_fork_gives_each_version_its_own_marker() -> None:
    found = names(lock_of("fork"), Wish(project="app"))
    assert found[:2] == ["a sys_platform == 'win32'", "a sys_platform != 'win32'"]


def test_declared_environments_bound_every_marker() -> None:
    found = names(lock_of("environments-single"), Wish(project="app"))
    assert "a sys_platform == 'linux'" in found


def test_a_group_counts_where_it_is_asked_for_only() -> None:
    lock = lock_of("default-groups")
    plain = names(lock, Wish(project="app"))
    assert "b" not in plain
    assert "b" in names(lock, Wish(project="app", defaults=("alpha",)))
    assert names(lock, Wish(project="app", only_groups=("alpha",), defaults=True)) == ["b"]
    assert "b" not in names(lock, Wish(project="app", defaults=True, no_groups=("alpha", "zeta")))


def test_of_conflicting_extras_the_one_asked_for_decides_the_version() -> None:
    lock = lock_of("conflicts-extras")
    wish = Wish(project="app", extras=("one",))
    assert "a==1 \\" in as_requirements(entries(lock, wish))
    assert "a==2" not in as_requirements(entries(lock, wish))


def test_extras_that_conflict_are_refused_together() -> None:
    with pytest.raises(InputError, match="extra one and extra two cannot be installed together"):
        check(lock_of("conflicts-extras"), Wish(project="app", all_extras=True))


@pytest.mark.parametrize(
    ("wish", "what"),
    [
        (Wish(project="app", extras=("tow",)), "there is no extra tow"),
        (Wish(project="app", only_groups=("dve",)), "there is no dependency group dve"),
        (Wish(project="app", packages=("ap",)), "there is no project ap"),
    ],
)
def test_an_unknown_name_is_refused_with_the_known_ones(wish: Wish, what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        check(lock_of("conflicts-extras"), wish)
    assert "app" in caught.value.why


def test_the_group_dev_may_be_left_out_of_any_project() -> None:
    lock = lock_of("conflicts-extras")
    check(lock, Wish(project="app", no_groups=("dev",)))
    check(lock, Wish(project="app", only_groups=("dev",)))
    with pytest.raises(InputError, match="there is no dependency group nope"):
        check(lock, Wish(project="app", no_groups=("nope",)))


def test_what_a_root_without_project_requires_is_not_asked_for_by_its_members() -> None:
    lock = lock_of("workspace-virtual-root")
    assert "c" in names(lock, Wish(defaults=("dev",)))
    assert "c" not in names(lock, Wish(project="m1", defaults=("dev",)))
    assert "c" not in names(lock, Wish(packages=("m1",), defaults=("dev",)))


def test_pruning_takes_what_only_the_pruned_package_requires() -> None:
    lock = lock_of("workspace")
    whole = {entry.package.name for entry in entries(lock, Wish(project="root"))}
    pruned = {entry.package.name for entry in entries(lock, Wish(project="root", prune=frozenset(("lib-a",))))}
    assert whole - pruned == {"lib-a", "lib-b", "d"}
    left_out = {entry.package.name for entry in entries(lock, Wish(project="root", left_out=frozenset(("lib-a",))))}
    assert whole - left_out == {"lib-a"}
