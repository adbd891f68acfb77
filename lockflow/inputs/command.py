"""Flags and environment variables to a layer of options: of each pair the flag counts, else the variable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from lockflow.inputs.durations import Clock
from lockflow.inputs.lockflow_options import LockflowOptions, parse_lockflow
from lockflow.inputs.model import (
    Index,
    SettingsOverrides,
)
from lockflow.inputs.options import INDEX_NAME, LOCK_KEYS, Credential, Options, Place, index_address, parse_options
from lockflow.inputs.paths import (
    shown_url,
)
from lockflow.inputs.tables import Document, Faults, Table

_TRUE = frozenset(("y", "yes", "t", "true", "on", "1"))
_FALSE = frozenset(("n", "no", "f", "false", "off", "0"))


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
    _previews(command, o, faults)
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


def _previews(command: _Command, overrides: SettingsOverrides, faults: Faults) -> None:
    """`--preview` or `UV_PREVIEW` turn everything on, whatever features are named; else the named ones are."""
    command.take_flag("preview", overrides.preview, "UV_PREVIEW", faults)
    if command.values.get("preview") is False and overrides.preview is None:
        del command.values["preview"]
        command.variables.pop("preview", None)
    if "preview" not in command.values:
        command.take("preview-features", overrides.preview_features, "UV_PREVIEW_FEATURES", separator=",")
        features = command.values.get("preview-features", ())
        if features:
            command.values["preview-features"] = [part.strip() for text in features for part in text.split(",")]


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
    if not separator or not INDEX_NAME.fullmatch(name):
        name, url = "", text
    address = index_address(url, place, credentials)
    if address is None:
        table.fault("index", f"{shown_url(text)} is not the URL of an index")
        return None
    return Index(url=address, name=name or None, is_default=is_default)


def lockflow_from_environment(
    options: LockflowOptions, environment: Mapping[str, str], faults: Faults
) -> LockflowOptions:
    """`options` with what the variables `LOCKFLOW_UV`, `LOCKFLOW_PLATFORMS` and so on say instead."""
    command = _Command(environment)
    command.take("uv", None, "LOCKFLOW_UV")
    for key in ("executor", "level"):
        command.take(key, None, f"LOCKFLOW_{key.upper()}")
    for key in ("platforms", "python-versions", "allow-sdist", "modules"):
        command.take(key, None, f"LOCKFLOW_{key.upper().replace('-', '_')}", separator=",")
    if not command.values:
        return options
    ambient = parse_lockflow(Table(Document("environment", "", faults), "", command.values))
    return LockflowOptions(
        uv=ambient.uv or options.uv,
        platforms=options.platforms if ambient.platforms is None else ambient.platforms,
        python_versions=options.python_versions if ambient.python_versions is None else ambient.python_versions,
        allow_sdist=options.allow_sdist if ambient.allow_sdist is None else ambient.allow_sdist,
        require_wheels=options.require_wheels,
        executor=ambient.executor or options.executor,
        level=ambient.level or options.level,
        modules=options.modules if ambient.modules is None else ambient.modules,
        engines=options.engines,
        image=options.image,
    )
