"""Which file stands for a version, and which version comes first where several indexes have it."""

from __future__ import annotations

import pytest

from lockflow.index.model import File, Listing, Release
from lockflow.inputs.model import Cutoff, Prerelease
from lockflow.resolve.candidates import Candidate, FileRules, Unusable, VersionList, search, usable_files
from lockflow.standards.markers.tree import TRUE
from lockflow.standards.python_range import python_range
from lockflow.standards.specifiers import Specifiers
from lockflow.standards.versions import FULL, Version, VersionRange

EARLY, LATE = 1_000, 3_000
CUTOFF = Cutoff(timestamp_ns=2_000)


def rules(**changed: object) -> FileRules:
    usual: dict[str, object] = {
        "python": python_range(">=3.9"),
        "no_build": False,
        "no_binary": False,
        "cutoff": None,
        "yanked_allowed": frozenset(),
    }
    return FileRules(**(usual | changed))  # type: ignore[arg-type]


def file(name: str, *, time: int | None = EARLY, yanked: bool | str = False) -> File:
    return File(filename=name, url=f"https://files.example/{name}", upload_time_ns=time, yanked=yanked)


def listing(*releases: tuple[str, list[File]], index: str = "simple", is_flat: bool = False) -> Listing:
    made = []
    for version, files in releases:
        times = [entry.upload_time_ns or 0 for entry in files]
        made.append(Release(Version.parse(version), min(times, default=0), files=tuple(files)))
    return Listing(name="a", index=f"https://index.example/{index}", releases=tuple(made), is_flat=is_flat)


def judged(files: list[File], **changed: object) -> Candidate | Unusable:
    return VersionList([listing(("1.0", files))], rules(**changed)).judge(Version.parse("1.0"))


def chosen(files: list[File], **changed: object) -> tuple[str, str]:
    found = judged(files, **changed)
    assert isinstance(found, Candidate)
    return found.file.filename, found.metadata_file.filename


def trouble(files: list[File], **changed: object) -> str:
    found = judged(files, **changed)
    assert isinstance(found, Unusable)
    return found.trouble


SDIST = file("a-1.0.tar.gz")
WHEEL = file("a-1.0-py3-none-any.whl")
OLD_WHEEL = file("a-1.0-cp27-cp27m-win32.whl")


def test_the_first_wheel_by_name_stands_for_a_version_and_the_greatest_build_before_it() -> None:
    first, second = file("a-1.0-cp39-cp39-win_amd64.whl"), WHEEL
    assert chosen([SDIST, first, second]) == (first.filename, first.filename)
    builds = [file(f"a-1.0-{build}-py3-none-any.whl") for build in (1, 10, 2)]
    assert chosen([WHEEL, *builds])[0] == "a-1.0-10-py3-none-any.whl"


def test_a_wheel_that_must_not_be_installed_is_still_read() -> None:
    assert chosen([SDIST, WHEEL], no_binary=True) == (SDIST.filename, WHEEL.filename)
    assert chosen([SDIST, OLD_WHEEL]) == (SDIST.filename, OLD_WHEEL.filename)


def test_a_wheel_behind_the_cutoff_is_not_read() -> None:
    late = file("a-1.0-py3-none-any.whl", time=LATE)
    assert chosen([SDIST, late], cutoff=CUTOFF) == (SDIST.filename, SDIST.filename)


@pytest.mark.parametrize(
    ("files", "changed", "expected"),
    [
        ([WHEEL], {"no_binary": True}, "no-binary"),
        ([SDIST], {"no_build": True}, "no-build"),
        ([OLD_WHEEL], {}, "python-tag"),
        ([file("a-1.0.tar.bz2")], {}, "extension"),
        ([file("a-1.0.tar.gz", yanked="bad")], {}, "yanked"),
        ([file("not a wheel.whl")], {}, "none"),
        ([], {}, "none"),
        ([SDIST, file("a-1.0.tar.bz2"), OLD_WHEEL], {"no_build": True}, "no-build"),
        ([file("a-1.0.tar.bz2"), file("a-1.0.zip", yanked=True)], {}, "yanked"),
    ],
)
def test_the_trouble_nearest_to_being_usable_is_told(
    files: list[File], changed: dict[str, object], expected: str
) -> None:
    assert trouble(files, **changed) == expected


def test_the_reason_of_a_yank_is_told() -> None:
    found = judged([file("a-1.0.tar.gz", yanked="broken")])
    assert isinstance(found, Unusable)
    assert found.detail == "broken"
    allowed = frozenset([Version.parse("1.0")])
    assert isinstance(judged([file("a-1.0.tar.gz", yanked="broken")], yanked_allowed=allowed), Candidate)


def test_a_version_behind_the_cutoff_is_hidden_but_for_a_flat_index() -> None:
    late = ("2.0", [file("a-2.0.tar.gz", time=LATE)])
    versions = VersionList([listing(("1.0", [SDIST]), late)], rules(cutoff=CUTOFF))
    assert [version.text for version in versions.versions] == ["1.0"]
    assert [version.text for version in versions.hidden] == ["2.0"]
    assert Version.parse("2.0") not in versions
    assert Version.parse("2.0") in VersionList([listing(late, is_flat=True)], rules(cutoff=CUTOFF))


def test_where_a_version_can_be_installed_follows_from_its_wheels_unless_there_is_an_sdist() -> None:
    everywhere, somewhere = judged([SDIST, OLD_WHEEL]), judged([file("a-1.0-py3-none-win_amd64.whl")])
    assert isinstance(everywhere, Candidate)
    assert isinstance(somewhere, Candidate)
    assert everywhere.implied() is TRUE
    assert "win32" in repr(somewhere.implied())


def test_usable_files_are_those_that_the_settings_leave() -> None:
    release = listing(("1.0", [SDIST, WHEEL, OLD_WHEEL, file("a-1.0.zip", yanked=True)])).releases[0]
    assert usable_files(release, rules(no_build=True)) == [WHEEL, OLD_WHEEL]


# Searching ------------------------------------------------------------------------------------------------------


def plain(*texts: str, index: str) -> VersionList:
    return VersionList([listing(*((text, [file(f"a-{text}.tar.gz")]) for text in texts), index=index)], rules())


def first(lists: list[VersionList], allowed: VersionRange = FULL, **changed: object) -> str | None:
    options: dict[str, object] = {"prerelease": Prerelease.IF_NECESSARY, "descending": True}
    found = search(lists, allowed, **(options | changed))  # type: ignore[arg-type]
    return None if found is None else f"{found.version} {found.index[22:] if isinstance(found, Candidate) else 'not'}"


LISTS = [plain("1.0", "2.0", "3.0a1", index="/one"), plain("1.5", "2.0", "2.5", index="/two")]


def test_lists_are_searched_one_after_the_other() -> None:
    assert first(LISTS) == "2.0 /one"
    assert first(LISTS, descending=False) == "1.0 /one"
    assert first(LISTS, Specifiers.parse(">2").range) == "3.0a1 /one"
    assert first(LISTS, Specifiers.parse(">=9").range) is None


def test_lists_are_merged_by_version_and_the_earlier_index_wins_a_tie() -> None:
    assert first(LISTS, best_match=True) == "2.5 /two"
    assert first(LISTS, Specifiers.parse("<2.5").range, best_match=True) == "2.0 /one"
    assert first(LISTS, descending=False, best_match=True) == "1.0 /one"
    assert first(LISTS, best_match=True, prerelease=Prerelease.ALLOW) == "3.0a1 /one"
    assert first(LISTS, Specifiers.parse(">2.5").range, best_match=True) == "3.0a1 /one"
    assert first(LISTS, Specifiers.parse(">2.5").range, best_match=True, prerelease=Prerelease.DISALLOW) is None


def test_of_merged_lists_the_one_that_can_use_a_version_has_it() -> None:
    yanked = VersionList([listing(("2.0", [file("a-2.0.tar.gz", yanked=True)]), index="/bad")], rules())
    assert first([yanked, plain("2.0", index="/good")], best_match=True) == "2.0 /good"
    assert first([yanked, plain("1.0", index="/good")], best_match=True) == "2.0 not"
