from __future__ import annotations

import pytest

from lockflow.errors import InputError
from lockflow.index.model import File
from lockflow.inputs.model import Cutoff, Index, Settings
from lockflow.lock.locked_files import ReleaseFiles, local_path
from lockflow.standards.markers.tree import TRUE
from lockflow.standards.python_range import python_range

INDEX = "https://index.example/simple"
PYTHON = python_range(">=3.9")
SECOND = 1_000_000_000


def file(name: str, *, time: int | None = None, yanked: bool | str = False, **rest: object) -> File:
    return File(name, rest.pop("url", f"https://files.example/{name}"), upload_time_ns=time, yanked=yanked, **rest)  # type: ignore[arg-type]


def names(files: ReleaseFiles, *listed: File, project: str = "a") -> tuple[list[str], str | None]:
    sdist = files.sdist(project, listed)
    return [wheel.name for wheel in files.wheels(project, listed, PYTHON, TRUE)], None if sdist is None else sdist.name


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        ([file("a-1.tar.gz"), file("a-1.zip")], "a-1.tar.gz"),
        ([file("a-1.tar.gz", yanked=True), file("a-1.zip")], "a-1.zip"),
        ([file("a-1.tar.bz2"), file("a-1.zip")], "a-1.zip"),
        ([file("a-1.tar.bz2")], "a-1.tar.bz2"),
        ([file("a-1.tar.gz", yanked="broken")], "a-1.tar.gz"),
        ([file("a-1.tar.bz2"), file("a-1.tar.gz", yanked=True)], "a-1.tar.gz"),
        ([file("a-1-py3-none-any.whl")], None),
        ([], None),
    ],
)
def test_one_sdist_is_listed_the_first_usable_one(offered: list[File], expected: str | None) -> None:
    assert names(ReleaseFiles(INDEX, Settings()), *offered)[1] == expected


def test_forbidden_builds_do_not_change_which_sdist_is_listed() -> None:
    offered = [file("a-1.tar.gz"), file("a-1.zip")]
    for settings in (Settings(no_build=True), Settings(no_build_package=frozenset({"a"}))):
        assert names(ReleaseFiles(INDEX, settings), *offered)[1] == "a-1.tar.gz"


def test_files_that_are_too_young_or_of_unknown_age_are_left_out() -> None:
    settings = Settings(cutoff=Cutoff(timestamp_ns=10))
    offered = [
        file("a-1.tar.gz", time=10),
        file("a-1-cp39-none-any.whl", time=9),
        file("a-1-cp310-none-any.whl", time=10),
        file("a-1-cp311-none-any.whl"),
    ]
    assert names(ReleaseFiles(INDEX, settings), *offered) == (["a-1-cp39-none-any.whl"], None)


def test_the_nearest_cut_off_counts() -> None:
    late, early = Cutoff(timestamp_ns=100), Cutoff(timestamp_ns=1)
    here = Index(url=INDEX, cutoff=late)
    wheel = file("a-1-py3-none-any.whl", time=50)
    assert names(ReleaseFiles(INDEX, Settings(cutoff=early)), wheel)[0] == []
    assert names(ReleaseFiles(INDEX, Settings(cutoff=early, indexes=(here,))), wheel)[0] == [wheel.filename]
    for_a = (("a", early), ("b", False))
    settings = Settings(cutoff=early, indexes=(here,), cutoff_package=for_a)  # type: ignore[arg-type]
    assert names(ReleaseFiles(INDEX, settings), wheel)[0] == []
    assert names(ReleaseFiles(INDEX, settings), wheel, project="b")[0] == [wheel.filename]
    exempt = Settings(cutoff=early, indexes=(Index(url=INDEX, cutoff=False),))
    assert names(ReleaseFiles(INDEX, exempt), wheel)[0] == [wheel.filename]


def test_a_flat_index_has_no_cut_off() -> None:
    settings = Settings(cutoff=Cutoff(timestamp_ns=1), find_links=(Index(url=INDEX, is_flat=True),))
    wheel = file("a-1-py3-none-any.whl")
    assert names(ReleaseFiles(INDEX, settings), wheel)[0] == [wheel.filename]


def test_wheels_of_an_index_are_in_the_order_of_their_names() -> None:
    offered = ["a-1-2-py3-none-any.whl", "a-1-10-py3-none-any.whl", "A-1-py3-none-any.whl", "a-1-cp310-none-any.whl"]
    listed, _ = names(ReleaseFiles(INDEX, Settings()), *map(file, offered))
    assert listed == sorted(offered)


def test_wheels_of_a_flat_index_are_in_the_order_of_their_tags() -> None:
    ordered = [
        "py3-none-any",
        "py3-none-manylinux_2_5_x86_64",
        "py3-none-manylinux_2_17_x86_64",
        "py3-none-manylinux2014_x86_64",
        "py3-none-linux_x86_64",
        "py3-none-musllinux_1_1_x86_64",
        "py3-none-macosx_11_0_arm64",
        "py3-none-win32",
        "py3-none-win_amd64",
        "py39-none-any",
        "cp39-abi3-win_amd64",
        "cp39-cp39-win_amd64",
        "cp310-cp310-win_amd64",
        "pp310-pypy310_pp73-win_amd64",
        "py2.py3-none-any",
        "cp39-cp39-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "2-py3-none-any",
        "10-py3-none-any",
    ]
    offered = [f"a-1-{tags}.whl" for tags in ordered]
    flat = Settings(indexes=(Index(url=INDEX, is_flat=True),))
    listed, _ = names(ReleaseFiles(INDEX, flat), *map(file, sorted(offered)))
    assert listed == offered


def test_the_strongest_hash_is_listed_or_the_one_that_the_index_must_have() -> None:
    wheel = file("a-1-py3-none-any.whl", hashes=(("md5", "00"), ("sha512", "22"), ("sha256", "11")))
    plain = ReleaseFiles(INDEX, Settings()).wheels("a", [wheel], PYTHON, TRUE)
    assert plain[0].hash == "sha512:22"
    demanding = Settings(indexes=(Index(url=INDEX, hash_algorithm="md5"),))
    assert ReleaseFiles(INDEX, demanding).wheels("a", [wheel], PYTHON, TRUE)[0].hash == "md5:00"
    with pytest.raises(InputError, match="md5"):
        ReleaseFiles(INDEX, demanding).wheels("a", [file("a-1-py3-none-any.whl")], PYTHON, TRUE)


@pytest.mark.parametrize(
    ("nanoseconds", "expected"),
    [
        (1_704_164_645 * SECOND, "2024-01-02T03:04:05Z"),
        (1_704_164_645 * SECOND + 120_000_000, "2024-01-02T03:04:05.12Z"),
        (1_704_164_645 * SECOND + 999_999_999, "2024-01-02T03:04:05.999Z"),
        (1_704_164_645 * SECOND + 999_000, "2024-01-02T03:04:05Z"),
        (-62_135_596_800 * SECOND, "0001-01-01T00:00:00Z"),
    ],
)
def test_upload_times_are_cut_to_milliseconds(nanoseconds: int, expected: str) -> None:
    listed = ReleaseFiles(INDEX, Settings()).wheels("a", [file("a-1-py3-none-any.whl", time=nanoseconds)], PYTHON, TRUE)
    assert listed[0].upload_time == expected


@pytest.mark.parametrize(
    ("url", "index", "expected"),
    [
        ("file:///home/me/links/a%20b.whl", "links", "a b.whl"),
        ("file:///home/links/links/sub/a.whl", "links", "sub/a.whl"),
        ("file:///srv/links/a.whl", "/srv/links", "/srv/links/a.whl"),
        ("file:///home/links/a.whl", "../links", "a.whl"),
        ("a.whl", "links", "a.whl"),
    ],
)
def test_files_of_a_local_index_are_named_by_their_path_in_it(url: str, index: str, expected: str) -> None:
    assert local_path(url, index) == expected


def test_a_local_index_gives_paths() -> None:
    listed = ReleaseFiles("links", Settings()).sdist("a", [file("a-1.tar.gz", url="file:///p/links/a-1.tar.gz")])
    assert listed is not None
    assert (listed.path, listed.url) == ("a-1.tar.gz", None)
