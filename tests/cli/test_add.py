from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lockflow.dependencies import AddAsk, add
from lockflow.editing import replacing
from lockflow.editing.replacing import replace_all
from lockflow.errors import InputError
from lockflow.lock.files import replace_text
from lockflow.steps import Network, Target
from support.workbench import Workbench


@pytest.fixture
def shop(bench: Workbench) -> Workbench:
    bench.offer("pear", "1.0").offer("pear", "2.3.1")
    path = bench.write("apple")
    path.write_text(path.read_text(encoding="utf-8").replace("'apple'", '"apple"'), encoding="utf-8")
    assert bench.run("lock").code == 0
    return bench


def text(bench: Workbench) -> str:
    return (bench.project / "pyproject.toml").read_bytes().decode()


def both(bench: Workbench) -> tuple[bytes, bytes | None]:
    lock = bench.lock.read_bytes() if bench.lock.exists() else None
    return (bench.project / "pyproject.toml").read_bytes(), lock


# What is written -----------------------------------------------------------------------------------------------------


def test_a_new_requirement_gets_a_bound_after_the_locked_version(shop: Workbench) -> None:
    run = shop.run("add", "pear")
    assert run.code == 0, run.said
    assert 'dependencies = [\n    "apple",\n    "pear>=2.3.1",\n]\n' in text(shop)
    assert "Added pear v2.3.1" in run.said
    assert shop.run("lock", "--check").code == 0


def test_a_bound_follows_a_version_that_the_lock_has_already(shop: Workbench) -> None:
    shop.offer("core", "9.0")
    assert shop.run("add", "core", "--bounds", "exact").code == 0
    assert '"core==2.0"' in text(shop)


def test_comments_and_line_ends_are_kept(shop: Workbench) -> None:
    before = text(shop).replace('["apple"]', '[\n  # fruit\n  "apple", # red\n]').replace("\n", "\r\n")
    (shop.project / "pyproject.toml").write_bytes(before.encode())
    assert shop.run("add", "pear<2").code == 0
    assert '[\r\n  # fruit\r\n  "apple", # red\r\n  "pear<2",\r\n]\r\n' in text(shop)
    assert text(shop).replace("\r\n", "").count("\n") == 0


def test_what_was_added_can_be_removed_again(shop: Workbench) -> None:
    lock = shop.lock.read_bytes()
    assert shop.run("add", "pear", "--group", "docs").code == 0
    assert '[dependency-groups]\ndocs = [\n    "pear>=2.3.1",\n]\n' in text(shop)
    assert shop.run("remove", "pear", "--group", "docs").code == 0
    assert "docs = []" in text(shop)
    assert b'name = "pear"' not in shop.lock.read_bytes()
    assert shop.run("lock", "--check").code == 0
    assert lock.count(b"[[package]]") == shop.lock.read_bytes().count(b"[[package]]")


def test_a_source_of_git_is_written_apart(shop: Workbench) -> None:
    run = shop.run("add", "--frozen", "tool @ git+https://git.example/tool.git", "--tag", "v2")
    assert run.code == 0, run.said
    assert '[tool.uv.sources]\ntool = { git = "https://git.example/tool.git", tag = "v2" }\n' in text(shop)
    assert '"tool",' in text(shop)


def test_a_script_is_edited_in_its_comment(shop: Workbench) -> None:
    script = shop.project / "tool.py"
    index = '[[tool.uv.index]]\n# url = "https://index.example/simple"\n# default = true'
    script.write_text(f'# /// script\n# requires-python = ">=3.11"\n# dependencies = []\n# {index}\n# ///\nx = 1\n')
    run = shop.run("add", "--script", "tool.py", "pear")
    assert run.code == 0, run.said
    written = script.read_text(encoding="utf-8")
    assert '# dependencies = [\n#     "pear>=2.3.1",\n# ]\n' in written
    assert written.endswith("# ///\nx = 1\n")
    assert not (shop.project / "tool.py.lock").exists()
    assert shop.run("remove", "--script", "tool.py", "pear").code == 0
    assert "# dependencies = []\n" in script.read_text(encoding="utf-8")


# All or nothing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_lock", [True, False])
@pytest.mark.parametrize(
    "words",
    [("add", "nowhere"), ("add", "apple<0.1"), ("add", "pear", "core==7"), ("add", "pear", "--locked")],
)
def test_where_the_lock_cannot_follow_both_files_stay(shop: Workbench, words: tuple[str, ...], has_lock: bool) -> None:
    if not has_lock:
        shop.lock.unlink()
    before = both(shop)
    run = shop.run(*words)
    assert run.code == 1, run.said
    assert both(shop) == before


def test_a_dry_run_shows_the_edit_and_writes_nothing(shop: Workbench) -> None:
    before = both(shop)
    run = shop.run("add", "pear", "--dry-run")
    assert run.code == 0, run.said
    assert '+    "pear>=2.3.1",' in run.said
    assert "Add pear v2.3.1" in run.said
    assert both(shop) == before


def test_frozen_edits_only(shop: Workbench) -> None:
    lock = shop.lock.read_bytes()
    assert shop.run("add", "nowhere", "--frozen").code == 0
    assert '"nowhere",' in text(shop)
    assert shop.lock.read_bytes() == lock


def test_a_file_that_cannot_be_written_takes_the_lock_back(shop: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    before = both(shop)
    replaced = []

    def refuse(path: Path, text: str) -> None:
        if "pear" in text:
            replaced.append(shop.lock.read_bytes() != before[1])
            raise OSError(13, "Permission denied")
        replace_text(path, text)

    monkeypatch.setattr(replacing, "replace_text", refuse)
    run = shop.run("add", "pear")
    assert run.code == 2
    assert "error: pyproject.toml cannot be written" in run.said
    assert replaced == [True]
    assert both(shop) == before


# What is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "demo"), "demo cannot depend on itself"),
        (("add", "pear", "--tag", "v1"), "--tag goes with a git repository"),
        (("add", "git+https://git.example/x"), "a repository needs the name"),
        (("add", "pear !!"), "the requirement cannot be read"),
        (("add", "pear", "--package", "other"), "there is no member other"),
        (("add", "pear", "--locked", "--frozen"), "--locked cannot be used with --frozen"),
        (("remove", "pear"), "pear is not in project.dependencies"),
        (("remove", "apple", "--dev"), "it is in dependencies"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(shop: Workbench, words: tuple[str, ...], said: str) -> None:
    before = both(shop)
    run = shop.run(*words)
    assert run.code == 2
    assert said in run.said
    assert "Traceback" not in run.said
    assert both(shop) == before


@pytest.mark.parametrize(
    "toml",
    [
        "project = 3\n",
        "tool = 3\n",
        "[tool.uv]\nsources = 3\n",
        "dependency-groups = []\n",
        "[",
        "[[project]]\nname = 'x'\n",
    ],
)
@pytest.mark.parametrize("words", [("add", "pear"), ("remove", "pear"), ("init",), ("refresh",)])
def test_a_malformed_project_gets_one_error_and_stays(bench: Workbench, toml: str, words: tuple[str, ...]) -> None:
    (bench.project / "pyproject.toml").write_text(toml, encoding="utf-8")
    run = bench.run(*words)
    if run.code == 0:
        assert words[0] in ("init", "refresh")  # what is no project may be no fault to them
        return
    assert "made a mistake" not in run.said
    assert run.said.count("error: ") == 1
    assert text(bench) == toml


def fill(monkeypatch: pytest.MonkeyPatch, *names: str, after: int = 0) -> None:
    """Let no file of these names be replaced any more, after so many that can be."""
    put, left = Path.replace, after

    def replaced(path: Path, target: Path) -> Path:
        nonlocal left
        if Path(target).name in names:
            if not left:
                raise OSError(errno.ENOSPC, "No space left on device")
            left -= 1
        return put(path, target)

    monkeypatch.setattr(Path, "replace", replaced)


@pytest.mark.parametrize("words", [("add", "pear"), ("remove", "apple")])
def test_a_project_that_cannot_be_written_puts_the_lock_back(
    shop: Workbench, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    before = both(shop)
    fill(monkeypatch, "pyproject.toml")
    run = shop.run(*words)
    assert run.code == 2
    assert "error: pyproject.toml cannot be written\n" in run.said
    assert run.said.endswith("the old file is untouched\n         uv.lock was put back as it was\n")
    assert both(shop) == before
    assert not [path for path in shop.project.iterdir() if path.suffix == ".tmp"]


def test_a_lock_that_cannot_be_put_back_is_told(shop: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    project, lock = both(shop)
    fill(monkeypatch, "pyproject.toml", "uv.lock", after=1)
    run = shop.run("add", "pear")
    assert run.code == 2
    assert run.said.endswith("uv.lock is new already, and could not be put back: lock again\n")
    assert both(shop)[0] == project
    assert both(shop)[1] != lock


def test_of_two_files_the_first_is_put_back_where_the_second_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    for path in (first, second):
        path.write_text("old", encoding="utf-8")
    with monkeypatch.context() as patch:
        fill(patch, "second.toml")
        with pytest.raises(InputError, match=r"second\.toml cannot be written"):
            replace_all({first: "new", second: "new"})
    assert [path.read_text(encoding="utf-8") for path in (first, second)] == ["old", "old"]
    fill(monkeypatch, "first.toml", "second.toml", after=1)
    with pytest.raises(InputError, match=r"first\.toml is new already, and could not be put back"):
        replace_all({first: "new", second: "new"})


def test_a_path_to_nothing_and_to_what_is_no_project_is_refused(shop: Workbench) -> None:
    run = shop.run("add", "./sub")
    assert run.code == 2
    assert "there is nothing at ./sub" in run.said
    (shop.project / "sub").mkdir()
    (shop.project / "sub" / "pyproject.toml").write_text("project = 3\n", encoding="utf-8")
    run = shop.run("add", "./sub")
    assert run.code == 2
    assert "the name of the package at ./sub is unknown" in run.said


def test_an_environment_that_is_not_up_to_date_any_more_is_told(shop: Workbench) -> None:
    assert "as it was" not in shop.run("add", "pear").said, "there is none"
    place = shop.project / ".venv" / "pyvenv.cfg"
    place.parent.mkdir()
    place.write_text("", encoding="utf-8")
    assert ".venv is as it was: `lockflow sync` brings it up to date" in shop.run("remove", "pear").said
    assert "as it was" not in shop.run("add", "pear", "--dry-run").said
    assert "as it was" not in shop.run("add", "pear", "--no-sync").said


# Requirements files -------------------------------------------------------------------------------------------------


def test_all_of_a_requirements_file_and_of_what_it_includes_is_added(shop: Workbench) -> None:
    shop.offer("plum", "1.0").offer("plum", "3.0")
    files = {
        "req.in": "--index-url https://index.example/simple\n-r more/x.txt\npear<2 # why\n-c bound.txt\n",
        "more/x.txt": "plum \\\n  --hash=sha256:00 ; ignored\n-e ../lib\n-r ../req.in\n",
        "bound.txt": "plum<2\n",
        "lib/pyproject.toml": '[project]\nname = "lib"\nversion = "1"\nrequires-python = ">=3.11"\n',
    }
    for name, text in files.items():
        (shop.project / name).parent.mkdir(exist_ok=True)
        (shop.project / name).write_text(text, encoding="utf-8")
    run = shop.run("add", "-r", "req.in")
    assert run.code == 0, run.said
    assert "warning: req.in, line 1: --index-url is left out; give --index" in run.said
    project = (shop.project / "pyproject.toml").read_text(encoding="utf-8")
    for line in ('"pear<2"', '"plum>=1.0"', "lib = { workspace = true }"):
        assert line in project
    assert "plum<2" not in project + shop.lock.read_text(encoding="utf-8")


def test_constraints_bound_one_run_and_are_not_recorded(shop: Workbench) -> None:
    (shop.project / "bound.txt").write_text("pear<2\n", encoding="utf-8")
    assert shop.run("add", "pear", "-c", "bound.txt").code == 0
    assert 'name = "pear"\nversion = "1.0"' in shop.lock.read_text(encoding="utf-8")
    assert "constraint" not in shop.lock.read_text(encoding="utf-8")
    assert shop.run("lock", "--check").code == 0


def test_an_empty_requirements_file_makes_the_group_and_says_so(shop: Workbench) -> None:
    (shop.project / "none.in").write_text("# nothing\n", encoding="utf-8")
    run = shop.run("add", "-r", "none.in", "--group", "docs")
    assert run.code == 0
    assert "warning: none.in holds no requirements" in run.said
    assert "docs = []" in (shop.project / "pyproject.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("words", "text", "said"), [
    (("-r", "gone.in"), "", "gone.in cannot be read"),
    (("-r", "req.in"), "-r https://x.example/r.txt", "a requirements file on the network is not read"),
    (("-r", "req.in"), "pear ==", "the requirement cannot be read"),
    (("pear", "-c", "req.in"), "pear ==", "the constraint cannot be read"),
    ((), "", "nothing to add was named"),
])  # fmt: skip
def test_a_bad_requirements_file_changes_nothing(shop: Workbench, words: tuple[str, ...], text: str, said: str) -> None:
    (shop.project / "req.in").write_text(text, encoding="utf-8")
    before = both(shop)
    run = shop.run("add", *words)
    assert run.code == 2
    assert f"error: {said}" in run.said
    assert both(shop) == before


# Two at once --------------------------------------------------------------------------------------------------------


def test_two_edits_at_once_wait_for_each_other_and_neither_is_lost(shop: Workbench) -> None:
    shop.offer("plum", "1.0")
    target = Target(directory=shop.project)
    network = Network(transport=shop.transport, cache_dir=shop.cache)

    def add_one(name: str) -> None:
        add(target, AddAsk(requirements=(name,)), network=network)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(add_one, ("pear", "plum")))
    project = (shop.project / "pyproject.toml").read_text(encoding="utf-8")
    assert "pear>=" in project
    assert "plum>=" in project
    assert shop.run("lock", "--check").code == 0
