"""Entries to a pylock.toml, which any installer of the standard reads (PEP 751).

One choice of extras and groups is baked in: the file's own `extras` and `dependency-groups` are not used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import assert_never
from urllib.parse import quote as escape

from lockflow.errors import AnswerIsNo
from lockflow.lock.encode import quote
from lockflow.lock.export.model import Entry
from lockflow.lock.model import Lock, LockedFile, Package
from lockflow.standards.markers.render import render
from lockflow.standards.markers.simplify import simplify_python
from lockflow.standards.markers.tree import Marker
from lockflow.standards.names import normalize_name
from lockflow.standards.requirements import Archive, Directory, Git, LocalFile, Registry
from lockflow.standards.versions import InvalidVersion, Version

_CREATED_BY = "lockflow"
_URL = "%/:?#[]@!$&'()*+,;=~"
_FRACTION = re.compile(r"\.[0-9]+")


def as_pylock(
    lock: Lock,
    entries: Iterable[Entry],
    *,
    environments: Sequence[Marker] = (),
    header: Iterable[str] = (),
    is_editable: bool = True,
    not_editable: frozenset[str] = frozenset(),
) -> str:
    """Return the text of a pylock.toml; `environments` are those it is made for, none for all.

    `header` are lines of comment that come first.
    """
    python = lock.requires_python.range
    lines = [*header, 'lock-version = "1.0"', f'created-by = "{_CREATED_BY}"']
    texts = [render(simplify_python(marker, python)) for marker in environments or lock.supported_environments or ()]
    if texts:
        lines.append(f"environments = [{', '.join(quote(text) for text in texts if text is not None)}]")
    if lock.requires_python.text:
        lines.append(f"requires-python = {quote(lock.requires_python.text)}")
    told = [entry for entry in entries if not _is_virtual(entry.package)]
    _check_words(told)
    if not told:
        lines.append("packages = []")
    for entry in told:
        lines += ["", "[[packages]]", *_package(entry, is_editable and entry.package.name not in not_editable)]
    return "".join(f"{line}\n" for line in lines)


def _is_virtual(package: Package) -> bool:
    return isinstance(package.source, Directory) and package.source.install == "virtual"


def _check_words(entries: Iterable[Entry]) -> None:
    """See that the format has words for all of it: it knows no file without a hash, which a lock may have."""
    bare = []
    for entry in entries:
        files = (*entry.package.wheels, *((entry.package.sdist,) if entry.package.sdist is not None else ()))
        bare += [f"{entry.package.name}: {file.name}" for file in files if file.hash is None]
        source = entry.package.source
        if isinstance(source, Git) and source.path is not None:
            raise AnswerIsNo(
                "this lock cannot be said as pylock.toml",
                where="uv.lock",
                why=f"{entry.package.name} is an archive in a git repository, for which the format has no words",
                next="export requirements.txt instead, which has",
            )
    if bare:
        raise AnswerIsNo(
            "this lock cannot be said as pylock.toml",
            where="uv.lock",
            why="the format wants a hash of every file, and the index states none of\n" + "\n".join(bare[:10]),
            next="export requirements.txt instead, which may do without",
        )


def _package(entry: Entry, is_editable: bool) -> list[str]:  # noqa: FBT001  inner detail
    package = entry.package
    lines = [f"name = {quote(package.name)}"]
    if package.version is not None and not isinstance(package.source, Directory):
        lines.append(f"version = {quote(package.version.text)}")
    marker = render(entry.marker)
    if marker is not None:
        lines.append(f"marker = {quote(marker)}")
    match package.source:
        case Registry(index=index):
            lines += _registry(package, index)
        case Git() as git:
            lines.append(f"vcs = {_git(git)}")
        case Archive(url=url, subdirectory=subdirectory):
            lines.append(f"archive = {_archive(package, ('url', url), subdirectory)}")
        case LocalFile(path=path):
            lines.append(f"archive = {_archive(package, ('path', path), None)}")
        case Directory(path=path, install=install):
            editable = "true" if install == "editable" and is_editable else "false"
            lines.append(f"directory = {_table([f'path = {quote(path)}', f'editable = {editable}'])}")
        case _:
            assert_never(package.source)
    return lines


def _registry(package: Package, index: str | None) -> list[str]:
    lines = [f"index = {quote(index)}"] if index and "://" in index else []
    if package.sdist is not None:
        lines.append(f"sdist = {_file(package.sdist)}")
    if package.wheels:
        lines.append(f"wheels = {_array([_file(wheel) for wheel in package.wheels])}")
    return lines


def _file(file: LockedFile) -> str:
    fields = [] if _says_its_name(file) else [f"name = {quote(_standard_name(file.name))}"]
    if file.path is not None:
        fields.append(f"path = {quote(file.path)}")
    elif file.url is not None:
        fields.append(f"url = {quote(escape(file.url, safe=_URL))}")
    if file.upload_time is not None:
        fields.append(f"upload-time = {_FRACTION.sub('', file.upload_time)}")
    return _table([*fields, *_size_and_hashes(file)])


def _says_its_name(file: LockedFile) -> bool:
    return not file.name.endswith(".whl") or file.name == _standard_name(file.name)


def _standard_name(name: str) -> str:
    """Write project and version in a wheel's file name in their normal forms."""
    parts = name.split("-")
    if not name.endswith(".whl") or len(parts) < 3:
        return name
    project = normalize_name(parts[0]).replace("-", "_")
    try:
        version = str(Version.parse(parts[1]))
    except InvalidVersion:
        version = parts[1]
    return "-".join([project, version, *parts[2:]])


def _size_and_hashes(file: LockedFile) -> list[str]:
    fields = [] if file.size is None else [f"size = {file.size}"]
    if file.hash is not None:
        algorithm, _, digest = file.hash.partition(":")
        fields.append(f"hashes = {_table([f'{algorithm} = {quote(digest)}'])}")
    return fields


def _git(git: Git) -> str:
    fields = ['type = "git"', f"url = {quote(git.url)}"]
    if git.reference is not None:
        fields.append(f"requested-revision = {quote(git.reference)}")
    fields.append(f"commit-id = {quote(git.commit or '')}")
    if git.subdirectory is not None:
        fields.append(f"subdirectory = {quote(git.subdirectory)}")
    return _table(fields)


def _archive(package: Package, place: tuple[str, str], subdirectory: str | None) -> str:
    key, value = place
    if subdirectory is not None and key == "url":
        value = f"{value}#subdirectory={subdirectory}"
    fields = [f"{key} = {quote(value)}"]
    if subdirectory is not None:
        fields.append(f"subdirectory = {quote(subdirectory)}")
    file = package.wheels[0] if package.wheels else package.sdist
    if file is not None:
        fields += _size_and_hashes(file)
    return _table(fields)


def _table(fields: Iterable[str]) -> str:
    return f"{{ {', '.join(fields)} }}"


def _array(values: Sequence[str]) -> str:
    """On one line up to one element, like every list of files in a lock."""
    if len(values) < 2:
        return f"[{', '.join(values)}]"
    return "\n".join(["[", *(f"    {value}," for value in values), "]"])
