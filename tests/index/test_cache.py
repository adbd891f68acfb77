from __future__ import annotations

import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lockflow.errors import CacheError
from lockflow.index.cache import Cache, default_cache_folder


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path: Path, warnings: list[str]) -> Cache:
    return Cache(tmp_path / "cache", warnings.append)


def test_entry_is_read_as_it_was_written(cache: Cache) -> None:
    assert cache.read("a/b") is None
    cache.write("a/b", b"one")
    cache.write("a/b", b"two")
    cache.write("a/empty", b"")
    assert cache.read("a/b") == b"two"
    assert cache.read("a/empty") == b""


def test_damaged_entries_are_as_good_as_none(cache: Cache, tmp_path: Path) -> None:
    cache.write("a/b", b"content" * 100)
    path = tmp_path / "cache/a/b"
    whole = path.read_bytes()
    for damaged in (
        b"",
        whole[:-1],
        whole[:6],
        whole[:50] + b"X" + whole[51:],
        b"XXXX" + whole[4:],
        b"\0" * len(whole),
    ):
        path.write_bytes(damaged)
        assert cache.read("a/b") is None
    assert cache.read("a") is None
    assert cache.read("a\0b") is None


def test_a_split_entry_is_read_piece_by_piece(cache: Cache) -> None:
    for head in (b"head", b"", b"h" * 100_000):
        written = cache.write_split("a/b", head, b"the tail")
        assert written is not None
        found = cache.read_split("a/b")
        assert found is not None
        assert found[0] == head
        for tail in (written, found[1]):
            assert tail.piece(4, 4, zlib.crc32(b"tail")) == b"tail"
            assert tail.whole() == b"the tail"
    assert cache.read("a/b") is None


def test_a_split_entry_that_is_not_whole_is_as_good_as_none(cache: Cache, tmp_path: Path) -> None:
    cache.write_split("a/b", b"head" * 20_000, b"tail")
    path = tmp_path / "cache/a/b"
    whole = path.read_bytes()
    for damaged in (b"", whole[:3], whole[:30], whole[:-1], whole + b"X", whole[:50] + b"X" + whole[51:]):
        path.write_bytes(damaged)
        assert cache.read_split("a/b") is None
    cache.write("a/b", b"not split")
    assert cache.read_split("a/b") is None


def test_a_damaged_piece_takes_its_entry_with_it(cache: Cache, tmp_path: Path) -> None:
    tail = cache.write_split("a/b", b"head", b"the tail")
    assert tail is not None
    path = tmp_path / "cache/a/b"
    path.write_bytes(path.read_bytes()[:-4] + b"XXXX")
    assert tail.piece(0, 3, zlib.crc32(b"the")) == b"the"
    with pytest.raises(CacheError) as caught:
        tail.piece(4, 4, zlib.crc32(b"tail"))
    assert caught.value.where == str(path)
    assert not path.exists()
    with pytest.raises(CacheError):
        tail.piece(0, 3, zlib.crc32(b"the"))
    assert tail.whole() == b""


def test_writing_leaves_nothing_beside_the_entry_but_the_tag(cache: Cache, tmp_path: Path) -> None:
    cache.write("a/b", b"content")
    files = [str(path.relative_to(tmp_path)) for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert sorted(files) == ["cache/CACHEDIR.TAG", "cache/a/b"]
    assert (tmp_path / "cache/CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")


def test_who_writes_at_once_never_shows_half_an_entry(tmp_path: Path) -> None:
    contents = [bytes([number]) * 50_000 for number in range(8)]
    caches = [Cache(tmp_path, pytest.fail) for _ in contents]

    def use(number: int) -> None:
        for _ in range(20):
            caches[number]._serial += 1000 * number + 1000  # what different processes have of their own
            caches[number].write("a/b", contents[number])
            assert caches[number].read("a/b") in contents

    with ThreadPoolExecutor(len(contents)) as threads:
        list(threads.map(use, range(len(contents))))


def test_cache_that_cannot_be_written_warns_once_and_goes_on(tmp_path: Path, warnings: list[str]) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache = Cache(tmp_path / "cache", warnings.append)
    cache.write("a/b", b"one")
    cache.write("a/c", b"two")
    assert cache.read("a/b") is None
    assert len(warnings) == 1
    assert "cannot be written" in warnings[0]


def test_full_disk_leaves_the_old_entry_and_no_rest(
    cache: Cache, tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write("a/b", b"old")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        cache.write("a/b", b"new")
    assert cache.read("a/b") == b"old"
    assert [path.name for path in (tmp_path / "cache/a").iterdir()] == ["b"]
    assert "No space left on device" in warnings[0]


@pytest.mark.parametrize(
    ("environment", "platform", "folder"),
    [
        ({"LOCKFLOW_CACHE_DIR": "/x/y", "XDG_CACHE_HOME": "/z"}, "linux", "/x/y"),
        ({"XDG_CACHE_HOME": "/z"}, "linux", "/z/lockflow"),
        ({"XDG_CACHE_HOME": "relative"}, "linux", "HOME/.cache/lockflow"),
        ({}, "linux", "HOME/.cache/lockflow"),
        ({"XDG_CACHE_HOME": "/z"}, "darwin", "HOME/Library/Caches/lockflow"),
        ({"LOCALAPPDATA": "/local"}, "win32", "/local/lockflow/Cache"),
    ],
)
def test_default_folder_is_the_one_of_the_system(environment: dict[str, str], platform: str, folder: str) -> None:
    expected = Path(folder.replace("HOME", str(Path.home())))
    assert default_cache_folder(environment, platform) == expected
