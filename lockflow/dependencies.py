"""Requirements added to and removed from what people wrote, with the lock following: all of it or nothing.

What files would hold is tried as drafts. Only when the lock for them is written do they replace the files, and what
goes wrong then puts the lock back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lockflow.errors import AnswerIsNo, InputError, LockFileError
from lockflow.inputs.dependency_lists import (
    Ambiguous,
    Bounds,
    Written,
    bounds,
    parse_written,
    with_requirement,
    with_specifiers,
    with_string,
    without_requirement,
)
from lockflow.inputs.edit import (
    document,
    inner,
    with_array,
    with_entry,
    with_index,
    without_entry,
    without_table,
)
from lockflow.inputs.paths import is_url, join, relative
from lockflow.lock.decode import decode
from lockflow.lock.files import read_lock_text, write_lock_text
from lockflow.lock.modes import Mode
from lockflow.resolve.drive import Progress
from lockflow.standards.filenames import InvalidFilename, parse_sdist_name, parse_wheel_name
from lockflow.standards.markers.parse import MarkerSyntaxError, parse_marker
from lockflow.standards.markers.tree import TRUE
from lockflow.standards.names import normalize_name
from lockflow.standards.requirements import InvalidRequirement, Registry
from lockflow.standards.versions import Version
from lockflow.steps import LockResult, Network, Target, inputs, lock

__all__ = ["AddAsk", "Bounds", "Done", "Mode", "Place", "add", "remove"]

_USUAL = Network()
_SCRIPT = re.compile(r"(?m)^# /// script[ \t]*\r?\n(?P<body>(?:^#(?:| [^\r\n]*)\r?\n)+?)^# ///[ \t]*\r?$")
_REFERENCE = re.compile(r"(.+/[^@]*)@([^@/]+(?:/[^@]+)?)$")


class Place(Struct, frozen=True, kw_only=True):
    """Which list of which file: of a dependency group, an extra, the `dev` group, or the dependencies themselves."""

    group: str = ""
    extra: str = ""
    is_dev: bool = False
    package: str = ""


class AddAsk(Struct, frozen=True, kw_only=True):
    """What is to be added, and how it is written down.

    `requirements` are PEP 508 texts, URLs or paths; `extras`, `marker` and the references hold for each of them.
    `indexes` are `NAME=URL` or URL, for the project. `workspace` None lets a path inside of the project decide.
    """

    requirements: tuple[str, ...]
    place: Place = Place()
    bounds: Bounds | None = None
    marker: str = ""
    extras: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    rev: str = ""
    tag: str = ""
    branch: str = ""
    editable: bool = False
    raw: bool = False
    workspace: bool | None = None


class Done(Struct, frozen=True, kw_only=True):
    """What came of it: the file edited, its text before and after, and the lock operation where there was one."""

    path: Path
    before: str
    after: str
    result: LockResult | None = None


def add(
    target: Target, ask: AddAsk, mode: Mode = Mode.WRITE, *, network: Network = _USUAL, progress: Progress | None = None
) -> Done:
    """Add requirements and lock; new ones of an index get bounds after the versions that were locked.

    `mode` FROZEN edits only, DRY_RUN leaves all files as they are, LOCKED refuses what would change the lock.
    """
    file = _File(target, ask.place)
    added = [_Addition(text, ask, file) for text in ask.requirements]
    for addition in added:
        addition.apply()
    # Each goes before all others, so the last is put first.
    for line in reversed(ask.indexes):
        file.edit(partial(_with_index, line=line, where=file.label))
    wanting = [addition for addition in added if addition.wants_bounds]
    if wanting and not ask.raw and mode is not Mode.FROZEN:
        versions = file.locked_versions(file.tried(network, progress))
        kind = ask.bounds or file.usual_bounds()
        for addition in wanting:
            version = versions.get(addition.written.name)
            if version is not None:
                addition.apply_bounds(bounds(version, kind))
    return file.settled(mode, network, progress)


def remove(
    target: Target,
    names: Sequence[str],
    place: Place,
    mode: Mode = Mode.WRITE,
    *,
    network: Network = _USUAL,
    progress: Progress | None = None,
) -> Done:
    """Remove requirements by name, with their sources where nobody else needs them, and lock. Modes as of `add`."""
    file = _File(target, place)
    for name in map(normalize_name, names):
        file.remove(name)
    return file.settled(mode, network, progress)


# The file ------------------------------------------------------------------------------------------------------------


class _File:
    """The file that is edited: a pyproject.toml, or a script of which only the metadata is."""

    def __init__(self, target: Target, place: Place) -> None:
        self.target = target
        self.place = place
        self.is_script = target.script is not None
        self.root = target.directory.absolute()
        self.members: Mapping[str, str] = {}
        if target.script is not None:
            # What is malformed is said here, once for all that follows.
            inputs(target)
            self.path = self.root / target.script
            self.root = self.path.parent
        else:
            self.path = self._pyproject()
        self.label = self.path.name
        self.before = self._read()
        self.text = self.before
        self.drafts: dict[Path, str] = {}

    def _pyproject(self) -> Path:
        read = inputs(self.target)
        self.root = read.root
        self.members = {member.name: member.path for member in read.manifest.members}
        if self.place.package:
            name = normalize_name(self.place.package)
            if name not in self.members:
                known = ", ".join(self.members)
                raise InputError(f"there is no member {name}", where="--package", next=f"the members are {known}")
            return read.root / self.members[name] / "pyproject.toml"
        start = self.target.directory.absolute()
        folder = next(folder for folder in (start, *start.parents)
                      if (folder / "pyproject.toml").is_file())  # fmt: skip
        return folder / "pyproject.toml"

    def _read(self) -> str:
        text = _read_text(self.path)
        if self.is_script and _SCRIPT.search(text) is None:
            raise InputError(
                "the script has no inline metadata", where=str(self.path), next="begin it with a block `# /// script`"
            )
        return text

    @property
    def toml(self) -> str:
        if not self.is_script:
            return self.text
        match = _SCRIPT.search(self.text)
        assert match is not None
        return "".join(line[2:] if line.startswith("# ") else line[1:]
                       for line in match["body"].splitlines(keepends=True))  # fmt: skip

    def edit(self, change: Any) -> None:  # noqa: ANN401  a function from text to text
        """Change the TOML of the draft."""
        made = change(self.toml)
        if self.is_script:
            match = _SCRIPT.search(self.text)
            assert match is not None
            body = "".join(f"# {line}" if line.strip() else f"#{line}" for line in made.splitlines(keepends=True))
            made = self.text[: match.start("body")] + body + self.text[match.end("body") :]
        self.text = made
        self.drafts[self.path] = made

    def tables(self) -> tuple[tuple[str, ...], str]:
        """The list that is meant, under the name it has there."""
        place, found = self.place, document(self.toml, self.label)
        if self.is_script:
            return (), "dependencies"
        if place.extra:
            extras = found.get("project", {}).get("optional-dependencies", {})
            return ("project", "optional-dependencies"), _known(extras, place.extra)
        if place.group or place.is_dev:
            groups = found.get("dependency-groups", {})
            legacy = inner(found, "tool", "uv").get("dev-dependencies")
            if place.is_dev and legacy is not None and "dev" not in groups:
                return ("tool", "uv"), "dev-dependencies"
            return ("dependency-groups",), _known(groups, place.group or "dev")
        return ("project",), "dependencies"

    def check_place(self, name: str) -> None:
        """Raise InputError where a requirement of that name cannot be put."""
        if self.is_script:
            return
        project = document(self.toml, self.label).get("project")
        is_inner = self.place.group or self.place.is_dev
        if not isinstance(project, dict):
            if not is_inner:
                what = "the project has no [project] table, so it has dependency groups only"
                raise InputError(what, where=str(self.path), next="use --dev or --group")
            return
        if normalize_name(str(project.get("name", ""))) == name and not is_inner and not self.place.extra:
            raise InputError(f"{name} cannot depend on itself", where=str(self.path), next="use --dev or --optional")

    def list_edit(self, change: Any) -> None:  # noqa: ANN401  a function from text to text
        tables, key = self.tables()
        is_sorted = tables == ("dependency-groups",)
        self.edit(lambda text: with_array(text, tables, key, change, where=self.label, is_sorted=is_sorted))

    def usual_bounds(self) -> Bounds:
        chosen = inner(document(self.toml, self.label), "tool", "uv").get("add-bounds", "lower")
        kinds: tuple[Bounds, ...] = ("lower", "major", "minor", "exact")
        return next((kind for kind in kinds if kind == chosen), "lower")

    def tried(self, network: Network, progress: Progress | None) -> LockResult:
        """What locking the drafts would give."""
        return lock(self._drafted(), Mode.DRY_RUN, network=network, progress=progress)

    def settled(self, mode: Mode, network: Network, progress: Progress | None) -> Done:
        """Lock the drafts as the mode has it, and let them replace the files where it may write."""
        if self.is_script and mode is Mode.WRITE and not self._lock_path().exists():
            # A script gets a lock when it is locked, not by the way; whether it could be is tried all the same.
            result = self.tried(network, progress)
        elif mode is Mode.FROZEN:
            result = None
        else:
            with _restored(self._lock_path()):
                result = lock(self._drafted(), mode, network=network, progress=progress, flag="--locked")
                if mode is not Mode.DRY_RUN:
                    self._write()
            return Done(path=self.path, before=self.before, after=self.text, result=result)
        self._write()
        return Done(path=self.path, before=self.before, after=self.text, result=result)

    def _write(self) -> None:
        before = {path: path.read_bytes() for path in self.drafts}
        done: list[Path] = []
        try:
            for path, text in self.drafts.items():
                if before[path] != text.encode():
                    done.append(path)
                    _replace(path, text)
        except BaseException:
            for path in done:
                _replace(path, before[path].decode())
            raise

    def _drafted(self) -> Target:
        return replace(self.target, drafts={**self.target.drafts, **self.drafts})

    def _lock_path(self) -> Path:
        return Path(f"{self.path}.lock") if self.is_script else self.root / "uv.lock"

    def locked_versions(self, result: LockResult) -> dict[str, Version]:
        """The lowest version of each package of an index: those that stay, and those that would change."""
        text = read_lock_text(result.lock_path)
        versions: dict[str, Version] = {}
        for package in () if text is None else decode(text, str(result.lock_path)).packages:
            if package.version is not None and isinstance(package.source, Registry):
                versions[package.name] = min(package.version, versions.get(package.name, package.version))
        for change in result.changes:
            texts = [word.partition(" ")[0] for word in change.new]
            found = [Version.parse(text.removeprefix("v")) for text in texts if text.startswith("v")]
            if found:
                versions[change.name] = min(found)
        return versions

    def remove(self, name: str) -> None:
        count = 0

        def change(array: str) -> str:
            nonlocal count
            made, count = without_requirement(array, name)
            return made

        tables, key = self.tables()
        found: Any = document(self.toml, self.label)
        for table in tables:
            found = found.get(table, {}) if isinstance(found, dict) else {}
        if key in found:
            self.list_edit(change)
        if not count:
            others = _places_of(document(self.toml, self.label), name)
            hint = f"it is in {' and '.join(others)}" if others else "`lockflow lock` follows what pyproject.toml has"
            raise InputError(f"{name} is not in {'.'.join((*tables, key))}", where=str(self.path), next=hint)
        if _places_of(document(self.toml, self.label), name):
            return
        sources = inner(document(self.toml, self.label), "tool", "uv", "sources")
        own = next((key for key in sources if normalize_name(key) == name), None)
        if own is not None:
            place = ("tool", "uv", "sources")
            self.edit(lambda text: without_entry(text, place, own, where=self.label))
            if len(sources) == 1:
                self.edit(lambda text: without_table(text, place, where=self.label))

    def add_member(self, path: str) -> None:
        """Make a folder a member of the workspace."""
        root = self.root / "pyproject.toml"
        if root == self.path:
            self.edit(lambda text: _with_member(text, path, self.label))
            return
        text = self.drafts.get(root)
        text = root.read_bytes().decode() if text is None else text
        self.drafts[root] = _with_member(text, path, root.name)


def _with_member(text: str, path: str, where: str) -> str:
    return with_array(text, ("tool", "uv", "workspace"), "members", lambda array: with_string(array, path), where=where)


def _known(table: Mapping[str, Any], name: str) -> str:
    """The spelling under which a table has a name; the name itself where it has not."""
    return next((key for key in table if normalize_name(key) == normalize_name(name)), name)


def _places_of(found: Mapping[str, Any], name: str) -> list[str]:
    """The lists that have a requirement of that name, in words."""
    project, tool = found.get("project", {}), found.get("tool", {}).get("uv", {})
    lists = [
        ("dependencies", project.get("dependencies", [])),
        ("dev-dependencies (--dev)", tool.get("dev-dependencies", [])),
        *(
            (f"extra {key} (--optional {key})", value)
            for key, value in project.get("optional-dependencies", {}).items()
        ),
        *((f"group {key} (--group {key})", value) for key, value in found.get("dependency-groups", {}).items()),
    ]
    if not project and "dependencies" in found:
        lists.append(("dependencies", found["dependencies"]))
    return [place for place, entries in lists if any(_is_named(entry, name) for entry in entries)]


def _is_named(entry: object, name: str) -> bool:
    if not isinstance(entry, str):
        return False
    try:
        return parse_written(entry).name == name
    except InvalidRequirement:
        return False


def _replace(path: Path, text: str) -> None:
    """Put `text` in the place of a file at once."""
    try:
        write_lock_text(path, text)
    except LockFileError as error:
        raise InputError(f"{path.name} cannot be written", where=str(path), why=error.why) from error


@contextmanager
def _restored(path: Path) -> Iterator[None]:
    """Put the lock back where the block fails after it was written."""
    content = path.read_bytes() if path.is_file() else None
    try:
        yield
    except BaseException:
        if content is None:
            path.unlink(missing_ok=True)
        elif path.read_bytes() != content:
            path.write_bytes(content)
        raise


# What is added -------------------------------------------------------------------------------------------------------


class _Addition:
    """One requirement: how it is written in the list, and which source goes with it."""

    def __init__(self, text: str, ask: AddAsk, file: _File) -> None:
        self.file = file
        self.ask = ask
        self.source = ""
        self.member = ""
        self.number = -1
        self.is_new = False
        written = self._written(text.strip())
        self.written = written if ask.raw else self._split(written)
        file.check_place(written.name)

    def _written(self, text: str) -> Written:
        name, url = _bare_place(text, Path(self.file.target.settings.base or self.file.target.directory))
        try:
            found = Written(name=normalize_name(name), url=url) if name else parse_written(text)
            marker = parse_marker(self.ask.marker) if self.ask.marker else TRUE
        except (InvalidRequirement, MarkerSyntaxError) as error:
            raise InputError("the requirement cannot be read", where="command line", why=str(error)) from error
        return Written(
            name=found.name,
            extras=tuple(dict.fromkeys([*found.extras, *map(normalize_name, self.ask.extras)])),
            specifiers=found.specifiers,
            url=found.url,
            marker=found.marker & marker,
        )

    def _split(self, written: Written) -> Written:
        """Take the source out of the requirement, into `tool.uv.sources`."""
        ask = self.ask
        references = [
            (kind, value) for kind, value in (("rev", ask.rev), ("tag", ask.tag), ("branch", ask.branch)) if value
        ]
        if written.url.startswith("git+"):
            self.source = _git(written.url, references)
        elif references:
            raise InputError(f"--{references[0][0]} goes with a git repository", where="command line")
        elif written.url and not is_url(written.url):
            self.source = self._path(written.url)
        elif written.url:
            base, _, fragment = written.url.partition("#")
            folder = dict(part.partition("=")[::2] for part in fragment.split("&")).get("subdirectory", "")
            self.source = _inline(("url", base), ("subdirectory", folder))
        elif written.name in self.file.members and ask.workspace is not False and not self.file.is_script:
            self.source = "{ workspace = true }"
        else:
            names = [line.partition("=")[0] for line in ask.indexes if re.match(r"[A-Za-z0-9._-]+=", line)]
            if len(names) == len(ask.indexes) == 1:
                self.source = _inline(("index", names[0]))
            return written
        return Written(name=written.name, extras=written.extras, marker=written.marker)

    def _path(self, path: str) -> str:
        base = (self.file.target.settings.base or str(self.file.target.directory)).replace("\\", "/")
        place = join(base, path)
        root = self.file.root.as_posix()
        is_tree = Path(place).is_dir()
        is_inside = is_tree and not self.file.is_script and f"{place}/".startswith(f"{root}/")
        if is_inside if self.ask.workspace is None else self.ask.workspace:
            inner = relative(place, root)
            if inner not in self.file.members.values():
                self.member = inner
            return "{ workspace = true }"
        shown = relative(place, self.file.path.parent.as_posix())
        return _inline(("path", shown), editable=self.ask.editable)

    @property
    def wants_bounds(self) -> bool:
        has_own = self.written.specifiers or self.written.url
        return self.is_new and not has_own and (not self.source or self.source.startswith("{ index"))

    def apply(self) -> None:
        """Edit the list, and the sources."""

        def change(array: str) -> str:
            try:
                made, self.number, self.is_new = with_requirement(array, self.written, has_source=bool(self.source))
            except Ambiguous as error:
                raise AnswerIsNo(
                    f"{self.written.name} is there more than once",
                    where=str(self.file.path),
                    why=str(error),
                    next="name the one you mean by its marker, or edit the file",
                ) from error
            return made

        if self.member:
            self.file.add_member(self.member)
        self.file.list_edit(change)
        if self.source:
            tables, name = ("tool", "uv", "sources"), self.written.name
            sources = inner(document(self.file.toml, self.file.label), "tool", "uv", "sources")
            known = _known(sources, name)
            if known != name:
                self.file.edit(lambda text: without_entry(text, tables, known, where=self.file.label))
            self.file.edit(lambda text: with_entry(text, tables, name, self.source, where=self.file.label))

    def apply_bounds(self, specifiers: str) -> None:
        # Entries that came later may stand before this one.
        tables, key = self.file.tables()
        found: Any = document(self.file.toml, self.file.label)
        for table in tables:
            found = found[table]
        numbers = [number for number, entry in enumerate(found[key]) if self._is_mine(entry)]
        if len(numbers) == 1:
            self.file.list_edit(lambda array: with_specifiers(array, numbers[0], specifiers))

    def _is_mine(self, entry: object) -> bool:
        if not isinstance(entry, str):
            return False
        try:
            found = parse_written(entry)
        except InvalidRequirement:
            return False
        return (found.name, found.marker, found.specifiers, found.url) == (
            self.written.name,
            self.written.marker,
            "",
            "",
        )


def _git(url: str, references: Sequence[tuple[str, str]]) -> str:
    base, _, fragment = url.removeprefix("git+").partition("#")
    folder = dict(part.partition("=")[::2] for part in fragment.split("&")).get("subdirectory", "")
    match = _REFERENCE.fullmatch(base)
    if match is not None:
        base, own = match.groups()
        if references:
            raise InputError("the reference is given twice", where="command line", why=f"{own} and {references[0][1]}")
        references = [("rev", own)]
    if len(references) > 1:
        raise InputError("give one of --rev, --tag and --branch", where="command line")
    return _inline(("git", base), ("subdirectory", folder), *references)


def _inline(*entries: tuple[str, str], editable: bool = False) -> str:
    texts = [f'{key} = "{value}"' for key, value in entries if value]
    return "{ " + ", ".join([*texts, *(["editable = true"] if editable else [])]) + " }"


def _bare_place(text: str, base: Path) -> tuple[str, str]:
    """Name and place where a path or URL stands alone; empty where it is a requirement."""
    if text.startswith("git+"):
        raise InputError(
            "a repository needs the name of the package in it", where="command line", next=f"write NAME @ {text}"
        )
    file = text.partition("#")[0].rpartition("/")[2]
    is_place = text.startswith(("./", "../", "/", "~")) or text in (".", "..") or is_url(text)
    if not is_place and "@" not in text:
        is_place = ("/" in text or file.endswith((".whl", ".tar.gz", ".zip"))) and (base / text).exists()
    if not is_place:
        return "", ""
    return _name_of(text, file, base), text


def _name_of(text: str, file: str, base: Path) -> str:
    with suppress(InvalidFilename):
        return parse_wheel_name(file).name
    sdist = parse_sdist_name(file)
    if sdist is not None:
        return sdist.name
    project = base / text / "pyproject.toml"
    if not is_url(text) and project.is_file():
        name = inner(document(_read_text(project), str(project)), "project").get("name")
        if isinstance(name, str):
            return name
    raise InputError(f"the name of the package at {text} is unknown", where="command line", next=f"write NAME @ {text}")


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} cannot be read", where=str(path), why=str(error)) from error


def _with_index(text: str, *, line: str, where: str) -> str:
    match = re.fullmatch(r"([A-Za-z0-9._-]+)=(.+)", line)
    name, url = match.groups() if match is not None else ("", line)
    return with_index(text, name, url, where=where)
