"""Choose and order the files of a release that a lock lists (uv.lock: `sdist`, `wheels`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import unquote

from lockflow.errors import InputError
from lockflow.index.model import File
from lockflow.inputs.model import Cutoff, Settings
from lockflow.lock.model import LockedFile
from lockflow.lock.order import OrderKey, is_url
from lockflow.lock.prune import ALL_KNOWN, Known, can_be_used
from lockflow.lock.recorded import timestamp_text
from lockflow.standards.filenames import InvalidFilename, WheelName, parse_wheel_name
from lockflow.standards.hashes import hash_text, strongest_hash
from lockflow.standards.markers.tree import Marker
from lockflow.standards.python_range import PythonRange

_USABLE_SDISTS = (".tar.gz", ".zip")
_MILLISECOND = 1_000_000


class ReleaseFiles:
    """How the files of one index are put down, under the settings of a project."""

    __slots__ = ("_hash_algorithm", "_index", "_is_flat", "_is_local", "_known", "_settings")

    def __init__(self, index: str, settings: Settings, known: Known = ALL_KNOWN) -> None:
        self._index = index
        self._known = known
        self._settings = settings
        places = [entry for entry in (*settings.indexes, *settings.find_links) if entry.url == index]
        self._is_flat = any(entry.is_flat for entry in places) or any(
            entry.url == index for entry in settings.find_links
        )
        self._is_local = not is_url(index)
        self._hash_algorithm = next((entry.hash_algorithm for entry in places if entry.hash_algorithm), None)

    def cutoff(self, name: str) -> Cutoff | None:
        """The cut-off for a package here: its own before that of the index before the general one."""
        if self._is_flat:
            return None
        for package, cutoff in self._settings.cutoff_package:
            if package == name:
                return cutoff or None
        for entry in self._settings.indexes:
            if entry.url == self._index and entry.cutoff is not None:
                return entry.cutoff or None
        return self._settings.cutoff

    def sdist(self, name: str, files: Sequence[File]) -> LockedFile | None:
        """Return the sdist to list: the first usable one by file name, else the best of the others."""
        sdists = self._old_enough(name, [file for file in files if not file.is_wheel])
        if not sdists:
            return None
        settings = self._settings
        is_build_forbidden = settings.forbids_build(name)
        best = min(sdists, key=lambda file: 0 if is_build_forbidden else _unusable_rank(file))
        return self._entry(best)

    def wheels(self, name: str, files: Sequence[File], python: PythonRange, marker: Marker) -> tuple[LockedFile, ...]:
        """Return the wheels that `python` and `marker` leave a use for, in the order of a lock."""
        wheels = [
            file
            for file in self._old_enough(name, [file for file in files if file.is_wheel])
            if can_be_used(file.filename, python, marker, self._known)
        ]
        if self._is_flat or self._is_local:
            wheels.sort(key=lambda file: _parsed_key(file.filename))
        else:
            wheels.sort(key=lambda file: file.filename)
        return tuple([self._entry(file) for file in wheels])

    def _old_enough(self, name: str, files: list[File]) -> list[File]:
        cutoff = self.cutoff(name)
        if cutoff is None:
            return files
        limit = cutoff.timestamp_ns
        return [file for file in files if file.upload_time_ns is not None and file.upload_time_ns < limit]

    def _entry(self, file: File) -> LockedFile:
        time = None if file.upload_time_ns is None else _upload_time(file.upload_time_ns // _MILLISECOND)
        if self._is_local:
            path = local_path(file.url, self._index)
            return LockedFile(path=path, hash=self._hash(file), size=file.size, upload_time=time)
        return LockedFile(url=file.url, hash=self._hash(file), size=file.size, upload_time=time)

    def _hash(self, file: File) -> str | None:
        if self._hash_algorithm is not None:
            for pair in file.hashes:
                if pair[0] == self._hash_algorithm:
                    return hash_text(pair)
            raise InputError(
                f"{file.filename} has no {self._hash_algorithm} hash",
                where=self._index,
                why="`hash-algorithm` of this index asks for one of every file",
                next="leave the setting out, or choose an algorithm that the index offers",
            )
        if len(file.hashes) == 1 and file.hashes[0][0] == "sha256":
            return f"sha256:{file.hashes[0][1]}"
        strongest = strongest_hash(file.hashes)
        return None if strongest is None else hash_text(strongest)


def local_path(url: str, index: str) -> str:
    """Return where a file of a local index lies: relative to the index, absolute where the index is."""
    if url.startswith("file://"):
        url = unquote(url.removeprefix("file://"))
        if not _is_absolute(index):
            # The folder of the lock, from which `index` counts, is not known here; the last match is the index.
            _, found, rest = url.rpartition(f"/{index.removeprefix('./').strip('/')}/")
            return rest if found else url.rpartition("/")[2]
        return url
    return url


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or re.match(r"[A-Za-z]:[/\\]", path) is not None


def _unusable_rank(file: File) -> int:
    if not file.filename.endswith(_USABLE_SDISTS):
        return 3
    if file.yanked is not False:
        return 2 if isinstance(file.yanked, str) else 1
    return 0


@lru_cache(maxsize=1 << 14)
def _upload_time(milliseconds: int) -> str:
    return timestamp_text(milliseconds * _MILLISECOND)


# The order of parsed names ------------------------------------------------------------------------------------------

_TAG = re.compile(r"([a-z]+)_?([0-9]?)([0-9]*)(.*)", re.DOTALL)
_PYTHON_KINDS = {"py": 0, "cp": 1, "pp": 2, "graalpy": 3, "pyston": 4}
_ABI_KINDS = {"none": 0, "abi": 1, "cp": 2, "pypy": 3, "graalpy": 4, "pyston": 5}
_MANYLINUX = re.compile(r"(manylinux|musllinux|macosx)_([0-9]+)_([0-9]+)_(.*)", re.DOTALL)
_PLATFORM_KINDS = (
    "any",
    "manylinux_",
    "manylinux1_",
    "manylinux2010_",
    "manylinux2014_",
    "linux_",
    "musllinux_",
    "macosx_",
    "win32",
    "win_amd64",
    "win_arm64",
)


def _parsed_key(filename: str) -> OrderKey:
    """Order of wheels in a folder or on a flat page: plain tag triples before build tags and sets of tags."""
    try:
        wheel = parse_wheel_name(filename)
    except InvalidFilename:
        return (2, filename)
    return (0 if _is_plain(wheel) else 1, wheel.build or (-1, ""), *_tag_keys(wheel), filename)


def _is_plain(wheel: WheelName) -> bool:
    tags = (wheel.python_tags, wheel.abi_tags, wheel.platform_tags)
    return wheel.build is None and all(len(group) == 1 for group in tags)


def _tag_keys(wheel: WheelName) -> OrderKey:
    return (
        tuple(_named_key(tag, _PYTHON_KINDS) for tag in wheel.python_tags),
        tuple(_named_key(tag, _ABI_KINDS) for tag in wheel.abi_tags),
        tuple(map(_platform_key, wheel.platform_tags)),
    )


def _named_key(tag: str, kinds: dict[str, int]) -> OrderKey:
    match = _TAG.fullmatch(tag)
    if match is None:
        return (len(kinds), -1, -1, tag)
    kind, major, minor, rest = match.groups()
    return (kinds.get(kind, len(kinds)), int(major or -1), int(minor or -1), rest)


def _platform_key(tag: str) -> OrderKey:
    kind = next((rank for rank, start in enumerate(_PLATFORM_KINDS) if tag.startswith(start)), len(_PLATFORM_KINDS))
    match = _MANYLINUX.fullmatch(tag)
    if match is None:
        return (kind, 0, 0, tag)
    return (kind, int(match[2]), int(match[3]), match[4])
