"""`[tool.lockflow]` of a pyproject.toml or script to typed options, faults noted."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args

from msgspec import Struct

from lockflow.inputs.image_options import parse_image
from lockflow.inputs.model import (
    Evidence,
    Executor,
    ImageSettings,
)
from lockflow.inputs.options import version_of
from lockflow.inputs.tables import Table

LOCKFLOW_KEYS = (
    "uv", "platforms", "python-versions", "allow-sdist", "require-wheels", "executor", "level", "modules", "engines",
    "mirrors", "image",
)  # fmt: skip

_ADDRESS = re.compile(r"(?:unix|ssh|tcp|npipe|https?)://\S+")

_MODULE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")

_MINOR = re.compile(r"[23]\.(?:0|[1-9][0-9]?)")


class LockflowOptions(Struct, frozen=True):
    """`[tool.lockflow]`; None where a key is absent."""

    uv: str | None = None
    platforms: tuple[str, ...] | None = None
    python_versions: tuple[str, ...] | None = None
    allow_sdist: tuple[str, ...] | None = None
    require_wheels: Literal["no", "prefer", "insist"] | None = None
    executor: Executor | None = None
    level: Evidence | None = None
    modules: tuple[str, ...] | None = None
    engines: tuple[tuple[str, str], ...] | None = None
    image: ImageSettings | None = None


def parse_lockflow(table: Table) -> LockflowOptions:
    """`[tool.lockflow]`."""
    table.warn_unknown(LOCKFLOW_KEYS)
    options = LockflowOptions(
        uv=table.text("uv"),
        platforms=table.texts("platforms"),
        python_versions=table.texts("python-versions"),
        allow_sdist=table.names("allow-sdist"),
        require_wheels=_require_wheels(table),
        executor=_one_of(table, "executor", get_args(Executor)),
        level=_one_of(table, "level", get_args(Evidence)),
        modules=table.texts("modules"),
        engines=_engines(table.table("engines")),
        image=parse_image(table.table("image")),
    )
    _check_lockflow(options, table)
    return options


def _one_of(table: Table, key: str, choices: tuple[str, ...]) -> Any:  # noqa: ANN401  one of a Literal's texts
    return table.choice(key, choices)


def _engines(table: Table | None) -> tuple[tuple[str, str], ...] | None:
    """Addresses by platform; what reads like an address is all that is asked of one."""
    if table is None:
        return None
    engines = []
    for platform in table.values:
        address = table.text(platform)
        if address is not None and not _ADDRESS.fullmatch(address):
            table.fault(
                platform,
                f"{address!r} is no address of an engine",
                needle=address,
                next="write unix:///path, ssh://user@host or tcp://host:port",
            )
        elif address is not None:
            engines.append((platform, address))
    return tuple(sorted(engines))


def _require_wheels(table: Table) -> Literal["no", "prefer", "insist"] | None:
    """`true` insists on wheels, `"prefer"` takes a version without where no other will do."""
    if table.values.get("require-wheels") == "prefer":
        return "prefer"
    value = table.flag("require-wheels")
    return None if value is None else "insist" if value else "no"


def _check_lockflow(options: LockflowOptions, table: Table) -> None:
    if options.uv is not None:
        version_of(table, "uv")
    for number, minor in enumerate(options.python_versions or ()):
        if not _MINOR.fullmatch(minor):
            key = f"python-versions[{number}]"
            table.fault(key, f"{minor!r} is not a Python version", needle=minor, next='write minors, like "3.12"')
    for number, platform in enumerate(options.platforms or ()):
        if not platform.strip():
            table.fault(f"platforms[{number}]", "a platform has an empty name")
    for number, module in enumerate(options.modules or ()):
        if not _MODULE.fullmatch(module):
            table.fault(f"modules[{number}]", f"{module!r} is no name of a module", needle=module)
