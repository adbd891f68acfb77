"""An ImageSpec with builder="lockflow", as real flytekit builds it; the engine that builds is a fake."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lockflow.errors import AnswerIsNo, InputError
from support.fake_images import FakeImages

pytestmark = pytest.mark.flyte
flytekit = pytest.importorskip("flytekit")

from flytekit.image_spec.image_spec import ImageBuildEngine, ImageSpec  # noqa: E402  only where it is installed

Project = Callable[..., Path]


def spec(**fields: Any) -> Any:
    return ImageSpec(**{"name": "flows", "builder": "lockflow", "requirements": "uv.lock", **fields})


def built(**fields: Any) -> str:
    """Build as registration does; the name that a task gets."""
    asked = spec(**fields)
    forget()
    ImageBuildEngine.build(asked)
    return str(asked.image_name())


def forget() -> None:
    """Begin as a process does: flytekit builds once for each ImageSpec, whatever becomes of its files."""
    ImageBuildEngine.build.cache_clear()
    ImageBuildEngine._IMAGE_NAME_TO_REAL_NAME.clear()


# Registration --------------------------------------------------------------------------------------------------------


def test_flytekit_finds_the_builder_and_gives_it_to_nobody_unasked() -> None:
    assert ImageBuildEngine.get_registry()["lockflow"][1] == 0
    assert ImageSpec(name="a").builder == "default"


def test_an_import_of_flytekit_loads_nothing_of_lockflow_but_the_registration() -> None:
    code = "import flytekit, sys; print(sorted(name for name in sys.modules if name.startswith('lockflow')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['lockflow', 'lockflow.flyte']"


# One platform --------------------------------------------------------------------------------------------------------


def test_a_task_gets_an_image_from_the_lock(project: Project, images: FakeImages) -> None:
    project()
    name = built(platform="linux/arm64", builder_config={"uv": "0.13.8"})
    (build,) = images.builds
    assert build.platform == "linux/arm64"
    assert list(images.names) == [name]
    assert images.pushed == []
    assert "installer.py 0.13.8 " in build.recipe
    assert "--no-install-project" in build.recipe
    assert "sync --locked" in build.recipe


def test_it_has_what_flyte_needs_of_an_image(project: Project, images: FakeImages) -> None:
    project()
    asked = spec(env={"MODE": 'say "$HOME"'})
    ImageBuildEngine.build(asked)
    recipe = images.builds[0].recipe
    assert f'ENV _F_IMG_ID="{asked.id}"\n' in recipe
    assert 'ENV PYTHONPATH="/home/flyte"\n' in recipe
    assert 'ENV MODE="say \\"\\$HOME\\""\n' in recipe
    # Whoever is in force when the folder is made owns it, and code is put there at run time.
    assert "USER 1000:1000\nWORKDIR /home/flyte\n" in recipe


def test_a_registry_is_pushed_to_and_the_task_gets_the_digest(project: Project, images: FakeImages) -> None:
    project()
    name = built(registry="localhost:30000")
    (pushed,) = images.pushed
    assert pushed.startswith("localhost:30000/flows:")
    assert name.startswith("localhost:30000/flows@sha256:")


def test_flytekit_can_be_told_not_to_push(
    project: Project, images: FakeImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    project()
    monkeypatch.setenv("FLYTE_PUSH_IMAGE_SPEC", "0")
    assert built(registry="localhost:30000").startswith("localhost:30000/flows:")
    assert images.pushed == []


def test_a_serialised_task_names_the_image(project: Project, images: FakeImages) -> None:
    from flytekit import task
    from flytekit.configuration import Image, ImageConfig, SerializationSettings
    from flytekit.tools.translator import get_serializable

    project()

    def one() -> int:
        return 1

    made = task(container_image=spec(registry="localhost:30000"))(one)
    settings = SerializationSettings(
        image_config=ImageConfig(default_image=Image(name="default", fqn="unused", tag="1")), project="p", domain="d"
    )
    found = get_serializable({}, settings, made)
    assert found.template.container.image.startswith("localhost:30000/flows@sha256:")


# Several platforms ---------------------------------------------------------------------------------------------------


def test_several_platforms_share_one_name_in_a_registry(project: Project, images: FakeImages) -> None:
    project()
    name = built(registry="localhost:30000", platform="linux/amd64, linux/arm64")
    assert sorted(build.platform for build in images.builds) == ["linux/amd64", "linux/arm64"]
    assert len(images.pushed) == 2
    (joined,) = images.joined
    assert joined.startswith("localhost:30000/flows:")
    assert name.startswith("localhost:30000/flows@sha256:")


def test_several_platforms_without_a_registry_are_refused(project: Project, images: FakeImages) -> None:
    project()
    with pytest.raises(InputError, match="several platforms share a name in a registry only"):
        built(platform="linux/amd64,linux/arm64")


# Before anything is built --------------------------------------------------------------------------------------------


def test_a_package_without_a_wheel_is_found_before_the_build(project: Project, images: FakeImages) -> None:
    project("flytekit", "native")
    with pytest.raises(AnswerIsNo, match=r"no distribution of native 1\.0 fits linux/arm64") as caught:
        built(platform="linux/arm64")
    assert "ask for it only where it has wheels" in caught.value.next
    assert images.builds == []


def test_a_uv_that_would_refuse_the_lock_is_found_before_the_build(project: Project, images: FakeImages) -> None:
    project("flytekit ; platform_system == 'Linux'")
    with pytest.raises(AnswerIsNo, match=r"uv 0\.5\.1 \(the builder's\) would refuse the lock") as caught:
        built(builder_config={"uv": "0.5.1"})
    assert 'say builder_config={"uv": "0.5.11"} or newer' in caught.value.next
    assert images.builds == []


def test_a_lock_that_is_not_that_of_its_project_is_found(project: Project, images: FakeImages) -> None:
    project()
    project("flytekit", "click", is_locked=False)
    with pytest.raises(AnswerIsNo, match="the lock does not state the project any more"):
        built()


def test_a_lock_without_flytekit_is_of_no_use_to_flyte(project: Project, images: FakeImages) -> None:
    project("click")
    with pytest.raises(AnswerIsNo, match="the lock has no flytekit"):
        built()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"packages": ["numpy"]}, "packages is not taken: add them to the project"),
        ({"apt_packages": ["git"]}, "apt_packages is not taken: build it into an image of your own"),
        ({"pip_index": "https://index.example/simple"}, r"pip_index is not taken: write the index into \[\[tool.uv"),
        ({"commands": ["true"]}, "commands is not taken"),
        ({"python_version": "newest"}, "python_version cannot be 'newest'"),
        ({"env": {"A B": "1"}}, "env cannot hold 'A B'"),
        ({"copy": ["../secrets"]}, "copy cannot be '../secrets'"),
        ({"builder_config": {"uv": 1}}, "the uv of builder_config cannot be 1"),
        (
            {"builder_config": {"uv_image": "registry.example/uv:0.8.22"}},
            r'uv_image, which is for flytekit\'s own builder: say builder_config=\{"uv": "0.8.22"\}',
        ),
        ({"builder_config": {"micromamba_image": "a"}}, "builder_config takes uv, a release"),
        ({"requirements": "requirements.txt"}, "the builder lockflow builds from a lock"),
        ({"requirements": None}, "the builder lockflow builds from a lock"),
    ],
)
def test_what_is_no_part_of_a_lock_is_refused(
    fields: dict[str, Any], words: str, project: Project, images: FakeImages
) -> None:
    folder = project()
    (folder / "requirements.txt").write_text("")
    with pytest.raises(InputError) as caught:
        # `copy` of what is not there already fails where flytekit computes its own name.
        ImageBuildEngine.get_registry()["lockflow"][0].build_image(spec(**fields))
    assert caught.match(words)
    assert images.builds == []


def test_all_that_is_refused_is_told_at_once(project: Project, images: FakeImages) -> None:
    project()
    with pytest.raises(InputError) as caught:
        built(packages=["numpy"], apt_packages=["git"])
    assert caught.value.why.count("is not taken") == 2


def test_a_lock_that_is_not_there_is_said_so(project: Project, images: FakeImages) -> None:
    project(is_locked=False)
    with pytest.raises(InputError, match="there is no such lock"):
        ImageBuildEngine.get_registry()["lockflow"][0].build_image(spec())


# The name ------------------------------------------------------------------------------------------------------------


def test_what_is_there_is_not_built_again(project: Project, images: FakeImages) -> None:
    project()
    assert built() == built()
    assert len(images.builds) == 1


def test_an_edit_of_pyproject_alone_gives_another_image(project: Project, images: FakeImages) -> None:
    folder = project()
    before = spec().tag, built()
    path = folder / "pyproject.toml"
    path.write_text(path.read_text() + '\n[tool.lockflow.image]\nuser = "1001:1001"\n')
    assert spec().tag == before[0], "flytekit's own name does not see it"
    assert built() != before[1]
    assert len(images.builds) == 2


def test_another_lock_gives_another_image(project: Project, images: FakeImages) -> None:
    project()
    before = built()
    project("flytekit", "click")
    assert built() != before


@pytest.mark.parametrize(
    "fields", [{"platform": "linux/arm64"}, {"env": {"A": "1"}}, {"base_image": "base.example/python:1"}]
)
def test_what_an_image_spec_says_gives_another_image(
    fields: dict[str, Any], project: Project, images: FakeImages
) -> None:
    project()
    assert built() != built(**fields)


def test_code_that_comes_with_each_run_does_not_change_the_image(project: Project, images: FakeImages) -> None:
    folder = project()
    before = built()
    (folder / "workflow.py").write_text("print()\n")
    assert built() == before


def test_the_form_of_a_tag_is_kept(project: Project, images: FakeImages) -> None:
    project()
    assert built(tag_format="{spec_hash}-dev").endswith("-dev")


def test_force_push_builds_again(project: Project, images: FakeImages) -> None:
    project()
    built()
    forget()
    ImageBuildEngine.build(spec().force_push())
    assert len(images.builds) == 2


# Code in the image ---------------------------------------------------------------------------------------------------


def test_code_and_files_are_copied_to_where_the_image_begins(project: Project, images: FakeImages) -> None:
    from flytekit.constants import CopyFileDetection

    folder = project()
    (folder / "data").mkdir()
    (folder / "data" / "table.csv").write_text("1\n")
    (folder / "workflow.py").write_text("print()\n")
    built(copy=["data"], source_root=str(folder), source_copy_mode=CopyFileDetection.ALL)
    (build,) = images.builds
    copied = {file.path for file in build.files if file.path.startswith("home/")}
    assert {"home/data/table.csv", "home/workflow.py"} <= copied
    assert 'COPY --chown=1000:1000 ["home/", "/home/flyte/"]\n' in build.recipe
