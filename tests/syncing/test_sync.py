"""What `lockflow sync` makes of an environment, with wheels of a small index and the Python that runs the tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.installation import Installation


def test_an_environment_is_made_kept_changed_and_emptied(desk: Installation) -> None:
    desk.offer("pear", "1.0", "core").offer("core", "1.0").offer("core", "2.0").offer("plum", "1.0")
    desk.write("pear", "core<2")
    run = desk.run("sync")
    assert run.code == 0, run.said
    assert "Creating virtual environment at: .venv" in run.said
    assert " + core==1.0\n + pear==1.0\n" in run.said
    assert desk.packages == {"core-1.0", "pear-1.0"}
    assert desk.python("import core, pear; print(core.version, pear.version)") == "1.0 1.0\n"

    run = desk.run("sync")
    assert "Checked 2 packages in" in run.said
    assert " + " not in run.said

    desk.write("pear")
    run = desk.run("sync", "--upgrade")
    assert " - core==1.0\n + core==2.0\n" in run.said
    assert desk.python("import core; print(core.version)") == "2.0\n"

    (desk.library / "mine.py").write_text("mine = 1\n", encoding="utf-8")
    desk.write()
    run = desk.run("sync")
    assert " - core==2.0\n - pear==1.0\n" in run.said
    assert {path.name for path in desk.library.iterdir()} == {"mine.py"}


def test_files_come_out_of_the_cache_as_links_that_no_package_shares_by_copying(desk: Installation) -> None:
    desk.offer("pear", "1.0")
    desk.write("pear")
    desk.run("sync")
    shutil.rmtree(desk.environment)
    run = desk.run("sync", "--offline", "--frozen", "--link-mode", "hardlink")
    assert run.code == 0, run.said
    assert (desk.library / "pear" / "__init__.py").stat().st_nlink == 2
    assert "Prepared" not in run.said
    run = desk.run("sync", "--reinstall", "--link-mode", "copy")
    assert " ~ pear==1.0\n" in run.said
    assert (desk.library / "pear" / "__init__.py").stat().st_nlink == 1


@pytest.mark.parametrize("is_whole", [True, False])
def test_another_file_than_the_lock_names_is_never_unpacked(desk: Installation, is_whole: bool) -> None:
    desk.offer("pear", "1.0")
    desk.write("pear")
    desk.run("lock")
    content = desk.house.files["pear"]["pear-1.0-py3-none-any.whl"]
    evil = bytes([content[0], content[1] ^ 1]) + content[2:] if is_whole else content + b"and more"
    desk.house.carry("pear", "pear-1.0-py3-none-any.whl", evil)
    run = desk.run("sync", "--frozen")
    assert run.code == 1, run.said
    assert "error: pear-1.0-py3-none-any.whl is not the file that the lock names" in run.said
    assert ("the file has     sha256:" if is_whole else "it is larger than the") in run.said
    assert desk.packages == set()
    assert not (desk.cache / "unpacked-1").exists()


def test_an_interrupted_installation_is_mended_by_the_next(desk: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.offer("core", "1.0").offer("pear", "1.0", files={f"pear/m{number}.py": b"" for number in range(9)})
    desk.offer("pear", "2.0", files={"pear/new.py": b""})
    desk.write("core", "pear<2")
    count = 0

    def interrupt(source: str, target: str) -> None:
        nonlocal count
        count += 1
        if count > 6:
            raise KeyboardInterrupt
        shutil.copy(source, target)

    with monkeypatch.context() as patch:
        patch.setattr("lockflow.environments.links.Linker.put", lambda _, source, target: interrupt(source, target))
        assert desk.run("sync").code == 130
    assert 0 < len(list((desk.library / "pear").iterdir())) < 9
    run = desk.run("sync")
    assert " ~ pear==1.0" in run.said
    assert len(list((desk.library / "pear").iterdir())) == 9

    # The same when another version is wanted meanwhile: nothing of the first stays.
    count = 0
    with monkeypatch.context() as patch:
        patch.setattr("lockflow.environments.links.Linker.put", lambda _, source, target: interrupt(source, target))
        assert desk.run("sync", "--reinstall").code == 130
    desk.write("core", "pear")
    run = desk.run("sync", "-U")
    assert run.code == 0, run.said
    assert {path.name for path in (desk.library / "pear").iterdir()} == {"new.py"}
    assert "Checked 2 packages" in desk.run("sync").said


def test_a_record_that_leads_out_of_the_environment_is_not_followed(desk: Installation, tmp_path: Path) -> None:
    desk.offer("pear", "1.0")
    desk.write("pear")
    desk.run("sync")
    precious = tmp_path / "precious"
    precious.write_text("keep", encoding="utf-8")
    (desk.library / "out").symlink_to(tmp_path)
    record = desk.library / "pear-1.0.dist-info" / "RECORD"
    rows = f"{precious},,\n../../../../../precious,,\nout/precious,,\n../../../pyvenv.cfg,,\n"
    record.write_text(record.read_text(encoding="utf-8") + rows, encoding="utf-8")
    desk.write()
    run = desk.run("sync")
    assert run.code == 0, run.said
    assert "claims files outside of the environment" in run.said
    assert precious.read_text(encoding="utf-8") == "keep"
    assert (desk.environment / "pyvenv.cfg").exists()
    assert desk.packages == set()


def test_foreign_packages_stay_where_inexact(desk: Installation) -> None:
    desk.offer("pear", "1.0").offer("plum", "1.0")
    desk.write("pear", "plum")
    desk.run("sync")
    desk.write("pear")
    assert " - " not in desk.run("sync", "--inexact").said
    assert desk.packages == {"pear-1.0", "plum-1.0"}
    assert " - plum==1.0" in desk.run("sync").said


def test_what_cannot_be_installed_here_is_named_all_at_once(desk: Installation) -> None:
    desk.offer("pear", "1.0", tags=["cp311-cp311-win_amd64"]).offer("plum", "1.0", tags=["py3-none-macosx_11_0_arm64"])
    desk.write("pear", "plum")
    run = desk.run("sync")
    assert run.code == 1
    assert "error: 2 packages of the lock cannot be installed here" in run.said
    assert "pear 1.0" in run.said
    assert "plum 1.0" in run.said
    assert not desk.environment.exists()


# Environments ---------------------------------------------------------------------------------------------------------


def test_what_goes_wrong_after_the_lock_was_written_says_that_it_was(desk: Installation) -> None:
    desk.write()
    run = desk.run("sync", "--python", "3.1")
    assert run.code == 2
    assert run.said.endswith("\n         uv.lock is new already, and stands\n")
    assert "is new already" not in desk.run("sync", "--python", "3.1").said
    desk.write("apple")
    run = desk.run("export", "--offline", "-o", "nowhere/requirements.txt")
    assert "is new already" not in run.said, "nothing of that name could be found, so the lock is the old one"


def test_what_is_no_environment_is_never_replaced(desk: Installation) -> None:
    desk.write()
    desk.environment.mkdir()
    (desk.environment / "thesis.txt").write_text("years of work", encoding="utf-8")
    run = desk.run("sync")
    assert run.code == 2
    assert "error: .venv cannot be used as the environment of the project" in run.said
    assert (desk.environment / "thesis.txt").exists()


def test_an_environment_whose_python_is_gone_is_made_anew(desk: Installation) -> None:
    desk.offer("pear", "1.0")
    desk.write("pear")
    desk.run("sync")
    for name in ("python", "python3"):
        (desk.environment / "bin" / name).unlink(missing_ok=True)
        (desk.environment / "bin" / name).symlink_to("/nowhere/python3")
    run = desk.run("sync")
    assert run.code == 0, run.said
    assert "Removed virtual environment at: .venv" in run.said
    assert desk.python("import pear; print(pear.version)") == "1.0\n"


@pytest.mark.parametrize(
    ("place", "text"), [("--python", "3.99"), (".python-version", "3.99\n"), ("UV_PYTHON", ">=3.98")]
)
def test_a_python_that_is_not_here_is_said_with_those_that_are(
    desk: Installation, monkeypatch: pytest.MonkeyPatch, place: str, text: str
) -> None:
    desk.write()
    words = ["sync"]
    if place == "--python":
        words += [place, text]
    elif place == "UV_PYTHON":
        monkeypatch.setenv(place, text)
    else:
        (desk.project / place).write_text(text, encoding="utf-8")
    run = desk.run(*words)
    assert run.code == 2
    assert "error: there is no Python for the environment" in run.said
    assert place in run.said
    assert not desk.environment.exists()
