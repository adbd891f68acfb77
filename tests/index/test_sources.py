from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from lockflow.errors import AnswerIsNo, NetworkError
from lockflow.index.client import IndexClient
from lockflow.index.model import Absent, SourceMetadata
from lockflow.index.network import HttpOptions
from lockflow.index.options import Builds, ClientOptions
from lockflow.inputs.model import Group, Member, Settings, StaticMetadata, Tree
from lockflow.standards.requirements import Archive, Directory, LocalFile, Requirement, Source, parse_requirement
from lockflow.standards.versions import Version
from support.archives import core_metadata, tar_gz, wheel
from support.trees import backend_files, below, write_tree
from support.web import Reply, Web

METADATA = core_metadata("alpha", "1.0", "Requires-Dist: beta>1", "Provides-Extra: x")
WHEEL = wheel("alpha", "1.0", METADATA)
WHEEL_URL = "https://files.example/alpha-1.0-py3-none-any.whl"
PROJECT = b'[project]\nname = "alpha"\nversion = "2.0"\ndependencies = ["beta"]\n'


def no_tree(folder: Path, seen_from: Path) -> Tree | None:
    return None


def read(
    tmp_path: Path,
    source: Source,
    web: Web | None = None,
    *,
    name: str = "alpha",
    settings: Settings | None = None,
    read_tree: Callable[[Path, Path], Tree | None] = no_tree,
    static: tuple[StaticMetadata, ...] = (),
    offline: bool = False,
) -> SourceMetadata | Absent:
    builds = Builds(settings=settings or Settings(), resolve=lambda requirements, under_way: ())
    options = ClientOptions(
        root=tmp_path,
        cache_folder=tmp_path / "cache",
        offline=offline,
        http=HttpOptions(retries=0, environment={"NETRC": "/nowhere"}),
        builds=builds,
        read_tree=read_tree,
        static_metadata=static,
    )

    async def run() -> SourceMetadata | Absent:
        client = IndexClient(options, web or Web(), clock=lambda: 1_700_000_000)
        try:
            return await client.source(name, source)
        finally:
            await client.aclose()

    return asyncio.run(run())


def found(answer: SourceMetadata | Absent) -> SourceMetadata:
    assert isinstance(answer, SourceMetadata), answer
    return answer


def names(answer: SourceMetadata | Absent) -> list[str]:
    return [requirement.name for requirement in found(answer).requires_dist]


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_wheel_at_a_url_is_read_and_hashed(tmp_path: Path) -> None:
    web = Web()
    web.pages[WHEEL_URL] = Reply(200, WHEEL)
    answer = found(read(tmp_path, Archive(url=WHEEL_URL), web))
    assert answer.hash == digest(WHEEL)
    assert answer.version == Version.parse("1.0")
    assert answer.provides_extras == ("x",)
    assert names(answer) == ["beta"]


def test_archive_at_a_url_is_asked_for_again_but_not_sent_again(tmp_path: Path) -> None:
    web = Web()
    first = Reply(200, WHEEL, {"etag": '"1"', "cache-control": "no-cache"})
    web.pages[WHEEL_URL] = [first, Reply(304)]
    before = read(tmp_path, Archive(url=WHEEL_URL), web)
    assert read(tmp_path, Archive(url=WHEEL_URL), web) == before
    assert web.requests[-1].headers["if-none-match"] == '"1"'
    assert read(tmp_path, Archive(url=WHEEL_URL), web, offline=True) == before
    assert len(web.requests) == 2


def test_archive_that_was_never_fetched_is_absent_offline(tmp_path: Path) -> None:
    answer = read(tmp_path, Archive(url=WHEEL_URL), offline=True)
    assert isinstance(answer, Absent)
    assert answer.kind == "offline"


def test_url_without_an_archive_is_an_answer_and_a_broken_server_an_error(tmp_path: Path) -> None:
    with pytest.raises(AnswerIsNo, match="not where it should be"):
        read(tmp_path, Archive(url=WHEEL_URL))
    web = Web()
    web.pages[WHEEL_URL] = Reply(500)
    with pytest.raises(NetworkError):
        read(tmp_path, Archive(url=WHEEL_URL), web)


def test_archive_of_another_project_is_inconsistent(tmp_path: Path) -> None:
    (tmp_path / "gamma-1.0.tar.gz").write_bytes(
        tar_gz(below("alpha-2.0", {"PKG-INFO": b"", "pyproject.toml": PROJECT}))
    )
    answer = read(tmp_path, LocalFile(path="gamma-1.0.tar.gz"), name="gamma", settings=Settings(no_build=True))
    assert isinstance(answer, Absent)


def test_sdist_on_disk_tells_statically_what_it_can(tmp_path: Path) -> None:
    content = tar_gz(below("alpha-2.0", {"pyproject.toml": PROJECT}))
    (tmp_path / "alpha-2.0.tar.gz").write_bytes(content)
    answer = found(read(tmp_path, LocalFile(path="alpha-2.0.tar.gz")))
    assert (str(answer.version), answer.hash) == ("2.0", digest(content))


def test_project_in_a_subdirectory_of_an_archive_is_found_there(tmp_path: Path) -> None:
    files = {"pyproject.toml": b"[project]\n", "in/side/pyproject.toml": PROJECT}
    web = Web()
    web.pages["https://files.example/main.tar.gz"] = Reply(200, tar_gz(below("top", files)))
    source = Archive(url="https://files.example/main.tar.gz", subdirectory="in/side")
    assert str(found(read(tmp_path, source, web)).version) == "2.0"


def test_sdist_that_only_a_build_can_tell_of_is_built_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    more = f"def extra(settings):\n    open({str(log)!r}, 'a').write('x')\n    return []\n"
    (tmp_path / "alpha-1.0.tar.gz").write_bytes(
        tar_gz(below("alpha-1.0", backend_files(requires=("beta",), more=more)))
    )
    for _ in range(2):
        assert names(read(tmp_path, LocalFile(path="alpha-1.0.tar.gz"))) == ["beta"]
    assert log.read_text(encoding="utf-8") == "x"


def test_source_that_must_not_be_built_is_absent(tmp_path: Path) -> None:
    write_tree(tmp_path / "alpha", backend_files())
    settings = Settings(no_build_package=frozenset({"alpha"}))
    answer = read(tmp_path, Directory(path="alpha"), settings=settings)
    assert isinstance(answer, Absent)
    assert answer.kind == "build-disabled"


def test_static_metadata_spares_the_build_of_a_tree(tmp_path: Path) -> None:
    write_tree(tmp_path / "alpha", {"pyproject.toml": b"not even TOML"})
    static = (StaticMetadata(name="alpha", version=Version.parse("7")),)
    assert str(found(read(tmp_path, Directory(path="alpha"), static=static)).version) == "7"


def test_missing_file_and_missing_folder_are_answers(tmp_path: Path) -> None:
    for source in (LocalFile(path="a.whl"), Directory(path="a")):
        with pytest.raises(AnswerIsNo, match="not where it should be"):
            read(tmp_path, source)


def declared(version: str | None, *, dynamic: frozenset[str] = frozenset()) -> Callable[[Path, Path], Tree | None]:
    member = Member(
        name="alpha",
        path="alpha",
        version=None if version is None else Version.parse(version),
        install="virtual",
        requires_python=None,
        requires_dist=(parse_requirement("beta"),),
        groups=(Group(name="dev", requirements=(parse_requirement("gamma"),)),),
        dynamic=dynamic,
    )

    def lower(requirement: Requirement) -> tuple[Requirement, ...]:
        return (Requirement(name=requirement.name, source=Directory(path=requirement.name)),)

    return lambda folder, seen_from: Tree(declared=member, is_complete=not dynamic - {"version"}, lower=lower)


def test_tree_that_declares_everything_is_not_built(tmp_path: Path) -> None:
    (tmp_path / "alpha").mkdir()
    answer = found(read(tmp_path, Directory(path="alpha"), read_tree=declared("3")))
    assert (str(answer.version), answer.is_version_dynamic) == ("3", False)
    assert [group.name for group in answer.groups] == ["dev"]


def test_tree_with_a_dynamic_version_is_built_and_lowered(tmp_path: Path) -> None:
    write_tree(tmp_path / "alpha", backend_files(version="9", requires=("delta",)))
    tree = declared(None, dynamic=frozenset({"version"}))
    answer = found(read(tmp_path, Directory(path="alpha"), read_tree=tree))
    assert (str(answer.version), answer.is_version_dynamic) == ("9", True)
    assert [requirement.source for requirement in answer.requires_dist] == [Directory(path="delta")]


def test_tree_is_built_again_when_a_file_beside_its_pyproject_changes(tmp_path: Path) -> None:
    more = "def extra(settings):\n    return ['Requires-Dist: ' + Path('needs.txt').read_text()]\n"
    folder = write_tree(tmp_path / "alpha", backend_files(more=more) | {"needs.txt": b"beta"})
    assert names(read(tmp_path, Directory(path="alpha"))) == ["beta"]
    (folder / "needs.txt").write_bytes(b"delta")
    assert names(read(tmp_path, Directory(path="alpha"))) == ["delta"]


def test_tree_of_another_name_is_inconsistent(tmp_path: Path) -> None:
    (tmp_path / "alpha").mkdir()
    answer = read(tmp_path, Directory(path="alpha"), name="omega", read_tree=declared("3"))
    assert isinstance(answer, Absent)
    assert answer.kind == "inconsistent-metadata"
