"""A small world in TOML - a project, packages, an index or several - to files, an index that is served, and facts.

A universe is a table (see tests/scenarios/README.md):

- `root`: the root's pyproject.toml; what a line `[project]` does not begin is given a project to belong to;
- `files`: more files of the project, path to text; `python`: the minor that runs, default 3.11;
- `packages`: project to version to its requirements, or to a table of `requires`, `python` (Requires-Python),
  `files` (tag triples or `sdist`; default one universal wheel), `extras`, `yanked`, `time`, and `unlisted` where the
  index does not tell what is in `python`;
- `indexes`: the same for indexes other than `simple`, by their name.
"""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from gzip import GzipFile
from pathlib import Path
from typing import Any

from support.index_content import PUBLIC, Hosts, IndexContent

PROJECT = """\
[project]
name = "root-proj"
version = "0.1.0"
"""
PYTHON = 'requires-python = ">=3.9"\n'
DEFAULT_INDEX = """
[[tool.uv.index]]
url = "https://index.example/simple"
default = true
"""
TIME = "2024-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Universe:
    """One table, read. `table` is that of tests/golden/README.md."""

    root: str
    files: Mapping[str, str]
    python: str
    table: Mapping[str, Any]

    def write(self, folder: Path, hosts: Hosts = PUBLIC) -> None:
        """Write the project's files; those of an earlier state that are not in this one stay."""
        for path, text in {"pyproject.toml": self.root, **self.files}.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(hosts.localise(text), encoding="utf-8")

    def content(self) -> IndexContent:
        return IndexContent(self.table)


def read_universe(table: Mapping[str, Any]) -> Universe:
    """Read a universe; what the table does not say is as in the head of this file."""
    releases = [
        _release(index, name, version, said)
        for index, packages in {"simple": table.get("packages", {}), **table.get("indexes", {})}.items()
        for name, versions in packages.items()
        for version, said in versions.items()
    ]
    indexes = [{"name": name} for name in ("simple", *table.get("indexes", {}))]
    return Universe(
        root=full_root(table.get("root", "")),
        files=table.get("files", {}),
        python=table.get("python", "3.11"),
        table={"index": indexes, "release": releases},
    )


def full_root(text: str) -> str:
    """A whole pyproject.toml from the lines that matter in a scenario."""
    if not text.lstrip().startswith("["):
        given = "" if "requires-python" in text else PYTHON
        text = PROJECT + given + text
    if "https://index.example/simple" not in text:
        text += DEFAULT_INDEX
    return text


def _release(index: str, name: str, version: str, said: Any) -> dict[str, Any]:
    said = said if isinstance(said, Mapping) else {"requires": said}
    metadata = "".join(f"{line}\n" for line in _metadata_lines(name, version, said))
    release: dict[str, Any] = {
        "name": name,
        "version": version,
        "index": index,
        "metadata": metadata,
        "file": [_file(index, name, version, tags, metadata, said) for tags in said.get("files", ["py3-none-any"])],
    }
    if "python" in said and not said.get("unlisted"):
        release["requires-python"] = said["python"]
    if "yanked" in said:
        release["yanked"] = said["yanked"]
    return release


def _metadata_lines(name: str, version: str, said: Mapping[str, Any]) -> Iterator[str]:
    yield "Metadata-Version: 2.2"
    yield f"Name: {name}"
    yield f"Version: {version}"
    if "python" in said:
        yield f"Requires-Python: {said['python']}"
    for extra in said.get("extras", ()):
        yield f"Provides-Extra: {extra}"
    for text in said.get("requires", ()):
        yield f"Requires-Dist: {text}"


def _file(index: str, name: str, version: str, tags: str, metadata: str, said: Mapping[str, Any]) -> dict[str, Any]:
    stem = f"{name.replace('-', '_')}-{version}"
    filename = f"{stem}.tar.gz" if tags == "sdist" else f"{stem}-{tags}.whl"
    file: dict[str, Any] = {"filename": filename, "upload-time": said.get("time", TIME)}
    if index != "simple":
        file["url"] = f"https://files.example/{index}/{filename}"
    if tags != "sdist":
        digest = hashlib.sha256(f"{index} {filename}".encode()).hexdigest()
        return file | {"sha256": digest, "size": 1000}
    content = _sdist(stem, metadata)
    return file | {
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "content": base64.b64encode(content).decode(),
    }


def _sdist(stem: str, metadata: str) -> bytes:
    """A source distribution whose PKG-INFO tells all, so that nothing has to be built; always the same bytes."""
    buffer = io.BytesIO()
    with GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo(f"{stem}/PKG-INFO")
        member.size = len(metadata.encode())
        archive.addfile(member, io.BytesIO(metadata.encode()))
    return buffer.getvalue()
