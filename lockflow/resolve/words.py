"""What an explanation calls things: packages at sets of versions, requirements as somebody wrote them."""

from __future__ import annotations

from collections.abc import Iterable

from lockflow.resolve.declared import metadata_need
from lockflow.resolve.identity import Identity, Kind
from lockflow.resolve.policy import Policy, root_requirements
from lockflow.resolve.solve import Failure
from lockflow.standards.markers.render import render
from lockflow.standards.markers.simplify import simplify_python
from lockflow.standards.markers.tree import implies
from lockflow.standards.requirements import ConflictItem, Registry, Requirement
from lockflow.standards.versions import Version, VersionRange


class Words:
    """Names things of one failure."""

    def __init__(self, failure: Failure, policy: Policy) -> None:
        self._failure = failure
        self._policy = policy

    def identity(self, number: int) -> Identity:
        return self._failure.identities[number]

    def is_project(self, number: int) -> bool:
        return self.identity(number).name in self._policy.members

    @property
    def project(self) -> str:
        members = self._policy.manifest.members
        if len(members) == 1:
            return members[0].name
        return "the workspace" if members else "the script"

    def subject(self, number: int, versions: VersionRange) -> str:
        """A package at a set of versions, in terms of the versions that exist."""
        identity = self.identity(number)
        if identity.kind == Kind.ROOT:
            return self.project
        name = self._name(identity)
        if self.is_project(number):
            return name
        known = self.known(identity.name)
        inside = [version for version in known if versions.contains(version)]
        if not known or not inside:
            return name if versions.is_full else f"{name}{versions.text}"
        if len(inside) == len(known):
            return f"{name}=={known[0]}" if len(known) == 1 else f"all versions of {name}"
        return f"{name}{_spans(known, versions)}"

    def requirement(self, number: int, versions: VersionRange) -> str:
        """A package as it is asked for."""
        identity = self.identity(number)
        name = self._name(identity)
        if versions.is_full:
            return name
        if " | " in versions.text:
            # What several versions ask for together is told by the versions that exist.
            known = self.known(identity.name)
            spans = _spans(known, versions)
            if spans:
                return f"{name}{spans}"
        text = versions.text
        return f"{name}={text.removeprefix('=')}" if text.startswith("===") else f"{name}{text}"

    def written(self, package: int, versions: VersionRange, target: int, wanted: VersionRange) -> str:
        """What a package asks for as it was written, with a note where a constraint or an override says so instead."""
        asking, asked = self.identity(package), self.identity(target)
        name = self._name(asked)
        for version, requirements in self._declared(asking, versions):
            text = _matching(requirements, asked, wanted)
            if text is not None:
                return f"{name}{text}"
            text = _matching(self._policy.rewrite(requirements, asking.name, version), asked, wanted)
            if text is not None:
                return f"{name}{text} (by override-dependencies)"
        text = _matching(self._policy.constraints(asked.name), asked, wanted)
        if text is not None:
            return f"{name}{text} (by constraint-dependencies)"
        return self.requirement(target, wanted)

    def known(self, name: str) -> list[Version]:
        """The versions that were considered, ascending."""
        found: set[Version] = set()
        for versions in self._failure.listed.visited(name):
            found.update(versions.versions)
        return sorted(found)

    def place(self) -> str:
        """Where the failure is: the condition of the fork, and the conflicting items that are on and off."""
        environment = self._failure.state.environment
        marker, included, excluded = environment.describe()
        condition = render(simplify_python(marker, self._policy.python))
        parts = [] if condition is None else [f"where {condition}"]
        parts += [f"with {item_text(item)}" for item in included]
        parts += [f"without {item_text(item)}" for item in excluded]
        return " and ".join(parts)

    def _name(self, identity: Identity) -> str:
        text = identity.name
        if identity.extra is not None:
            text += f"[{identity.extra}]"
        if identity.group is not None:
            text += f":{identity.group}"
        if implies(self._failure.state.environment.marker, identity.marker):
            return text
        condition = render(simplify_python(identity.marker, self._policy.python))
        return text if condition is None else f"{text}{{{condition}}}"

    def _declared(self, asking: Identity, versions: VersionRange) -> Iterable[tuple[Version | None, list[Requirement]]]:
        """What each version of a package declares, the newest first; of the root what it stands for."""
        if asking.kind == Kind.ROOT:
            return [(None, root_requirements(self._policy.manifest))]
        member = self._policy.members.get(asking.name)
        if member is not None:
            grouped = [entry for group in member.groups for entry in group.requirements]
            return [(member.version, [*member.requires_dist, *grouped])]
        found = []
        for (name, version), candidate in self._failure.state.pins.items():
            if name != asking.name or not versions.contains(version):
                continue
            metadata = self._failure.facts.peek_metadata(metadata_need(name, candidate))
            if metadata is not None:
                found.append((version, list(metadata.requires_dist)))
        return sorted(found, key=lambda entry: entry[0], reverse=True)


def item_text(item: ConflictItem) -> str:
    """A conflicting extra, group or project."""
    if item.name is None:
        return item.package
    return f"{item.package}:{item.name}" if item.kind == "group" else f"{item.package}[{item.name}]"


def _matching(requirements: Iterable[Requirement], asked: Identity, wanted: VersionRange) -> str | None:
    """The specifiers of the requirement that asks for just these versions."""
    for entry in requirements:
        if entry.name != asked.name or not isinstance(entry.source, Registry):
            continue
        if entry.source.specifiers.range == wanted:
            return str(entry.source.specifiers)
    return None


def _spans(known: list[Version], versions: VersionRange) -> str:
    """The known versions inside a set as `<=b`, `==c`, `>=d,<=e`, joined by ` | `."""
    spans: list[list[int]] = []
    for place, version in enumerate(known):
        if versions.contains(version):
            if spans and spans[-1][1] == place - 1:
                spans[-1][1] = place
            else:
                spans.append([place, place])
    texts = []
    for first, last in spans:
        if first == last:
            texts.append(f"=={known[first]}")
        elif first == 0:
            texts.append(f"<={known[last]}")
        elif last == len(known) - 1:
            texts.append(f">={known[first]}")
        else:
            texts.append(f">={known[first]},<={known[last]}")
    return " | ".join(texts)
