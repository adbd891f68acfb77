from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from lockflow.inputs.model import (
    Cutoff,
    Exclusion,
    ForkStrategy,
    Group,
    Index,
    Manifest,
    Override,
    Prerelease,
    Resolution,
    Scope,
    StaticMetadata,
)
from lockflow.lock.decode import decode
from lockflow.lock.differences import declared_difference
from lockflow.lock.model import Lock, Package, Request, Reuse, Validation
from lockflow.lock.validate import validate
from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.universal import UniversalMarker
from lockflow.standards.python_range import python_range
from lockflow.standards.requirements import (
    ConflictItem,
    Directory,
    Registry,
    Requirement,
    RequiresPython,
    parse_requirement,
)
from lockflow.standards.versions import Version
from support.golden import GOLDEN
from support.lock_graph import manifest_of, nanoseconds

CASES = sorted(path.parent.name for path in GOLDEN.glob("*/uv.lock"))
LOCK_TEXT = """version = 1
revision = 5
requires-python = ">=3.9"

[[package]]
name = "a"
version = "2.0"
source = { registry = "https://index.example/simple" }
sdist = { url = "https://files.example/a-2.0.tar.gz", hash = "md5:00" }

[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [
    { name = "a" },
]

[package.metadata]
requires-dist = [
    { name = "a", specifier = ">=1" },
    { name = "a", extras = ["x", "y"], marker = "extra == 'more'" },
]
provides-extras = ["more"]

[package.metadata.requires-dev]
dev = [{ name = "a" }]
"""


def read(case: str) -> Lock:
    return decode((GOLDEN / case / "uv.lock").read_text(encoding="utf-8"), "uv.lock")


def lock_of(text: str = LOCK_TEXT) -> Lock:
    return decode(text, "uv.lock")


def forked(text: str = LOCK_TEXT) -> Lock:
    forks = "resolution-markers = [\"sys_platform == 'win32'\", \"sys_platform != 'win32'\"]\n"
    return lock_of(text.replace("\n\n", f"\n{forks}\n", 1))


def check(changed: dict[str, Any], lock: Lock | None = None, request: Request | None = None) -> Validation:
    """Validate a lock against its own inputs with some fields changed."""
    lock = lock or lock_of()
    return validate(lock, structs.replace(manifest_of(lock), **changed), request)


def with_member(**changed: Any) -> dict[str, Any]:
    return {"members": (structs.replace(manifest_of(lock_of()).members[0], **changed),)}


def with_settings(**changed: Any) -> dict[str, Any]:
    return {"settings": structs.replace(manifest_of(lock_of()).settings, **changed)}


def only(validation: Validation) -> str:
    """The one check that hit."""
    assert len(validation.reasons) == 1, validation.reasons
    assert validation.reuse is validation.reasons[0].reuse
    return validation.reasons[0].check


@pytest.mark.parametrize("case", CASES)
def test_a_golden_lock_states_its_own_inputs(case: str) -> None:
    lock = read(case)
    manifest = manifest_of(lock, is_script=case.startswith("script"))
    assert validate(lock, manifest).reasons == ()
    assert validate(lock, manifest).reuse is Reuse.SATISFIED


def requirements(*texts: str) -> tuple[Any, ...]:
    return tuple(map(parse_requirement, texts))


MORE = "a[x,y] ; extra == 'more'"
ROWS: list[tuple[dict[str, Any], str, Reuse]] = [
    (with_settings(resolution=Resolution.LOWEST), "resolution-mode", Reuse.UNUSABLE),
    (with_settings(fork_strategy=ForkStrategy.FEWEST), "fork-strategy", Reuse.UNUSABLE),
    (with_settings(cutoff=Cutoff(timestamp_ns=0)), "exclude-newer", Reuse.PREFERABLE),
    (with_settings(cutoff=Cutoff(timestamp_ns=0, span="P7D")), "exclude-newer", Reuse.PREFERABLE),
    (with_settings(cutoff_package=(("a", Cutoff(timestamp_ns=0)),)), "exclude-newer-package", Reuse.PREFERABLE),
    ({"environments": (parse_marker("sys_platform == 'linux'"),)}, "environments", Reuse.VERSIONS),
    ({"required_environments": (parse_marker("os_name == 'nt'"),)}, "required-environments", Reuse.VERSIONS),
    ({"conflicts": ((ConflictItem(package="app", kind="extra", name="more"),),)}, "conflicts", Reuse.VERSIONS),
    (
        {"requires_python": RequiresPython(text=">=3.10", range=python_range(">=3.10"))},
        "requires-python",
        Reuse.PREFERABLE,
    ),
    (with_settings(prerelease=Prerelease.ALLOW), "prerelease-mode", Reuse.PREFERABLE),
    (with_settings(prerelease_package=(("a", Prerelease.ALLOW),)), "prerelease-package", Reuse.PREFERABLE),
    (
        with_settings(indexes=(Index(url="https://index.example/simple", hash_algorithm="sha256"),)),
        "hash-algorithm",
        Reuse.PREFERABLE,
    ),
    (with_member(install="editable"), "source", Reuse.PREFERABLE),
    (with_member(path="sub"), "source", Reuse.PREFERABLE),
    ({"requirements": requirements("a")}, "requirements", Reuse.PREFERABLE),
    ({"constraints": requirements("a<9")}, "constraints", Reuse.PREFERABLE),
    ({"overrides": (Override(requirements=requirements("a<9")),)}, "overrides", Reuse.PREFERABLE),
    (
        {"overrides": (Override(scope=Scope(name="a"), requirements=requirements("zz")),)},
        "overrides",
        Reuse.PREFERABLE,
    ),
    ({"exclusions": (Exclusion(names=("a",)),)}, "excludes", Reuse.PREFERABLE),
    ({"exclusions": (Exclusion(scope=Scope(name="a"), names=("zz",)),)}, "excludes", Reuse.PREFERABLE),
    ({"build_constraints": requirements("zz")}, "build-constraints", Reuse.PREFERABLE),
    ({"static_metadata": (StaticMetadata(name="a"),)}, "static-metadata", Reuse.PREFERABLE),
    (with_member(default_groups=("docs",)), "default-groups", Reuse.PREFERABLE),
    (
        with_member(groups=(Group(name="dev", requirements=requirements("a"), requires_python=">=3.10"),)),
        "group-requires-python",
        Reuse.PREFERABLE,
    ),
    (with_settings(indexes=(Index(url="https://index.example/simple/"),)), "index", Reuse.PREFERABLE),
    (with_member(version=Version.parse("0.2.0")), "version", Reuse.PREFERABLE),
    (with_member(version=None), "version", Reuse.PREFERABLE),
    (with_member(provides_extras=("more", "empty")), "extras", Reuse.PREFERABLE),
    (with_member(requires_dist=requirements("a>=1.1", MORE)), "requires-dist", Reuse.PREFERABLE),
    (with_member(requires_dist=requirements("a>=1")), "requires-dist", Reuse.PREFERABLE),
    (with_member(groups=()), "dependency-groups", Reuse.PREFERABLE),
    (with_member(groups=(Group(name="dev", requirements=()),)), "dependency-groups", Reuse.PREFERABLE),
    (
        with_member(groups=(Group(name="dev", requirements=requirements("a")), Group(name="empty", requirements=()))),
        "dependency-groups",
        Reuse.PREFERABLE,
    ),
]


@pytest.mark.parametrize(("changed", "expected", "reuse"), ROWS)
def test_a_changed_input_is_named_and_decides_what_is_reused(
    changed: dict[str, Any], expected: str, reuse: Reuse
) -> None:
    validation = check(changed)
    assert only(validation) == expected
    assert validation.reuse is reuse


@pytest.mark.parametrize(
    "changed",
    [
        with_member(requires_dist=requirements(MORE, "A >= 1.0")),
        with_member(requires_dist=requirements("a>=1", "a>=1 ; python_version >= '3.9'", "a[y,x] ; extra == 'more'")),
        {"requires_python": RequiresPython(text=">=3.9.0", range=python_range(">=3.9.0"))},
        {"constraints": requirements("zz<9")},
        {"overrides": (Override(requirements=requirements("zz<9")),)},
        {"overrides": (Override(scope=Scope(name="zz"), requirements=requirements("a<9")),)},
        {"exclusions": (Exclusion(names=("zz",)),)},
        {"exclusions": (Exclusion(scope=Scope(name="zz"), names=("a",)),)},
        {"static_metadata": (StaticMetadata(name="zz"),)},
        with_settings(cutoff_package=(("a", False),)),
        with_settings(cutoff_package=(("zz", Cutoff(timestamp_ns=0)),)),
        with_settings(no_build=True),
    ],
)
def test_another_spelling_and_what_concerns_no_locked_package_are_no_reason(changed: dict[str, Any]) -> None:
    assert check(changed).reasons == ()


@pytest.mark.parametrize("key", ["constraints", "overrides", "excludes"])
def test_what_was_recorded_is_missed_even_where_it_concerns_no_locked_package(key: str) -> None:
    value = '["zz"]' if key == "excludes" else '[{ name = "zz", specifier = ">1" }]'
    lock = lock_of(LOCK_TEXT.replace("\n\n", f"\n\n[manifest]\n{key} = {value}\n\n", 1))
    assert validate(lock, manifest_of(lock)).reasons == ()
    assert only(validate(lock, manifest_of(lock_of()))) == key


def test_requires_python_of_a_forked_lock_leaves_only_its_versions() -> None:
    changed = {"requires_python": RequiresPython(text=">=3.10", range=python_range(">=3.10"))}
    assert check(changed, forked()).reuse is Reuse.VERSIONS


def test_forks_that_leave_something_out_are_dropped() -> None:
    lock = forked(LOCK_TEXT)
    narrow = structs.replace(lock, fork_markers=lock.fork_markers[:1])
    assert only(validate(narrow, manifest_of(narrow))) == "fork-coverage"


def test_forks_of_other_pythons_are_dropped() -> None:
    lock = lock_of(LOCK_TEXT.replace(">=3.9", ">=3.9, <3.11"))
    fork = UniversalMarker.from_marker(parse_marker("python_full_version >= '3.9' and python_full_version < '3.11'"))
    lock = structs.replace(lock, fork_markers=(fork,))
    changed = {"requires_python": RequiresPython(text=">=3.12", range=python_range(">=3.12"))}
    validation = check(changed, lock)
    assert [reason.check for reason in validation.reasons] == ["fork-overlap", "requires-python"]
    assert validation.reuse is Reuse.VERSIONS


def test_all_reasons_are_given_and_the_first_decides() -> None:
    changed = {**with_settings(resolution=Resolution.LOWEST), **with_member(version=Version.parse("3"))}
    validation = check(changed)
    assert [reason.check for reason in validation.reasons] == ["resolution-mode", "version"]
    assert validation.reuse is Reuse.UNUSABLE


@pytest.mark.parametrize(
    ("request_", "expected", "reuse"),
    [
        (Request(upgrade="all"), "upgrade", Reuse.UNUSABLE),
        (Request(upgrade=frozenset({"b", "a"})), "upgrade-package", Reuse.PREFERABLE),
        (Request(refresh=True), "refresh", Reuse.PREFERABLE),
    ],
)
def test_what_was_asked_for_is_a_reason(request_: Request, expected: str, reuse: Reuse) -> None:
    validation = check({}, request=request_)
    assert only(validation) == expected
    assert validation.reuse is reuse


@pytest.mark.parametrize(
    ("locked", "timestamp", "is_same"),
    [
        ("2025-01-01T00:00:00Z", "2025-01-01T00:00:00Z", True),
        ("2025-01-01T01:00:00+01:00", "2025-01-01T00:00:00Z", True),
        ("2025-01-01T00:00:00.500Z", "2025-01-01T00:00:00.5Z", True),
        ("2025-01-01T00:00:00.5Z", "2025-01-01T00:00:00Z", False),
        ("soon", "2025-01-01T00:00:00Z", False),
    ],
)
def test_cut_offs_are_compared_as_instants(locked: str, timestamp: str, is_same: bool) -> None:
    lock = lock_of(LOCK_TEXT.replace("\n\n", f'\n\n[options]\nexclude-newer = "{locked}"\n\n', 1))
    settings = structs.replace(manifest_of(lock_of()).settings, cutoff=Cutoff(timestamp_ns=nanoseconds(timestamp)))
    reasons = validate(lock, structs.replace(manifest_of(lock_of()), settings=settings)).reasons
    assert [reason.check for reason in reasons] == ([] if is_same else ["exclude-newer"])


def test_losing_an_exemption_is_a_reason_and_gaining_one_is_none() -> None:
    lock = lock_of(LOCK_TEXT.replace("\n\n", "\n\n[options.exclude-newer-package]\na = false\n\n", 1))
    assert only(validate(lock, manifest_of(lock_of()))) == "exclude-newer-package"
    timed = lock_of(LOCK_TEXT.replace("\n\n", '\n\n[options.exclude-newer-package]\na = "2025-01-01T00:00:00Z"\n\n', 1))
    exempt = structs.replace(manifest_of(lock_of()).settings, cutoff_package=(("a", False),))
    assert validate(timed, structs.replace(manifest_of(lock_of()), settings=exempt)).reasons == ()


@pytest.mark.parametrize(("revision", "expected"), [(0, []), (1, ["extras", "dependency-groups"])])
def test_what_an_old_revision_did_not_record_is_not_missed(revision: int, expected: list[str]) -> None:
    text = LOCK_TEXT.replace("revision = 5", f"revision = {revision}").replace('provides-extras = ["more"]\n', "")
    groups = (Group(name="dev", requirements=requirements("a")), Group(name="empty", requirements=()))
    validation = check(with_member(groups=groups), lock_of(text))
    assert [reason.check for reason in validation.reasons] == expected


@pytest.mark.parametrize(("revision", "expected"), [(4, []), (5, ["default-groups", "group-requires-python"])])
def test_settings_of_groups_count_from_the_revision_that_records_them(revision: int, expected: list[str]) -> None:
    text = LOCK_TEXT.replace("revision = 5", f"revision = {revision}")
    groups = (Group(name="dev", requirements=requirements("a"), requires_python=">=3.10"),)
    validation = check(with_member(groups=groups, default_groups=()), lock_of(text))
    assert [reason.check for reason in validation.reasons] == expected


def test_a_new_member_is_missed_in_both_places() -> None:
    member = manifest_of(lock_of()).members[0]
    other = structs.replace(member, name="other", path="other")
    validation = check({"members": (member, other)})
    assert [reason.check for reason in validation.reasons] == ["members", "missing-member"]


def test_groups_of_a_root_without_project_are_compared() -> None:
    case = "group-requires-python-virtual"
    lock = read(case)
    manifest = manifest_of(lock)
    assert manifest.groups
    changed: Manifest = structs.replace(manifest, groups=())
    assert {reason.check for reason in validate(lock, changed).reasons} == {
        "dependency-groups",
        "group-requires-python",
    }


def test_the_members_package_is_the_one_at_its_place() -> None:
    twin = Package(name="app", version=Version.parse("9"), source=Registry(index="https://index.example/simple"))
    lock = lock_of()
    lock = structs.replace(lock, packages=(*lock.packages, twin))
    assert validate(lock, manifest_of(lock_of())).reasons == ()


def test_local_packages_that_are_no_members_are_listed_as_unchecked() -> None:
    lock = lock_of()
    path = Package(name="lib", version=None, source=Directory(path="../lib"))
    lock = structs.replace(lock, packages=(*lock.packages, path))
    assert validate(lock, manifest_of(lock_of())).unchecked == ("lib",)


def test_a_reason_names_the_old_and_the_new() -> None:
    validation = check(with_member(requires_dist=requirements("a<3", MORE), version=Version.parse("0.2.0")))
    assert [reason.text for reason in validation.reasons] == [
        "the version of app changed from 0.1.0 to 0.2.0",
        "the dependencies of app changed: a>=1 became a<3",
    ]


def test_lists_are_told_in_words() -> None:
    items = (ConflictItem(package="app", kind="extra", name="x"), ConflictItem(package="app", kind="group", name="g"))
    changed = {
        "environments": (parse_marker("sys_platform == 'linux'"), parse_marker("os_name == 'nt'")),
        "conflicts": (items, (*items, ConflictItem(package="other", kind="project"))),
    }
    assert [reason.text for reason in check(changed).reasons] == [
        "`environments` changed from all to \"sys_platform == 'linux'\"; \"os_name == 'nt'\"",
        "`conflicts` changed from none to app[x] against app:g; app[x] against app:g against other",
    ]


def test_a_source_that_alone_changed_is_told() -> None:
    there = parse_requirement("a>=1")
    here = structs.replace(there, source=structs.replace(there.source, index="https://index.example/other"))
    text = check(with_member(requires_dist=(here, *requirements(MORE)))).reasons[0].text
    assert text.endswith("a>=1 became a>=1 (from https://index.example/other)")


@pytest.mark.parametrize(
    ("old", "new", "is_same"),
    [
        ("a>=1 | a<5", "a>=1,<5", True),
        ("a | a>=1", "a>=1", True),
        ("a | a>=1", "a", False),
        ("a>=1 | a ; sys_platform == 'win32'", "a>=1", True),
        ("a>=1 ; os_name == 'nt' | a>=1 ; os_name != 'nt'", "a>=1", True),
        ("a>=1 ; os_name == 'nt' | a>=2 ; os_name != 'nt'", "a>=1", False),
        ("a[x] | a[y]", "a[x,y]", True),
        ("a[x]", "a", False),
        ("a", "a[x]", False),
        ("a>=1,<2", "a==1.*", False),
        ("a", "b", False),
    ],
)
def test_what_requirements_ask_together_counts(old: str, new: str, *, is_same: bool) -> None:
    def read(text: str) -> list[Requirement]:
        return [parse_requirement(part.strip()) for part in text.split("|")]

    assert (not declared_difference(read(old), read(new), python_range(">=3.9"))) is is_same
    assert (not declared_difference(read(new), read(old), python_range(">=3.9"))) is is_same
