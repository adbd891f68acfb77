"""Wheels made in memory, sound ones and others."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping


def record_row(path: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    shown = '"' + path.replace('"', '""') + '"' if "," in path or '"' in path else path
    return f"{shown},sha256={digest},{len(content)}\n"


def wheel_bytes(
    name: str,
    version: str,
    files: Mapping[str, bytes] = {},
    *,
    requires: Iterable[str] = (),
    entry_points: str = "",
    modes: Mapping[str, int] = {},
    tag: str = "py3-none-any",
    is_pure: bool = True,
    record: str | None = None,
    wheel: str | None = None,
    more: Iterable[tuple[str, bytes]] = (),
) -> bytes:
    """A wheel with a right RECORD, unless `record` is given. `more` are entries that RECORD knows nothing of."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {text}\n" for text in requires)
    text = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: {str(is_pure).lower()}\nTag: {tag}\n"
    contents = {**files, f"{info}/METADATA": metadata.encode(), f"{info}/WHEEL": (wheel or text).encode()}
    if entry_points:
        contents[f"{info}/entry_points.txt"] = entry_points.encode()
    rows = "".join(record_row(path, content) for path, content in contents.items()) + f"{info}/RECORD,,\n"
    contents[f"{info}/RECORD"] = (rows if record is None else record).encode()
    with io.BytesIO() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, content in (*contents.items(), *more):
                entry = zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = modes.get(path, 0o100644) << 16
                archive.writestr(entry, content)
        return target.getvalue()
