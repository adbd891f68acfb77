"""One file under edit: a pyproject.toml, or the metadata in a script.

What it would hold is tried as a draft. Only when the lock for it is written does it replace the file, and what goes
wrong then puts the lock back as it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lockflow.editing.model import Done, Place
from lockflow.editing.replacing import lock_put_back, read_text, replace_all
from lockflow.errors import InputError
from lockflow.inputs.dependency_lists import Bounds, parse_written, with_string, without_requirement
from lockflow.inputs.edit import document, inner, with_array, without_entry, without_table
from lockflow.inputs.tables import nearest
from lockflow.lock.decode import decode
from lockflow.lock.files import read_lock_text
from lockflow.lock.modes import Mode
from lockflow.resolve.drive import Progress
from lockflow.standards.names import normalize_name
from lockflow.standards.requirements import InvalidRequirement, Registry
from lockflow.standards.versions import Version
from lockflow.steps import LockResult, Network, Target, inputs, lock

_SCRIPT = re.compile(r"(?m)^# /// script[ \t]*\r?\n(?P<body>(?:^#(?:| [^\r\n]*)\r?\n)+?)^# ///[ \t]*\r?$")


class EditedFile:
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
                close = nearest(name, self.members)
                raise InputError(
                    f"there is no member {name}",
                    where="command line, --package",
                    why=f"the members are: {known}",
                    next=f"did you mean {close}?" if close else "name one of these",
                )
            return read.root / self.members[name] / "pyproject.toml"
        start = self.target.directory.absolute()
        folder = next(folder for folder in (start, *start.parents)
                      if (folder / "pyproject.toml").is_file())  # fmt: skip
        return folder / "pyproject.toml"

    def _read(self) -> str:
        text = read_text(self.path)
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
            return ("project", "optional-dependencies"), spelled(extras, place.extra)
        if place.group or place.is_dev:
            groups = found.get("dependency-groups", {})
            legacy = inner(found, "tool", "uv").get("dev-dependencies")
            if place.is_dev and legacy is not None and "dev" not in groups:
                return ("tool", "uv"), "dev-dependencies"
            return ("dependency-groups",), spelled(groups, place.group or "dev")
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

    def make_list(self) -> None:
        """Make the extra or group that is meant, empty, where it is not there."""
        if self.tables()[0] not in ((), ("project",)):
            self.list_edit(lambda array: array)

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
            with lock_put_back(self._lock_path()):
                result = lock(self._drafted(), mode, network=network, progress=progress, flag="--locked")
                if mode is not Mode.DRY_RUN:
                    replace_all(self.drafts)
            return Done(path=self.path, before=self.before, after=self.text, result=result)
        replace_all(self.drafts)
        return Done(path=self.path, before=self.before, after=self.text, result=result)

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


def spelled(table: Mapping[str, Any], name: str) -> str:
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
