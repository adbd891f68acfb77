"""`[dependency-groups]` to groups with their includes expanded, and conflicts that follow includes (PEP 735)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from lockflow.inputs.tables import Table
from lockflow.standards.markers.tree import Marker, python_range_marker
from lockflow.standards.names import normalize_name
from lockflow.standards.python_range import python_range
from lockflow.standards.requirements import ConflictItem, Requirement
from lockflow.standards.specifiers import InvalidSpecifier, Specifier, Specifiers


class Include(Struct, frozen=True):
    group: str


class DeclaredGroup(Struct, frozen=True):
    """A group as written: requirements and includes in their order, and the specifiers of its own Pythons."""

    name: str
    entries: tuple[Requirement | Include, ...]
    requires_python: Specifiers | None = None


class FlatGroup(Struct, frozen=True):
    """A group after expansion. `requires_python` joins its own specifiers with those of what it includes."""

    name: str
    requirements: tuple[Requirement, ...]
    requires_python: str | None = None


def parse_groups(
    table: Table | None, settings: Table | None, legacy: Sequence[Requirement] | None
) -> dict[str, DeclaredGroup]:
    """`[dependency-groups]` with `[tool.uv.dependency-groups]`; `legacy` are `tool.uv.dev-dependencies`."""
    found: dict[str, DeclaredGroup] = {}
    for key in table.values if table is not None else ():
        assert table is not None
        if not table.is_name(key, key):
            continue
        name = normalize_name(key)
        if name in found:
            table.fault(key, f"the group {name} is given twice", next="keep one of the spellings of the name")
        found[name] = DeclaredGroup(name, tuple(_entries(table, key)))
    pythons = _requires_python(settings, found, has_legacy=legacy is not None) if settings is not None else {}
    for name, specifiers in pythons.items():
        found[name] = DeclaredGroup(name, found[name].entries, specifiers)
    return found


def _entries(table: Table, key: str) -> list[Requirement | Include]:
    entries: list[Requirement | Include] = []
    for index, value in enumerate(table.array(key) or ()):
        place = f"{key}[{index}]"
        if isinstance(value, str):
            requirement = table.requirement(place, value)
            if requirement is not None:
                entries.append(requirement)
        elif isinstance(value, dict) and set(value) == {"include-group"} and isinstance(value["include-group"], str):
            if table.is_name(place, value["include-group"]):
                entries.append(Include(normalize_name(value["include-group"])))
        else:
            remedy = 'write a requirement, or { include-group = "name" }'
            table.fault(place, f"an entry of the group {key} is neither a requirement nor an include", next=remedy)
    return entries


def _requires_python(table: Table, groups: Mapping[str, DeclaredGroup], *, has_legacy: bool) -> dict[str, Specifiers]:
    found = {}
    for key in table.values:
        settings = table.table(key)
        name = normalize_name(key)
        if settings is None:
            continue
        settings.warn_unknown(("requires-python",))
        if name not in groups:
            why = "it is made of dev-dependencies only" if has_legacy and name == "dev" else ""
            table.fault(key, f"there is no group {key!r} in [dependency-groups]", why=why)
            continue
        text = settings.text("requires-python")
        if text is None:
            continue
        try:
            found[name] = Specifiers.parse(text)
            python_range(text)
        except (InvalidSpecifier, ValueError) as error:
            settings.fault("requires-python", f"requires-python cannot be {text!r}", needle=text, why=str(error))
    return found


def flatten(groups: Mapping[str, DeclaredGroup], legacy: Sequence[Requirement] | None, table: Table) -> list[FlatGroup]:
    """Groups sorted by name, includes expanded; unknown and circular includes are noted at `table`.

    `legacy` ends up in `dev` and cannot be included. The Pythons of a group become a marker on all that it lists
    or includes: of their specifiers only the bounding interval counts there.
    """
    flattening = _Flattening(groups, legacy, table)
    for name in groups:
        flattening.flatten(name, ())
    flat = {
        name: FlatGroup(name, requirements, _text(clauses)) for name, (requirements, clauses) in flattening.done.items()
    }
    if legacy is not None:
        dev = flat.get("dev", FlatGroup("dev", ()))
        flat["dev"] = FlatGroup("dev", (*dev.requirements, *legacy), dev.requires_python)
    return [flat[name] for name in sorted(flat)]


def _text(clauses: tuple[Specifier, ...]) -> str | None:
    return str(Specifiers(clauses)) if clauses else None


_LARGEST = 100_000
"""Requirements and specifiers of all groups after expansion; more come from no honest project."""


class _Flattening:
    """Groups that are expanded already: what each requires, and the specifiers of its Pythons."""

    def __init__(self, groups: Mapping[str, DeclaredGroup], legacy: Sequence[Requirement] | None, table: Table) -> None:
        self.done: dict[str, tuple[tuple[Requirement, ...], tuple[Specifier, ...]]] = {}
        self._groups = groups
        self._legacy = legacy
        self._table = table
        self._size = 0

    def flatten(self, name: str, chain: tuple[str, ...]) -> None:
        """Expand a group that those of `chain` include, one in the other."""
        if name in self.done:
            return
        group = self._groups[name]
        requirements: list[Requirement] = []
        clauses = list(group.requires_python.clauses) if group.requires_python is not None else []
        for entry in group.entries:
            if isinstance(entry, Requirement):
                requirements.append(entry)
            elif self._may_include(entry.group, name, chain):
                self.flatten(entry.group, (*chain, name))
                inner, inner_clauses = self.done[entry.group]
                if self._size + len(requirements) + len(clauses) + len(inner) + len(inner_clauses) > _LARGEST:
                    # Those that include it go on from nothing, so one fault is told.
                    self._table.fault(name, f"with the group {name} the groups have more than {_LARGEST} requirements")
                    requirements, clauses = [], []
                    break
                requirements.extend(inner)
                clauses.extend(inner_clauses)
        if group.requires_python is not None:
            marker = python_range_marker(python_range(str(group.requires_python)))
            requirements = [_narrowed(requirement, marker) for requirement in requirements]
        self.done[name] = (tuple(requirements), tuple(clauses))
        self._size += len(requirements) + len(clauses)

    def _may_include(self, other: str, name: str, chain: tuple[str, ...]) -> bool:
        """Whether a group may include another; if not, that is noted."""
        if other in (*chain, name):
            circle = (*chain, name, other)
            text = " -> ".join(circle[circle.index(other) :])
            self._table.fault(name, f"groups include each other in a circle: {text}", next="remove one of the includes")
            return False
        if other not in self._groups:
            why = "dev-dependencies cannot be included" if self._legacy is not None and other == "dev" else ""
            self._table.fault(name, f"the group {name} includes {other}, which does not exist", why=why)
            return False
        if len(chain) >= 200:
            self._table.fault(name, "groups include each other more than 200 deep")
            return False
        return True


def _narrowed(requirement: Requirement, marker: Marker) -> Requirement:
    return Requirement(
        name=requirement.name,
        extras=requirement.extras,
        groups=requirement.groups,
        marker=requirement.marker & marker,
        source=requirement.source,
    )


def extend_conflicts(
    sets: Sequence[tuple[ConflictItem, ...]], package: str | None, groups: Mapping[str, DeclaredGroup]
) -> list[tuple[ConflictItem, ...]]:
    """The declared sets and, behind them, those in which a group stands for one that it includes.

    Only groups of `package` are followed. What is added is sorted, since uv's order there has no rule.
    """
    declared = list(sets)
    if package is None:
        return declared
    includes = {
        name: {entry.group for entry in group.entries if isinstance(entry, Include)} for name, group in groups.items()
    }
    named = {item.name for members in sets for item in members if item.kind == "group" and item.package == package}
    substitutes = {
        group: sorted(other for other in groups if other != group and _reaches(other, group, includes))
        for group in sorted(name for name in named if name is not None)
    }
    known = set(declared)
    added: set[tuple[ConflictItem, ...]] = set()
    for group, others in substitutes.items():
        item = ConflictItem(package=package, kind="group", name=group)
        for members in (*declared, *sorted(added)):
            if item not in members:
                continue
            for other in others:
                replaced = {ConflictItem(package=package, kind="group", name=other), *members} - {item}
                candidate = tuple(sorted(replaced))
                # Where both were members only one is left, which uv keeps all the same.
                if candidate not in known:
                    added.add(candidate)
    return [*declared, *sorted(added)]


def _reaches(start: str, goal: str, includes: Mapping[str, set[str]]) -> bool:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            waiting.extend(includes.get(name, ()))
    return False
