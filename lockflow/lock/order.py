"""The orders in which a lock states packages, edges, requirements and files (uv.lock, version 1)."""

from __future__ import annotations

from typing import Any

from lockflow.inputs.model import Exclusion, Override, Scope, StaticMetadata
from lockflow.standards.markers.tree import order_key
from lockflow.standards.requirements import (
    Archive,
    ConflictItem,
    Directory,
    Git,
    LocalFile,
    Registry,
    Requirement,
    Source,
)
from lockflow.standards.versions import Key, Version

OrderKey = tuple[Any, ...]

_INSTALLS = {"directory": 4, "editable": 5, "virtual": 6}
_REFERENCES = {"tag": 0, "branch": 1, "rev": 2, None: 3}


def package_key(name: str, version: Version | None, source: Source) -> OrderKey:
    """Order of packages, and of the targets of edges: name, version (none first), source."""
    return (name, _version_key(version), source_key(source))


def _version_key(version: Version | None) -> Key:
    return () if version is None else version.key


def source_key(source: Source) -> OrderKey:
    """Order of packages of one name and version by where they come from."""
    match source:
        case Registry(index=index):
            text = index or ""
            return (0, not is_url(text), text)
        case Git():
            return (1, *_git_key(source))
        case Archive(url=url, subdirectory=subdirectory):
            return (2, url, subdirectory or "")
        case LocalFile(path=path):
            return (3, path)
        case Directory(path=path, install=install):
            return (_INSTALLS[install], path)


def _git_key(git: Git) -> OrderKey:
    reference = (_REFERENCES[git.reference_kind], git.reference or "")
    return (git.url, git.commit or "", git.subdirectory or "", git.path or "", *reference, git.lfs)


def is_url(registry: str) -> bool:
    """Whether the text of a registry is a URL; a scheme of one letter is a Windows drive."""
    scheme, separator, _ = registry.partition("://")
    return bool(separator) and len(scheme) > 1


def requirement_key(requirement: Requirement) -> OrderKey:
    """Order of declared requirements: name, extras as declared, groups, marker, source."""
    return (
        requirement.name,
        requirement.extras,
        requirement.groups,
        order_key(requirement.marker),
        _declared_source_key(requirement.source),
    )


def _declared_source_key(source: Source) -> OrderKey:
    match source:
        case Registry(specifiers=specifiers, index=index, conflict=conflict):
            return (0, specifiers.order_key, index or "", () if conflict is None else conflict_key(conflict))
        case Archive(url=url, subdirectory=subdirectory):
            return (1, url, subdirectory or "")
        case Git():
            return (2 if source.path is None else 3, *_git_key(source))
        case LocalFile(path=path):
            return (4, path)
        case Directory(path=path, install=install):
            return (5, path, _INSTALLS[install])


_KINDS = {"extra": 0, "group": 1, "project": 2}


def conflict_key(item: ConflictItem) -> OrderKey:
    """Order of conflicting items: package, then extras before groups before the whole package, then name."""
    return (item.package, _KINDS[item.kind], item.name or "")


def _scope_key(scope: Scope | None) -> OrderKey:
    return (1, "", ()) if scope is None else (0, scope.name, _version_key(scope.version))


def override_key(override: Override) -> OrderKey:
    """Order of overrides: those of one parent before the global ones."""
    return (*_scope_key(override.scope), tuple(map(requirement_key, override.requirements)))


def exclusion_key(exclusion: Exclusion) -> OrderKey:
    """Order of exclusions: those of one parent before the global ones."""
    return (*_scope_key(exclusion.scope), exclusion.names)


def static_metadata_key(metadata: StaticMetadata) -> OrderKey:
    """Order of `dependency-metadata`: name, version (none first), the rest."""
    return (
        metadata.name,
        _version_key(metadata.version),
        tuple(map(requirement_key, metadata.requires_dist)),
        metadata.requires_python or "",
        metadata.provides_extras,
    )
