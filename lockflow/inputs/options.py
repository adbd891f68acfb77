"""One file's options (`[tool.uv]`, `uv.toml`, `[tool.lockflow]`) to a typed layer, faults noted.

Index URLs lose their credentials here, which are returned apart (RFC 3986 section 3.2.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeVar

from msgspec import Struct, field

from lockflow.inputs.durations import Clock, InvalidCutoff, parse_cutoff
from lockflow.inputs.model import (
    PREVIEWS,
    Cutoff,
    ExtraBuild,
    ForkStrategy,
    Index,
    IndexStrategy,
    Prerelease,
    Resolution,
    StaticMetadata,
)
from lockflow.inputs.paths import (
    InvalidURL,
    file_url_path,
    is_absolute,
    is_url,
    join,
    normalise,
    parse_url,
    relative,
    shown_url,
)
from lockflow.inputs.tables import Table
from lockflow.standards.names import normalize_name
from lockflow.standards.requirements import Registry, Requirement
from lockflow.standards.specifiers import InvalidSpecifier, Specifiers
from lockflow.standards.versions import InvalidVersion, Version


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RESOLVER_KEYS = _words("""
    required-version system-certs native-tls offline no-cache cache-dir preview preview-features python-preference
    python-downloads concurrent-downloads concurrent-builds concurrent-installs index index-url extra-index-url no-index
    find-links index-strategy keyring-provider http-proxy https-proxy no-proxy allow-insecure-host resolution prerelease
    prerelease-package fork-strategy dependency-metadata config-settings config-settings-package no-build-isolation
    require-build-hashes no-build-isolation-package extra-build-dependencies extra-build-variables exclude-newer
    exclude-newer-package link-mode compile-bytecode no-sources no-sources-package upgrade upgrade-package reinstall
    reinstall-package no-build no-build-package no-binary no-binary-package torch-backend python-install-mirror
    pypy-install-mirror graalpy-install-mirror pyodide-install-mirror python-downloads-json-url publish-url
    trusted-publishing check-url add-bounds audit pip cache-keys
    """)
"""Keys of `[tool.uv]` and `uv.toml` that hold for whoever runs the tool."""
ROOT_KEYS = _words("constraint-dependencies override-dependencies exclude-dependencies build-constraint-dependencies")
"""Keys that uv accepts in `uv.toml` but reads from the `pyproject.toml` of the root, or a script, only."""
PROJECT_KEYS = _words("""
    environments required-environments minimum-libc-version conflicts workspace sources managed package default-groups
    dependency-groups dev-dependencies build-backend
    """)
"""Keys of `[tool.uv]` that describe a project and may not stand in `uv.toml`."""
PIP_KEYS = _words(
    """
    python system break-system-packages target prefix index-url extra-index-url no-index find-links index-strategy
    keyring-provider no-build no-binary only-binary no-build-isolation require-build-hashes no-build-isolation-package
    extra-build-dependencies extra-build-variables strict extra all-extras no-extra no-deps group
    allow-empty-requirements resolution prerelease fork-strategy dependency-metadata output-file no-strip-extras
    no-strip-markers no-annotate no-header custom-compile-command generate-hashes config-settings
    config-settings-package python-version python-platform universal exclude-newer exclude-newer-package
    no-emit-package emit-index-url emit-find-links emit-build-options emit-marker-expression emit-index-annotation
    annotation-style link-mode compile-bytecode require-hashes verify-hashes no-sources no-sources-package upgrade
    upgrade-package reinstall reinstall-package torch-backend
    """
)
"""Keys of `[tool.uv.pip]`: without effect on a lock, but an unknown one makes uv ignore the resolver's settings."""
LOCK_KEYS = _words("""
    index index-url extra-index-url no-index find-links index-strategy resolution prerelease prerelease-package
    fork-strategy dependency-metadata exclude-newer exclude-newer-package no-sources no-sources-package no-build
    no-build-package no-binary no-binary-package config-settings config-settings-package no-build-isolation
    no-build-isolation-package extra-build-dependencies extra-build-variables preview preview-features
    """)
"""Resolver keys by which a lock differs."""

_INDEX_KEYS = _words("""
    name url default explicit format authenticate publish-url ignore-error-codes cache-control exclude-newer
    exclude-newer-package hash-algorithm
    """)
_METADATA_KEYS = _words("name version requires-dist requires-python provides-extra provides-extras")
_HASH_ALGORITHMS = ("md5", "sha256", "sha384", "sha512", "blake2b")
_PRERELEASE_MODES = (*Prerelease, "if-necessary-or-explicit")
INDEX_NAME = re.compile(r"[A-Za-z0-9._-]+")

UNKNOWN_KEY = "uv ignores all settings of the resolver in this file because of it, which gives another lock"

PackageCutoffs = dict[str, Cutoff | Literal[False]]
Credential = tuple[str, str, str]
"""URL of an index, archive or repository without credentials; user; password (empty where there is none)."""


class Place(Struct, frozen=True):
    """Where relative paths start (`folder`) and what a lock writes them relative to (`root`); both absolute."""

    folder: str
    root: str

    def as_lock_path(self, path: str) -> str:
        """A path as a lock has it: relative to its folder, unless the user gave an absolute one."""
        return normalise(path) if is_absolute(path) else relative(join(self.folder, path), self.root)


class Options(Struct, frozen=True):
    """One layer; None or empty where it is silent. `index` has what the layer lists under `index`, in its order."""

    index: tuple[Index, ...] = ()
    extra_index: tuple[Index, ...] = ()
    index_url: Index | None = None
    find_links: tuple[Index, ...] = ()
    no_index: bool | None = None
    index_strategy: IndexStrategy | None = None
    keyring_provider: Literal["disabled", "subprocess"] | None = None
    resolution: Resolution | None = None
    prerelease: Prerelease | None = None
    prerelease_package: Mapping[str, Prerelease] = field(default_factory=dict)
    fork_strategy: ForkStrategy | None = None
    cutoff: Cutoff | Literal[False] | None = None
    cutoff_package: PackageCutoffs = field(default_factory=dict)
    no_build: bool | None = None
    no_build_package: tuple[str, ...] = ()
    no_binary: bool | None = None
    no_binary_package: tuple[str, ...] = ()
    no_build_isolation: bool | None = None
    no_build_isolation_package: tuple[str, ...] = ()
    config_settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    config_settings_package: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    extra_builds: tuple[ExtraBuild, ...] = ()
    build_variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    no_sources: bool | None = None
    no_sources_package: tuple[str, ...] = ()
    static_metadata: tuple[StaticMetadata, ...] = ()
    upgrade: bool | None = None
    upgrade_package: tuple[Requirement, ...] = ()
    required_version: str | None = None
    previews: frozenset[str] | None = None
    given: tuple[str, ...] = ()
    """Names of the keys (or variables) of this layer by which a lock differs."""


def parse_options(table: Table, place: Place, clock: Clock, credentials: list[Credential]) -> Options:
    """The resolver's keys of `[tool.uv]` or of a `uv.toml`; faults are noted in the table's document."""
    metadata = table.tables("dependency-metadata")
    pip = table.table("pip")
    if pip is not None:
        pip.warn_unknown(PIP_KEYS, UNKNOWN_KEY)
    return Options(
        index=parse_indexes(table, place, clock, credentials),
        extra_index=_plain_indexes(table, "extra-index-url", place, credentials),
        index_url=_default_index(table, place, credentials),
        find_links=_plain_indexes(table, "find-links", place, credentials, is_flat=True),
        no_index=table.flag("no-index"),
        index_strategy=_enum(IndexStrategy, table.choice("index-strategy", IndexStrategy)),
        keyring_provider=_keyring(table.choice("keyring-provider", ("disabled", "subprocess"))),
        resolution=_enum(Resolution, table.choice("resolution", Resolution)),
        prerelease=_prerelease(table.choice("prerelease", _PRERELEASE_MODES)),
        prerelease_package=_prerelease_package(table),
        fork_strategy=_enum(ForkStrategy, table.choice("fork-strategy", ForkStrategy)),
        cutoff=_cutoff(table, "exclude-newer", clock),
        cutoff_package=_cutoff_package(table, clock),
        no_build=table.flag("no-build"),
        no_build_package=table.names("no-build-package") or (),
        no_binary=table.flag("no-binary"),
        no_binary_package=table.names("no-binary-package") or (),
        no_build_isolation=table.flag("no-build-isolation"),
        no_build_isolation_package=table.names("no-build-isolation-package") or (),
        config_settings=_config_settings(table.table("config-settings")),
        config_settings_package=_config_settings_package(table.table("config-settings-package")),
        extra_builds=_extra_builds(table.table("extra-build-dependencies")),
        build_variables=_build_variables(table.table("extra-build-variables")),
        no_sources=table.flag("no-sources"),
        no_sources_package=table.names("no-sources-package") or (),
        static_metadata=tuple(entry for entry in map(_static_metadata, metadata) if entry is not None),
        upgrade=table.flag("upgrade"),
        upgrade_package=tuple(table.requirements("upgrade-package") or ()),
        required_version=_required_version(table),
        previews=_previews(table),
        given=tuple(key for key in table.values if key in LOCK_KEYS),
    )


def parse_uv_toml(table: Table, place: Place, clock: Clock, credentials: list[Credential]) -> Options:
    """A whole `uv.toml`."""
    table.warn_unknown(RESOLVER_KEYS | ROOT_KEYS | PROJECT_KEYS, "and uv refuses the file because of it")
    for key in table.values:
        if key in PROJECT_KEYS:
            table.fault(key, f"{key} cannot stand in a uv.toml", next="move it to [tool.uv] of pyproject.toml")
        elif key in ROOT_KEYS:
            table.warn(key, f"{key} has no effect on a lock here; move it to [tool.uv] of pyproject.toml")
    return parse_options(table, place, clock, credentials)


def parse_indexes(table: Table, place: Place, clock: Clock, credentials: list[Credential]) -> tuple[Index, ...]:
    """`[[index]]`: names are unique and at most one entry is the default."""
    found: list[Index] = []
    for entry in table.tables("index"):
        index = _index(entry, place, clock, credentials)
        if index is None:
            continue
        if index.name is not None and any(index.name == other.name for other in found):
            entry.fault("name", f"two indexes are named {index.name!r}", next="give each index a name of its own")
        if index.is_default and any(other.is_default for other in found):
            entry.fault("default", "two indexes are the default", next="keep default = true on one of them")
        found.append(index)
    return tuple(found)


def _index(table: Table, place: Place, clock: Clock, credentials: list[Credential]) -> Index | None:
    table.warn_unknown(_INDEX_KEYS)
    url = table.text("url")
    if url is None:
        if "url" not in table:
            table.fault("url", "an index has no url", next='add url = "..."')
        return None
    name = table.text("name")
    if name is not None and not INDEX_NAME.fullmatch(name):
        why = "only letters, digits, '-', '_' and '.' may stand in it"
        table.fault("name", f"{name!r} cannot name an index", needle=name, why=why)
        name = None
    is_explicit = table.flag("explicit") or False
    if is_explicit and name is None and "name" not in table:
        table.fault("explicit", "an explicit index has no name", why="sources refer to it by name", next="add a name")
    address = index_address(url, place, credentials)
    if address is None:
        table.fault("url", f"{shown_url(url)} is not the URL of an index", next="write it like https://host/simple")
        return None
    authenticate = table.choice("authenticate", ("auto", "always", "never"))
    return Index(
        url=address,
        name=name,
        is_default=table.flag("default") or False,
        is_explicit=is_explicit,
        is_flat=table.choice("format", ("simple", "flat")) == "flat",
        authenticate="always" if authenticate == "always" else "never" if authenticate == "never" else "auto",
        ignore_error_codes=_codes(table),
        cutoff=_cutoff(table, "exclude-newer", clock),
        cutoff_package=tuple(sorted(_cutoff_package(table, clock).items(), key=lambda item: item[0])),
        hash_algorithm=table.choice("hash-algorithm", _HASH_ALGORITHMS),
    )


def _codes(table: Table) -> tuple[int, ...]:
    codes = table.array("ignore-error-codes") or []
    for code in codes:
        if type(code) is not int or not 100 <= code <= 999:
            table.fault("ignore-error-codes", f"{code!r} is not an HTTP status")
    return tuple(code for code in codes if type(code) is int)


def index_address(text: str, place: Place, credentials: list[Credential]) -> str | None:
    """The URL or lock path of an index; None where it is malformed."""
    text = text.strip()
    if not text:
        return None
    if text.startswith("file:"):
        return file_url_path(text)
    if not is_url(text):
        return place.as_lock_path(text)
    try:
        address = parse_url(text)
    except InvalidURL:
        return None
    if address.user is not None or address.password is not None:
        credentials.append((address.url, address.user or "", address.password or ""))
    return address.url


def _plain_indexes(
    table: Table, key: str, place: Place, credentials: list[Credential], *, is_flat: bool = False
) -> tuple[Index, ...]:
    found = []
    for number, text in enumerate(table.texts(key) or ()):
        address = index_address(text, place, credentials)
        if address is None:
            table.fault(f"{key}[{number}]", f"{shown_url(text)} is not a URL or path")
        else:
            found.append(Index(url=address, is_flat=is_flat))
    return tuple(found)


def _default_index(table: Table, place: Place, credentials: list[Credential]) -> Index | None:
    text = table.text("index-url")
    if text is None:
        return None
    address = index_address(text, place, credentials)
    if address is None:
        table.fault("index-url", f"{shown_url(text)} is not a URL or path")
        return None
    return Index(url=address, is_default=True)


EnumType = TypeVar("EnumType", Resolution, ForkStrategy, IndexStrategy)


def _enum(kind: type[EnumType], text: str | None) -> EnumType | None:
    return None if text is None else kind(text)


def _keyring(text: str | None) -> Literal["disabled", "subprocess"] | None:
    return None if text is None else "subprocess" if text == "subprocess" else "disabled"


def _prerelease(text: str | None) -> Prerelease | None:
    # The longer spelling is an old name of the same mode.
    return None if text is None else Prerelease(text.removesuffix("-or-explicit"))


def _prerelease_package(table: Table) -> dict[str, Prerelease]:
    modes = table.table("prerelease-package")
    found = {}
    for name in modes.values if modes is not None else ():
        assert modes is not None
        mode = _prerelease(modes.choice(name, _PRERELEASE_MODES))
        if modes.is_name(name, name) and mode is not None:
            found[normalize_name(name)] = mode
    return found


def _cutoff(table: Table, key: str, clock: Clock) -> Cutoff | Literal[False] | None:
    value = table.values.get(key)
    if value is None or value is False:
        return None if value is None else False
    if not table.is_text(key, value):
        return None
    try:
        return parse_cutoff(value, clock)
    except InvalidCutoff as error:
        table.fault(key, f"{key} cannot be {value!r}", needle=f'"{value}"', why=str(error))
        return None


def _cutoff_package(table: Table, clock: Clock) -> PackageCutoffs:
    cutoffs = table.table("exclude-newer-package")
    found: PackageCutoffs = {}
    for name in cutoffs.values if cutoffs is not None else ():
        assert cutoffs is not None
        cutoff = _cutoff(cutoffs, name, clock)
        if cutoffs.is_name(name, name) and cutoff is not None:
            found[normalize_name(name)] = cutoff
    return found


def _config_settings(table: Table | None) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for key, value in table.values.items() if table is not None else ():
        assert table is not None
        if isinstance(value, list):
            found[key] = table.texts(key) or ()
        elif isinstance(value, bool):
            found[key] = ("true" if value else "false",)
        elif table.is_text(key, value):
            found[key] = (value,)
    return found


def _config_settings_package(table: Table | None) -> dict[str, Mapping[str, tuple[str, ...]]]:
    if table is None:
        return {}
    return {normalize_name(key): _config_settings(table.table(key)) for key in table.values if table.is_name(key, key)}


def _extra_builds(table: Table | None) -> tuple[ExtraBuild, ...]:
    found: list[ExtraBuild] = []
    for name in table.values if table is not None else ():
        assert table is not None
        if not table.is_name(name, name):
            continue
        for number, value in enumerate(table.array(name) or ()):
            entry = _extra_build(table, f"{name}[{number}]", value)
            if entry is not None:
                requirement, matches_runtime = entry
                found.append(
                    ExtraBuild(package=normalize_name(name), requirement=requirement, matches_runtime=matches_runtime)
                )
    return tuple(found)


def _extra_build(table: Table, key: str, value: object) -> tuple[Requirement, bool] | None:
    """A requirement, or a table of it and whether the version is the locked one."""
    matches_runtime = False
    if isinstance(value, dict):
        entry = Table(table.document, f"{table.name}.{key}", value)
        entry.warn_unknown(("requirement", "match-runtime"))
        matches_runtime = entry.flag("match-runtime") or False
        value = entry.text("requirement")
        for needed in ("requirement", "match-runtime"):
            if needed not in entry:
                entry.fault(needed, f"an entry of extra-build-dependencies has no {needed}")
        if value is None:
            return None
    if not table.is_text(key, value):
        return None
    requirement = table.requirement(key, str(value))
    if requirement is None:
        return None
    if matches_runtime and not (isinstance(requirement.source, Registry) and requirement.source.specifiers.is_empty):
        what = f"{key} cannot name a version and match the one at run time"
        table.fault(key, what, next="keep the name alone, or remove match-runtime")
    return requirement, matches_runtime


def _build_variables(table: Table | None) -> dict[str, Mapping[str, str]]:
    found: dict[str, Mapping[str, str]] = {}
    for name in table.values if table is not None else ():
        assert table is not None
        variables = table.table(name)
        if table.is_name(name, name) and variables is not None:
            found[normalize_name(name)] = {
                key: value for key, value in variables.values.items() if variables.is_text(key, value)
            }
    return found


def _static_metadata(table: Table) -> StaticMetadata | None:
    table.warn_unknown(_METADATA_KEYS, UNKNOWN_KEY)
    name = table.text("name")
    if name is None:
        if "name" not in table:
            table.fault("name", "an entry of dependency-metadata has no name")
        return None
    version = version_of(table, "version")
    requires_python = table.text("requires-python")
    if requires_python is not None:
        try:
            requires_python = ", ".join(map(str, Specifiers.parse(requires_python).clauses))
        except InvalidSpecifier as error:
            table.fault("requires-python", f"requires-python cannot be {requires_python!r}", why=str(error))
    if not table.is_name("name", name):
        return None
    extras = table.names("provides-extras" if "provides-extras" in table else "provides-extra")
    return StaticMetadata(
        name=normalize_name(name),
        version=version,
        requires_dist=tuple(table.requirements("requires-dist") or ()),
        requires_python=requires_python,
        provides_extras=extras or (),
    )


def version_of(table: Table, key: str) -> Version | None:
    text = table.text(key)
    if text is None:
        return None
    try:
        return Version.parse(text)
    except InvalidVersion as error:
        table.fault(key, f"{key} cannot be {text!r}", needle=text, why=str(error))
        return None


def _required_version(table: Table) -> str | None:
    text = table.text("required-version")
    if text is None:
        return None
    try:
        return str(Specifiers.parse(text if not text[:1].isdigit() else f"=={text}"))
    except InvalidSpecifier as error:
        table.fault("required-version", f"required-version cannot be {text!r}", needle=text, why=str(error))
        return None


def _previews(table: Table) -> frozenset[str] | None:
    """The features that are on, all of them by `preview = true` or `preview-features = true`; unknown ones are none."""
    if "preview" in table and "preview-features" in table:
        table.fault("preview", "preview cannot stand beside preview-features", next="keep preview-features")
    key = "preview" if "preview" in table else "preview-features"
    if isinstance(table.values.get(key), bool) or key == "preview":
        is_on = table.flag(key)
        return None if is_on is None else PREVIEWS if is_on else frozenset()
    features = table.texts(key)
    return None if features is None else PREVIEWS & frozenset(features)
