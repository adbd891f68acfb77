from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from lockflow.errors import AnswerIsNo, CacheError
from lockflow.index.model import Absent, File, Listing, Metadata, Release, SourceMetadata
from lockflow.inputs.model import Index
from lockflow.resolve.drive import resolve
from lockflow.resolve.preferences import Preferences
from lockflow.resolve.resolution import Resolution
from lockflow.standards.requirements import Archive, Directory, Git, Source, parse_requirement, repository_of
from lockflow.standards.versions import Version
from support.scenario import manifest

VERSIONS = ("1.0", "2.0")


class World:
    """An index whose every package has only sdists that need a build, and sources that are answered from a table."""

    def __init__(
        self, requires: Mapping[str, tuple[str, ...]], sources: Mapping[Source, SourceMetadata] | None = None
    ) -> None:
        self.requires = requires
        self.sources = sources or {}
        self.built_files: list[str] = []
        self.asked_sources: list[Source] = []

    def listing_at_hand(self, name: str, index: Index) -> Listing | Absent | None:
        return None

    def metadata_at_hand(self, name: str, version: Version, file: File) -> Metadata | Absent | None:
        return None

    async def listing(self, name: str, index: Index) -> Listing | Absent:
        if name not in self.requires:
            return Absent(kind="not-found")
        releases = []
        for text in VERSIONS:
            filename = f"{name}-{text}.tar.gz"
            file = File(filename=filename, url=f"https://files.example/{filename}")
            releases.append(Release(Version.parse(text), 0, files=(file,)))
        return Listing(name=name, index=index.url, releases=tuple(releases))

    async def metadata(self, name: str, version: Version, file: File, index: Index) -> Metadata | Absent:
        return Absent(kind="needs-build")

    async def built(self, name: str, version: Version, file: File, index: Index) -> Metadata | Absent:
        self.built_files.append(file.filename)
        requires = tuple(map(parse_requirement, self.requires[name]))
        return Metadata(name=name, version=version, requires_dist=requires)

    async def source(self, name: str, source: Source) -> SourceMetadata | Absent:
        self.asked_sources.append(source)
        return self.sources[source]

    async def flat(self, index: Index) -> dict[str, Listing]:
        return {}

    async def aclose(self) -> None:
        pass


def solve(world: World, *dependencies: str, preferences: Preferences = Preferences()) -> Resolution:  # noqa: B008
    outcome = resolve(manifest(dependencies), preferences, lambda: world)
    assert isinstance(outcome, Resolution)
    return outcome


def found(source: Source, *requires: str, name: str = "tree") -> SourceMetadata:
    return SourceMetadata(
        name=name,
        version=Version.parse("5"),
        requires_dist=tuple(map(parse_requirement, requires)),
        source=source,
    )


def test_a_damaged_entry_of_the_cache_is_made_anew() -> None:
    class Damaged(World):
        def listing_at_hand(self, name: str, index: Index) -> Listing | Absent | None:
            raise CacheError("an entry of the cache was damaged")

    sound = World({"alpha": ()})
    worlds = iter((Damaged({}), sound))
    assert isinstance(resolve(manifest(("alpha",)), Preferences(), lambda: next(worlds)), Resolution)
    assert sound.built_files == ["alpha-2.0.tar.gz"]
    with pytest.raises(CacheError):
        resolve(manifest(("alpha",)), Preferences(), lambda: Damaged({}))


def test_only_what_the_solver_waits_for_is_built() -> None:
    world = World({"alpha": ("beta<2",), "beta": ()})
    solve(world, "alpha")
    assert world.built_files == ["alpha-2.0.tar.gz", "beta-1.0.tar.gz"]


URL = "https://files.example/tree-5.tar.gz"
OTHER = "https://files.example/other-5.tar.gz"


def test_sources_that_a_source_asks_for_are_read_beforehand() -> None:
    tree, other = Archive(url=URL), Archive(url=OTHER)
    world = World({}, {tree: found(tree, f"other @ {OTHER}"), other: found(other, name="other")})
    resolution = solve(world, f"tree @ {URL}")
    assert world.asked_sources == [tree, other]
    assert {node.name: node.source for node in resolution.nodes if node.name != "root-proj"} == {
        "tree": tree,
        "other": other,
    }


def test_package_of_an_index_cannot_name_another_source() -> None:
    with pytest.raises(AnswerIsNo, match=f"tree is asked for from {URL}"):
        solve(World({"alpha": (f"tree @ {URL}",)}), "alpha")


def test_package_of_an_index_may_name_a_source_that_the_project_names_too() -> None:
    tree = Archive(url=URL)
    world = World({"alpha": (f"tree @ {URL}",)}, {tree: found(tree)})
    assert any(node.source == tree for node in solve(world, "alpha", f"tree @ {URL}").nodes)


def test_two_sources_for_one_name_in_one_fork_are_an_answer() -> None:
    one, two = Archive(url=URL), Archive(url=OTHER)
    with pytest.raises(AnswerIsNo, match="from two places") as caught:
        solve(World({}, {one: found(one), two: found(two)}), f"tree @ {URL}", f"tree @ {OTHER}")
    assert URL in caught.value.why


def test_commit_of_an_older_lock_is_asked_for() -> None:
    source = Git(url="https://git.example/tree.git", reference_kind="rev", reference="main")
    pinned = replace(source, commit="c" * 40)
    world = World({}, {pinned: found(pinned)})
    kept = Preferences(git_commits=((repository_of(source), "c" * 40),))
    resolution = solve(world, "tree @ git+https://git.example/tree.git@main", preferences=kept)
    assert any(node.source == pinned for node in resolution.nodes)


def test_one_commit_by_two_names_is_one_source() -> None:
    url = "https://git.example/tree.git"
    by_tag = Git(url=url, reference_kind="rev", reference="v1")
    by_branch = Git(url=url, reference_kind="rev", reference="main")
    sources: dict[Source, SourceMetadata] = {
        by_tag: found(replace(by_tag, commit="c" * 40)),
        by_branch: found(replace(by_branch, commit="c" * 40)),
    }
    resolution = solve(World({}, sources), f"tree @ git+{url}@v1", f"tree @ git+{url}@main")
    assert [node.source for node in resolution.nodes if node.name == "tree"] == [replace(by_tag, commit="c" * 40)]


def test_source_tree_with_a_dynamic_version_has_none_in_the_answer() -> None:
    tree = Archive(url=URL)
    folder = Directory(path="tree")
    world = World({}, {tree: replace(found(folder), is_version_dynamic=True)})
    (node,) = [node for node in solve(world, f"tree @ {URL}").nodes if node.name == "tree"]
    assert node.version is None
