"""The step behind `check --fix`: tries the edits that a report offers, and keeps those that help.

An edit helps where a resolution of the edited project succeeds, what it was to mend is mended for every platform and
Python asked about, and nothing else got worse. All of that happens on drafts: the files stay as they are until the end.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lockflow import steps
from lockflow.errors import InputError, LockflowError
from lockflow.inputs.edit import with_changed_items, with_item, with_value
from lockflow.inputs.read import ReadResult
from lockflow.lock.model import Lock
from lockflow.platforms.coverage import Policy, cover
from lockflow.platforms.model import Edit, Status
from lockflow.platforms.pythons import pythons_to_check
from lockflow.platforms.read import read_platforms
from lockflow.platforms.selection import graph_of
from lockflow.report.model import Entry, Report
from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.tree import Marker
from lockflow.standards.requirements import InvalidRequirement, parse_requirement, under_marker
from lockflow.steps import Mode, Network, Target

_ORDER = ("constraint", "required-environment", "requires-python", "allow-sdist", "marker", "override")
"""What keeps the project as it is comes first, what leaves a package out of a platform last."""

Problem = tuple[str, str, str]
"""Platform, Python minor, package."""
Drafts = Mapping[Path, str]


class Tried(Struct, frozen=True, kw_only=True):
    """An edit, and why it does not help; empty where it does."""

    edit: Edit
    why_not: str = ""


class Fix(Struct, frozen=True, kw_only=True):
    """What helps: the edits with the files as they would be, the lock then, and what is left.

    `diff` is in the unified form, over all files. `refused` were tried and do not help.
    """

    edits: tuple[Edit, ...] = ()
    refused: tuple[Tried, ...] = ()
    files: tuple[tuple[Path, str], ...] = ()
    diff: str = ""
    left: tuple[Problem, ...] = ()


def find_fix(
    target: Target,
    report: Report,
    *,
    pythons: Sequence[str] = (),
    network: Network,
    on_try: Callable[[str], None] | None = None,
) -> Fix:
    """Try the edits that `report` offers, one package after the other, and join those that help."""
    search = _Search(target, report, tuple(pythons), network)
    kept: list[Edit] = []
    refused: list[Tried] = []
    for package, edits in _offers(report):
        for edit in edits:
            if package not in {name for _, _, name in search.problems}:
                break
            if on_try is not None:
                on_try(words(edit))
            why_not = search.attempt(edit)
            if why_not:
                refused.append(Tried(edit=edit, why_not=why_not))
            else:
                kept.append(edit)
    return Fix(
        edits=tuple(kept),
        refused=tuple(refused),
        files=tuple(search.drafts.items()),
        diff=_diff(search.drafts, search.read.root),
        left=tuple(sorted(search.problems)),
    )


def apply_fix(target: Target, fix: Fix, *, network: Network) -> steps.LockResult:
    """Write the files of a fix, each as a whole, and then the lock."""
    for path, text in fix.files:
        _replace(path, text)
    return steps.lock(target, Mode.WRITE, network=network)


def words(edit: Edit) -> str:
    """Say in words what an edit does."""
    match edit.kind:
        case "marker":
            place = f" in {edit.via}" if edit.via else ""
            return f'the marker "{edit.value}" for {edit.package}{place}'
        case "requires-python":
            return f'requires-python = "{edit.value}"'
        case _:
            tables, key = _PLACES[edit.kind]
            return f'"{edit.value}" in {key} of [{".".join(tables)}]'


_PLACES = {
    "constraint": (("tool", "uv"), "constraint-dependencies"),
    "required-environment": (("tool", "uv"), "required-environments"),
    "override": (("tool", "uv"), "override-dependencies"),
    "allow-sdist": (("tool", "lockflow"), "allow-sdist"),
}


class _Search:
    """The drafts that helped so far, and what is still wrong with them."""

    def __init__(self, target: Target, report: Report, pythons: tuple[str, ...], network: Network) -> None:
        self.drafts: Drafts = {}
        self.problems = {
            (platform.platform, python.python, entry.package)
            for platform in report.platforms
            for python in platform.pythons
            for entry in python.entries
            if not entry.is_good
        }
        self.read = steps.inputs(target)
        self._target = target
        self._pythons = pythons
        self._network = network
        names = [platform.platform for platform in report.platforms]
        self._platforms = [defined.platform for defined in read_platforms(names, self.read.root)]

    def attempt(self, edit: Edit) -> str:
        """Keep `edit` where it helps; else return why it does not."""
        mended = {problem for problem in self.problems if problem[2] == edit.package}
        try:
            drafts = self._edited(edit)
            if drafts == self.drafts:
                return "the project says so already"
            target = replace(self._target, drafts=drafts)
            read = steps.inputs(target)
            lock = steps.lock(target, Mode.DRY_RUN, network=self._network).lock
            problems = self._problems(lock, read)
        except LockflowError as error:
            return error.what
        worse = sorted(problems - self.problems)
        if worse:
            platform, python, package = worse[0]
            return f"{package} would then be a problem on {platform} with Python {python}"
        # A constraint may mend one platform and a marker another, so that less of the same package counts too.
        if not mended - problems:
            return f"{edit.package} would still be a problem on {', '.join(sorted({place for place, _, _ in mended}))}"
        self.drafts, self.problems = drafts, problems
        return ""

    def _problems(self, lock: Lock, read: ReadResult) -> set[Problem]:
        settings = read.manifest.settings
        pythons = pythons_to_check(read.manifest.requires_python, self._pythons or settings.python_versions)
        graph, policy = graph_of(lock), Policy(allow_sdist=settings.allow_sdist)
        coverages = [cover(graph, platform, python, policy) for platform in self._platforms for python in pythons]
        return {
            (coverage.platform, coverage.python, finding.package)
            for coverage in coverages
            for finding in coverage.findings
            if not finding.is_good
        }

    def _edited(self, edit: Edit) -> Drafts:
        folder = self._folder_of(edit.owner) if edit.kind == "marker" else self.read.root
        path = folder / "pyproject.toml"
        text = self.drafts.get(path)
        if text is None:
            text = _text(path)
        edited = _apply(edit, text, str(path))
        return {**self.drafts, path: edited} if edited != text else self.drafts

    def _folder_of(self, name: str) -> Path:
        for member in self.read.manifest.members:
            if member.name == name:
                return Path(os.path.normpath(self.read.root / member.path))
        raise InputError(f"{name} is no project of this workspace", where=str(self.read.root))


def _offers(report: Report) -> list[tuple[str, list[Edit]]]:
    """The edits of each package, in the order in which they are to be tried; packages as the report has them."""
    offers: dict[str, dict[Edit, None]] = {}
    for platform in report.platforms:
        for python in platform.pythons:
            for entry in python.entries:
                if not entry.is_good:
                    offers.setdefault(entry.package, {}).update(dict.fromkeys(_of(entry)))
    return [(package, sorted(edits, key=lambda edit: _ORDER.index(edit.kind))) for package, edits in offers.items()]


def _of(entry: Entry) -> Iterable[Edit]:
    # To leave a package out is no cure where it could be built.
    leaves_out = {"marker", "override"} if entry.status is Status.SDIST else set()
    return (edit for edit in entry.edits if edit.kind not in leaves_out)


def _apply(edit: Edit, text: str, where: str) -> str:
    if edit.kind == "requires-python":
        return with_value(text, ("project",), "requires-python", edit.value, where=where)
    if edit.kind == "marker":
        tables, key = _list_of(edit.via)
        condition = parse_marker(edit.value)
        return with_changed_items(text, tables, key, lambda item: _narrowed(item, edit.package, condition), where=where)
    if edit.kind == "override":
        return _overridden(edit, text, where)
    tables, key = _PLACES[edit.kind]
    return with_item(text, tables, key, edit.value, where=where)


def _list_of(via: str) -> tuple[tuple[str, ...], str]:
    kind, _, name = via.partition(" ")
    if kind == "extra":
        return ("project", "optional-dependencies"), name
    return (("dependency-groups",), name) if kind == "group" else (("project",), "dependencies")


def _narrowed(item: str, package: str, condition: Marker) -> str | None:
    """A requirement on `package` under a condition; None for those on other packages."""
    try:
        if parse_requirement(item).name != package:
            return None
        return under_marker(item, condition)
    except InvalidRequirement:
        return None


def _overridden(edit: Edit, text: str, where: str) -> str:
    """Narrow the overrides of the package that there are; of two, each would hold where the other does not."""
    tables, key = _PLACES[edit.kind]
    condition = parse_requirement(edit.value).marker
    narrowed = with_changed_items(text, tables, key, lambda item: _narrowed(item, edit.package, condition), where=where)
    return narrowed if narrowed != text else with_item(text, tables, key, edit.value, where=where)


def _diff(drafts: Drafts, root: Path) -> str:
    lines: list[str] = []
    for path, text in drafts.items():
        name = Path(os.path.relpath(path, root)).as_posix()
        old, new = _text(path).splitlines(keepends=True), text.splitlines(keepends=True)
        lines.extend(difflib.unified_diff(old, new, f"a/{name}", f"b/{name}"))
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} cannot be read", where=str(path), why=str(error)) from error


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_bytes(text.encode())
        draft.chmod(path.stat().st_mode & 0o777)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise InputError(f"{path.name} cannot be written", where=str(path), why=str(error)) from error
