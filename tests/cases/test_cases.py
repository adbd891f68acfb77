"""Each case is found before a build, and explained; with the advised edit real uv then does what it refused."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from lockflow.cli.main import main
from support.house import House
from support.old_uv import uv_program, wheel_of
from support.reference import interpreters_path
from support.run import Run

Project = Callable[[str], Path]
NEWEST = "0.13.8"


@dataclass(frozen=True)
class Case:
    """A project, a uv that refuses its lock, the words that explain it, and the first release that does not."""

    name: str
    uv: str
    says: str
    since: str


OLD_UVS = [
    Case(
        "platform-system-marker", "0.5.1", "the lock has sys_platform where the project says platform_system", "0.5.11"
    ),
    Case("platform-system-marker", "0.5.10", "it compares markers letter by letter", "0.5.11"),
    Case("unknown-uv-option", "0.5.27", "it does not know required-environments", "0.6.1"),
    Case("required-version-drops-options", "0.5.11", "it does not know required-version", "0.5.14"),
    Case("relative-exclude-newer", "0.8.22", 'it cannot read the span "7 days"', "0.9.17"),
    Case("group-requires-python", "0.6.12", "the group dev is for some Pythons only", "0.7.14"),
    Case("dynamic-version", "0.5.10", "missing field `version`", "0.5.19"),
]
CONFLICTS = Case("conflicts-read-by-old-uv", "0.5.27", "takes both of what conflicts", "0.6.3")


def ids(case: Case) -> str:
    return f"{case.name} {case.uv}"


def lockflow(house: House, project: Path, *words: str) -> Run:
    places = ["--directory", str(project), "--default-index", f"{house.origin}/simple", "--no-cache"]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = main([*words, *places], transport=house)
    return Run(code, said.getvalue())


def locked(house: House, project: Path) -> Path:
    run = lockflow(house, project, "lock")
    assert run.code == 0, run.said
    return project


# Found and explained --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [*OLD_UVS, CONFLICTS], ids=ids)
def test_a_uv_that_would_refuse_the_lock_is_found(case: Case, house: House, project: Project) -> None:
    folder = locked(house, project(case.name))
    run = lockflow(house, folder, "check", "linux/amd64", "--uv", case.uv)
    assert run.code == 1
    assert f"uv {case.uv} (the builder's)" in run.said
    assert case.says in run.said
    assert f"pin {case.since} or newer" in run.said


@pytest.mark.parametrize("case", [*OLD_UVS, CONFLICTS], ids=ids)
def test_a_uv_that_takes_it_is_let_be(case: Case, house: House, project: Project) -> None:
    folder = locked(house, project(case.name))
    run = lockflow(house, folder, "check", "linux/amd64", "--uv", case.since)
    assert run.code == 0, run.said


@pytest.mark.parametrize("case", OLD_UVS, ids=ids)
def test_the_edit_that_is_advised_satisfies_the_check(case: Case, house: House, project: Project) -> None:
    folder = edited(house, locked(house, project(case.name)), case)
    run = lockflow(house, folder, "check", "linux/amd64", "--uv", case.uv)
    assert run.code == 0, run.said


def test_a_pinned_uv_is_asked_about_without_being_named(house: House, project: Project) -> None:
    folder = project("platform-system-marker")
    path = folder / "pyproject.toml"
    path.write_text(path.read_text() + '\n[tool.lockflow]\nuv = "0.5.1"\n')
    locked(house, folder)
    run = lockflow(house, folder, "check", "linux/amd64")
    assert run.code == 1
    assert "uv 0.5.1 (the builder's) would refuse the lock" in run.said


def test_a_stale_lock_is_found_whatever_the_uv(house: House, project: Project) -> None:
    folder = stale(house, project("stale-lock"))
    run = lockflow(house, folder, "check", "linux/amd64", "--uv", NEWEST)
    assert run.code == 1
    assert "the lock does not state the project any more" in run.said
    assert "run `lockflow lock`" in run.said
    locked(house, folder)
    assert lockflow(house, folder, "check", "linux/amd64", "--uv", NEWEST).code == 0


def test_a_stale_lock_is_found_where_no_uv_is_named(house: House, project: Project) -> None:
    run = lockflow(house, stale(house, project("stale-lock")), "check", "linux/amd64")
    assert run.code == 1
    assert "the dependencies of simple changed: requests became requests>=2" in run.said


def test_a_source_tree_that_was_not_copied_is_found(house: House, project: Project) -> None:
    folder = locked(house, project("path-dependency-not-copied"))
    shutil.rmtree(folder / "lib")
    run = lockflow(house, folder, "check", "linux/amd64")
    assert run.code == 1
    assert "the source tree lib is not there" in run.said
    assert "put lib beside pyproject.toml" in run.said


PLATFORM_CASES = [
    ("macos-only-wheel-on-linux", "linux/amd64", "tensorflow-macos"),
    ("nccl-on-arm64", "linux/arm64", "nvidia-nccl-cu12"),
    ("tensorflow-cuda-split", "linux/arm64", "nvidia-nccl-cu12"),
    ("sdist-only-and-macos-target", "linux/amd64", "docopt"),
]


@pytest.mark.parametrize(("name", "platform", "package"), PLATFORM_CASES)
def test_a_package_without_a_wheel_is_found_on_its_platform(
    name: str, platform: str, package: str, house: House, project: Project
) -> None:
    folder = locked(house, project(name))
    run = lockflow(house, folder, "check", platform)
    assert run.code == 1
    assert package in run.said
    assert "next:" in run.said


def test_what_macos_is_assumed_decides(house: House, project: Project) -> None:
    folder = locked(house, project("sdist-only-and-macos-target"))
    own = folder / "platforms"
    own.mkdir()
    shipped = (Path(__file__).parent.parent.parent / "platforms" / "darwin.toml").read_text()
    assert "no distribution of mlx" not in lockflow(house, folder, "check", "darwin").said
    (own / "darwin.toml").write_text(shipped.replace('"14.0"', '"12.0"'))
    said = lockflow(house, folder, "check", "darwin").said
    assert "no distribution of mlx" in said
    assert 'if every machine has macOS 13.0 or newer, say macos = "13.0" in platforms/darwin.toml' in said
    (own / "darwin.toml").write_text(shipped.replace('"14.0"', '"13.0"'))
    assert "no distribution of mlx" not in lockflow(house, folder, "check", "darwin").said


# Found before a build: no engine is asked -----------------------------------------------------------------------------


def with_builder(folder: Path, version: str) -> None:
    """Pin the uv of images alone; the lock is written for the newest."""
    path = folder / "pyproject.toml"
    path.write_text(f'{path.read_text()}\n[tool.lockflow.image]\nuv = "{version}"\n')


@pytest.mark.parametrize("case", [*OLD_UVS, CONFLICTS], ids=ids)
def test_no_image_is_built_by_a_uv_that_would_refuse_the_lock(case: Case, house: House, project: Project) -> None:
    folder = project(case.name)
    with_builder(folder, case.uv)
    run = lockflow(house, locked(house, folder), "image", "linux/amd64")
    assert run.code == 1, run.said
    assert f"uv {case.uv} (the builder's)" in run.said
    assert case.says in run.said
    assert f"pin {case.since} or newer" in run.said


def test_the_uv_of_images_is_asked_about_by_a_check_too(house: House, project: Project) -> None:
    folder = project("platform-system-marker")
    with_builder(folder, "0.5.10")
    run = lockflow(house, locked(house, folder), "check", "linux/amd64")
    assert run.code == 1
    assert "uv 0.5.10 (the builder's) would refuse the lock" in run.said


def test_no_image_is_built_from_a_stale_lock(house: House, project: Project) -> None:
    run = lockflow(house, stale(house, project("stale-lock")), "image", "linux/amd64")
    assert run.code == 1
    assert "the lock does not state the project any more" in run.said


def test_no_image_is_built_without_a_source_tree(house: House, project: Project) -> None:
    folder = locked(house, project("path-dependency-not-copied"))
    shutil.rmtree(folder / "lib")
    run = lockflow(house, folder, "image", "linux/amd64")
    assert run.code == 1
    assert "the source tree lib is not there" in run.said


@pytest.mark.parametrize(("name", "platform", "package"), PLATFORM_CASES)
def test_no_image_is_built_without_a_wheel(
    name: str, platform: str, package: str, house: House, project: Project
) -> None:
    run = lockflow(house, locked(house, project(name)), "image", platform)
    assert run.code == 1, run.said
    assert package in run.said
    assert "next:" in run.said


# As real uv sees it ---------------------------------------------------------------------------------------------------

REFUSED = re.compile(r"but `--locked` was provided|missing field `version`|Ignoring existing lockfile")


@pytest.fixture
def online(house: House) -> Iterator[House]:
    """The index over HTTP, with what builds the one project that has to be built."""
    setuptools = wheel_of("setuptools", "75.6.0")
    house.carry("setuptools", setuptools.name, setuptools.read_bytes())
    with house.served():
        yield house


@pytest.mark.uv
@pytest.mark.parametrize("case", OLD_UVS, ids=ids)
def test_real_uv_refuses_and_the_advised_one_does_not(case: Case, online: House, project: Project) -> None:
    folder = locked(online, project(case.name))
    refused = real_uv(case.uv, online, folder, "sync", "--locked")
    assert refused.returncode != 0
    assert REFUSED.search(refused.stderr), refused.stderr
    taken = real_uv(case.since, online, folder, "sync", "--locked")
    assert taken.returncode == 0, taken.stderr


@pytest.mark.uv
@pytest.mark.parametrize("case", OLD_UVS, ids=ids)
def test_with_the_advised_edit_the_same_real_uv_takes_the_lock(case: Case, online: House, project: Project) -> None:
    folder = edited(online, locked(online, project(case.name)), case)
    taken = real_uv(case.uv, online, folder, "sync", "--locked")
    assert taken.returncode == 0, taken.stderr


@pytest.mark.uv
def test_real_uv_exports_both_of_what_conflicts_and_the_advised_one_does_not(online: House, project: Project) -> None:
    folder = locked(online, project(CONFLICTS.name))
    counts = []
    for version in (CONFLICTS.uv, CONFLICTS.since):
        done = real_uv(version, online, folder, "export", "--frozen", "--no-hashes", "--extra", "cpu")
        assert done.returncode == 0, done.stderr
        counts.append(len(re.findall("^numpy==", done.stdout, re.MULTILINE)))
    assert counts == [2, 1]
    taken = real_uv(CONFLICTS.since, online, folder, "sync", "--locked", "--extra", "cpu")
    assert taken.returncode == 0, taken.stderr


@pytest.mark.uv
@pytest.mark.parametrize("version", ["0.5.1", NEWEST])
def test_real_uv_takes_a_stale_lock_when_it_was_locked_again(version: str, online: House, project: Project) -> None:
    folder = stale(online, project("stale-lock"))
    assert "but `--locked` was provided" in real_uv(version, online, folder, "sync", "--locked").stderr
    locked(online, folder)
    taken = real_uv(version, online, folder, "sync", "--locked")
    assert taken.returncode == 0, taken.stderr


@pytest.mark.uv
@pytest.mark.parametrize("version", ["0.5.1", NEWEST])
def test_real_uv_takes_the_lock_when_the_source_tree_is_there(version: str, online: House, project: Project) -> None:
    folder = locked(online, project("path-dependency-not-copied"))
    (folder / "lib").rename(folder / "elsewhere")
    refused = real_uv(version, online, folder, "sync", "--locked", "--no-install-project", "--no-install-package=lib")
    assert "Distribution not found" in refused.stderr
    (folder / "elsewhere").rename(folder / "lib")
    # lib has no build system: setuptools would build it, and is not what is tested here.
    taken = real_uv(version, online, folder, "sync", "--locked", "--no-install-package=lib")
    assert taken.returncode == 0, taken.stderr


@pytest.mark.uv
@pytest.mark.parametrize(("name", "platform", "package"), PLATFORM_CASES)
def test_real_uv_installs_when_the_check_has_mended_the_project(
    name: str, platform: str, package: str, online: House, project: Project
) -> None:
    target = {"linux/amd64": "x86_64-unknown-linux-gnu", "linux/arm64": "aarch64-unknown-linux-gnu"}[platform]
    folder = locked(online, project(name))
    sync = ("sync", "--locked", "--python-platform", target)
    refused = real_uv(NEWEST, online, folder, *sync, "--no-build")
    assert refused.returncode != 0
    assert package in refused.stderr
    fixed = lockflow(online, folder, "check", platform, "--fix")
    assert fixed.code == 0, fixed.said
    # One of them is mended by allowing its build.
    flags = [] if name == "sdist-only-and-macos-target" else ["--no-build"]
    taken = real_uv(NEWEST, online, folder, *sync, *flags)
    assert taken.returncode == 0, taken.stderr


@pytest.mark.uv
def test_real_uv_installs_for_the_macos_that_is_advised_and_not_for_an_older_one(
    online: House, project: Project
) -> None:
    folder = locked(online, project("sdist-only-and-macos-target"))
    sync = ("sync", "--locked", "--dry-run", "--python-platform", "aarch64-apple-darwin")
    refused = real_uv(NEWEST, online, folder, *sync, MACOSX_DEPLOYMENT_TARGET="12.0")
    assert refused.returncode != 0
    assert "mlx" in refused.stderr
    taken = real_uv(NEWEST, online, folder, *sync, MACOSX_DEPLOYMENT_TARGET="13.0")
    assert taken.returncode == 0, taken.stderr


# Doing what is advised ------------------------------------------------------------------------------------------------


def stale(house: House, folder: Path) -> Path:
    locked(house, folder)
    path = folder / "pyproject.toml"
    path.write_text(path.read_text().replace('"requests"', '"requests>=2"'))
    return folder


def edited(house: House, folder: Path, case: Case) -> Path:
    """The project after the edit that the check prints, done by hand as a reader would, and locked again."""
    said = lockflow(house, folder, "check", "linux/amd64", "--uv", case.uv).said
    advice = [line.removeprefix("  next:").strip() for line in said.partition("  next:")[2].splitlines()]
    # The first line is to pin a newer uv; the edit follows.
    path = folder / "pyproject.toml"
    before = text = path.read_text()
    for line in advice:
        if match := re.fullmatch(r'(?:or|and) write "(.+)" for "(.+?)"(?: in the group \w+)?', line):
            assert f'"{match[2]}"' in text
            text = text.replace(f'"{match[2]}"', f'"{match[1]}"')
        if match := re.fullmatch(r"(?:or|and) take (\S+) out of \[tool\.uv\] of pyproject.toml, and lock again", line):
            text = re.sub(rf"^{match[1]} = .*\n|^\[tool\.uv\.{match[1]}\]\n(.+\n)*", "", text, flags=re.MULTILINE)
        if match := re.fullmatch(r"or write the moment that it means today, (\S+) = (.+), and lock again", line):
            text = re.sub(rf"^{match[1]} = .*$", f"{match[1]} = {match[2]}", text, flags=re.MULTILINE)
        if line == "or write the version into [project] and take it out of dynamic, and lock again":
            text = text.replace('dynamic = ["version"]', 'version = "1.0"')
            text = re.sub(r"^\[tool\.setuptools\.dynamic\]\n(version.+\n)", "", text, flags=re.MULTILINE)
    assert text != before, said
    path.write_text(text)
    return locked(house, folder)


def real_uv(
    version: str, house: House, folder: Path, *words: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    settings: Mapping[str, str] = {
        "PATH": interpreters_path(),
        "HOME": str(folder.parent),
        "UV_DEFAULT_INDEX": f"{house.origin}/simple",
        "UV_CACHE_DIR": str(folder.parent / f"cache-{version}"),
        "UV_PYTHON_DOWNLOADS": "never",
        "NO_PROXY": "127.0.0.1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    return subprocess.run(
        [str(uv_program(version)), *words],
        cwd=folder,
        env={**settings, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
