"""Source trees whose own backend builds them, copies and editable ones, with nothing installed."""

from __future__ import annotations

from collections.abc import Mapping

BACKEND = """
import base64, hashlib, os, zipfile
from pathlib import Path

NAME, VERSION, REQUIRES = {name!r}, {version!r}, {requires!r}
INFO = f"{{NAME}}-{{VERSION}}.dist-info"

def texts():
    metadata = f"Metadata-Version: 2.1\\nName: {{NAME}}\\nVersion: {{VERSION}}\\n"
    metadata += "".join(f"Requires-Dist: {{entry}}\\n" for entry in REQUIRES)
    wheel = "Wheel-Version: 1.0\\nGenerator: own\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    found = {{f"{{INFO}}/METADATA": metadata, f"{{INFO}}/WHEEL": wheel}}
    if {commands!r}:
        found[f"{{INFO}}/entry_points.txt"] = "[console_scripts]\\n" + {commands!r}
    return found

def get_requires_for_build_wheel(config_settings=None):
    return []

get_requires_for_build_editable = get_requires_for_build_sdist = get_requires_for_build_wheel

def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    folder = Path(metadata_directory, INFO)
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(texts()[f"{{INFO}}/METADATA"])
    return INFO

prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel

def write(wheel_directory, files):
    rows = ""
    target = f"{{NAME}}-{{VERSION}}-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory, target), "w") as archive:
        for path, text in files.items():
            content = text.encode()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            rows += f"{{path}},sha256={{digest}},{{len(content)}}\\n"
            archive.writestr(zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0)), content)
        archive.writestr(zipfile.ZipInfo(f"{{INFO}}/RECORD", (2024, 1, 1, 0, 0, 0)), rows + f"{{INFO}}/RECORD,,\\n")
    return target

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    here = Path("src")
    files = {{str(path.relative_to(here)): path.read_text() for path in sorted(here.rglob("*.py"))}}
    return write(wheel_directory, {{**files, **texts()}})

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return write(wheel_directory, {{f"_editable_{{NAME}}.pth": str(Path("src").absolute()) + "\\n", **texts()}})
"""

PYPROJECT = """\
[project]
name = "{name}"
version = "{version}"
dependencies = {requires}

[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def tree_files(
    name: str, version: str = "1.0", requires: tuple[str, ...] = (), commands: str = ""
) -> Mapping[str, bytes]:
    """The files of a tree with one module; `commands` are lines of `[console_scripts]`."""
    backend = BACKEND.format(name=name, version=version, requires=list(requires), commands=commands)
    return {
        "pyproject.toml": PYPROJECT.format(name=name, version=version, requires=list(requires)).encode(),
        "backend.py": backend.encode(),
        f"src/{name}/__init__.py": f"version = {version!r}\n\ndef main():\n    print({name!r}, version)\n".encode(),
    }
