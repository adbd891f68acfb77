"""The step behind `check --fix`: tries the edits that a report offers, and keeps those that help.

An edit helps where a resolution of the edited project succeeds, what it was to mend is mended for every platform and
Python asked about, and nothing else got worse. All of that happens on drafts: the files stay as they are until the end.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lockflow import steps
from lockflow.editing.replacing import lock_put_back, read_text, replace_all
from lockflow.errors import InputError, LockflowError, NetworkError
from lockflow.inputs.edit import document, with_changed_items, with_entry, with_item, with_value
from lockflow.inputs.read import ReadResult
from lockflow.lock.model import Lock
from lockflow.platforms.advice import with_advice
from lockflow.platforms.coverage import Policy, cover
from lockflow.platforms.model import Coverage, Edit, Platform, Status
from lockflow.platforms.pythons import pythons_to_check
from lockflow.platforms.read import read_platforms
from lockflow.platforms.selection import Graph, graph_of
from lockflow.report.model import Entry, PythonReport, Report
from lockflow.standards.markers.parse import parse_marker
from lockflow.standards.markers.tree import Marker
from lockflow.standards.names import normalize_name
from lockflow.standards.requirements import InvalidRequirement, parse_requirement, under_marker
from lockflow.steps import Mode, Network, Target

_ORDER = ("constraint", "index", "required-environment", "requires-python", "allow-sdist", "marker", "override")
"""What keeps the project as it is comes first, what leaves a package out of a platform last."""

Problem = tuple[str, str, str]
"""Platform, Python minor, package."""
Drafts = Mapping[Path, str]
_Judged = tuple[Coverage, Graph, Platform, str]


class Tried(Struct, frozen=True, kw_only=True):
    """An edit, and why it does not help; empty where it does."""

    edit: Edit
    why_not: str = ""


class Fix(Struct, frozen=True, kw_only=True):
    """What helps: the edits with the files as they would be, the lock then, and what is left.

    `diff` is in the unified form, over all files. `refused` were tried and do not help. `mended` names packages that an
    edit for another one mended. `others` would each help by itself, in place of the edits.
    """

    edits: tuple[Edit, ...] = ()
    refused: tuple[Tried, ...] = ()
    mended: tuple[tuple[str, Edit], ...] = ()
    others: tuple[Edit, ...] = ()
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
    most_others: int = 0,
) -> Fix:
    """Try the edits that `report` offers, one package after the other, and join those that help.

    A package may be required in several ways; what leaves it out of one shows the next, until nothing more helps. Of
    the edits that were not needed, `most_others` are tried too, each by itself.

    Raises NetworkError where a trial needs what cannot be had.
    """
    search = _Search(target, report, tuple(pythons), network)
    tell = on_try or (lambda _: None)
    kept: list[Edit] = []
    refused: list[Tried] = []
    tried: set[Edit] = set()
    offers = _offers(report)
    while offers:
        helped = len(kept)
        for package, edits in offers:
            for edit in edits:
                if edit in tried or package not in {name for _, _, name in search.problems}:
                    continue
                tried.add(edit)
                tell(words(edit))
                why_not = search.attempt(edit)
                if why_not:
                    refused.append(Tried(edit=edit, why_not=why_not))
                else:
                    kept.append(edit)
        offers = search.more_offers() if len(kept) > helped else []
    others: list[Edit] = []
    for edit in _untried(report, tried)[:most_others]:
        tell(words(edit))
        why_not = search.alone(edit)
        if why_not:
            refused.append(Tried(edit=edit, why_not=why_not))
        else:
            others.append(edit)
    return Fix(
        edits=tuple(kept),
        refused=tuple(refused),
        mended=tuple(search.mended.items()),
        others=tuple(others),
        files=tuple(search.drafts.items()),
        diff=_diff(search.drafts, search.read.root),
        left=tuple(sorted(search.problems)),
    )


def with_trials(report: Report, fix: Fix) -> Report:
    """The report with the edits that were found to help, those that were tried together first, and no others.

    Where none helps, what was tried stays in words, each with what came of it; what was not tried says so.
    """
    refused = {tried.edit: tried.why_not for tried in fix.refused}
    mended = dict(fix.mended)
    said: dict[Edit, str] = {}
    for entry in _entries(report):
        for edit, text in zip(entry.edits, entry.advice, strict=False):
            said.setdefault(edit, text)

    def entry_after(entry: Entry) -> Entry:
        helps = [edit for edit in fix.edits if edit in said and edit.package == entry.package]
        if not helps and mended.get(entry.package) in said:
            helps = [mended[entry.package]]
        others = [edit for edit in entry.edits if edit in fix.others and edit not in helps]
        # Of an edit that another entry has too, each tells what it is to itself.
        own = {**said, **dict(zip(entry.edits, entry.advice, strict=False))}
        texts = [f"{own[edit]} (tried: it helps)" for edit in helps]
        texts += [f"{own[edit]} (tried: it helps too)" for edit in others]
        if not texts:
            came = {edit: f"tried, to no avail: {why_not}" for edit, why_not in refused.items()}
            texts = [f"{own[edit]} ({came.get(edit, 'not tried')})" for edit in entry.edits]
        return replace(entry, edits=(*helps, *others), advice=(*texts, *entry.advice[len(entry.edits) :]))

    def python_after(python: PythonReport) -> PythonReport:
        entries = (entry if entry.is_good else entry_after(entry) for entry in python.entries)
        return replace(python, entries=tuple(entries))

    platforms = (
        replace(platform, pythons=tuple(python_after(python) for python in platform.pythons))
        for platform in report.platforms
    )
    return replace(report, platforms=tuple(platforms))


def _untried(report: Report, tried: Collection[Edit]) -> list[Edit]:
    """The edits that were not tried: of each package the first, then of each the second, and so on."""
    by_package: dict[str, dict[Edit, None]] = {}
    for entry in _entries(report):
        if not entry.is_good:
            by_package.setdefault(entry.package, {}).update(dict.fromkeys(entry.edits))
    queues = [[edit for edit in edits if edit not in tried] for edits in by_package.values()]
    return [edit for rank in zip_longest(*queues) for edit in rank if edit is not None]


def _entries(report: Report) -> Iterable[Entry]:
    return (entry for platform in report.platforms for python in platform.pythons for entry in python.entries)


def apply_fix(target: Target, fix: Fix, *, network: Network) -> steps.LockResult:
    """Write the lock, and then the files of a fix; where that cannot be, all of them are as they were."""
    drafts = dict(fix.files)
    with steps.alone(target), lock_put_back(steps.inputs(target).lock_path):
        result = steps.lock(replace(target, drafts=drafts), Mode.WRITE, network=network)
        replace_all(drafts)
    return result


def words(edit: Edit) -> str:
    """Say in words what an edit does."""
    match edit.kind:
        case "marker":
            place = f" in {edit.via}" if edit.via else ""
            return f'the marker "{edit.value}" for {edit.package}{place}'
        case "requires-python":
            return f'requires-python = "{edit.value}"'
        case "index":
            return f"{edit.package} = {edit.value} in [tool.uv.sources]"
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
        self.mended: dict[str, Edit] = {}
        self._first = frozenset(
            (platform.platform, python.python, entry.package)
            for platform in report.platforms
            for python in platform.pythons
            for entry in python.entries
            if not entry.is_good
        )
        self.problems: frozenset[Problem] = self._first
        self.read = steps.inputs(target)
        self._judged: list[_Judged] = []
        self._target = target
        self._pythons = pythons
        self._network = network
        names = [platform.platform for platform in report.platforms]
        self._platforms = [defined.platform for defined in read_platforms(names, self.read.root)]

    def attempt(self, edit: Edit) -> str:
        """Keep `edit` where it helps; else return why it does not."""
        outcome = self._outcome(edit, self.drafts, self.problems)
        if isinstance(outcome, str):
            return outcome
        before = {package for *_, package in self.problems}
        self.drafts, self.problems, self._judged = outcome
        for package in before - {package for *_, package in self.problems} - {edit.package}:
            self.mended[package] = edit
        return ""

    def alone(self, edit: Edit) -> str:
        """Why `edit` by itself would not help the project as it is; empty where it would. Keeps nothing."""
        outcome = self._outcome(edit, {}, self._first)
        return outcome if isinstance(outcome, str) else ""

    def _outcome(
        self, edit: Edit, drafts: Drafts, known: frozenset[Problem]
    ) -> tuple[Drafts, frozenset[Problem], list[_Judged]] | str:
        """What comes of an edit on top of drafts that leave the `known` problems, or why it does not help."""
        mended = {problem for problem in known if problem[2] == edit.package}
        try:
            edited = self._edited(edit, drafts)
            if edited == drafts:
                return "the project says so already"
            target = replace(self._target, drafts=edited)
            read = steps.inputs(target)
            lock = steps.lock(target, Mode.DRY_RUN, network=self._network).lock
            judged = self._judge(lock, read)
        except NetworkError:
            raise
        except LockflowError as error:
            return error.what
        problems = frozenset(
            (coverage.platform, coverage.python, finding.package)
            for coverage, *_ in judged
            for finding in coverage.findings
            if not finding.is_good
        )
        worse = sorted(problems - known)
        if worse:
            platform, python, package = worse[0]
            return f"{package} would then be a problem on {platform} with Python {python}"
        # A constraint may mend one platform and a marker another, so that less of the same package counts too.
        if not mended - problems:
            return f"{edit.package} would still be a problem on {', '.join(sorted({place for place, _, _ in mended}))}"
        return edited, problems, judged

    def more_offers(self) -> list[tuple[str, list[Edit]]]:
        """What leaves packages out that are still wrong, by the ways in which they are required now."""
        offers: dict[str, dict[Edit, None]] = {}
        for coverage, graph, platform, python in self._judged:
            for finding in with_advice(coverage, graph, platform, python, Policy()).findings:
                if finding.status is Status.MISSING:
                    edits = [edit for edit in finding.edits if edit.kind in ("marker", "override")]
                    offers.setdefault(finding.package, {}).update(dict.fromkeys(edits))
        return [(package, list(edits)) for package, edits in offers.items()]

    def _judge(self, lock: Lock, read: ReadResult) -> list[_Judged]:
        settings = read.manifest.settings
        pythons = pythons_to_check(read.manifest.requires_python, self._pythons or settings.python_versions)
        graph, policy = graph_of(lock), Policy(allow_sdist=settings.allow_sdist)
        return [
            (cover(graph, platform, python, policy), graph, platform, python)
            for platform in self._platforms
            for python in pythons
        ]

    def _edited(self, edit: Edit, drafts: Drafts) -> Drafts:
        folder = self._folder_of(edit.owner) if edit.owner else self.read.root
        path = folder / "pyproject.toml"
        text = drafts.get(path)
        if text is None:
            text = read_text(path)
        edited = _apply(edit, text, str(path))
        return {**drafts, path: edited} if edited != text else drafts

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
    if edit.kind == "index":
        return _with_index(edit, text, where)
    if edit.kind == "override":
        return _overridden(edit, text, where)
    tables, key = _PLACES[edit.kind]
    return with_item(text, tables, key, edit.value, where=where)


def _with_index(edit: Edit, text: str, where: str) -> str:
    """Add a source to a package that has none; one that somebody wrote is not for us to change."""
    tables = ("tool", "uv", "sources")
    sources = document(text, where).get("tool", {}).get("uv", {}).get("sources", {})
    known = {normalize_name(name) for name in sources}
    return text if edit.package in known else with_entry(text, tables, edit.package, edit.value, where=where)


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
        old, new = read_text(path).splitlines(keepends=True), text.splitlines(keepends=True)
        lines.extend(difflib.unified_diff(old, new, f"a/{name}", f"b/{name}"))
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
