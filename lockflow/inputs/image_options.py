"""`[tool.lockflow.image]` to ImageSettings, faults noted."""

from __future__ import annotations

import re

from lockflow.inputs.model import ImageSettings
from lockflow.inputs.paths import InvalidURL, is_absolute
from lockflow.inputs.tables import Table
from lockflow.standards.names import normalize_name
from lockflow.standards.versions import InvalidVersion, Version

_KEYS = frozenset(
    ("name", "base", "builder", "uv", "python", "package", "extras", "groups", "files", "user", "entrypoint")
)
_MINOR = r"3\.(?:0|[1-9][0-9]?)"
_REPOSITORY = (
    r"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_REFERENCE = r"[^\s\"'\\$`]+"
_USER = r"[a-z_0-9][a-z0-9_-]*(?::[a-z_0-9][a-z0-9_-]*)?"


def parse_image(table: Table | None) -> ImageSettings | None:
    """The table, None where there is none."""
    if table is None:
        return None
    table.warn_unknown(_KEYS)
    usual = ImageSettings()
    package = table.text("package")
    user = table.text("user")
    if package is not None and table.is_name("package", package):
        package = normalize_name(package)
    _check(table)
    return ImageSettings(
        name=table.text("name"),
        base=table.text("base"),
        builder=table.text("builder"),
        uv=table.text("uv"),
        python=table.text("python"),
        package=package,
        extras=table.names("extras") or (),
        groups=table.names("groups") or (),
        files=table.texts("files") or (),
        user=usual.user if user is None else user,
        entrypoint=table.texts("entrypoint") or (),
    )


def _check(table: Table) -> None:
    for key, pattern, hint in (
        ("name", _REPOSITORY, 'write a repository without a tag, like "registry.example/team/app"'),
        ("base", _REFERENCE, 'write the name of an image, like "python:{python}-slim-bookworm"'),
        ("builder", _REFERENCE, 'write the name of an image, like "python:{python}-bookworm"'),
        ("python", _MINOR, 'write a minor, like "3.12"'),
        ("user", _USER, 'write a user and group, like "1000:1000"'),
    ):
        text = table.values.get(key)
        if isinstance(text, str) and not re.fullmatch(pattern, text):
            table.fault(key, f"{key} cannot be {text!r}", needle=text, next=hint)
    user = table.values.get("user")
    if isinstance(user, str) and re.fullmatch(r"root|0+", user.partition(":")[0]):
        table.fault("user", "images do not run as root", needle=user, next='name another user, like "1000:1000"')
    _check_uv(table)
    for number, file in enumerate(
        table.values.get("files") or () if isinstance(table.values.get("files"), list) else ()
    ):
        if isinstance(file, str) and _leaves(file):
            hint = "name files and folders below the root of the project"
            table.fault(f"files[{number}]", f"{file!r} is not inside the project", needle=file, next=hint)


def _check_uv(table: Table) -> None:
    text = table.values.get("uv")
    if isinstance(text, str):
        try:
            Version.parse(text)
        except InvalidVersion as error:
            table.fault("uv", f"uv cannot be {text!r}", needle=text, why=str(error), next='write one, like "0.13.8"')


def _leaves(path: str) -> bool:
    try:
        return is_absolute(path) or ".." in path.replace("\\", "/").split("/") or not path.strip()
    except InvalidURL:
        return True
