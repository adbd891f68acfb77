from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from lockflow.index.sdist import InvalidSdist
from lockflow.index.unpack import unpack
from support.archives import tar_gz, zip_archive


def test_folder_at_the_top_is_the_tree(tmp_path: Path) -> None:
    tree = unpack(io.BytesIO(tar_gz({"a-1/setup.py": b"x", "a-1/a/b.py": b"y"})), "a-1.tar.gz", tmp_path)
    assert tree == tmp_path / "a-1"
    assert (tree / "a/b.py").read_bytes() == b"y"


def test_archive_without_a_folder_at_its_top_is_the_tree_itself(tmp_path: Path) -> None:
    tree = unpack(io.BytesIO(zip_archive({"setup.py": b"x", "README": b""})), "a-1.zip", tmp_path)
    assert tree == tmp_path
    assert (tree / "setup.py").read_bytes() == b"x"


@pytest.mark.parametrize("name", ["../out", "a/../../out", "C:/out"])
@pytest.mark.parametrize("is_zip", [False, True])
def test_member_that_leaves_its_folder_is_refused(tmp_path: Path, name: str, *, is_zip: bool) -> None:
    archive = zip_archive({name: b""}) if is_zip else tar_gz({name: b""})
    with pytest.raises(InvalidSdist, match="does not stay"):
        unpack(io.BytesIO(archive), "a-1.zip" if is_zip else "a-1.tar.gz", tmp_path / "inside")


def links(*entries: tuple[str, str, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, target, kind in entries:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
        member = tarfile.TarInfo("a-1/real")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"text"))
    return buffer


def test_link_to_a_file_of_the_archive_becomes_its_content(tmp_path: Path) -> None:
    archive = links(("a-1/b/soft", "../real", tarfile.SYMTYPE), ("a-1/hard", "a-1/real", tarfile.LNKTYPE))
    tree = unpack(archive, "a-1.tar.gz", tmp_path)
    assert (tree / "b/soft").read_bytes() == b"text"
    assert not (tree / "b/soft").is_symlink()
    assert (tree / "hard").read_bytes() == b"text"


def test_link_to_a_file_outside_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSdist):
        unpack(links(("a-1/soft", "../../etc/passwd", tarfile.SYMTYPE)), "a-1.tar.gz", tmp_path)


@pytest.mark.parametrize("filename", ["a-1.tar.gz", "a-1.zip", "a-1.tar.xz"])
def test_bytes_that_are_no_archive_are_refused(tmp_path: Path, filename: str) -> None:
    with pytest.raises(InvalidSdist, match="cannot be unpacked"):
        unpack(io.BytesIO(b"no archive" * 100), filename, tmp_path)
