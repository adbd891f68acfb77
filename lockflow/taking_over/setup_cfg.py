"""The declarative settings of setuptools (setup.cfg) to what pyproject.toml has a standard for."""

from __future__ import annotations

import configparser

from lockflow.standards.requirements import InvalidRequirement, parse_requirement
from lockflow.taking_over.model import Found


def from_setup_cfg(text: str) -> Found:
    """Read `[metadata]` and `[options]`; a file without requirements, or that cannot be read, gives nothing."""
    parser = configparser.RawConfigParser(delimiters=("=",))
    try:
        parser.read_string(text)
    except configparser.Error as error:
        return Found(origin="setup.cfg", left=(f"setup.cfg cannot be read: {error}".splitlines()[0],))
    left: list[str] = []

    def value(section: str, key: str) -> str:
        found = parser.get(section, key, fallback="").strip()
        if found.startswith(("attr:", "file:")):
            left.append(f"setup.cfg, {key} is computed ({found}); write it down")
            return ""
        return found

    def requirements(section: str, key: str) -> tuple[str, ...]:
        found = []
        for line in filter(None, map(str.strip, value(section, key).splitlines())):
            try:
                parse_requirement(line)
            except InvalidRequirement as error:
                left.append(f"setup.cfg, {key}: {line}: {error}")
                continue
            found.append(line)
        return tuple(found)

    extras = "options.extras_require"
    names = parser.options(extras) if parser.has_section(extras) else []
    return Found(
        origin="setup.cfg",
        name=value("metadata", "name"),
        version=value("metadata", "version"),
        description=value("metadata", "description"),
        requires_python=value("options", "python_requires"),
        dependencies=requirements("options", "install_requires"),
        extras=tuple((name, requirements(extras, name)) for name in names),
        left=tuple(left),
    )
