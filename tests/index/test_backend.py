from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lockflow.errors import AnswerIsNo
from lockflow.index.backend import Backend
from lockflow.index.building import SourceTree, is_python_admitted
from lockflow.index.clean import clean_environment
from lockflow.index.model import BuildPackage, File
from lockflow.index.options import Builds
from lockflow.inputs.model import Index, Settings
from lockflow.standards.requirements import Requirement
from lockflow.standards.versions import Version
from support.archives import core_metadata, tar_gz, zip_archive
from support.trees import backend_files, below, write_tree

INDEX = Index(url="https://index.example/simple")


def nothing(requirements: tuple[Requirement, ...], under_way: tuple[str, ...]) -> tuple[BuildPackage, ...]:
    raise AssertionError(requirements)


def no_download(file: File, index: Index) -> Path:
    raise AssertionError(file)


def build(
    tmp_path: Path,
    files: dict[str, bytes],
    *,
    settings: Settings | None = None,
    resolve: Callable[[tuple[Requirement, ...], tuple[str, ...]], tuple[BuildPackage, ...]] = nothing,
    download: Callable[[File, Index], Path] = no_download,
    environment: dict[str, str] | None = None,
    timeout_seconds: float = 60,
    under_way: tuple[str, ...] = (),
) -> str:
    folder = write_tree(tmp_path / "tree", files)
    builds = Builds(
        settings=settings or Settings(),
        resolve=resolve,
        environment=environment or {},
        timeout_seconds=timeout_seconds,
        under_way=under_way,
    )
    tree = SourceTree(name="alpha", label="alpha 1.0", folder=folder, where="https://files.example/alpha-1.0.tar.gz")
    return Backend(builds, download).metadata(tree).decode()


def said(name: str) -> str:
    """Code of a backend that answers with an expression's value as a keyword."""
    return f"def extra(settings):\n    return ['Keywords: ' + str({name})]\n"


def test_metadata_is_what_the_backend_of_the_tree_says(tmp_path: Path) -> None:
    text = build(tmp_path, backend_files(requires=("beta>1",)))
    assert "Requires-Dist: beta>1" in text


def test_backend_sees_no_variable_but_those_for_compiling(tmp_path: Path) -> None:
    environment = {
        "CFLAGS": "-O2",
        "UV_INDEX_PASSWORD": "secret",
        "MY_TOKEN": "secret",
        "HTTPS_PROXY": "https://user:secret@proxy.example",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(tmp_path),
    }
    text = build(tmp_path, backend_files(more=said("sorted(os.environ.items())")), environment=environment)
    assert "-O2" in text
    assert "secret" not in text
    assert "PYTHONPATH" not in text
    assert f"('HOME', '{tmp_path}')" not in text


def test_backend_runs_in_an_environment_of_its_own(tmp_path: Path) -> None:
    text = build(tmp_path, backend_files(more=said("sys.prefix") + "    import msgspec\n"))
    assert f"Keywords: {sys.prefix}" not in text


def test_without_isolation_the_environment_of_this_interpreter_is_used(tmp_path: Path) -> None:
    more = "import msgspec\n" + said("sys.prefix")
    settings = Settings(no_build_isolation_package=frozenset({"alpha"}))
    text = build(tmp_path, backend_files(more=more, build_requires=("never-installed",)), settings=settings)
    assert f"Keywords: {sys.prefix}" in text


def test_config_settings_of_the_package_come_before_those_of_all(tmp_path: Path) -> None:
    settings = Settings(
        config_settings=(("a", ("1",)), ("b", ("1",))),
        config_settings_package=(("alpha", (("b", ("2", "3")),)),),
    )
    text = build(tmp_path, backend_files(more=said("sorted(settings.items())")), settings=settings)
    assert "Keywords: [('a', '1'), ('b', ['2', '3', '1'])]" in text


def test_failing_backend_is_quoted_with_its_last_lines(tmp_path: Path) -> None:
    more = "def prepare_metadata_for_build_wheel(*args):\n    print('no \\x1b[31mcompiler')\n    raise SystemExit(3)\n"
    with pytest.raises(AnswerIsNo) as caught:
        build(tmp_path, backend_files(more=more))
    assert caught.value.what == "alpha 1.0 cannot be built"
    assert caught.value.why.splitlines()[-1] == "no compiler"
    assert "dependency-metadata" in caught.value.next


def test_module_that_a_backend_lacks_is_named_in_the_hint(tmp_path: Path) -> None:
    with pytest.raises(AnswerIsNo) as caught:
        build(tmp_path, backend_files(more="def extra(settings):\n    import torch.nn\n"))
    assert "torch" in caught.value.next
    assert "[tool.uv.extra-build-dependencies], alpha = [" in caught.value.next


def test_backend_that_cannot_be_imported_is_named(tmp_path: Path) -> None:
    files = backend_files()
    del files["backend.py"]
    with pytest.raises(AnswerIsNo, match=r"alpha 1\.0 cannot be built") as caught:
        build(tmp_path, files)
    assert "backend cannot be loaded" in caught.value.why


def test_backend_that_does_not_end_is_ended(tmp_path: Path) -> None:
    more = "def extra(settings):\n    import time\n    time.sleep(600)\n"
    with pytest.raises(AnswerIsNo) as caught:
        build(tmp_path, backend_files(more=more), timeout_seconds=1)
    assert "did not end within 1 seconds" in caught.value.why


def test_warnings_of_a_backend_are_not_raised_here(tmp_path: Path) -> None:
    more = "def extra(settings):\n    import warnings\n    warnings.warn('old')\n    return []\n"
    assert "Name: alpha" in build(tmp_path, backend_files(more=more))


@pytest.mark.parametrize(
    "pyproject",
    ["[build-system", "build-system = 1", "[build-system]\nrequires = 1", "[build-system]\nrequires = ['=']"],
)
def test_unusable_build_system_is_an_error_of_the_tree(tmp_path: Path, pyproject: str) -> None:
    with pytest.raises(AnswerIsNo, match=r"alpha 1\.0 cannot be built"):
        build(tmp_path, {"pyproject.toml": pyproject.encode()})


def test_folder_without_project_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AnswerIsNo) as caught:
        build(tmp_path, {"README": b""})
    assert "neither pyproject.toml nor setup.py" in caught.value.why


def test_tree_without_build_system_asks_for_setuptools(tmp_path: Path) -> None:
    asked: list[str] = []

    def resolve(requirements: tuple[Requirement, ...], under_way: tuple[str, ...]) -> tuple[BuildPackage, ...]:
        asked.extend(requirement.name for requirement in requirements)
        raise AnswerIsNo("enough")

    with pytest.raises(AnswerIsNo, match="build requirements of alpha"):
        build(tmp_path, {"setup.py": b""}, resolve=resolve)
    assert asked == ["setuptools"]


def helper_wheel(version: str = "1") -> bytes:
    folder = f"helper-{version}.dist-info"
    return zip_archive(
        {
            "helper.py": f"VALUE = 'helped by {version}'\n".encode(),
            f"{folder}/METADATA": core_metadata("helper", version),
            f"{folder}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{folder}/RECORD": f"helper.py,,\n{folder}/METADATA,,\n{folder}/WHEEL,,\n{folder}/RECORD,,\n".encode(),
        }
    )


def package(version: str, *names: str) -> BuildPackage:
    files = tuple(File(filename=name, url=f"https://files.example/{name}") for name in names)
    return BuildPackage(name="helper", version=Version.parse(version), index=INDEX, files=files)


def test_build_requirements_and_those_the_backend_adds_are_installed(tmp_path: Path) -> None:
    (tmp_path / "helper-1-py3-none-any.whl").write_bytes(helper_wheel())
    asked: list[list[str]] = []

    def resolve(requirements: tuple[Requirement, ...], under_way: tuple[str, ...]) -> tuple[BuildPackage, ...]:
        asked.append([requirement.name for requirement in requirements])
        return (package("1", "helper-1-cp27-none-any.whl", "helper-1-py3-none-any.whl"),) if len(asked) > 1 else ()

    more = "def get_requires_for_build_wheel(settings=None):\n    return ['helper']\n" + said(
        "__import__('helper').VALUE"
    )
    text = build(
        tmp_path,
        backend_files(more=more, build_requires=("other",)),
        resolve=resolve,
        download=lambda file, _: tmp_path / file.filename,
    )
    assert asked == [["other"], ["other", "helper"]]
    assert "Keywords: helped by 1" in text


def test_build_requirement_without_wheel_is_built_itself(tmp_path: Path) -> None:
    (tmp_path / "wheel").write_bytes(helper_wheel("2"))
    more = f"""
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    import shutil
    shutil.copyfile({str(tmp_path / "wheel")!r}, Path(wheel_directory, "helper-2-py3-none-any.whl"))
    return "helper-2-py3-none-any.whl"
"""
    files = below("helper-2", backend_files("helper", "2", more=more))
    (tmp_path / "helper-2.tar.gz").write_bytes(tar_gz(files))
    text = build(
        tmp_path,
        backend_files(more=said("__import__('helper').VALUE"), build_requires=("helper",)),
        resolve=lambda requirements, under_way: (package("2", "helper-2.tar.gz"),),
        download=lambda file, _: tmp_path / file.filename,
    )
    assert "Keywords: helped by 2" in text


def test_build_that_needs_itself_is_told_as_a_circle(tmp_path: Path) -> None:
    with pytest.raises(AnswerIsNo) as caught:
        build(tmp_path, backend_files(), under_way=("alpha 1.0", "helper 2"))
    assert caught.value.why == "alpha 1.0 needs helper 2 needs alpha 1.0"


def test_build_requirement_that_must_not_be_built_is_told(tmp_path: Path) -> None:
    with pytest.raises(AnswerIsNo) as caught:
        build(
            tmp_path,
            backend_files(build_requires=("helper",)),
            settings=Settings(no_build_package=frozenset({"helper"})),
            resolve=lambda requirements, under_way: (package("2", "helper-2.tar.gz"),),
        )
    assert "building it is switched off" in caught.value.why


def test_closed_backend_starts_no_process(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "tree", backend_files())
    backend = Backend(Builds(settings=Settings(), resolve=nothing), no_download)
    backend.close()
    with pytest.raises(AnswerIsNo, match="cannot be built"):
        backend.metadata(SourceTree(name="alpha", label="alpha", folder=folder, where=""))


def test_clean_environment_puts_the_scripts_first(tmp_path: Path) -> None:
    variables = clean_environment({"PATH": "/usr/bin", "LC_ALL": "C"}, tmp_path / "bin", tmp_path)
    assert variables["PATH"].startswith(str(tmp_path / "bin"))
    assert variables["PATH"].endswith("/usr/bin")
    assert variables["LC_ALL"] == "C"


def test_requires_python_of_a_source_is_held_against_this_interpreter() -> None:
    assert is_python_admitted(None)
    assert is_python_admitted(">=3.11")
    assert not is_python_admitted("<3")
    assert is_python_admitted("not a specifier")
