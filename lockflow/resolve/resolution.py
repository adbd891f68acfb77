"""The answer of a resolution: one graph for all platforms, with universal markers on nodes and edges."""

from __future__ import annotations

from msgspec import Struct

from lockflow.index.model import Metadata, Release
from lockflow.inputs.model import Group
from lockflow.standards.markers.universal import UniversalMarker
from lockflow.standards.requirements import Source
from lockflow.standards.versions import Version


class Node(Struct, frozen=True, kw_only=True):
    """A package, or one of its extras or groups, at one version from one source.

    `source` says where it was found: for an index `Registry(index=URL)`. `marker` says where it is reachable.
    `version` is None for a source tree whose version is dynamic.
    """

    name: str
    version: Version | None
    source: Source
    extra: str | None = None
    group: str | None = None
    marker: UniversalMarker


class Edge(Struct, frozen=True, kw_only=True):
    """`nodes[parent]` requires `nodes[child]` under `marker`. The root has the index -1."""

    parent: int
    child: int
    marker: UniversalMarker


class Distribution(Struct, frozen=True, kw_only=True):
    """What stands behind the nodes of one (name, version, source).

    `release` holds the files of an index package (None for other sources). `metadata` is None for members,
    whose declarations are in the Manifest. `hash` is `sha256:…` of a direct URL or local file. `groups` are the
    dependency groups of a source tree that is no member.
    """

    name: str
    version: Version | None
    source: Source
    release: Release | None = None
    metadata: Metadata | None = None
    hash: str | None = None
    groups: tuple[Group, ...] = ()


class Resolution(Struct, frozen=True, kw_only=True):
    """The merged graph.

    `nodes` are sorted by (name, version, source, extra, group); `edges` by (parent, child).
    `fork_markers` are in the order the forks were solved; empty where nothing forked.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    distributions: tuple[Distribution, ...]
    fork_markers: tuple[UniversalMarker, ...] = ()
