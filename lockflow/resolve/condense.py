"""A proof tree to one that is shorter to read: premises of the same kind joined, runs over versions recognised.

Nothing is left out that a conclusion rests on; several steps that differ in the version alone become one.
"""

from __future__ import annotations

from msgspec import Struct

from lockflow.index.model import Absent
from lockflow.resolve.candidates import Unusable
from lockflow.resolve.pubgrub.derivation import Derivation
from lockflow.resolve.pubgrub.incompatibility import Cause, DependencyCause, Incompatibility, NoVersions, Unavailable
from lockflow.resolve.pubgrub.term import Term


def condense(tree: Derivation) -> Derivation:
    """The same proof with premises joined that say the same of several versions of one package."""
    done: dict[int, Derivation] = {}
    # Children first, by an explicit stack: proofs can be thousands of steps deep.
    stack = [tree]
    while stack:
        node = stack[-1]
        if id(node) in done:
            stack.pop()
        elif node.first is None or node.second is None:
            done[id(node)] = node
        elif id(node.first) not in done or id(node.second) not in done:
            stack += [node.second, node.first]
        else:
            first, second = done[id(node.first)], done[id(node.second)]
            joined = _joined(first, second)
            done[id(node)] = joined or Derivation(node.incompatibility, first, second)
    return done[id(tree)]


class Step(Struct, frozen=True):
    """A conclusion about some versions of `package`, from `smaller`, the same about fewer of them.

    `added` are the other premises, `between` the conclusions on the way that are of no interest.
    """

    package: int
    smaller: Derivation
    added: tuple[Derivation, ...]
    between: tuple[Derivation, ...]


def extension(node: Derivation) -> Step | None:
    """How `node` says of more versions of a package what another says of fewer; None where it does not.

    What is depended on may be wider for more versions. One conclusion may lie between the two.
    """
    if node.first is None or node.second is None:
        return None
    pairs = ((node.first, node.second), (node.second, node.first))
    for premise, other in pairs:
        package = _grown(premise.incompatibility, node.incompatibility)
        if package is not None:
            return Step(package, premise, (other,), ())
    for premise, other in pairs:
        for inner, beside in ((premise.first, premise.second), (premise.second, premise.first)):
            if inner is None or beside is None:
                continue
            package = _grown(inner.incompatibility, node.incompatibility)
            if package is not None:
                return Step(package, inner, (beside, other), (premise,))
    return None


def _joined(first: Derivation, second: Derivation) -> Derivation | None:
    if not first.is_leaf or not second.is_leaf:
        return None
    a, b = first.incompatibility, second.incompatibility
    if a.terms.keys() != b.terms.keys() or not _is_same_kind(a.cause, b.cause):
        return None
    package = a.items[0][0] if not isinstance(a.cause, DependencyCause) else a.cause.package
    others_agree = all(term == b.terms[number] for number, term in a.items if number != package)
    if not others_agree or package not in a.terms or not a.terms[package].is_positive:
        return None
    versions = a.terms[package].range | b.terms[package].range
    return Derivation(Incompatibility({**a.terms, package: Term(True, versions)}, a.cause))


def _is_same_kind(a: Cause, b: Cause) -> bool:
    if isinstance(a, DependencyCause) and isinstance(b, DependencyCause):
        return (a.package, a.target) == (b.package, b.target)
    if isinstance(a, Unavailable) and isinstance(b, Unavailable):
        return _without_version(a.reason) == _without_version(b.reason)
    return isinstance(a, NoVersions) and isinstance(b, NoVersions)


def _without_version(reason: object) -> object:
    if isinstance(reason, Unusable):
        return (reason.trouble, reason.detail)
    if isinstance(reason, Absent):
        return (reason.kind, reason.reason)
    return reason


def _grown(smaller: Incompatibility, larger: Incompatibility) -> int | None:
    """The one package of which `larger` says what `smaller` says of fewer versions."""
    if smaller.terms.keys() != larger.terms.keys():
        return None
    grown = None
    for number, term in larger.items:
        known = smaller.terms[number]
        if known == term:
            continue
        if known.is_positive is not term.is_positive or not known.range.is_subset(term.range):
            return None
        if term.is_positive:
            if grown is not None:
                return None
            grown = number
    return grown
