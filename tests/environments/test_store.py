from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockflow.environments.contents import UnusableWheel
from lockflow.environments.store import Store, Unpacked
from support.wheels import record_row, wheel_bytes

NAME = "pear-1.0-py3-none-any.whl"


def add(store: Store, content: bytes, filename: str = NAME) -> Unpacked:
    return store.add(io.BytesIO(content), filename, hashlib.sha256(content).hexdigest())


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_a_wheel_is_unpacked_once_and_found_by_its_digest(tmp_path: Path) -> None:
    store = Store(tmp_path)
    content = wheel_bytes(
        "pear", "1.0", {"pear/__init__.py": b"x = 1\n", "pear/run.sh": b"#!/bin/sh\n"}, modes={"pear/run.sh": 0o100755}
    )
    unpacked = add(store, content)
    assert (unpacked.files / "pear/__init__.py").read_bytes() == b"x = 1\n"
    assert (unpacked.files / "pear/run.sh").stat().st_mode & 0o111
    assert not (unpacked.files / "pear/__init__.py").stat().st_mode & 0o111
    assert store.find(hashlib.sha256(content).hexdigest()) == unpacked
    assert store.find("0" * 64) is None
    assert list(tmp_path.rglob("*.tmp")) == []


def test_a_file_that_was_edited_by_way_of_an_environment_is_noticed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    content = wheel_bytes("pear", "1.0", {"pear.py": b"x = 1\n"})
    digest = hashlib.sha256(content).hexdigest()
    (add(store, content).files / "pear.py").write_bytes(b"x = 2\n")
    assert store.find(digest) is None
    assert (add(store, content).files / "pear.py").read_bytes() == b"x = 1\n"


def test_two_who_unpack_the_same_wheel_do_not_disturb_each_other(tmp_path: Path) -> None:
    content = wheel_bytes("pear", "1.0", {"pear.py": b"x = 1\n"})
    first, second = add(Store(tmp_path), content), add(Store(tmp_path), content)
    assert first.files == second.files
    assert first.contents == second.contents


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path: Path) -> None:
    content = wheel_bytes("pear", "1.0", {"pear.py": b"x = 1\n"})
    digest = hashlib.sha256(content).hexdigest()
    half = tmp_path / "unpacked-1" / digest[:2] / f".{digest}.0123.tmp" / "files"
    half.mkdir(parents=True)
    (half / "pear.py").write_bytes(b"x")
    assert Store(tmp_path).find(digest) is None
    assert (add(Store(tmp_path), content).files / "pear.py").read_bytes() == b"x = 1\n"


def test_what_record_does_not_list_is_installed_and_listed(tmp_path: Path) -> None:
    unpacked = add(Store(tmp_path), wheel_bytes("pear", "1.0", more=[("pear/late.py", b"")]))
    item = next(item for item in unpacked.contents.items if item.path == "pear/late.py")
    assert item.digest == "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"


# Hostile ones ---------------------------------------------------------------------------------------------------------


def rowless(**arguments: Any) -> bytes:
    return wheel_bytes("pear", "1.0", **arguments)


def twice() -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return rowless(files={"pear.py": b"one"}, more=[("pear.py", b"two")])


def with_header(offset: int, value: int, size: str) -> bytes:
    """A wheel whose table of contents has another value for its first entry."""
    content = bytearray(rowless(files={"pear.py": b"x" * 50}))
    at = content.index(b"PK\x01\x02")
    struct.pack_into(size, content, at + offset, value)
    return bytes(content)


def overlapping() -> bytes:
    content = bytearray(rowless(files={"pear.py": b"x" * 50, "plum.py": b"y" * 50}))
    first = content.index(b"PK\x01\x02")
    second = content.index(b"PK\x01\x02", first + 4)
    struct.pack_into("<I", content, second + 42, 1)
    return bytes(content)


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "a path that climbs": (lambda: rowless(more=[("../evil.py", b"")]), "does not stay in its folder"),
    "a path that climbs from below": (lambda: rowless(more=[("pear/../../evil.py", b"")]), "does not stay"),
    "an absolute path": (lambda: rowless(more=[("/tmp/evil.py", b"")]), "is no path of a wheel"),
    "a path of Windows": (lambda: rowless(more=[("..\\evil.py", b"")]), "is no path of a wheel"),
    "a drive": (lambda: rowless(more=[("c:/evil.py", b"")]), "does not stay"),
    "a data path that climbs": (lambda: rowless(more=[("pear-1.0.data/data/../../evil", b"")]), "does not stay"),
    "an unknown scheme": (lambda: rowless(more=[("pear-1.0.data/root/evil", b"")]), "is in no scheme"),
    "a link": (
        lambda: rowless(files={"pear/link": b"/etc/passwd"}, modes={"pear/link": 0o120777}),
        "pear/link is a link",
    ),
    "the same name twice": (twice, "pear.py is in it twice"),
    "two files for one place": (
        lambda: rowless(files={"pear.py": b"", "pear-1.0.data/purelib/pear.py": b"x"}),
        "go to the same place",
    ),
    "a size that is too large": (lambda: with_header(24, 1 << 31, "<I"), "pear.py has 50 bytes, the archive says"),
    "a size that is too small": (lambda: with_header(24, 10, "<I"), "cannot be unpacked"),
    "an encrypted entry": (lambda: with_header(8, 1, "<H"), "is encrypted"),
    "an unknown compression": (lambda: with_header(10, 99, "<H"), "cannot be unpacked"),
    "entries that overlap": (overlapping, "overlaps"),
    "a wrong digest in RECORD": (
        lambda: rowless(files={"pear.py": b"x"}, record=record_row("pear.py", b"y")),
        "pear.py is not the file that its RECORD states",
    ),
    "a RECORD that leads out": (
        lambda: rowless(record="../../../etc/passwd,,\n"),
        "does not stay in its folder",
    ),
    "a digest nobody knows": (
        lambda: rowless(files={"pear.py": b""}, record="pear.py,rot13=x,0\n"),
        "nobody can check",
    ),
    "a RECORD of two columns": (lambda: rowless(record="pear.py,\n"), "2 fields in a row in place of 3"),
    "another name inside": (lambda: wheel_bytes("plum", "1.0"), "it holds plum 1.0, its file name says otherwise"),
    "another version inside": (lambda: wheel_bytes("pear", "2.0"), "it holds pear 2.0"),
    "two packages": (lambda: rowless(more=[("plum-1.0.dist-info/METADATA", b"")]), "2 .dist-info folders"),
    "a format of the future": (lambda: rowless(wheel="Wheel-Version: 2.0\n"), "version 2 of the format"),
    "an interpreter of its own": (lambda: rowless(files={"pear-1.0.data/scripts/python": b""}), "would replace python"),
    "a configuration of its own": (lambda: rowless(files={"pear-1.0.data/data/pyvenv.cfg": b""}), "of the environment"),
    "an interpreter among its data": (lambda: rowless(files={"pear-1.0.data/data/bin/python3": b""}), "would replace"),
    "a command that climbs": (
        lambda: rowless(entry_points="[console_scripts]\n../../evil = pear:main\n"),
        "no name that a file can have",
    ),
    "a command named python": (
        lambda: rowless(entry_points="[console_scripts]\npython3.11 = pear:main\n"),
        "would replace python3.11",
    ),
    "a command that is no function": (
        lambda: rowless(entry_points="[console_scripts]\npear = os; import os\n"),
        "entry_points.txt cannot be read",
    ),
    "no archive": (lambda: b"PK\x03\x04", "cannot be unpacked"),
    "nothing": (lambda: b"", "cannot be unpacked"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_wheel_is_refused_and_leaves_nothing(kind: str, tmp_path: Path) -> None:
    make, said = HOSTILE[kind]
    with pytest.raises(UnusableWheel) as caught:
        add(Store(tmp_path / "cache"), make())
    assert said in str(caught.value)
    assert files_below(tmp_path) == set()


def test_a_wheel_of_too_many_bytes_is_refused_before_any_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lockflow.environments.contents.LARGEST_BYTES", 1 << 20)
    bomb = wheel_bytes("pear", "1.0", {"pear.bin": bytes(2 << 20)})
    assert len(bomb) < 1 << 14
    with pytest.raises(UnusableWheel, match="more than any wheel has"):
        add(Store(tmp_path), bomb)
    assert files_below(tmp_path) == set()


def test_a_wheel_may_be_cut_off_anywhere(tmp_path: Path) -> None:
    content = wheel_bytes("pear", "1.0", {"pear.py": b"x" * 300}, entry_points="[console_scripts]\np = pear:m\n")
    for length in range(0, len(content), 13):
        with pytest.raises(UnusableWheel):
            add(Store(tmp_path), content[:length])
    assert files_below(tmp_path) == set()


def test_zipfile_is_what_it_was() -> None:
    """The checks read names as they are in the archive, since the library cuts and turns them."""
    entry = zipfile.ZipInfo("a\\b")
    assert entry.orig_filename == "a\\b"
