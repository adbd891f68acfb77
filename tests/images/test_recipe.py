from __future__ import annotations

import shlex
from typing import Any

from lockflow.images.identity import content_digest, inputs_digest, labels, reference_of, usual_tag
from lockflow.images.model import ImagePlan
from lockflow.images.recipe import recipe, uv_arguments


def plan(**more: Any) -> ImagePlan:
    values: dict[str, Any] = {
        "name": "app",
        "platform": "linux/arm64",
        "engine_platform": "linux/arm64",
        "builder_platform": "linux/amd64",
        "target": "aarch64-manylinux_2_36",
        "python": "3.12",
        "base": "python:3.12-slim",
        "builder": "python:3.12",
        "uv": "0.13.8",
        "selection": ("--no-dev",),
        "local_packages": ("app",),
        "user": "1000:1000",
    }
    return ImagePlan(**{**values, **more})


def stages(text: str) -> dict[str, list[str]]:
    """The lines of each stage, continued lines joined."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("FROM "):
            name = line.split()[-1]
            found[name] = []
        if name and line and not line.startswith("#"):
            found[name].append(" ".join(line.split()))
    return found


def test_things_are_installed_where_the_builder_runs_and_the_image_runs_nothing() -> None:
    found = stages(recipe(plan(), {}))
    assert list(found) == ["dependencies", "project", "final"]
    assert found["dependencies"][0] == "FROM --platform=linux/amd64 ${BUILDER} AS dependencies"
    assert found["final"][0] == "FROM --platform=linux/arm64 ${BASE} AS final"
    assert [line for line in found["final"] if line.startswith("RUN")] == []
    assert found["final"][-1] == "USER 1000:1000"


def test_dependencies_see_no_source_so_that_an_edit_of_one_does_not_reinstall_them() -> None:
    found = stages(recipe(plan(), {}))
    (dependencies,) = (line for line in found["dependencies"] if line.startswith("RUN"))
    (project,) = (line for line in found["project"] if line.startswith("RUN"))
    assert "source=manifests,target=/src,rw" in dependencies
    assert "source=source,target=/src,rw" not in dependencies
    assert "source=source,target=/src,rw" in project
    for line in (dependencies, project):
        assert "sync --locked --no-editable --no-dev --python-platform aarch64-manylinux_2_36" in line
        assert "--mount=type=secret,id=netrc" in line
        assert "--mount=type=cache" in line


def test_nothing_is_built_from_source_but_what_may_be() -> None:
    words = uv_arguments(plan(built_packages=("docopt",)), "dependencies")
    assert words[-3:] == ("--no-install-package=app", "--no-build", "--no-binary-package=docopt")
    assert "--no-build" not in uv_arguments(plan(), "project")


def test_a_native_image_leaves_the_platform_to_the_interpreter() -> None:
    assert "--python-platform" not in uv_arguments(plan(target=""), "dependencies")


def test_without_a_project_of_its_own_there_is_no_stage_for_one() -> None:
    found = stages(recipe(plan(local_packages=(), files=("main.py", "conf"), folder="apps/api"), {}))
    assert list(found) == ["dependencies", "final"]
    assert 'COPY ["source/apps/api/main.py", "/app/main.py"]' in found["final"]
    assert "WORKDIR /src/apps/api" in found["dependencies"]


def test_what_a_project_says_cannot_leave_its_place() -> None:
    text = recipe(
        plan(entrypoint=("sh", "-c", 'echo "$HOME"\nUSER 0'), selection=("--extra=a'b; touch x",)),
        {"io.lockflow.x": 'a "b" $c \\ d'},
    )
    lines = text.splitlines()
    assert [line for line in lines if line.startswith("USER 0") and line != "USER 0:0"] == []
    assert 'LABEL "io.lockflow.x"="a \\"b\\" \\$c \\\\ d"' in lines
    command = next(line for line in lines if "--extra" in line)
    assert "--extra=a'b; touch x" in shlex.split(command)


def test_the_digest_of_inputs_changes_with_each_of_them_and_with_no_order() -> None:
    files = [("tools/uv", "a"), ("manifests/uv.lock", "b")]
    first = inputs_digest("recipe", files, ["sha256:1"])
    assert first == inputs_digest("recipe", files[::-1], ["sha256:1"])
    assert content_digest(files) != content_digest([("tools/uv", "b"), ("manifests/uv.lock", "a")])
    others = [
        inputs_digest("another", files, ["sha256:1"]),
        inputs_digest("recipe", files[:1], ["sha256:1"]),
        inputs_digest("recipe", files, ["sha256:2"]),
    ]
    assert len({first, *others}) == 4


def test_labels_state_what_went_in_and_leave_out_what_is_not_known() -> None:
    found = labels(plan(), lock="sha256:l", inputs="sha256:i", version="")
    assert found["io.lockflow.lock"] == "sha256:l"
    assert found["io.lockflow.uv"] == "0.13.8"
    assert "org.opencontainers.image.version" not in found


def test_a_tag_says_the_platform_only_where_there_are_several() -> None:
    tag = usual_tag([("a", "b")], "settings")
    assert len(tag) == 12
    assert tag != usual_tag([("a", "c")], "settings")
    assert reference_of("app", tag, "linux/arm64", is_one_of_several=False) == f"app:{tag}"
    assert reference_of("app", "1", "linux/arm64", is_one_of_several=True) == "app:1-linux-arm64"
