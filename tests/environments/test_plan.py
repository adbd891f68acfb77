from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lockflow.environments.model import ArchiveInfo, DirInfo, Installed, Origin, VcsInfo, Wanted
from lockflow.environments.plan import SEEDS, plan
from lockflow.lock.model import Package
from lockflow.standards.requirements import Registry
from lockflow.standards.versions import Version


def wanted(name: str, version: str = "1.0", **more: Any) -> Wanted:
    package = Package(name=name, version=Version.parse(version) if version else None, source=Registry(index="x"))
    return Wanted(package=package, kind="wheel", **more)


def there(name: str, version: str = "1.0", **more: Any) -> Installed:
    return Installed(name=name, version=version, info=f"{name}-{version}.dist-info", folder=Path("/lib"), **more)


def names(items: tuple[Wanted, ...] | tuple[Installed, ...]) -> list[str]:
    return [f"{item.name} {item.version}" for item in items]


FILE = Origin(url="file:///a", archive_info=ArchiveInfo())
TREE = Origin(url="file:///a", dir_info=DirInfo())
EDITABLE = Origin(url="file:///a", dir_info=DirInfo(editable=True))
GIT = Origin(url="https://git.example/a", vcs_info=VcsInfo(vcs="git", commit_id="1"))
LATER = Origin(url="https://git.example/a", vcs_info=VcsInfo(vcs="git", commit_id="2"))


def test_versions_are_changed_foreign_packages_go_and_what_is_right_stays() -> None:
    steps = plan(
        [wanted("b", "2.0"), wanted("a"), wanted("c")], [there("b"), there("c", "1"), there("z")], is_exact=True
    )
    assert names(steps.remove) == ["b 1.0", "z 1.0"]
    assert names(steps.add) == ["a 1.0", "b 2.0"]
    assert steps.kept == 1
    assert plan([wanted("a")], [there("a")], is_exact=True).is_empty


def test_inexact_keeps_what_nobody_asked_for_and_seeds_stay_where_they_were_put() -> None:
    assert plan([], [there("z")], is_exact=False).is_empty
    steps = plan([], [there("pip"), there("z")], is_exact=True, kept_names=SEEDS)
    assert names(steps.remove) == ["z 1.0"]


@pytest.mark.parametrize(
    ("want", "present", "is_right"),
    [
        (None, None, True),
        (None, FILE, False),
        (FILE, None, False),
        (FILE, FILE, True),
        (FILE, TREE, False),
        (TREE, EDITABLE, False),
        (EDITABLE, EDITABLE, True),
        (GIT, GIT, True),
        (GIT, LATER, False),
    ],
)
def test_a_package_from_elsewhere_is_not_one_of_an_index(
    want: Origin | None, present: Origin | None, is_right: bool
) -> None:
    assert plan([wanted("a", origin=want)], [there("a", origin=present)], is_exact=True).is_empty == is_right


def test_other_sources_are_built_again_also_where_the_version_is_not_known() -> None:
    present = [there("a", "0.3.dev1", origin=EDITABLE, state="old")]
    assert plan([wanted("a", "", origin=EDITABLE, state="old")], present, is_exact=True).is_empty
    steps = plan([wanted("a", "", origin=EDITABLE, state="new")], present, is_exact=True)
    assert (names(steps.remove), names(steps.add)) == (["a 0.3.dev1"], ["a "])


def test_what_is_there_twice_or_half_is_installed_anew() -> None:
    steps = plan([wanted("a")], [there("a"), there("a", "0.9")], is_exact=False)
    assert (len(steps.remove), len(steps.add)) == (2, 1)
    steps = plan(
        [wanted("a")], [there("a"), there("b")], is_exact=False, unfinished={"a-1.0.dist-info", "b-1.0.dist-info"}
    )
    assert (names(steps.remove), names(steps.add)) == (["a 1.0", "b 1.0"], ["a 1.0"])


@pytest.mark.parametrize(("again", "expected"), [(True, ["a 1.0", "b 1.0"]), (frozenset("b"), ["b 1.0"]), (False, [])])
def test_packages_are_installed_anew_on_request(again: frozenset[str] | bool, expected: list[str]) -> None:
    steps = plan([wanted("a"), wanted("b")], [there("a"), there("b")], is_exact=True, again=again)
    assert names(steps.add) == names(steps.remove) == expected
