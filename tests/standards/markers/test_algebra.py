from __future__ import annotations

from itertools import product

import packaging.markers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockflow.standards.markers.evaluate import evaluate
from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.render import render
from lockflow.standards.markers.simplify import (
    assume,
    complexify_python,
    for_extra,
    only_extras,
    production,
    python_interval,
    restrict,
    simplify_python,
    without_extras,
)
from lockflow.standards.markers.tree import (
    FALSE,
    TRUE,
    Marker,
    extra_equals,
    implies,
    is_disjoint,
    order_key,
    python_range_marker,
)
from lockflow.standards.python_range import PythonRange, Release

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
PLAIN_ATOMS = [
    *[f"python_version {operator} '3.{minor}'" for operator in COMPARISONS for minor in (9, 10, 12)],
    *[
        f"python_full_version {operator} '{version}'"
        for operator in COMPARISONS
        for version in ("3.9.1", "3.10", "3.11")
    ],
    *[f"platform_machine {operator} '{value}'" for operator in ("==", "!=") for value in ("x86_64", "arm64")],
    *[f"platform_version {operator} 'm'" for operator in COMPARISONS],
    *[f"implementation_version {operator} '7.3'" for operator in COMPARISONS],
    "implementation_name == 'cpython'",
    "implementation_name in 'cpython pypy'",
    "'86' in platform_machine",
    "'86' not in platform_machine",
    "extra == 'a'",
    "extra != 'b'",
    "'a' in extras",
    "'g' not in dependency_groups",
]
PLATFORM_ATOMS = [
    *[f"os_name {operator} '{value}'" for operator in ("==", "!=") for value in ("nt", "posix")],
    *[f"sys_platform {operator} '{value}'" for operator in ("==", "!=") for value in ("linux", "darwin", "win32")],
    *[f"platform_system {operator} '{value}'" for operator in ("==", "!=") for value in ("FreeBSD", "Java", "Linux")],
]


def formulas(atoms: list[str]) -> st.SearchStrategy[Marker]:
    def extend(inner: st.SearchStrategy[Marker]) -> st.SearchStrategy[Marker]:
        return st.one_of(
            st.builds(lambda a, b: a & b, inner, inner),
            st.builds(lambda a, b: a | b, inner, inner),
            st.builds(lambda a: ~a, inner),
        )

    return st.recursive(st.sampled_from(atoms).map(parse_marker), extend, max_leaves=5)


plain = formulas(PLAIN_ATOMS)
mixed = formulas(PLAIN_ATOMS + PLATFORM_ATOMS)
quick = settings(max_examples=80, deadline=None)

# How packaging reads an extra, a list key or the order of texts depends on its release.
UNLIKE = ("extra ", "'a' in extras", "'g' not in", "platform_version ")

WORLD = {
    "os_name": ("nt", "posix"),
    "sys_platform": ("linux", "win32", "freebsd14"),
    "platform_system": ("Linux", "FreeBSD", "Java"),
    "platform_machine": ("arm64", "x86_64", "i686"),
    "implementation": (("cpython", "3.10"), ("pypy", "7.3.11")),
    "python": ("3.8.20", "3.9", "3.9.1", "3.10", "3.11.4", "3.12.0"),
    "platform_version": ("a", "m", "z"),
}
SWITCHES = [frozenset(names) for names in ("", "a", "b", "ab")]


def environments() -> list[dict[str, str]]:
    found = []
    for os_name, platform, system, machine, implementation, python, version in product(*WORLD.values()):
        if (os_name == "nt") != (platform == "win32") or (system == "FreeBSD" and platform in {"linux", "win32"}):
            continue
        found.append(
            {
                "os_name": str(os_name),
                "sys_platform": str(platform),
                "platform_system": str(system),
                "platform_machine": str(machine),
                "implementation_name": implementation[0],
                "implementation_version": implementation[1],
                "python_full_version": str(python),
                "platform_version": str(version),
            }
        )
    return found


# Every fifth keeps the run short; 5 has no common factor with the sizes of the axes that vary fastest.
ENVIRONMENTS = environments()[::5]


def truth(marker: Marker) -> list[bool]:
    """Decide `marker` in many possible environments, each with its own choice of extras."""
    return [
        evaluate(
            marker, environment, SWITCHES[index % 4], listed_extras=SWITCHES[index % 3], dependency_groups=frozenset()
        )
        for index, environment in enumerate(ENVIRONMENTS)
    ]


def within(environment: dict[str, str], lower: Release, upper: Release) -> bool:
    release = tuple(int(number) for number in environment["python_full_version"].split("."))
    return lower <= release < upper


@quick
@given(mixed, mixed)
def test_operations_agree_with_evaluation_in_every_possible_environment(a: Marker, b: Marker) -> None:
    in_a, in_b = truth(a), truth(b)
    pairs = list(zip(in_a, in_b, strict=True))
    assert truth(~a) == [not x for x in in_a]
    assert truth(a & b) == [x and y for x, y in pairs]
    assert truth(a | b) == [x or y for x, y in pairs]
    if is_disjoint(a, b):
        assert not any(x and y for x, y in pairs)
    if implies(a, b):
        assert all(y for x, y in pairs if x)


@quick
@given(plain, plain, plain)
def test_equal_functions_are_the_same_object(a: Marker, b: Marker, c: Marker) -> None:
    assert ~~a is a
    assert ~(a & b) is (~a | ~b)
    assert (a & (a | b)) is a
    assert (a | (a & b)) is a
    assert (a & b) is (b & a)
    assert ((a & b) & c) is (a & (b & c))
    assert (a & (b | c)) is ((a & b) | (a & c))
    assert (a & ~a) is FALSE
    assert (a | ~a) is TRUE
    assert implies(a, b) == is_disjoint(a, ~b)


@quick
@given(plain)
def test_printed_marker_reads_back_as_the_same_object(marker: Marker) -> None:
    assert parse_marker(render(marker) or "python_version >= '0'") is marker


@quick
@given(mixed)
def test_printed_marker_holds_in_the_same_environments(marker: Marker) -> None:
    # Not always the same object: an impossible clause that was kept in print vanishes when read alone.
    assert truth(parse_marker(render(marker) or "python_version >= '0'")) == truth(marker)


@quick
@given(plain, plain)
def test_restricted_marker_is_equal_where_the_assumption_holds(marker: Marker, assumption: Marker) -> None:
    assert (restrict(marker, assumption) & assumption) is (marker & assumption)


@quick
@given(plain, st.sampled_from([(None, (3, 10)), ((3, 9), None), ((3, 9), (3, 12)), ((3, 9, 1), (3, 11))]))
def test_simplified_marker_is_equal_within_the_range(
    marker: Marker, ends: tuple[Release | None, Release | None]
) -> None:
    python = PythonRange(lower=ends[0], upper=ends[1])
    simple = simplify_python(marker, python)
    assert (simple & python_range_marker(python)) is (marker & python_range_marker(python))
    assert simplify_python(complexify_python(simple, python), python) is simple
    whole = complexify_python(marker, python)
    assert truth(whole) == [
        holds and within(environment, ends[0] or (0,), ends[1] or (4,))
        for holds, environment in zip(truth(marker), ENVIRONMENTS, strict=True)
    ]


@quick
@given(plain)
def test_extras_are_assumed_as_evaluation_does(marker: Marker) -> None:
    a, b = extra_equals("a"), extra_equals("b")
    both_off, a_on = assume(marker, frozenset(), frozenset("ab")), assume(marker, frozenset("a"), frozenset("b"))
    assert production(marker) is both_off
    assert (both_off & ~a & ~b) is (marker & ~a & ~b)
    assert (a_on & a & ~b) is (marker & a & ~b)
    assert for_extra(marker, "a") is (a_on & ~both_off)
    assert assume(marker, frozenset(), frozenset()) is marker


@quick
@given(plain)
def test_extras_are_taken_apart_from_the_environment(marker: Marker) -> None:
    environment, extras = without_extras(marker), only_extras(marker)
    assert implies(marker, environment)
    assert implies(marker, extras)
    assert without_extras(extras) in {TRUE, FALSE}
    assert production(environment) is environment


@quick
@given(plain)
def test_python_interval_is_the_smallest_around_a_marker(marker: Marker) -> None:
    python = python_interval(marker)
    if python is None:
        return
    bounds = python_range_marker(python)
    assert implies(marker, bounds)
    if python.lower is not None:
        tighter = PythonRange(lower=(*python.lower, 1), upper=python.upper, upper_closed=python.upper_closed)
        assert not implies(marker, python_range_marker(tighter))
    if python.upper is not None and not python.upper_closed:
        tighter = PythonRange(
            lower=python.lower, lower_closed=python.lower_closed, upper=(*python.upper[:-1], python.upper[-1] - 1, 9999)
        )
        assert not implies(marker, python_range_marker(tighter))


@quick
@given(mixed, mixed)
def test_order_key_tells_markers_apart(a: Marker, b: Marker) -> None:
    assert (order_key(a) == order_key(b)) == (a is b)
    assert (order_key(a) < order_key(b)) != (order_key(a) >= order_key(b))


@pytest.mark.parametrize("text", [text for text in [*PLAIN_ATOMS, *PLATFORM_ATOMS] if not text.startswith(UNLIKE)])
def test_comparison_means_what_it_means_to_packaging(text: str) -> None:
    marker = parse_marker(text)
    for environment in ENVIRONMENTS:
        if (environment["platform_system"] == "Linux") != (environment["sys_platform"] == "linux"):
            continue
        minor = ".".join(environment["python_full_version"].split(".")[:2])
        expected = packaging.markers.Marker(text).evaluate({**environment, "python_version": minor})
        assert evaluate(marker, environment) == expected
