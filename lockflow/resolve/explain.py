"""From the proof of a failure to sentences: a headline, the chain of reasons, and hints what to change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lockflow.index.model import Absent
from lockflow.resolve.candidates import Unusable
from lockflow.resolve.hints import hints
from lockflow.resolve.identity import Identity, Kind
from lockflow.resolve.policy import Policy
from lockflow.resolve.pubgrub.derivation import Derivation, derivation, leaves
from lockflow.resolve.pubgrub.incompatibility import (
    DependencyCause,
    Incompatibility,
    NoVersions,
    RootCause,
    Unavailable,
)
from lockflow.resolve.pubgrub.term import Term
from lockflow.resolve.solve import Failure
from lockflow.resolve.unavailable import EmptySpecifier, NoRequiredWheel, NoWheelFor, RequiresHigherPython
from lockflow.standards.markers.render import render
from lockflow.standards.markers.simplify import simplify_python
from lockflow.standards.requirements import ConflictItem
from lockflow.standards.versions import Version, VersionRange

_ABSENCES = {
    "not-found": "was not found on any configured index",
    "offline": "is not in the cache, and the network is switched off",
    "unauthorized": "cannot be read: the index refused the credentials",
    "invalid-metadata": "has metadata that cannot be read",
    "inconsistent-metadata": "has metadata that contradicts its file name",
    "needs-build": "tells its dependencies only when it is built from source",
    "build-disabled": "would have to be built from source, and builds are switched off",
    "build-failed": "could not be built",
    "requires-python": "cannot be built with the running Python",
}
_TROUBLES = {
    "no-binary": "has only wheels, and wheels are switched off for it",
    "no-build": "has no usable wheel, and building from source is switched off",
    "cutoff": "was uploaded after the exclude-newer cut-off",
    "yanked": "was yanked",
    "python-tag": "has no wheel for a Python that the project supports",
    "extension": "has only an archive of a kind that is not supported",
    "none": "has no usable file",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """`headline` says what failed and where, `reasons` are sentences in order, `hints` are edits to consider."""

    headline: str
    reasons: tuple[str, ...]
    hints: tuple[str, ...]


def explain(failure: Failure, policy: Policy) -> Explanation:
    """Put a failure into words. The text depends on the proof alone, never on what was fetched ahead."""
    writer = _Writer(failure, policy)
    tree = derivation(failure.store, failure.number, writer.is_noise)
    reasons = tuple(writer.write(tree))
    return Explanation(writer.headline(), reasons, tuple(hints(failure, policy, leaves(tree), writer.subject)))


class _Writer:
    """Sentences about incompatibilities of one failure."""

    def __init__(self, failure: Failure, policy: Policy) -> None:
        self._failure = failure
        self._policy = policy
        self._lines: list[str] = []
        self._numbers: dict[int, int] = {}
        self._uses: dict[int, int] = {}

    # Words ------------------------------------------------------------------------------------------------------

    def headline(self) -> str:
        environment = self._failure.state.environment
        text = f"the requirements of {self._project} cannot be satisfied"
        if environment.is_everything:
            return text
        marker, included, excluded = environment.describe()
        parts = []
        condition = render(simplify_python(marker, self._policy.python))
        if condition is not None:
            parts.append(condition)
        parts += [f"with {item.package}[{item.name}]" if item.name else f"with {item.package}" for item in included]
        parts += [
            f"without {item.package}[{item.name}]" if item.name else f"without {item.package}" for item in excluded
        ]
        return f"{text} where {', '.join(parts)}" if parts else text

    @property
    def _project(self) -> str:
        members = self._policy.manifest.members
        if len(members) == 1:
            return members[0].name
        return "the workspace" if members else "the script"

    def identity(self, number: int) -> Identity:
        return self._failure.identities[number]

    def is_noise(self, incompatibility: Incompatibility) -> bool:
        """Whether a leaf only ties proxies together, or the root to its members."""
        cause = incompatibility.cause
        if isinstance(cause, RootCause):
            return True
        if isinstance(cause, NoVersions):
            return self._is_project(incompatibility.items[0][0])
        if not isinstance(cause, DependencyCause):
            return False
        package, target = self.identity(cause.package), self.identity(cause.target)
        if package.is_proxy or (package.name == target.name and package.kind is not Kind.ROOT):
            return True
        return package.kind is Kind.ROOT and target.name in self._policy.members

    def write(self, tree: Derivation) -> list[str]:
        """The chain of reasons, one conclusion a line; what is used twice is numbered and cited."""
        if tree.is_leaf:
            return [f"{_capital(self._premise(tree.incompatibility))}."]
        self._count_uses(tree)
        self._visit(tree)
        return self._lines

    def _count_uses(self, tree: Derivation) -> None:
        stack = [tree]
        while stack:
            node = stack.pop()
            self._uses[id(node)] = self._uses.get(id(node), 0) + 1
            if self._uses[id(node)] == 1 and node.first is not None and node.second is not None:
                stack += [node.first, node.second]

    def _visit(self, node: Derivation) -> None:
        """Write what leads to `node`, then `node`; of two conclusions the longer chain comes first."""
        first, second = _premises(node)
        if first.is_leaf and second.is_leaf:
            self._conclude(
                "Because", [self._premise(first.incompatibility), self._premise(second.incompatibility)], node
            )
        elif first.is_leaf or second.is_leaf:
            leaf, derived = (first, second) if first.is_leaf else (second, first)
            self._visit_with_leaf(leaf, derived, node)
        else:
            self._visit_two(first, second, node)

    def _visit_with_leaf(self, leaf: Derivation, derived: Derivation, node: Derivation) -> None:
        premises = [self._premise(leaf.incompatibility)]
        if id(derived) in self._numbers:
            self._conclude("Because", [*premises, self._cited(derived)], node)
            return
        inner = self._single_premise(derived)
        if inner is not None and self._uses[id(derived)] == 1:
            inner_leaf, inner_derived = inner
            self._visit_once(inner_derived)
            self._conclude("And because", [self._premise(inner_leaf.incompatibility), *premises], node)
            return
        self._visit(derived)
        self._conclude("And because", premises, node)

    def _visit_two(self, first: Derivation, second: Derivation, node: Derivation) -> None:
        known = [entry for entry in (first, second) if id(entry) in self._numbers]
        if len(known) == 2:
            self._conclude("Because", [self._cited(first), self._cited(second)], node)
        elif known:
            other = second if known[0] is first else first
            self._visit(other)
            self._conclude("And because", [self._cited(known[0])], node)
        else:
            self._visit(first)
            self._numbered(first)
            self._visit_once(second)
            self._conclude("And because", [self._cited(first)], node)

    def _visit_once(self, node: Derivation) -> None:
        if id(node) not in self._numbers:
            self._visit(node)

    def _single_premise(self, node: Derivation) -> tuple[Derivation, Derivation] | None:
        first, second = _premises(node)
        if first.is_leaf == second.is_leaf:
            return None
        return (first, second) if first.is_leaf else (second, first)

    def _conclude(self, opening: str, premises: Iterable[str], node: Derivation) -> None:
        unique = list(dict.fromkeys(text for text in premises if text))
        self._lines.append(f"{opening} {' and '.join(unique)}, {self._conclusion(node.incompatibility)}.")
        if self._uses[id(node)] > 1:
            self._numbered(node)

    def _numbered(self, node: Derivation) -> None:
        if id(node) not in self._numbers:
            self._numbers[id(node)] = len(self._numbers) + 1
            self._lines[-1] += f" ({self._numbers[id(node)]})"

    def _cited(self, node: Derivation) -> str:
        return f"{self._conclusion(node.incompatibility)} ({self._numbers[id(node)]})"

    # Sentences --------------------------------------------------------------------------------------------------

    def _premise(self, incompatibility: Incompatibility) -> str:
        cause = incompatibility.cause
        items = incompatibility.items
        if isinstance(cause, DependencyCause):
            return self._dependency(incompatibility, cause)
        if not items:
            return ""
        number, term = items[0]
        if isinstance(cause, NoVersions):
            return self._no_versions(number, term)
        if isinstance(cause, Unavailable):
            return self._unavailable(number, term, cause.reason)
        return self._conclusion(incompatibility)

    def _dependency(self, incompatibility: Incompatibility, cause: DependencyCause) -> str:
        package = incompatibility.terms[cause.package]
        target = incompatibility.terms.get(cause.target)
        subject = self.subject(cause.package, package.range)
        verb = "depend on" if subject.startswith("all versions") else "depends on"
        if target is None:
            return f"{subject} {verb} versions that cannot exist"
        if self.identity(cause.target).kind is Kind.PYTHON:
            return f"{subject} {'require' if verb == 'depend on' else 'requires'} Python {target.range.text}"
        return f"{subject} {verb} {self.requirement(cause.target, target.range)}"

    def _no_versions(self, number: int, term: Term) -> str:
        identity = self.identity(number)
        if identity.kind is Kind.PYTHON:
            return f"the project supports Python {self._policy.manifest.requires_python.text}"
        known = self.known(identity.name)
        wanted = self.requirement(number, term.range)
        if not known:
            return f"there are no versions of {identity.name}"
        if len(known) <= 3:
            texts = " and ".join(f"{identity.name}=={version}" for version in known)
            return f"only {texts} {'is' if len(known) == 1 else 'are'} available"
        if identity.name in self._failure.state.sources:
            return f"{identity.name} is {known[0]}, not {wanted}"
        return f"there is no version of {wanted}"

    def _unavailable(self, number: int, term: Term, reason: object) -> str:
        subject = self.subject(number, term.range)
        if isinstance(reason, Absent):
            if reason.kind == "not-found":
                return f"{self.identity(number).name} {_ABSENCES[reason.kind]}"
            detail = f" ({reason.reason})" if reason.reason else ""
            return f"{subject} {_ABSENCES[reason.kind]}{detail}"
        if isinstance(reason, Unusable):
            detail = f" (reason: {reason.detail})" if reason.detail else ""
            return f"{subject} {_TROUBLES[reason.trouble]}{detail}"
        if isinstance(reason, RequiresHigherPython):
            return f"{subject} requires Python {reason.requires_python}"
        if isinstance(reason, NoWheelFor):
            return f"{subject} has no wheel where {render(reason.marker)}, and no source distribution"
        if isinstance(reason, NoRequiredWheel):
            return f"{subject} has no wheel for {reason.target}, which require-wheels asks for"
        if isinstance(reason, EmptySpecifier):
            return f"{subject} requires {reason.requirement.name} in a range that is empty"
        return f"{subject} cannot be used"

    def _conclusion(self, incompatibility: Incompatibility) -> str:
        items = [
            (number, term)
            for number, term in incompatibility.items
            if self.identity(number).kind is not Kind.ROOT and not self._is_project(number)
        ]
        positive = [(number, term) for number, term in items if term.is_positive]
        negative = [(number, term) for number, term in items if not term.is_positive]
        if not items:
            return f"the requirements of {self._project} cannot be satisfied"
        if not negative:
            subjects = list(dict.fromkeys(self.subject(number, term.range) for number, term in positive))
            has_project = len(items) < len(incompatibility.items)
            if len(subjects) == 1 and not has_project:
                return f"{subjects[0]} cannot be used"
            return f"{' and '.join([self._project, *subjects] if has_project else subjects)} are incompatible"
        targets = " or ".join(self.requirement(number, term.range) for number, term in negative)
        subjects = [self.subject(number, term.range) for number, term in positive] or [self._project]
        return f"{' and '.join(subjects)} {'depend' if len(subjects) > 1 else 'depends'} on {targets}"

    def _is_project(self, number: int) -> bool:
        return self.identity(number).name in self._policy.members

    def subject(self, number: int, versions: VersionRange) -> str:
        """A package at a set of versions, in terms of the versions that exist."""
        identity = self.identity(number)
        if identity.kind is Kind.ROOT:
            return self._project
        name = _name(identity)
        if self._is_project(number):
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
        name = _name(identity)
        if versions.is_full:
            return name
        text = versions.text.removeprefix("===") if versions.text.startswith("===") else None
        return f"{name}=={text}" if text is not None else f"{name}{versions.text}"

    def known(self, name: str) -> list[Version]:
        """The versions that were considered, ascending."""
        found: set[Version] = set()
        for versions in self._failure.listed.visited(name):
            found.update(versions.versions)
        return sorted(found)


def _premises(node: Derivation) -> tuple[Derivation, Derivation]:
    assert node.first is not None
    assert node.second is not None
    return node.first, node.second


def _item(item: ConflictItem) -> str:
    if item.name is None:
        return item.package
    return f"{item.package}:{item.name}" if item.kind == "group" else f"{item.package}[{item.name}]"


def _name(identity: Identity) -> str:
    text = identity.name
    if identity.extra is not None:
        text += f"[{identity.extra}]"
    if identity.group is not None:
        text += f":{identity.group}"
    condition = render(identity.marker)
    return f"{text}{{{condition}}}" if condition is not None else text


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


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
