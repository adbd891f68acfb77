from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lockflow.errors import LockFileError
from lockflow.lock.files import only_one_process, read_lock_text, replace_text, write_lock_text
from lockflow.lock.model import Waiting
from support.holders import held


def test_a_missing_lock_is_none(tmp_path: Path) -> None:
    assert read_lock_text(tmp_path / "uv.lock") is None


def test_line_ends_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "uv.lock"
    path.write_bytes(b"version = 1\r\n")
    assert read_lock_text(path) == "version = 1\r\n"


def test_a_folder_and_other_encodings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LockFileError) as folder:
        read_lock_text(tmp_path)
    assert folder.value.where == str(tmp_path)
    path = tmp_path / "uv.lock"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(LockFileError) as encoding:
        read_lock_text(path)
    assert "byte 0" in encoding.value.where


def test_a_lock_is_written_without_leaving_anything_else(tmp_path: Path) -> None:
    path = tmp_path / "uv.lock"
    for text in ("one\n", "two ü\n"):
        write_lock_text(path, text)
        assert path.read_bytes() == text.encode()
    assert [entry.name for entry in tmp_path.iterdir()] == ["uv.lock"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links are a matter of POSIX")
def test_link_and_mode_are_kept(tmp_path: Path) -> None:
    target = tmp_path / "real" / "the.lock"
    target.parent.mkdir()
    target.write_text("old", encoding="utf-8")
    target.chmod(0o640)
    link = tmp_path / "uv.lock"
    link.symlink_to(Path("real") / "the.lock")
    write_lock_text(link, "new")
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="there is no umask")
def test_a_new_lock_has_the_mode_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    write_lock_text(tmp_path / "uv.lock", "new")
    assert (tmp_path / "uv.lock").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
def test_what_is_no_file_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    replace_text(pipe, "new")
    reader.join(60)
    assert read == [b"new"]
    assert pipe.is_fifo()
    with pytest.raises(OSError, match="Is a directory"):
        replace_text(tmp_path, "new")


def test_a_link_to_nowhere_gets_its_target(tmp_path: Path) -> None:
    link = tmp_path / "uv.lock"
    link.symlink_to(tmp_path / "later.lock")
    write_lock_text(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "later.lock").read_text(encoding="utf-8") == "new"


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def broken_off(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("place", ["os.fsync", "pathlib.Path.replace"])
def test_a_full_disk_leaves_the_old_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    path = tmp_path / "uv.lock"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(place, full_disk)
    with pytest.raises(LockFileError) as caught:
        write_lock_text(path, "new")
    assert caught.value.why == "No space left on device"
    assert path.read_text(encoding="utf-8") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["uv.lock"]


@pytest.mark.parametrize("place", ["os.fsync", "pathlib.Path.replace"])
def test_an_interrupt_leaves_the_old_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    path = tmp_path / "uv.lock"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(place, broken_off)
    with pytest.raises(KeyboardInterrupt):
        write_lock_text(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["uv.lock"]


def test_a_crash_between_leaves_the_old_lock(tmp_path: Path) -> None:
    path = tmp_path / "uv.lock"
    path.write_text("old", encoding="utf-8")
    program = (
        "import os, pathlib, sys; from lockflow.lock.files import write_lock_text\n"
        "pathlib.Path.replace = lambda *_: os._exit(9)\n"
        "write_lock_text(pathlib.Path(sys.argv[1]), 'new')\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 9
    assert path.read_text(encoding="utf-8") == "old"


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LockFileError) as caught:
        write_lock_text(tmp_path / "missing" / "uv.lock", "new")
    assert caught.value.where.endswith("uv.lock")


def test_another_process_waits_and_is_told_who_holds_the_project(tmp_path: Path) -> None:
    path = tmp_path / "state" / "project.lock"
    with held(path, "lockflow", "refresh", "--index", "https://me:secret@index.example") as holder:
        with pytest.raises(LockFileError) as caught, only_one_process(path, timeout_seconds=0.05):
            pass
        assert caught.value.why == f"lockflow refresh (process {holder.pid}) has held the file for 0.05 seconds"
        assert "secret" not in path.read_text(encoding="ascii")
        release = threading.Timer(0.1, holder.release)
        release.start()
        with only_one_process(path, timeout_seconds=60) as is_held:
            assert is_held
        release.join()


def test_who_waits_hears_so_every_second_and_may_give_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "project.lock"
    monkeypatch.setattr(sys.modules["lockflow.lock.files"], "TOLD_EVERY_SECONDS", 0.01)
    told: list[Waiting] = []

    def hear(waiting: Waiting) -> None:
        told.append(waiting)
        if len(told) == 3:
            raise KeyboardInterrupt

    with held(path, "doit") as holder:
        with pytest.raises(KeyboardInterrupt), only_one_process(path, hear):
            pass
        assert {(waiting.path, waiting.holder) for waiting in told} == {(str(path), f"doit (process {holder.pid})")}
        assert told[0].seconds < told[1].seconds < told[2].seconds


@pytest.mark.parametrize(
    ("started", "told"),
    [
        (("/usr/bin/lockflow", "lock"), "lockflow lock"),
        (("/opt/lockflow/__main__.py", "sync", "-q"), "lockflow sync"),
        (("doit",), "doit"),
        (("lockflow", "--directory", "x", "lock"), "lockflow"),
        (("a&b.py", "lock"), ""),
        (("",), ""),
    ],
)
def test_of_a_command_line_the_program_and_its_first_word_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: tuple[str, ...], told: str
) -> None:
    monkeypatch.setattr(sys, "argv", list(started))
    path = tmp_path / "project.lock"
    with only_one_process(path):
        assert path.read_text(encoding="ascii").split("\n") == [str(os.getpid()), told, ""]


def test_a_short_wait_is_told_to_nobody(tmp_path: Path) -> None:
    with only_one_process(tmp_path / "project.lock", lambda _: pytest.fail("nobody waits")) as is_held:
        assert is_held


@pytest.mark.skipif(sys.platform == "win32", reason="there, nobody knows whether a process is there")
@pytest.mark.parametrize("left", ["99999999999\nlockflow lock\n", "2147483646\n", "\x1b[2J\n", "", "0\nx", "\xb2"])
def test_what_a_dead_process_or_somebody_else_left_is_not_told(tmp_path: Path, left: str) -> None:
    path = tmp_path / "project.lock"
    with held(path):
        path.write_text(left, encoding="utf-8")
        with pytest.raises(LockFileError) as caught, only_one_process(path, timeout_seconds=0):
            pass
    assert caught.value.why.startswith("another process has held")


def test_a_file_that_is_free_names_nobody(tmp_path: Path) -> None:
    path = tmp_path / "project.lock"
    with only_one_process(path):
        assert str(os.getpid()) in path.read_text(encoding="ascii")
    assert path.read_bytes() == b""


def test_a_holder_that_fails_gives_the_project_free(tmp_path: Path) -> None:
    path = tmp_path / "project.lock"
    with pytest.raises(ZeroDivisionError), only_one_process(path):
        raise ZeroDivisionError
    with only_one_process(path, timeout_seconds=0) as is_held:
        assert is_held


def test_where_no_file_can_be_made_nobody_is_kept_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with only_one_process(tmp_path / "file" / "project.lock") as is_held:
        assert not is_held
