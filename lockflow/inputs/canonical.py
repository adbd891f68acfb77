"""The Manifest to one canonical text that changes exactly when a lock may: a file for the task graph, and digest input.

A relative cut-off appears as its span only, since its moment differs at every reading; platforms to check and
credentials do not appear, since no lock depends on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from lockflow.inputs.model import (
    Cutoff,
    Exclusion,
    ExtraBuild,
    Group,
    Index,
    Manifest,
    Member,
    Override,
    Settings,
    StaticMetadata,
)
from lockflow.inputs.model import Scope as ParentScope
from lockflow.standards.markers.render import render
from lockflow.standards.markers.tree import Marker
from lockflow.standards.requirements import Archive, Directory, Git, LocalFile, Registry, Requirement, Source

_VERSION = 1
"""Of the form below; a change of it makes every stored text differ, so that work is done again."""


def canonical_inputs(manifest: Manifest, local_sources: Sequence[tuple[str, str]] = ()) -> bytes:
    """JSON with a fixed order of keys, absent where empty; the order of lists is the declared one.

    `local_sources` are files of this machine that the manifest leads to, with their digests.
    """
    document = _compact(
        {
            "form": _VERSION,
            "script": manifest.is_script,
            "project-root": manifest.has_project_root,
            "requires-python": manifest.requires_python.text,
            "members": [_member(member) for member in manifest.members],
            "requirements": _requirements(manifest.requirements),
            "groups": [_group(group) for group in manifest.groups],
            "default-groups": _default_groups(manifest.default_groups),
            "constraints": _requirements(manifest.constraints),
            "overrides": [_override(override) for override in manifest.overrides],
            "exclusions": [_exclusion(exclusion) for exclusion in manifest.exclusions],
            "build-constraints": _requirements(manifest.build_constraints),
            "extra-builds": [_extra_build(entry) for entry in manifest.extra_builds],
            "static-metadata": [_static_metadata(entry) for entry in manifest.static_metadata],
            "environments": _markers(manifest.environments),
            "required-environments": _markers(manifest.required_environments),
            "conflicts": [
                [_compact({"package": item.package, item.kind: item.name or True}) for item in items]
                for items in manifest.conflicts
            ],
            "settings": _settings(manifest.settings),
            "local-sources": dict(local_sources),
        }
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _compact(values: dict[str, Any]) -> dict[str, Any]:
    """Without what says nothing: None, False, empty lists and tables. Version 0 and empty text do say something."""
    return {
        key: value
        for key, value in values.items()
        if value is not None and value is not False and value not in ([], {})
    }


def _member(member: Member) -> dict[str, Any]:
    return _compact(
        {
            "name": member.name,
            "path": member.path,
            "install": member.install,
            "version": None if member.version is None else member.version.text,
            "requires-python": None if member.requires_python is None else member.requires_python.text,
            "requires-dist": _requirements(member.requires_dist),
            "provides-extras": list(member.provides_extras),
            "groups": [_group(group) for group in member.groups],
            "default-groups": _default_groups(member.default_groups),
            "dynamic": sorted(member.dynamic),
        }
    )


def _default_groups(groups: tuple[str, ...] | str | None) -> dict[str, Any] | None:
    # In a table of its own, since an empty list differs from none and would be left out.
    return None if groups is None else {"are": groups if isinstance(groups, str) else list(groups)}


def _group(group: Group) -> dict[str, Any]:
    return _compact(
        {
            "name": group.name,
            "requires-python": group.requires_python,
            "requirements": _requirements(group.requirements),
        }
    )


def _requirements(requirements: Sequence[Requirement]) -> list[dict[str, Any]]:
    return [_requirement(requirement) for requirement in requirements]


def _requirement(requirement: Requirement) -> dict[str, Any]:
    return _compact(
        {
            "name": requirement.name,
            "extras": list(requirement.extras),
            "groups": list(requirement.groups),
            "marker": render(requirement.marker),
            **_source(requirement.source),
        }
    )


def _source(source: Source) -> dict[str, Any]:
    match source:
        case Registry():
            conflict = source.conflict
            return {
                "specifier": str(source.specifiers) or None,
                "index": source.index,
                "conflict": None if conflict is None else [conflict.package, conflict.kind, conflict.name],
            }
        case Git():
            return {
                "git": source.url,
                "reference": None if source.reference_kind is None else [source.reference_kind, source.reference],
                "subdirectory": source.subdirectory,
                "archive": source.path,
                "lfs": source.lfs,
                "commit": source.commit,
            }
        case Archive():
            return {"url": source.url, "subdirectory": source.subdirectory}
        case LocalFile():
            return {"path": source.path}
        case Directory():
            return {source.install: source.path}


def _scope(scope: ParentScope | None) -> list[str | None] | None:
    return None if scope is None else [scope.name, None if scope.version is None else scope.version.text]


def _override(override: Override) -> dict[str, Any]:
    return _compact({"scope": _scope(override.scope), "requirements": _requirements(override.requirements)})


def _exclusion(exclusion: Exclusion) -> dict[str, Any]:
    return _compact({"scope": _scope(exclusion.scope), "names": list(exclusion.names)})


def _extra_build(entry: ExtraBuild) -> dict[str, Any]:
    return _compact(
        {
            "package": entry.package,
            "requirement": _requirement(entry.requirement),
            "match-runtime": entry.matches_runtime,
        }
    )


def _static_metadata(entry: StaticMetadata) -> dict[str, Any]:
    return _compact(
        {
            "name": entry.name,
            "version": None if entry.version is None else entry.version.text,
            "requires-dist": _requirements(entry.requires_dist),
            "requires-python": entry.requires_python,
            "provides-extras": list(entry.provides_extras),
        }
    )


def _markers(markers: tuple[Marker, ...] | None) -> list[str | None] | None:
    return None if markers is None else [render(marker) for marker in markers]


def _wheels(settings: Settings) -> dict[str, Any]:
    """What says for which platforms versions must have wheels; nothing where none must."""
    if settings.require_wheels == "no":
        return {}
    return {
        "require-wheels": settings.require_wheels,
        "platforms": list(settings.platforms),
        "python-versions": list(settings.python_versions),
        "allow-sdist": sorted(settings.allow_sdist),
    }


def _settings(settings: Settings) -> dict[str, Any]:
    return _compact(
        {
            "indexes": [_index(index) for index in settings.indexes],
            "find-links": [_index(index) for index in settings.find_links],
            "index-strategy": settings.index_strategy.value,
            "resolution": settings.resolution.value,
            **_wheels(settings),
            "prerelease": settings.prerelease.value,
            "prerelease-package": {name: mode.value for name, mode in settings.prerelease_package},
            "fork-strategy": settings.fork_strategy.value,
            "exclude-newer": _cutoff(settings.cutoff),
            "exclude-newer-package": {name: _cutoff(cutoff) for name, cutoff in settings.cutoff_package},
            "no-build": settings.no_build,
            "no-build-package": sorted(settings.no_build_package),
            "no-binary": settings.no_binary,
            "no-binary-package": sorted(settings.no_binary_package),
            "no-build-isolation": settings.no_build_isolation,
            "no-build-isolation-package": sorted(settings.no_build_isolation_package),
            "config-settings": {key: list(values) for key, values in settings.config_settings},
            "config-settings-package": {
                name: {key: list(values) for key, values in items} for name, items in settings.config_settings_package
            },
            "build-variables": {name: dict(variables) for name, variables in settings.build_variables},
            "previews": sorted(settings.previews),
            "uv": settings.uv,
        }
    )


def _index(index: Index) -> dict[str, Any]:
    return _compact(
        {
            "url": index.url,
            "name": index.name,
            "default": index.is_default,
            "explicit": index.is_explicit,
            "flat": index.is_flat,
            "ignore-error-codes": list(index.ignore_error_codes),
            "exclude-newer": _cutoff(index.cutoff),
            "exclude-newer-package": {name: _cutoff(cutoff) for name, cutoff in index.cutoff_package},
            "hash-algorithm": index.hash_algorithm,
        }
    )


def _cutoff(cutoff: Cutoff | Literal[False] | None) -> str | int | None:
    if cutoff is None or cutoff is False:
        return None if cutoff is None else "off"
    return cutoff.timestamp_ns if cutoff.span is None else cutoff.span
