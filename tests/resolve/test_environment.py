from __future__ import annotations

from lockflow.resolve.environment import ForkEnvironment, forced_extras, from_universal, without_extra_terms
from lockflow.resolve.identity import Identities, Kind
from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.tree import TRUE
from lockflow.standards.python_range import python_range
from lockflow.standards.requirements import ConflictItem

PYTHON = python_range(">=3.9")
EVERYWHERE = ForkEnvironment(TRUE, PYTHON)
CPU, GPU = (ConflictItem(package="root", kind="extra", name=name) for name in ("cpu", "gpu"))
GROUP = ConflictItem(package="root", kind="group", name="dev")
PROJECT = ConflictItem(package="root", kind="project")


def test_narrowing_takes_the_bounds_of_the_marker_that_lie_inside() -> None:
    narrow = EVERYWHERE.narrow(parse_marker("python_version >= '3.11' and python_version < '3.13'"))
    assert narrow.python == python_range(">=3.11,<3.13")
    assert EVERYWHERE.narrow(parse_marker("python_version >= '3.8'")).python == PYTHON
    assert EVERYWHERE.narrow(parse_marker("python_version >= '3.11' or os_name == 'nt'")).python == PYTHON


def test_rules_that_contradict_one_another_leave_no_environment() -> None:
    cpu = EVERYWHERE.with_conflicts(frozenset([CPU]), frozenset([GPU]))
    assert cpu is not None
    assert cpu.with_conflicts(frozenset([GPU]), frozenset()) is None
    assert cpu.with_conflicts(frozenset(), frozenset([CPU])) is None


def test_an_excluded_project_takes_its_extras_along_but_not_its_groups() -> None:
    without = EVERYWHERE.with_conflicts(frozenset([CPU]), frozenset([PROJECT]))
    assert without is not None
    assert without.excludes("root", None, None)
    assert without.excludes("root", "gpu", None)
    assert not without.excludes("root", "cpu", None)
    assert not without.excludes("root", None, "dev")
    assert not without.excludes("other", "gpu", None)
    assert not EVERYWHERE.excludes("root", "gpu", None)


def test_a_group_is_excluded_by_name() -> None:
    without = EVERYWHERE.with_conflicts(frozenset(), frozenset([GROUP, GPU]))
    assert without is not None
    assert without.excludes("root", None, "dev")
    assert not without.excludes("root", None, "lint")
    assert without.excludes("root", "gpu", None)


def test_what_a_lock_says_of_a_fork_is_read_back() -> None:
    linux = parse_marker("sys_platform == 'linux'")
    fork = ForkEnvironment(linux, PYTHON, frozenset([CPU]), frozenset([GPU, GROUP]))
    again = from_universal(fork.universal, PYTHON)
    assert (again.marker, again.included, again.excluded) == (fork.marker, fork.included, fork.excluded)
    assert again.describe() == (linux, (CPU,), (GPU, GROUP))


def test_extras_that_must_hold_are_told_from_those_that_must_not() -> None:
    marker = parse_marker("extra == 'a' and extra != 'b' and (extra == 'c' or os_name == 'nt')")
    assert forced_extras(marker) == {"a": True, "b": False}
    assert without_extra_terms(parse_marker("extra == 'a' and os_name == 'nt'")) is parse_marker("os_name == 'nt'")
    assert without_extra_terms(TRUE) is TRUE


def test_identities_read_like_requirements() -> None:
    identities = Identities()
    linux = parse_marker("sys_platform == 'linux'")
    assert repr(identities[identities.number(Kind.ROOT)]) == "root"
    assert repr(identities[identities.required("a", "x", None, TRUE)]) == "a[x]?"
    assert repr(identities[identities.required("a", None, "g", TRUE)]) == "a:g?"
    assert repr(identities[identities.required("a", None, None, TRUE)]) == "a"
    assert repr(identities[identities.required("a", None, None, linux)]).startswith("a{<Marker sys_platform")


def test_a_proxy_ties_unmarked_before_marked_and_base_before_extra() -> None:
    identities = Identities()
    linux = parse_marker("sys_platform == 'linux'")
    proxy = identities.required("a", "x", None, linux)
    tied = [identities[number] for number in identities.proxied(proxy)]
    assert [(entry.extra, entry.marker is TRUE) for entry in tied] == [
        (None, True),
        ("x", True),
        (None, False),
        ("x", False),
    ]
    group = identities.required("a", None, "g", TRUE)
    assert [identities[number].kind for number in identities.proxied(group)] == [Kind.GROUP]
    assert identities.base(group) is None
