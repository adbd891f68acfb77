"""Layers of options (flags, variables, project, user, system) to the one Settings that a lock depends on.

The meaning of every key is uv's: single values of an earlier layer win, lists are appended, tables merged by key.
Index URLs lose their credentials here, which are returned apart (RFC 3986 section 3.2.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from lockflow.inputs.durations import Clock, InvalidCutoff, parse_cutoff
from lockflow.inputs.model import (
    Cutoff,
    ForkStrategy,
    Index,
    IndexStrategy,
    Prerelease,
    Resolution,
    Settings,
    SettingsOverrides,
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
)
from lockflow.inputs.tables import Document, Faults, Table
from lockflow.standards.names import normalize_name
from lockflow.standards.requirements import Requirement
from lockflow.standards.versions import InvalidSpecifier, InvalidVersion, Specifiers, Version


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
    no-build-isolation-package
    """)
"""Resolver keys by which a lock differs."""

_INDEX_KEYS = _words("""
    name url default explicit format authenticate publish-url ignore-error-codes cache-control exclude-newer
    exclude-newer-package hash-algorithm
    """)
_METADATA_KEYS = _words("name version requires-dist requires-python provides-extra provides-extras")
_LOCKFLOW_KEYS = _words("uv platforms python-versions allow-sdist")
_HASH_ALGORITHMS = ("md5", "sha256", "sha384", "sha512", "blake2b")
_PRERELEASE_MODES = (*Prerelease, "if-necessary-or-explicit")
_INDEX_NAME = re.compile(r"[A-Za-z0-9._-]+")
_MINOR = re.compile(r"[23]\.(?:0|[1-9][0-9]?)")
_TRUE = frozenset(("y", "yes", "t", "true", "on", "1"))
_FALSE = frozenset(("n", "no", "f", "false", "off", "0"))

UNKNOWN_KEY = "uv ignores all settings of the resolver in this file because of it, which gives another lock"

NEWEST_UV = "0.13.8"
"""The newest uv release whose locks are known here byte for byte."""

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
    no_sources: bool | None = None
    no_sources_package: tuple[str, ...] = ()
    static_metadata: tuple[StaticMetadata, ...] = ()
    upgrade: bool | None = None
    upgrade_package: tuple[Requirement, ...] = ()
    required_version: str | None = None
    given: tuple[str, ...] = ()
    """Names of the keys (or variables) of this layer by which a lock differs."""


class LockflowOptions(Struct, frozen=True):
    """`[tool.lockflow]`; None where a key is absent."""

    uv: str | None = None
    platforms: tuple[str, ...] | None = None
    python_versions: tuple[str, ...] | None = None
    allow_sdist: tuple[str, ...] | None = None


# One layer from a file ----------------------------------------------------------------------------------------------


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
        no_sources=table.flag("no-sources"),
        no_sources_package=table.names("no-sources-package") or (),
        static_metadata=tuple(entry for entry in map(_static_metadata, metadata) if entry is not None),
        upgrade=table.flag("upgrade"),
        upgrade_package=tuple(table.requirements("upgrade-package") or ()),
        required_version=_required_version(table),
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
    if name is not None and not _INDEX_NAME.fullmatch(name):
        why = "only letters, digits, '-', '_' and '.' may stand in it"
        table.fault("name", f"{name!r} cannot name an index", needle=name, why=why)
        name = None
    is_explicit = table.flag("explicit") or False
    if is_explicit and name is None and "name" not in table:
        table.fault("explicit", "an explicit index has no name", why="sources refer to it by name", next="add a name")
    address = _address(url, place, credentials)
    if address is None:
        table.fault("url", f"{_hidden(url)} is not the URL of an index", next="write it like https://host/simple")
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


def _address(text: str, place: Place, credentials: list[Credential]) -> str | None:
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


def _hidden(url: str) -> str:
    """A URL for a message: what stands before `@` could be a password."""
    scheme, separator, rest = url.partition("://")
    authority, slash, tail = rest.partition("/")
    return repr(f"{scheme}{separator}***@{authority.rpartition('@')[2]}{slash}{tail}" if "@" in authority else url)


def _plain_indexes(
    table: Table, key: str, place: Place, credentials: list[Credential], *, is_flat: bool = False
) -> tuple[Index, ...]:
    found = []
    for number, text in enumerate(table.texts(key) or ()):
        address = _address(text, place, credentials)
        if address is None:
            table.fault(f"{key}[{number}]", f"{_hidden(text)} is not a URL or path")
        else:
            found.append(Index(url=address, is_flat=is_flat))
    return tuple(found)


def _default_index(table: Table, place: Place, credentials: list[Credential]) -> Index | None:
    text = table.text("index-url")
    if text is None:
        return None
    address = _address(text, place, credentials)
    if address is None:
        table.fault("index-url", f"{_hidden(text)} is not a URL or path")
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


def _static_metadata(table: Table) -> StaticMetadata | None:
    table.warn_unknown(_METADATA_KEYS, UNKNOWN_KEY)
    name = table.text("name")
    if name is None:
        if "name" not in table:
            table.fault("name", "an entry of dependency-metadata has no name")
        return None
    version = _version(table, "version")
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


def _version(table: Table, key: str) -> Version | None:
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


def parse_lockflow(table: Table) -> LockflowOptions:
    """`[tool.lockflow]`."""
    table.warn_unknown(_LOCKFLOW_KEYS)
    options = LockflowOptions(
        uv=table.text("uv"),
        platforms=table.texts("platforms"),
        python_versions=table.texts("python-versions"),
        allow_sdist=table.names("allow-sdist"),
    )
    _check_lockflow(options, table)
    return options


def _check_lockflow(options: LockflowOptions, table: Table) -> None:
    if options.uv is not None:
        _version(table, "uv")
    for number, minor in enumerate(options.python_versions or ()):
        if not _MINOR.fullmatch(minor):
            key = f"python-versions[{number}]"
            table.fault(key, f"{minor!r} is not a Python version", needle=minor, next='write minors, like "3.12"')
    for number, platform in enumerate(options.platforms or ()):
        if not platform.strip():
            table.fault(f"platforms[{number}]", "a platform has an empty name")


# The layer of command line and environment ---------------------------------------------------------------------------


class _Command(Struct):
    """Flags first, else the variable of the same meaning, as a table that the readers above understand."""

    environment: Mapping[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    """Key to the variable that gave it."""

    def take(self, key: str, flag: object, variable: str = "", *, separator: str | None = None) -> None:
        """Keep the flag's value or, without one, that of the variable; an empty variable counts as absent."""
        if flag is not None:
            self.values[key] = list(flag) if isinstance(flag, tuple) else flag
            return
        text = self.environment.get(variable, "") if variable else ""
        if not text.strip():
            return
        self.variables[key] = variable
        if separator is None:
            self.values[key] = text
        else:
            self.values[key] = [part.strip() for part in text.split(separator or None) if part.strip()]

    def take_flag(self, key: str, flag: bool | None, variable: str, faults: Faults) -> None:  # noqa: FBT001  None is a third answer
        if flag is not None:
            self.values[key] = flag
            return
        value = parse_boolean(variable, self.environment, faults)
        if value is not None:
            self.values[key] = value
            self.variables[key] = variable


def parse_boolean(variable: str, environment: Mapping[str, str], faults: Faults) -> bool | None:
    """The value of a variable that says yes or no; None where it is absent or empty."""
    text = environment.get(variable, "").strip()
    if not text:
        return None
    if text.lower() in _TRUE:
        return True
    if text.lower() not in _FALSE:
        faults.add(f"{variable} cannot be {text!r}", where="environment", next="use true or false")
    return False


def options_from_command(
    overrides: SettingsOverrides,
    environment: Mapping[str, str],
    place: Place,
    clock: Clock,
    faults: Faults,
    credentials: list[Credential],
) -> tuple[Options, tuple[str, ...]]:
    """The layer of flags and variables, and the variables in it by which a lock differs.

    `--index`, `UV_INDEX` and their kin may be `NAME=URL`; several in a variable are separated by blanks, those of
    `UV_FIND_LINKS` by commas.
    """
    command = _Command(environment)
    take, o = command.take, overrides
    take("default", o.default_index, "UV_DEFAULT_INDEX")
    take("index", o.index, "UV_INDEX", separator="")
    take("index-url", o.index_url, "UV_INDEX_URL")
    take("extra-index-url", o.extra_index_url, "UV_EXTRA_INDEX_URL", separator="")
    take("find-links", o.find_links, "UV_FIND_LINKS", separator=",")
    take("no-index", o.no_index)
    take("index-strategy", o.index_strategy, "UV_INDEX_STRATEGY")
    take("keyring-provider", o.keyring_provider, "UV_KEYRING_PROVIDER")
    take("resolution", o.resolution, "UV_RESOLUTION")
    take("prerelease", o.prerelease, "UV_PRERELEASE")
    take("fork-strategy", o.fork_strategy, "UV_FORK_STRATEGY")
    take("exclude-newer", False if o.exclude_newer == "false" else o.exclude_newer, "UV_EXCLUDE_NEWER")
    if command.values.get("exclude-newer") == "false":
        command.values["exclude-newer"] = False
    command.take_flag("no-build", o.no_build, "UV_NO_BUILD", faults)
    take("no-build-package", o.no_build_package, "UV_NO_BUILD_PACKAGE", separator="")
    command.take_flag("no-binary", o.no_binary, "UV_NO_BINARY", faults)
    take("no-binary-package", o.no_binary_package, "UV_NO_BINARY_PACKAGE", separator="")
    command.take_flag("no-build-isolation", o.no_build_isolation, "UV_NO_BUILD_ISOLATION", faults)
    take("no-build-isolation-package", o.no_build_isolation_package)
    command.take_flag("no-sources", o.no_sources, "UV_NO_SOURCES", faults)
    take("no-sources-package", o.no_sources_package, "UV_NO_SOURCES_PACKAGE", separator="")
    take("upgrade", o.upgrade)
    take("upgrade-package", o.upgrade_package)
    _pairs(command.values, "prerelease-package", o.prerelease_package, faults)
    _pairs(command.values, "exclude-newer-package", o.exclude_newer_package, faults)
    _settings_pairs(command.values, o, faults)

    listed = [(text, False) for text in command.values.pop("index", ())]
    default = command.values.pop("default", None)
    if default is not None:
        listed.insert(0, (default, True))
    table = Table(Document("command line and environment", "", faults), "", command.values)
    indexes = [_named_index(text, table, place, credentials, is_default=is_default) for text, is_default in listed]
    options = parse_options(table, place, clock, credentials)
    given = tuple(variable for key, variable in command.variables.items() if key in LOCK_KEYS or key == "default")
    return replace(options, index=tuple(index for index in indexes if index is not None)), given


def _pairs(values: dict[str, Any], key: str, entries: tuple[str, ...] | None, faults: Faults) -> None:
    """`NAME=VALUE` flags as a table; of a name given twice the last counts."""
    if not entries:
        return
    found: dict[str, Any] = {}
    for entry in entries:
        name, separator, value = entry.partition("=")
        if not separator:
            faults.add(f"--{key} {entry!r} has no value", where="command line", next=f"write --{key} NAME=VALUE")
            continue
        found[name.strip()] = False if value == "false" else value
    values[key] = found


def _settings_pairs(values: dict[str, Any], overrides: SettingsOverrides, faults: Faults) -> None:
    for entry in overrides.config_setting or ():
        key, separator, value = entry.partition("=")
        if not separator:
            faults.add(f"--config-setting {entry!r} has no value", where="command line", next="write KEY=VALUE")
        values.setdefault("config-settings", {}).setdefault(key, []).append(value)
    for entry in overrides.config_settings_package or ():
        name, colon, pair = entry.partition(":")
        key, separator, value = pair.partition("=")
        if not colon or not separator:
            faults.add(
                f"--config-settings-package {entry!r} has no value", where="command line", next="write NAME:KEY=VALUE"
            )
        settings = values.setdefault("config-settings-package", {}).setdefault(name, {})
        settings.setdefault(key, []).append(value)


def _named_index(
    text: str, table: Table, place: Place, credentials: list[Credential], *, is_default: bool
) -> Index | None:
    name, separator, url = text.partition("=")
    if not separator or not _INDEX_NAME.fullmatch(name):
        name, url = "", text
    address = _address(url, place, credentials)
    if address is None:
        table.fault("index", f"{_hidden(text)} is not the URL of an index")
        return None
    return Index(url=address, name=name or None, is_default=is_default)


# All layers ----------------------------------------------------------------------------------------------------------

Value = TypeVar("Value")
Key = TypeVar("Key")


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
        keyring_provider=_first((layer.keyring_provider for layer in layers), "disabled"),
        uv=lockflow.uv or _pinned_uv(layers),
        python_versions=lockflow.python_versions or (),
        platforms=Settings().platforms if lockflow.platforms is None else lockflow.platforms,
        allow_sdist=frozenset(lockflow.allow_sdist or ()),
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
            consulted.append(replace_explicit(index))
    return (*consulted, default)


def replace_explicit(index: Index) -> Index:
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


def lockflow_from_environment(
    options: LockflowOptions, environment: Mapping[str, str], faults: Faults
) -> LockflowOptions:
    """`options` with what the variables `LOCKFLOW_UV`, `LOCKFLOW_PLATFORMS` and so on say instead."""
    command = _Command(environment)
    command.take("uv", None, "LOCKFLOW_UV")
    for key in ("platforms", "python-versions", "allow-sdist"):
        command.take(key, None, f"LOCKFLOW_{key.upper().replace('-', '_')}", separator=",")
    if not command.values:
        return options
    ambient = parse_lockflow(Table(Document("environment", "", faults), "", command.values))
    return LockflowOptions(
        uv=ambient.uv or options.uv,
        platforms=options.platforms if ambient.platforms is None else ambient.platforms,
        python_versions=options.python_versions if ambient.python_versions is None else ambient.python_versions,
        allow_sdist=options.allow_sdist if ambient.allow_sdist is None else ambient.allow_sdist,
    )


def index_credentials(indexes: Sequence[Index], environment: Mapping[str, str]) -> list[Credential]:
    """What `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD` say about the named indexes."""
    found = []
    for index in indexes:
        if index.name is None:
            continue
        name = re.sub(r"[^A-Z0-9]", "_", index.name.upper())
        user = environment.get(f"UV_INDEX_{name}_USERNAME")
        password = environment.get(f"UV_INDEX_{name}_PASSWORD")
        if user or password:
            found.append((index.url, user or "", password or ""))
    return found
