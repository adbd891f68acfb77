from __future__ import annotations

import contextlib
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockflow.index.metadata import CoreMetadata
from lockflow.index.sdist import InvalidSdist, static_metadata
from lockflow.standards.versions import Version
from support.archives import core_metadata, tar_gz, zip_archive

PROJECT = b'[project]\nname = "demo"\nversion = "1.0"\ndependencies = ["from-project"]\n'
DYNAMIC = b'[project]\nname = "demo"\nversion = "1.0"\ndynamic = ["dependencies"]\n'
PKG_INFO = core_metadata("demo", "1.0", "Requires-Dist: from-pkg-info", metadata_version="2.2")
OLD_PKG_INFO = core_metadata("demo", "1.0", "Requires-Dist: from-pkg-info", metadata_version="2.1")


def read(content: bytes, filename: str = "demo-1.0.tar.gz") -> CoreMetadata | None:
    return static_metadata(io.BytesIO(content), filename, "demo", Version.parse("1.0"))


@pytest.mark.parametrize(
    ("files", "requires_dist"),
    [
        ({"demo-1.0/pyproject.toml": PROJECT, "demo-1.0/PKG-INFO": PKG_INFO}, ("from-project",)),
        ({"demo-1.0/PKG-INFO": PKG_INFO, "demo-1.0/pyproject.toml": DYNAMIC}, ("from-pkg-info",)),
        ({"demo-1.0/PKG-INFO": PKG_INFO}, ("from-pkg-info",)),
        ({"./demo-1.0/pyproject.toml": PROJECT}, ("from-project",)),
    ],
)
def test_project_table_goes_before_pkg_info(files: dict[str, bytes], requires_dist: tuple[str, ...]) -> None:
    for core in (read(tar_gz(files)), read(zip_archive(files), "demo-1.0.zip")):
        assert core is not None
        assert core.requires_dist == requires_dist


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"demo-1.0/setup.py": b""},
        {"demo-1.0/PKG-INFO": OLD_PKG_INFO, "demo-1.0/pyproject.toml": DYNAMIC},
        {"demo-1.0/src/demo.egg-info/PKG-INFO": PKG_INFO, "demo-1.0/sub/pyproject.toml": PROJECT},
        {"demo-1.0/pyproject.toml": PROJECT.replace(b"demo", b"other")},
        {"demo-1.0/pyproject.toml": PROJECT.replace(b"1.0", b"2.0")},
        {"demo-1.0/PKG-INFO": PKG_INFO.replace(b"1.0", b"2.0")},
    ],
)
def test_where_only_a_build_could_tell_nothing_is_told(files: dict[str, bytes]) -> None:
    assert read(tar_gz(files)) is None
    assert read(zip_archive(files), "demo-1.0.zip") is None


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (b"", "demo-1.0.tar.gz"),
        (b"<html>", "demo-1.0.tar.gz"),
        (gzip.compress(b"x" * 5000, mtime=0), "demo-1.0.tar.gz"),
        (tar_gz({"demo-1.0/PKG-INFO": PKG_INFO * 100})[:-50], "demo-1.0.tar.gz"),
        (tar_gz({}), "demo-1.0.zip"),
        (zip_archive({}), "demo-1.0.tar.bz2"),
    ],
)
def test_what_cannot_be_unpacked_is_refused(content: bytes, filename: str) -> None:
    with pytest.raises(InvalidSdist):
        read(content, filename)


def test_metadata_too_large_to_be_any_is_not_read() -> None:
    files = {"demo-1.0/pyproject.toml": PROJECT + b"# x" * (6 << 20)}
    assert read(tar_gz(files)) is None
    assert read(zip_archive(files), "demo-1.0.zip") is None


def test_headers_that_claim_gigabytes_are_refused() -> None:
    plain = bytearray(gzip.decompress(tar_gz({"demo-1.0/x": b"", "demo-1.0/PKG-INFO": PKG_INFO})))
    plain[124:136] = b"77777777777\0"  # the size of the first member: 8 GiB
    plain[148:156] = b" " * 8
    plain[148:156] = b"%06o\0 " % sum(plain[:512])
    with pytest.raises(InvalidSdist, match="GiB"):
        read(gzip.compress(bytes(plain)))


@given(st.binary(max_size=600))
def test_any_archive_is_read_or_refused(content: bytes) -> None:
    for filename, packed in (("demo-1.0.tar.gz", gzip.compress(content)), ("demo-1.0.zip", content)):
        with contextlib.suppress(InvalidSdist):
            assert read(packed, filename) is None
