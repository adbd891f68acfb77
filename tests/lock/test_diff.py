from __future__ import annotations

from msgspec import structs

from lockflow.lock.decode import decode
from lockflow.lock.diff import change_line, changes, other_differences
from lockflow.lock.model import Change, Lock

HEADER = 'version = 1\nrevision = 5\nrequires-python = ">=3.9"\n'


def package(name: str, version: str | None, source: str = 'registry = "https://index.example/simple"') -> str:
    line = "" if version is None else f'version = "{version}"\n'
    return f'\n[[package]]\nname = "{name}"\n{line}source = {{ {source} }}\n'


def lock_of(*packages: str) -> Lock:
    return decode(HEADER + "".join(packages), "uv.lock")


def test_changes_are_told_by_name_with_all_versions() -> None:
    old = lock_of(package("gone", "1"), package("kept", "1"), package("split", "1"))
    new = lock_of(package("added", "2.0"), package("kept", "1"), package("split", "1"), package("split", "2"))
    lines = [change_line(change) for change in changes(old, new)]
    assert lines == ["Added added v2.0", "Removed gone v1", "Updated split v1 -> v1, v2"]


def test_without_an_old_lock_all_is_added() -> None:
    new = lock_of(package("a", "1"), package("b", "2"))
    assert [change_line(change, is_done=False) for change in changes(None, new)] == ["Add a v1", "Add b v2"]


def test_what_is_only_planned_has_other_words() -> None:
    assert change_line(Change(name="a", old=("v1",), new=("v2",)), is_done=False) == "Update a v1 -> v2"
    assert change_line(Change(name="a", old=("v1",), new=()), is_done=False) == "Remove a v1"


def test_git_packages_show_their_commit_and_dynamic_ones_say_so() -> None:
    def git(digit: str) -> str:
        return package("g", "1", f'git = "https://git.example/g.git#{digit * 40}"')

    old, new = lock_of(git("a")), lock_of(git("b"), package("tree", None, 'editable = "tree"'))
    lines = [change_line(change) for change in changes(old, new)]
    assert lines == ["Updated g v1 (aaaaaaaa) -> v1 (bbbbbbbb)", "Added tree (dynamic)"]


def test_a_version_from_another_index_is_no_change_of_version_but_a_difference() -> None:
    old = lock_of(package("a", "1"))
    new = lock_of(package("a", "1", 'registry = "https://index.example/other"'))
    assert changes(old, new) == ()
    assert other_differences(old, new) == ("sources of a",)


def test_what_else_differs_is_said_in_words() -> None:
    sdist = 'sdist = { url = "https://files.example/a-1.tar.gz", hash = "md5:00" }\n'
    names = [package(f"p{number}", "1") for number in range(5)]
    old = lock_of(package("a", "1") + sdist, *names)
    new = lock_of(package("a", "1") + sdist.replace("00", "11"), *(name + sdist for name in names))
    new = structs.replace(new, revision=3)
    assert changes(old, new) == ()
    assert other_differences(old, new) == (
        "the revision of the format",
        "files or their hashes of a, p0, p1 and 3 more",
    )


def test_equal_locks_do_not_differ() -> None:
    lock = lock_of(package("a", "1"))
    assert changes(lock, lock_of(package("a", "1"))) == ()
    assert other_differences(lock, lock_of(package("a", "1"))) == ()


def test_each_kind_of_difference_inside_a_package_is_named() -> None:
    tree = package("app", "1", 'virtual = "."')
    edge = 'dependencies = [{ name = "a" }]\n'
    old = lock_of(package("a", "1"), tree)
    for added, words in (
        (edge, "dependencies or their markers of app"),
        ('[package.metadata]\nrequires-dist = [{ name = "a" }]\n', "declared metadata of app"),
        ('default-groups = "all"\n', "forks or groups of app"),
    ):
        assert other_differences(old, lock_of(package("a", "1"), tree + added)) == (words,)
