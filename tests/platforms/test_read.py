from __future__ import annotations

from pathlib import Path

import pytest

from lockflow.errors import InputError
from lockflow.platforms.environment import environment
from lockflow.platforms.model import Libc, MacOS
from lockflow.platforms.read import definition_path, known_platforms, read_platforms
from lockflow.platforms.tags import ordered_tags

SHIPPED = [
    "darwin",
    "darwin/amd64",
    "linux/amd64",
    "linux/amd64/musl",
    "linux/arm64",
    "linux/arm64/musl",
    "windows/amd64",
]
OWN = """
name = "{name}"
aliases = [{aliases}]
environment = {{ os_name = "posix", sys_platform = "linux", platform_system = "Linux", platform_machine = "aarch64" }}
tags.glibc = "2.28"
"""


def write(project: Path, name: str, aliases: str = "", file: str | None = None) -> Path:
    folder = project / "platforms"
    folder.mkdir(exist_ok=True)
    path = folder / (file or f"{name.replace('/', '-')}.toml")
    path.write_text(OWN.format(name=name, aliases=aliases))
    return path


def test_seven_platforms_are_shipped() -> None:
    assert [defined.platform.name for defined in known_platforms()] == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_platform_has_tags_and_an_environment(name: str) -> None:
    (defined,) = read_platforms([name])

    assert ordered_tags(defined.platform, "3.12")[0].python == "cp312"
    assert environment(defined.platform, "3.12.1")["platform_machine"] == defined.platform.machine
    assert (defined.platform.image is None) is (defined.platform.system != "linux")


@pytest.mark.parametrize(
    ("alias", "name"),
    [("darwin/arm64", "darwin"), ("linux/x86_64", "linux/amd64"), ("linux/arm64/v8", "linux/arm64")],
)
def test_aliases_lead_to_the_same_platform(alias: str, name: str) -> None:
    assert read_platforms([alias, name]) == read_platforms([name])


def test_shipped_floors() -> None:
    floors = {defined.platform.name: defined.platform.libc or defined.platform.macos for defined in known_platforms()}

    assert floors["linux/amd64"] == floors["linux/arm64"] == Libc(name="glibc", major=2, minor=36)
    assert floors["linux/amd64/musl"] == Libc(name="musl", major=1, minor=2)
    assert floors["darwin"] == MacOS(major=14, minor=0)
    assert floors["windows/amd64"] is None


def test_a_definition_of_the_project_replaces_the_shipped_one(tmp_path: Path) -> None:
    path = write(tmp_path, "linux/arm64")

    (defined,) = read_platforms(["linux/arm64"], tmp_path)

    assert defined.path == path
    assert defined.platform.libc == Libc(name="glibc", major=2, minor=28)
    assert definition_path("linux/arm64", tmp_path) == path
    assert definition_path("darwin", tmp_path) == definition_path("darwin")


def test_a_project_defines_platforms_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "graviton", '"arm"')

    assert [defined.platform.name for defined in read_platforms(["arm", "darwin"], tmp_path)] == ["graviton", "darwin"]


def test_a_name_wins_over_an_alias_of_another_platform(tmp_path: Path) -> None:
    write(tmp_path, "zz", '"linux/arm64"')

    assert [defined.platform.name for defined in read_platforms(["linux/arm64"], tmp_path)] == ["linux/arm64"]


def test_all_unknown_names_are_reported_with_what_was_meant() -> None:
    with pytest.raises(InputError) as caught:
        read_platforms(["linux/amd46", "darwin", "beos"])

    assert caught.value.why.splitlines() == [
        'no definition has the name or alias "linux/amd46" (did you mean linux/amd64?)',
        'no definition has the name or alias "beos"',
    ]


def test_a_file_is_named_after_its_platform(tmp_path: Path) -> None:
    write(tmp_path, "linux/arm64", file="arm.toml")

    with pytest.raises(InputError, match="wrong file name") as caught:
        known_platforms(tmp_path)

    assert "linux-arm64.toml" in caught.value.next


def test_a_file_that_is_no_text_is_one_clear_error(tmp_path: Path) -> None:
    write(tmp_path, "graviton").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(InputError, match=r"graviton\.toml cannot be read"):
        known_platforms(tmp_path)


def test_names_that_nothing_defines_have_no_file(tmp_path: Path) -> None:
    assert definition_path("beos", tmp_path) is None
