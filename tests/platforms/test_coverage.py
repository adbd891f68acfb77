from __future__ import annotations

import pytest

from lockflow.lock.model import LockedFile, Package
from lockflow.platforms.coverage import Policy, best_wheel, cover, why_none_fits
from lockflow.platforms.model import Coverage, Finding, Platform, Status
from lockflow.platforms.read import read_platforms
from lockflow.platforms.selection import graph_of
from lockflow.standards.filenames import parse_wheel_name
from lockflow.standards.requirements import Archive, Directory, Git, LocalFile
from lockflow.standards.versions import Version
from support.small_locks import lock, package, project

NAMES = ["linux/amd64", "linux/arm64", "linux/amd64/musl", "darwin", "darwin/amd64", "windows/amd64"]
AMD64, ARM64, MUSL, DARWIN, DARWIN_INTEL, WINDOWS = (defined.platform for defined in read_platforms(NAMES))


def fitting(*tags: str, platform: Platform, python: str = "3.11.9") -> str | None:
    wheels = [(f"pkg-1.0-{tag}.whl", parse_wheel_name(f"pkg-1.0-{tag}.whl")) for tag in tags]
    match = best_wheel(wheels, platform, python)
    return None if match is None else match.file.removeprefix("pkg-1.0-").removesuffix(".whl")


def covered(
    *packages: Package, platform: Platform = AMD64, python: str = "3.11.9", policy: Policy | None = None
) -> Coverage:
    root = project(*(item.name for item in packages))
    return cover(graph_of(lock(root, *packages)), platform, python, policy or Policy())


def found(item: Package, platform: Platform = AMD64, python: str = "3.11.9", policy: Policy | None = None) -> Finding:
    (finding,) = covered(item, platform=platform, python=python, policy=policy).findings
    return finding


# The tags of real files, and whether real uv 0.13.8 installs them with CPython 3.11 for such a platform.
@pytest.mark.parametrize(
    ("tags", "platform", "fits"),
    [
        ("py3-none-any", AMD64, True),
        ("py2.py3-none-any", WINDOWS, True),
        ("py30-none-any", AMD64, True),
        ("py312-none-any", AMD64, False),
        ("cp39-none-any", AMD64, False),
        ("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", AMD64, True),
        ("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", ARM64, False),
        ("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", MUSL, False),
        ("cp311-cp311-manylinux2014_aarch64", ARM64, True),
        ("cp311-cp311-manylinux_2_5_aarch64", ARM64, False),
        ("cp311-cp311-manylinux_2_16_aarch64", ARM64, False),
        ("cp311-cp311-manylinux1_aarch64", ARM64, False),
        ("cp311-cp311-manylinux_2_5_x86_64.manylinux1_x86_64", AMD64, True),
        ("cp311-cp311-manylinux_2_4_x86_64", AMD64, False),
        ("cp311-cp311-manylinux_2_36_x86_64", AMD64, True),
        ("cp311-cp311-manylinux_2_37_x86_64", AMD64, False),
        ("cp311-cp311-linux_x86_64", AMD64, True),
        ("cp311-cp311-musllinux_1_2_x86_64", MUSL, True),
        ("cp311-cp311-musllinux_1_3_x86_64", MUSL, False),
        ("cp311-cp311-musllinux_1_2_x86_64", AMD64, False),
        ("cp312-cp312-manylinux_2_17_x86_64", AMD64, False),
        ("cp311-cp311t-manylinux_2_17_x86_64", AMD64, False),
        ("pp311-pypy311_pp73-manylinux_2_17_x86_64", AMD64, False),
        ("cp32-abi3-manylinux_2_17_x86_64", AMD64, True),
        ("cp312-abi3-manylinux_2_17_x86_64", AMD64, False),
        ("cp311-abi3t-manylinux_2_17_x86_64", AMD64, False),
        ("cp310-none-manylinux_2_17_x86_64", AMD64, False),
        ("py310-none-manylinux_2_17_x86_64", AMD64, True),
        ("cp311-cp311-macosx_11_0_arm64", DARWIN, True),
        ("cp311-cp311-macosx_10_9_universal2", DARWIN, True),
        ("cp311-cp311-macosx_10_9_universal2", DARWIN_INTEL, True),
        ("cp311-cp311-macosx_14_0_arm64", DARWIN, True),
        ("cp311-cp311-macosx_15_0_arm64", DARWIN, False),
        ("cp311-cp311-macosx_13_3_arm64", DARWIN, False),
        ("cp311-cp311-macosx_10_9_x86_64", DARWIN, False),
        ("cp311-cp311-macosx_10_9_x86_64", DARWIN_INTEL, True),
        ("cp311-cp311-macosx_10_9_intel", DARWIN_INTEL, True),
        ("cp311-cp311-macosx_14_0_x86_64", DARWIN_INTEL, False),
        ("cp311-cp311-win_amd64", WINDOWS, True),
        ("cp311-cp311-win32", WINDOWS, False),
        ("cp311-cp311-win_arm64", WINDOWS, False),
    ],
)
def test_a_wheel_fits_where_an_installer_takes_it(tags: str, platform: Platform, fits: bool) -> None:
    assert (fitting(tags, platform=platform) is not None) is fits


@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ("py3-none-any", "py311-none-any"),
        ("py3-none-any", "py3-none-manylinux_2_17_x86_64"),
        ("py310-none-any", "py3-none-any"),
        ("py3-none-manylinux2014_x86_64", "py3-none-manylinux_2_17_x86_64"),
        ("py3-none-manylinux_2_17_x86_64", "py311-none-manylinux_2_5_x86_64"),
        ("py311-none-any", "cp311-none-any"),
        ("py3-none-linux_x86_64", "py3-none-manylinux1_x86_64"),
        ("cp310-abi3-manylinux_2_17_x86_64", "cp311-none-linux_x86_64"),
        ("cp311-none-linux_x86_64", "cp311-abi3-manylinux_2_17_x86_64"),
        ("cp311-abi3-manylinux_2_17_x86_64", "cp311-cp311-manylinux_2_5_x86_64"),
    ],
)
def test_the_more_specific_tag_wins_whatever_the_order(worse: str, better: str) -> None:
    assert fitting(worse, better, platform=AMD64) == better
    assert fitting(better, worse, platform=AMD64) == better


def test_the_higher_build_number_wins_among_equal_tags() -> None:
    files = ["pkg-1.0-9-py3-none-any.whl", "pkg-1.0-10-py3-none-any.whl", "pkg-1.0-py3-none-any.whl"]

    match = best_wheel([(file, parse_wheel_name(file)) for file in files], AMD64, "3.11.9")

    assert match is not None
    assert match.file == "pkg-1.0-10-py3-none-any.whl"


def test_a_wheel_is_reported_with_its_file_and_tag() -> None:
    finding = found(package("a", wheels=["cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", "py3-none-any"]))

    assert finding.status is Status.WHEEL
    assert finding.file == "a-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    assert finding.tag == "cp311-cp311-manylinux_2_17_x86_64"
    assert finding.is_good
    assert finding.reason == ""


def test_nccl_is_missing_on_arm64_alone() -> None:
    nccl = package("nvidia-nccl-cu12", "2.21.5", wheels=["py3-none-manylinux2014_x86_64"])
    graph = graph_of(lock(project("nvidia-nccl-cu12 ; sys_platform == 'linux'"), nccl))

    on_amd64, on_arm64, on_darwin = (cover(graph, platform, "3.11.9", Policy()) for platform in (AMD64, ARM64, DARWIN))

    assert on_amd64.is_good
    assert on_darwin.is_good
    assert on_darwin.findings == ()
    assert not on_arm64.is_good
    assert on_arm64.findings[0].status is Status.MISSING
    assert on_arm64.findings[0].reason == (
        "1 wheel, none for aarch64 with glibc 2.36 (only manylinux x86_64); no source distribution"
    )


def test_an_sdist_is_bad_unless_it_may_be_built() -> None:
    item = package("docopt", wheels=[], sdist=True)

    assert found(item).status is Status.SDIST
    assert not found(item).is_good
    assert found(item).reason == "no wheels; only a source distribution"
    assert found(item, policy=Policy(allow_sdist=frozenset({"docopt"}))).is_good


def test_a_missing_package_cannot_be_allowed() -> None:
    item = package("a", wheels=["py3-none-win_amd64"])

    assert not found(item, policy=Policy(allow_sdist=frozenset({"a"}))).is_good


@pytest.mark.parametrize(
    "source",
    [
        Directory(path="lib", install="editable"),
        Directory(path="lib"),
        Git(url="https://git.example/lib", commit="0" * 40),
    ],
)
def test_source_trees_are_built_where_they_are_installed(source: Directory | Git) -> None:
    graph = graph_of(lock(project(), package("lib", source=source)))
    member = project("lib")
    graph = graph_of(lock(member, package("lib", source=source)))

    (finding,) = cover(graph, AMD64, "3.11.9", Policy()).findings

    assert (finding.status, finding.is_good, finding.reason) == (Status.SDIST, True, "a source tree")


def test_virtual_members_are_no_findings() -> None:
    assert covered().findings == ()


@pytest.mark.parametrize("source", [Archive(url="https://files.example/lib-1.0.tar.gz"), LocalFile(path="lib-1.0.zip")])
def test_an_archive_of_source_needs_leave_like_any_sdist(source: Archive | LocalFile) -> None:
    from msgspec.structs import replace

    item = replace(package("lib", source=source), sdist=LockedFile(hash="sha256:00"))

    assert found(item).status is Status.SDIST
    assert not found(item).is_good


def test_files_of_a_local_index_and_escaped_urls_have_names() -> None:
    from msgspec.structs import replace

    local = replace(package("a", wheels=[]), wheels=(LockedFile(path="sub/a-1.0-py3-none-any.whl"),))
    in_git = replace(package("b", wheels=[]), wheels=(LockedFile(filename="b-1.0-py3-none-any.whl"),))
    escaped = LockedFile(url="https://files.example/c-1.0%2Bcpu-py3-none-any.whl?x=1#sha256=00")
    remote = replace(package("c", "1.0+cpu", wheels=[]), wheels=(escaped,))

    files = [finding.file for finding in covered(local, in_git, remote).findings]

    assert files == ["a-1.0-py3-none-any.whl", "b-1.0-py3-none-any.whl", "c-1.0+cpu-py3-none-any.whl"]


def test_a_wheel_whose_name_is_none_fits_nowhere() -> None:
    from msgspec.structs import replace

    item = replace(package("a", wheels=[]), wheels=(LockedFile(url="https://files.example/a-1.0.whl"),))

    assert found(item).status is Status.MISSING


@pytest.mark.parametrize(("python", "status"), [("3.12.4", Status.WHEEL), ("3.13.0", Status.PYTHON)])
def test_a_package_that_excludes_a_python_is_found_where_its_metadata_is_known(python: str, status: Status) -> None:
    policy = Policy(requires_python={("a", Version.parse("1.0")): ">=3.8,<3.13"})

    finding = found(package("a"), python=python, policy=policy)

    assert finding.status is status
    assert finding.is_good is (status is Status.WHEEL)


def test_an_unreadable_requires_python_excludes_nothing() -> None:
    policy = Policy(requires_python={("a", Version.parse("1.0")): "three"})

    assert found(package("a"), policy=policy).is_good


def test_a_refused_environment_has_a_reason_and_no_findings() -> None:
    coverage = covered(package("a"), python="3.10.2")

    assert coverage.findings == ()
    assert "3.10.2" in coverage.refusal
    assert not coverage.is_good


@pytest.mark.parametrize(
    ("tags", "platform", "words"),
    [
        ([], AMD64, "no wheels"),
        (
            ["cp39-cp39-manylinux_2_17_x86_64", "cp310-cp310-manylinux_2_17_x86_64"],
            AMD64,
            "2 wheels, none for CPython 3.11 there (only cp39, cp310)",
        ),
        (
            ["cp311-cp311-manylinux_2_39_x86_64"],
            AMD64,
            "1 wheel, none for a system as old as x86_64 with glibc 2.36 (the oldest needs glibc 2.39)",
        ),
        (
            ["cp311-cp311-macosx_15_0_arm64"],
            DARWIN,
            "1 wheel, none for a system as old as arm64 with macOS 14.0 (the oldest needs macOS 15.0)",
        ),
        (["cp311-cp311-win32"], WINDOWS, "1 wheel, none for Windows on AMD64 (only win32)"),
    ],
)
def test_the_reason_names_what_keeps_the_wheels_away(tags: list[str], platform: Platform, words: str) -> None:
    names = [parse_wheel_name(f"a-1.0-{tag}.whl") for tag in tags]

    assert why_none_fits(names, platform, "3.11.9") == words
