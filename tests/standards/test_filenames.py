from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockflow.standards.filenames import (
    InvalidFilename,
    SdistName,
    parse_sdist_name,
    parse_wheel_name,
    sdist_extension,
)
from lockflow.standards.versions import Version


def test_wheel_name_is_taken_apart() -> None:
    name = parse_wheel_name("demo_lib-1.2.0-2b-cp39.cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl")
    assert name.name == "demo-lib"
    assert name.version.text == "1.2.0"
    assert name.build == (2, "b")
    assert name.python_tags == ("cp39", "cp310")
    assert name.abi_tags == ("abi3",)
    assert name.platform_tags == ("manylinux_2_17_x86_64", "manylinux2014_x86_64")


def test_wheel_without_build_tag_has_none() -> None:
    assert parse_wheel_name("a-1-py3-none-any.whl").build is None


@pytest.mark.parametrize(
    ("filename", "name", "version"),
    [
        ("A.B-1.0-py3-none-any.whl", "a-b", "1.0"),
        ("a_b-1.0.0RC1-py3-none-any.whl", "a-b", "1.0.0rc1"),
        ("a-1!2.0.post1+cu12.1-py3-none-any.whl", "a", "1!2.0.post1+cu12.1"),
        ("a-v01.0-py3-none-any.whl", "a", "1.0"),
    ],
)
def test_legacy_spellings_in_wheel_names_are_normalised(filename: str, name: str, version: str) -> None:
    wheel = parse_wheel_name(filename)
    assert (wheel.name, wheel.version.text) == (name, version)


@pytest.mark.parametrize(
    "filename",
    [
        "a-1.0.tar.gz",
        "a-1.0-py3-none-any.zip",
        "a-1.0-py3-none.whl",
        "a-1.0-1-py3-none-any-more.whl",
        "a-1.0-x1-py3-none-any.whl",
        "a-one-py3-none-any.whl",
        "-1.0-py3-none-any.whl",
        "a b-1.0-py3-none-any.whl",
        ".whl",
        "",
    ],
)
def test_what_is_no_wheel_name_is_refused_by_name(filename: str) -> None:
    with pytest.raises(InvalidFilename) as caught:
        parse_wheel_name(filename)
    assert repr(filename) in str(caught.value)


@pytest.mark.parametrize(
    ("filename", "project", "version", "extension"),
    [
        ("a-b-1.0.tar.gz", "a-b", "1.0", ".tar.gz"),
        ("A.B-1.0.zip", "a-b", "1.0", ".zip"),
        ("a_b-1.0-1.tgz", "a-b", "1.0.post1", ".tgz"),
        ("a-2.0.tar.bz2", "a", "2.0", ".tar.bz2"),
        ("a-2.0.tar", "a", "2.0", ".tar"),
    ],
)
def test_sdist_name_is_taken_apart(filename: str, project: str, version: str, extension: str) -> None:
    assert parse_sdist_name(filename, project) == SdistName(
        name=project, version=Version.parse(version), extension=extension
    )


@pytest.mark.parametrize(
    "filename", ["other-1.0.tar.gz", "ab-1.0.tar.gz", "a-b.tar.gz", "a-b-.zip", "a-b-1.0.exe", "a-b-1.0-src.tar.gz"]
)
def test_what_is_no_sdist_of_the_project_is_none(filename: str) -> None:
    assert parse_sdist_name(filename, "a-b") is None


def test_last_hyphen_separates_where_the_project_is_unknown() -> None:
    sdist = parse_sdist_name("my-own-lib-1.0.tar.gz")
    assert sdist is not None
    assert (sdist.name, sdist.version.text) == ("my-own-lib", "1.0")
    assert parse_sdist_name("lib.tar.gz") is None


def test_extension_of_a_compressed_archive_is_the_whole_one() -> None:
    assert sdist_extension("a-1.tar.xz") == ".tar.xz"
    assert sdist_extension("a-1.egg") is None


@given(st.text(max_size=40))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidFilename):
        parse_wheel_name(text + ".whl")
    parse_sdist_name(text + ".tar.gz", "a")
    parse_sdist_name(text + ".tar.gz")
