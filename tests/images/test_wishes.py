"""What can be asked of an image beside the settings, as it shows in the recipe and in the plan."""

from __future__ import annotations

import pytest

from lockflow.building import ImageAsk, PlannedImage, plan_images
from lockflow.image_plans import Wishes
from lockflow.steps import Target
from support.workbench import Workbench

BUILD = '\n[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'


@pytest.fixture
def locked(bench: Workbench) -> Workbench:
    bench.write("apple", more=BUILD)
    assert bench.run("lock").code == 0
    return bench


def planned(bench: Workbench, wishes: Wishes) -> PlannedImage:
    ask = ImageAsk(platforms=("linux/amd64",), python="3.12", wishes=wishes)
    (image,) = plan_images(Target(directory=bench.project, environment={}), ask)
    return image


def test_variables_are_words_and_no_references(locked: Workbench) -> None:
    recipe = planned(locked, Wishes(environment=(("MODE", 'a "$HOME" \\'),))).recipe
    assert 'ENV MODE="a \\"\\$HOME\\" \\\\"\n' in recipe


def test_a_home_is_made_by_the_user_who_writes_there(locked: Workbench) -> None:
    recipe = planned(locked, Wishes(home="/home/work")).recipe
    assert "USER 1000:1000\nWORKDIR /home/work\n" in recipe
    assert "WORKDIR /app\n" not in recipe
    assert "WORKDIR /app\n" in planned(locked, Wishes()).recipe


def test_copies_belong_to_the_user_and_change_what_is_built(locked: Workbench) -> None:
    file = locked.project / "code.py"
    file.write_text("1\n")
    wishes = Wishes(home="/home/work", copies=(("flows/code.py", file),))
    before = planned(locked, wishes)
    assert 'COPY --chown=1000:1000 ["home/", "/home/work/"]\n' in before.recipe
    file.write_text("2\n")
    assert planned(locked, wishes).content != before.content


def test_a_project_that_comes_in_another_way_is_not_installed(locked: Workbench) -> None:
    whole, without = planned(locked, Wishes()), planned(locked, Wishes(has_project=False))
    assert set(whole.packages) - set(without.packages) == {"demo"}
    assert "AS project" in whole.recipe
    assert "AS project" not in without.recipe
    assert "--no-install-project" in without.recipe
    (locked.project / "demo.py").write_text("1\n")
    assert planned(locked, Wishes(has_project=False)).content == without.content
    assert planned(locked, Wishes()).content != whole.content


def test_an_entrypoint_replaces_that_of_the_settings(locked: Workbench) -> None:
    assert 'ENTRYPOINT ["run"]\n' in planned(locked, Wishes(entrypoint=("run",))).recipe
