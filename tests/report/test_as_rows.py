from __future__ import annotations

from lockflow.report.as_rows import Row, message, problems, rows
from lockflow.report.model import Verdict
from support.small_reports import bad_report, good_report


def test_a_row_counts_packages_once_by_their_worst_status() -> None:
    assert rows(good_report())[0] == Row(
        platform="darwin",
        verdict=Verdict.GOOD,
        level="tags",
        pythons=("3.11", "3.12"),
        packages=3,
        wheels=2,
        built=1,
        problems=0,
    )
    assert [(row.platform, row.packages, row.wheels, row.problems) for row in rows(bad_report())] == [
        ("darwin", 1, 1, 0),
        ("linux/amd64", 3, 1, 2),
        ("linux/arm64", 4, 1, 4),
        ("windows/amd64", 0, 0, 0),
    ]


def test_problems_run_from_the_worst() -> None:
    assert [(problem.platform, problem.package, problem.pythons) for problem in problems(bad_report())] == [
        ("windows/amd64", "", ()),
        ("linux/arm64", "", ("3.10",)),
        ("linux/arm64", "nvidia-nccl-cu12", ("3.11", "3.12")),
        ("linux/arm64", "odd", ("3.11",)),
        ("linux/arm64", "docopt", ("3.11",)),
        ("linux/amd64", "old", ("3.12",)),
        ("linux/amd64", "docopt", ("3.11",)),
    ]
    assert problems(good_report()) == ()


def test_a_problem_is_a_message_of_four_parts() -> None:
    nccl = next(problem for problem in problems(bad_report()) if problem.package == "nvidia-nccl-cu12")

    assert message(nccl) == (
        "no distribution of nvidia-nccl-cu12 2.21.5 fits linux/arm64\n"
        "  where: uv.lock, package nvidia-nccl-cu12; Python 3.11, 3.12; platforms/linux-arm64.toml\n"
        "  why:   1 wheel, none for aarch64 with glibc 2.36 (only manylinux x86_64); no source distribution\n"
        "         required by app 0.1 > torch 2.5.1 (extra gpu; sys_platform == 'linux') > nvidia-nccl-cu12 2.21.5\n"
        "  next:  leave it out there\n"
        "         or move to a version that has a wheel"
    )


def test_a_broken_check_keeps_its_own_four_parts() -> None:
    assert message(problems(bad_report())[0]) == (
        "windows/amd64 could not be judged: no engine answers\n"
        "  where: npipe\n"
        "  why:   connection refused\n"
        "  next:  start the engine"
    )
