from __future__ import annotations

import pytest

from lockflow.index.model import File, Listing, Release
from lockflow.lock.model import Lock
from lockflow.platforms.advice import suitable_versions
from lockflow.platforms.chains import Chains
from lockflow.platforms.checks import check_by_tags
from lockflow.platforms.coverage import Policy
from lockflow.platforms.environment import environment
from lockflow.platforms.model import Edit, Finding, Platform, Status
from lockflow.platforms.read import read_platforms
from lockflow.platforms.selection import graph_of
from lockflow.standards.versions import Version
from support.small_locks import lock, package, project

NAMES = ["linux/amd64", "linux/arm64", "linux/amd64/musl"]
AMD64, ARM64, MUSL = (defined.platform for defined in read_platforms(NAMES))
NCCL = package("nvidia-nccl-cu12", "2.21.5", wheels=["py3-none-manylinux2014_x86_64"])
WHERE_IT_IS = "platform_machine == 'x86_64' and sys_platform == 'linux'"
ELSEWHERE = "platform_machine != 'aarch64' or sys_platform != 'linux'"


def bad(lock_: Lock, platform: Platform = ARM64, python: str = "3.11.9", policy: Policy | None = None) -> Finding:
    check = check_by_tags(graph_of(lock_), platform, [python], policy or Policy())
    (finding,) = [finding for finding in check.coverages[0].findings if not finding.is_good]
    return finding


def chain(lock_: Lock, name: str, version: str = "1.0", platform: Platform = ARM64) -> list[tuple[str, str, str]]:
    links = Chains(graph_of(lock_), environment(platform, "3.11.9")).to(name, Version.parse(version))
    return [(link.name, link.via, link.marker) for link in links]


def listing(**files: list[str]) -> Listing:
    """Versions (`v1_0`) and the tags of their wheels; `!` in front: yanked."""
    releases = []
    for text, tags in files.items():
        version = text.removeprefix("v").replace("_", ".")
        wheels = tuple(
            File(
                filename=f"nvidia_nccl_cu12-{version}-{tag.lstrip('!')}.whl",
                url="",
                yanked="" if tag.startswith("!") else False,
            )
            for tag in tags
        )
        releases.append(Release(Version.parse(version), 0, files=wheels))
    return Listing(name="nvidia-nccl-cu12", index="https://index.example/simple", releases=tuple(releases))


def test_the_chain_runs_from_the_project_by_the_shortest_way() -> None:
    lock_ = lock(
        project("long", "torch ; sys_platform == 'linux'"),
        package("long", "1.0", "longer"),
        package("longer", "1.0", "torch"),
        package("torch", "2.5", "nvidia-nccl-cu12 ; python_full_version >= '3.11' and sys_platform != 'win32'"),
        NCCL,
    )

    assert chain(lock_, "nvidia-nccl-cu12", "2.21.5") == [
        ("app", "", ""),
        ("torch", "", "sys_platform == 'linux'"),
        # What requires-python implies is left out.
        ("nvidia-nccl-cu12", "", "sys_platform != 'win32'"),
    ]


def test_the_chain_names_extras_and_groups() -> None:
    lock_ = lock(
        project(groups={"dev": ["tool[fast]"]}),
        package("tool", "1.0", extras={"fast": ["deep"]}),
        package("deep", "1.0"),
    )

    assert chain(lock_, "deep") == [("app", "", ""), ("tool", "group dev", ""), ("deep", "extra fast", "")]


def test_the_chain_holds_in_the_environment_asked_about() -> None:
    lock_ = lock(
        project("a ; platform_machine == 'x86_64'", "b"),
        package("a", "1.0", "c"),
        package("b", "1.0", "c"),
        package("c"),
    )

    assert [name for name, _, _ in chain(lock_, "c")] == ["app", "b", "c"]
    assert [name for name, _, _ in chain(lock_, "c", platform=AMD64)] == ["app", "a", "c"]


def test_the_chain_leaves_out_what_the_supported_environments_say() -> None:
    lock_ = lock(
        project("a ; sys_platform == 'linux' and python_full_version < '3.13'"),
        package("a"),
        environments=["sys_platform == 'linux'"],
    )

    assert chain(lock_, "a")[1] == ("a", "", "python_full_version < '3.13'")


def test_what_nothing_requires_there_has_no_chain() -> None:
    assert chain(lock(project("a ; sys_platform == 'win32'"), package("a")), "a") == []


def test_a_direct_dependency_is_left_out_by_a_marker_of_its_own() -> None:
    finding = bad(lock(project("nvidia-nccl-cu12"), NCCL))

    assert finding.status is Status.MISSING
    assert [link.name for link in finding.chain] == ["app", "nvidia-nccl-cu12"]
    look, leave = finding.advice
    assert look == (
        "add \"platform_machine == 'aarch64' and sys_platform == 'linux'\" to required-environments in [tool.uv]: "
        "the resolver then looks for a version with a wheel there"
    )
    assert leave == f'ask for it only where it has wheels: add the marker "{WHERE_IT_IS}" to "nvidia-nccl-cu12"'


def test_to_leave_out_one_platform_is_shorter_where_wheels_are_for_many() -> None:
    wheels = ["cp311-cp311-manylinux2014_x86_64", "cp311-cp311-win_amd64", "cp311-cp311-macosx_12_0_arm64"]
    leave = bad(lock(project("a"), package("a", wheels=wheels))).advice[-1]

    assert leave == f'leave it out there: add the marker "{ELSEWHERE}" to "a"'


def test_a_transitive_dependency_is_left_out_by_an_override() -> None:
    lock_ = lock(project(extras={"gpu": ["torch"]}), package("torch", "2.5", "nvidia-nccl-cu12"), NCCL)

    assert bad(lock_).advice[-1] == (
        f'ask for it only where it has wheels: add "nvidia-nccl-cu12==2.21.5 ; {WHERE_IT_IS}" to override-dependencies '
        "in [tool.uv], "
        'or that marker to "torch" in extra gpu, which brings it in'
    )


def test_the_newest_version_with_a_wheel_is_offered_as_constraint() -> None:
    versions = listing(
        v2_19=["py3-none-manylinux2014_aarch64"],
        v2_20=["py3-none-manylinux2014_aarch64"],
        v2_21_5=["py3-none-manylinux2014_x86_64"],
        v2_22=["!py3-none-manylinux2014_aarch64"],
        v2_23rc1=["py3-none-manylinux2014_aarch64"],
    )

    advice = bad(lock(project("nvidia-nccl-cu12"), NCCL), policy=Policy(listings={versions.name: versions})).advice

    assert advice[0] == (
        'add "nvidia-nccl-cu12<=2.20" to constraint-dependencies in [tool.uv]: '
        "2.20 is the newest version with a wheel for linux/arm64, Python 3.11"
    )


def test_a_newer_version_with_a_wheel_is_offered_as_lower_bound() -> None:
    versions = listing(v2_21_5=[], v2_30=["py3-none-manylinux_2_28_aarch64"])

    advice = bad(lock(project("nvidia-nccl-cu12"), NCCL), policy=Policy(listings={versions.name: versions})).advice

    assert advice[0].startswith('add "nvidia-nccl-cu12>=2.30" to constraint-dependencies')


def test_a_prerelease_that_alone_has_a_wheel_is_named() -> None:
    versions = listing(v2_21_5=["py3-none-manylinux2014_x86_64"], v2_23rc1=["py3-none-manylinux2014_aarch64"])

    advice = bad(lock(project("nvidia-nccl-cu12"), NCCL), policy=Policy(listings={versions.name: versions})).advice

    assert advice[-1] == (
        'only the pre-release 2.23rc1 has a wheel for linux/arm64, Python 3.11: "nvidia-nccl-cu12>=2.23rc1" allows it'
    )


def test_a_version_that_serves_all_places_is_offered_before_a_newer_one() -> None:
    versions = listing(
        v2_19=["py3-none-manylinux2014_aarch64.manylinux2014_x86_64"], v2_20=["py3-none-manylinux2014_aarch64"]
    )
    places = {versions.name: ((ARM64, "3.11.9"), (AMD64, "3.11.9"))}
    policy = Policy(listings={versions.name: versions}, places=places)

    advice = bad(lock(project("nvidia-nccl-cu12"), NCCL), policy=policy).advice

    assert advice[0] == (
        'add "nvidia-nccl-cu12<=2.19" to constraint-dependencies in [tool.uv]: 2.19 is the newest version with a wheel '
        "for linux/arm64, Python 3.11, and wherever else it is needed"
    )


def test_another_index_that_has_a_wheel_is_offered_to_a_direct_dependency() -> None:
    other = listing(v2_21_5=["py3-none-manylinux2014_aarch64"])
    policy = Policy(elsewhere={other.name: (("gpu", other),)})
    value = "{ index = \"gpu\", marker = \"platform_machine == 'aarch64' and sys_platform == 'linux'\" }"

    direct = bad(lock(project("nvidia-nccl-cu12"), NCCL), policy=policy)
    assert direct.edits[0] == Edit(kind="index", package="nvidia-nccl-cu12", value=value, owner="app")
    assert direct.advice[0] == (
        "take it from the index gpu, which has 2.21.5 with a wheel there: write nvidia-nccl-cu12 = "
        f"{value} in [tool.uv.sources]"
    )
    indirect = bad(lock(project("torch"), package("torch", "2.5", "nvidia-nccl-cu12"), NCCL), policy=policy)
    assert "the index gpu has 2.21.5 with a wheel there: see [tool.uv.sources]" in indirect.advice
    assert all(edit.kind != "index" for edit in indirect.edits)


def test_an_edit_stands_where_its_words_do() -> None:
    versions = listing(v2_20=["py3-none-manylinux2014_aarch64"])
    finding = bad(lock(project("nvidia-nccl-cu12"), NCCL), policy=Policy(listings={versions.name: versions}))
    assert len(finding.edits) == 3
    for edit, text in zip(finding.edits, finding.advice, strict=False):
        assert f'"{edit.value}"' in text


def test_required_environments_are_not_offered_where_no_version_would_do() -> None:
    versions = listing(v2_21_5=["py3-none-manylinux2014_x86_64"])

    advice = bad(lock(project("nvidia-nccl-cu12"), NCCL), policy=Policy(listings={versions.name: versions})).advice

    assert advice[-1] == "no other version of nvidia-nccl-cu12 on the index has a wheel for linux/arm64, Python 3.11"
    assert not any("required-environments" in text for text in advice)


def test_a_build_can_be_allowed() -> None:
    advice = bad(lock(project("docopt"), package("docopt", wheels=[], sdist=True))).advice

    assert advice[-1] == 'allow the build: add "docopt" to allow-sdist in [tool.lockflow]'
    assert not any("required-environments" in text for text in advice)


def test_wheels_for_other_pythons_alone_point_to_the_pythons_checked() -> None:
    (advice,) = bad(
        lock(project("a"), package("a", wheels=["cp311-cp311-manylinux_2_17_aarch64"])), python="3.13.1"
    ).advice

    assert advice == (
        "if Python 3.13 need not be supported yet: leave it out of python-versions in [tool.lockflow], "
        "or let requires-python end before it"
    )


def test_a_floor_that_is_too_high_can_be_raised_in_the_definition() -> None:
    advice = bad(lock(project("a"), package("a", wheels=["py3-none-manylinux_2_39_aarch64"]))).advice

    assert advice[-1] == (
        'if every machine has glibc 2.39 or newer, say glibc = "2.39" in platforms/linux-arm64.toml of the project'
    )


def test_no_marker_is_offered_for_musl() -> None:
    advice = bad(lock(project("nvidia-nccl-cu12"), NCCL), platform=MUSL).advice

    assert advice == ("no marker can tell musl from glibc: build this image on a glibc base, or replace the package",)


@pytest.mark.parametrize(
    ("requires", "words"),
    [
        (">=3.8,<3.13", 'set requires-python = ">=3.11,<3.13", which is what the locked a supports'),
        ("!=3.13.*,>=3.8", 'set requires-python = ">=3.11,!=3.13.*,>=3.8", which is what the locked a supports'),
        ("<3.10", "replace a: no Python fits both it and the project"),
    ],
)
def test_the_true_requires_python_is_offered(requires: str, words: str) -> None:
    policy = Policy(requires_python={("a", Version.parse("1.0")): requires})

    assert bad(lock(project("a"), package("a")), python="3.13.1", policy=policy).advice == (words,)


def test_good_findings_get_no_chain() -> None:
    check = check_by_tags(graph_of(lock(project("a"), package("a"))), ARM64, ["3.11.9", "3.12.1"], Policy())

    assert check.is_good
    assert [coverage.python for coverage in check.coverages] == ["3.11", "3.12"]
    assert all(finding.chain == () for coverage in check.coverages for finding in coverage.findings)


def test_suitable_versions_run_from_the_newest() -> None:
    versions = listing(v1_0=["py3-none-any"], v2_0=["cp39-cp39-any", "bad"], v3_0=["py3-none-any"])

    assert [str(version) for version in suitable_versions(versions, ARM64, "3.11.9")] == ["3.0", "1.0"]


def test_files_that_exclude_the_python_do_not_count() -> None:
    def release(version: str, requires_python: str | None) -> Release:
        file = File(filename=f"a-{version}-py3-none-any.whl", url="", requires_python=requires_python)
        return Release(Version.parse(version), 0, files=(file,))

    releases = (release("1.0", None), release("2.0", "any"), release("3.0", ">=3.12"))
    versions = Listing(name="a", index="https://index.example/simple", releases=releases)

    assert [str(version) for version in suitable_versions(versions, ARM64, "3.11.9")] == ["2.0", "1.0"]
