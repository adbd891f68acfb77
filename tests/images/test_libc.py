"""The libc of the base image is held against what the installed wheels ask for."""

from __future__ import annotations

import pytest

from lockflow.images.model import Expected, Seen
from lockflow.images.verify import verify
from lockflow.images.witness import libc_tags
from lockflow.standards.tags import glibc_of


def wrong(tags: dict[str, tuple[str, ...]], libc: str = "glibc", version: str = "2.31") -> tuple[str, ...]:
    environment = {"python_version": "3.11", "platform_machine": "x86_64"}
    seen = Seen(
        environment=environment,
        distributions=(),
        owners={},
        prefix="/opt/venv",
        user=(1000, 1000),
        libc=libc,
        libc_version=version,
        tags=tags,
    )
    expected = Expected(packages=(), python="3.11", machine="x86_64", engine_platform="linux/amd64")
    return verify(expected, seen, "linux/amd64", "1000:1000", ())


def test_a_wheel_that_needs_a_newer_glibc_than_the_base_has_is_found() -> None:
    tags = {"Geo_Num": ("manylinux_2_34_x86_64",), "fine": ("manylinux2014_x86_64", "manylinux_2_34_x86_64")}
    assert wrong(tags) == ("geo-num needs glibc 2.34, and the base has glibc 2.31",)
    assert wrong(tags, version="2.36") == ()


def test_a_wheel_for_musl_does_not_run_on_glibc() -> None:
    assert wrong({"geo": ("musllinux_1_2_x86_64",)}) == ("geo needs musl, and the base has glibc 2.31",)


def test_of_a_libc_that_does_not_say_its_version_nothing_is_said() -> None:
    assert wrong({"geo": ("musllinux_1_2_x86_64",)}, libc="", version="") == ()


def test_many_are_told_in_short() -> None:
    found = wrong({f"p{number}": ("manylinux_2_34_x86_64",) for number in range(12)})
    assert found[-1] == "and 4 more packages need another libc"


@pytest.mark.parametrize(
    ("lines", "tags"),
    [
        ("Tag: cp311-cp311-manylinux_2_17_x86_64\nTag: cp311-cp311-manylinux2014_x86_64", 2),
        ("Tag: py3-none-any", 0),
        ("Tag: cp311-cp311-linux_x86_64", 0),
        ("", 0),
    ],
)
def test_the_witness_reads_the_tags_of_a_wheel(lines: str, tags: int) -> None:
    assert len(libc_tags(f"Wheel-Version: 1.0\n{lines}\n")) == tags


@pytest.mark.parametrize(
    ("tag", "glibc"),
    [
        ("manylinux_2_28_aarch64", (2, 28)),
        ("manylinux2014_x86_64", (2, 17)),
        ("manylinux1_x86_64", (2, 5)),
        ("musllinux_1_2_x86_64", None),
        ("any", None),
    ],
)
def test_a_tag_asks_for_a_glibc(tag: str, glibc: tuple[int, int] | None) -> None:
    assert glibc_of(tag) == glibc
