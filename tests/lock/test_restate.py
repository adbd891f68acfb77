from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec import structs

from lockflow.inputs.model import (
    Exclusion,
    Group,
    Manifest,
    Member,
    Override,
    Resolution,
    Scope,
    StaticMetadata,
)
from lockflow.lock.decode import decode
from lockflow.lock.model import Lock
from lockflow.lock.restate import restated
from lockflow.lock.validate import validate
from lockflow.standards.requirements import Directory, Requirement, parse_requirement
from lockflow.standards.versions import Version
from support.golden import GOLDEN, case_names
from support.lock_graph import manifest_of

Change = Callable[[Manifest], Manifest]
LATER = Version.parse("7.8.9")


def read(case: str) -> tuple[Lock, Manifest]:
    lock = decode((GOLDEN / case / "uv.lock").read_bytes().decode(), case)
    return lock, manifest_of(lock)


def again(lock: Lock, manifest: Manifest) -> Lock | None:
    return restated(lock, manifest, validate(lock, manifest).reasons)


def member(manifest: Manifest, name: str, **values: object) -> Manifest:
    """The manifest with other fields of one member."""
    changed = [structs.replace(entry, **values) if entry.name == name else entry for entry in manifest.members]
    return structs.replace(manifest, members=tuple(changed))


def later(manifest: Manifest) -> Manifest:
    return member(manifest, "lib-b", version=LATER)


def asks(text: str) -> Requirement:
    return parse_requirement(text)


@pytest.mark.parametrize("name", [name for name in case_names() if name != "lock-without-metadata"])
def test_a_lock_that_nothing_changed_for_is_stated_alike_or_not_at_all(name: str) -> None:
    lock, manifest = read(name)
    found = again(lock, manifest)
    assert found in (None, lock)


def test_a_new_version_of_a_member_is_put_down_on_its_package_and_the_edges_to_it() -> None:
    lock, manifest = read("workspace")
    found = again(lock, later(manifest))
    assert found is not None
    packages = {package.name: package for package in found.packages}
    assert packages["lib-b"].version == LATER
    assert {edge.version for edge in packages["lib-a"].dependencies if edge.name == "lib-b"} == {LATER}
    assert validate(found, later(manifest)).reasons == ()


def with_constraint(manifest: Manifest) -> Manifest:
    return structs.replace(manifest, constraints=(asks("lib-b<9"),))


def with_override(manifest: Manifest) -> Manifest:
    return structs.replace(manifest, overrides=(Override(requirements=(asks("lib-b<9"),)),))


def with_scope(manifest: Manifest) -> Manifest:
    scope = Scope(name="lib-b", version=Version.parse("9"))
    return structs.replace(manifest, exclusions=(Exclusion(scope=scope, names=("zz",)),))


def with_static_metadata(manifest: Manifest) -> Manifest:
    return structs.replace(manifest, static_metadata=(StaticMetadata(name="lib-b"),))


@pytest.mark.parametrize("limit", [with_constraint, with_override, with_scope, with_static_metadata])
def test_a_version_that_is_named_somewhere_is_left_to_a_resolution(limit: Change) -> None:
    lock, manifest = read("workspace")
    limited = limit(manifest)
    before = structs.replace(
        lock,
        manifest=structs.replace(
            lock.manifest,
            constraints=limited.constraints,
            overrides=limited.overrides,
            exclusions=limited.exclusions,
            static_metadata=limited.static_metadata,
        ),
    )
    assert again(before, limited) == before
    assert again(before, later(limited)) is None


def moved(manifest: Manifest) -> Manifest:
    return member(manifest, "lib-b", path="elsewhere")


def without_version(manifest: Manifest) -> Manifest:
    return member(manifest, "lib-b", version=None)


def with_another_requirement(manifest: Manifest) -> Manifest:
    return member(manifest, "lib-a", requires_dist=(*_of(manifest, "lib-a").requires_dist, asks("c")))


def with_a_bound_on_a_folder(manifest: Manifest) -> Manifest:
    requirements = [
        structs.replace(entry, source=Directory(path="other")) if entry.name == "lib-b" else entry
        for entry in _of(manifest, "lib-a").requires_dist
    ]
    return member(manifest, "lib-a", requires_dist=tuple(requirements))


def lowest(manifest: Manifest) -> Manifest:
    return structs.replace(manifest, settings=structs.replace(manifest.settings, resolution=Resolution.LOWEST))


def of_an_older_uv(manifest: Manifest) -> Manifest:
    return structs.replace(manifest, settings=structs.replace(manifest.settings, uv="0.8.22"))


def with_a_group(manifest: Manifest) -> Manifest:
    return structs.replace(manifest, groups=(Group(name="new", requirements=(asks("b"),)),))


@pytest.mark.parametrize(
    "change",
    [
        moved,
        without_version,
        with_another_requirement,
        with_a_bound_on_a_folder,
        lowest,
        of_an_older_uv,
        with_a_group,
    ],
)
def test_what_may_change_the_graph_is_left_to_a_resolution(change: Change) -> None:
    lock, manifest = read("workspace")
    assert again(lock, change(manifest)) is None


@pytest.mark.parametrize(
    ("text", "is_known"),
    [
        ("b>=1", True),
        ("b", True),
        ("b>=0.5,<2", True),
        ("b==1.0.0", True),
        ("b>=1.0.0a1", False),
        ("b>1", False),
        ("b===1.0.0", False),
        ("b==1.0.0+cpu", False),
        ("b[x]>=1", False),
        ("b>=1 ; os_name == 'nt'", False),
    ],
)
def test_bounds_that_keep_the_locked_version_are_put_down(text: str, *, is_known: bool) -> None:
    lock, manifest = read("workspace")
    rest = [entry for entry in _of(manifest, "lib-a").requires_dist if entry.name != "b"]
    changed = member(manifest, "lib-a", requires_dist=(asks(text), *rest))
    found = again(lock, changed)
    assert (found is not None) is is_known
    if found is not None:
        assert validate(found, changed).reasons == ()


def test_bounds_are_left_to_a_resolution_where_the_lock_has_forks() -> None:
    lock, manifest = read("fork-three")
    root = manifest.members[0]
    requirements = tuple(
        asks("c<99") if entry.name == "c" else structs.replace(entry, source=asks(f"{entry.name}<99").source)
        for entry in root.requires_dist
    )
    assert again(lock, member(manifest, root.name, requires_dist=requirements)) is None
    assert again(lock, member(manifest, root.name, version=LATER)) is not None


def _of(manifest: Manifest, name: str) -> Member:
    return next(entry for entry in manifest.members if entry.name == name)
