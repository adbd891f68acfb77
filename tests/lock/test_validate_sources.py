from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from lockflow.index.model import Absent, Metadata, SourceMetadata
from lockflow.inputs.model import Group
from lockflow.lock.declarations import undeclared
from lockflow.lock.decode import decode
from lockflow.lock.model import Lock, Reuse
from lockflow.lock.validate import validate
from lockflow.standards.requirements import Directory, LocalFile, Source, parse_requirement
from lockflow.standards.versions import Version
from support.golden import load_case
from support.lock_graph import manifest_of

Key = tuple[str, Source]


@pytest.fixture(scope="module")
def lock() -> Lock:
    return decode(load_case("sources-local").expected, "uv.lock")


def current(lock: Lock) -> dict[Key, Metadata | Absent]:
    """What every local package would say of itself if nothing had changed."""
    found: dict[Key, Metadata | Absent] = {}
    for package in undeclared(lock, manifest_of(lock)):
        metadata = package.metadata
        found[package.name, package.source] = SourceMetadata(
            name=package.name,
            version=package.version or Version.parse("0"),
            is_version_dynamic=package.version is None,
            requires_dist=() if metadata is None else metadata.requires_dist,
            provides_extras=() if metadata is None else metadata.provides_extras,
            groups=()
            if metadata is None
            else tuple(Group(name=name, requirements=entries) for name, entries in metadata.requires_dev),
            source=package.source,
        )
    return found


DIR: Key = ("dir", Directory(path="dir"))
VIRT: Key = ("virt", Directory(path="virt", install="virtual"))
WHEEL: Key = ("lw", LocalFile(path="dist/lw-1.0.0-py3-none-any.whl"))


def test_local_packages_that_are_as_locked_leave_the_lock_valid(lock: Lock) -> None:
    validation = validate(lock, manifest_of(lock), None, current(lock))
    assert validation.reasons == ()
    assert validation.unchecked == ()


def test_local_packages_that_were_not_looked_into_are_named(lock: Lock) -> None:
    known = {key: found for key, found in current(lock).items() if key != DIR}
    assert validate(lock, manifest_of(lock), None, known).unchecked == ("dir",)


def changed(found: Metadata | Absent, **values: object) -> Metadata:
    assert isinstance(found, Metadata)
    return replace(found, **values)


@pytest.mark.parametrize(
    ("key", "change", "check", "text"),
    [
        (
            DIR,
            lambda old: changed(old, version=Version.parse("9")),
            "version",
            "the version of dir changed from 3 to 9",
        ),
        (
            DIR,
            lambda old: changed(old, is_version_dynamic=True),
            "version",
            "the version of dir changed from 3 to dynamic",
        ),
        (DIR, lambda old: changed(old, provides_extras=()), "extras", "the extras of dir changed: without x"),
        (
            WHEEL,
            lambda old: changed(old, requires_dist=(parse_requirement("zeta"),)),
            "requires-dist",
            "the dependencies of lw changed",
        ),
        (VIRT, lambda old: changed(old, groups=()), "dependency-groups", "the dependency group dev of virt is gone"),
        (DIR, lambda _: Absent(kind="invalid-metadata", reason="no TOML"), "source", "dir cannot be read any more"),
    ],
)
def test_what_a_local_package_declares_anew_is_a_reason(
    lock: Lock, key: Key, change: Callable[[Metadata | Absent], Metadata | Absent], check: str, text: str
) -> None:
    known = current(lock)
    known[key] = change(known[key])
    validation = validate(lock, manifest_of(lock), None, known)
    assert validation.reuse is Reuse.PREFERABLE
    assert [reason.check for reason in validation.reasons] == [check]
    assert validation.reasons[0].text.startswith(text)
