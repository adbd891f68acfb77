from __future__ import annotations

from pathlib import Path

from lockflow.images.context import digests, files_below


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def test_what_is_ignored_and_what_is_an_environment_stays_behind(tmp_path: Path) -> None:
    write(
        tmp_path,
        "a.py",
        "src/b.py",
        "data/big.csv",
        "data/keep.csv",
        "env/pyvenv.cfg",
        "env/x.py",
        ".git/config",
        ".env",
    )
    (tmp_path / ".dockerignore").write_text("data\n!data/keep.csv\n")
    found = [file.path for file in files_below(tmp_path, "source")]
    assert found == ["source/.dockerignore", "source/a.py", "source/data/keep.csv", "source/src/b.py"]


def test_links_stay_links_and_programs_programs(tmp_path: Path) -> None:
    write(tmp_path, "run.sh", "plain")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "link").symlink_to("/etc/passwd")
    found = {file.path: file for file in files_below(tmp_path, "x")}
    assert found["x/link"].link == "/etc/passwd"
    assert found["x/link"].source == ""
    assert [path for path, file in found.items() if file.is_executable] == ["x/run.sh"]


def test_a_digest_counts_content_mode_and_links_and_no_time(tmp_path: Path) -> None:
    write(tmp_path, "a", "b")

    def all_digests() -> dict[str, str]:
        return dict(digests(files_below(tmp_path, "x")))

    first = all_digests()
    (tmp_path / "a").touch()
    assert all_digests() == first
    (tmp_path / "a").chmod(0o755)
    assert all_digests()["x/a"] != first["x/a"]
    (tmp_path / "b").write_text("c")
    assert all_digests()["x/b"] != first["x/b"]
