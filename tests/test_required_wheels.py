from __future__ import annotations

from pathlib import Path

import pytest

from support.workbench import Workbench

ALL = [
    "cp312-cp312-macosx_11_0_arm64",
    "cp312-cp312-manylinux_2_17_x86_64",
    "cp312-cp312-manylinux_2_17_aarch64",
]
INSIST = "require-wheels = true\n"
PREFER = 'require-wheels = "prefer"\n'


@pytest.fixture
def shop(bench: Workbench) -> Workbench:
    """`fruit` has all wheels in 1.0 only; 1.1 lacks one, 1.2 needs a newer glibc, 1.3 has to be built."""
    bench.offer("fruit", "1.0", wheels=ALL, has_sdist=True)
    bench.offer("fruit", "1.1", wheels=ALL[:2], has_sdist=True)
    bench.offer("fruit", "1.2", wheels=[*ALL[:2], "cp312-cp312-manylinux_2_39_aarch64"], has_sdist=True)
    bench.offer("fruit", "1.3", wheels=["cp311-cp311-macosx_11_0_arm64"], has_sdist=True)
    return bench


def locked(bench: Workbench, name: str = "fruit") -> str:
    lines = bench.lock.read_text(encoding="utf-8").splitlines()
    return lines[lines.index(f'name = "{name}"') + 1].split('"')[1]


def test_without_the_setting_the_newest_version_is_locked_as_uv_does(shop: Workbench) -> None:
    shop.write("fruit")
    assert shop.run("lock").code == 0
    assert locked(shop) == "1.3"


@pytest.mark.parametrize("setting", [INSIST, PREFER])
def test_the_newest_version_with_wheels_for_all_platforms_is_locked(shop: Workbench, setting: str) -> None:
    shop.write("fruit", more=setting)
    run = shop.run("lock")
    assert run.code == 0, run.said
    assert locked(shop) == "1.0"
    assert shop.run("check").code == 0
    assert shop.run("lock", "--check").code == 0


def test_platforms_where_a_package_is_not_needed_need_no_wheels(shop: Workbench) -> None:
    shop.write("fruit ; sys_platform == 'darwin'", more=INSIST)
    shop.run("lock")
    assert locked(shop) == "1.2"


def test_a_package_that_may_be_built_needs_no_wheels(shop: Workbench) -> None:
    shop.write("fruit", more=INSIST + 'allow-sdist = ["fruit"]\n')
    shop.run("lock")
    assert locked(shop) == "1.3"


def test_the_systems_of_the_definitions_count(shop: Workbench) -> None:
    definition = (Path(__file__).parents[1] / "platforms" / "linux-arm64.toml").read_text(encoding="utf-8")
    own = shop.project / "platforms" / "linux-arm64.toml"
    shop.write("fruit", more=INSIST)
    shop.run("lock")
    own.parent.mkdir()
    own.write_text(definition.replace('glibc = "2.36"', 'glibc = "2.39"'), encoding="utf-8")
    run = shop.run("lock", "--upgrade")
    assert run.code == 0, run.said
    assert locked(shop) == "1.2"
    own.unlink()
    run = shop.run("lock")
    assert "fruit 1.2 has no wheel for linux/arm64, Python 3.12, which `require-wheels` asks for" in run.said
    assert locked(shop) == "1.0"


def test_a_lock_made_before_the_setting_is_found_out_of_date(shop: Workbench) -> None:
    shop.write("fruit")
    shop.run("lock")
    shop.write("fruit", more=INSIST)
    run = shop.run("lock", "--check")
    assert run.code == 1
    assert "fruit 1.3 has no wheel for darwin, Python 3.12, which `require-wheels` asks for" in run.said
    assert shop.run("lock").code == 0
    assert locked(shop) == "1.0"


def test_where_no_version_has_all_wheels_insisting_fails_and_preferring_does_not(shop: Workbench) -> None:
    shop.write("fruit>=1.1", more=INSIST)
    run = shop.run("lock")
    assert run.code == 1
    assert "has no wheel for linux/arm64, Python 3.12, which require-wheels asks for" in run.said
    assert "allow-sdist" in run.said
    assert not shop.lock.exists()
    shop.write("fruit>=1.1", more=PREFER)
    assert shop.run("lock").code == 0
    assert locked(shop) == "1.3"


def test_what_a_dependency_needs_is_chosen_by_wheels_too(shop: Workbench) -> None:
    shop.offer("salad", "1.0", "fruit").offer("salad", "2.0", "fruit>=1.1")
    shop.write("salad", more=INSIST)
    assert shop.run("lock").code == 0
    assert (locked(shop, "salad"), locked(shop)) == ("1.0", "1.0")


def test_a_setting_that_is_neither_is_a_mistake(shop: Workbench) -> None:
    shop.write("fruit", more='require-wheels = "always"\n')
    run = shop.run("lock")
    assert run.code == 2
    assert "require-wheels" in run.said
