from __future__ import annotations

from msgspec.structs import replace

from lockflow.inputs.model import Settings
from lockflow.judging import Judge, places_of
from lockflow.platforms.model import Check, Coverage, Evidence
from lockflow.platforms.read import read_platforms
from lockflow.platforms.selection import graph_of
from support.small_locks import lock, package, project

AMD64, DARWIN = (defined.platform for defined in read_platforms(["linux/amd64", "darwin"]))
GRAPH = graph_of(
    lock(
        project("wheel", "mac ; sys_platform == 'darwin'"),
        package("mac"),
        package("wheel", wheels=["py3-none-manylinux_2_34_x86_64"]),
    )
)


def judge() -> Judge:
    return Judge(GRAPH, ["3.11.9"], Settings(), lambda: None, None, {}, tuple)  # type: ignore[arg-type, return-value]


def checked(libc: str) -> Check:
    evidence = Evidence(level="probe", image="old.example/python", libc=libc)
    return Check(
        platform="linux/amd64",
        level="probe",
        coverages=(Coverage(platform="linux/amd64", python="3.11", findings=(), evidence=evidence),),
    )


def test_the_floor_is_held_against_the_libc_that_the_image_has() -> None:
    for libc, limit, is_above in (("glibc 2.31", "2.31", True), ("glibc 2.36", "2.36", False), ("", "2.36", False)):
        outcome = judge().with_floor(checked(libc), AMD64)
        assert isinstance(outcome, Check)
        assert outcome.floor is not None
        assert (outcome.floor.version, outcome.floor.limit) == ("2.34", limit)
        assert outcome.floor.is_above_limit is is_above


def test_a_package_is_needed_at_the_places_where_its_marker_holds() -> None:
    places = places_of(GRAPH, (AMD64, DARWIN, replace(AMD64)), ["3.11.9", "3.12.1"])
    assert [(platform.name, python) for platform, python in places["mac"]] == [
        ("darwin", "3.11.9"),
        ("darwin", "3.12.1"),
    ]
    assert len(places["wheel"]) == 4
