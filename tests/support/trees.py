"""Source trees with a build backend of their own in them, which needs nothing installed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

BACKEND = """
import os, sys
from pathlib import Path

NAME, VERSION, REQUIRES = {name!r}, {version!r}, {requires!r}

def text(settings):
    lines = [f"Metadata-Version: 2.1", f"Name: {{NAME}}", f"Version: {{VERSION}}"]
    lines += [f"Requires-Dist: {{entry}}" for entry in REQUIRES]
    return "\\n".join([*lines, *extra(settings), "", ""])

def extra(settings):
    return []

def get_requires_for_build_wheel(config_settings=None):
    return []

def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = Path(metadata_directory, f"{{NAME}}-{{VERSION}}.dist-info")
    folder.mkdir()
    (folder / "METADATA").write_text(text(config_settings))
    return folder.name

{more}
"""

PYPROJECT = """[build-system]
requires = [{requires}]
build-backend = "backend"
backend-path = ["."]
"""


def backend_files(
    name: str = "alpha",
    version: str = "1.0",
    requires: tuple[str, ...] = (),
    *,
    more: str = "",
    build_requires: tuple[str, ...] = (),
) -> dict[str, bytes]:
    """Files of a tree whose metadata only its backend knows; `more` is code at the end of the backend."""
    backend = BACKEND.format(name=name, version=version, requires=list(requires), more=more)
    texts = ", ".join(f'"{text}"' for text in build_requires)
    return {"pyproject.toml": PYPROJECT.format(requires=texts).encode(), "backend.py": backend.encode()}


def write_tree(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def below(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same files in a folder, as an archive has them."""
    return {f"{folder}/{name}": content for name, content in files.items()}
