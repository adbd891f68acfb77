from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockflow.errors import EXIT_NOT_ANSWERED, LockFileError
from lockflow.lock.decode import decode
from lockflow.lock.encode import encode
from lockflow.lock.model import Lock
from lockflow.standards.requirements import Directory
from support.golden import GOLDEN

HASH = f"sha256:{'0' * 64}"
HEADER = 'version = 1\nrevision = 5\nrequires-python = ">=3.9"\n'
PACKAGE = '\n[[package]]\nname = "a"\nversion = "1.0"\nsource = { registry = "https://index.example/simple" }\n'
GIT_PACKAGE = PACKAGE.replace('registry = "https://index.example/simple"', 'git = "https://git.example/r"')
OTHER = PACKAGE.replace("1.0", "2.0")


def read(text: str) -> Lock:
    return decode(text, "uv.lock")


def refused(text: str) -> LockFileError:
    with pytest.raises(LockFileError) as caught:
        read(text)
    assert caught.value.exit_code == EXIT_NOT_ANSWERED
    assert caught.value.where.startswith("uv.lock")
    assert caught.value.next
    return caught.value


def test_only_version_one_is_read() -> None:
    for version in ("0", "2", "3"):
        error = refused(HEADER.replace("version = 1", f"version = {version}"))
        assert f"version {version}, only version 1" in error.what


def test_a_version_that_is_no_number_is_named() -> None:
    assert "'1'" in refused(HEADER.replace("version = 1", "version = '1'")).why
    assert "True" in refused(HEADER.replace("version = 1", "version = true")).why


@pytest.mark.parametrize("text", ["", "# nothing\n", 'revision = 5\nrequires-python = ">=3.9"\n'])
def test_a_file_without_version_is_not_a_lock(text: str) -> None:
    assert "`version` is missing" in refused(text).why


def test_merge_conflict_markers_are_recognised() -> None:
    text = HEADER + "<<<<<<< ours\n" + PACKAGE + "=======\n" + OTHER + ">>>>>>> theirs\n"
    error = refused(text)
    assert "an unresolved merge conflict" in error.what
    assert error.where == "uv.lock, line 4"
    assert "lockflow lock" in error.next


@pytest.mark.parametrize("mark", ["<<<<<<< ours", "=======", ">>>>>>> theirs"])
def test_a_mark_that_a_merge_left_is_not_to_be_resolved_again(mark: str) -> None:
    error = refused(HEADER + f"{mark}\n" + PACKAGE)
    assert "a leftover of a merge conflict" in error.what
    assert "delete the line" in error.next
    assert "run plain" not in error.next


def test_broken_toml_is_shown_with_its_place() -> None:
    error = refused(HEADER + "options = { a = \n")
    assert re.fullmatch(r"uv\.lock, line \d+, column \d+", error.where)
    assert error.why.splitlines()[1].startswith("options")
    assert error.why.splitlines()[2].strip() == "^"


def test_a_truncated_lock_is_refused() -> None:
    text = (GOLDEN / "minimal" / "uv.lock").read_text(encoding="utf-8")
    refused(text[: text.index("wheels = [") + 30])


def test_nesting_without_end_is_refused() -> None:
    refused(HEADER + "x = " + "[" * 100_000)


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        (HEADER.replace("5", "-1", 1), "revision", "int"),
        (HEADER.replace("5", '"x"', 1), "revision", "int"),
        ("version = 1\n", "", "requires-python"),
        (HEADER.replace(">=3.9", "three"), "requires-python", "three"),
        (HEADER + PACKAGE.replace('"a"', "7"), "package number 1, name", "str"),
        (HEADER + PACKAGE.replace('"1.0"', '"one"'), "package a", "one"),
        (HEADER + PACKAGE.replace("registry", "warehouse"), "package a", "no known kind"),
        (HEADER + PACKAGE.replace("version =", "# version ="), "package a", "`version` is missing"),
        (HEADER + PACKAGE.replace('"a"', '"-a"'), "package -a", "not a valid name"),
        (HEADER + PACKAGE + PACKAGE, "package a", "twice"),
        (HEADER + PACKAGE + 'dependencies = [{ name = "b" }]\n', "package a", "does not list"),
        (HEADER + PACKAGE + OTHER + 'dependencies = [{ name = "a" }]\n', "package a", "2 packages"),
        (HEADER + PACKAGE + 'dependencies = [{ name = "a", version = "3" }]\n', "package a", "does not list"),
        (HEADER + PACKAGE + 'dependencies = [{ name = "a" }, { name = "a" }]\n', "package a", "listed twice"),
        (HEADER + PACKAGE + 'dependencies = [{ name = "a", marker = "os_name ~ 1" }]\n', "package a", "marker"),
        (HEADER + PACKAGE + 'wheels = [{ url = "https://f/a-2.0-py3-none-any.whl" }]\n', "package a", "version 2.0"),
        (HEADER + PACKAGE + 'wheels = [{ url = "https://f/a.whl" }]\n', "package a", "invalid wheel"),
        (HEADER + PACKAGE + 'wheels = [{ url = "https://f/a-1.0-any.whl" }]\n', "package a", "invalid wheel"),
        (HEADER + PACKAGE + "wheels = [{ size = 3 }]\n", "package a", "neither"),
        (HEADER + PACKAGE + 'sdist = { url = "u", hash = "sha256" }\n', "package a", "algorithm:hexdigest"),
        (HEADER + PACKAGE + 'sdist = { url = "u", hash = "sha256:xyz" }\n', "package a", "hexadecimal"),
        (HEADER + PACKAGE + 'sdist = { url = "u", size = -1 }\n', "package a, sdist.size", ">= 0"),
        (HEADER + PACKAGE.replace('registry = "https', 'path = "https') + "sdist = { }\n", "package a", "no hash"),
        (HEADER + GIT_PACKAGE, "package a", "no commit"),
        (HEADER + '[options]\nresolution-mode = "best"\n', "options.resolution-mode", "best"),
        (HEADER + "[options.exclude-newer-package]\na = true\n", "options", "true"),
        (HEADER + 'conflicts = [[{ package = "a", extra = "x", group = "y" }]]\n', "conflicts", "both"),
        (HEADER + "manifest = { overrides = [{ name = 3 }] }\n", "manifest", "str"),
        (HEADER + '[[manifest.dependency-metadata]]\nname = "a"\nrequires-dist = ["b >"]\n', "manifest", "b >"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused_with_its_place(text: str, where: str, why: str) -> None:
    error = refused(text)
    assert where in error.where
    assert why in error.why


def test_git_sources_need_one_commit() -> None:
    source = 'git = "https://git.example/r.git?rev={}#{}"'
    text = HEADER + PACKAGE.replace('registry = "https://index.example/simple"', source)
    read(text.replace("{}", "main", 1).replace("{}", "0" * 40))
    assert "two different commits" in refused(text.replace("{}", "1" * 40, 1).replace("{}", "0" * 40)).why
    assert "a commit is expected" in refused(text.replace("{}", "main", 1).replace("{}", "v1")).why


def test_layout_order_comments_and_unknown_keys_do_not_matter() -> None:
    lock = read((GOLDEN / "fork" / "uv.lock").read_text(encoding="utf-8"))
    blocks = encode(lock).split("\n[[package]]\n")
    shuffled = "\n[[package]]\n".join([blocks[0], *reversed(blocks[1:])])
    shuffled = shuffled.replace("name = ", "future = 7 # a comment\nname = ", 1).replace("\n", "\r\n")
    assert "future" in shuffled
    assert read("unknown = true\n" + shuffled) == lock


def test_higher_and_missing_revisions_are_read() -> None:
    assert read(HEADER.replace("5", "99", 1)).revision == 99
    assert read(HEADER.replace("revision = 5\n", "")).revision == 0


def test_older_spellings_are_understood() -> None:
    files = f'sdist = {{ url = "https://f/a-1.0.tar.gz", hash = "{HASH}", upload_time = "2024-01-02T03:04:05Z" }}\n'
    files += f'wheels = [{{ url = "https://f/a-1.0-py3-none-any.whl", hash = "{HASH}", upload_time = "t" }}]\n'
    text = HEADER + (PACKAGE + files).replace("[[package]]", "[[distribution]]")
    package = read(text).packages[0]
    assert package.sdist is not None
    assert package.sdist.upload_time == "2024-01-02T03:04:05Z"
    assert package.wheels[0].upload_time == "t"
    groups = '[package.dependency-groups]\ndev = [{ name = "a" }]\n'
    assert read(HEADER + PACKAGE + groups).packages[0].dev_dependencies[0][0] == "dev"
    old = '[options]\nprerelease-mode = "if-necessary-or-explicit"\n'
    assert read(HEADER + old).options == read(HEADER).options


def test_a_local_version_may_stand_for_its_public_part_in_a_wheel() -> None:
    text = HEADER + PACKAGE.replace('"1.0"', '"1.0+cpu"')
    for filename in ("a-1.0-py3-none-any.whl", "a-1.0%2Bcpu-py3-none-any.whl", "a-1.0+cpu-py3-none-any.whl"):
        read(text + f'wheels = [{{ url = "https://files.example/{filename}?x=/y" }}]\n')


def test_an_edge_without_version_leads_to_the_dynamic_one_of_several() -> None:
    dynamic = '\n[[package]]\nname = "a"\nsource = { directory = "a" }\n'
    edge = 'dependencies = [{ name = "a", source = { directory = "a" } }]\n'
    lock = read(HEADER + PACKAGE + edge + dynamic)
    assert lock.packages[0].version is None
    assert lock.packages[1].dependencies[0].source == Directory(path="a")


def test_markers_are_self_contained_after_reading() -> None:
    lock = read((GOLDEN / "environments-single" / "uv.lock").read_text(encoding="utf-8"))
    world = lock.fork_markers[0]
    for package in lock.packages:
        for dependency in package.dependencies:
            assert dependency.marker & world == dependency.marker


@given(st.text(max_size=40), st.integers(0, 200))
@settings(max_examples=100, deadline=None)
def test_a_damaged_lock_gives_a_lock_or_a_lock_file_error(damage: str, place: int) -> None:
    text = HEADER + PACKAGE + f'sdist = {{ url = "https://f/a-1.0.tar.gz", hash = "{HASH}" }}\n'
    with contextlib.suppress(LockFileError):
        read(text[:place] + damage + text[place + len(damage) // 2 :])
