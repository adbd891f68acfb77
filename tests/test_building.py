"""The walk from a lock to images, with an engine that makes none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lockflow import steps
from lockflow.building import ImageAsk, ImageResult, are_there, build_images, plan_images
from lockflow.engines import build_faults
from lockflow.engines.model import Command
from lockflow.errors import AnswerIsNo, EngineError, InputError
from support.images import FakeImages
from support.watching import Listener
from support.with_uv import WithUv
from support.workbench import Workbench

INSTALLED = {"demo": "0.1.0", "apple": "1.0", "core": "2.0"}
BUILDABLE = '\n[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


@pytest.fixture
def locked(bench: Workbench) -> Workbench:
    bench.write("apple", more=BUILDABLE)
    assert bench.run("lock").code == 0
    (bench.project / "src").mkdir()
    (bench.project / "src" / "demo.py").write_text("word = 1\n")
    return bench


def built(bench: Workbench, images: FakeImages, *platforms: str, **more: Any) -> ImageResult:
    asked = ImageAsk(platforms=platforms or ("linux/amd64",), **more.pop("ask", {}))
    return build_images(
        steps.Target(directory=bench.project, environment=more.pop("environment", {})),
        asked,
        network=steps.Network(cache_dir=bench.cache, transport=WithUv(bench)),
        open_images=lambda _: images,
        **more,
    )


def refused(bench: Workbench, images: FakeImages, *platforms: str, **more: Any) -> AnswerIsNo:
    with pytest.raises(AnswerIsNo) as caught:
        built(bench, images, *platforms, **more)
    assert images.names == {}
    assert images.pushed == []
    return caught.value


def test_an_image_that_is_what_the_lock_says_gets_its_name(locked: Workbench) -> None:
    images, watch = FakeImages(INSTALLED), Listener()
    lines: list[tuple[str, str]] = []
    result = built(locked, images, watch=watch, on_output=lambda *line: lines.append(line))
    (image,) = result.images
    assert images.names == {image.reference: "sha256:built for linux/amd64"}
    assert image.reference.startswith("demo:")
    assert image.reference.endswith("-linux-amd64"), "another platform has another name"
    assert (image.python, image.packages, image.binaries) == ("3.12.9", 3, 1)
    assert dict(image.seconds).keys() == {"prepare", "dependencies", "project", "build", "verify"}
    assert lines == [("linux/amd64", "Installed 3 packages")] * 2
    assert images.is_closed
    (command,) = images.ran
    assert command.is_as_image_user
    assert not command.has_network


def test_the_builder_gets_the_pinned_uv_the_lock_and_the_sources(locked: Workbench) -> None:
    images = FakeImages(INSTALLED)
    built(locked, images, "linux/arm64")
    (build,) = images.builds
    files = {file.path: file for file in build.files}
    assert files["tools/uv"].content.startswith(b"program of uv-0.13.8-py3-none-manylinux_2_17_x86_64")
    assert {"manifests/uv.lock", "manifests/pyproject.toml", "source/src/demo.py", "source/uv.lock"} <= files.keys()
    assert not any(path.startswith("manifests/src") for path in files)
    assert build.platform == "linux/arm64"
    assert dict(build.bases)["BUILDER"].platform == "linux/amd64"
    assert dict(build.bases)["BASE"].image == "python:3.12-slim-bookworm"
    assert "--python-platform aarch64-manylinux_2_36" in build.recipe
    assert f'LABEL "io.lockflow.lock"="{steps.digest(locked.lock.read_bytes())}"' in build.recipe


def test_several_platforms_are_pushed_as_one_list(locked: Workbench) -> None:
    images = FakeImages(INSTALLED)
    result = built(locked, images, "linux/amd64", "linux/arm64", ask={"push": True, "tag": "registry.example/app:1"})
    assert sorted(images.pushed) == ["registry.example/app:1-linux-amd64", "registry.example/app:1-linux-arm64"]
    ((reference, parts),) = images.joined
    assert reference == "registry.example/app:1"
    assert [part.reference for part in parts] == [image.reference for image in result.images]
    assert (result.reference, result.digest) == ("registry.example/app:1", "sha256:list")


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("1", "demo:1"),
        ("app:1", "app:1"),
        ("host:5000/app", "host:5000/app:latest"),
        ("host:5000/a/b:2", "host:5000/a/b:2"),
    ],
)
def test_a_tag_may_be_a_whole_name(tag: str, name: str, locked: Workbench) -> None:
    assert built(locked, FakeImages(INSTALLED), ask={"tag": tag}).reference == name


def test_the_usual_tag_follows_from_what_goes_in(locked: Workbench) -> None:
    def tag() -> str:
        return built(locked, FakeImages(INSTALLED)).reference

    first = tag()
    assert tag() == first
    (locked.project / "src" / "demo.py").write_text("word = 2\n")
    second = tag()
    (locked.project / "pyproject.toml").write_text(
        (locked.project / "pyproject.toml").read_text() + '\n[tool.lockflow.image]\nuser = "7:7"\n'
    )
    assert len({first, second, tag()}) == 3


# What is refused -----------------------------------------------------------------------------------------------------


def test_an_image_that_lacks_a_package_gets_no_name(locked: Workbench) -> None:
    error = refused(locked, FakeImages({**INSTALLED, "core": "1.0"}), ask={"push": True, "tag": "host/app:1"})
    assert error.what == "the image for linux/amd64 is not what the lock says"
    assert error.why == "core is installed as 1.0, not as 2.0"


@pytest.mark.parametrize("environment", [{}, {"sys_platform": "linux", "python_full_version": "none"}])
def test_a_python_that_does_not_say_what_it_is_gets_no_name(environment: dict[str, str], bench: Workbench) -> None:
    class Silent(FakeImages):
        def seen(self, command: Command) -> dict[str, Any]:
            return {**super().seen(command), "environment": environment}

    bench.write("apple ; python_full_version >= '3.12.1' and sys_platform == 'linux'")
    assert bench.run("lock").code == 0
    error = refused(bench, Silent(INSTALLED))
    assert error.what == "the Python of the image for linux/amd64 does not run"
    assert "decides no marker" in error.why


def test_machine_code_of_another_machine_is_refused_unless_a_wheel_for_any_has_it(locked: Workbench) -> None:
    path = "/opt/venv/lib/apple.so"
    images = FakeImages(INSTALLED, files={path: "x86_64"}, owners={path: ("apple", False)})
    assert refused(locked, images, "linux/arm64").why == f"{path} is for x86_64, not for aarch64, of apple"
    images.owners[path] = ("apple", True)
    assert built(locked, images, "linux/arm64").images


def test_a_platform_that_fails_is_refused_before_anything_is_built(locked: Workbench) -> None:
    locked.offer("half", "1.0", wheels=["cp312-cp312-manylinux_2_17_x86_64"])
    locked.write("half")
    assert locked.run("lock").code == 0
    images = FakeImages(INSTALLED)
    assert "no distribution of half 1.0 fits linux/arm64" in refused(locked, images, "linux/arm64").what
    assert images.builds == []
    assert not (locked.project / "reports").exists(), "a check for an image is no report"


def test_a_lock_that_is_stale_or_missing_is_refused_before_anything_is_built(locked: Workbench) -> None:
    locked.write("core")
    assert "does not state the project" in refused(locked, FakeImages(INSTALLED)).what
    locked.lock.unlink()
    assert "no lock to build from" in refused(locked, FakeImages(INSTALLED)).what


def test_a_uv_that_would_refuse_the_lock_is_told_before_anything_is_built(locked: Workbench) -> None:
    path = locked.project / "pyproject.toml"
    path.write_text(path.read_text() + '\n[tool.uv]\nrequired-version = ">=0.9"\n')
    error = refused(locked, FakeImages(INSTALLED), ask={"uv": "0.8.22"})
    assert "uv 0.8.22 (the builder's) is not one that the project takes" in error.what


@pytest.mark.parametrize(
    ("platforms", "ask", "says"),
    [
        ((), {"platforms": ()}, "no platform is named"),
        (("darwin",), {}, "there are no images for darwin"),
        (("linux/riscv",), {}, "there is no such platform"),
        (("linux/amd64",), {"python": "3.9"}, "3.9"),
        (("linux/amd64",), {"tag": "Not A Tag"}, "no image can be named demo:Not A Tag"),
        (("linux/amd64",), {"tag": "host/App:1"}, "no image can be named host/App:1"),
        (("linux/amd64",), {"tag": "1", "push": True}, "demo names no place in a registry"),
    ],
)
def test_what_cannot_be_built_is_an_input_error(
    platforms: tuple[str, ...], ask: dict[str, Any], says: str, locked: Workbench
) -> None:
    asked = ImageAsk(**{"platforms": platforms, **ask})
    with pytest.raises(InputError, match=says):
        build_images(steps.Target(directory=locked.project), asked, open_images=lambda _: FakeImages(INSTALLED))


def test_an_old_uv_cannot_install_for_another_platform_and_says_which_can(locked: Workbench) -> None:
    with pytest.raises(InputError, match=r"uv 0\.6\.12 cannot install for linux/arm64 on linux/amd64") as caught:
        built(locked, FakeImages(INSTALLED), "linux/arm64", ask={"uv": "0.6.12"})
    assert "engines" in caught.value.next


def test_the_first_build_that_fails_ends_the_others_and_is_told(locked: Workbench) -> None:
    failed = build_faults.build_failed("the image", "executor failed running [x]: exit code: 2", ("error: no",))

    def fail(build: Any) -> Any:
        return failed if build.platform == "linux/arm64" else None

    images = FakeImages(INSTALLED, failure=fail)
    with pytest.raises(AnswerIsNo, match="the image could not be built"):
        built(locked, images, "linux/amd64", "linux/arm64")
    assert images.is_stopped
    assert images.is_closed


def test_a_registry_that_refuses_is_an_engine_error(locked: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    images = FakeImages(INSTALLED, push_failure=build_faults.push_failed("host/app:1", "denied: no"))
    with pytest.raises(EngineError, match="does not let you push") as caught:
        built(locked, images, ask={"push": True, "tag": "host/app:1"})
    done = "the image for linux/amd64 was built and is there: host/app:1"
    assert caught.value.next.endswith(f"\n{done}")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(images, "push", interrupted)
    with pytest.raises(KeyboardInterrupt) as ended:
        built(locked, images, ask={"push": True, "tag": "host/app:1"})
    assert ended.value.__notes__ == [done]


# Without an engine ---------------------------------------------------------------------------------------------------


def test_a_plan_needs_no_engine_and_no_network(locked: Workbench) -> None:
    target = steps.Target(directory=locked.project)
    amd, arm = plan_images(target, ImageAsk(platforms=("linux/amd64", "linux/arm64")))
    assert amd.reference.endswith("-linux-amd64")
    assert "FROM --platform=linux/arm64 ${BASE} AS final" in arm.recipe
    (again,) = plan_images(target, ImageAsk(platforms=("linux/amd64",)))
    assert again.content == amd.content
    (locked.project / "src" / "demo.py").write_text("word = 3\n")
    (edited,) = plan_images(target, ImageAsk(platforms=("linux/amd64",)))
    assert edited.content != amd.content


def test_images_are_there_as_long_as_their_names_lead_to_them(locked: Workbench) -> None:
    images = FakeImages(INSTALLED)
    result = built(locked, images)
    target = steps.Target(directory=locked.project)
    assert are_there(target, result, lambda _: images)
    images.names[result.reference] = "sha256:another"
    assert not are_there(target, result, lambda _: images)
    images.names.clear()
    assert not are_there(target, result, lambda _: images)


# What is installed, and from where -----------------------------------------------------------------------------------


def recipe_of(bench: Workbench, *platforms: str) -> str:
    asked = ImageAsk(platforms=platforms or ("linux/amd64",))
    return plan_images(steps.Target(directory=bench.project), asked)[0].recipe


def write(bench: Workbench, image: str, more: str = "") -> None:
    bench.offer("tool", "1.0").offer("gpu-lib", "1.0")
    extras = (
        '\n[project.optional-dependencies]\ngpu = ["gpu-lib"]\n\n[dependency-groups]\ndev = ["tool"]\nlint = ["tool"]\n'
    )
    bench.write("apple", more=f"{BUILDABLE}{extras}{more}\n[tool.lockflow.image]\n{image}\n")
    assert bench.run("lock").code == 0


def test_no_group_and_no_extra_is_installed_unless_it_is_named(bench: Workbench) -> None:
    write(bench, "", '\n[tool.uv]\ndefault-groups = ["dev", "lint"]\n')
    assert "sync --locked --no-editable --no-dev --no-group=lint --no-install-workspace" in recipe_of(bench)
    write(bench, 'extras = ["gpu"]\ngroups = ["dev"]', '\n[tool.uv]\ndefault-groups = ["dev", "lint"]\n')
    assert "--no-editable --no-group=lint --group=dev --extra=gpu" in recipe_of(bench)


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ('extras = ["gpuu"]', "there is no extra gpuu"),
        ('groups = ["prod"]', "there is no dependency group prod"),
        ('package = "other"', "there is no project other"),
        ('files = ["nowhere"]', "nowhere is not there to be copied"),
    ],
)
def test_settings_that_name_what_is_not_there_are_input_errors(image: str, says: str, bench: Workbench) -> None:
    write(bench, image)
    with pytest.raises(InputError, match=says):
        recipe_of(bench)


def test_the_python_is_asked_for_pinned_or_the_newest(bench: Workbench) -> None:
    write(bench, 'base = "base:{python}-{arch}"')
    path = bench.project / "pyproject.toml"
    path.write_text(path.read_text().replace('["3.12"]', '["3.11", "3.12"]'))
    assert "ARG BASE=base:3.12-amd64" in recipe_of(bench)
    (bench.project / ".python-version").write_text("# ours\n3.11.4\n")
    assert "ARG BASE=base:3.11-amd64" in recipe_of(bench)
    path.write_text(path.read_text().replace("[tool.lockflow.image]", '[tool.lockflow.image]\npython = "3.13"'))
    assert "ARG BASE=base:3.13-amd64" in recipe_of(bench)


def test_a_source_tree_beside_the_project_comes_along(bench: Workbench) -> None:
    beside = bench.project.parent / "lib"
    (beside / "src").mkdir(parents=True)
    (beside / "pyproject.toml").write_text('[project]\nname = "lib"\nversion = "1"\n' + BUILDABLE)
    (beside / "src" / "lib.py").write_text("")
    bench.write("lib", more=f'{BUILDABLE}\n[tool.uv.sources]\nlib = {{ path = "../lib" }}\n')
    assert bench.run("lock").code == 0
    images = FakeImages({"demo": "0.1.0", "lib": "1"})
    built(bench, images)
    paths = {file.path for file in images.builds[0].files}
    assert {"manifests/project/uv.lock", "manifests/lib/pyproject.toml", "source/lib/src/lib.py"} <= paths
    assert "manifests/lib/src/lib.py" not in paths
    assert "WORKDIR /src/project" in images.builds[0].recipe
    assert "--no-install-package=lib" in images.builds[0].recipe


def test_secrets_are_handed_to_the_builder_and_stand_nowhere_else(locked: Workbench, tmp_path: Path) -> None:
    images = FakeImages(INSTALLED)
    (tmp_path / "netrc").write_text("machine index.example login me password s3cret\n")
    (tmp_path / "authorities.pem").write_text("authorities")
    environment = {
        "NETRC": str(tmp_path / "netrc"),
        "SSL_CERT_FILE": str(tmp_path / "authorities.pem"),
        "HTTPS_PROXY": "http://user:hidden@proxy.example",
        "UV_INDEX_CORP_PASSWORD": "p%40rt a",
    }
    result = built(locked, images, environment=environment)
    (build,) = images.builds
    secrets = dict(build.secrets)
    assert secrets["netrc"] == b"machine index.example login me password s3cret\n"
    assert secrets["authorities"] == b"authorities"
    assert b"hidden" in secrets["environment"]
    everything = [build.recipe.encode(), *(file.content for file in build.files), repr(result).encode()]
    assert not any(word in text for text in everything for word in (b"s3cret", b"hidden"))
    assert {"s3cret", "hidden", "p%40rt a", "p@rt a"} <= {*build.hidden}
    assert [*build.hidden] == sorted(build.hidden, key=lambda word: (-len(word), word))


@pytest.mark.parametrize("password", ["with space", 'quo"te', "ha#sh"])
def test_credentials_that_no_netrc_can_hold_are_refused(password: str, locked: Workbench) -> None:
    path = locked.project / "pyproject.toml"
    quoted = password.replace(" ", "%20").replace('"', "%22").replace("#", "%23")
    path.write_text(path.read_text().replace("https://index", f"https://me:{quoted}@index"))
    with pytest.raises(InputError, match=r"the credentials for index\.example cannot be handed"):
        built(locked, FakeImages(INSTALLED))
