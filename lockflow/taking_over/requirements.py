"""Requirements files of a folder to dependencies and groups, by what the files are called and include."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from lockflow.editing.origins import bare_place, from_git
from lockflow.editing.requirements import Gathered, gather
from lockflow.errors import InputError, LockflowError
from lockflow.inputs.paths import is_url, relative
from lockflow.inputs.requirements_file import parse_requirements_file
from lockflow.inputs.toml_text import inline_table, one_a_line, quoted
from lockflow.standards.names import normalize_name
from lockflow.standards.requirements import InvalidRequirement, parse_requirement
from lockflow.taking_over.model import Found, Include, NamedIndex

_MAIN = frozenset(("", "base", "main", "common", "prod", "production", "core", "default"))
_WORDS = frozenset(("requirements", "requirement", "reqs"))
_SETTINGS = {"--find-links": "find-links", "--no-binary": "no-binary-package", "--only-binary": "no-build-package"}
_ALL = {"--no-binary": "no-binary", "--only-binary": "no-build"}
_WITHOUT_MEANING = frozenset(("--require-hashes", "--prefer-binary"))


def requirements_files(folder: Path) -> list[Path]:
    """The files that look like requirements; of a pair that pip-compile reads and writes, what it reads."""
    found = [*folder.glob("*require*.in"), *folder.glob("*require*.txt"), *folder.glob("requirements/*.in"),
             *folder.glob("requirements/*.txt")]  # fmt: skip
    sources = {path.with_suffix("") for path in found if path.suffix == ".in"}
    return sorted(path for path in found if path.suffix == ".in" or path.with_suffix("") not in sources)


def compiled_files(folder: Path) -> list[Path]:
    """What pip-compile wrote beside what it reads."""
    return [path.with_suffix(".txt") for path in requirements_files(folder)
            if path.suffix == ".in" and path.with_suffix(".txt").is_file()]  # fmt: skip


def group_of(path: Path) -> str:
    """The group that a file is for, by its name; empty where it is for the project itself."""
    words = [word for word in re.split(r"[^a-z0-9]+", path.stem.lower()) if word and word not in _WORDS]
    name = "-".join(words)
    return "" if name in _MAIN else {"develop": "dev", "development": "dev", "tests": "test"}.get(name, name)


def from_requirements(folder: Path, *, without_main: bool = False) -> Found:
    """Read the files of a folder; `without_main` leaves those for the project itself aside.

    Raises InputError for a file that cannot be read.
    """
    reader = _Reader(folder)
    lists: dict[str, list[str | Include]] = {}
    files = requirements_files(folder)
    origins = {path.resolve(): group_of(path) for path in (*files, *compiled_files(folder))}
    read: dict[str, list[str]] = {}
    for path in files:
        group = group_of(path)
        if without_main and not group:
            continue
        entries = [entry for entry in reader.entries(path, origins) if entry not in lists.get(group, [])]
        if entries or not group:
            lists.setdefault(group, []).extend(entries)
            read.setdefault(group, []).append(path.relative_to(folder).as_posix())
    groups = {name: entries for name, entries in lists.items() if name}
    return Found(
        origin=", ".join(read.get("", ())) or "requirements files",
        dependencies=tuple(entry for entry in lists.get("", ()) if isinstance(entry, str)),
        groups=tuple((name, tuple(entries)) for name, entries in groups.items()),
        sources=tuple((name, (source,)) for name, source in reader.sources.items()),
        indexes=tuple(reader.indexes),
        settings=tuple(reader.settings()),
        origins=tuple((group, ", ".join(names)) for group, names in read.items() if group),
        left=tuple(dict.fromkeys(reader.left)),
    )


class _Reader:
    """Turns entries into requirements; what belongs to the project as a whole is collected."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sources: dict[str, str] = {}
        self.indexes: list[NamedIndex] = []
        self.constraints: list[str] = []
        self.lists: dict[str, list[str]] = {}
        self.flags: dict[str, str] = {}
        self.left: list[str] = []

    def entries(self, path: Path, origins: Mapping[Path, str]) -> Iterator[str | Include]:
        """The requirements of a file; a file that it includes and that is a list of its own is not repeated."""
        own = group_of(path)
        included = {(path.parent / entry.text).resolve() for entry in parse_requirements_file(_text(path))
                    if entry.kind == "include" and not is_url(entry.text)}  # fmt: skip
        for other in sorted(origins.get(place, "") for place in included & origins.keys()):
            if other and other != own:
                yield Include(group=other)
        for item in gather(path):
            place = item.path.resolve()
            if place != path.resolve() and place in origins and origins[place] != own:
                continue
            yield from self._entry(item)

    def _entry(self, item: Gathered) -> Iterator[str]:
        entry = item.entry
        if entry.kind == "option":
            self._option(item)
        elif entry.kind == "unknown":
            self.left.append(f"{item.where}: {entry.text} is not understood")
        elif item.is_constraint:
            self.constraints += [text for text in (self._checked(item),) if text]
        else:
            left = [name for name in entry.own_options if name != "--hash"]
            self.left += [f"{item.where}: {name} is left out" for name in left]
            text = self._requirement(item)
            if text:
                yield text

    def _requirement(self, item: Gathered) -> str:
        text = item.requirement
        if item.entry.kind == "requirement" and not text.startswith(("/", "git+")) and not is_url(text):
            return self._checked(item)
        if Path(text).is_dir() and Path(text).resolve() == self.folder.resolve():
            # The project itself is installed anyhow.
            return ""
        place, _, marker = text.partition(" ;")
        bare = place.partition("[")[0] if not is_url(place) and not place.startswith("git+") else place
        try:
            name, where = bare_place(bare, self.folder)
            self.sources[normalize_name(name)] = self._source(where, is_editable=item.entry.kind == "editable")
        except LockflowError as error:
            self.left.append(f"{item.where}: {item.entry.text}: {error.what}")
            return ""
        extras = place[len(bare) :]
        return f"{normalize_name(name)}{extras}" + (f" ; {marker.strip()}" if marker else "")

    def _source(self, place: str, *, is_editable: bool) -> str:
        if place.startswith("git+"):
            return from_git(place, ())
        if is_url(place):
            return inline_table(("url", place.partition("#")[0]))
        shown = relative(str(Path(place).resolve()), str(self.folder.resolve()))
        return inline_table(("path", shown), editable=is_editable)

    def _checked(self, item: Gathered) -> str:
        try:
            found = parse_requirement(item.entry.text)
        except InvalidRequirement as error:
            self.left.append(f"{item.where}: {item.entry.text}: {error}")
            return ""
        if "@" not in item.entry.text:
            return item.entry.text
        # PEP 508 knows URLs; as a source they are shown in one place.
        match = re.match(r"([^@]+)@\s*(\S+)(.*)", item.entry.text)
        assert match is not None
        self.sources[found.name] = self._source(match[2], is_editable=False)
        return f"{match[1].strip()}{match[3]}"

    def _option(self, item: Gathered) -> None:
        name, value = item.entry.option, item.entry.text
        if name in ("--index-url", "--extra-index-url"):
            index = NamedIndex(url=value, is_default=name == "--index-url")
            if index not in self.indexes:
                self.indexes.append(index)
        elif name in _ALL and value == ":all:":
            self.flags[_ALL[name]] = "true"
        elif name in _SETTINGS and value != ":none:":
            values = re.split(r"[\s,]+", value) if name != "--find-links" else [self._place(item)]
            known = self.lists.setdefault(_SETTINGS[name], [])
            known += [text for text in values if text not in known]
        elif name == "--pre":
            self.flags["prerelease"] = '"allow"'
        elif name == "--no-index":
            self.flags["no-index"] = "true"
        elif name not in _WITHOUT_MEANING:
            self.left.append(f"{item.where}: {name} {value} is left out".replace("  ", " "))

    def _place(self, item: Gathered) -> str:
        if is_url(item.entry.text):
            return item.entry.text
        return relative(str((item.path.parent / item.entry.text).resolve()), str(self.folder.resolve()))

    def settings(self) -> Iterator[tuple[str, str]]:
        lists = {**self.lists, "constraint-dependencies": self.constraints}
        yield from (
            (key, one_a_line(list(map(quoted, dict.fromkeys(values))))) for key, values in lists.items() if values
        )
        yield from self.flags.items()


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} cannot be read", where=str(path), why=str(error)) from error
