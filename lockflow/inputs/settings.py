"""Layers of options (flags and variables, project, user, system) to the one Settings that a lock depends on.

The meaning is uv's: single values of an earlier layer win, lists are appended, tables merged by key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from lockflow.inputs.lockflow_options import LockflowOptions
from lockflow.inputs.model import (
    ForkStrategy,
    ImageSettings,
    Index,
    IndexStrategy,
    Prerelease,
    Resolution,
    Settings,
)
from lockflow.inputs.options import Credential, Options
from lockflow.standards.specifiers import Specifiers
from lockflow.standards.versions import Version

NEWEST_UV = "0.13.8"
"""The newest uv release whose locks are known here byte for byte."""

Value = TypeVar("Value")


def merge(
    layers: Sequence[Options], lockflow: LockflowOptions, default_index: str, *, other_indexes: Sequence[Index] = ()
) -> Settings:
    """Join the layers, the strongest first, into Settings.

    `default_index` is consulted last where no layer names a default; `other_indexes` are those that only sources
    refer to (of members, or hidden by a `uv.toml`).
    """
    cutoff = next((layer.cutoff for layer in layers if layer.cutoff is not None), None)
    return Settings(
        indexes=_all_indexes(layers, default_index, other_indexes),
        find_links=tuple(index for layer in layers for index in layer.find_links),
        index_strategy=_first((layer.index_strategy for layer in layers), IndexStrategy.FIRST_INDEX),
        resolution=_first((layer.resolution for layer in layers), Resolution.HIGHEST),
        prerelease=_first((layer.prerelease for layer in layers), Prerelease.IF_NECESSARY),
        prerelease_package=_by_key([layer.prerelease_package for layer in layers]),
        fork_strategy=_first((layer.fork_strategy for layer in layers), ForkStrategy.REQUIRES_PYTHON),
        cutoff=None if cutoff is False else cutoff,
        cutoff_package=_by_key([layer.cutoff_package for layer in layers]),
        no_build=_first((layer.no_build for layer in layers), False),
        no_build_package=_names(layer.no_build_package for layer in layers),
        no_binary=_first((layer.no_binary for layer in layers), False),
        no_binary_package=_names(layer.no_binary_package for layer in layers),
        no_build_isolation=_first((layer.no_build_isolation for layer in layers), False),
        no_build_isolation_package=_names(layer.no_build_isolation_package for layer in layers),
        config_settings=_by_key([layer.config_settings for layer in layers]),
        config_settings_package=_settings_by_package(layers),
        build_variables=_variables_by_package(layers),
        keyring_provider=_first((layer.keyring_provider for layer in layers), "disabled"),
        previews=_first((layer.previews for layer in layers), frozenset[str]()),
        uv=lockflow.uv or _pinned_uv(layers),
        python_versions=lockflow.python_versions or (),
        platforms=Settings().platforms if lockflow.platforms is None else lockflow.platforms,
        allow_sdist=frozenset(lockflow.allow_sdist or ()),
        require_wheels=lockflow.require_wheels or "no",
        executor=lockflow.executor or "process",
        level=lockflow.level,
        modules=lockflow.modules or (),
        engines=lockflow.engines or (),
        image=lockflow.image or ImageSettings(),
    )


def _first(values: Any, default: Value) -> Value:  # noqa: ANN401  an iterable of optional values
    found: Value = next((value for value in values if value is not None), default)
    return found


def _names(lists: Any) -> frozenset[str]:  # noqa: ANN401  an iterable of tuples of names
    return frozenset(name for names in lists for name in names)


def _by_key(tables: Sequence[Mapping[str, Value]]) -> tuple[tuple[str, Value], ...]:
    merged: dict[str, Value] = {}
    for table in tables:
        for key, value in table.items():
            merged.setdefault(key, value)
    return tuple((key, merged[key]) for key in sorted(merged))


def _settings_by_package(
    layers: Sequence[Options],
) -> tuple[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], ...]:
    names = sorted({name for layer in layers for name in layer.config_settings_package})
    return tuple((name, _by_key([layer.config_settings_package.get(name, {}) for layer in layers])) for name in names)


def _variables_by_package(layers: Sequence[Options]) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    names = sorted({name for layer in layers for name in layer.build_variables})
    return tuple((name, _by_key([layer.build_variables.get(name, {}) for layer in layers])) for name in names)


def _all_indexes(layers: Sequence[Options], default_index: str, others: Sequence[Index]) -> tuple[Index, ...]:
    if _first((layer.no_index for layer in layers), False):
        return ()
    listed = [index for layer in layers for index in layer.index]
    listed += [index for layer in layers for index in layer.extra_index]
    listed += [layer.index_url for layer in layers if layer.index_url is not None][:1]
    names: set[str] = set()
    unique = []
    for index in listed:
        if index.name is None or index.name not in names:
            unique.append(index)
        if index.name is not None:
            names.add(index.name)
    default = next((index for index in unique if index.is_default), None)
    if default is None:
        default = Index(url=default_index, is_default=True)
    consulted = [index for index in unique if not index.is_default]
    urls = {index.url for index in (*consulted, default)}
    for index in others:
        if index.url not in urls:
            urls.add(index.url)
            consulted.append(_as_explicit(index))
    return (*consulted, default)


def _as_explicit(index: Index) -> Index:
    """The index as one that only sources may name."""
    return Index(
        url=index.url,
        name=index.name,
        is_explicit=True,
        is_flat=index.is_flat,
        authenticate=index.authenticate,
        ignore_error_codes=index.ignore_error_codes,
        cutoff=index.cutoff,
        cutoff_package=index.cutoff_package,
        hash_algorithm=index.hash_algorithm,
    )


def _pinned_uv(layers: Sequence[Options]) -> str | None:
    """The release that `required-version` pins, if it pins one."""
    text = _first((layer.required_version for layer in layers), "")
    pinned = Specifiers.parse(text).pinned
    return None if pinned is None else pinned.text


def unusable_required_version(layers: Sequence[Options]) -> str | None:
    """`required-version` where it neither pins a release nor admits the newest whose format is known."""
    specifiers = Specifiers.parse(_first((layer.required_version for layer in layers), ""))
    if specifiers.pinned is not None or specifiers.range.contains(Version.parse(NEWEST_UV)):
        return None
    return str(specifiers)


def index_credentials(indexes: Sequence[Index], environment: Mapping[str, str]) -> list[Credential]:
    """What `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD` say about the named indexes."""
    found = []
    for index in indexes:
        if index.name is None or index.authenticate == "never":
            continue
        name = re.sub(r"[^A-Z0-9]", "_", index.name.upper())
        user = environment.get(f"UV_INDEX_{name}_USERNAME")
        password = environment.get(f"UV_INDEX_{name}_PASSWORD")
        if user or password:
            found.append((index.url, user or "", password or ""))
    return found
