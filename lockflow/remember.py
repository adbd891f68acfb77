"""Notes what a lock was found right for, so that `unchanged.py` can say later that nothing has changed.

What had a say: the question, the lock, every file that was read, the places where further settings or a workspace
would be found if there were any, and the folders that the workspace's globs go through. Where more than that had a
say (a build backend, a URL, a variable in a requirement) nothing is noted, and the next run looks in full.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from lockflow.unchanged import END, FACTS, HEAD, RECORD, STATE

_MOST_FOLDERS = 500
_CLOCK_STEP_NS = 100_000_000
_COARSE_STEP_NS = 2_000_000_000
_BACKEND_DECIDES = frozenset(("dependencies", "optional-dependencies", "requires-python"))
_HEARD = (("project",), ("dependency-groups",), ("build-system",), ("tool", "uv"), ("tool", "lockflow"))
"""The tables of a pyproject.toml that have a say."""
_PACKAGE = "\n[[package]]"
_SOURCE = re.compile(r'\nsource = \{ (registry|git|editable|virtual|directory) = "([^"\\]*)"')
_PATH_WITH_BREAK = re.compile(r"[\r\n]")

Fact = tuple[str, str]
"""A kind of `unchanged.FACTS` and the absolute path it is noted about."""


class Doubt(Exception):
    """More has a say than files and folders can tell."""


def remember(
    root: Path,
    lock: Path,
    digest: str,
    asked: str,
    *,
    start: Path,
    inputs: Iterable[Path],
    packages: int,
    warnings: Sequence[str],
    environment: Mapping[str, str],
    since_ns: int,
    record: str = RECORD,
    more: Iterable[Fact] = (),
    notes: Sequence[str] = (),
) -> bool:
    """Note in `root`/.lockflow that `lock` answers the question `asked` at `start`; False where nothing was noted.

    `digest` is that of the lock as it was judged (`sha256:…`), `inputs` are the files that were read, `since_ns` is
    when reading began: a file that changed later was not what was read. Forgets what was noted before.
    `more` are facts beyond those of the lock, `notes` lines that say what stands (see `unchanged.Standing`).
    """
    path = root / STATE / record
    with suppress(OSError):
        path.unlink()
    try:
        facts = [("lock", str(lock)), *_facts(root, lock, digest, start, inputs, environment), *more]
        lines = [HEAD, f"question {asked}", f"packages {packages}", *notes]
        lines += [f"warning {text}".replace("\r", " ").replace("\n", "\r") for text in warnings]
        lines += [_line(kind, place, since_ns) for kind, place in dict.fromkeys(facts)]
    except (Doubt, OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False
    return _write(path, "\n".join([*lines, END, ""]))


def forget(root: Path, record: str = RECORD) -> None:
    """Take back what was noted."""
    with suppress(OSError):
        (root / STATE / record).unlink()


def keep_few(root: Path, prefix: str, most: int) -> None:
    """Remove all but the newest records whose name begins with `prefix`."""
    with suppress(OSError):
        records = sorted((root / STATE).glob(f"{prefix}*"), key=lambda path: path.stat().st_mtime_ns)
        for path in records[:-most]:
            path.unlink()


def state_folder(root: Path) -> Path:
    """The folder for what can be made again, made if need be and kept out of version control.

    Where it cannot be made, whoever writes into it says so.
    """
    folder = root / STATE
    if not folder.is_dir():
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    return folder


def input_facts(root: Path, start: Path, inputs: Iterable[Path], environment: Mapping[str, str]) -> list[str]:
    """Note what the reading of inputs depended on, as lines for `same_facts`."""
    facts = dict.fromkeys(_input_facts(root, start, inputs, environment))
    return [f"{kind} {FACTS[kind](path)} {path}" for kind, path in facts]


def same_facts(lines: Iterable[str]) -> bool:
    """Whether all that was noted is as it was."""
    for line in lines:
        kind, value, path = line.split(" ", 2)
        if FACTS[kind](path) != value:
            return False
    return True


def _line(kind: str, path: str, since_ns: int) -> str:
    value = FACTS[kind](path)
    is_newer = kind == "file" and _is_newer(path, since_ns)
    if value is None or is_newer or _PATH_WITH_BREAK.search(path):
        raise Doubt
    return f"{kind} {value} {path}"


def _is_newer(path: str, since_ns: int) -> bool:
    """Whether a file may have changed since then, as far as the clock of its file system tells."""
    try:
        status = Path(path).stat()
    except OSError:
        return False
    changed = max(status.st_mtime_ns, status.st_ctime_ns)
    step = _COARSE_STEP_NS if changed % 1_000_000_000 == 0 else _CLOCK_STEP_NS
    return changed >= since_ns - step


# Everything that has a say ------------------------------------------------------------------------------------------


def _facts(
    root: Path, lock: Path, digest: str, start: Path, inputs: Iterable[Path], environment: Mapping[str, str]
) -> Iterator[Fact]:
    content = lock.read_bytes()
    # Somebody else may have replaced it in the meantime.
    if f"sha256:{sha256(content).hexdigest()}" != digest:
        raise Doubt
    sources = list(_sources(content.decode()))
    files = [str(path) for path in inputs]
    yield from _input_facts(root, start, inputs, environment)
    for kind, place in sources:
        if kind in ("registry", "git"):
            continue
        # What setup.py says, nobody knows without running it.
        own = Path(os.path.normpath(root / place), "pyproject.toml")
        if not own.is_file() or not _table(own.read_text(encoding="utf-8"), str(own), "project"):
            raise Doubt
        files.append(str(own))
        yield "file", str(own)
    for path in dict.fromkeys(files):
        written = Path(path).read_text(encoding="utf-8")
        dynamic = _list(_table(written, path, "project").get("dynamic"))
        if _has_variables(written, path) or _BACKEND_DECIDES & set(dynamic):
            raise Doubt


def _has_variables(written: str, path: str) -> bool:
    """Whether variables of any name may have a say: they can stand in the URL of a requirement."""
    if "${" not in written or not path.endswith("pyproject.toml"):
        return "${" in written
    # Other tools have variables too, in their own tables.
    heard = [_table(written, path, *keys) for keys in _HEARD]
    return "${" in repr(heard)


def _sources(lock: str) -> Iterator[Fact]:
    """Kind and place of what each package of a lock comes from.

    Other sources are archives, which need not be what they were; other spellings are not worth understanding here.
    """
    # To search for line beginnings in all of a lock took as long as everything else here, ten times over.
    for package in lock.split(_PACKAGE)[1:]:
        source = _SOURCE.match(package, max(package.find("\nsource = "), 0))
        if source is None:
            raise Doubt
        yield source[1], source[2]


def _input_facts(root: Path, start: Path, inputs: Iterable[Path], environment: Mapping[str, str]) -> Iterator[Fact]:
    for path in inputs:
        yield "file", str(path)
    for folder in dict.fromkeys([*_upwards(start), *_upwards(root)]):
        yield "file", f"{folder}/pyproject.toml"
        yield "file", f"{folder}/uv.toml"
    yield from (("file", place) for place in _settings_files(environment))
    pyproject = root / "pyproject.toml"
    if pyproject.is_file():
        text = pyproject.read_text(encoding="utf-8")
        workspace = _table(text, str(pyproject), "tool", "uv", "workspace")
        for pattern in _list(workspace.get("members")):
            yield from _globbed(Path(os.path.normpath(root / pattern)).as_posix())


def _upwards(folder: Path) -> Iterator[str]:
    yield str(folder).rstrip("/")
    yield from (str(parent).rstrip("/") for parent in folder.parents)


def _settings_files(environment: Mapping[str, str]) -> Iterator[str]:
    """Where settings of the user and the system are, or would be; a superset does no harm."""
    homes = [environment.get(name) for name in ("APPDATA", "PROGRAMDATA", "XDG_CONFIG_HOME")]
    if home := environment.get("HOME"):
        homes.append(f"{home}/.config")
    if sys.platform != "win32":
        homes += [*environment.get("XDG_CONFIG_DIRS", "").split(":"), "/etc/xdg", "/etc"]
    yield from (f"{Path.cwd() / folder}/uv/uv.toml" for folder in homes if folder)


def _globbed(pattern: str) -> Iterator[Fact]:
    """The folders through which a glob goes, and the projects it leads to.

    Each part with a wildcard is taken to match any folder: what is looked at can only be more than what matters.
    """
    parts = pattern.split("/")
    places = [""] if parts[0] == "" else [parts[0]]
    for number, part in enumerate(parts[1:], 1):
        if "**" in part:
            places = list(_descend(places))
            yield from (("folders", place) for place in places)
            if number < len(parts) - 1:
                raise Doubt
        elif any(character in part for character in "*?["):
            yield from (("folders", place or "/") for place in places)
            places = [f"{place}/{name}" for place in places for name in _folders_in(place)]
        else:
            places = [f"{place}/{part}" for place in places]
        if len(places) > _MOST_FOLDERS:
            raise Doubt
    for place in places:
        yield "file", f"{place}/pyproject.toml"
        if not Path(place, "pyproject.toml").is_file():
            # A member without one is an error as soon as there is anything in its folder.
            yield "names", place


def _descend(places: Iterable[str]) -> Iterator[str]:
    count = 0
    for place in places:
        for folder, folders, _ in os.walk(place, followlinks=True):
            count += 1
            if count > _MOST_FOLDERS:
                raise Doubt
            folders.sort()
            yield folder


def _folders_in(folder: str) -> list[str]:
    try:
        with os.scandir(folder or "/") as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _table(content: str, file: str, *keys: str) -> Mapping[str, Any]:
    """A table of a TOML file; empty where it has none, and for other files."""
    value: object = _document(content) if file.endswith(".toml") else {}
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


@lru_cache(maxsize=8)
def _document(content: str) -> Mapping[str, Any]:
    """A TOML file, parsed once for all that is asked of it."""
    return tomllib.loads(content)


def _list(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _write(path: Path, text: str) -> bool:
    draft = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        state_folder(path.parent.parent)
        # For its owner alone: the question is a digest over variables, and some people put secrets there.
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        draft.replace(path)
    except (OSError, UnicodeEncodeError):
        with suppress(OSError):
            draft.unlink()
        return False
    return True
