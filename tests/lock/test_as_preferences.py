from __future__ import annotations

from lockflow.lock.as_preferences import preferences_from_lock
from lockflow.lock.decode import decode
from lockflow.lock.model import Lock, Reuse
from lockflow.resolve.preferences import Preferences
from lockflow.standards.markers.universal import UNIVERSAL_TRUE
from lockflow.standards.requirements import Git, repository_of
from support.golden import GOLDEN


def read(case: str) -> Lock:
    return decode((GOLDEN / case / "uv.lock").read_text(encoding="utf-8"), "uv.lock")


def test_versions_come_with_their_index_and_fork() -> None:
    lock = read("fork")
    preferences = preferences_from_lock(lock)
    by_name = dict(preferences.entries)
    rows = [(entry.version.text, entry.index, entry.marker) for entry in by_name["a"]]
    locked = [package for package in lock.packages if package.name == "a"]
    assert rows == [
        (package.version.text, "https://index.example/simple", package.fork_markers[0])
        for package in locked
        if package.version is not None
    ]
    assert len(rows) == 2
    assert preferences.forks == lock.fork_markers
    assert {entry.origin for entries in by_name.values() for entry in entries} == {"lock"}


def test_a_package_for_all_forks_is_preferred_everywhere() -> None:
    entries = dict(preferences_from_lock(read("minimal")).entries)
    assert [entry.marker for entry in entries["a"]] == [UNIVERSAL_TRUE]
    assert entries["app"][0].index is None


def test_upgraded_names_are_left_out() -> None:
    lock = read("fork")
    assert "a" not in dict(preferences_from_lock(lock, upgrade={"a"}).entries)
    assert preferences_from_lock(lock, upgrade={"a"}).forks == lock.fork_markers
    assert preferences_from_lock(lock, upgrade="all", reuse=Reuse.UNUSABLE) == Preferences()
    assert preferences_from_lock(lock, upgrade="all") == Preferences(forks=lock.fork_markers)


def test_what_validation_found_decides_how_much_is_reused() -> None:
    lock = read("fork")
    assert preferences_from_lock(lock, reuse=Reuse.UNUSABLE) == Preferences()
    versions = preferences_from_lock(lock, reuse=Reuse.VERSIONS)
    assert versions.forks is None
    assert versions.entries == preferences_from_lock(lock).entries


def test_dynamic_packages_give_no_version() -> None:
    lock = read("dynamic-version")
    dynamic = [package.name for package in lock.packages if package.version is None]
    assert dynamic
    assert not set(dynamic) & set(dict(preferences_from_lock(lock).entries))


def test_git_commits_are_kept_by_reference_and_lost_by_upgrade() -> None:
    lock = read("sources-git-branch")
    commits = preferences_from_lock(lock).git_commits
    branch = Git(url="https://git.example/g.git", reference_kind="branch", reference="feat/x")
    assert commits == ((branch, "970450292f23cfdb3c494e8ef99226f9efdbf86f"),)
    assert preferences_from_lock(lock, upgrade={"g"}).git_commits == ()


def test_packages_of_one_repository_share_its_commit() -> None:
    tree = Git(url="u", subdirectory="s", reference_kind="tag", reference="t", commit="c")
    assert repository_of(tree) == Git(url="u", reference_kind="tag", reference="t")
