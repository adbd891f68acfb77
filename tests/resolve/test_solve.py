"""Worked examples of a universal resolution, with versions and forks as the reference tool has them."""

from __future__ import annotations

from lockflow.inputs.model import ForkStrategy, Settings
from support.scenario import World, forks, manifest, solve, versions


def world_of_marker_forks() -> World:
    world = World()
    world.add("beta", "1.0", "gamma<2").add("beta", "2.0", "gamma")
    for version in ("1.0", "2.0", "3.0"):
        world.add("gamma", version)
    world.add("alpha", "1.0", "gamma>=1", "delta ; sys_platform=='linux'").add("delta", "1.0")
    return world.add("zed", "2.0", "gamma")


def test_disjoint_markers_fork_and_upper_bounds_are_solved_first() -> None:
    project = manifest(["zed>=1", "beta>=2 ; sys_platform == 'linux'", "beta<2 ; sys_platform == 'darwin'", "alpha"])
    resolution, _ = solve(project, world_of_marker_forks())
    assert forks(resolution) == [
        "sys_platform == 'darwin'",
        "sys_platform == 'linux'",
        "sys_platform != 'darwin' and sys_platform != 'linux'",
    ]
    assert versions(resolution)["gamma"] == ["1.0"]
    assert versions(resolution)["beta"] == ["1.0", "2.0"]


def test_forks_with_equal_results_are_kept() -> None:
    world = World().add("beta", "1.0").add("beta", "2.0")
    resolution, _ = solve(manifest(["beta>=1 ; sys_platform == 'linux'", "beta>=2 ; sys_platform == 'darwin'"]), world)
    assert versions(resolution) == {"beta": ["2.0"]}
    assert forks(resolution) == [
        "sys_platform == 'linux'",
        "sys_platform == 'darwin'",
        "sys_platform != 'darwin' and sys_platform != 'linux'",
    ]


def test_a_single_marker_that_raises_python_forks() -> None:
    world = World().add("beta", "1.0").add("eps", "1.0")
    resolution, _ = solve(manifest(["beta ; sys_platform == 'linux'", "eps ; python_version >= '3.11'"]), world)
    assert forks(resolution) == ["python_full_version >= '3.11'", "python_full_version < '3.11'"]


def test_overlapping_markers_split_into_all_intersections() -> None:
    world = World()
    for version in ("1.0", "2.0", "3.0"):
        world.add("gamma", version)
    project = manifest(["gamma>=1 ; sys_platform == 'linux'", "gamma<3 ; python_version < '3.12'", "gamma"])
    resolution, _ = solve(project, world)
    assert versions(resolution) == {"gamma": ["2.0", "3.0"]}
    assert forks(resolution) == [
        "python_full_version >= '3.12' and sys_platform == 'linux'",
        "python_full_version >= '3.12' and sys_platform != 'linux'",
        "python_full_version < '3.12' and sys_platform == 'linux'",
        "python_full_version < '3.12' and sys_platform != 'linux'",
    ]


def world_of_pythons() -> World:
    world = World().add("beta", "1.0", requires_python=">=3.8").add("beta", "2.0", requires_python=">=3.10")
    return world.add("beta", "3.0", requires_python=">=3.12").add("beta", "4.0", requires_python=">=3.12")


def test_each_python_gets_the_newest_version_it_can_have() -> None:
    resolution, _ = solve(manifest(["beta"]), world_of_pythons())
    assert versions(resolution) == {"beta": ["1.0", "2.0", "4.0"]}
    assert forks(resolution) == [
        "python_full_version >= '3.12'",
        "python_full_version >= '3.10' and python_full_version < '3.12'",
        "python_full_version < '3.10'",
    ]


def test_fewest_takes_one_version_for_all_pythons() -> None:
    resolution, _ = solve(manifest(["beta"], settings=Settings(fork_strategy=ForkStrategy.FEWEST)), world_of_pythons())
    assert versions(resolution) == {"beta": ["1.0"]}
    assert forks(resolution) == []


def test_platforms_that_need_wheels_get_the_newest_version_that_has_them() -> None:
    world = World().add("beta", "1.0")
    world.add(
        "beta",
        "2.0",
        files=["beta-2.0-py3-none-manylinux_2_17_x86_64.whl", "beta-2.0-py3-none-macosx_11_0_arm64.whl"],
    )
    world.add("beta", "3.0", files=["beta-3.0-py3-none-macosx_11_0_arm64.whl"])
    required = ["sys_platform == 'win32'", "sys_platform == 'linux' and platform_machine == 'x86_64'"]
    resolution, _ = solve(manifest(["beta"], required_environments=required), world)
    assert versions(resolution) == {"beta": ["1.0", "2.0", "3.0"]}
    assert forks(resolution) == [
        "sys_platform != 'linux' and sys_platform != 'win32'",
        "sys_platform == 'linux'",
        "sys_platform == 'win32'",
    ]


def test_a_local_version_takes_the_platforms_that_the_public_one_lacks() -> None:
    world = World()
    world.add(
        "torchy",
        "2.0",
        files=["torchy-2.0-cp311-none-macosx_11_0_arm64.whl", "torchy-2.0-cp311-cp311-manylinux2014_aarch64.whl"],
    )
    world.add(
        "torchy",
        "2.0+cpu",
        files=["torchy-2.0+cpu-cp311-cp311-linux_x86_64.whl", "torchy-2.0+cpu-cp311-cp311-win_amd64.whl"],
    )
    resolution, _ = solve(manifest(["torchy"]), world)
    assert versions(resolution) == {"torchy": ["2.0", "2.0+cpu"]}


def test_a_constraint_with_a_marker_forks() -> None:
    world = World().add("gamma", "1.0").add("gamma", "2.0")
    resolution, _ = solve(manifest(["gamma"], constraints=["gamma<2 ; python_version < '3.12'"]), world)
    assert forks(resolution) == ["python_full_version >= '3.12'", "python_full_version < '3.12'"]
    assert versions(resolution) == {"gamma": ["1.0", "2.0"]}


def test_widened_versions_blame_the_package_that_has_a_choice() -> None:
    world = World().add("beta", "1.0", "zeta<1").add("beta", "2.0a1", "zeta>=2").add("eps", "1.0", "zeta>=2")
    world.add("zeta", "0.5").add("zeta", "2.0")
    resolution, _ = solve(manifest(["beta", "eps"]), world)
    assert versions(resolution)["beta"] == ["2.0a1"]


def test_packages_with_many_conflicts_are_decided_early() -> None:
    world = World().add("aaa", "1.0").add("aaa", "2.0", "zeta>=39").add("ccc", "1.0")
    for number in range(1, 12):
        world.add("bbb", f"{number}.0", f"zeta=={number}")
    for number in range(1, 41):
        world.add("zeta", f"{number}.0")
    resolution, _ = solve(manifest(["aaa", "bbb", "ccc"]), world)
    assert versions(resolution) == {"aaa": ["1.0"], "bbb": ["11.0"], "ccc": ["1.0"], "zeta": ["11.0"]}


def test_a_version_without_a_wheel_for_the_python_of_a_fork_is_not_chosen_there() -> None:
    world = World().add("a", "1.0").add("a", "2.0").add("x", "1.0")
    world.add("x", "2.0", files=["x-2.0-cp312-cp312-manylinux2014_x86_64.whl"])
    split = ["a<2 ; python_version < '3.11'", "a>=2 ; python_version >= '3.11'", "x"]
    resolution, _ = solve(manifest(split), world)
    assert versions(resolution)["x"] == ["1.0", "2.0"]
    resolution, _ = solve(manifest(["x"]), world)
    assert versions(resolution)["x"] == ["2.0"]


def test_a_version_without_a_wheel_for_the_platform_of_a_fork_may_be_chosen_there() -> None:
    world = World().add("a", "1.0").add("a", "2.0").add("x", "1.0")
    world.add("x", "2.0", files=["x-2.0-cp312-cp312-win_amd64.whl"])
    split = ["a<2 ; sys_platform == 'linux'", "a>=2 ; sys_platform == 'win32'", "x"]
    resolution, _ = solve(manifest(split), world)
    assert versions(resolution)["x"] == ["2.0"]
