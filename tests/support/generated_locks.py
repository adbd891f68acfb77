"""Locks made by hypothesis: consistent as the reader demands, otherwise as odd as the format allows."""

from __future__ import annotations

from typing import Literal, TypeVar

from hypothesis import strategies as st

from lockflow.inputs.model import Exclusion, ForkStrategy, Group, Override, Prerelease, Resolution, Scope
from lockflow.lock.environments import covered, widen
from lockflow.lock.model import (
    Dependency,
    Lock,
    LockedCutoff,
    LockedFile,
    LockManifest,
    Options,
    Package,
    PackageMetadata,
    Recompressed,
)
from lockflow.lock.order import package_key
from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.simplify import complexify_python, simplify_python
from lockflow.standards.markers.tree import TRUE, Marker
from lockflow.standards.markers.universal import UniversalMarker
from lockflow.standards.python_range import PythonRange, python_range
from lockflow.standards.requirements import (
    Archive,
    ConflictItem,
    Directory,
    Git,
    LocalFile,
    Registry,
    Requirement,
    RequiresPython,
    Source,
)
from lockflow.standards.specifiers import Specifiers
from lockflow.standards.versions import Version

_T = TypeVar("_T")

MARKERS = (
    "",
    "python_full_version < '3.11'",
    "python_full_version >= '3.12' and sys_platform == 'linux'",
    "sys_platform != 'win32'",
    "platform_machine == 'arm64' or sys_platform == 'darwin'",
    "extra == 'extra-3-app-one'",
    "python_version < '0'",
)
NAMES = ("a", "app", "b-c", "d0", "e")
COMMIT = "0123456789abcdef0123456789abcdef01234567"

names = st.sampled_from(NAMES)
# What TOML cannot hold at all is left out: surrogates. Everything else must survive.
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
versions = st.sampled_from(("1", "1.0.1", "2.0rc1", "1!3.dev1", "4.0+local.1")).map(Version.parse)
specifiers = st.sampled_from(("", ">=1", "==2.*,!=2.5", "~=1.0", "<3,>=1.0")).map(Specifiers.parse)
markers = st.sampled_from(MARKERS).map(lambda text: parse_marker(text) if text else TRUE)
hashes = st.sampled_from((f"sha256:{'0f' * 32}", "md5:00ff"))


gits = st.builds(
    Git,
    url=st.just("https://git.example/r.git"),
    reference_kind=st.just("branch"),
    reference=texts,
    subdirectory=st.none() | texts,
    path=st.none(),
    lfs=st.booleans(),
    commit=st.just(COMMIT),
)
trees = st.builds(Directory, path=texts, install=st.sampled_from(("directory", "editable", "virtual")))
sources: st.SearchStrategy[Source] = st.one_of(
    st.builds(Registry, index=st.just("https://index.example/simple") | texts),
    gits,
    st.builds(Archive, url=texts, subdirectory=st.none() | texts),
    st.builds(LocalFile, path=texts),
    trees,
)
items = st.one_of(
    st.builds(ConflictItem, package=names, kind=st.sampled_from(("extra", "group")), name=names),
    st.builds(ConflictItem, package=names, kind=st.just("project")),
)
declared: st.SearchStrategy[Source] = st.one_of(
    st.builds(Registry, specifiers=specifiers, index=st.none() | texts, conflict=st.none() | items),
    st.builds(Git, url=st.just("https://git.example/r.git"), reference_kind=st.just("tag"), reference=texts),
    st.builds(Archive, url=texts, subdirectory=st.none() | texts),
    trees,
)
requirements = st.builds(
    Requirement, name=names, extras=st.lists(names, max_size=2).map(tuple), marker=markers, source=declared
)
requirement_lists = st.lists(requirements, max_size=3).map(tuple)
cutoffs = st.builds(LockedCutoff, timestamp=texts) | st.builds(LockedCutoff, span=texts)


def by_name(values: st.SearchStrategy[_T]) -> st.SearchStrategy[tuple[tuple[str, _T], ...]]:
    return st.dictionaries(names, values, max_size=3).map(lambda table: tuple(sorted(table.items())))


_all_groups: st.SearchStrategy[Literal["all"]] = st.just("all")
_some_groups = st.lists(names, unique=True).map(lambda groups: tuple(sorted(groups)))
default_groups: st.SearchStrategy[tuple[str, ...] | Literal["all"] | None] = st.one_of(
    st.none(), _all_groups, _some_groups
)


@st.composite
def files(draw: st.DrawFn, name: str, version: Version | None) -> LockedFile:
    filename = f"{name.replace('-', '_')}-{version or '7'}-py3-none-any.whl"
    place = draw(st.sampled_from(("url", "path", "filename")))
    zstd = draw(st.none() | st.builds(Recompressed, hash=hashes, size=st.integers(0, 9)))
    return LockedFile(
        **{place: f"https://files.example/{filename}" if place == "url" else filename},
        hash=draw(hashes),
        size=draw(st.none() | st.integers(0, 1 << 40)),
        upload_time=draw(st.none() | texts),
        zstd=zstd,
    )


@st.composite
def packages(draw: st.DrawFn, name: str, version: Version, source: Source) -> Package:
    shown = None if isinstance(source, Directory) and draw(st.booleans()) else version
    metadata = PackageMetadata(
        requires_dist=draw(requirement_lists),
        provides_extras=draw(st.lists(names, max_size=2, unique=True).map(tuple)),
        requires_dev=draw(by_name(requirement_lists)),
    )
    return Package(
        name=name,
        version=shown,
        source=source,
        default_groups=draw(default_groups),
        group_requires_python=draw(by_name(texts)),
        sdist=draw(st.none() | st.builds(LockedFile, hash=hashes, size=st.none() | st.integers(0, 9))),
        wheels=tuple(draw(st.lists(files(name, shown), max_size=2))),
        metadata=metadata if metadata != PackageMetadata() else None,
    )


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    python_text = draw(st.sampled_from((">=3.9", ">=3.9, <3.13", ">3.9.1", "==3.11.*")))
    python = python_range(python_text)
    forks = _forks(draw(st.lists(markers, max_size=3)), python)
    environment = covered(python, forks)
    identities = draw(st.lists(st.tuples(names, versions, sources), max_size=5, unique_by=repr))
    drawn = {(p.name, p.version, p.source): p for p in (draw(packages(*identity)) for identity in identities)}
    listed = sorted(drawn.values(), key=lambda p: package_key(p.name, p.version, p.source))

    def edge(target: Package, marker: Marker, extras: list[str]) -> Dependency:
        return Dependency(
            name=target.name,
            version=target.version,
            source=target.source,
            extras=tuple(sorted(extras)),
            printed=marker,
            marker=widen(marker, python, environment),
        )

    edges: st.SearchStrategy[tuple[Dependency, ...]] = st.just(())
    if listed:
        one = st.builds(edge, st.sampled_from(listed), markers, st.lists(names, max_size=2, unique=True))
        edges = st.lists(one, max_size=3, unique=True).map(tuple)
    return Lock(
        revision=draw(st.integers(0, 7)),
        requires_python=RequiresPython(text=python_text, range=python),
        fork_markers=forks,
        supported_environments=_environments(draw(st.none() | st.lists(markers, max_size=2)), python),
        required_environments=_environments(draw(st.none() | st.lists(markers, max_size=2)), python),
        conflicts=tuple(draw(st.lists(st.lists(items, min_size=1, max_size=2).map(tuple), max_size=2))),
        options=draw(
            st.builds(
                Options,
                resolution=st.sampled_from(Resolution),
                prerelease=st.sampled_from(Prerelease),
                fork_strategy=st.sampled_from(ForkStrategy),
                cutoff=st.none() | cutoffs,
                prerelease_package=by_name(st.sampled_from(Prerelease)),
                cutoff_package=by_name(st.just(False) | cutoffs),
            )
        ),
        manifest=draw(manifests),
        packages=tuple(
            Package(
                name=package.name,
                version=package.version,
                source=package.source,
                default_groups=package.default_groups,
                fork_markers=_forks(draw(st.lists(markers, max_size=1)), python),
                dependencies=draw(edges),
                optional_dependencies=draw(by_name(edges)),
                dev_dependencies=draw(by_name(edges)),
                group_requires_python=package.group_requires_python,
                sdist=package.sdist,
                wheels=package.wheels,
                metadata=package.metadata,
            )
            for package in listed
        ),
    )


scopes = st.builds(Scope, name=names, version=st.none() | versions)
manifests = st.builds(
    LockManifest,
    members=st.lists(names, max_size=3).map(tuple),
    default_groups=default_groups,
    requirements=requirement_lists,
    constraints=requirement_lists,
    overrides=st.lists(
        st.builds(Override, scope=scopes, requirements=requirement_lists)
        | st.builds(Override, requirements=requirements.map(lambda one: (one,))),
        max_size=2,
    ).map(tuple),
    exclusions=st.lists(
        st.builds(Exclusion, scope=scopes, names=st.lists(names, max_size=2).map(tuple))
        | st.builds(Exclusion, names=names.map(lambda one: (one,))),
        max_size=2,
    ).map(tuple),
    build_constraints=requirement_lists,
    groups=by_name(requirement_lists).map(
        lambda rows: tuple(Group(name=name, requirements=items) for name, items in rows)
    ),
    group_requires_python=by_name(texts),
)


def _forks(given: list[Marker], python: PythonRange) -> tuple[UniversalMarker, ...]:
    kept = [marker for marker in (simplify_python(marker, python) for marker in given) if marker is not TRUE]
    return tuple(UniversalMarker.from_marker(complexify_python(marker, python)) for marker in kept)


def _environments(given: list[Marker] | None, python: PythonRange) -> tuple[Marker, ...] | None:
    if given is None:
        return None
    kept = [marker for marker in (simplify_python(marker, python) for marker in given) if marker is not TRUE]
    return tuple(complexify_python(marker, python) for marker in kept)
