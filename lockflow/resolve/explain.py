"""From the proof of a failure to sentences: a headline, the chain of reasons, and hints what to change."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from lockflow.index.model import Absent
from lockflow.resolve.candidates import Unusable
from lockflow.resolve.condense import Step, condense, extension
from lockflow.resolve.hints import hints
from lockflow.resolve.identity import Kind
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
from lockflow.resolve.words import Words
from lockflow.standards.markers.render import render
from lockflow.standards.requirements import Registry

_ABSENCES = {
    "not-found": "was not found on any configured index",
    "offline": "is not in the cache while the network is switched off",
    "unauthorized": "cannot be read: the index asks for other credentials",
    "invalid-metadata": "has metadata that cannot be read",
    "inconsistent-metadata": "has metadata that contradicts its file name",
    "needs-build": "tells its dependencies only when it is built from source",
    "build-disabled": "would have to be built from source, which is switched off",
    "build-failed": "could not be built",
    "requires-python": "cannot be built with the running Python",
}
_TROUBLES = {
    "no-binary": "has only wheels, which are switched off for it",
    "no-build": "has no usable wheel while building from source is switched off",
    "cutoff": "was uploaded after the exclude-newer cut-off",
    "yanked": "was yanked",
    "python-tag": "has no wheel for a Python that the project supports",
    "extension": "has only an archive of a kind that is not supported",
    "none": "has no usable file",
}


_PLURALS = {"has": "have", "was": "were", "is": "are", "tells": "tell", "would": "would"}
_MANY = 3
"""More versions, or names, are not listed one by one."""
_LONG_RUN = 3
"""Steps that differ in the version alone, from which on they are told in one."""


class Explanation(Struct, frozen=True):
    """`headline` says what failed and where, `reasons` are sentences in order, `hints` are edits to consider."""

    headline: str
    reasons: tuple[str, ...]
    hints: tuple[str, ...]


def explain(failure: Failure, policy: Policy) -> Explanation:
    """Put a failure into words. The text depends on the proof alone, never on what was fetched ahead."""
    words = Words(failure, policy)
    writer = _Writer(words, failure, policy)
    tree = condense(derivation(failure.store, failure.number, writer.is_noise))
    place = words.place()
    headline = f"{writer.nothing} {place}" if place else writer.nothing
    return Explanation(headline, tuple(writer.write(tree)), tuple(hints(failure, policy, leaves(tree), words)))


class _Writer:
    """Sentences about the incompatibilities of one failure."""

    def __init__(self, words: Words, failure: Failure, policy: Policy) -> None:
        self._words = words
        self._failure = failure
        self._policy = policy
        self._lines: list[str] = []
        self._numbers: dict[int, int] = {}
        self._uses: dict[int, int] = {}

    @property
    def nothing(self) -> str:
        return f"the requirements of {self._words.project} cannot be satisfied"

    def is_noise(self, incompatibility: Incompatibility) -> bool:
        """Whether a leaf only ties proxies together, or the root to its members."""
        cause = incompatibility.cause
        if isinstance(cause, RootCause):
            return True
        if isinstance(cause, NoVersions):
            return self._words.is_project(incompatibility.items[0][0])
        if not isinstance(cause, DependencyCause):
            return False
        package, target = self._words.identity(cause.package), self._words.identity(cause.target)
        if package.is_proxy or (package.name == target.name and package.kind != Kind.ROOT):
            return True
        return package.kind == Kind.ROOT and target.name in self._policy.members

    # The chain --------------------------------------------------------------------------------------------------

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
        if self._visit_run(node):
            return
        first, second = _premises(node)
        if first.is_leaf and second.is_leaf:
            self._conclude("Because", [first, second], node)
        elif first.is_leaf or second.is_leaf:
            leaf, derived = (first, second) if first.is_leaf else (second, first)
            self._visit_with_leaf(leaf, derived, node)
        else:
            self._visit_two(first, second, node)

    def _visit_with_leaf(self, leaf: Derivation, derived: Derivation, node: Derivation) -> None:
        if id(derived) in self._numbers:
            self._conclude("Because", [leaf, derived], node)
            return
        inner = self._single_premise(derived)
        if inner is not None and self._uses[id(derived)] == 1 and not self._run(derived):
            inner_leaf, inner_derived = inner
            self._visit_once(inner_derived)
            cited = [inner_derived] if self._is_behind(inner_derived) else []
            self._conclude("And because", [*cited, inner_leaf, leaf], node)
            return
        self._visit(derived)
        self._conclude("And because", [leaf], node)

    def _visit_two(self, first: Derivation, second: Derivation, node: Derivation) -> None:
        known = [entry for entry in (first, second) if id(entry) in self._numbers]
        if len(known) == 2:
            self._conclude("Because", [first, second], node)
        elif known:
            other = second if known[0] is first else first
            self._visit(other)
            self._conclude("And because", known, node)
        else:
            self._visit(first)
            self._numbered(first)
            self._visit_once(second)
            self._conclude("And because", [first], node)

    def _visit_once(self, node: Derivation) -> None:
        if id(node) not in self._numbers:
            self._visit(node)

    def _is_behind(self, node: Derivation) -> bool:
        """Whether a numbered conclusion is not the one just written, so that "and because" would not reach it."""
        number = self._numbers.get(id(node))
        return number is not None and not self._lines[-1].endswith(f"({number})")

    def _single_premise(self, node: Derivation) -> tuple[Derivation, Derivation] | None:
        first, second = _premises(node)
        if first.is_leaf == second.is_leaf:
            return None
        return (first, second) if first.is_leaf else (second, first)

    # Runs -------------------------------------------------------------------------------------------------------

    def _run(self, node: Derivation) -> list[Step]:
        """The steps by which `node` says of more and more versions of one package what the first says of some.

        The last comes first. Empty for a short run.
        """
        steps: list[Step] = []
        while True:
            step = extension(node)
            if step is None or (steps and step.package != steps[0].package):
                break
            if any(self._uses[id(entry)] > 1 for entry in step.between):
                break
            steps.append(step)
            node = step.smaller
            if node.is_leaf or self._uses[id(node)] > 1:
                break
        return steps if len(steps) >= _LONG_RUN else []

    def _visit_run(self, node: Derivation) -> bool:
        """Write the first step of a long run, and all others in one line."""
        steps = self._run(node)
        if not steps:
            return False
        base, package = steps[-1].smaller, steps[0].package
        versions = node.incompatibility.terms[package].range & ~base.incompatibility.terms[package].range
        ways = self._ways([entry for step in steps for entry in step.added], node)
        rest = f"it is the same with {self._words.subject(package, versions)}{ways}"
        if base.is_leaf:
            rest = f"Because {self._premise(base.incompatibility)}, and {rest}, "
        else:
            self._visit_once(base)
            rest = f"And {rest}, so that "
        self._lines.append(f"{rest}{self._conclusion(node.incompatibility)}.")
        if self._uses[id(node)] > 1:
            self._numbered(node)
        return True

    def _ways(self, added: list[Derivation], node: Derivation) -> str:
        """The packages that lead from one to the other in the steps left out."""
        told = {self._words.identity(number).name for number, _ in node.incompatibility.items}
        names: dict[str, None] = {}
        for entry in added:
            for leaf in leaves(entry):
                for number, _ in leaf.items:
                    identity = self._words.identity(number)
                    if identity.kind > Kind.PYTHON and identity.name not in told:
                        names[identity.name] = None
        if not names:
            return ""
        listed = sorted(names)
        return f" by way of {', '.join(listed) if len(listed) <= _MANY else f'{len(listed)} others'}"

    # Conclusions ------------------------------------------------------------------------------------------------

    def _conclude(self, opening: str, premises: Iterable[Derivation], node: Derivation) -> None:
        texts = [self._premise(entry.incompatibility) if entry.is_leaf else self._cited(entry) for entry in premises]
        self._lines.append(f"{opening} {_joined(texts)}, {self._conclusion(node.incompatibility)}.")
        if self._uses[id(node)] > 1:
            self._numbered(node)

    def _numbered(self, node: Derivation) -> None:
        if id(node) not in self._numbers:
            self._numbers[id(node)] = len(self._numbers) + 1
            self._lines[-1] += f" ({self._numbers[id(node)]})"

    def _cited(self, node: Derivation) -> str:
        return f"{self._conclusion(node.incompatibility)} ({self._numbers[id(node)]})"

    def _conclusion(self, incompatibility: Incompatibility) -> str:
        words = self._words
        items = [
            (number, term)
            for number, term in incompatibility.items
            if words.identity(number).kind != Kind.ROOT and not words.is_project(number)
        ]
        positive = [(number, term) for number, term in items if term.is_positive]
        negative = [(number, term) for number, term in items if not term.is_positive]
        if not items:
            return self.nothing
        subjects = list(dict.fromkeys(words.subject(number, term.range) for number, term in positive))
        if not negative:
            if len(items) < len(incompatibility.items):
                subjects.insert(0, words.project)
            if len(subjects) == 1:
                return _unusable(subjects[0])
            return f"{_joined(subjects)} are incompatible"
        targets = " or ".join(words.requirement(number, term.range) for number, term in negative)
        subjects = subjects or [words.project]
        verb = _verb(subjects[0], "depends", "depend") if len(subjects) == 1 else "depend"
        return f"{_joined(subjects)} {verb} on {targets}"

    # Premises ---------------------------------------------------------------------------------------------------

    def _premise(self, incompatibility: Incompatibility) -> str:
        cause = incompatibility.cause
        if isinstance(cause, DependencyCause):
            return self._dependency(incompatibility, cause)
        number, term = incompatibility.items[0]
        if isinstance(cause, NoVersions):
            return self._no_versions(number, term)
        assert isinstance(cause, Unavailable)
        return self._unavailable(number, term, cause.reason)

    def _dependency(self, incompatibility: Incompatibility, cause: DependencyCause) -> str:
        package = incompatibility.terms[cause.package]
        target = incompatibility.terms.get(cause.target)
        subject = self._words.subject(cause.package, package.range)
        verb = _verb(subject, "depends on", "depend on")
        if target is None:
            return f"{subject} {verb} versions that cannot exist"
        if self._words.identity(cause.target).kind == Kind.PYTHON:
            return f"{subject} {_verb(subject, 'requires', 'require')} Python {target.range.text}"
        return f"{subject} {verb} {self._words.written(cause.package, package.range, cause.target, target.range)}"

    def _no_versions(self, number: int, term: Term) -> str:
        identity = self._words.identity(number)
        if identity.kind == Kind.PYTHON:
            return f"the project supports Python {self._policy.manifest.requires_python.text}"
        known = self._words.known(identity.name)
        wanted = self._words.requirement(number, term.range)
        if not known:
            return f"no version of {identity.name} can be seen"
        if identity.name in self._failure.state.sources:
            return f"{identity.name} is {known[0]}, not {wanted}"
        if len(known) <= _MANY:
            texts = _joined([f"{identity.name}=={version}" for version in known])
            return f"only {texts} {'is' if len(known) == 1 else 'are'} available"
        return f"there is no version of {wanted}"

    def _unavailable(self, number: int, term: Term, reason: object) -> str:
        subject = self._words.subject(number, term.range)
        has, requires = _verb(subject, "has", "have"), _verb(subject, "requires", "require")
        if isinstance(reason, Absent):
            if reason.kind == "not-found":
                return f"{self._words.identity(number).name} {_ABSENCES[reason.kind]}"
            detail = f" ({reason.reason})" if reason.reason else ""
            return f"{subject} {_agreeing(subject, _ABSENCES[reason.kind])}{detail}"
        if isinstance(reason, Unusable):
            detail = f" (reason: {reason.detail})" if reason.detail else ""
            return f"{subject} {_agreeing(subject, _TROUBLES[reason.trouble])}{detail}"
        if isinstance(reason, RequiresHigherPython):
            return f"{subject} {requires} Python {reason.requires_python}"
        if isinstance(reason, NoWheelFor):
            return f"{subject} {has} neither a wheel where {render(reason.marker)} nor a source distribution"
        if isinstance(reason, NoRequiredWheel):
            return f"{subject} {has} no wheel for {reason.target}, which require-wheels asks for"
        if isinstance(reason, EmptySpecifier):
            source = reason.requirement.source
            text = str(source.specifiers) if isinstance(source, Registry) else ""
            return f"{subject} {requires} {reason.requirement.name}{text}, a range in which nothing lies"
        return _unusable(subject)


def _premises(node: Derivation) -> tuple[Derivation, Derivation]:
    assert node.first is not None
    assert node.second is not None
    return node.first, node.second


def _verb(subject: str, singular: str, plural: str) -> str:
    return plural if subject.startswith("all versions") else singular


def _agreeing(subject: str, text: str) -> str:
    """`has no wheel` of one, `have no wheel` of all."""
    first, space, rest = text.partition(" ")
    return _verb(subject, first, _PLURALS.get(first, first)) + space + rest


def _unusable(subject: str) -> str:
    if subject.startswith("all versions"):
        return f"{subject.replace('all versions', 'no version', 1)} can be used"
    return f"{subject} cannot be used"


def _joined(texts: Iterable[str]) -> str:
    """Texts with commas and an "and"; what has the same beginning up to its verb is said once."""
    unique = list(dict.fromkeys(text for text in texts if text))
    if len(unique) == 2:
        first, second = unique
        beginning, verb, _ = second.partition(" depends on ")
        if verb and first.startswith(beginning + verb):
            second = second.removeprefix(beginning + verb)
        comma = "," if ", " in first else ""
        return f"{first}{comma} and {second}"
    return f"{', '.join(unique[:-1])} and {unique[-1]}" if len(unique) > 1 else "".join(unique)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
